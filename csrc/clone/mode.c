/* SPDX-License-Identifier: BSD-3-Clause */
/* The table of modes, and those whose clones are files of their own. */
#include "clone/mode.h"

#include <errno.h>

#include "cenv.h"
#include "clone/clone_tree.h"
#include "clone/overlay_clone.h"
#include "clone/provenance.h"
#include "clone/reset_tree.h"
#include "clone/snapshot_clone.h"
#include "os/fs_beneath.h"
#include "os/fs_facts.h"
#include "os/fs_remove.h"
#include "os/raw_extent.h"
#include "os/subvolume.h"

/* ---- where files can be shared ---- */

static bool is_same_device(const struct cenv_clone_job *job)
{
    return job->root.dev == job->source->manifest->header->dev;
}

/* Extents are shared between subvolumes of one btrfs, too, which have devices of their own. */
static bool is_one_file_system(const struct cenv_clone_job *job)
{
    return is_same_device(job) ||
           cenv_raw_is_one_file_system(job->dst.dir, job->source->fd);
}

static const char *const other_device =
    "source and clone are on different file systems";

static const char *const no_extents = "the file system cannot share extents";

/* File systems known not to share extents are not asked. */
static const char *decline_reflink(const struct cenv_clone_job *job)
{
    struct cenv_fs_facts facts;
    struct cenv_error ignored = CENV_ERROR_INIT;
    if (!is_one_file_system(job))
        return other_device;
    bool known = cenv_fs_facts(job->dst.dir, &facts, &ignored) == 0;
    cenv_error_release(&ignored);
    bool cannot = known && (strncmp(facts.type, "ext", 3) == 0 ||
                            strcmp(facts.type, "tmpfs") == 0);
    return cannot ? no_extents : NULL;
}

/* One that has a block of its own, else any that is not empty: some file systems keep small ones
 * elsewhere. */
static const struct cenv_mf_file *file_to_try(const struct cenv_manifest *m)
{
    const struct cenv_mf_file *small = NULL;
    for (uint32_t i = 0; i < m->nr_files; i++) {
        const struct cenv_mf_file *file = &m->files[i];
        if (file->type == CENV_MF_FILE && file->size >= 4096)
            return file;
        if (file->type == CENV_MF_FILE && file->size && !small)
            small = file;
    }
    return small;
}

#define PROBE ".cenv-probe"

/* By trying it on a file of the source: 0, or -errno why not. The probe stays. */
static int try_reflink(const struct cenv_clone_job *job)
{
    const struct cenv_manifest *m = job->source->manifest;
    const struct cenv_mf_file *file = file_to_try(m);
    if (!file)
        return is_one_file_system(job) ? 0 : -EXDEV;
    struct cenv_str path = cenv_mf_str(m, m->dirs[file->dir].path);
    int dir = cenv_raw_open_beneath(job->source->fd, path, 0);
    int in = dir < 0 ? dir : cenv_raw_open_file(dir, cenv_mf_cstr(m, file->name), NULL);
    int out = in < 0 ? in : cenv_raw_create(job->dst.dir, PROBE, 0600);
    int rc = out < 0 ? out : cenv_raw_reflink(in, out);
    cenv_fd_close(out);
    cenv_fd_close(in);
    cenv_fd_close(dir);
    return rc;
}

static const char *probe_reflink(struct cenv_clone_job *job)
{
    if (try_reflink(job) == 0)
        return NULL;
    return is_one_file_system(job) ? no_extents : other_device;
}

/* The guard of the store watches its templates alone: elsewhere linking is the user's choice. */
static const char *decline_hardlink(const struct cenv_clone_job *job)
{
    if (!is_same_device(job))
        return other_device;
    return job->source->is_template
               ? NULL
               : "what is written through a link of an environment "
                 "that is not of the store is written to it";
}

static const char *probe_hardlink(struct cenv_clone_job *job)
{
    return is_same_device(job) ? NULL : other_device;
}

static const char *allow_copy(const struct cenv_clone_job *job)
{
    (void)job;
    return NULL;
}

/* ---- clones that are files of their own ---- */

static int place_files(struct cenv_clone_job *job, enum cenv_place_mode placing,
                       struct cenv_error *err)
{
    struct cenv_clone_target target = {.dst = job->dst.dir,
                                       .mask = job->dst.mask,
                                       .mode = placing,
                                       .remembered = &job->remembered};
    int rc = cenv_clone_tree_place(&job->prepared, &target, cenv_clone_job_threads(job),
                                   &job->result, job->task, err);
    if (rc == 0)
        rc = cenv_provenance_apply(job->dst.dir, job->options->provenance, err);
    return rc;
}

static int publish_files(struct cenv_clone_job *job, struct cenv_error *err)
{
    return cenv_newprefix_publish(&job->dst, job->prepared.m->dirs[0].mode, err);
}

static int remove_files(const char *path, struct cenv_error *err)
{
    return cenv_fs_remove_tree(CENV_CWD, path, err);
}

/* ---- the table ---- */

#define OF_FILES \
    .place = place_files, .publish = publish_files, .reset = cenv_reset_tree, \
    .remove = remove_files

