/* SPDX-License-Identifier: BSD-3-Clause */
/* Opening what is to be cloned, and finding a manifest of it that holds. */
#include "clone/clone_source.h"

#include <stdio.h>

#include "base/alloc.h"
#include "base/digest.h"
#include "clone/template_damage.h"
#include "manifest/check_manifest.h"
#include "manifest/manifest_foreign.h"
#include "os/fs.h"
#include "os/fs_where.h"
#include "store/layout.h"
#include "store/template_entry.h"

bool cenv_clone_source_is_replaced(const struct cenv_clone_source *s)
{
    struct cenv_stat open, there;
    if (cenv_raw_stat_fd(s->fd, &open) < 0)
        return false;
    int raw = cenv_raw_stat(CENV_CWD, s->path, &there);
    return raw == 0 ? !cenv_stat_same_file(&open, &there) : cenv_raw_is_absent(raw);
}

/* What is removed is moved aside first, and looks whole for a while. */
static int fail_replaced(const char *path, struct cenv_error *err)
{
    cenv_error_set(err, CENV_EPREFIX, "'%s' was replaced meanwhile", path);
    return cenv_error_hint(err, "try again when nobody moves or makes it");
}

int cenv_clone_source_open(struct cenv_clone_source *out, const char *path,
                           struct cenv_error *err)
{
    struct cenv_clone_source s = {.fd = -1};
    s.path = cenv_fs_realpath(path, err);
    /* By the path as given: what was found by it may have been moved, and its path is another. */
    if (s.path)
        s.fd = cenv_fs_open_root(path, err);
    if (s.fd >= 0 && cenv_clone_source_is_replaced(&s))
        fail_replaced(path, err);
    int rc =
        err->status < 0 ? err->status : cenv_fs_exists(s.fd, "conda-meta/history", err);
    if (rc == 0)
        rc = cenv_fs_exists(s.fd, "pyvenv.cfg", err);
    if (rc == 0) {
        cenv_error_set(err, CENV_EPREFIX,
                       "'%s' is neither a conda environment nor a venv", path);
        cenv_error_hint(err, "it has no conda-meta/history and no pyvenv.cfg");
    }
    if (err->status == 0)
        *out = s;
    else
        cenv_clone_source_close(&s);
    return err->status;
}

void cenv_clone_source_close(struct cenv_clone_source *s)
{
    if (s->path)
        cenv_fd_close(s->fd);
    cenv_manifest_free(s->manifest);
    cenv_free(s->path);
    *s = (struct cenv_clone_source){.fd = -1};
}

/* A damaged or absent manifest is made anew: not an error, *out is NULL. */
static int open_manifest(struct cenv_manifest **out, int dirfd, const char *name,
                         struct cenv_task *task, struct cenv_error *err)
{
    struct cenv_error own = CENV_ERROR_INIT;
    *out = NULL;
    if (cenv_manifest_open(out, dirfd, name, task->checked, &own) == 0)
        return 0;
    *out = NULL;
    if (!cenv_fs_blames_file(&own))
        return cenv_error_move(err, &own);
    cenv_error_release(&own);
    return 0;
}

/* The manifest, unless it is of another machine's copy of the store, or of a template that was here
 * before. */
static int open_manifest_of(struct cenv_manifest **out, const struct cenv_stat *root,
                            int dirfd, const char *name, struct cenv_task *task,
                            struct cenv_error *err)
{
    int rc = open_manifest(out, dirfd, name, task, err);
    const struct cenv_manifest *m = *out;
    if (m && (m->header->dev != root->dev || m->header->ino != root->ino)) {
        cenv_manifest_free(*out);
        *out = NULL;
    }
    return rc;
}

/* A clone of it failed: what is altered in it is never taken for its new state. */
static int check_damage(const struct cenv_clone_source *s, const struct cenv_stat *root,
                        const char *own, struct cenv_task *task, struct cenv_error *err)
{
    struct cenv_manifest *m;
    int rc = open_manifest_of(&m, root, CENV_CWD, own, task, err);
    if (m)
        rc = cenv_template_damage_check(m, s->fd, s->path, task, err);
    cenv_manifest_free(m);
    return rc;
}

/*
 * Something may have come into a template since it was made (bytecode of a program that ran in it):
 * then the last clone kept a newer manifest with those of foreign environments.
 */
