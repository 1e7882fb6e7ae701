/* SPDX-License-Identifier: BSD-3-Clause */
/* What becomes of an overlay clone: reset, removed, or made permanent. */
#include <stdio.h>

#include "base/alloc.h"
#include "cenv.h"
#include "clone/clone_source.h"
#include "clone/overlay.h"
#include "clone/overlay_clone.h"
#include "clone/provenance.h"
#include "codec/json.h"
#include "os/host.h"
#include "os/namespace.h"
#include "prefix/copy_tree.h"
#include "store/clone_registry.h"
#include "store/template_entry.h"

int cenv_namespace_enter(struct cenv_buf *out, struct cenv_error *err)
{
    int rc = cenv_ns_try("/usr", err); /* any directory that is there */
    rc = rc ? rc : cenv_ns_enter(err);
    if (rc < 0)
        return cenv_error_prefix(err, "mode overlay cannot work here");
    return cenv_ns_name(out, err);
}

int cenv_namespace_name(struct cenv_buf *out, struct cenv_error *err)
{
    return cenv_ns_name(out, err);
}

int cenv_namespace_share(struct cenv_error *err)
{
    return cenv_ns_share(err);
}

int cenv_namespace_settle(struct cenv_error *err)
{
    return cenv_ns_settle(err);
}

/* A clone that the registry knows; released by the caller. */
struct known {
    char *path, *source, *mode;
};

static int find(struct known *out, const struct cenv_store *store, const char *clone,
                struct cenv_error *err)
{
    *out = (struct known){.path = cenv_prefix_path_clean(clone, err)};
    if (!out->path || !store)
        return out->path ? 1 : err->status;
    return cenv_clone_registry_find(store, out->path, &out->source, &out->mode, err);
}

static void known_release(struct known *known)
{
    cenv_free(known->path);
    cenv_free(known->source);
    cenv_free(known->mode);
}

static bool is_overlay(const struct known *known)
{
    return strcmp(known->mode, CENV_OVERLAY_MODE) == 0;
}

/* ---- reset ---- */

/* The source may have changed since: a new clone in the old one's place. */
static int clone_anew(const struct known *known, struct cenv_store *store,
                      struct cenv_task *task, struct cenv_error *err)
{
    struct cenv_buf name, report, options;
    char *provenance = NULL;
    int64_t owner = 0;
    cenv_buf_init(&name, 64);
    cenv_buf_init(&report, 64 << 20);
    cenv_buf_init(&options, 64 << 20);
    int rc = cenv_ns_name(&name, err);
    rc = rc ? rc : cenv_clone_registry_owner(store, known->path, &owner, err);
    if (rc == 0 && cenv_clone_provenance(store, known->path, &provenance, err) < 0)
        rc = err->status;
    cenv_buf_addf(&options,
                  "{\"mode\": \"overlay\", \"namespace\": \"%s\", \"owner\": %lld, "
                  "\"provenance\": %s}",
                  rc == 0 ? name.data : "", (long long)owner,
                  provenance ? provenance : "null");
    if (rc == 0 && options.failed)
        rc = cenv_error_oom(err);
    if (rc == 0 && cenv_overlay_unmount(known->path, err) < 0)
        rc = err->status;
    rc = rc ? rc
            : cenv_clone(store, known->source, known->path, options.data, task, &report,
                         err);
    cenv_free(provenance);
    cenv_buf_release(&options);
    cenv_buf_release(&name);
    cenv_buf_release(&report);
    return rc;
}

static int reset(const struct known *known, struct cenv_store *store, uint64_t *changes,
                 struct cenv_task *task, struct cenv_error *err)
{
    struct cenv_clone_source source = {.fd = -1};
    struct cenv_buf manifest;
    cenv_buf_init(&manifest, 1 << 20);
    int rc = cenv_clone_source_open(&source, known->source, err);
    if (rc == 0 && cenv_template_entry_of_prefix(store, source.path, &manifest) == 1) {
        rc = cenv_overlay_restore(known->path, source.fd, changes, task, err);
        rc = rc ? rc : cenv_provenance_restore(store, known->path, err);
        rc = rc ? rc : cenv_clone_registry_set_shown(store, known->path, err);
    } else if (rc == 0) {
        rc = clone_anew(known, store, task, err);
    }
    cenv_buf_release(&manifest);
    cenv_clone_source_close(&source);
    return rc;
}

