/* SPDX-License-Identifier: BSD-3-Clause */
/* Templates are sent: see sending.h. */
#include "archive/sending.h"

#include <stdio.h>

#include "archive/parcel.h"

/* All files of a template are much to compress, what its packages have not is little. */
enum { LEVEL_OF_FILES = 6, LEVEL = 12 };

#define DELTA_NAME "delta"

static int obtain_packages(struct cenv_sending *s)
{
    const struct cenv_outgoing *t = s->template;
    return s->form == CENV_SENDING_FILES
               ? 0
               : cenv_fetch_packages_obtain(t->store, cenv_json_get(t->doc, "records"),
                                            s->fetch, t->task, &s->records, t->err);
}

static int make_delta(struct cenv_sending *s, const struct cenv_scratch *scratch)
{
    bool linked = s->form != CENV_SENDING_FILES;
    s->delta = (struct cenv_outgoing_delta){.scratch = scratch,
                                            .file = DELTA_NAME,
                                            .linked = linked,
                                            .level = linked ? LEVEL : LEVEL_OF_FILES,
                                            .contents = s->contents,
                                            .skipped = s->skipped};
    return cenv_outgoing_write_delta(s->template, &s->delta);
}

static int send_packages(struct cenv_sending *s, int scratch)
{
    struct cenv_push_sending sending = {.remote = s->remote,
                                        .records = s->records,
                                        .fetch = s->fetch,
                                        .scratch = scratch,
                                        .task = s->template->task,
                                        .err = s->template->err};
    int rc = s->form == CENV_SENDING_PACKAGES
                 ? cenv_push_packages_send(&s->packages, &sending)
                 : 0;
    s->sent += s->packages.sent;
    return rc;
}

static int send_delta(struct cenv_sending *s, int scratch)
{
    const struct cenv_outgoing *t = s->template;
    struct cenv_remote_blob blob = {.size = s->delta.facts.size,
                                    .kind = CENV_BLOB_DELTA,
                                    .dir = scratch,
                                    .file = DELTA_NAME};
    struct cenv_remote_blob *const list[] = {&blob};
    snprintf(blob.sha256, sizeof(blob.sha256), "%s", s->delta.facts.sha256);
    int rc = cenv_remote_put_blobs(s->remote, list, 1, t->task, t->err);
    if (rc == 0 && blob.rc < 0)
        rc = cenv_error_move(t->err, &blob.err);
    cenv_error_release(&blob.err);
    s->sent += blob.size;
    return rc;
}

int cenv_sending_send(struct cenv_sending *s)
{
    const struct cenv_outgoing *t = s->template;
    struct cenv_scratch scratch;
    int rc = obtain_packages(s);
    if (rc == 0)
        rc = cenv_scratch_open(t->store, &scratch, t->err);
    if (rc < 0)
        return rc;
    rc = make_delta(s, &scratch);
    if (rc == 0)
        rc = send_packages(s, scratch.fd);
    if (rc == 0)
        rc = send_delta(s, scratch.fd);
    scratch.hurried = rc == CENV_ECANCELLED;
    cenv_scratch_close(t->store, &scratch);
    return rc;
}

int cenv_sending_describe(const struct cenv_sending *s, struct cenv_buf *out)
{
    const struct cenv_outgoing *t = s->template;
    struct cenv_parcel_facts facts = {.store = t->store,
                                      .id = t->id,
                                      .prefix = cenv_outgoing_prefix(t),
                                      .doc = t->doc,
                                      .linked = s->delta.linked,
                                      .delta = s->delta.facts,
                                      .packages = s->packages.packages,
                                      .nr_packages = s->packages.nr,
                                      .task = t->task};
    return cenv_parcel_write(&facts, out, t->err);
}

void cenv_sending_release(struct cenv_sending *s)
{
    cenv_push_packages_release(&s->packages);
    cenv_json_free(s->records);
}
