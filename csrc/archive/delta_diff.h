/* SPDX-License-Identifier: BSD-3-Clause */
/* What of a template goes into a delta: all in which it differs from its packages, linked. */
#ifndef CENV_ARCHIVE_DELTA_DIFF_H
#define CENV_ARCHIVE_DELTA_DIFF_H

#include "archive/delta_writer.h"
#include "codec/json_writer.h"
#include "manifest/manifest.h"

struct cenv_delta_diff {
    const struct cenv_manifest *manifest; /* of the template */
    const char *id;                       /* for messages */
    int prefix;                           /* the template's, open */
    int bare; /* its packages, linked for the same prefix; negative: nothing, all goes in */
    struct cenv_delta_writer *writer;
    struct cenv_json_writer *skipped; /* an array: {"path", "reason"} */
    uint64_t entries, bytes; /* the answer: of the template, bytes of its files */
    struct cenv_task *task;
    struct cenv_error *err;
};

/*
 * Every file is compared with the manifest before it is read: CENV_EINTEGRITY when the template was
 * altered. CENV_EPREFIX: a name that no delta may have.
 */
int cenv_delta_diff_write(struct cenv_delta_diff *diff);

#endif
