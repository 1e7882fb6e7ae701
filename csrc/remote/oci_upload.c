/* SPDX-License-Identifier: BSD-3-Clause */
/* Blobs on their way into a registry: see oci_upload.h. */
#include "remote/oci_upload.h"

#include <stdio.h>

#include "base/alloc.h"

/* Both requests of each upload: one asks for a place, the other sends there. */
struct batch {
    struct cenv_oci_session *session;
    const struct cenv_oci_upload *uploads;
    size_t nr;
    struct cenv_oci_request *asks, *sends;
    size_t nr_sends;
    const struct cenv_oci_upload **sent; /* the upload of each of `sends` */
};

static int fail_upload(const struct batch *batch, struct cenv_oci_request *r,
                       struct cenv_remote_blob *blob)
{
    char what[20 + CENV_REMOTE_HEX];

    snprintf(what, sizeof(what), "blob sha256:%s", blob->sha256);
    return cenv_oci_request_fail(batch->session, r, "write", what, &blob->err);
}

/* POST blobs/uploads/: a place, or with the blob of another repository 201. */
static int ask_for_places(const struct batch *batch, const char *mount,
                          struct cenv_task *task, struct cenv_error *err)
{
    for (size_t i = 0; i < batch->nr; i++) {
        struct cenv_oci_request *r = &batch->asks[i];
        cenv_oci_request_init(r, CENV_HTTP_POST);
        if (*mount)
            snprintf(r->path, sizeof(r->path), "blobs/uploads/?mount=sha256:%s&from=%s",
                     batch->uploads[i].blob->sha256, mount);
        else
            snprintf(r->path, sizeof(r->path), "blobs/uploads/");
    }
    return cenv_oci_session_run(batch->session, batch->asks, batch->nr, task, err);
}

/* Makes the second request where the first got a place; what failed is the blob's own. */
static int take_place(struct batch *batch, size_t index)
{
    const struct cenv_oci_upload *upload = &batch->uploads[index];
    struct cenv_oci_request *ask = &batch->asks[index];
    struct cenv_oci_request *send = &batch->sends[batch->nr_sends];
    struct cenv_remote_blob *blob = upload->blob;
    long status = ask->transfer.reply.status;

    blob->there = ask->transfer.rc == 0 && status == 201;
    if (blob->there)
        return 0;
    if (ask->transfer.rc < 0 || status != 202 || !ask->location[0])
        return fail_upload(batch, ask, blob);
    cenv_oci_request_init(send, CENV_HTTP_PUT);
    batch->sent[batch->nr_sends++] = upload;
    send->line = "Content-Type: application/octet-stream";
    send->transfer.upload = &upload->body;
    return cenv_oci_request_place(send, batch->session, ask->location, blob->sha256,
                                  &blob->err);
}

static int send_all(struct batch *batch, struct cenv_task *task, struct cenv_error *err)
{
    for (size_t i = 0; i < batch->nr; i++) {
        struct cenv_remote_blob *blob = batch->uploads[i].blob;
        blob->rc = take_place(batch, i);
        if (blob->rc < 0 && batch->nr_sends &&
            batch->sent[batch->nr_sends - 1]->blob == blob)
            cenv_oci_request_release(&batch->sends[--batch->nr_sends]);
    }
    int rc =
        cenv_oci_session_run(batch->session, batch->sends, batch->nr_sends, task, err);
    for (size_t i = 0; i < batch->nr_sends && rc == 0; i++) {
        struct cenv_oci_request *r = &batch->sends[i];
        struct cenv_remote_blob *blob = batch->sent[i]->blob;
        blob->there =
            r->transfer.rc == 0 && cenv_web_is_success(r->transfer.reply.status);
        if (!blob->there)
            blob->rc = fail_upload(batch, r, blob);
    }
    return rc;
}

int cenv_oci_upload_all(struct cenv_oci_session *session, const char *mount,
                        const struct cenv_oci_upload *uploads, size_t nr,
                        struct cenv_task *task, struct cenv_error *err)
{
    struct batch batch = {.session = session, .uploads = uploads, .nr = nr};
    int rc;

    batch.asks = cenv_calloc(nr + 1, sizeof(*batch.asks));
    batch.sends = cenv_calloc(nr + 1, sizeof(*batch.sends));
    batch.sent = cenv_calloc(nr + 1, sizeof(*batch.sent));
    if (!batch.asks || !batch.sends || !batch.sent)
        rc = cenv_error_oom(err);
    else
        rc = ask_for_places(&batch, mount, task, err);
    if (rc == 0)
        rc = send_all(&batch, task, err);
    for (size_t i = 0; batch.asks && i < nr; i++)
        cenv_oci_request_release(&batch.asks[i]);
    for (size_t i = 0; batch.sends && i < batch.nr_sends; i++)
        cenv_oci_request_release(&batch.sends[i]);
    cenv_free(batch.asks);
    cenv_free(batch.sends);
    cenv_free(batch.sent);
    return rc;
}
