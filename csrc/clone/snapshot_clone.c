/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Mode snapshot. What all clones of a template have in common lies in a subvolume of the store, its
 * twin; a clone is a snapshot of it, into which the rest is written. The inodes, times and ctimes
 * are the twin's, which is older than any clone: what a clone changes shows by its ctime, as in
 * clones of other modes.
 */
#include "clone/snapshot_clone.h"

#include "clone/overlay_layer.h"
#include "clone/provenance.h"
#include "clone/twin.h"
#include "os/fs.h"
#include "os/fs_where.h"
#include "os/subvolume.h"
#include "os/xattr.h"

/* ---- where it works ---- */

/* So few files are reflinked sooner than the file system makes a snapshot, for which it writes out
 * all that is on its way (measured by benchmarks/snapshot.py). */
enum { FEW_FILES = 300 };

/* A snapshot's files keep their owner, group and lists of access; new ones have their user's. */
static const char *refuse_owner(const struct cenv_clone_job *job)
{
    struct cenv_stat source, place;
    if (cenv_raw_stat_fd(job->source->fd, &source) < 0 ||
        cenv_raw_stat_fd(job->dst.dir, &place) < 0)
        return "it cannot be looked at";
    if (source.uid != cenv_fs_uid() || source.gid != cenv_fs_gid())
        return "the template is another user's or group's";
    if (place.gid != source.gid)
        return "the directory of the clone gives it another group";
    return cenv_raw_hands_down_acl(job->dst.dir)
               ? "the directory of the clone gives it a list of access"
               : NULL;
}

const char *cenv_snapshot_clone_refuse(const struct cenv_clone_job *job)
{
    struct cenv_subvolume_facts facts;
    if (!job->store || !job->source->is_template)
        return "the source is not a template of the store";
    if (!cenv_raw_is_one_file_system(job->source->fd, job->dst.dir))
        return "source and clone are on different file systems";
    if (cenv_raw_subvolume_facts(job->dst.dir, &facts) < 0)
        return "the file system is not btrfs, or of a kernel before 4.18";
    return refuse_owner(job);
}

const char *cenv_snapshot_clone_decline(const struct cenv_clone_job *job)
{
    return job->source->manifest->nr_files < FEW_FILES
               ? "so few files are shared one by one in less time"
               : NULL;
}

/* Where there is a twin it was made. */
const char *cenv_snapshot_clone_probe(struct cenv_clone_job *job)
{
    struct cenv_error ignored = CENV_ERROR_INIT;
    int rc = cenv_twin_find(job, &job->twin, &ignored);
    cenv_error_release(&ignored);
    return rc == 0 ? NULL : cenv_twin_try(job);
}

/* ---- cloning ---- */

enum { TRIES = 5 };

static int write_rest(struct cenv_clone_job *job, enum cenv_place_mode placing,
                      struct cenv_error *err)
{
    struct cenv_overlay_layer layer = {.kind = CENV_LAYER_REST,
                                       .dir = job->dst.dir,
                                       .threads = cenv_clone_job_threads(job),
                                       .placing = placing,
                                       .remembered = &job->remembered};
    return cenv_overlay_layer_write(&job->prepared, &layer, &job->result, job->task,
                                    err);
}

/* Of all that was in the twin, or it does not count: 0, 1 then, or a status. */
static int snapshot_twin(struct cenv_clone_job *job, struct cenv_error *err)
{
    int rc = cenv_newprefix_make_snapshot(&job->dst, job->twin.tree, err);
    if (rc < 0)
        return rc;
    return !cenv_template_twin_is_unchanged(&job->twin);
}

/* Another process may find the twin changed, and take it away, in the middle of a snapshot. */
static int take_snapshot(struct cenv_clone_job *job, struct cenv_error *err)
{
    struct cenv_span span = cenv_span_begin(CENV_STAGE_FILES, "snapshot");
    int rc = 1;
    for (int tries = 0; tries < TRIES && rc == 1; tries++) {
        if (job->twin.tree < 0)
            rc = cenv_twin_find_or_make(job, &job->twin, err);
        if (rc < 0)
            break;
        rc = snapshot_twin(job, err);
        cenv_template_twin_close(&job->twin);
    }
    if (rc == 1)
        rc = cenv_twin_refuse(job, err);
    span.items = job->prepared.m->nr_files;
    cenv_span_end(job->task, &span);
    return rc;
}

static int look_at_root(struct cenv_clone_job *job, struct cenv_error *err)
{
    int raw = cenv_raw_stat_lasting(job->dst.dir, ".", &job->root);
    return raw < 0 ? cenv_fs_fail(err, raw, job->dst.dir, NULL, "cannot look at") : 0;
}

int cenv_snapshot_clone_place(struct cenv_clone_job *job, enum cenv_place_mode placing,
                              struct cenv_error *err)
{
    int rc = take_snapshot(job, err);
    if (rc == 0)
        rc = look_at_root(job, err);
    if (rc == 0)
        rc = write_rest(job, placing, err);
    if (rc == 0)
        rc = cenv_provenance_apply(job->dst.dir, job->options->provenance, err);
    return rc;
}
