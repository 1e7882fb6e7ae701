/* SPDX-License-Identifier: BSD-3-Clause */
/* Documents and blobs at URLs of their own: see objects.h. */
#include "remote/objects.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/digest.h"
#include "os/raw_file.h"
#include "remote/blob_file.h"

#define NOTHING "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
static const char *const keys = "ac", *const contents = "cas";

enum { REFUSAL_MAX = 2048, NAME_SIZE = 4 + CENV_REMOTE_HEX };

/* One request for an object. */
struct request {
    struct cenv_http_transfer transfer;
    struct cenv_http_upload upload;
    struct cenv_remote_blob *blob; /* or NULL: a document */
    struct cenv_secret_url *url;
    struct cenv_buf refusal;
    struct cenv_http_wanted wanted[2];
    char length_text[24], region[64];
    char name[NAME_SIZE]; /* "cas/<sha256>" */
    char payload[24 + CENV_REMOTE_HEX];
    const char *lines[4];
};

void cenv_objects_free(struct cenv_remote_state *state)
{
    cenv_web_close(&state->web);
    cenv_secret_url_free(state->base);
    cenv_free(state->session);
    if (state->free_settings)
        state->free_settings(state->settings);
    cenv_free(state);
}

/* ---- requests ---- */

/* The lines that a signature needs beside those libcurl makes, and the type of what is sent. */
static void set_lines(const struct cenv_remote_state *state, struct request *r,
                      const char *sha256, const char *type)
{
    size_t nr = 0;

    if (state->signer.user) {
        snprintf(r->payload, sizeof(r->payload), "x-amz-content-sha256: %s", sha256);
        r->lines[nr++] = r->payload;
        r->transfer.signer = &state->signer;
        if (state->session)
            r->lines[nr++] = state->session;
    }
    if (type)
        r->lines[nr++] = type;
    r->transfer.headers = r->lines;
}

static int make_request(const struct cenv_remote_state *state, struct request *r,
                        enum cenv_http_method method, const char *place,
                        const char *name, struct cenv_error *err)
{
    *r = (struct request){
        .wanted = {{"Content-Length", r->length_text, sizeof(r->length_text)},
                   {"x-amz-bucket-region", r->region, sizeof(r->region)}}};
    snprintf(r->name, sizeof(r->name), "%s%s%s", place, *name ? "/" : "", name);
    cenv_buf_init(&r->refusal, REFUSAL_MAX);
    r->transfer.method = method;
    r->transfer.refusal = &r->refusal;
    r->transfer.wanted = r->wanted;
    r->transfer.nr_wanted = 2;
    set_lines(state, r, NOTHING, NULL);
    int rc = cenv_secret_url_child(&r->url, state->base, cenv_str(r->name), err);
    r->transfer.url = r->url;
    return rc;
}

static void release_request(struct request *r)
{
    cenv_secret_url_free(r->url);
    cenv_buf_release(&r->refusal);
    cenv_error_release(&r->transfer.err);
}

/* S3's name for a refusal: "<Code>AccessDenied</Code>"; NULL: it says none. */
static const char *refusal_code(const struct request *r)
{
    char *code = r->refusal.data ? strstr(r->refusal.data, "<Code>") : NULL;

    if (!code)
        return NULL;
    code += strlen("<Code>");
    code[strcspn(code, "<")] = '\0';
    return code;
}

/* S3 tells to which region it is that a request should have gone. */
static bool is_elsewhere(const struct cenv_remote_state *state, const struct request *r)
{
    static const char *const letters = "abcdefghijklmnopqrstuvwxyz0123456789-";

    return state->region && r->region[0] && strcmp(r->region, state->region) != 0 &&
           !r->region[strspn(r->region, letters)];
}

static int fail_request(const struct cenv_remote_state *state, struct request *r,
                        const char *doing, struct cenv_error *err)
{
    bool answered = r->transfer.rc == 0;

    cenv_web_fail(&state->web, &r->transfer, doing, r->name, refusal_code(r), err);
    if (!answered || !is_elsewhere(state, r))
        return err->status;
    err->hint[0] = '\0';
    return cenv_error_hint(err, "the bucket is in another region: set AWS_REGION=%s",
                           r->region);
}

/* ---- many at once ---- */

struct batch {
    struct request *requests;
    struct cenv_http_transfer **transfers;
    size_t nr;
};

static int open_batch(struct batch *batch, size_t nr, struct cenv_error *err)
{
    *batch = (struct batch){.requests = cenv_calloc(nr, sizeof(*batch->requests)),
                            .transfers = cenv_calloc(nr, sizeof(*batch->transfers))};
    return batch->requests && batch->transfers ? 0 : cenv_error_oom(err);
}

