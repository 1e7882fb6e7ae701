/* SPDX-License-Identifier: BSD-3-Clause */
/* Turns: locks by any text; cenv.h has the contract. */
#include <stdio.h>

#include "base/alloc.h"
#include "cenv.h"
#include "store/store_lock.h"

#define LOCK_PREFIX "turn-"

struct cenv_turn {
    const struct cenv_store *store;
    struct cenv_lock *lock;
    char name[sizeof(LOCK_PREFIX) + CENV_STORE_KEY];
};

int cenv_turn_take(struct cenv_store *store, const char *key, struct cenv_turn **out,
                   struct cenv_task *task, struct cenv_error *err)
{
    char hex[CENV_STORE_KEY];
    if (cenv_layout_key(cenv_str(key), hex, err) < 0)
        return err->status;
    struct cenv_turn *turn = cenv_calloc(1, sizeof(*turn));
    if (!turn)
        return cenv_error_oom(err);
    turn->store = store;
    snprintf(turn->name, sizeof(turn->name), LOCK_PREFIX "%s", hex);
    int rc = cenv_store_lock_take(store, turn->name, &turn->lock, task, err);
    if (rc == 0)
        *out = turn;
    else
        cenv_free(turn);
    return rc;
}

void cenv_turn_free(struct cenv_turn *turn)
{
    if (turn)
        cenv_store_lock_release(turn->store, turn->name, turn->lock);
    cenv_free(turn);
}
