/* SPDX-License-Identifier: BSD-3-Clause */
/* A file that the plan knows is not opened, but for the first bytes of a script. */
#include "link/plan_manifest.h"

#include "base/alloc.h"
#include "base/map.h"
#include "link/plan_base.h"
#include "manifest/manifest_build.h"

int cenv_link_plan_known_init(struct cenv_link_plan_known *known,
                              const struct cenv_link_plan *plan, struct cenv_error *err)
{
    *known = (struct cenv_link_plan_known){.plan = plan};
    for (size_t i = 0; i < plan->nr_order; i++)
        if (!cenv_map_put(&known->entries, plan->entries[plan->order[i]].real,
                          plan->order[i]))
            return cenv_error_oom(err);
    return 0;
}

void cenv_link_plan_known_release(struct cenv_link_plan_known *known)
{
    cenv_map_release(&known->entries);
}

bool cenv_link_plan_known_forget(struct cenv_link_plan_known *known,
                                 struct cenv_str path)
{
    return cenv_map_get(&known->entries, path) == CENV_NONE ||
           cenv_map_put(&known->entries, path, CENV_NONE);
}

int cenv_link_plan_known_scan(void *ctx, const struct cenv_scan_target *what,
                              struct cenv_scan_result *result, struct cenv_error *err)
{
    const struct cenv_link_plan_known *known = ctx;
    uint32_t index = cenv_map_get(&known->entries, what->path);
    const struct cenv_link_entry *entry =
        index == CENV_NONE ? NULL : &known->plan->entries[index];
    /* A link script may have replaced it. */
    if (!entry || entry->final_size != what->st->size ||
        entry->final_mtime_ns != what->st->mtime_ns)
        return 0;
    result->flags = CENV_MF_MANAGED;
    if (entry->no_link)
        result->flags |= CENV_MF_SENSITIVE;
    /* A script that is relocated too: clones may share it with what its path remembers. */
    int rc = cenv_scan_file_peek_script(what, result, err);
    if (rc == 0 && entry->sites && !cenv_sites_none(entry->sites))
        rc = cenv_sites_copy(&result->sites, entry->sites, err);
    return rc < 0 ? rc : 1;
}

/* ---- of what was linked just now ---- */

struct plan_scan {
    struct cenv_link_plan_known known;
    struct cenv_search_names names;
};

static int scan_by_plan(void *ctx, const struct cenv_scan_target *what,
                        struct cenv_scan_result *result, struct cenv_error *err)
{
    struct plan_scan *scan = ctx;
    int rc = cenv_link_plan_known_scan(&scan->known, what, result, err);
    if (rc == 0)
        return cenv_scan_file(what, &scan->names, result, err);
    return rc < 0 ? rc : 0;
}

int cenv_link_plan_manifest(struct cenv_manifest **out, int dir,
                            const struct cenv_link_plan *plan, struct cenv_task *task,
                            struct cenv_error *err)
{
    struct plan_scan scan = {.names = {&plan->forms, 1}};
    struct cenv_prefix_records records = {0};
    struct cenv_str prefix = plan->forms.of[CENV_ENC_UTF8];
    char *path = cenv_memdup(prefix.data, prefix.len);
    int rc = path ? cenv_prefix_records_read(&records, dir, path, task, err)
                  : cenv_error_oom(err);
    if (rc == 0)
        rc = cenv_link_plan_known_init(&scan.known, plan, err);
    struct cenv_manifest_inputs inputs = {.root = dir,
                                          .prefix = prefix,
                                          .names = scan.names,
                                          .records = &records,
                                          .shared = true,
                                          .scan = scan_by_plan,
                                          .ctx = &scan};
    if (rc == 0)
        rc = cenv_manifest_build(out, &inputs, task, err);
    cenv_link_plan_known_release(&scan.known);
    cenv_prefix_records_release(&records);
    cenv_free(path);
    return rc;
}
