/* SPDX-License-Identifier: BSD-3-Clause */
/* Byte-compilation of noarch python packages by the environment's own python, as conda does it. */
#include "link/compile.h"

#include <stdio.h>

#include "base/alloc.h"
#include "base/pool.h"
#include "link/bytecode.h"
#include "os/fs.h"
#include "os/fs_data.h"
#include "os/fs_place.h"
#include "os/path.h"
#include "os/proc.h"

#define LIST_NAME ".cenv-compile-list"

enum { OUTPUT_MAX = 1 << 20, LIST_MAX = 256 << 20, SHARES_MAX = 8, SHARE_MIN = 32 };

/* To open, check and write a file takes as long as to compile some of its bytes. */
enum { FILE_COST = 4096 };

/* What one interpreter compiles, and what came of it. */
struct share {
    char name[sizeof(LIST_NAME) + 4]; /* of its list */
    struct cenv_buf list, output;
    uint64_t cost; /* in bytes of sources */
    struct cenv_proc_status status;
    struct cenv_error cause;
    int rc;
};

struct compiler {
    struct cenv_linker *linker;
    const char *python; /* the prefix that has one */
    struct share shares[SHARES_MAX];
    size_t nr;
};

static bool wants_bytecode(const struct cenv_link_entry *pyc)
{
    return pyc->kind == CENV_KIND_PYC && !pyc->done && !pyc->dropped;
}

/* How many sources there are, and into how many shares they are dealt: an interpreter takes as long
 * to start as it takes for some files, and more of them than processors gain nothing. */
static size_t count_sources(struct compiler *c)
{
    const struct cenv_link_plan *plan = c->linker->plan;
    size_t nr = 0;

    for (size_t i = 0; i < plan->nr_order; i++)
        nr += wants_bytecode(&plan->entries[plan->order[i]]);
    c->nr = 1 + nr / SHARE_MIN;
    if (c->nr > c->linker->threads)
        c->nr = c->linker->threads;
    if (c->nr > SHARES_MAX)
        c->nr = SHARES_MAX;
    return nr;
}

static struct share *find_cheapest(struct compiler *c)
{
    struct share *cheapest = &c->shares[0];

    for (size_t i = 1; i < c->nr; i++)
        if (c->shares[i].cost < cheapest->cost)
            cheapest = &c->shares[i];
    return cheapest;
}

/* One source a line, each to the share that has least to do: an interpreter that is done waits for
 * the others. In order, since what neighbours cost beyond their size is alike. */
static bool deal_sources(struct compiler *c)
{
    struct cenv_link_plan *plan = c->linker->plan;
    bool failed = false;

    for (size_t i = 0; i < plan->nr_order; i++) {
        const struct cenv_link_entry *pyc = &plan->entries[plan->order[i]];
        if (!wants_bytecode(pyc))
            continue;
        struct share *share = find_cheapest(c);
        share->cost += FILE_COST + plan->entries[pyc->py].size;
        cenv_buf_add_str(&share->list, pyc->source);
        cenv_buf_putc(&share->list, '\n');
        failed |= share->list.failed;
        plan->packages[pyc->package].work.compiled++;
    }
    return !failed;
}

/* Isolation (-I) is there since 3.4; conda asks for 3.6. */
static bool is_old(struct cenv_str version)
{
    struct cenv_str rest = version, major = cenv_str_cut(&rest, '.');

    return cenv_str_is(major, "2") ||
           (cenv_str_is(major, "3") && rest.len == 1 && rest.data[0] < '6');
}

/*
 * File names are relative to the prefix, which is the working directory: co_filename then names no
 * prefix, and clones can keep the bytecode. The environment is empty but for what a program needs:
 * SOURCE_DATE_EPOCH would give bytecode checked by hash, PYTHON* would change the interpreter.
 * Without site (-S) and without bytecode of what is imported (-B): a .pth file that imports would
 * leave some that names the directory, and compileall takes it for done.
 */
static int run_python(const struct compiler *c, struct share *share,
                      struct cenv_error *err)
{
    const struct cenv_linker *linker = c->linker;
    struct cenv_buf exe;
    bool old = is_old(linker->plan->python_version);
    const char *const env[] = {"PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8", NULL};

    cenv_buf_init(&exe, CENV_PATH_PACKAGE_MAX * 2);
    cenv_buf_addf(&exe, "%s/bin/python%.*s", c->python,
                  CENV_STR_ARG(linker->plan->python_version));
    const char *const argv[] = {
        exe.data, old ? "-E" : "-I", "-B", "-S", "-Wi", "-m", "compileall", "-q", "-l",
        "-i",     share->name,       NULL,
    };
    struct cenv_proc proc = {.argv = argv, .env = env, .cwd = linker->dir};
    int rc = exe.failed ? cenv_error_oom(err) : 0;
    if (rc == 0)
        rc = cenv_proc_run(&proc, &share->output, &share->status, linker->task, err);
    cenv_buf_release(&exe);
    return rc;
}

