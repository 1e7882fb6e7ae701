/* SPDX-License-Identifier: BSD-3-Clause */
/* A package file as a stream of members, whichever its format; its digests taken on the way. */
#ifndef CENV_PACKAGE_READER_H
#define CENV_PACKAGE_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"
#include "base/task.h"
#include "codec/limits.h"
#include "codec/tar.h"

struct cenv_package_source {
    /* The file's name, also for messages: its end tells the format, .conda or .tar.bz2. */
    const char *name;
    int fd;   /* regular file, read from offset 0; stays the caller's */
    bool md5; /* take the MD5 as well */
    /* Read, decode and write small files in threads of their own, where the file is large. */
    bool ahead;
};

/* What the archive must be: hex digests or NULL, size or 0. */
struct cenv_package_want {
    const char *sha256, *md5;
    uint64_t size;
};

/* What it is. md5 is "" unless asked for. */
struct cenv_package_digests {
    char sha256[65], md5[65];
    uint64_t size;
};

/*
 * Opens a package (CEP 35 for .conda): exactly one info-STEM.tar.zst, one pkg-STEM.tar.zst and a
 * metadata.json of format version 2, in any order; no other archive. `task` counts the archive's
 * bytes as they are read, and may cancel. One thread at a time.
 */
struct cenv_reader;
int cenv_reader_open(struct cenv_reader **out, const struct cenv_package_source *source,
                     struct cenv_task *task, struct cenv_error *err);
void cenv_reader_free(struct cenv_reader *reader); /* NULL is fine */

/* Whether it reads ahead, so that threads are worth their while. */
bool cenv_reader_is_ahead(const struct cenv_reader *reader);

/* As cenv_tar_next and cenv_tar_data, over all its tar archives. 0: read to the end, and whole. */
int cenv_reader_next(struct cenv_reader *reader, struct cenv_member *member,
                     struct cenv_error *err);
int cenv_reader_data(struct cenv_reader *reader, const void **data, size_t *len,
                     struct cenv_error *err);

/* What is left of what the package may expand to; content and members are taken by the reader, what
 * the caller makes for them by the caller. */
struct cenv_limits *cenv_reader_limits(struct cenv_reader *reader);

/* STEM of a .conda, once an inner archive was reached; "" for .tar.bz2. Borrowed. */
const char *cenv_reader_stem(const struct cenv_reader *reader);

/*
 * Reads what is left of the file, fills `digests` and compares them with `want`. `rc` is how
 * reading went: where it failed for the archive's content and the digest is wrong too, the wrong
 * digest is the reason reported (the file is damaged, not the package). Returns `rc` or a status.
 */
int cenv_reader_finish(struct cenv_reader *reader, const struct cenv_package_want *want,
                       int rc, struct cenv_package_digests *digests,
                       struct cenv_error *err);

#endif
