/* SPDX-License-Identifier: BSD-3-Clause */
/* A look through all that the store remembers: see requests.h. */
#include "archive/requests.h"

#include "codec/shape.h"

struct search {
    const struct cenv_store *store;
    const char *id;
    cenv_requests_fn visit;
    void *ctx;
};

static int look_at_request(void *ctx, const struct cenv_dirent *entry,
                           struct cenv_error *err)
{
    const struct search *s = ctx;
    struct cenv_json *doc = NULL;
    int rc = cenv_layout_load_json(s->store->dirs[CENV_STORE_REQUESTS], entry->name,
                                   &cenv_shape_object, &doc, err);
    if (rc == 0 && cenv_str_is(cenv_json_get_str(doc, "id"), s->id))
        rc = s->visit(s->ctx, entry->name, doc, err);
    cenv_json_free(doc);
    return rc < 0 ? rc : 0;
}

int cenv_requests_each(const struct cenv_store *store, const char *id,
                       cenv_requests_fn visit, void *ctx, struct cenv_task *task,
                       struct cenv_error *err)
{
    struct search search = {store, id, visit, ctx};
    return cenv_layout_each(store, CENV_STORE_REQUESTS, task, look_at_request, &search,
                            err);
}