/* Entries whose bytecode came to be are done; what was taken from the store counts as well. */
static int take_results(const struct cenv_linker *linker, struct cenv_error *err)
{
    struct cenv_link_plan *plan = linker->plan;
    struct cenv_stat st;

    for (size_t i = 0; i < plan->nr_order; i++) {
        struct cenv_link_entry *pyc = &plan->entries[plan->order[i]];
        if (pyc->kind != CENV_KIND_PYC)
            continue;
        int raw = cenv_raw_stat(linker->root, pyc->real.data, &st);
        if (cenv_raw_is_absent(raw))
            continue;
        if (raw < 0)
            return cenv_fs_fail(err, raw, linker->root, pyc->real.data,
                                "cannot look at");
        pyc->done = true;
        pyc->how = CENV_PLACE_COPY;
        pyc->final_size = st.size;
        pyc->final_mtime_ns = st.mtime_ns;
        pyc->final_mode = st.mode;
        linker->stats->compiled++;
        plan->packages[pyc->package].work.compile_files++;
    }
    return 0;
}

static int warn_failed(const struct cenv_linker *linker, const struct share *share,
                       struct cenv_error *err)
{
    struct cenv_str said = cenv_str_trim(cenv_buf_str(&share->output));

    said = cenv_str_slice(said, said.len > 300 ? said.len - 300 : 0, said.len);
    bool warned = cenv_link_stats_warn(
        linker->stats,
        "bytecode was not compiled: the environment's python does not run here: %s%.*s",
        share->cause.message, CENV_STR_ARG(said));
    return warned ? 0 : cenv_error_oom(err);
}

/* compileall tells of a file that does not compile; a traceback is of compileall itself. */
static bool is_complete(const struct share *share)
{
    return !share->status.signal && share->status.code <= 1 &&
           !(share->output.len && strstr(share->output.data, "Traceback"));
}

/* compileall itself compiles the files of a list one after another, whatever -j says. */
static int compile_share(void *ctx, size_t index, unsigned thread,
                         struct cenv_error *err)
{
    struct compiler *c = ctx;
    struct share *share = &c->shares[index];
    int root = c->linker->root;

    (void)thread;
    snprintf(share->name, sizeof(share->name), LIST_NAME "%zu", index);
    int rc =
        cenv_fs_write_new(root, share->name, cenv_buf_str(&share->list), 0600, err);
    if (rc < 0)
        return rc;
    share->rc = run_python(c, share, &share->cause);
    cenv_raw_unlink(root, share->name);
    return share->rc == CENV_ECANCELLED || share->rc == CENV_ENOMEM
               ? cenv_error_move(err, &share->cause)
               : 0;
}

/* What all came to: where python does not run, that is told once. */
static int judge_shares(struct compiler *c, struct cenv_error *err)
{
    const struct share *failed = NULL;
    bool complete = true;

    for (size_t i = 0; i < c->nr; i++) {
        complete &= is_complete(&c->shares[i]);
        if (c->shares[i].rc < 0 && !failed)
            failed = &c->shares[i];
    }
    if (failed || !c->linker->stats->compiled)
        return warn_failed(c->linker, failed ? failed : &c->shares[0], err);
    if (complete)
        cenv_link_bytecode_keep(c->linker);
    return 0;
}

static int compile_shares(struct compiler *c, struct cenv_error *err)
{
    struct cenv_error taking = CENV_ERROR_INIT;

    for (size_t i = 0; i < c->nr; i++) {
        cenv_buf_init(&c->shares[i].list, LIST_MAX);
        cenv_buf_init(&c->shares[i].output, OUTPUT_MAX);
    }
    int rc = deal_sources(c) ? 0 : cenv_error_oom(err);
    if (rc == 0)
        rc = cenv_pool_run((unsigned)c->nr, c->nr, compile_share, c, c->linker->task,
                           err);
    int taken = take_results(c->linker, &taking);
    if (rc == 0 && taken < 0)
        rc = cenv_error_move(err, &taking);
    if (rc == 0)
        rc = judge_shares(c, err);
    cenv_error_release(&taking);
    for (size_t i = 0; i < c->nr; i++) {
        cenv_buf_release(&c->shares[i].list);
        cenv_buf_release(&c->shares[i].output);
        cenv_error_release(&c->shares[i].cause);
    }
    return rc;
}

/* Takes what the store has, and counts the rest. */
static int take_and_count(struct compiler *c, size_t *nr, struct cenv_error *err)
{
    int rc = cenv_link_bytecode_take(c->linker, err);
    if (rc == 0)
        *nr = count_sources(c);
    return rc;
}

static int find_work(struct compiler *c, size_t *nr, struct cenv_error *err)
{
    const struct cenv_link_options *options = c->linker->options;
    int rc = take_and_count(c, nr, err);
    if (rc < 0 || !*nr || !options->find_python)
        return rc;
    rc = options->find_python(options->find_python_ctx, &c->python, err);
    if (rc == 0)
        rc = take_and_count(c, nr, err);
    return rc;
}

int cenv_link_compile_sources(struct cenv_linker *linker, struct cenv_error *err)
{
    struct compiler c = {.linker = linker, .python = linker->dir};
    size_t nr = 0;

    struct cenv_span span = cenv_span_begin(CENV_STAGE_COMPILE, "");
    int rc = find_work(&c, &nr, err);
    if (rc == 0) {
        span.misses = nr;
        if (nr) {
            cenv_task_progress(linker->task, CENV_STAGE_COMPILE, nr);
            rc = compile_shares(&c, err);
        } else
            rc = take_results(linker, err);
        span.items = linker->stats->compiled;
        span.hits = span.items > span.misses ? span.items - span.misses : 0;
    }
    if (span.items || span.misses)
        cenv_span_end(linker->task, &span);
    return rc;
}
