/* SPDX-License-Identifier: BSD-3-Clause */
/* Documents and blobs at URLs of their own, below one: what HTTP servers and S3 have in common. */
#ifndef CENV_REMOTE_OBJECTS_H
#define CENV_REMOTE_OBJECTS_H

#include "remote/kind.h"
#include "remote/web.h"

/* The state of such a kind: BASE/ac/<key>, BASE/cas/<sha256>. Zero-initialised; set by its open. */
struct cenv_remote_state {
    struct cenv_web web;
    struct cenv_secret_url *base;   /* owned */
    bool collections;               /* directories may have to be made first (WebDAV) */
    const char *region;             /* of S3, as it is asked there; or NULL */
    struct cenv_http_signer signer; /* `user` NULL: nothing is signed */
    char *session;                  /* the line of a session's token, owned; or NULL */
    void *settings;                 /* what the signer's texts are borrowed from */
    void (*free_settings)(void *settings);
};

/* The calls of kind.h, and one that frees all of the state. */
void cenv_objects_free(struct cenv_remote_state *state);
int cenv_objects_find(struct cenv_remote_state *state, const char *key,
                      struct cenv_buf *document, struct cenv_task *task,
                      struct cenv_error *err);
int cenv_objects_put(struct cenv_remote_state *state, const char *key,
                     struct cenv_str document, struct cenv_remote_blob *const *blobs,
                     size_t nr, struct cenv_task *task, struct cenv_error *err);
int cenv_objects_has(struct cenv_remote_state *state,
                     struct cenv_remote_blob *const *blobs, size_t nr,
                     struct cenv_task *task, struct cenv_error *err);
int cenv_objects_get(struct cenv_remote_state *state,
                     struct cenv_remote_blob *const *blobs, size_t nr,
                     struct cenv_task *task, struct cenv_error *err);
int cenv_objects_put_blobs(struct cenv_remote_state *state,
                           struct cenv_remote_blob *const *blobs, size_t nr,
                           struct cenv_task *task, struct cenv_error *err);
int cenv_objects_read_part(struct cenv_remote_state *state,
                           const struct cenv_remote_blob *blob, uint64_t at,
                           uint64_t len, struct cenv_buf *out, struct cenv_task *task,
                           struct cenv_error *err);

#endif
