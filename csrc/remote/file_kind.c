/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Remotes in a directory. Everything is written in DIR/tmp and renamed to its place, so that
 * readers on other machines see the whole or nothing.
 */
#include "remote/file_kind.h"

#include <stdio.h>
#include <time.h>

#include "base/alloc.h"
#include "base/digest.h"
#include "base/pool.h"
#include "codec/url.h"
#include "os/fs.h"
#include "os/fs_data.h"
#include "os/fs_dir.h"
#include "os/path.h"
#include "os/raw_data.h"

enum { BLOCK = 1 << 20, THREADS = 4, ABANDONED_SECONDS = 24 * 3600 };

enum place { KEYS, BLOBS, SCRATCH, NR_PLACES };
static const char *const names[NR_PLACES] = {"ac", "cas", "tmp"};

struct cenv_remote_state {
    char *path;
    int root, dirs[NR_PLACES]; /* -1: not open */
};

/* ---- the directories ---- */

/* A refusal of the system, as one of the remote. */
static int refuse(struct cenv_error *err, int rc, int dirfd, const char *name,
                  const char *what)
{
    struct cenv_error own = CENV_ERROR_INIT;
    int status = cenv_fs_fail(&own, rc, dirfd, name, what);

    if (status == CENV_EOS) {
        status = cenv_error_set(err, CENV_EREMOTE, "%s", own.message);
        cenv_error_hint(err, "%s",
                        own.hint[0]
                            ? own.hint
                            : "check that the disk is there, and its permissions");
        cenv_error_release(&own);
        return status;
    }
    return cenv_error_move(err, &own);
}

static int make_dir(int dirfd, const char *name)
{
    int rc = cenv_raw_mkdir(dirfd, name, 0777);

    return rc == -EEXIST ? 0 : rc;
}

/* A root that is not there is an empty remote, as long as the directory that holds it is. */
static int explain_root(const struct cenv_remote_state *state, int rc,
                        struct cenv_error *err)
{
    struct cenv_str parent = cenv_path_parent(cenv_str(state->path));
    char *above = cenv_memdup(parent.data, parent.len);
    int is = above ? cenv_raw_is_dir(CENV_CWD, above) : -ENOMEM;

    cenv_free(above);
    if (rc == -ENOENT && is == 1)
        return 1;
    return refuse(err, rc, CENV_CWD, state->path, "cannot open");
}

static int open_root(struct cenv_remote_state *state, bool make, struct cenv_error *err)
{
    int rc = 0;

    if (state->root >= 0)
        return 0;
    if (make)
        rc = make_dir(CENV_CWD, state->path);
    if (rc < 0)
        return refuse(err, rc, CENV_CWD, state->path, "cannot make");
    rc = cenv_raw_open_root(state->path);
    if (rc < 0)
        return explain_root(state, rc, err);
    state->root = rc;
    return 0;
}

/* Opens DIR/ac and the like, once: 0; 1 where it is not there; or a status. */
static int open_place(struct cenv_remote_state *state, enum place place, bool make,
                      struct cenv_error *err)
{
    int rc = open_root(state, make, err);

    if (rc != 0 || state->dirs[place] >= 0)
        return rc;
    if (make)
        rc = make_dir(state->root, names[place]);
    if (rc == 0)
        rc = cenv_raw_open_dir(state->root, names[place]);
    if (rc == -ENOENT && !make)
        return 1;
    if (rc < 0)
        return refuse(err, rc, state->root, names[place], "cannot use");
    state->dirs[place] = rc;
    return 0;
}

/* What dead writers left; best effort. */
static void sweep_scratch(int dir)
{
    struct cenv_listing list;
    struct cenv_stat st;
    int64_t now = (int64_t)time(NULL);

    if (cenv_listing_read(&list, dir, false) < 0)
        return;
    for (size_t i = 0; i < list.nr; i++)
        if (cenv_raw_stat(dir, list.entries[i].name, &st) == 0 &&
            now - st.mtime_ns / 1000000000 > ABANDONED_SECONDS)
            cenv_raw_unlink(dir, list.entries[i].name);
    cenv_listing_release(&list);
}

static int open_for_writing(struct cenv_remote_state *state, enum place place,
                            struct cenv_error *err)
{
    bool first = state->dirs[SCRATCH] < 0;
    int rc = open_place(state, SCRATCH, true, err);

