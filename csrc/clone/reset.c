/* SPDX-License-Identifier: BSD-3-Clause */
/* Resetting a clone, each in the way of its mode; cenv.h has the contract. */
#include "base/alloc.h"
#include "cenv.h"
#include "clone/clone.h"
#include "clone/mode.h"
#include "clone/put_back.h"
#include "codec/json.h"

enum { NAMESPACE_MAX = 64 };

/* The report is of a clone; the reset has its own. */
static int clone_over(const struct cenv_clone_entry *clone,
                      const struct cenv_clone_options *options,
                      struct cenv_store *store, struct cenv_task *task,
                      struct cenv_error *err)
{
    struct cenv_buf report;
    cenv_buf_init(&report, CENV_JSON_MAX_SIZE);
    int rc =
        cenv_clone_run(store, clone->source, clone->path, options, task, &report, err);
    cenv_buf_release(&report);
    return rc;
}

/* The new one that failed took its entry away, and may have left another directory there. */
static void show_old(const struct cenv_clone_entry *clone,
                     const struct cenv_clone_mode *mode, const struct cenv_store *store,
                     struct cenv_overlay_kept *old)
{
    struct cenv_error ignored = CENV_ERROR_INIT;
    struct cenv_clone_entry again = *clone;
    struct cenv_stat st;
    if (cenv_raw_stat(CENV_CWD, clone->path, &st) == 0) {
        again.dev = st.dev;
        again.ino = st.ino;
    }
    mode->finish_anew(clone, old, false);
    cenv_clone_registry_enter(store, &again, &ignored);
    cenv_error_release(&ignored);
}

/* A new clone in the old one's place, for the same owner and request. */
static int clone_anew(const struct cenv_clone_entry *clone,
                      const struct cenv_clone_mode *mode, struct cenv_store *store,
                      struct cenv_task *task, struct cenv_error *err)
{
    struct cenv_buf namespace;
    struct cenv_overlay_kept old = {-1, -1};
    struct cenv_clone_options options = {.mode = mode, .owner = clone->owner.pid};
    cenv_buf_init(&namespace, NAMESPACE_MAX);
    int rc = mode->prepare_anew(clone, &namespace, &old, err);
    options.namespace = namespace.data;
    options.provenance = clone->provenance;
    options.note = clone->note;
    bool prepared = rc == 0;
    if (prepared)
        rc = clone_over(clone, &options, store, task, err);
    if (rc == 0)
        mode->finish_anew(clone, &old, true);
    else if (prepared)
        show_old(clone, mode, store, &old);
    cenv_buf_release(&namespace);
    return rc;
}

static int reset_clone(const struct cenv_clone_entry *clone, struct cenv_store *store,
                       struct cenv_reset_counts *counts, struct cenv_task *task,
                       struct cenv_error *err)
{
    const struct cenv_clone_mode *mode = cenv_clone_mode_of_entry(clone->mode);
    int rc = mode->reset(clone, store, mode->placing, counts, task, err);
    return rc == CENV_RESET_ANEW ? clone_anew(clone, mode, store, task, err) : rc;
}

int cenv_reset(struct cenv_store *store, const char *clone, struct cenv_task *task,
               struct cenv_buf *out, struct cenv_error *err)
{
    static const char hint[] =
        "only what cenv cloned can be reset; clone again instead";
    return cenv_put_back_known(store, clone, hint, reset_clone, task, out, err);
}
