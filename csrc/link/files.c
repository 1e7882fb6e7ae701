/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Places files: directories first, then runs of entries of one directory as jobs of the pool, so
 * that a job opens its directory once and threads seldom meet in one.
 */
#include "link/files.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/hex.h"
#include "base/pool.h"
#include "link/plan_check.h"
#include "os/fs.h"
#include "os/fs_beneath.h"
#include "os/fs_data.h"
#include "os/fs_place.h"
#include "os/fs_remove.h"
#include "os/path.h"
#include "relocate/splice.h"

/* Entries of one job: few enough to balance, enough to be worth the opening. */
enum { RUN_MAX = 96 };

struct run {
    uint32_t dir, first, nr;
};

struct worker;

struct placer {
    struct cenv_linker *linker;
    struct worker *workers; /* one for each thread */
    struct run *runs;
    size_t nr, alloc;
    atomic_ullong how[4]; /* files by enum cenv_place_mode */
    atomic_ullong symlinks, relocated, bytes_copied, fallbacks;
    atomic_bool no_times; /* the file system takes none */
};

/* Where a thread is: its directory, and the package directory it took the last file from. Both are
 * kept from job to job, for the next is likely to be near. */
struct worker {
    struct placer *placer;
    int dir; /* borrowed from `to` */
    struct cenv_dirs from, to;
    uint32_t package;
    struct cenv_buf text;
    struct cenv_error *err;
    /* Of the run of entries of one package since then, what is not yet in its work. */
    uint64_t since_ns, bytes, files, relocate_ns;
};

