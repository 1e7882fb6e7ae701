/* SPDX-License-Identifier: BSD-3-Clause */
/* What a remote holds, in one file: documents by key, blobs by digest. */
#ifndef CENV_REMOTE_BUNDLE_H
#define CENV_REMOTE_BUNDLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/task.h"

/*
 * A tar archive, not compressed, so that what is in it can be read where it lies:
 *
 *     ac/<key>       a document
 *     cas/<sha256>   a blob
 *     index.json     {"format": 3, "documents": [{"key", "sha256"}]}, the last of all
 *
 * Unpacked it is the directory of a remote. One thread at a time, but that any may read the file.
 */
enum { CENV_BUNDLE_FORMAT = 3 };
struct cenv_bundle;

/* A new one, from the start of the file `fd`, which is empty; borrowed until free. */
int cenv_bundle_create(struct cenv_bundle **out, int fd, struct cenv_error *err);

/*
 * The one in the file `fd` of `size` bytes; borrowed until free. Only headers and index are read.
 * CENV_EINTEGRITY: it is none, or it is not whole.
 */
int cenv_bundle_open(struct cenv_bundle **out, int fd, uint64_t size,
                     struct cenv_task *task, struct cenv_error *err);
void cenv_bundle_free(struct cenv_bundle *bundle); /* NULL is fine */

/* Writing. What has that name is not written again. */
int cenv_bundle_put_document(struct cenv_bundle *bundle, const char *key,
                             struct cenv_str text, struct cenv_error *err);
int cenv_bundle_put_blob(struct cenv_bundle *bundle, const char *sha256, int fd,
                         uint64_t size, struct cenv_task *task, struct cenv_error *err);
/* The index, and the end: nothing more comes. */
int cenv_bundle_finish(struct cenv_bundle *bundle, struct cenv_error *err);

/* The keys of its documents, in the order in which they were put; NULL behind the last. */
const char *cenv_bundle_key(const struct cenv_bundle *bundle, size_t n);

/*
 * Appends the document of a key, whose digest is that of the index: 1; 0 where there is none; or a
 * status. One that is larger than the buffer's ceiling is CENV_EINTEGRITY.
 */
int cenv_bundle_read_document(const struct cenv_bundle *bundle, const char *key,
                              struct cenv_buf *out, struct cenv_error *err);

/* Where a blob lies in the file, which nothing was compared of yet. */
struct cenv_bundle_place {
    uint64_t at, size;
};
int cenv_bundle_file(const struct cenv_bundle *bundle); /* its descriptor */
bool cenv_bundle_find_blob(const struct cenv_bundle *bundle, const char *sha256,
                           struct cenv_bundle_place *out);

/* Appends such a part of the file. */
int cenv_bundle_read(const struct cenv_bundle *bundle,
                     const struct cenv_bundle_place *place, struct cenv_buf *out,
                     struct cenv_error *err);

#endif
