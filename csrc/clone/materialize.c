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

/* It is entered as what it will be right before it is that. */
static int enter_and_show(const struct cenv_clone_entry *clone,
                          const struct cenv_clone_mode *mode, const char *made,
                          struct cenv_newprefix *to, const struct cenv_store *store,
                          struct cenv_error *err)
{
    struct cenv_error ignored = CENV_ERROR_INIT;
    int rc = cenv_clone_registry_disown(store, clone, made, to->dir, err);
    if (rc == 0 && mode->show_written)
        rc = mode->show_written(to, err);
    if (rc < 0)
        cenv_clone_registry_enter(store, clone, &ignored);
    cenv_error_release(&ignored);
    return rc;
}

static int materialize_clone(const struct cenv_clone_entry *clone,
                             struct cenv_store *store, struct cenv_task *task,
                             struct cenv_buf *out, struct cenv_error *err)
{
    const struct cenv_clone_mode *mode = cenv_clone_mode_of_entry(clone->mode);
    uint64_t start_ns = cenv_clock_ns();
    struct cenv_newprefix to = CENV_NEWPREFIX_INIT;
    struct cenv_copied copied = {0};
    const char *made = clone->mode;
    int rc = 0;
    if (mode->write_out) {
        made = cenv_place_mode_name(mode->placing);
        rc = mode->write_out(clone->path, &to, &copied, task, err);
    }
    if (rc == 0)
        rc = write_report(clone, made, &copied, start_ns, out, err);
    if (rc == 0)
        rc = enter_and_show(clone, mode, made, &to, store, err);
    cenv_newprefix_close(&to);
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
