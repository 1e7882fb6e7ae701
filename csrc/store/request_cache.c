/* SPDX-License-Identifier: BSD-3-Clause */
/* What requests led to: v1/requests; cenv.h has the contract. */
#include <stdio.h>

#include "codec/json.h"
#include "os/fs.h"
#include "store/layout.h"

static int request_name(const char *request, char *name, size_t size,
                        struct cenv_error *err)
{
    char key[CENV_STORE_KEY];
    int rc = cenv_layout_key(cenv_str(request), key, err);
    if (rc == 0)
        snprintf(name, size, "%s.json", key);
    return rc;
}

int cenv_request_put(struct cenv_store *store, const char *request,
                     const char *reply_json, struct cenv_error *err)
{
    char name[64];
    int rc = request_name(request, name, sizeof(name), err);
    if (rc < 0)
        return rc;
    return cenv_fs_write_atomic(store->dirs[CENV_STORE_REQUESTS], name,
                                cenv_str(reply_json), 0644, err);
}

/* Not synced when written: what is not whole after a power cut is as if it were not there. */
int cenv_request_find(struct cenv_store *store, const char *request,
                      struct cenv_buf *out, struct cenv_error *err)
{
    char name[64];
    struct cenv_json *reply = NULL;
    int dir = store->dirs[CENV_STORE_REQUESTS];
    int rc = request_name(request, name, sizeof(name), err);
    if (rc == 0)
        rc = cenv_layout_load_json(dir, name, &reply, err);
    if (rc == 0 && cenv_json_print(reply, 0, out) < 0)
        rc = cenv_error_oom(err);
    if (rc == 0)
        cenv_layout_touch(dir, name);
    cenv_json_free(reply);
    return rc;
}