/* In the order in which users are told of them, and in which "auto" tries those that suit. */
static const struct cenv_clone_mode modes[] = {
    {.placing = CENV_PLACE_AUTO}, /* only asked for: choosing makes another of it */
    {.name = "snapshot",
     .placing = CENV_PLACE_REFLINK,
     .refuse = cenv_snapshot_clone_refuse,
     .decline = cenv_snapshot_clone_decline,
     .probe = cenv_snapshot_clone_probe,
     .place = cenv_snapshot_clone_place,
     .publish = publish_files,
     .reset = cenv_reset_tree,
     .remove = remove_files},
    {.placing = CENV_PLACE_REFLINK,
     .decline = decline_reflink,
     .probe = probe_reflink,
     OF_FILES},
    {.placing = CENV_PLACE_HARDLINK,
     .decline = decline_hardlink,
     .probe = probe_hardlink,
     OF_FILES},
    {.placing = CENV_PLACE_COPY, .decline = allow_copy, OF_FILES},
    {.name = "overlay",
     .placing = CENV_PLACE_COPY,
     .shows = true,
     .check = cenv_overlay_clone_check,
     .place = cenv_overlay_clone_place,
     .withdraw = cenv_overlay_clone_withdraw,
     .reset = cenv_overlay_clone_reset,
     .prepare_anew = cenv_overlay_clone_prepare_anew,
     .finish_anew = cenv_overlay_clone_finish_anew,
     .remove = cenv_overlay_clone_remove,
     .write_out = cenv_overlay_clone_write_out,
     .show_written = cenv_overlay_clone_show_written},
};

enum { NR_MODES = sizeof(modes) / sizeof(modes[0]), COPY = 4, NAMES_MAX = 1 << 10 };

const char *cenv_clone_mode_text(const struct cenv_clone_mode *mode)
{
    return mode->name ? mode->name : cenv_place_mode_name(mode->placing);
}

const char *cenv_clone_mode_name(unsigned index)
{
    return index < NR_MODES ? cenv_clone_mode_text(&modes[index]) : NULL;
}

const struct cenv_clone_mode *cenv_clone_mode_find(const char *name)
{
    for (size_t i = 0; i < NR_MODES; i++)
        if (strcmp(cenv_clone_mode_text(&modes[i]), name) == 0)
            return &modes[i];
    return NULL;
}

int cenv_clone_mode_parse(const char *name, const struct cenv_clone_mode **out,
                          struct cenv_error *err)
{
    struct cenv_buf names;
    *out = name ? cenv_clone_mode_find(name) : NULL;
    if (*out)
        return 0;
    cenv_buf_init(&names, NAMES_MAX);
    for (unsigned i = 0; i < NR_MODES; i++)
        cenv_buf_addf(&names, "%s%s", i ? ", " : "", cenv_clone_mode_name(i));
    cenv_error_set(err, CENV_EUSAGE, "'%s' is not a clone mode", name ? name : "");
    cenv_error_hint(err, "use one of: %s", names.failed ? "" : names.data);
    cenv_buf_release(&names);
    return err->status;
}

const struct cenv_clone_mode *cenv_clone_mode_of_entry(const char *name)
{
    const struct cenv_clone_mode *mode = cenv_clone_mode_find(name);
    return mode && mode->place ? mode : &modes[COPY];
}

/* Why a mode is not to be that of a clone, or NULL; `automatic`: nobody asked for it. */
static const char *reject(const struct cenv_clone_mode *mode,
                          struct cenv_clone_job *job, bool automatic)
{
    const char *why = mode->refuse ? mode->refuse(job) : NULL;
    if (!why && automatic)
        why = mode->decline(job);
    if (!why && mode->probe)
        why = mode->probe(job);
    return why;
}

/* To the copy at the latest, which always works. */
static const struct cenv_clone_mode *choose_automatic(struct cenv_clone_job *job)
{
    struct cenv_clone_refusal *refused = job->refused;
    for (size_t i = 0;; i++) {
        if (!modes[i].decline)
            continue;
        const char *why = reject(&modes[i], job, true);
        if (!why)
            return &modes[i];
        *refused++ = (struct cenv_clone_refusal){cenv_clone_mode_text(&modes[i]), why};
    }
}

static int remove_probe(const struct cenv_clone_job *job, struct cenv_error *err)
{
    int rc = cenv_raw_unlink(job->dst.dir, PROBE);
    return rc == 0 || rc == -ENOENT
               ? 0
               : cenv_fs_fail(err, rc, job->dst.dir, PROBE, "cannot remove");
}

const struct cenv_clone_mode *cenv_clone_mode_choose(struct cenv_clone_job *job,
                                                     struct cenv_error *err)
{
    const struct cenv_clone_mode *mode = job->options->mode;
    const char *why = NULL;
    if (!mode->place)
        mode = choose_automatic(job);
    else
        why = reject(mode, job, false);
    if (!why)
        return remove_probe(job, err) == 0 ? mode : NULL;
    cenv_error_set(err, CENV_ELINK, "mode %s cannot work here: %s",
                   cenv_clone_mode_text(mode), why);
    cenv_error_hint(err, "use mode auto or copy, or another place for the clone");
    return NULL;
}
