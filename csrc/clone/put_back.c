/* SPDX-License-Identifier: BSD-3-Clause */
/* From the path of a clone to the report of its reset. */
#include "clone/put_back.h"

#include "base/clock.h"
#include "clone/known_clone.h"

int cenv_put_back_known(struct cenv_store *store, const char *path, const char *hint,
                        cenv_put_back_fn *put_back, struct cenv_task *task,
                        struct cenv_buf *out, struct cenv_error *err)
{
    uint64_t start_ns = cenv_clock_ns();
    struct cenv_reset_counts counts = {0};
    struct cenv_arena arena = CENV_ARENA_INIT;
    struct cenv_clone_entry known;
    size_t before = out->len;
    int rc = cenv_known_clone_find(store, path, hint, &arena, &known, err);
    if (rc == 0)
        rc = put_back(&known, store, &counts, task, err);
    if (rc == 0)
        rc = cenv_clone_report_reset(known.path, known.note, &counts, start_ns, out,
                                     err);
    if (rc < 0)
        out->len = before;
    cenv_arena_release(&arena);
    return rc;
}
