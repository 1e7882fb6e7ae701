/* SPDX-License-Identifier: BSD-3-Clause */
/* What requests led to: v1/requests/<key>.json; cenv.h has what users call. */
#include "store/request_cache.h"

#include "codec/json.h"
#include "codec/shape.h"
#include "os/fs_data.h"

int cenv_request_cache_put(const struct cenv_store *store, struct cenv_str request,
                           struct cenv_str reply_json, struct cenv_error *err)
{
    char name[CENV_STORE_FILE];
    int rc = cenv_layout_file(request, name, err);
    if (rc < 0)
        return rc;
    rc = cenv_fs_write_atomic(store->dirs[CENV_STORE_REQUESTS], name, reply_json, 0644,
                              err);
    return cenv_layout_forgive_read_only(rc, err);
}

int cenv_request_cache_find(const struct cenv_store *store, struct cenv_str request,
                            struct cenv_json **reply, struct cenv_error *err)
{
    char name[CENV_STORE_FILE];
    int requests = store->dirs[CENV_STORE_REQUESTS];
    int rc = cenv_layout_file(request, name, err);
    if (rc == 0)
        rc = cenv_layout_load_json(requests, name, &cenv_shape_object, reply, err);
    if (rc == 0)
        cenv_layout_touch(requests, name);
    return rc;
}

int cenv_request_put(struct cenv_store *store, const char *request,
                     const char *reply_json, struct cenv_error *err)
{
    return cenv_request_cache_put(store, cenv_str(request), cenv_str(reply_json), err);
}

int cenv_request_find(struct cenv_store *store, const char *request,
                      struct cenv_buf *out, struct cenv_error *err)
{
    struct cenv_json *reply = NULL;
    int rc = cenv_request_cache_find(store, cenv_str(request), &reply, err);
    if (rc == 0 && !cenv_json_print(reply, 0, out))
        rc = cenv_error_oom(err);
    cenv_json_free(reply);
    return rc;
}
