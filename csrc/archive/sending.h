/* SPDX-License-Identifier: BSD-3-Clause */
/* What a template is made of again, on its way to a remote. */
#ifndef CENV_ARCHIVE_SENDING_H
#define CENV_ARCHIVE_SENDING_H

#include "archive/outgoing.h"
#include "archive/push_packages.h"
#include "remote/remote.h"

enum cenv_sending_form {
    CENV_SENDING_REFERENCES, /* its packages by their digests, and a delta */
    CENV_SENDING_PACKAGES,   /* the packages beside it, too */
    CENV_SENDING_FILES,      /* all of its files are in the delta */
};

/* All borrowed but what is the answer. */
struct cenv_sending {
    const struct cenv_outgoing *template;
    struct cenv_remote *remote;
    enum cenv_sending_form form;
    const struct cenv_fetch_options *fetch;
    struct cenv_delta_contents *contents; /* of all deltas that go there together */
    struct cenv_json_writer *skipped;     /* an array that is open */
    /* The answer. */
    struct cenv_outgoing_delta delta;
    struct cenv_json *records; /* completed, of those that `packages` is of */
    struct cenv_push_packages packages;
    uint64_t sent; /* bytes */
};

/* Sends the packages, then the delta. CENV_ECHANNEL, CENV_EINTEGRITY as push.h and fetch say;
 * release it after a failure too. */
int cenv_sending_send(struct cenv_sending *sending);

/* Appends its description, which is to be put under its keys. */
int cenv_sending_describe(const struct cenv_sending *sending, struct cenv_buf *out);
void cenv_sending_release(struct cenv_sending *sending);

#endif