    if (rc == 0 && first)
        sweep_scratch(state->dirs[SCRATCH]);
    if (rc == 0)
        rc = open_place(state, place, true, err);
    return rc;
}

static void free_state(struct cenv_remote_state *state)
{
    for (int i = 0; i < NR_PLACES; i++)
        cenv_fd_close(state->dirs[i]);
    cenv_fd_close(state->root);
    cenv_free(state->path);
    cenv_free(state);
}

static int open_state(struct cenv_remote_state **out, const struct cenv_secret_url *url,
                      const struct cenv_remote_options *options, struct cenv_error *err)
{
    struct cenv_remote_state *state = cenv_calloc(1, sizeof(*state));
    struct cenv_str text = cenv_secret_url_text(url);
    struct cenv_buf path;

    (void)options;
    if (!state)
        return cenv_error_oom(err);
    *state = (struct cenv_remote_state){.root = -1, .dirs = {-1, -1, -1}};
    cenv_buf_init(&path, 2 * text.len + 1);
    if (cenv_url_unquote(&path, cenv_str_slice(text, strlen("file://"), text.len)))
        state->path = cenv_buf_detach(&path);
    cenv_buf_release(&path);
    if (!state->path) {
        free_state(state);
        return cenv_error_oom(err);
    }
    *out = state;
    return 0;
}

/* ---- documents ---- */

static int find_key(struct cenv_remote_state *state, const char *key,
                    struct cenv_buf *document, struct cenv_task *task,
                    struct cenv_error *err)
{
    int rc = open_place(state, KEYS, false, err);

    (void)task;
    if (rc != 0)
        return rc == 1 ? 0 : rc;
    int dir = state->dirs[KEYS], fd = cenv_raw_open_file(dir, key, NULL);
    if (fd == -ENOENT)
        return 0;
    if (fd < 0)
        return refuse(err, fd, dir, key, "cannot read");
    struct cenv_error own = CENV_ERROR_INIT;
    rc = cenv_fs_read_fd(fd, key, document, &own);
    cenv_fd_close(fd);
    if (rc == CENV_EOS)
        refuse(err, -own.os_errno, dir, key, "cannot read");
    else if (rc == CENV_EFAIL)
        cenv_error_set(err, CENV_EINTEGRITY, "%s", own.message);
    else if (rc < 0)
        return cenv_error_move(err, &own);
    cenv_error_release(&own);
    return rc < 0 ? err->status : 1;
}

/* A new file in DIR/tmp; its name for the caller to free. */
static int make_scratch(const struct cenv_remote_state *state, const char *stem,
                        char **name, struct cenv_error *err)
{
    int dir = state->dirs[SCRATCH];

    *name = cenv_fs_unique_name(stem);
    if (!*name)
        return cenv_error_oom(err);
    int fd = cenv_raw_create(dir, *name, 0666);
    return fd < 0 ? refuse(err, fd, dir, *name, "cannot write") : fd;
}

/* Closes the file in DIR/tmp and puts it in its place, or removes it when `rc` says so. */
static int publish(const struct cenv_remote_state *state, enum place place, int fd,
                   char *scratch, const char *name, int rc, struct cenv_error *err)
{
    int dir = state->dirs[SCRATCH];

    if (fd >= 0) {
        int closed = cenv_raw_close(fd);
        if (rc == 0 && closed == 0)
            closed = cenv_raw_rename(dir, scratch, state->dirs[place], name);
        if (rc == 0 && closed < 0)
            rc = refuse(err, closed, state->dirs[place], name, "cannot write");
        if (rc < 0)
            cenv_raw_unlink(dir, scratch);
    }
    cenv_free(scratch);
    return fd < 0 ? fd : rc;
}

static int put_key(struct cenv_remote_state *state, const char *key,
                   struct cenv_str document, struct cenv_remote_blob *const *blobs,
                   size_t nr, struct cenv_task *task, struct cenv_error *err)
{
    char *scratch = NULL;
    int rc = open_for_writing(state, KEYS, err);

    (void)blobs;
    (void)nr;
    (void)task;
    if (rc < 0)
        return rc;
    int fd = make_scratch(state, key, &scratch, err);
    int raw = fd < 0 ? 0 : cenv_raw_write(fd, document.data, document.len);
    if (raw < 0)
        rc = refuse(err, raw, state->dirs[SCRATCH], scratch, "cannot write");
    return publish(state, KEYS, fd, scratch, key, rc, err);
}

