/* SPDX-License-Identifier: BSD-3-Clause */
/* A template of the store on its way out: into an archive, or to a remote. */
#ifndef CENV_ARCHIVE_OUTGOING_H
#define CENV_ARCHIVE_OUTGOING_H

#include "archive/delta_writer.h"
#include "codec/json.h"
#include "manifest/manifest.h"
#include "store/scratch.h"

struct cenv_outgoing {
    struct cenv_store *store;
    const char *id;
    struct cenv_json *doc; /* template.json */
    struct cenv_manifest *manifest;
    int dir, prefix; /* templates/<id>, and the prefix in it */
    struct cenv_task *task;
    struct cenv_error *err;
};

/*
 * CENV_EUSAGE: there is none, or it serves one run only. Hold a lease. Close it after a failure
 * too.
 */
int cenv_outgoing_open(struct cenv_outgoing *out, struct cenv_store *store,
                       const char *id, struct cenv_task *task, struct cenv_error *err);
void cenv_outgoing_close(struct cenv_outgoing *out);

/* Where its files say that they lie; lives as long as it is open. */
const char *cenv_outgoing_prefix(const struct cenv_outgoing *out);

/* How its delta is made, and what came of it. */
struct cenv_outgoing_delta {
    const struct cenv_scratch *scratch; /* where it is made */
    const char *file;
    bool linked; /* against its packages, which the store has; else all goes in */
    int level;   /* of zstd */
    struct cenv_delta_contents *contents;
    struct cenv_json_writer *skipped; /* an array that is open */
    /* The answer. */
    struct cenv_delta_facts facts;
    uint64_t entries, bytes,
        shared; /* of the template; `shared`: bytes that were there */
};
int cenv_outgoing_write_delta(const struct cenv_outgoing *out,
                              struct cenv_outgoing_delta *delta);

#endif
