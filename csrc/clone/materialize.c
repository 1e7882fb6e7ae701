/* SPDX-License-Identifier: BSD-3-Clause */
/* Making a clone permanent, each in the way of its mode; cenv.h has the contract. */
#include "base/alloc.h"
#include "base/clock.h"
#include "cenv.h"
#include "clone/known_clone.h"
#include "clone/mode.h"

static int write_report(const struct cenv_clone_entry *clone, const char *mode,
                        const struct cenv_copied *copied, uint64_t start_ns,
                        struct cenv_buf *out, struct cenv_error *err)
{
    struct cenv_clone_report report = {
        .path = clone->path,
        .mode = mode,
        .counts = {.files = copied->files,
                   .bytes_copied = copied->bytes_copied,
                   .bytes_shared = copied->bytes_shared,
                   .no_times = copied->no_times},
        .skipped = cenv_buf_str(&copied->skipped),
        .start_ns = start_ns,
    };
    return cenv_clone_report_write(&report, out, err);
}

static int materialize_clone(const struct cenv_clone_entry *clone,
                             struct cenv_store *store, struct cenv_task *task,
                             struct cenv_buf *out, struct cenv_error *err)
{
    const struct cenv_clone_mode *mode = cenv_clone_mode_of_entry(clone->mode);
    uint64_t start_ns = cenv_clock_ns();
    struct cenv_copied copied = {0};
    const char *made = clone->mode;
    int rc = 0;
    if (mode->materialize) {
        made = cenv_place_mode_name(mode->placing);
        rc = mode->materialize(clone->path, &copied, task, err);
    }
    if (rc == 0)
        rc = cenv_clone_registry_disown(store, clone, made, err);
    if (rc == 0)
        rc = write_report(clone, made, &copied, start_ns, out, err);
    cenv_buf_release(&copied.skipped);
    return rc;
}

int cenv_materialize(struct cenv_store *store, const char *clone,
                     struct cenv_task *task, struct cenv_buf *out,
                     struct cenv_error *err)
{
    struct cenv_arena arena = CENV_ARENA_INIT;
    struct cenv_clone_entry known;
    size_t before = out->len;
    int rc = cenv_known_clone_find(store, clone, "clone it to another path instead",
                                   &arena, &known, err);
    if (rc == 0)
        rc = materialize_clone(&known, store, task, out, err);
    if (rc < 0)
        out->len = before;
    cenv_arena_release(&arena);
    return rc;
}
