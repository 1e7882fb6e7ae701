/* SPDX-License-Identifier: BSD-3-Clause */
/* What each kind of remote does for remote.h: a table of calls, one a kind. */
#ifndef CENV_REMOTE_KIND_H
#define CENV_REMOTE_KIND_H

#include "base/buf.h"
#include "base/task.h"
#include "codec/secret_url.h"
#include "remote/blob.h"

/* What a kind keeps of one that is open; its own business. */
struct cenv_remote_state;

/*
 * The calls of remote.h, whose arguments are checked already: keys and digests are hex, `nr` is not
 * 0, and `rc`, `err` and `there` of blobs are clear.
 */
struct cenv_remote_kind {
    const char *scheme;
    int (*open)(struct cenv_remote_state **out, const struct cenv_secret_url *url,
                const struct cenv_remote_options *options, struct cenv_error *err);
    void (*free)(struct cenv_remote_state *state);
    int (*find)(struct cenv_remote_state *state, const char *key,
                struct cenv_buf *document, struct cenv_task *task,
                struct cenv_error *err);
    int (*put)(struct cenv_remote_state *state, const char *key,
               struct cenv_str document, struct cenv_remote_blob *const *blobs,
               size_t nr, struct cenv_task *task, struct cenv_error *err);
    int (*has)(struct cenv_remote_state *state, struct cenv_remote_blob *const *blobs,
               size_t nr, struct cenv_task *task, struct cenv_error *err);
    int (*get)(struct cenv_remote_state *state, struct cenv_remote_blob *const *blobs,
               size_t nr, struct cenv_task *task, struct cenv_error *err);
    int (*put_blobs)(struct cenv_remote_state *state,
                     struct cenv_remote_blob *const *blobs, size_t nr,
                     struct cenv_task *task, struct cenv_error *err);
    int (*read_part)(struct cenv_remote_state *state,
                     const struct cenv_remote_blob *blob, uint64_t at, uint64_t len,
                     struct cenv_buf *out, struct cenv_task *task,
                     struct cenv_error *err);
};

#endif