static int load_template(struct cenv_clone_source *s, const struct cenv_store *store,
                         const char *key, bool again, struct cenv_task *task,
                         struct cenv_error *err)
{
    struct cenv_buf path;
    struct cenv_stat st;
    int raw = cenv_raw_stat_fd(s->fd, &st);
    if (raw < 0)
        return cenv_fs_fail(err, raw, s->fd, NULL, "cannot look at");
    cenv_buf_init(&path, 1 << 20);
    int rc = cenv_template_entry_of_prefix(store, s->path, &path, err);
    s->is_template = rc == 1;
    rc = rc < 0 ? rc : 0;
    if (s->is_template && again)
        rc = check_damage(s, &st, path.data, task, err);
    if (s->is_template && rc == 0)
        rc = open_manifest_of(&s->manifest, &st, store->dirs[CENV_STORE_MANIFESTS], key,
                              task, err);
    if (s->is_template && rc == 0 && !s->manifest)
        rc = open_manifest_of(&s->manifest, &st, CENV_CWD, path.data, task, err);
    cenv_buf_release(&path);
    return rc;
}

/* Keeping it is a favour to the next clone: a full disk must not fail this one. */
static void keep_manifest(const struct cenv_manifest *m, int dirfd, const char *key)
{
    struct cenv_error ignored = CENV_ERROR_INIT;
    cenv_manifest_save(m, dirfd, key, &ignored);
    cenv_error_release(&ignored);
}

/* `again`: a clone found something otherwise that its facts do not show. */
static int bring_up_to_date(struct cenv_clone_source *s, bool again,
                            struct cenv_task *task, struct cenv_error *err)
{
    struct cenv_manifest *old = s->manifest;
    struct cenv_span span = cenv_span_begin(CENV_STAGE_PROCESS_MANIFEST, "");
    s->manifest = NULL;
    cenv_task_progress(task, CENV_STAGE_PROCESS_MANIFEST, 0);
    int rc = old ? cenv_check_manifest(old, s->fd, task, err) : 0;
    bool holds = rc == 1 && !again;
    struct cenv_manifest_hints hints = {.old = rc == 1 ? NULL : old,
                                        .shared = s->shared || s->is_template};
    span.hits = holds;
    span.misses = !holds;
    snprintf(span.miss_reason, sizeof(span.miss_reason), "%s",
             holds ? "" : (old ? "the environment changed" : "first use"));
    if (holds)
        s->manifest = old;
    else if (rc >= 0)
        rc = cenv_manifest_of_environment(&s->manifest, s->fd, s->path, &hints, task,
                                          err);
    span.items = s->manifest ? s->manifest->nr_files : 0;
    if (s->manifest != old)
        cenv_manifest_free(old);
    cenv_span_end(task, &span);
    return rc < 0 ? rc : 0;
}

int cenv_clone_source_template(struct cenv_clone_source *s, struct cenv_store *store,
                               struct cenv_task *task, struct cenv_error *err)
{
    char key[CENV_DIGEST_HEX_MAX];
    if (!cenv_digest_sha256_hex(cenv_str(s->path), key))
        return cenv_error_oom(err);
    int rc = load_template(s, store, key, false, task, err);
    return rc < 0 ? rc : !s->manifest;
}

int cenv_clone_source_manifest(struct cenv_clone_source *s, struct cenv_store *store,
                               bool again, struct cenv_task *task,
                               struct cenv_error *err)
{
    char key[CENV_DIGEST_HEX_MAX];
    int dirfd = store ? store->dirs[CENV_STORE_MANIFESTS] : -1;
    if (!cenv_digest_sha256_hex(cenv_str(s->path), key))
        return cenv_error_oom(err);
    if (!s->manifest && store && load_template(s, store, key, again, task, err) < 0)
        return err->status;
    if (s->manifest && s->is_template && !again)
        return 0;
    if (cenv_clone_source_is_replaced(s))
        return cenv_error_set(err, CENV_EPREFIX, "'%s' was replaced meanwhile",
                              s->path);
    int rc = 0;
    if (!s->manifest && store)
        rc = open_manifest(&s->manifest, dirfd, key, task, err);
    const struct cenv_manifest *had = s->manifest;
    if (rc == 0)
        rc = bring_up_to_date(s, again, task, err);
    if (rc == 0 && store && s->manifest != had)
        keep_manifest(s->manifest, dirfd, key);
    return rc;
}
