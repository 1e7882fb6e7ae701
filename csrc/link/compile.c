/* SPDX-License-Identifier: BSD-3-Clause */
/* Byte-compilation of noarch python packages by the environment's own python, as conda does it. */
#include "link/compile.h"

#include <stdio.h>

#include "base/alloc.h"
#include "link/bytecode.h"
#include "os/fs.h"
#include "os/fs_data.h"
#include "os/fs_place.h"
#include "os/path.h"
#include "os/proc.h"

#define LIST_NAME ".cenv-compile-list"

enum { OUTPUT_MAX = 1 << 20, LIST_MAX = 256 << 20 };

/* The sources whose bytecode is wanted, one a line; how many. */
static size_t format_list(struct cenv_link_plan *plan, struct cenv_buf *out)
{
    size_t nr = 0;

    cenv_buf_clear(out);
    for (size_t i = 0; i < plan->nr_packages; i++)
        plan->packages[i].work.compiled = 0;
    for (size_t i = 0; i < plan->nr_order; i++) {
        const struct cenv_link_entry *pyc = &plan->entries[plan->order[i]];
        if (pyc->kind != CENV_KIND_PYC || pyc->done || pyc->dropped)
            continue;
        cenv_buf_add_str(out, pyc->source);
        cenv_buf_putc(out, '\n');
        plan->packages[pyc->package].work.compiled++;
        nr++;
    }
    return nr;
}

/* compileall takes -j since 3.5 and -I since 3.4; conda asks for 3.6. */
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
static int run_python(const struct cenv_linker *linker, const char *python,
                      struct cenv_proc_status *status, struct cenv_buf *output,
                      struct cenv_error *err)
{
    struct cenv_buf exe;
    bool old = is_old(linker->plan->python_version);
    const char *const env[] = {"PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8", NULL};

    cenv_buf_init(&exe, CENV_PATH_PACKAGE_MAX * 2);
    cenv_buf_addf(&exe, "%s/bin/python%.*s", python,
                  CENV_STR_ARG(linker->plan->python_version));
    const char *const argv[] = {
        exe.data,  old ? "-E" : "-I",  "-B", "-S", "-Wi",
        "-m",      "compileall",       "-q", "-l", "-i",
        LIST_NAME, old ? NULL : "-j0", NULL,
    };
    struct cenv_proc proc = {.argv = argv, .env = env, .cwd = linker->dir};
    int rc = exe.failed ? cenv_error_oom(err) : 0;
    if (rc == 0)
        rc = cenv_proc_run(&proc, output, status, linker->task, err);
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

static int warn_failed(const struct cenv_linker *linker, const struct cenv_buf *output,
                       struct cenv_error *cause, struct cenv_error *err)
{
    struct cenv_str said = cenv_str_trim(cenv_buf_str(output));

    said = cenv_str_slice(said, said.len > 300 ? said.len - 300 : 0, said.len);
    bool warned = cenv_link_stats_warn(
        linker->stats,
        "bytecode was not compiled: the environment's python does not run here: %s%.*s",
        cause->message, CENV_STR_ARG(said));
    cenv_error_release(cause);
    return warned ? 0 : cenv_error_oom(err);
}

/* compileall tells of a file that does not compile; a traceback is of compileall itself. */
static bool is_complete(const struct cenv_proc_status *status, struct cenv_buf *output)
{
    return !status->signal && status->code <= 1 &&
           !(output->len && strstr(output->data, "Traceback"));
}

static int compile_list(struct cenv_linker *linker, const char *python,
                        struct cenv_str list, struct cenv_error *err)
{
    struct cenv_error cause = CENV_ERROR_INIT;
    struct cenv_proc_status status = {0};
    struct cenv_buf output;
    int rc = cenv_fs_write_new(linker->root, LIST_NAME, list, 0600, err);

    if (rc < 0)
        return rc;
    cenv_buf_init(&output, OUTPUT_MAX);
    rc = run_python(linker, python, &status, &output, &cause);
    cenv_raw_unlink(linker->root, LIST_NAME);
    int taken = take_results(linker, err);
    if (rc == CENV_ECANCELLED || rc == CENV_ENOMEM || taken < 0)
        rc = cenv_error_move(err, &cause);
    else if (rc < 0 || !linker->stats->compiled)
        rc = warn_failed(linker, &output, &cause, err);
    else if (is_complete(&status, &output))
        cenv_link_bytecode_keep(linker);
    cenv_buf_release(&output);
    return rc;
}

/* Takes what the store has, and lists the rest; `nr` of it. */
static int take_and_list(struct cenv_linker *linker, struct cenv_buf *list, size_t *nr,
                         struct cenv_error *err)
{
    int rc = cenv_link_bytecode_take(linker, err);
    if (rc < 0)
        return rc;
    *nr = format_list(linker->plan, list);
    return list->failed ? cenv_error_oom(err) : 0;
}

static int find_work(struct cenv_linker *linker, const char **python,
                     struct cenv_buf *list, size_t *nr, struct cenv_error *err)
{
    const struct cenv_link_options *options = linker->options;
    *python = linker->dir;
    int rc = take_and_list(linker, list, nr, err);
    if (rc < 0 || !*nr || !options->find_python)
        return rc;
    rc = options->find_python(options->find_python_ctx, python, err);
    if (rc == 0)
        rc = take_and_list(linker, list, nr, err);
    return rc;
}

int cenv_link_compile_sources(struct cenv_linker *linker, struct cenv_error *err)
{
    struct cenv_buf list;
    const char *python;
    size_t nr = 0;

    cenv_buf_init(&list, LIST_MAX);
    struct cenv_span span = cenv_span_begin(CENV_STAGE_COMPILE, "");
    int rc = find_work(linker, &python, &list, &nr, err);
    if (rc == 0) {
        span.misses = nr;
        if (nr) {
            cenv_task_progress(linker->task, CENV_STAGE_COMPILE, nr);
            rc = compile_list(linker, python, cenv_buf_str(&list), err);
        } else
            rc = take_results(linker, err);
        span.items = linker->stats->compiled;
        span.hits = span.items > span.misses ? span.items - span.misses : 0;
    }
    if (span.items || span.misses)
        cenv_span_end(linker->task, &span);
    cenv_buf_release(&list);
    return rc;
}