/* ---- blobs ---- */

/* Whether it is there, whole: 1 or 0. */
static bool is_there(const struct cenv_remote_state *state,
                     const struct cenv_remote_blob *blob)
{
    struct cenv_stat st;

    return cenv_raw_stat(state->dirs[BLOBS], blob->sha256, &st) == 0 &&
           st.type == CENV_FT_FILE && st.size == blob->size;
}

static int has_blobs(struct cenv_remote_state *state,
                     struct cenv_remote_blob *const *blobs, size_t nr,
                     struct cenv_task *task, struct cenv_error *err)
{
    int rc = open_place(state, BLOBS, false, err);

    for (size_t i = 0; i < nr && rc == 0; i++) {
        blobs[i]->there = is_there(state, blobs[i]);
        rc = cenv_task_poll(task, err);
    }
    return rc < 0 ? rc : 0;
}

/* A blob on its way, and which of its two ends is the remote's. */
struct copying {
    struct cenv_remote_blob *blob;
    int from, to;
    bool from_remote;
    struct cenv_digest *digest;
    char *block;
};

static int refuse_end(const struct copying *c, bool reading, int64_t rc)
{
    struct cenv_error *err = &c->blob->err;

    if (reading == c->from_remote)
        return refuse(err, (int)rc, reading ? c->from : c->to, NULL,
                      reading ? "cannot read" : "cannot write");
    return cenv_fs_fail(err, (int)rc, reading ? c->from : c->to, NULL,
                        reading ? "cannot read" : "cannot write");
}

static int copy_blocks(const struct copying *c, struct cenv_task *task)
{
    struct cenv_remote_blob *blob = c->blob;
    uint64_t at = 0;

    for (;;) {
        int64_t n = cenv_raw_read(c->from, c->block, BLOCK);
        if (n < 0)
            return refuse_end(c, true, n);
        if (n == 0 || (uint64_t)n > blob->size - at)
            break;
        int rc = cenv_raw_write(c->to, c->block, (size_t)n);
        if (rc < 0)
            return refuse_end(c, false, rc);
        if (!cenv_digest_update(c->digest, c->block, (size_t)n))
            return cenv_error_oom(&blob->err);
        at += (uint64_t)n;
        cenv_task_advance(task, (uint64_t)n);
        rc = cenv_task_poll(task, &blob->err);
        if (rc < 0)
            return rc;
    }
    char hex[CENV_DIGEST_HEX_MAX];
    if (!cenv_digest_hex(c->digest, hex))
        return cenv_error_oom(&blob->err);
    if (at == blob->size && strcmp(hex, blob->sha256) == 0)
        return 0;
    return cenv_error_set(&blob->err, CENV_EINTEGRITY,
                          "'%s' is not the blob of %llu bytes that its name promises",
                          c->from_remote ? blob->sha256 : blob->file,
                          (unsigned long long)blob->size);
}

static int copy_blob(struct copying *c, struct cenv_task *task)
{
    int rc;

    c->digest = cenv_digest_new(CENV_SHA256);
    c->block = cenv_malloc(BLOCK);
    rc = c->digest && c->block ? copy_blocks(c, task) : cenv_error_oom(&c->blob->err);
    cenv_digest_free(c->digest);
    cenv_free(c->block);
    return rc;
}

struct batch {
    struct cenv_remote_state *state;
    struct cenv_remote_blob *const *blobs;
    struct cenv_task *task;
};

static int get_blob(const struct batch *batch, struct cenv_remote_blob *blob)
{
    int dir = batch->state->dirs[BLOBS];
    struct copying c = {.blob = blob, .from_remote = true, .to = -1};

    c.from = cenv_raw_open_file(dir, blob->sha256, NULL);
    if (c.from == -ENOENT)
        return 0;
    if (c.from < 0)
        return refuse(&blob->err, c.from, dir, blob->sha256, "cannot read");
    blob->there = true;
    c.to = cenv_fs_create(blob->dir, blob->file, 0666, &blob->err);
    int rc = c.to < 0 ? c.to : copy_blob(&c, batch->task);
    cenv_fd_close(c.from);
    if (c.to < 0)
        return rc;
    int closed = cenv_raw_close(c.to);
    if (rc == 0 && closed < 0)
        rc = cenv_fs_fail(&blob->err, closed, blob->dir, blob->file, "cannot write");
    if (rc < 0)
        cenv_raw_unlink(blob->dir, blob->file);
    return rc;
}

