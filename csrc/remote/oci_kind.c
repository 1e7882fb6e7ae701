/* SPDX-License-Identifier: BSD-3-Clause */
/* Remotes in a registry: see oci_kind.h. */
#include "remote/oci_kind.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/digest.h"
#include "os/raw_file.h"
#include "remote/blob_file.h"
#include "remote/oci_manifest.h"
#include "remote/oci_session.h"
#include "remote/oci_upload.h"

struct cenv_remote_state {
    struct cenv_oci_session session;
    char mount[256]; /* a repository, or "" */
};

/* ---- opening ---- */

static void free_state(struct cenv_remote_state *state)
{
    cenv_oci_session_close(&state->session);
    cenv_free(state);
}

/* What goes into a query as it stands. */
static bool is_repository(const char *text)
{
    return text[strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-._/")] == '\0';
}

static int open_state(struct cenv_remote_state **out, const struct cenv_secret_url *url,
                      const struct cenv_remote_options *options, struct cenv_error *err)
{
    struct cenv_remote_state *state = cenv_calloc(1, sizeof(*state));
    const char *mount = getenv("CENV_REMOTE_MOUNT");

    if (!state)
        return cenv_error_oom(err);
    int rc = cenv_oci_session_open(&state->session, url, options, err);
    if (rc == 0 && mount &&
        (strlen(mount) >= sizeof(state->mount) || !is_repository(mount)))
        rc = cenv_error_set(err, CENV_EUSAGE,
                            "CENV_REMOTE_MOUNT=%.200s is no repository's name", mount);
    if (rc < 0) {
        free_state(state);
        return rc;
    }
    snprintf(state->mount, sizeof(state->mount), "%s", mount ? mount : "");
    *out = state;
    return 0;
}

/* ---- requests ---- */

static void set_blob_path(struct cenv_oci_request *r, const char *sha256)
{
    snprintf(r->path, sizeof(r->path), "blobs/sha256:%s", sha256);
}

static int fail_blob(const struct cenv_remote_state *state, struct cenv_oci_request *r,
                     const char *doing, const char *sha256, struct cenv_error *err)
{
    char what[20 + CENV_REMOTE_HEX];

    snprintf(what, sizeof(what), "blob sha256:%s", sha256);
    return cenv_oci_request_fail(&state->session, r, doing, what, err);
}

static void release_all(struct cenv_oci_request *requests, size_t nr)
{
    for (size_t i = 0; requests && i < nr; i++)
        cenv_oci_request_release(&requests[i]);
    cenv_free(requests);
}

/* Requests for each of the blobs; NULL: out of memory. The caller releases all. */
static struct cenv_oci_request *make_all(enum cenv_http_method method,
                                         struct cenv_remote_blob *const *blobs,
                                         size_t nr, struct cenv_error *err)
{
    struct cenv_oci_request *requests = cenv_calloc(nr, sizeof(*requests));

    if (!requests)
        cenv_error_oom(err);
    for (size_t i = 0; requests && i < nr; i++) {
        cenv_oci_request_init(&requests[i], method);
        set_blob_path(&requests[i], blobs[i]->sha256);
    }
    return requests;
}

/* ---- documents ---- */

static int run_document(struct cenv_remote_state *state, struct cenv_oci_request *r,
                        struct cenv_buf *body, struct cenv_task *task,
                        struct cenv_error *err)
{
    r->transfer.limit_ms = state->session.web.timeout_ms;
    r->transfer.body = body;
    r->transfer.max_size = body->max ? body->max : 1;
    return cenv_oci_session_run(&state->session, r, 1, task, err);
}

/* The document's digest and size, from the manifest of a tag: 1, or 0 where there is none. */
static int find_manifest(struct cenv_remote_state *state, const char *key,
                         struct cenv_remote_blob *config, struct cenv_task *task,
                         struct cenv_error *err)
{
    struct cenv_oci_request r;
    struct cenv_buf body;

    cenv_buf_init(&body, CENV_OCI_MANIFEST_MAX);
    cenv_oci_request_init(&r, CENV_HTTP_GET);
    snprintf(r.path, sizeof(r.path), "manifests/%s", key);
    r.line = "Accept: " CENV_OCI_MANIFEST_TYPE;
    int rc = run_document(state, &r, &body, task, err);
    long status = r.transfer.reply.status;
    if (rc == 0 && r.transfer.rc == 0 && status == 200)
        rc = cenv_oci_manifest_read(cenv_buf_str(&body), config, err) < 0 ? err->status
                                                                          : 1;
    else if (rc == 0 && !cenv_web_is_absent(&state->session.web, &r.transfer))
        rc = cenv_oci_request_fail(&state->session, &r, "read", key, err);
    cenv_oci_request_release(&r);
    cenv_buf_release(&body);
    return rc;
}

static int read_document(struct cenv_remote_state *state,
                         const struct cenv_remote_blob *config,
                         struct cenv_buf *document, struct cenv_task *task,
                         struct cenv_error *err)
{
    struct cenv_oci_request r;
    struct cenv_buf body;

    cenv_buf_init(&body, document->max - document->len);
    cenv_oci_request_init(&r, CENV_HTTP_GET);
    set_blob_path(&r, config->sha256);
    r.transfer.sha256 = config->sha256;
    int rc = run_document(state, &r, &body, task, err);
    if (rc == 0 && (r.transfer.rc < 0 || r.transfer.reply.status != 200))
        rc = fail_blob(state, &r, "read", config->sha256, err);
    if (rc == 0)
        rc = cenv_buf_add_str(document, cenv_buf_str(&body)) ? 1 : cenv_error_oom(err);
    cenv_oci_request_release(&r);
    cenv_buf_release(&body);
    return rc;
}

static int find_key(struct cenv_remote_state *state, const char *key,
                    struct cenv_buf *document, struct cenv_task *task,
                    struct cenv_error *err)
{
    struct cenv_remote_blob config = {.size = 0};
    int rc = find_manifest(state, key, &config, task, err);

    if (rc != 1)
        return rc;
    return read_document(state, &config, document, task, err);
}

/* ---- what is there ---- */

/* Some registries answer with where it is. */
static bool is_there(const struct cenv_oci_request *r,
                     const struct cenv_remote_blob *blob)
{
    long status = r->transfer.reply.status;

    if (r->transfer.rc < 0)
        return false;
    return (status >= 300 && status < 400) ||
           (status == 200 &&
            (!r->length[0] || strtoull(r->length, NULL, 10) == blob->size));
}

static int has_blobs(struct cenv_remote_state *state,
                     struct cenv_remote_blob *const *blobs, size_t nr,
                     struct cenv_task *task, struct cenv_error *err)
{
    struct cenv_oci_request *requests = make_all(CENV_HTTP_HEAD, blobs, nr, err);
    int rc = requests ? 0 : err->status;

    for (size_t i = 0; i < nr && rc == 0; i++)
        requests[i].transfer.keep_redirect = true;
    if (rc == 0)
        rc = cenv_oci_session_run(&state->session, requests, nr, task, err);
    for (size_t i = 0; i < nr && rc == 0; i++) {
        const struct cenv_http_transfer *t = &requests[i].transfer;
        blobs[i]->there = is_there(&requests[i], blobs[i]);
        bool answered = t->rc == 0 && t->reply.status == 200;
        if (!blobs[i]->there && !answered &&
            !cenv_web_is_absent(&state->session.web, t))
            rc = fail_blob(state, &requests[i], "look for", blobs[i]->sha256, err);
    }
    release_all(requests, nr);
    return rc;
}

/* ---- getting ---- */

static void settle_blob(const struct cenv_remote_state *state,
                        struct cenv_oci_request *r, struct cenv_remote_blob *blob)
{
    const struct cenv_http_reply *reply = &r->transfer.reply;

    if (r->transfer.rc == 0 && reply->status == 200 && reply->received == blob->size) {
        blob->there = true;
        return;
    }
    cenv_raw_unlink(blob->dir, blob->file);
    if (cenv_web_is_absent(&state->session.web, &r->transfer))
        return;
    if (r->transfer.rc == 0 && reply->status == 200)
        blob->rc = cenv_error_set(&blob->err, CENV_EINTEGRITY,
                                  "blob sha256:%s has %llu bytes, not %llu",
                                  blob->sha256, (unsigned long long)reply->received,
                                  (unsigned long long)blob->size);
    else
        blob->rc = fail_blob(state, r, "read", blob->sha256, &blob->err);
}

static int get_blobs(struct cenv_remote_state *state,
                     struct cenv_remote_blob *const *blobs, size_t nr,
                     struct cenv_task *task, struct cenv_error *err)
{
    struct cenv_oci_request *requests = make_all(CENV_HTTP_GET, blobs, nr, err);
    int rc = requests ? 0 : err->status;

    for (size_t i = 0; i < nr && rc == 0; i++) {
        struct cenv_http_transfer *t = &requests[i].transfer;
        t->dir = blobs[i]->dir;
        t->file = blobs[i]->file;
        t->max_size = blobs[i]->size ? blobs[i]->size : 1;
        t->sha256 = blobs[i]->sha256;
    }
    if (rc == 0)
        rc = cenv_oci_session_run(&state->session, requests, nr, task, err);
    for (size_t i = 0; i < nr; i++) {
        if (rc == 0)
            settle_blob(state, &requests[i], blobs[i]);
        else
            cenv_raw_unlink(blobs[i]->dir, blobs[i]->file);
    }
    release_all(requests, nr);
    return rc;
}

static int read_part(struct cenv_remote_state *state,
                     const struct cenv_remote_blob *blob, uint64_t at, uint64_t len,
                     struct cenv_buf *out, struct cenv_task *task,
                     struct cenv_error *err)
{
    struct cenv_oci_request r;
    struct cenv_buf body;

    cenv_buf_init(&body, (size_t)len);
    cenv_oci_request_init(&r, CENV_HTTP_GET);
    set_blob_path(&r, blob->sha256);
    r.transfer.first = at;
    r.transfer.part = len;
    int rc = run_document(state, &r, &body, task, err);
    long status = r.transfer.reply.status;
    if (rc == 0 &&
        (r.transfer.rc < 0 || (status != 206 && status != 200 &&
                               !cenv_web_is_absent(&state->session.web, &r.transfer))))
        rc = fail_blob(state, &r, "read", blob->sha256, err);
    if (rc == 0 && status == 206) {
        if (body.len < len)
            rc = cenv_error_set(err, CENV_EINTEGRITY, "blob sha256:%s ends too early",
                                blob->sha256);
        else
            rc = cenv_buf_add_str(out, cenv_buf_str(&body)) ? 1 : cenv_error_oom(err);
    }
    cenv_oci_request_release(&r);
    cenv_buf_release(&body);
    return rc;
}

/* ---- putting ---- */

/* Sends the files that are open; those of blobs that are there are not. */
static int put_files(struct cenv_remote_state *state,
                     struct cenv_remote_blob *const *blobs, const int *fds, size_t nr,
                     struct cenv_task *task, struct cenv_error *err)
{
    struct cenv_oci_upload *uploads = cenv_calloc(nr, sizeof(*uploads));
    size_t nr_uploads = 0;
    int rc = 0;

    if (!uploads)
        return cenv_error_oom(err);
    for (size_t i = 0; i < nr; i++)
        if (fds[i] >= 0)
            uploads[nr_uploads++] = (struct cenv_oci_upload){
                blobs[i], {.fd = fds[i], .size = blobs[i]->size}};
    if (nr_uploads)
        rc = cenv_oci_upload_all(&state->session, state->mount, uploads, nr_uploads,
                                 task, err);
    cenv_free(uploads);
    return rc;
}

static int put_blobs(struct cenv_remote_state *state,
                     struct cenv_remote_blob *const *blobs, size_t nr,
                     struct cenv_task *task, struct cenv_error *err)
{
    int rc = has_blobs(state, blobs, nr, task, err);

    if (rc >= 0)
        rc = cenv_blob_files_send(state, blobs, nr, put_files, task, err);
    return rc;
}

static int put_config(struct cenv_remote_state *state, struct cenv_remote_blob *config,
                      struct cenv_str document, struct cenv_task *task,
                      struct cenv_error *err)
{
    struct cenv_remote_blob *const one[] = {config};
    struct cenv_oci_upload upload = {config,
                                     {.data = document.data, .size = document.len}};

    if (!cenv_digest_sha256_hex(document, config->sha256))
        return cenv_error_oom(err);
    config->size = document.len;
    config->kind = CENV_BLOB_DESCRIPTION;
    int rc = has_blobs(state, one, 1, task, err);
    if (rc == 0 && !config->there)
        rc = cenv_oci_upload_all(&state->session, "", &upload, 1, task, err);
    if (rc == 0 && config->rc < 0)
        rc = cenv_error_move(err, &config->err);
    return rc;
}

static int put_manifest(struct cenv_remote_state *state, const char *key,
                        struct cenv_str manifest, struct cenv_task *task,
                        struct cenv_error *err)
{
    struct cenv_http_upload upload = {.data = manifest.data, .size = manifest.len};
    struct cenv_oci_request r;

    cenv_oci_request_init(&r, CENV_HTTP_PUT);
    snprintf(r.path, sizeof(r.path), "manifests/%s", key);
    r.line = "Content-Type: " CENV_OCI_MANIFEST_TYPE;
    r.transfer.upload = &upload;
    r.transfer.limit_ms = state->session.web.timeout_ms;
    int rc = cenv_oci_session_run(&state->session, &r, 1, task, err);
    if (rc == 0 && (r.transfer.rc < 0 || !cenv_web_is_success(r.transfer.reply.status)))
        rc = cenv_oci_request_fail(&state->session, &r, "write", key, err);
    cenv_oci_request_release(&r);
    return rc;
}

static int put_key(struct cenv_remote_state *state, const char *key,
                   struct cenv_str document, struct cenv_remote_blob *const *blobs,
                   size_t nr, struct cenv_task *task, struct cenv_error *err)
{
    struct cenv_remote_blob config = {.size = 0};
    struct cenv_buf manifest;

    cenv_buf_init(&manifest, CENV_OCI_MANIFEST_MAX);
    int rc = put_config(state, &config, document, task, err);
    if (rc == 0)
        rc = cenv_oci_manifest_write(&config, blobs, nr, &manifest, err);
    if (rc == 0)
        rc = put_manifest(state, key, cenv_buf_str(&manifest), task, err);
    cenv_buf_release(&manifest);
    return rc;
}

#define CALLS \
    .open = open_state, .free = free_state, .find = find_key, .put = put_key, \
    .has = has_blobs, .get = get_blobs, .put_blobs = put_blobs, .read_part = read_part

const struct cenv_remote_kind cenv_oci_kind = {.scheme = "oci", CALLS};
const struct cenv_remote_kind cenv_oci_http_kind = {.scheme = "oci+http", CALLS};