static void close_batch(struct batch *batch)
{
    for (size_t i = 0; i < batch->nr; i++)
        release_request(&batch->requests[i]);
    cenv_free(batch->requests);
    cenv_free(batch->transfers);
}

/* A further request for a blob. */
static int add_blob(const struct cenv_remote_state *state, struct batch *batch,
                    enum cenv_http_method method, struct cenv_remote_blob *blob,
                    struct request **out, struct cenv_error *err)
{
    struct request *r = *out = &batch->requests[batch->nr];
    int rc = make_request(state, r, method, contents, blob->sha256, err);

    batch->transfers[batch->nr++] = &r->transfer;
    r->blob = blob;
    return rc;
}

static int run_batch(struct cenv_remote_state *state, const struct batch *batch,
                     struct cenv_task *task, struct cenv_error *err)
{
    return batch->nr ? cenv_web_run(&state->web, batch->transfers, batch->nr, task, err)
                     : 0;
}

/* ---- documents ---- */

/* What came is the reply's alone until it is known to be whole. */
static int take_document(const struct cenv_remote_state *state, struct request *r,
                         struct cenv_buf *document, struct cenv_error *err)
{
    const char *code = refusal_code(r);
    bool placed = !code || strcmp(code, "NoSuchBucket") != 0;

    if (placed && cenv_web_is_absent(&state->web, &r->transfer))
        return 0;
    if (r->transfer.rc < 0 || r->transfer.reply.status != 200)
        return fail_request(state, r, "read", err);
    return cenv_buf_add_str(document, cenv_buf_str(r->transfer.body))
               ? 1
               : cenv_error_oom(err);
}

int cenv_objects_find(struct cenv_remote_state *state, const char *key,
                      struct cenv_buf *document, struct cenv_task *task,
                      struct cenv_error *err)
{
    struct request r;
    struct cenv_buf body;
    int rc = make_request(state, &r, CENV_HTTP_GET, keys, key, err);

    cenv_buf_init(&body, document->max - document->len);
    r.transfer.body = &body;
    r.transfer.max_size = body.max ? body.max : 1;
    if (rc == 0)
        rc = cenv_web_run_one(&state->web, &r.transfer, task, err);
    if (rc == 0)
        rc = take_document(state, &r, document, err);
    cenv_buf_release(&body);
    release_request(&r);
    return rc;
}

/* ---- directories ---- */

/* A server of WebDAV makes no directory by itself. What goes wrong shows when it is put again. */
static int make_collections(struct cenv_remote_state *state, struct cenv_task *task,
                            struct cenv_error *err)
{
    const char *const places[] = {"", keys, contents};
    int rc = 0;

    for (size_t i = 0; i < 3 && rc == 0; i++) {
        struct request r;
        rc = make_request(state, &r, CENV_HTTP_MKCOL, places[i], "", err);
        if (rc == 0)
            rc = cenv_web_run_one(&state->web, &r.transfer, task, err);
        release_request(&r);
    }
    return rc;
}

static bool lacks_collection(const struct cenv_remote_state *state,
                             const struct request *r)
{
    long status = r->transfer.reply.status;

    return state->collections && r->transfer.rc == 0 &&
           (status == 404 || status == 409);
}

/* ---- what is there ---- */

/* Of the stated size, where the server states one; a server that has no HEAD is sent all again. */
static bool is_there(const struct request *r)
{
    bool found = r->transfer.rc == 0 && r->transfer.reply.status == 200;

    return found &&
           (!r->length_text[0] || strtoull(r->length_text, NULL, 10) == r->blob->size);
}

static bool has_no_head(long status)
{
    return status == 405 || status == 501;
}

int cenv_objects_has(struct cenv_remote_state *state,
                     struct cenv_remote_blob *const *blobs, size_t nr,
                     struct cenv_task *task, struct cenv_error *err)
{
    struct batch batch;
    struct request *r;
    int rc = open_batch(&batch, nr, err);

    for (size_t i = 0; i < nr && rc == 0; i++)
        rc = add_blob(state, &batch, CENV_HTTP_HEAD, blobs[i], &r, err);
    if (rc == 0)
        rc = run_batch(state, &batch, task, err);
    for (size_t i = 0; i < nr && rc == 0; i++) {
        r = &batch.requests[i];
        long status = r->transfer.reply.status;
        blobs[i]->there = is_there(r);
        if (r->transfer.rc < 0 ||
            (status != 200 && !cenv_web_is_absent(&state->web, &r->transfer) &&
             !has_no_head(status)))
            rc = fail_request(state, r, "look for", err);
    }
    close_batch(&batch);
    return rc;
}