static int put_blob(const struct batch *batch, struct cenv_remote_blob *blob)
{
    struct copying c = {.blob = blob};
    char *scratch = NULL;

    blob->there = true;
    if (is_there(batch->state, blob))
        return 0;
    c.from = cenv_fs_open_file(blob->dir, blob->file, NULL, &blob->err);
    if (c.from < 0)
        return c.from;
    c.to = make_scratch(batch->state, blob->sha256, &scratch, &blob->err);
    int rc = c.to < 0 ? c.to : copy_blob(&c, batch->task);
    cenv_fd_close(c.from);
    return publish(batch->state, BLOBS, c.to, scratch, blob->sha256, rc, &blob->err);
}

/* A blob that fails is no failure of the run, a cancelled task is. */
static int settle(struct cenv_remote_blob *blob, int rc, struct cenv_error *err)
{
    blob->rc = rc;
    if (rc < 0)
        blob->there = false;
    return rc == CENV_ECANCELLED ? cenv_error_set(err, rc, "interrupted") : 0;
}

static int get_job(void *ctx, size_t index, unsigned thread, struct cenv_error *err)
{
    const struct batch *batch = ctx;
    struct cenv_remote_blob *blob = batch->blobs[index];

    (void)thread;
    return settle(blob, get_blob(batch, blob), err);
}

static int put_job(void *ctx, size_t index, unsigned thread, struct cenv_error *err)
{
    const struct batch *batch = ctx;
    struct cenv_remote_blob *blob = batch->blobs[index];

    (void)thread;
    return settle(blob, put_blob(batch, blob), err);
}

static int get_blobs(struct cenv_remote_state *state,
                     struct cenv_remote_blob *const *blobs, size_t nr,
                     struct cenv_task *task, struct cenv_error *err)
{
    struct batch batch = {state, blobs, task};
    int rc = open_place(state, BLOBS, false, err);

    if (rc == 1) /* none is there */
        rc = 0;
    else if (rc == 0)
        rc = cenv_pool_run(THREADS, nr, get_job, &batch, task, err);
    return rc;
}

static int put_blobs(struct cenv_remote_state *state,
                     struct cenv_remote_blob *const *blobs, size_t nr,
                     struct cenv_task *task, struct cenv_error *err)
{
    struct batch batch = {state, blobs, task};
    int rc = open_for_writing(state, BLOBS, err);

    if (rc == 0)
        rc = cenv_pool_run(THREADS, nr, put_job, &batch, task, err);
    return rc;
}

static int read_part(struct cenv_remote_state *state,
                     const struct cenv_remote_blob *blob, uint64_t at, uint64_t len,
                     struct cenv_buf *out, struct cenv_task *task,
                     struct cenv_error *err)
{
    int rc = open_place(state, BLOBS, false, err);

    (void)task;
    if (rc != 0)
        return rc == 1 ? 0 : rc;
    int dir = state->dirs[BLOBS], fd = cenv_raw_open_file(dir, blob->sha256, NULL);
    if (fd == -ENOENT)
        return 0;
    if (fd < 0)
        return refuse(err, fd, dir, blob->sha256, "cannot read");
    char *to = cenv_buf_reserve(out, (size_t)len);
    int64_t n = to ? cenv_raw_pread(fd, to, (size_t)len, at) : 0;
    cenv_fd_close(fd);
    if (!to)
        return cenv_error_oom(err);
    if (n < 0)
        return refuse(err, (int)n, dir, blob->sha256, "cannot read");
    if ((uint64_t)n < len)
        return cenv_error_set(err, CENV_EINTEGRITY, "'%s' of the remote ends too early",
                              blob->sha256);
    out->len += (size_t)n;
    out->data[out->len] = '\0';
    return 1;
}

const struct cenv_remote_kind cenv_file_kind = {
    .scheme = "file",
    .open = open_state,
    .free = free_state,
    .find = find_key,
    .put = put_key,
    .has = has_blobs,
    .get = get_blobs,
    .put_blobs = put_blobs,
    .read_part = read_part,
};
