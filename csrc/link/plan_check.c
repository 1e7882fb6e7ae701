/* SPDX-License-Identifier: BSD-3-Clause */
/* Files are read only where a prefix is longer than a placeholder: no other can fail to fit. */
#include "link/plan_check.h"

#include "base/alloc.h"
#include "os/fs_beneath.h"
#include "os/fs_data.h"
#include "relocate/splice.h"

static const char *dist_of(const struct cenv_link_plan *plan,
                           const struct cenv_link_entry *entry)
{
    return plan->packages[entry->package].dist.data;
}

static int check_fit(const struct cenv_link_plan *plan,
                     const struct cenv_link_entry *entry, struct cenv_task *task,
                     struct cenv_error *err)
{
    int content = plan->packages[entry->package].content;
    struct cenv_mapping file = {0};
    struct cenv_sites sites = {0};
    struct cenv_dirs dirs;
    const char *name = NULL;

    cenv_dirs_init(&dirs, content);
    int rc = cenv_link_open_parent(&dirs, entry->source, &name, err);
    if (rc >= 0)
        rc = cenv_fs_map_file(rc, name, &file, err);
    if (rc == 0)
        rc = cenv_sites_scan_forms(&sites, cenv_str_n(file.data, file.len),
                                   &plan->needles[entry->needle], CENV_MODE_BINARY,
                                   task, err);
    if (rc == 0 && (rc = cenv_splice_check_room(&sites, &plan->forms, err)) < 0) {
        cenv_error_prefix(err, "%s: '%.*s'", dist_of(plan, entry),
                          CENV_STR_ARG(entry->target));
        cenv_error_hint(err, "choose a prefix of at most %zu bytes",
                        entry->placeholder.len);
    }
    cenv_sites_release(&sites);
    cenv_mapping_release(&file);
    cenv_dirs_release(&dirs);
    return rc;
}

int cenv_link_plan_check_lengths(const struct cenv_link_plan *plan,
                                 struct cenv_task *task, struct cenv_error *err)
{
    size_t len = plan->forms.of[CENV_ENC_UTF8].len;
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < plan->nr; i++) {
        const struct cenv_link_entry *entry = &plan->entries[i];
        if (entry->kind == CENV_KIND_RELOCATED && entry->winner == CENV_NONE &&
            entry->file_mode == CENV_MODE_BINARY && entry->placeholder.len < len)
            rc = check_fit(plan, entry, task, err);
    }
    return rc;
}

static struct cenv_str lower_text(struct cenv_arena *arena, struct cenv_str text)
{
    struct cenv_str copy = cenv_arena_str(arena, text);
    char *at = copy.data ? cenv_arena_alloc(arena, text.len + 1) : NULL;

    for (size_t i = 0; at && i < text.len; i++)
        at[i] = (char)(text.data[i] >= 'A' && text.data[i] <= 'Z' ? text.data[i] + 32
                                                                  : text.data[i]);
    return (struct cenv_str){at, text.len};
}

int cenv_link_plan_check_case(const struct cenv_link_plan *plan, struct cenv_error *err)
{
    struct cenv_arena arena = CENV_ARENA_INIT;
    struct cenv_map seen = {0};
    int rc = 0;

    for (uint32_t i = 0; rc == 0 && i < plan->nr_order; i++) {
        const struct cenv_link_entry *entry = &plan->entries[plan->order[i]], *other;
        struct cenv_str key = lower_text(&arena, entry->real);
        uint32_t at = key.data ? cenv_map_get(&seen, key) : CENV_NONE;
        if (at != CENV_NONE) {
            other = &plan->entries[at];
            cenv_error_set(
                err, CENV_ELINK,
                "'%.*s' of %s and '%.*s' of %s are one file on this file system",
                CENV_STR_ARG(other->target), dist_of(plan, other),
                CENV_STR_ARG(entry->target), dist_of(plan, entry));
            rc =
                cenv_error_hint(err, "choose a prefix on a case-sensitive file system");
        } else if (!key.data || !cenv_map_put(&seen, key, plan->order[i])) {
            rc = cenv_error_oom(err);
        }
    }
    cenv_map_release(&seen);
    cenv_arena_release(&arena);
    return rc;
}
