/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Mode overlay. The clone is a mount that only the namespace sees, so nothing is placed for it but
 * the layer of relocated files, and it is there as soon as it is mounted.
 */
#include "clone/overlay_clone.h"

#include "clone/provenance.h"
#include "os/fs.h"
#include "os/fs_place.h"
#include "os/fs_remove.h"
#include "os/namespace.h"
#include "store/template_entry.h"

/* ---- cloning ---- */

/* Changes are made by the user that mounts: on files of somebody else they would fail. */
static bool is_of_another_user(const struct cenv_clone_source *source)
{
    struct cenv_stat st;
    return cenv_fs_uid() != 0 && cenv_raw_stat_fd(source->fd, &st) == 0 &&
           (st.uid != cenv_fs_uid() || st.gid != cenv_fs_gid());
}

int cenv_overlay_clone_check(const struct cenv_clone_job *job, struct cenv_error *err)
{
    int rc = cenv_overlay_check_namespace(job->options->namespace, err);
    if (rc < 0 || !is_of_another_user(job->source))
        return rc;
    cenv_error_set(err, CENV_ELINK,
                   "mode overlay cannot work here: '%s' has another owner or group",
                   job->source->path);
    return cenv_error_hint(err, "use mode auto or copy, or a store of your own");
}

static int finish_place(struct cenv_clone_job *job, struct cenv_error *err)
{
    int rc = cenv_provenance_apply_at(job->path, job->options->provenance, err);
    if (rc == 0)
        rc = cenv_fs_stat(CENV_CWD, job->path, &job->shown, err);
    if (rc < 0)
        cenv_overlay_withdraw(&job->dst);
    return rc;
}

int cenv_overlay_clone_place(struct cenv_clone_job *job, enum cenv_place_mode placing,
                             struct cenv_error *err)
{
    (void)placing; /* relocated files are written, in any case */
    int rc = cenv_overlay_make(job, err);
    if (rc == 0)
        rc = finish_place(job, err);
    return rc;
}

void cenv_overlay_clone_withdraw(struct cenv_clone_job *job)
{
    cenv_overlay_withdraw(&job->dst);
}

int cenv_overlay_clone_remove(const char *path, struct cenv_error *err)
{
    int rc = cenv_overlay_unmount(path, err);
    if (rc < 0)
        return rc;
    return cenv_fs_remove_tree(CENV_CWD, path, err);
}

/* ---- reset ---- */

/* A template does not change; anything else may have since the clone was made. */
static int is_template(const struct cenv_store *store,
                       const struct cenv_clone_source *source, struct cenv_error *err)
{
    struct cenv_buf manifest;
    cenv_buf_init(&manifest, 1 << 20);
    int is = cenv_template_entry_of_prefix(store, source->path, &manifest, err);
    cenv_buf_release(&manifest);
    return is;
}

int cenv_overlay_clone_reset(const struct cenv_clone_entry *clone,
                             struct cenv_store *store, enum cenv_place_mode placing,
                             struct cenv_reset_counts *counts, struct cenv_task *task,
                             struct cenv_error *err)
{
    struct cenv_clone_source source;
    (void)placing;
    int rc = cenv_clone_source_open(&source, clone->source, err);
    if (rc < 0)
        return rc;
    rc = is_template(store, &source, err);
    if (rc == 1) {
        rc = cenv_overlay_restore(clone->path, source.fd, clone->root_mode,
                                  &counts->removed, task, err);
        if (rc == 0)
            rc = cenv_provenance_apply_at(clone->path, clone->provenance, err);
        if (rc == 0)
            rc = cenv_clone_registry_set_shown(store, clone, err);
        counts->checked = counts->removed;
    } else if (rc == 0) {
        rc = CENV_RESET_ANEW;
    }
    cenv_clone_source_close(&source);
    return rc;
}

int cenv_overlay_clone_prepare_anew(const struct cenv_clone_entry *clone,
                                    struct cenv_buf *namespace,
                                    struct cenv_overlay_kept *old,
                                    struct cenv_error *err)
{
    int rc = cenv_ns_name(namespace, err);
    if (rc == 0)
        rc = cenv_overlay_set_aside(clone->path, old, err);
    return rc == 1 ? cenv_overlay_refuse_unmounted(clone->path, err) : rc;
}

void cenv_overlay_clone_finish_anew(const struct cenv_clone_entry *clone,
                                    struct cenv_overlay_kept *old, bool made)
{
    if (made)
        cenv_overlay_let_go(old);
    else
        cenv_overlay_show_again(clone->path, old);
}

/* ---- making it permanent ---- */

static int copy_shown(const char *path, int to, struct cenv_copied *copied,
                      struct cenv_task *task, struct cenv_error *err)
{
    struct cenv_span span = cenv_span_begin(CENV_STAGE_FILES, "");
    int from = cenv_fs_open_root(path, err);
    if (from < 0)
        return from;
    int rc = cenv_copy_tree(from, to, copied, task, err);
    cenv_fd_close(from);
    span.items = copied->files;
    cenv_span_end(task, &span);
    return rc;
}

int cenv_overlay_clone_write_out(const char *path, struct cenv_newprefix *to,
                                 struct cenv_copied *copied, struct cenv_task *task,
                                 struct cenv_error *err)
{
    int rc = cenv_newprefix_open_over(to, path, err);
    if (rc == 0)
        rc = cenv_newprefix_make(to, err);
    if (rc == 0)
        rc = copy_shown(path, to->dir, copied, task, err);
    return rc;
}

int cenv_overlay_clone_show_written(struct cenv_newprefix *to, struct cenv_error *err)
{
    struct cenv_overlay_kept old;
    int rc = cenv_overlay_set_aside(to->path, &old, err);
    if (rc != 0)
        return rc == 1 ? cenv_overlay_refuse_unmounted(to->path, err) : rc;
    rc = cenv_newprefix_publish(to, to->exists_mode, err);
    if (rc < 0 && !cenv_overlay_show_again(to->path, &old)) {
        cenv_error_hint(err, "the environment is kept beside it, as '%s'", to->temp);
        to->published = true;
    }
    cenv_overlay_let_go(&old);
    return rc;
}
