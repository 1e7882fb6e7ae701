/* SPDX-License-Identifier: BSD-3-Clause */
/* Bytecode is read only where a relocated source has some beside it. */
#include "link/mtimes.h"

#include "os/path.h"
#include "os/raw_data.h"

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

/* 1 with flags and source time of a .pyc, 0 when it is too short to be one or cannot be read. */
static int read_header(const struct cenv_link_plan *plan,
                       const struct cenv_link_entry *pyc, uint32_t *flags,
                       uint32_t *mtime, struct cenv_error *err)
{
    unsigned char header[PYC_HEADER];
    struct cenv_error ignored = CENV_ERROR_INIT;
    struct cenv_dirs dirs;
    const char *name = NULL;
    bool read = false;

    cenv_dirs_init(&dirs, plan->packages[pyc->package].content);
    int parent = cenv_link_open_parent(&dirs, pyc->source, &name, &ignored);
    int fd = parent < 0 ? -1 : cenv_raw_open_file(parent, name, NULL);
    if (fd >= 0) {
        read = cenv_raw_pread(fd, header, sizeof(header), 0) == PYC_HEADER;
        cenv_fd_close(fd);
    }
    cenv_dirs_release(&dirs);
    int status = ignored.status;
    cenv_error_release(&ignored);
    if (status == CENV_ENOMEM)
        return cenv_error_oom(err);
    if (read) {
        *flags = le32(header + 4);
        *mtime = le32(header + 8);
    }
    return read;
}

/*
 * Bytecode lies in the directory __pycache__ beside its source. *out is NULL when there is none.
 * False: out of memory.
 */
static bool find_cache(const struct cenv_link_plan *plan,
                       const struct cenv_link_entry *py,
                       const struct cenv_link_dir **out)
{
    struct cenv_str dir = plan->dirs[py->dir].path;
    struct cenv_buf path;

    cenv_buf_init(&path, CENV_PATH_PACKAGE_MAX);
    cenv_buf_addf(&path, "%.*s%s__pycache__", CENV_STR_ARG(dir), dir.len ? "/" : "");
    uint32_t at = cenv_map_get(&plan->dir_map, cenv_buf_str(&path));
    bool formatted = !path.failed;
    cenv_buf_release(&path);
    *out = at == CENV_NONE ? NULL : &plan->dirs[at];
    return formatted;
}

static bool drop_bytecode(const struct cenv_link_plan *plan,
                          struct cenv_link_entry *pyc, struct cenv_link_stats *stats)
{
    pyc->dropped = true;
    return cenv_link_stats_warn(
        stats,
        "%s: '%.*s' is left out: its source is relocated, and Python would not notice",
        plan->packages[pyc->package].dist.data, CENV_STR_ARG(pyc->target));
}

/* One round over the bytecode of the source `stem`.py: 1 when some of it claims `second`. */
static int check_cache(struct cenv_link_plan *plan, const struct cenv_link_dir *cache,
                       struct cenv_str stem, uint32_t second,
                       struct cenv_link_stats *stats, struct cenv_error *err)
{
    uint32_t flags, claimed;
    int clash = 0;

    for (uint32_t i = cache->first; i < cache->first + cache->nr; i++) {
        struct cenv_link_entry *pyc = &plan->entries[plan->order[i]];
        if (pyc->dropped || !is_bytecode_of(pyc, stem))
            continue;
        int rc = read_header(plan, pyc, &flags, &claimed, err);
        if (rc < 0)
            return rc;
        if (rc == 0)
            continue;
        if (!(flags & PYC_HASHED))
            clash |= claimed == second;
        else if (!(flags & PYC_CHECKED) && !drop_bytecode(plan, pyc, stats))
            return cenv_error_oom(err);
    }
    return clash;
}

/* The first second after the package's that no bytecode of the file claims. */
static int decide_time(struct cenv_link_plan *plan, struct cenv_link_entry *py,
                       struct cenv_link_stats *stats, struct cenv_error *err)
{
    struct cenv_str base = cenv_path_base(py->real);
    const struct cenv_link_dir *cache = NULL;

    py->new_mtime_ns = py->mtime_ns + NS;
    if (!cenv_str_ends(base, CENV_STR(".py")))
        return 0;
    if (!find_cache(plan, py, &cache))
        return cenv_error_oom(err);
    int clash = cache != NULL;
    while (clash > 0) {
        uint32_t second = (uint32_t)(py->new_mtime_ns / NS);
        struct cenv_str stem = cenv_str_slice(base, 0, base.len - 3);
        clash = check_cache(plan, cache, stem, second, stats, err);
        py->new_mtime_ns += clash > 0 ? NS : 0;
    }
    return clash;
}

int cenv_link_mtimes_decide(struct cenv_link_plan *plan, struct cenv_link_stats *stats,
                            struct cenv_error *err)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < plan->nr_order; i++) {
        struct cenv_link_entry *py = &plan->entries[plan->order[i]];
        if (py->kind == CENV_KIND_RELOCATED)
            rc = decide_time(plan, py, stats, err);
    }
    return rc;
}