int cenv_overlay_reset(struct cenv_store *store, const char *clone,
                       struct cenv_task *task, struct cenv_buf *out,
                       struct cenv_error *err)
{
    uint64_t start_ns = cenv_clock_ns(), changes = 0;
    struct known known;
    int rc = find(&known, store, clone, err);
    if (rc == 0)
        rc = is_overlay(&known) ? reset(&known, store, &changes, task, err) : 1;
    if (rc == 0) {
        cenv_buf_puts(out, "{\"path\": ");
        cenv_json_quote(out, cenv_str(known.path));
        rc = cenv_buf_addf(out,
                           ", \"removed\": %llu, \"restored\": 0, \"checked\": %llu, "
                           "\"seconds\": %.6f}",
                           (unsigned long long)changes, (unsigned long long)changes,
                           (double)(cenv_clock_ns() - start_ns) / 1e9) < 0
                 ? cenv_error_oom(err)
                 : 0;
    }
    known_release(&known);
    return rc;
}

/* ---- making it permanent ---- */

/* The copy is whole and the mounts are gone: whatever happens now, it must not get lost. */
static int put_in_place(struct cenv_newprefix *to, struct cenv_error *err)
{
    int rc = cenv_newprefix_publish(to, to->exists_mode, err);
    if (rc < 0) {
        cenv_error_hint(err, "the environment is kept beside it, as '%s'", to->temp);
        to->published = true;
    }
    return rc;
}

static int copy_out(const struct known *known, struct cenv_copied *copied,
                    struct cenv_task *task, struct cenv_error *err)
{
    struct cenv_newprefix to = CENV_NEWPREFIX_INIT;
    struct cenv_span span = cenv_span_begin("files", "");
    int from = cenv_fs_open_root(known->path, err);
    int rc = from < 0 ? from : cenv_newprefix_open_over(&to, known->path, err);
    rc = rc ? rc : cenv_newprefix_make(&to, err);
    if (rc == 0)
        rc = cenv_copy_tree(from, to.dir, copied, task, err);
    cenv_fd_close(from);
    span.items = copied->files;
    cenv_span_end(task, &span);
    if (rc == 0) {
        rc = cenv_overlay_unmount(known->path, err);
        rc = rc < 0 ? rc : put_in_place(&to, err);
    }
    cenv_newprefix_close(&to);
    return rc;
}

static int report(const struct known *known, const struct cenv_copied *copied,
                  const char *mode, uint64_t start_ns, struct cenv_buf *out,
                  struct cenv_error *err)
{
    cenv_buf_puts(out, "{\"path\": ");
    cenv_json_quote(out, cenv_str(known->path));
    int rc = cenv_buf_addf(
        out,
        ", \"mode\": \"%s\", \"files\": %llu, \"relocated\": 0, \"bytes_copied\": %llu, "
        "\"bytes_shared\": %llu, \"seconds\": %.6f, \"fallbacks\": {}, \"skipped\": "
        "[%s], \"unrelocatable\": []}",
        mode, (unsigned long long)copied->files,
        (unsigned long long)copied->bytes_copied,
        (unsigned long long)copied->bytes_shared,
        (double)(cenv_clock_ns() - start_ns) / 1e9,
        copied->skipped.len ? copied->skipped.data : "");
    return rc < 0 ? cenv_error_oom(err) : 0;
}

int cenv_materialize(struct cenv_store *store, const char *clone,
                     struct cenv_task *task, struct cenv_buf *out,
                     struct cenv_error *err)
{
    uint64_t start_ns = cenv_clock_ns();
    struct cenv_copied copied = {0};
    struct known known;
    const char *mode = NULL;
    size_t before = out->len;
    int rc = find(&known, store, clone, err);
    if (rc == 1) {
        rc = cenv_error_set(err, CENV_EPREFIX,
                            "'%s' is not a clone that the store knows", clone);
        cenv_error_hint(err, "clone it to another path instead");
    }
    if (rc == 0) {
        bool overlay = is_overlay(&known);
        mode = overlay ? "copy" : known.mode;
        rc = overlay ? copy_out(&known, &copied, task, err) : 0;
    }
    if (rc == 0)
        rc = cenv_clone_registry_disown(store, known.path, known.source, mode, err);
    if (rc == 0)
        rc = report(&known, &copied, mode, start_ns, out, err);
    if (rc < 0)
        out->len = before;
    cenv_buf_release(&copied.skipped);
    known_release(&known);
    return rc;
}