static void add_count(atomic_ullong *counter, uint64_t n)
{
    atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

static int fail_entry(struct worker *at, const struct cenv_link_entry *entry, int raw,
                      const char *what)
{
    struct cenv_str base = cenv_path_base(entry->real);
    return cenv_fs_fail(at->err, raw, at->dir, base.data, what);
}

/* The directory and name of the package's file; borrowed. */
static int open_source(struct worker *at, const struct cenv_link_entry *entry,
                       const char **name)
{
    if (at->package != entry->package) {
        cenv_dirs_release(&at->from);
        cenv_dirs_init(&at->from,
                       at->placer->linker->plan->packages[entry->package].content);
        at->package = entry->package;
    }
    return cenv_link_open_parent(&at->from, entry->source, name, at->err);
}

static enum cenv_place_mode mode_for(const struct worker *at,
                                     const struct cenv_link_entry *entry)
{
    enum cenv_place_mode mode = at->placer->linker->mode;

    return mode == CENV_PLACE_HARDLINK && entry->no_link ? CENV_PLACE_COPY : mode;
}

/* A package older than paths.json has no digest of the file: the record needs one. */
static int digest_source(struct worker *at, struct cenv_link_entry *entry, int from,
                         const char *name)
{
    struct cenv_mapping file;

    if (entry->sha256.len) { /* 64, as paths.json was checked for */
        memcpy(entry->in_prefix, entry->sha256.data, entry->sha256.len);
        return 0;
    }
    int rc = cenv_fs_map_file(from, name, &file, at->err);
    if (rc < 0)
        return rc;
    if (!cenv_digest_sha256_hex(cenv_str_n(file.data, file.len), entry->in_prefix))
        rc = cenv_error_oom(at->err);
    cenv_mapping_release(&file);
    return rc;
}

/* What was written has the time of now, which tells bytecode from it too. */
static int note_refused_time(struct worker *at, struct cenv_link_entry *entry)
{
    struct cenv_stat st;
    int raw = cenv_raw_stat(at->dir, cenv_path_base(entry->real).data, &st);
    atomic_store(&at->placer->no_times, true);
    if (raw == 0)
        entry->final_mtime_ns = st.mtime_ns;
    return raw;
}

static int place_file(struct worker *at, struct cenv_link_entry *entry)
{
    struct cenv_str base = cenv_path_base(entry->real);
    struct cenv_stat st = {.type = CENV_FT_FILE,
                           .mode = entry->mode,
                           .size = entry->size,
                           .mtime_ns = entry->mtime_ns};
    enum cenv_place_mode want = mode_for(at, entry), got = want;
    const char *name = NULL;
    int from = open_source(at, entry, &name);

    if (from < 0)
        return from;
    int raw = cenv_raw_place(from, name, &st, at->dir, base.data, want, true, &got,
                             at->placer->linker->task);
    entry->final_mtime_ns = entry->mtime_ns;
    if (raw > 0)
        raw = note_refused_time(at, entry);
    if (raw < 0)
        return fail_entry(at, entry, raw, "cannot link");
    add_count(&at->placer->how[got], 1);
    add_count(&at->placer->fallbacks, got != want);
    add_count(&at->placer->bytes_copied, got == CENV_PLACE_COPY ? entry->size : 0);
    entry->how = (uint8_t)got;
    entry->final_size = entry->size;
    entry->final_mode = entry->mode;
    return digest_source(at, entry, from, name);
}

/* All of at->text, a part at a time, so that gigabytes can be interrupted. */
static int write_parts(struct worker *at, const struct cenv_link_entry *entry, int fd)
{
    enum { PART = 4 << 20 };
    struct cenv_str text = cenv_buf_str(&at->text);
    int rc = 0;

    for (size_t from = 0; from < text.len && rc == 0; from += PART) {
        struct cenv_str part = cenv_str_slice(text, from, from + PART);
        int raw = cenv_raw_write(fd, part.data, part.len);
        if (raw < 0)
            return fail_entry(at, entry, raw, "cannot write");
        rc = cenv_task_poll(at->placer->linker->task, at->err);
    }
    return rc;
}

static int write_file(struct worker *at, struct cenv_link_entry *entry)
{
    int fd = cenv_raw_create(at->dir, cenv_path_base(entry->real).data, 0600);

    if (fd < 0)
        return fail_entry(at, entry, fd, "cannot write");
    int rc = write_parts(at, entry, fd), raw = 0;
    if (rc == 0)
        raw = cenv_raw_chmod_fd(fd, entry->mode);
    entry->final_mtime_ns = entry->new_mtime_ns;
    if (rc == 0 && raw == 0) {
        raw = cenv_raw_set_mtime_fd(fd, entry->new_mtime_ns);
        if (cenv_fs_takes_no_times(raw))
            raw = note_refused_time(at, entry);
    }
    int closed = cenv_raw_close(fd);
    if (rc == 0 && raw == 0)
        raw = closed;
    return raw < 0 ? fail_entry(at, entry, raw, "cannot write") : rc;
}

/* Writes at->text as the entry's file: exact mode, fixed time. */
static int write_text(struct worker *at, struct cenv_link_entry *entry)
{
    unsigned char digest[CENV_SHA256_LEN];
    int rc = write_file(at, entry);

    if (rc == 0)
        rc = cenv_digest_sha256(cenv_buf_str(&at->text), digest,
                                at->placer->linker->task, at->err);
    if (rc < 0)
        return rc;
    cenv_hex(digest, sizeof(digest), entry->in_prefix);
    entry->how = CENV_PLACE_COPY;
    entry->final_size = at->text.len;
    entry->final_mode = entry->mode;
    return 0;
}

/* The plan takes the sites over, for the template's manifest. */
static int keep_sites(struct worker *at, struct cenv_link_entry *entry,
                      struct cenv_sites *sites)
{
    entry->sites = cenv_malloc(sizeof(*entry->sites));
    if (!entry->sites)
        return cenv_error_oom(at->err);
    *entry->sites = *sites;
    *sites = (struct cenv_sites){0};
    return 0;
}

static bool wants_sites(const struct worker *at)
{
    return at->placer->linker->options->keep_sites;
}

static int splice_file(struct worker *at, struct cenv_link_entry *entry,
                       struct cenv_sites *sites, struct cenv_str data)
{
    const struct cenv_forms *forms = &at->placer->linker->plan->forms;

    cenv_buf_release(&at->text);
    cenv_buf_init(&at->text, cenv_splice_size(sites, forms, data.len) + 1);
    int rc = cenv_splice_apply(sites, data, forms, at->placer->linker->task, &at->text,
                               at->err);
    if (rc == 0)
        rc = write_text(at, entry);
    if (rc == 0 && wants_sites(at))
        rc = cenv_splice_rebase(sites, forms, at->err);
    if (rc == 0 && wants_sites(at))
        rc = keep_sites(at, entry, sites);
    add_count(&at->placer->relocated, 1);
    add_count(&at->placer->bytes_copied, at->text.len);
    return rc;
}

static int place_relocated(struct worker *at, struct cenv_link_entry *entry)
{
    struct cenv_mapping file = {0};
    struct cenv_sites sites = {0};
    const char *name = NULL;
    int from = open_source(at, entry, &name);

    if (from < 0)
        return from;
    int rc = cenv_fs_map_file(from, name, &file, at->err);
    struct cenv_str data = cenv_str_n(file.data, file.len);
    if (rc == 0)
        rc = cenv_sites_scan_forms(
            &sites, data, &at->placer->linker->plan->needles[entry->needle],
            (enum cenv_file_mode)entry->file_mode, at->placer->linker->task, at->err);
    if (rc == 0 && cenv_sites_none(&sites))
        rc = place_file(at, entry);
    else if (rc == 0)
        rc = splice_file(at, entry, &sites, data);
    if (rc < 0)
        cenv_error_prefix(at->err, "%s: '%s'",
                          at->placer->linker->plan->packages[entry->package].dist.data,
                          entry->target.data);
    cenv_sites_release(&sites);
    cenv_mapping_release(&file);
    return rc;
}

static int place_entry_point(struct worker *at, struct cenv_link_entry *entry)
{
    const struct cenv_linker *linker = at->placer->linker;
    const struct cenv_link_plan *plan = linker->plan;
    struct cenv_sites sites = {0};
    char relative[64];
    struct cenv_buf exe;

    snprintf(relative, sizeof(relative), "bin/python%.*s",
             CENV_STR_ARG(plan->python_version));
    cenv_buf_init(&exe, CENV_PATH_PACKAGE_MAX * 2);
    cenv_buf_addf(&exe, "%s/%s", linker->options->target_prefix, relative);
    cenv_buf_release(&at->text);
    cenv_buf_init(&at->text, 3 * (exe.len + entry->point.module.len) +
                                 CENV_MESSAGE_MAX * 2 + 4 * entry->point.func.len);
    cenv_entry_point_render(&entry->point, cenv_buf_str(&exe), &at->text);
    int rc = exe.failed || at->text.failed ? cenv_error_oom(at->err) : 0;
    if (rc == 0)
        rc = write_text(at, entry);
    if (rc == 0 && wants_sites(at))
        rc = cenv_sites_of_entry_point(&sites, &plan->forms, relative, at->err);
    if (rc == 0 && wants_sites(at))
        rc = keep_sites(at, entry, &sites);
    cenv_sites_release(&sites);
    cenv_buf_release(&exe);
    return rc;
}

static int place_symlink(struct worker *at, struct cenv_link_entry *entry)
{
    struct cenv_str base = cenv_path_base(entry->real);
    int raw = cenv_raw_symlink(entry->link.data, at->dir, base.data);

    if (raw < 0)
        return fail_entry(at, entry, raw, "cannot make link");
    add_count(&at->placer->symlinks, 1);
    return 0;
}

static int place_entry(struct worker *at, struct cenv_link_entry *entry)
{
    int rc = 0;

    if (entry->dropped || entry->kind == CENV_KIND_PYC)
        return 0;
    if (entry->kind == CENV_KIND_FILE)
        rc = place_file(at, entry);
    else if (entry->kind == CENV_KIND_RELOCATED)
        rc = place_relocated(at, entry);
    else if (entry->kind == CENV_KIND_SYMLINK)
        rc = place_symlink(at, entry);
    else
        rc = place_entry_point(at, entry);
    entry->done = rc == 0;
    return rc;
}

/* Places an entry that may name the prefix, and notes what that took: it is read and written. */
static int place_timed(struct worker *at, struct cenv_link_entry *entry)
{
    struct cenv_link_work *work =
        &at->placer->linker->plan->packages[entry->package].work;
    uint64_t start = cenv_clock_ns();
    int rc = place_entry(at, entry);
    uint64_t took = cenv_clock_ns() - start;

    at->relocate_ns += took;
    add_count(&work->relocate_ns, took);
    add_count(&work->relocate_bytes, entry->final_size);
    add_count(&work->relocate_files, 1);
    return rc;
}

static int place_counted(struct worker *at, struct cenv_link_entry *entry)
{
    if (entry->kind == CENV_KIND_RELOCATED)
        return place_timed(at, entry);
    at->files += entry->kind != CENV_KIND_PYC;
    at->bytes += entry->kind == CENV_KIND_FILE ? entry->size : 0;
    return place_entry(at, entry);
}

/* The clock is read once for all entries of a package that stand together, not for each file. */
static void count_work(struct worker *at, uint32_t package)
{
    struct cenv_link_work *work = &at->placer->linker->plan->packages[package].work;
    uint64_t now = cenv_clock_ns();

    add_count(&work->link_ns, now - at->since_ns - at->relocate_ns);
    add_count(&work->link_bytes, at->bytes);
    add_count(&work->link_files, at->files);
    at->since_ns = now;
    at->bytes = at->files = at->relocate_ns = 0;
}

static int place_entries(struct worker *at, const struct run *run)
{
    struct cenv_link_plan *plan = at->placer->linker->plan;
    int rc = 0;

    at->since_ns = cenv_clock_ns();
    for (uint32_t i = run->first; rc == 0 && i < run->first + run->nr; i++) {
        struct cenv_link_entry *entry = &plan->entries[plan->order[i]];
        bool last = i + 1 == run->first + run->nr;
        rc = place_counted(at, entry);
        if (last || plan->entries[plan->order[i + 1]].package != entry->package)
            count_work(at, entry->package);
    }
    return rc;
}

static int place_run(void *ctx, size_t index, unsigned thread, struct cenv_error *err)
{
    struct placer *placer = ctx;
    const struct run *run = &placer->runs[index];
    struct cenv_link_plan *plan = placer->linker->plan;
    struct worker *at = &placer->workers[thread];

    at->err = err;
    at->dir = cenv_dirs_get(&at->to, plan->dirs[run->dir].path, 0);
    if (at->dir < 0)
        return cenv_fs_fail(err, at->dir, placer->linker->root,
                            plan->dirs[run->dir].path.data, "cannot open");
    int rc = place_entries(at, run);
    cenv_task_advance(placer->linker->task, run->nr);
    return rc;
}

static int make_workers(struct placer *placer, struct cenv_error *err)
{
    unsigned nr = placer->linker->threads;

    placer->workers = cenv_calloc(nr, sizeof(*placer->workers));
    for (unsigned i = 0; placer->workers && i < nr; i++) {
        placer->workers[i] = (struct worker){.placer = placer, .package = CENV_NONE};
        cenv_dirs_init(&placer->workers[i].from, -1);
        cenv_dirs_init(&placer->workers[i].to, placer->linker->root);
    }
    return placer->workers ? 0 : cenv_error_oom(err);
}

static void free_workers(struct placer *placer)
{
    for (unsigned i = 0; placer->workers && i < placer->linker->threads; i++) {
        cenv_dirs_release(&placer->workers[i].from);
        cenv_dirs_release(&placer->workers[i].to);
        cenv_buf_release(&placer->workers[i].text);
    }
    cenv_free(placer->workers);
}

static int make_runs(struct placer *placer, struct cenv_error *err)
{
    const struct cenv_link_plan *plan = placer->linker->plan;

    for (uint32_t i = 0; i < plan->nr_dirs; i++) {
        const struct cenv_link_dir *dir = &plan->dirs[i];
        for (uint32_t at = 0; at < dir->nr; at += RUN_MAX) {
            void *list = placer->runs;
            if (!cenv_grow(&list, &placer->alloc, placer->nr, sizeof(*placer->runs)))
                return cenv_error_oom(err);
            placer->runs = list;
            uint32_t nr = dir->nr - at < RUN_MAX ? dir->nr - at : RUN_MAX;
            placer->runs[placer->nr++] = (struct run){i, dir->first + at, nr};
        }
    }
    return 0;
}

/* Where occupied it may be there, or a file in its place, which gives way as with conda; whatever
 * else has the name fails to open. */
static int make_dir_anyway(struct cenv_linker *linker, const char *path,
                           struct cenv_error *err)
{
    struct cenv_stat st;
    int raw = cenv_raw_stat(linker->root, path, &st);
    if (raw == 0 && st.type == CENV_FT_FILE) {
        raw = cenv_raw_unlink(linker->root, path);
        if (raw == 0)
            raw = cenv_raw_mkdir(linker->root, path, 0777);
        if (raw == 0 && !cenv_link_stats_warn(linker->stats,
                                              "a directory replaces '%s', which was "
                                              "there",
                                              path))
            return cenv_error_oom(err);
    }
    return raw < 0 ? cenv_fs_fail(err, raw, linker->root, path, "cannot make directory")
                   : 0;
}

/* Parents come before children in the plan; the prefix itself is there. */
static int make_dirs(struct cenv_linker *linker, struct cenv_error *err)
{
    for (size_t i = 1; i < linker->plan->nr_dirs; i++) {
        const char *path = linker->plan->dirs[i].path.data;
        int raw = cenv_raw_mkdir(linker->root, path, 0777);
        int rc = i % 256 == 0 ? cenv_task_poll(linker->task, err) : 0;
        if (rc == 0 && raw == -EEXIST && linker->occupied)
            rc = make_dir_anyway(linker, path, err);
        else if (rc == 0 && raw < 0)
            rc = cenv_fs_fail(err, raw, linker->root, path, "cannot make directory");
        if (rc < 0)
            return rc;
    }
    linker->stats->directories = linker->plan->nr_dirs - 1;
    return 0;
}

/* conda-meta was just made: does another spelling find it? */
static int ignores_case(int root, struct cenv_error *err)
{
    return cenv_fs_exists(root, "CONDA-META", err);
}

/* 1: it was there, be it a directory with all that is in it; 0: not, or it cannot be removed, which
 * shows when the file is placed. */
static int take_away(struct cenv_linker *linker, int dir, const char *name,
                     struct cenv_error *err)
{
    struct cenv_stat st;
    if (cenv_raw_unlink(dir, name) == 0)
        return 1;
    if (cenv_raw_stat(dir, name, &st) < 0 || st.type != CENV_FT_DIR)
        return 0;
    int rc = cenv_fs_remove_tree_polled(dir, name, NULL, linker->task, err);
    return rc < 0 ? rc : 1;
}

/* Takes away what has the paths of new files, as conda does, and says so. */
static int clear_paths(struct cenv_linker *linker, struct cenv_error *err)
{
    const struct cenv_link_plan *plan = linker->plan;
    struct cenv_dirs dirs;
    int rc = 0;

    cenv_dirs_init(&dirs, linker->root);
    for (size_t i = 0; rc == 0 && i < plan->nr_order; i++) {
        const struct cenv_link_entry *entry = &plan->entries[plan->order[i]];
        struct cenv_str name;
        int dir = cenv_dirs_parent(&dirs, entry->real, 0, &name);
        int taken = dir < 0 ? 0 : take_away(linker, dir, name.data, err);
        if (taken < 0)
            rc = taken;
        else if (taken &&
                 !cenv_link_stats_warn(
                     linker->stats, "%s replaces '%s', which was there",
                     plan->packages[entry->package].dist.data, entry->target.data))
            rc = cenv_error_oom(err);
    }
    cenv_dirs_release(&dirs);
    return rc;
}

static void take_counts(struct placer *placer, struct cenv_link_stats *stats)
{
    stats->reflinked = atomic_load(&placer->how[CENV_PLACE_REFLINK]);
    stats->hardlinked = atomic_load(&placer->how[CENV_PLACE_HARDLINK]);
    stats->copied = atomic_load(&placer->how[CENV_PLACE_COPY]);
    stats->symlinks = atomic_load(&placer->symlinks);
    stats->relocated = atomic_load(&placer->relocated);
    stats->bytes_copied = atomic_load(&placer->bytes_copied);
    stats->fallbacks = atomic_load(&placer->fallbacks);
}

int cenv_link_files_place(struct cenv_linker *linker, struct cenv_error *err)
{
    struct placer placer = {.linker = linker};
    int rc = make_dirs(linker, err);

    if (rc == 0)
        rc = ignores_case(linker->root, err);
    if (rc == 1)
        rc = cenv_link_plan_check_case(linker->plan, err);
    if (rc == 0 && linker->occupied)
        rc = clear_paths(linker, err);
    if (rc == 0)
        rc = make_runs(&placer, err);
    if (rc == 0)
        rc = make_workers(&placer, err);
    if (rc == 0)
        rc = cenv_pool_run(linker->threads, placer.nr, place_run, &placer, linker->task,
                           err);
    take_counts(&placer, linker->stats);
    if (rc == 0 && atomic_load(&placer.no_times) &&
        !cenv_link_stats_warn(linker->stats,
                              "the file system refuses times: files have "
                              "that of now"))
        rc = cenv_error_oom(err);
    free_workers(&placer);
    cenv_free(placer.runs);
    return rc;
}
