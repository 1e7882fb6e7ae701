/* SPDX-License-Identifier: BSD-3-Clause */
/* The link as a whole: the order of its steps is conda's. */
#include "link/link.h"

#include <errno.h>

#include "base/alloc.h"
#include "codec/json.h"
#include "link/compile.h"
#include "link/files.h"
#include "link/plan.h"
#include "link/records.h"
#include "link/scripts.h"
#include "os/fs.h"
#include "os/fs_place.h"
#include "os/host.h"

/* Beyond it threads only wait for each other in the file system's locks. */
enum { THREADS_MAX = 8 };

/* 1 when a file of a package comes to `probe` by `mode`, as a file, else 0: it is gone again then;
 * or a status. */
static int place_probe(const struct cenv_linker *linker, int info, const char *probe,
                       enum cenv_place_mode mode, struct cenv_error *err)
{
    struct cenv_stat st;
    enum cenv_place_mode got = mode;
    bool is_file = cenv_raw_place(info, "index.json", NULL, linker->root, probe, mode,
                                  false, &got, NULL) >= 0 &&
                   cenv_raw_stat(linker->root, probe, &st) == 0 &&
                   st.type == CENV_FT_FILE;
    int gone = cenv_raw_unlink(linker->root, probe);

    if (gone < 0 && gone != -ENOENT)
        return cenv_fs_fail(err, gone, linker->root, probe, "cannot remove");
    return is_file;
}

/*
 * 1 when `mode` works between the packages and the prefix, 0, or a status. It is tried with a real
 * file of a package: some file systems make something else than a link of link() (BeeGFS,
 * conda#2345). No file of a package has the name.
 */
static int try_mode(const struct cenv_linker *linker, enum cenv_place_mode mode,
                    struct cenv_error *err)
{
    char *probe = cenv_fs_unique_name(".cenv-probe");
    int info = cenv_raw_open_dir(linker->plan->packages[0].content, "info");
    int works = probe ? 0 : cenv_error_oom(err);

    if (probe && info >= 0)
        works = place_probe(linker, info, probe, mode, err);
    cenv_fd_close(info);
    cenv_free(probe);
    return works;
}

/* The mode, or a status. */
static int decide_mode(const struct cenv_linker *linker, struct cenv_error *err)
{
    enum cenv_place_mode want = linker->options->mode;
    bool own = linker->options->own_inodes;
    int works;

    if (!linker->plan->nr_packages || want == CENV_PLACE_COPY)
        return CENV_PLACE_COPY;
    if (want == CENV_PLACE_HARDLINK)
        return own ? CENV_PLACE_COPY : CENV_PLACE_HARDLINK;
    if (want == CENV_PLACE_REFLINK)
        return CENV_PLACE_REFLINK;
    works = try_mode(linker, CENV_PLACE_REFLINK, err);
    if (works != 0)
        return works < 0 ? works : CENV_PLACE_REFLINK;
    works = own ? 0 : try_mode(linker, CENV_PLACE_HARDLINK, err);
    if (works != 0)
        return works < 0 ? works : CENV_PLACE_HARDLINK;
    return CENV_PLACE_COPY;
}

static int execute_plan(struct cenv_linker *linker, struct cenv_error *err)
{
    bool scripts = !linker->options->no_scripts;
    int rc = 0;

    if (scripts)
        rc = cenv_link_scripts_run(linker, "pre-link", err);
    linker->occupied |= linker->plan->ran_scripts;
    if (rc == 0) {
        cenv_task_progress(linker->task, CENV_STAGE_LINK, linker->plan->nr_order);
        rc = cenv_link_files_place(linker, err);
    }
    if (rc == 0 && scripts)
        rc = cenv_link_scripts_run(linker, "post-link", err);
    if (rc == 0 && !linker->options->no_compile)
        rc = cenv_link_compile_sources(linker, err);
    if (rc == 0 && !linker->options->no_records)
        rc = cenv_link_records_write(linker, err);
    return rc;
}

