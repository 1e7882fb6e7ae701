/* SPDX-License-Identifier: BSD-3-Clause */
/* Making the twin in the scratch directory, as a clone of which what differs is left out. */
#include "clone/twin.h"

#include "clone/clone_tree.h"
#include "os/fs.h"
#include "os/fs_place.h"
#include "os/subvolume.h"
#include "store/publish.h"
#include "store/scratch.h"
#include "store/template_entry.h"

/* Their names in the scratch directory. */
#define MADE  "twin"
#define TRIED "tried"

/* 0, 1 when it is no template of the store, or a status. */
static int get_id(const struct cenv_clone_job *job, char id[CENV_TEMPLATE_ID_LEN + 1],
                  struct cenv_error *err)
{
    int rc = cenv_template_entry_id_of_prefix(job->store, job->source->path, id, err);
    return rc < 0 ? rc : rc != 1;
}

static int find_twin(const struct cenv_clone_job *job, const char *id,
                     struct cenv_template_twin *out, struct cenv_error *err)
{
    uint64_t manifest = job->source->manifest->header->sum;
    return cenv_template_twin_open(job->store, id, manifest, out, job->task, err);
}

int cenv_twin_find(const struct cenv_clone_job *job, struct cenv_template_twin *out,
                   struct cenv_error *err)
{
    char id[CENV_TEMPLATE_ID_LEN + 1];
    int rc = get_id(job, id, err);
    if (rc != 0)
        return rc;
    return find_twin(job, id, out, err);
}

/* ---- making it ---- */

static int place_common(struct cenv_clone_job *job, int tree, struct cenv_error *err)
{
    struct cenv_stat st;
    int raw = cenv_raw_stat_fd(tree, &st);
    if (raw == 0)
        raw = cenv_raw_chmod_fd(tree, 0700);
    if (raw < 0)
        return cenv_fs_fail(err, raw, tree, NULL, "cannot prepare");
    struct cenv_clone_target target = {.dst = tree,
                                       .mask = 0777 & ~st.mode,
                                       .mode = CENV_PLACE_REFLINK,
                                       .common = true};
    int rc = cenv_clone_tree_place(&job->prepared, &target, cenv_clone_job_threads(job),
                                   &job->result, job->task, err);
    job->made += job->result.counts.bytes_copied;
    return rc;
}

static int make_tree(struct cenv_clone_job *job, int dir, struct cenv_error *err)
{
    int raw = cenv_raw_subvolume_make(dir, CENV_TWIN_TREE);
    if (raw < 0)
        return cenv_fs_fail(err, raw, dir, CENV_TWIN_TREE, "cannot make the subvolume");
    int tree = cenv_fs_open_dir(dir, CENV_TWIN_TREE, err);
    int rc = tree < 0 ? tree : place_common(job, tree, err);
    cenv_fd_close(tree);
    return rc;
}

/* What is still to be written out would count as a change of it later. */
static int fill_twin(struct cenv_clone_job *job, int dir, struct cenv_error *err)
{
    int rc = make_tree(job, dir, err);
    if (rc == 0)
        rc = cenv_publish_sync(job->store, job->task, err);
    if (rc == 0)
        rc = cenv_template_twin_save(dir, job->source->manifest->header->sum, job->task,
                                     err);
    return rc;
}

static int make_in_scratch(struct cenv_clone_job *job, const char *id,
                           struct cenv_error *err)
{
    struct cenv_scratch scratch;
    int rc = cenv_scratch_open(job->store, &scratch, err);
    if (rc < 0)
        return rc;
    int dir = cenv_fs_mkdir_open(scratch.fd, MADE, 0700, err);
    rc = dir < 0 ? dir : fill_twin(job, dir, err);
    cenv_fd_close(dir);
    if (rc == 0)
        rc = cenv_template_twin_publish(job->store, scratch.fd, MADE, id, err);
    scratch.hurried = rc == CENV_ECANCELLED;
    cenv_scratch_close(job->store, &scratch);
    return rc;
}

static int make_twin(struct cenv_clone_job *job, const char *id,
                     struct cenv_template_twin *out, struct cenv_error *err)
{
    struct cenv_lock *lock;
    int rc = cenv_template_twin_lock(job->store, id, &lock, job->task, err);
    if (rc < 0)
        return rc;
    rc = find_twin(job, id, out, err);
    if (rc == 1) {
        rc = make_in_scratch(job, id, err);
        if (rc == 0)
            rc = find_twin(job, id, out, err);
    }
    cenv_template_twin_unlock(job->store, id, lock);
    return rc;
}

int cenv_twin_find_or_make(struct cenv_clone_job *job, struct cenv_template_twin *out,
                           struct cenv_error *err)
{
    char id[CENV_TEMPLATE_ID_LEN + 1];
    int rc = get_id(job, id, err);
    if (rc == 0)
        rc = find_twin(job, id, out, err);
    if (rc == 1)
        rc = make_twin(job, id, out, err);
    return rc == 1 ? cenv_twin_refuse(job, err) : rc;
}

int cenv_twin_refuse(const struct cenv_clone_job *job, struct cenv_error *err)
{
    cenv_error_set(err, CENV_ELINK,
                   "the subvolume for snapshots of '%s' does not stay as it was made",
                   job->source->path);
    return cenv_error_hint(err, "use mode reflink, or see what writes to the store");
}

/* ---- whether it can be made ---- */

static bool can_make_subvolume(int dir)
{
    struct cenv_subvolume_facts facts;
    if (cenv_raw_subvolume_make(dir, TRIED) < 0)
        return false;
    int fd = cenv_raw_open_dir(dir, TRIED);
    bool works = fd >= 0 && cenv_raw_subvolume_facts(fd, &facts) == 0;
    cenv_fd_close(fd);
    return cenv_raw_rmdir(dir, TRIED) == 0 && works;
}

const char *cenv_twin_try(const struct cenv_clone_job *job)
{
    struct cenv_error ignored = CENV_ERROR_INIT;
    struct cenv_scratch scratch;
    int rc = cenv_scratch_open(job->store, &scratch, &ignored);
    cenv_error_release(&ignored);
    if (rc < 0) /* what else went wrong, making the twin meets again, and can tell */
        return rc == CENV_EOS ? "the store cannot be written to" : NULL;
    bool works = can_make_subvolume(scratch.fd);
    cenv_scratch_close(job->store, &scratch);
    return works ? NULL : "no subvolume can be made in the store";
}
