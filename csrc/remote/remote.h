/* SPDX-License-Identifier: BSD-3-Clause */
/* A place on a server or a shared disk where templates lie: documents by key, blobs by digest. */
#ifndef CENV_REMOTE_REMOTE_H
#define CENV_REMOTE_REMOTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/task.h"
#include "codec/secret_url.h"
#include "remote/blob.h"
#include "remote/bundle.h"

/*
 * Open connections to one remote; one thread at a time. Nothing is asked of it before the first
 * call. `url` says where (borrowed until free):
 *
 *   https://host/base, http://…      BASE/ac/<key>, BASE/cas/<sha256>, by GET, HEAD and PUT
 *   s3://bucket/prefix               the same objects below PREFIX; keys, region and endpoint as
 *                                    remote/aws.h says
 *   oci://host/repository            tags and blobs of a registry, oci+http:// without TLS; with
 *                                    logins as docker keeps them
 *   file:///dir                      DIR/ac/<key>, DIR/cas/<sha256>; made when something is put
 *
 * CENV_EUSAGE: no scheme that is known. What goes wrong with a remote is CENV_EREMOTE, what it
 * holds that is not what it promised CENV_EINTEGRITY; both name its URL, without secrets. One that
 * did not answer in time, or cannot be reached, is not asked again: each further call fails at once
 * with the same error.
 */
struct cenv_remote;
int cenv_remote_open(struct cenv_remote **out, const struct cenv_secret_url *url,
                     const struct cenv_remote_options *options, struct cenv_error *err);
/* The same of what lies in one file; the bundle is borrowed until free. Errors do not name it. */
int cenv_remote_open_bundle(struct cenv_remote **out, struct cenv_bundle *bundle,
                            struct cenv_error *err);
void cenv_remote_free(struct cenv_remote *remote); /* NULL is fine */

/*
 * Appends the document of a key: 1; 0 where there is none; or a status. A document larger than the
 * buffer's ceiling is CENV_EINTEGRITY. Nothing is known of what it says.
 */
int cenv_remote_find(struct cenv_remote *remote, const char *key,
                     struct cenv_buf *document, struct cenv_task *task,
                     struct cenv_error *err);

/*
 * Puts the document of a key, in one step, in the place of one that is there. `blobs`, which it
 * refers to, were put before. Whoever finds the key so finds all.
 */
int cenv_remote_put(struct cenv_remote *remote, const char *key,
                    struct cenv_str document, struct cenv_remote_blob *const *blobs,
                    size_t nr, struct cenv_task *task, struct cenv_error *err);

/* Sets `there` of each; one whose size differs is not there. */
int cenv_remote_has(struct cenv_remote *remote, struct cenv_remote_blob *const *blobs,
                    size_t nr, struct cenv_task *task, struct cenv_error *err);

/*
 * Fetches blobs into new files (0666 through the umask), CENV_REMOTE_PARALLEL at once. Each is
 * bounded by its size, and its digest is checked while it comes: a file that is there afterwards,
 * with `rc` 0, is whole and right, of any other nothing is left. `rc` 0 with `there` false: the
 * remote does not have it. `task` counts bytes.
 */
int cenv_remote_get(struct cenv_remote *remote, struct cenv_remote_blob *const *blobs,
                    size_t nr, struct cenv_task *task, struct cenv_error *err);

/* Puts blobs from files, which nobody may see in part. Others may put the same at the same time. */
int cenv_remote_put_blobs(struct cenv_remote *remote,
                          struct cenv_remote_blob *const *blobs, size_t nr,
                          struct cenv_task *task, struct cenv_error *err);

/*
 * Appends `len` bytes of a blob from byte `at` on: 1; 0 where it is not there or the remote serves
 * no parts; or a status. A part is checked by nothing: the caller knows a digest of it.
 */
int cenv_remote_read_part(struct cenv_remote *remote,
                          const struct cenv_remote_blob *blob, uint64_t at,
                          uint64_t len, struct cenv_buf *out, struct cenv_task *task,
                          struct cenv_error *err);

#endif
