/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Of each such path the last file counts: all below it that comes before is gone then, and what
 * comes after makes a directory of it again. So it needs no more than two passes over the entries,
 * the second only where there is such a path at all.
 */
#include "link/plan_nesting.h"

#include "base/alloc.h"
#include "os/path.h"

/* A path that is both. Entries, or CENV_NONE. */
struct nest {
    uint32_t file; /* the last that is a file there */
    uint32_t before,
        after;   /* one that lies below and comes before it; the last after it */
    size_t gone; /* how many come before it */
};

struct nesting {
    struct cenv_link_plan *plan;
    struct nest *list;
    size_t nr, alloc;
    struct cenv_map of; /* path -> list */
};

void cenv_link_plan_cover(struct cenv_link_plan *plan, uint32_t old, uint32_t now)
{
    if (plan->entries[old].winner != CENV_NONE)
        return;
    plan->entries[old].winner = now;
    plan->entries[old].covered = true;
}

/* The next longer beginning of `path` that is a whole directory; false behind the last. */
static bool next_above(struct cenv_str path, size_t *len)
{
    size_t at = *len;
    if (at >= path.len)
        return false;
    do
        at++;
    while (at < path.len && path.data[at] != '/');
    *len = at;
    return true;
}

/* ---- which there are ---- */

static int add_nest(struct nesting *n, uint32_t file, struct cenv_error *err)
{
    void *list = n->list;
    struct cenv_str path = n->plan->entries[file].target;
    if (cenv_map_get(&n->of, path) != CENV_NONE)
        return 0;
    if (!cenv_grow(&list, &n->alloc, n->nr, sizeof(*n->list)))
        return cenv_error_oom(err);
    n->list = list;
    if (!cenv_map_put(&n->of, path, (uint32_t)n->nr))
        return cenv_error_oom(err);
    n->list[n->nr++] =
        (struct nest){.file = file, .before = CENV_NONE, .after = CENV_NONE};
    return 0;
}

static int find_above(struct nesting *n, struct cenv_str dir, struct cenv_error *err)
{
    int rc = 0;
    for (size_t len = 0; rc == 0 && next_above(dir, &len);) {
        uint32_t hit = cenv_map_get(&n->plan->targets, cenv_str_slice(dir, 0, len));
        if (hit != CENV_NONE && n->plan->entries[hit].kind != CENV_KIND_DIRECTORY &&
            n->plan->entries[hit].kind != CENV_KIND_SYMLINK)
            rc = add_nest(n, hit, err);
    }
    return rc;
}

/* Entries of one directory come together: it is looked up once. */
static int find_nests(struct nesting *n, struct cenv_task *task, struct cenv_error *err)
{
    struct cenv_str last = CENV_STR("");
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < n->plan->nr; i++) {
        struct cenv_str dir = cenv_path_parent(n->plan->entries[i].target);
        if (cenv_str_eq(dir, last))
            continue;
        last = dir;
        rc = cenv_task_poll(task, err);
        if (rc == 0)
            rc = find_above(n, dir, err);
    }
    return rc;
}

/* ---- what becomes of them ---- */

static void settle_entry(struct nesting *n, uint32_t index)
{
    struct cenv_str dir = cenv_path_parent(n->plan->entries[index].target);
    for (size_t len = 0; next_above(dir, &len);) {
        uint32_t at = cenv_map_get(&n->of, cenv_str_slice(dir, 0, len));
        if (at == CENV_NONE)
            continue;
        struct nest *nest = &n->list[at];
        if (index > nest->file) {
            nest->after = index;
            continue;
        }
        nest->before = index;
        nest->gone++;
        cenv_link_plan_cover(n->plan, index, nest->file);
    }
}

static const char *dist_of(const struct nesting *n, uint32_t entry)
{
    return n->plan->packages[n->plan->entries[entry].package].dist.data;
}

static bool warn_of(const struct nesting *n, const struct nest *nest,
                    struct cenv_link_stats *stats)
{
    struct cenv_str path = n->plan->entries[nest->file].target;
    if (nest->after != CENV_NONE)
        return cenv_link_stats_warn(
            stats, "'%.*s' is a file in %s and a directory in %s; the latter's is used",
            CENV_STR_ARG(path), dist_of(n, nest->file), dist_of(n, nest->after));
    return cenv_link_stats_warn(
        stats,
        "'%.*s' is a directory in %s and a file in %s; the latter's is used, without %zu "
        "below it",
        CENV_STR_ARG(path), dist_of(n, nest->before), dist_of(n, nest->file),
        nest->gone);
}

static int settle_nests(struct nesting *n, struct cenv_link_stats *stats,
                        struct cenv_error *err)
{
    for (size_t i = 0; i < n->nr; i++) {
        const struct nest *nest = &n->list[i];
        bool there = !n->plan->entries[nest->file].covered;
        if (there && !warn_of(n, nest, stats))
            return cenv_error_oom(err);
        if (nest->after != CENV_NONE)
            cenv_link_plan_cover(n->plan, nest->file, nest->after);
    }
    return 0;
}

int cenv_link_plan_settle_nesting(struct cenv_link_plan *plan,
                                  struct cenv_link_stats *stats, struct cenv_task *task,
                                  struct cenv_error *err)
{
    struct nesting n = {.plan = plan};
    int rc = find_nests(&n, task, err);
    for (uint32_t i = 0; n.nr && rc == 0 && i < plan->nr; i++) {
        rc = i % 1024 ? 0 : cenv_task_poll(task, err);
        if (rc == 0)
            settle_entry(&n, i);
    }
    if (rc == 0)
        rc = settle_nests(&n, stats, err);
    cenv_map_release(&n.of);
    cenv_free(n.list);
    return rc;
}
