/* SPDX-License-Identifier: BSD-3-Clause */
/* A file that the plan knows is not opened, but for the first bytes of a script. */
#include "link/plan_manifest.h"

#include "base/alloc.h"
#include "base/map.h"
#include "link/plan_base.h"
#include "manifest/manifest_build.h"

struct plan_scan {
    const struct cenv_link_plan *plan;
    struct cenv_search_names names;
    struct cenv_map entries; /* real path -> index of the entry that lies there */
};

static int scan_by_plan(void *ctx, const struct cenv_scan_target *what,
                        struct cenv_scan_result *result, struct cenv_error *err)
{
    const struct plan_scan *scan = ctx;
    uint32_t index = cenv_map_get(&scan->entries, what->path);
    const struct cenv_link_entry *entry =
        index == CENV_NONE ? NULL : &scan->plan->entries[index];
    /* A link script may have replaced it. */
    if (!entry || entry->final_size != what->st->size ||
        entry->final_mtime_ns != what->st->mtime_ns)
        return cenv_scan_file(what, &scan->names, result, err);
    result->flags = CENV_MF_MANAGED;
    if (entry->no_link)
        result->flags |= CENV_MF_SENSITIVE;
    int rc = cenv_scan_file_peek_script(what, result, err);
    if (rc == 0 && entry->sites && !cenv_sites_none(entry->sites))
        rc = cenv_sites_copy(&result->sites, entry->sites, err);
    return rc;
}

int cenv_link_plan_manifest(struct cenv_manifest **out, int dir,
                            const struct cenv_link_plan *plan, struct cenv_task *task,
                            struct cenv_error *err)
{
    struct plan_scan scan = {.plan = plan, .names = {&plan->forms, 1}};
    struct cenv_prefix_records records = {0};
    struct cenv_str prefix = plan->forms.of[CENV_ENC_UTF8];
    char *path = cenv_memdup(prefix.data, prefix.len);
    int rc = path ? cenv_prefix_records_read(&records, dir, path, task, err)
                  : cenv_error_oom(err);
    for (size_t i = 0; i < plan->nr_order && rc == 0; i++)
        if (!cenv_map_put(&scan.entries, plan->entries[plan->order[i]].real,
                          plan->order[i]))
            rc = cenv_error_oom(err);
    struct cenv_manifest_inputs inputs = {.root = dir,
                                          .prefix = prefix,
                                          .names = scan.names,
                                          .records = &records,
                                          .shared = true,
                                          .scan = scan_by_plan,
                                          .ctx = &scan};
    if (rc == 0)
        rc = cenv_manifest_build(out, &inputs, task, err);
    cenv_map_release(&scan.entries);
    cenv_prefix_records_release(&records);
    cenv_free(path);
    return rc;
}