/* What it took to link each package. */
static void tell_work(struct cenv_linker *linker)
{
    for (size_t i = 0; i < linker->plan->nr_packages; i++) {
        struct cenv_plan_package *package = &linker->plan->packages[i];
        struct cenv_link_work *work = &package->work;
        struct cenv_fact fact = {
            .kind = CENV_FACT_LINK,
            .texts = {cenv_json_get_str(package->record, "fn")},
            .numbers = {atomic_load(&work->link_ns), atomic_load(&work->link_bytes),
                        atomic_load(&work->link_files), atomic_load(&work->relocate_ns),
                        atomic_load(&work->relocate_bytes),
                        atomic_load(&work->relocate_files), work->compile_files,
                        work->compiled},
        };
        cenv_task_fact(linker->task, &fact);
    }
}

/* Why files are copied though nobody asked for copies, or "". */
static const char *copying_reason(const struct cenv_linker *linker)
{
    if (linker->mode != CENV_PLACE_COPY || linker->options->mode == CENV_PLACE_COPY ||
        !linker->plan->nr_packages)
        return "";
    return linker->options->own_inodes
               ? "the file system has none, and a template shares no files with packages"
               : "neither reflinks nor hard links work from the packages to there";
}

static void tell_mode(struct cenv_linker *linker)
{
    const struct cenv_link_stats *stats = linker->stats;
    struct cenv_fact fact = {
        .kind = CENV_FACT_MODE,
        .texts = {cenv_str(cenv_place_mode_name(linker->mode)),
                  cenv_str(copying_reason(linker))},
        .numbers = {stats->reflinked, stats->hardlinked, stats->copied,
                    stats->fallbacks},
    };

    cenv_task_fact(linker->task, &fact);
}

static int link_by_plan(struct cenv_linker *linker,
                        const struct cenv_link_package *packages, size_t nr,
                        struct cenv_error *err)
{
    struct cenv_span span = cenv_span_begin(CENV_STAGE_LINK, "");
    int rc = cenv_link_plan_make(&linker->plan, packages, nr, linker->options,
                                 linker->stats, linker->task, err);

    if (rc == 0)
        rc = decide_mode(linker, err);
    if (rc >= 0) {
        linker->mode = (enum cenv_place_mode)rc;
        rc = execute_plan(linker, err);
        tell_work(linker);
        tell_mode(linker);
        linker->stats->files = span.items = linker->plan->nr_order;
        span.bytes = linker->stats->bytes_copied;
    }
    cenv_span_end(linker->task, &span);
    return rc;
}

int cenv_link(const char *dir, const struct cenv_link_package *packages, size_t nr,
              const struct cenv_link_options *options, struct cenv_link_plan **plan,
              struct cenv_link_stats *stats, struct cenv_task *task,
              struct cenv_error *err)
{
    struct cenv_link_stats own = {0};
    struct cenv_link_options decided = *options;
    struct cenv_linker linker = {.options = &decided,
                                 .stats = &own,
                                 .task = task,
                                 .dir = dir,
                                 .root = -1,
                                 .mode = CENV_PLACE_COPY,
                                 .occupied = options->onto};
    unsigned cpus = cenv_host_cpus();

    linker.threads = options->threads     ? options->threads
                     : cpus < THREADS_MAX ? cpus
                                          : THREADS_MAX;
    decided.threads = linker.threads;
    linker.root = cenv_fs_open_root(dir, err);
    int rc = linker.root < 0 ? linker.root : link_by_plan(&linker, packages, nr, err);
    cenv_fd_close(linker.root);
    if (rc == 0 && plan) {
        *plan = linker.plan;
        linker.plan = NULL;
    }
    cenv_link_plan_free(linker.plan);
    if (rc == 0)
        *stats = own;
    else
        cenv_link_stats_release(&own);
    return rc;
}