/* ---- putting ---- */

static int put_once(struct cenv_remote_state *state, struct request *r, const char *key,
                    struct cenv_str document, struct cenv_task *task,
                    struct cenv_error *err)
{
    char sha256[CENV_DIGEST_HEX_MAX];
    int rc = make_request(state, r, CENV_HTTP_PUT, keys, key, err);

    if (rc == 0 && !cenv_digest_sha256_hex(document, sha256))
        rc = cenv_error_oom(err);
    if (rc < 0)
        return rc;
    set_lines(state, r, sha256, "Content-Type: application/json");
    r->upload = (struct cenv_http_upload){.data = document.data, .size = document.len};
    r->transfer.upload = &r->upload;
    return cenv_web_run_one(&state->web, &r->transfer, task, err);
}

int cenv_objects_put(struct cenv_remote_state *state, const char *key,
                     struct cenv_str document, struct cenv_remote_blob *const *blobs,
                     size_t nr, struct cenv_task *task, struct cenv_error *err)
{
    struct request r;
    int rc = put_once(state, &r, key, document, task, err);

    (void)blobs;
    (void)nr;
    if (rc == 0 && lacks_collection(state, &r)) {
        release_request(&r);
        rc = make_collections(state, task, err);
        if (rc < 0)
            return rc;
        rc = put_once(state, &r, key, document, task, err);
    }
    if (rc == 0 && (r.transfer.rc < 0 || !cenv_web_is_success(r.transfer.reply.status)))
        rc = fail_request(state, &r, "write", err);
    release_request(&r);
    return rc;
}

/* Sends what is not there yet; 1: directories are missing. */
static int send_blobs(struct cenv_remote_state *state,
                      struct cenv_remote_blob *const *blobs, const int *fds,
                      struct batch *batch, struct cenv_task *task,
                      struct cenv_error *err, size_t nr)
{
    struct request *r;
    int rc = 0;

    batch->nr = 0;
    for (size_t i = 0; i < nr && rc == 0; i++) {
        if (fds[i] < 0 || blobs[i]->there || blobs[i]->rc < 0)
            continue;
        rc = add_blob(state, batch, CENV_HTTP_PUT, blobs[i], &r, err);
        set_lines(state, r, blobs[i]->sha256, "Content-Type: application/octet-stream");
        r->upload = (struct cenv_http_upload){.fd = fds[i], .size = blobs[i]->size};
        r->transfer.upload = &r->upload;
    }
    if (rc == 0)
        rc = run_batch(state, batch, task, err);
    for (size_t i = 0; i < batch->nr && rc == 0; i++) {
        r = &batch->requests[i];
        r->blob->there =
            r->transfer.rc == 0 && cenv_web_is_success(r->transfer.reply.status);
    }
    for (size_t i = 0; i < batch->nr && rc == 0; i++)
        rc = lacks_collection(state, &batch->requests[i]);
    return rc;
}

static void lose_blob(struct request *r)
{
    struct cenv_error *err = &r->blob->err;

    r->blob->there = false;
    r->blob->rc =
        cenv_error_set(err, CENV_EREMOTE,
                       "cannot write %s: the server took it, and has it not", r->name);
    cenv_error_hint(err, "check the URL: what answers there keeps nothing");
}

/* Looks again for what a server took: one that says yes to everything keeps nothing. It may have no
 * HEAD, and let nobody read. */
static int confirm_blobs(struct cenv_remote_state *state, const struct batch *sent,
                         struct cenv_task *task, struct cenv_error *err)
{
    struct batch batch;
    struct request *r;
    int rc = open_batch(&batch, sent->nr + 1, err);

    for (size_t i = 0; i < sent->nr && rc == 0; i++)
        if (sent->requests[i].blob->there)
            rc = add_blob(state, &batch, CENV_HTTP_HEAD, sent->requests[i].blob, &r,
                          err);
    if (rc == 0)
        rc = run_batch(state, &batch, task, err);
    for (size_t i = 0; i < batch.nr && rc == 0; i++) {
        r = &batch.requests[i];
        long status = r->transfer.reply.status;
        bool told = strcmp(r->length_text, "0") != 0; /* some tell it of the reply */
        if (status == 404 || status == 410 || (status == 200 && told && !is_there(r)))
            lose_blob(r);
    }
    close_batch(&batch);
    return rc;
}

static int put_files(struct cenv_remote_state *state,
                     struct cenv_remote_blob *const *blobs, const int *fds, size_t nr,
                     struct cenv_task *task, struct cenv_error *err)
{
    struct batch batch;
    int rc = open_batch(&batch, nr, err);

