/* SPDX-License-Identifier: BSD-3-Clause */
/* The link as a whole: the order of its steps is conda's. */
#include "link/link.h"

#include "base/alloc.h"
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

/* Whether a file of a package comes to `probe` by `mode`, as a file; it is gone again then. */
static bool place_probe(const struct cenv_linker *linker, int info, const char *probe,
                        enum cenv_place_mode mode)
{
    struct cenv_stat st;
    enum cenv_place_mode got = mode;

    if (cenv_raw_place(info, "index.json", NULL, linker->root, probe, mode, false,
                       &got) < 0)
        return false;
    bool is_file =
        cenv_raw_stat(linker->root, probe, &st) == 0 && st.type == CENV_FT_FILE;
    return cenv_raw_unlink(linker->root, probe) == 0 && is_file;
}

/*
 * What `mode` comes to between the packages and the prefix, tried with a real file of a package:
 * some file systems make something else than a link of link() (BeeGFS, conda#2345). No file of a
 * package has the name.
 */
static bool mode_works(const struct cenv_linker *linker, enum cenv_place_mode mode)
{
    char *probe = cenv_fs_unique_name(".cenv-probe");
    int info = cenv_raw_open_dir(linker->plan->packages[0].content, "info");
    bool good = probe && info >= 0 && place_probe(linker, info, probe, mode);

    cenv_fd_close(info);
    cenv_free(probe);
    return good;
}

static enum cenv_place_mode decide_mode(const struct cenv_linker *linker)
{
    enum cenv_place_mode want = linker->options->mode;
    bool own = linker->options->own_inodes;

    if (!linker->plan->nr_packages || want == CENV_PLACE_COPY)
        return CENV_PLACE_COPY;
    if (want == CENV_PLACE_HARDLINK)
        return own ? CENV_PLACE_COPY : CENV_PLACE_HARDLINK;
    if (want == CENV_PLACE_REFLINK || mode_works(linker, CENV_PLACE_REFLINK))
        return CENV_PLACE_REFLINK;
    return !own && mode_works(linker, CENV_PLACE_HARDLINK) ? CENV_PLACE_HARDLINK
                                                           : CENV_PLACE_COPY;
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
    if (rc == 0)
        rc = cenv_link_records_write(linker, err);
    return rc;
}

static int link_by_plan(struct cenv_linker *linker,
                        const struct cenv_link_package *packages, size_t nr,
                        struct cenv_error *err)
{
    struct cenv_span span = cenv_span_begin(CENV_STAGE_LINK, "");
    int rc = cenv_link_plan_make(&linker->plan, packages, nr, linker->options,
                                 linker->stats, linker->task, err);

    if (rc == 0) {
        linker->mode = decide_mode(linker);
        rc = execute_plan(linker, err);
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
