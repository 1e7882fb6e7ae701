/* SPDX-License-Identifier: BSD-3-Clause */
/* Bytecode is read only where a relocated source has some beside it. */
#include "link/mtimes.h"

#include "os/path.h"

enum { PYC_HEADER = 16, NS = 1000000000 };
enum { PYC_HASHED = 1, PYC_CHECKED = 2 }; /* flags of PEP 552 */

static uint32_t le32(const unsigned char *at)
{
    return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

/* A shipped "__pycache__/<stem>.<tag>.pyc"? */
static bool is_bytecode_of(const struct cenv_link_entry *entry, struct cenv_str stem)
{
    struct cenv_str base = cenv_path_base(entry->real);

    return (entry->kind == CENV_KIND_FILE || entry->kind == CENV_KIND_RELOCATED) &&
           base.len > stem.len + 4 && base.data[stem.len] == '.' &&
           cenv_str_starts(base, stem) && cenv_str_ends(base, CENV_STR(".pyc"));
}

/* 1 with flags and source time of a .pyc, 0 when it is too short to be one; -1 (OOM). */
static int read_header(const struct cenv_link_plan *plan,
                       const struct cenv_link_entry *pyc, uint32_t *flags,
                       uint32_t *mtime)
{
    unsigned char header[PYC_HEADER];
    struct cenv_error ignored = CENV_ERROR_INIT;
    struct cenv_dirs dirs;
    const char *name = NULL;
    int rc = 0;

    cenv_dirs_init(&dirs, plan->packages[pyc->package].content);
    int fd = cenv_link_open_parent(&dirs, pyc->source, &name, &ignored);
    if (fd >= 0 && (fd = cenv_raw_open_file(fd, name, NULL)) >= 0) {
        rc = cenv_raw_pread(fd, header, sizeof(header), 0) == PYC_HEADER;
        cenv_fd_close(fd);
    }
    cenv_dirs_release(&dirs);
    if (ignored.status == CENV_ENOMEM)
        rc = -1;
    cenv_error_release(&ignored);
    if (rc > 0) {
        *flags = le32(header + 4);
        *mtime = le32(header + 8);
    }
    return rc;
}

/* Bytecode lies in the directory __pycache__ beside its source. NULL: none. 0, or -1 (OOM). */
static int find_cache(const struct cenv_link_plan *plan,
                      const struct cenv_link_entry *py,
                      const struct cenv_link_dir **out)
{
    struct cenv_str dir = plan->dirs[py->dir].path;
    struct cenv_buf path;

    cenv_buf_init(&path, CENV_PATH_PACKAGE_MAX);
    cenv_buf_addf(&path, "%.*s%s__pycache__", CENV_STR_ARG(dir), dir.len ? "/" : "");
    uint32_t at = cenv_map_get(&plan->dir_map, cenv_buf_str(&path));
    int rc = path.failed ? -1 : 0;
    cenv_buf_release(&path);
    *out = at == CENV_NONE ? NULL : &plan->dirs[at];
    return rc;
}

static int drop_bytecode(const struct cenv_link_plan *plan, struct cenv_link_entry *pyc,
                         struct cenv_link_stats *stats)
{
    pyc->dropped = true;
    return cenv_link_stats_warn(
        stats,
        "%s: '%.*s' is left out: its source is relocated, and Python would "
        "not notice",
        plan->packages[pyc->package].dist.data, CENV_STR_ARG(pyc->target));
}

/* One round over the bytecode: 1 when some of it claims `second`; -1 (OOM). */
static int look_at_cache(struct cenv_link_plan *plan, const struct cenv_link_dir *cache,
                         struct cenv_str stem, uint32_t second,
                         struct cenv_link_stats *stats)
{
    uint32_t flags, claimed;
    int clash = 0;

    for (uint32_t i = cache->first; i < cache->first + cache->nr; i++) {
        struct cenv_link_entry *pyc = &plan->entries[plan->order[i]];
        if (pyc->dropped || !is_bytecode_of(pyc, stem))
            continue;
        int rc = read_header(plan, pyc, &flags, &claimed);
        if (rc < 0)
            return -1;
        if (rc == 0)
            continue;
        if (!(flags & PYC_HASHED))
            clash |= claimed == second;
        else if (!(flags & PYC_CHECKED) && drop_bytecode(plan, pyc, stats) < 0)
            return -1;
    }
    return clash;
}

int cenv_link_mtimes_decide(struct cenv_link_plan *plan, struct cenv_link_stats *stats,
                            struct cenv_error *err)
{
    for (size_t i = 0; i < plan->nr_order; i++) {
        struct cenv_link_entry *py = &plan->entries[plan->order[i]];
        struct cenv_str base = cenv_path_base(py->real);
        const struct cenv_link_dir *cache = NULL;
        if (py->kind != CENV_KIND_RELOCATED)
            continue;
        py->new_mtime_ns = py->mtime_ns + NS;
        if (cenv_str_ends(base, CENV_STR(".py")) && find_cache(plan, py, &cache) < 0)
            return cenv_error_oom(err);
        int clash = cache != NULL;
        while (clash > 0) {
            uint32_t second = (uint32_t)(py->new_mtime_ns / NS);
            struct cenv_str stem = cenv_str_slice(base, 0, base.len - 3);
            clash = look_at_cache(plan, cache, stem, second, stats);
            py->new_mtime_ns += clash > 0 ? NS : 0;
        }
        if (clash < 0)
            return cenv_error_oom(err);
    }
    return 0;
}