    if (rc == 0)
        rc = send_blobs(state, blobs, fds, &batch, task, err, nr);
    if (rc == 1) {
        for (size_t i = 0; i < batch.nr; i++)
            release_request(&batch.requests[i]);
        batch.nr = 0;
        rc = make_collections(state, task, err);
        if (rc == 0)
            rc = send_blobs(state, blobs, fds, &batch, task, err, nr);
    }
    for (size_t i = 0; i < batch.nr && rc >= 0; i++) {
        struct request *r = &batch.requests[i];
        if (!r->blob->there)
            r->blob->rc = fail_request(state, r, "write", &r->blob->err);
    }
    if (rc >= 0)
        rc = confirm_blobs(state, &batch, task, err);
    close_batch(&batch);
    return rc;
}

int cenv_objects_put_blobs(struct cenv_remote_state *state,
                           struct cenv_remote_blob *const *blobs, size_t nr,
                           struct cenv_task *task, struct cenv_error *err)
{
    int rc = cenv_objects_has(state, blobs, nr, task, err);

    if (rc >= 0)
        rc = cenv_blob_files_send(state, blobs, nr, put_files, task, err);
    return rc;
}

/* ---- getting ---- */

static void settle_blob(const struct cenv_remote_state *state, struct request *r)
{
    struct cenv_remote_blob *blob = r->blob;
    const struct cenv_http_reply *reply = &r->transfer.reply;

    if (r->transfer.rc == 0 && reply->status == 200 && reply->received == blob->size) {
        blob->there = true;
        return;
    }
    cenv_raw_unlink(blob->dir, blob->file);
    if (cenv_web_is_absent(&state->web, &r->transfer))
        return;
    if (r->transfer.rc == 0 && reply->status == 200)
        blob->rc = cenv_error_set(
            &blob->err, CENV_EINTEGRITY, "%s has %llu bytes, not %llu", r->name,
            (unsigned long long)reply->received, (unsigned long long)blob->size);
    else
        blob->rc = fail_request(state, r, "read", &blob->err);
}

int cenv_objects_get(struct cenv_remote_state *state,
                     struct cenv_remote_blob *const *blobs, size_t nr,
                     struct cenv_task *task, struct cenv_error *err)
{
    struct batch batch;
    struct request *r;
    int rc = open_batch(&batch, nr, err);

    for (size_t i = 0; i < nr && rc == 0; i++) {
        rc = add_blob(state, &batch, CENV_HTTP_GET, blobs[i], &r, err);
        r->transfer.dir = blobs[i]->dir;
        r->transfer.file = blobs[i]->file;
        r->transfer.max_size = blobs[i]->size ? blobs[i]->size : 1;
        r->transfer.sha256 = blobs[i]->sha256;
    }
    if (rc == 0)
        rc = run_batch(state, &batch, task, err);
    for (size_t i = 0; i < batch.nr; i++) {
        if (rc == 0)
            settle_blob(state, &batch.requests[i]);
        else
            cenv_raw_unlink(blobs[i]->dir, blobs[i]->file);
    }
    close_batch(&batch);
    return rc;
}

/* A 206 that brings all of the part; from a server that has no parts nothing. */
static int take_part(const struct cenv_remote_state *state, struct request *r,
                     struct cenv_buf *out, struct cenv_error *err)
{
    long status = r->transfer.reply.status;

    if ((r->transfer.rc == 0 && status == 200) ||
        cenv_web_is_absent(&state->web, &r->transfer))
        return 0;
    if (r->transfer.rc < 0 || status != 206)
        return fail_request(state, r, "read", err);
    if (r->transfer.body->len < r->transfer.part)
        return cenv_error_set(err, CENV_EINTEGRITY, "%s ends too early", r->name);
    return cenv_buf_add_str(out, cenv_buf_str(r->transfer.body)) ? 1
                                                                 : cenv_error_oom(err);
}

int cenv_objects_read_part(struct cenv_remote_state *state,
                           const struct cenv_remote_blob *blob, uint64_t at,
                           uint64_t len, struct cenv_buf *out, struct cenv_task *task,
                           struct cenv_error *err)
{
    struct request r;
    struct cenv_buf body;
    int rc = make_request(state, &r, CENV_HTTP_GET, contents, blob->sha256, err);

    cenv_buf_init(&body, (size_t)len);
    r.transfer.body = &body;
    r.transfer.first = at;
    r.transfer.part = len;
    if (rc == 0)
        rc = cenv_web_run_one(&state->web, &r.transfer, task, err);
    if (rc == 0)
        rc = take_part(state, &r, out, err);
    cenv_buf_release(&body);
    release_request(&r);
    return rc;
}
