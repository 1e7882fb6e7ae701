/* SPDX-License-Identifier: BSD-3-Clause */
/* What a remote holds, and how it is reached: the ground of this room. */
#ifndef CENV_REMOTE_BLOB_H
#define CENV_REMOTE_BLOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "codec/json.h"

/* What a blob is; a registry gives each its media type. */
enum cenv_blob_kind {
    CENV_BLOB_DESCRIPTION, /* the document of a key */
    CENV_BLOB_DELTA,
    CENV_BLOB_CONDA,   /* a .conda package */
    CENV_BLOB_TAR_BZ2, /* a .tar.bz2 package */
};

/* A key is 64 lower-case hex digits, as is a SHA-256. */
enum { CENV_REMOTE_HEX = 65, CENV_REMOTE_PARALLEL = 8 };

/*
 * A blob, and the file it goes to or comes from: `file` in the directory `dir`, borrowed. What a
 * call does with it is told by `rc` and `err`, its own: a blob that fails does not end the call.
 * The caller releases `err`.
 */
struct cenv_remote_blob {
    char sha256[CENV_REMOTE_HEX];
    uint64_t size; /* bytes; exact */
    enum cenv_blob_kind kind;
    int dir;
    const char *file;
    bool there; /* set by has, get and put: the remote has it */
    int rc;
    struct cenv_error err;
};

/* Zero is the default. Borrowed until the remote is freed. */
struct cenv_remote_options {
    const struct cenv_json *network; /* settings of cenv_network_open(), or NULL */
    unsigned timeout_ms;             /* without a byte moved; 0: 10,000 */
    /* What may not be read counts as absent, for some servers refuse what is not there: when it is
     * put is the time to tell. */
    bool pushing;
};

#endif
