/* SPDX-License-Identifier: BSD-3-Clause */
/* Bundles as remotes: see bundle_kind.h. */
#include "remote/bundle_kind.h"

#include "base/alloc.h"
#include "remote/blob_file.h"

struct cenv_remote_state {
    struct cenv_bundle *bundle;
};

struct cenv_remote_state *cenv_bundle_kind_new(struct cenv_bundle *bundle)
{
    struct cenv_remote_state *state = cenv_calloc(1, sizeof(*state));

    if (state)
        state->bundle = bundle;
    return state;
}

static void free_state(struct cenv_remote_state *state)
{
    cenv_free(state);
}

static int find_key(struct cenv_remote_state *state, const char *key,
                    struct cenv_buf *document, struct cenv_task *task,
                    struct cenv_error *err)
{
    (void)task;
    return cenv_bundle_read_document(state->bundle, key, document, err);
}

static int put_key(struct cenv_remote_state *state, const char *key,
                   struct cenv_str document, struct cenv_remote_blob *const *blobs,
                   size_t nr, struct cenv_task *task, struct cenv_error *err)
{
    (void)blobs;
    (void)nr;
    (void)task;
    return cenv_bundle_put_document(state->bundle, key, document, err);
}

static bool is_there(const struct cenv_remote_state *state,
                     const struct cenv_remote_blob *blob,
                     struct cenv_bundle_place *place)
{
    return cenv_bundle_find_blob(state->bundle, blob->sha256, place) &&
           place->size == blob->size;
}

static int has_blobs(struct cenv_remote_state *state,
                     struct cenv_remote_blob *const *blobs, size_t nr,
                     struct cenv_task *task, struct cenv_error *err)
{
    struct cenv_bundle_place place;

    (void)task;
    (void)err;
    for (size_t i = 0; i < nr; i++)
        blobs[i]->there = is_there(state, blobs[i], &place);
    return 0;
}

static int get_blobs(struct cenv_remote_state *state,
                     struct cenv_remote_blob *const *blobs, size_t nr,
                     struct cenv_task *task, struct cenv_error *err)
{
    struct cenv_bundle_place place;
    int rc = 0;

    for (size_t i = 0; i < nr && rc == 0; i++) {
        struct cenv_remote_blob *blob = blobs[i];
        blob->there = is_there(state, blob, &place);
        if (!blob->there)
            continue;
        blob->rc = cenv_blob_file_receive(blob, cenv_bundle_file(state->bundle),
                                          place.at, task);
        blob->there = blob->rc == 0;
        rc = cenv_task_poll(task, err);
    }
    return rc;
}

static int send_blobs(struct cenv_remote_state *state,
                      struct cenv_remote_blob *const *blobs, const int *fds, size_t nr,
                      struct cenv_task *task, struct cenv_error *err)
{
    int rc = 0;

    for (size_t i = 0; i < nr && rc == 0; i++) {
        if (fds[i] < 0)
            continue;
        rc = cenv_bundle_put_blob(state->bundle, blobs[i]->sha256, fds[i],
                                  blobs[i]->size, task, err);
        blobs[i]->there = rc == 0;
    }
    return rc;
}

static int put_blobs(struct cenv_remote_state *state,
                     struct cenv_remote_blob *const *blobs, size_t nr,
                     struct cenv_task *task, struct cenv_error *err)
{
    return cenv_blob_files_send(state, blobs, nr, send_blobs, task, err);
}

static int read_part(struct cenv_remote_state *state,
                     const struct cenv_remote_blob *blob, uint64_t at, uint64_t len,
                     struct cenv_buf *out, struct cenv_task *task,
                     struct cenv_error *err)
{
    struct cenv_bundle_place place;

    (void)task;
    if (!is_there(state, blob, &place))
        return 0;
    place = (struct cenv_bundle_place){place.at + at, len};
    int rc = cenv_bundle_read(state->bundle, &place, out, err);
    return rc < 0 ? rc : 1;
}

const struct cenv_remote_kind cenv_bundle_kind = {
    .free = free_state,
    .find = find_key,
    .put = put_key,
    .has = has_blobs,
    .get = get_blobs,
    .put_blobs = put_blobs,
    .read_part = read_part,
};
