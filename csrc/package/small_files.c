/* SPDX-License-Identifier: BSD-3-Clause */
/* A ring of batches between two threads, each side woken once a batch: see small_files.h. */
#include "package/small_files.h"

#include <stdbool.h>
#include <string.h>

#include "base/alloc.h"
#include "base/digest.h"
#include "base/mutex.h"
#include "base/thread.h"
#include "os/fs.h"
#include "os/raw_data.h"
#include "os/raw_file.h"

/* As many descriptors as all batches have files are open at once: few, as a process has 1,024. */
enum { BATCHES = 4, FILES = 16, BYTES = 128 << 10 };

struct job {
    int fd;
    size_t entry; /* in the manifest */
    struct cenv_str path, data;
    int64_t mtime_ns;
    unsigned char sha256[CENV_SHA256_LEN];
};

struct batch {
    struct job jobs[FILES];
    size_t nr, used;
    char data[BYTES];
};

struct cenv_small_files {
    int dest;
    struct cenv_package_manifest *manifest;
    struct cenv_digest *sha256; /* the thread's */
    struct cenv_thread thread;
    struct cenv_str room; /* that was given last */
    unsigned long noted;  /* batches whose digests are in the manifest */
    struct batch *batches;

    struct cenv_mutex lock; /* guards all below, and batches from `tail` to `head` */
    struct cenv_cond changed;
    unsigned long head, tail; /* batches handed over, batches done with */
    bool stop, failed;
    struct cenv_error err; /* of the thread, when it has failed */
};

static struct batch *batch_at(const struct cenv_small_files *files, unsigned long at)
{
    return &files->batches[at % BATCHES];
}

/* ---- the thread ---- */

static int fill_file(const struct cenv_small_files *files, struct job *job,
                     struct cenv_error *err)
{
    int raw = cenv_raw_write(job->fd, job->data.data, job->data.len);

    if (raw == 0) /* best effort: some file systems refuse */
        cenv_raw_set_mtime_fd(job->fd, job->mtime_ns);
    int closed = cenv_raw_close(job->fd);
    raw = raw < 0 ? raw : closed;
    if (raw < 0)
        return cenv_fs_fail(err, raw, files->dest, job->path.data, "cannot write");
    bool hashed = cenv_digest_reset(files->sha256) &&
                  cenv_digest_update(files->sha256, job->data.data, job->data.len) &&
                  cenv_digest_final(files->sha256, job->sha256);
    return hashed ? 0 : cenv_error_set(err, CENV_EFAIL, "cannot compute a digest");
}

/* Fills the files of a batch, or, when one has failed or nobody wants them, closes them. */
static int fill_batch(const struct cenv_small_files *files, struct batch *batch,
                      bool wanted, struct cenv_error *err)
{
    int rc = wanted ? 0 : CENV_EFAIL;

    for (size_t i = 0; i < batch->nr; i++) {
        if (rc == 0)
            rc = fill_file(files, &batch->jobs[i], err);
        else
            cenv_fd_close(batch->jobs[i].fd);
    }
    return rc;
}

static void *fill_all(void *arg)
{
    struct cenv_small_files *files = arg;

    cenv_mutex_lock(&files->lock);
    for (;;) {
        while (files->head == files->tail && !files->stop)
            cenv_cond_wait(&files->changed, &files->lock);
        if (files->head == files->tail)
            break;
        struct batch *batch = batch_at(files, files->tail);
        bool wanted = !files->failed && !files->stop;
        cenv_mutex_unlock(&files->lock);
        int rc = fill_batch(files, batch, wanted, &files->err);
        cenv_mutex_lock(&files->lock);
        files->failed |= rc < 0;
        files->tail++;
        cenv_cond_signal(&files->changed);
    }
    cenv_mutex_unlock(&files->lock);
    return NULL;
}

/* ---- the caller ---- */

/* Takes the digests of a batch that is done with, which is empty from then on. */
static void note_digests(struct cenv_small_files *files)
{
    struct batch *batch = batch_at(files, files->noted++);

    for (size_t i = 0; i < batch->nr; i++) {
        struct job *job = &batch->jobs[i];
        memcpy(files->manifest->entries[job->entry].sha256, job->sha256,
               CENV_SHA256_LEN);
    }
    batch->nr = batch->used = 0;
}

/* Waits until at most `busy` batches are with the thread. Whether none has failed. */
static bool wait_for_batches(struct cenv_small_files *files, unsigned long busy)
{
    cenv_mutex_lock(&files->lock);
    while (files->head - files->tail > busy)
        cenv_cond_wait(&files->changed, &files->lock);
    unsigned long tail = files->tail;
    bool failed = files->failed;
    cenv_mutex_unlock(&files->lock);
    while (files->noted < tail)
        note_digests(files);
    return !failed;
}

static void hand_over(struct cenv_small_files *files)
{
    cenv_mutex_lock(&files->lock);
    files->head++;
    cenv_cond_signal(&files->changed);
    cenv_mutex_unlock(&files->lock);
}

char *cenv_small_files_room(struct cenv_small_files *files, size_t size)
{
    struct batch *batch = batch_at(files, files->head);

    if (batch->nr == FILES || batch->used + size > BYTES) {
        hand_over(files);
        if (!wait_for_batches(files, BATCHES - 1))
            return NULL;
        batch = batch_at(files, files->head);
    }
    char *room = batch->data + batch->used;
    files->room = cenv_str_n(room, size);
    return room;
}

void cenv_small_files_put(struct cenv_small_files *files, int fd)
{
    struct batch *batch = batch_at(files, files->head);
    size_t entry = files->manifest->nr - 1;
    const struct cenv_package_file *file = &files->manifest->entries[entry];

    batch->jobs[batch->nr++] = (struct job){.fd = fd,
                                            .entry = entry,
                                            .path = file->path,
                                            .data = files->room,
                                            .mtime_ns = file->mtime_ns};
    batch->used += files->room.len;
}

int cenv_small_files_settle(struct cenv_small_files *files, struct cenv_error *err)
{
    if (batch_at(files, files->head)->nr)
        hand_over(files);
    return wait_for_batches(files, 0) ? 0 : cenv_error_move(err, &files->err);
}

/* ---- from beginning to end ---- */

static void release_files(struct cenv_small_files *files)
{
    cenv_cond_destroy(&files->changed);
    cenv_mutex_destroy(&files->lock);
    cenv_error_release(&files->err);
    cenv_digest_free(files->sha256);
    cenv_free(files->batches);
    cenv_free(files);
}

int cenv_small_files_new(struct cenv_small_files **out, int dest,
                         struct cenv_package_manifest *manifest, struct cenv_error *err)
{
    struct cenv_small_files *files = cenv_calloc(1, sizeof(*files));

    *out = NULL;
    if (!files)
        return cenv_error_oom(err);
    files->dest = dest;
    files->manifest = manifest;
    cenv_mutex_init(&files->lock);
    cenv_cond_init(&files->changed);
    files->batches = cenv_calloc(BATCHES, sizeof(*files->batches));
    files->sha256 = cenv_digest_new(CENV_SHA256);
    int rc = files->batches && files->sha256 ? 0 : cenv_error_oom(err);
    if (rc == 0 && cenv_threads_start(&files->thread, 1, fill_all, files, 0) == 1)
        *out = files;
    else
        release_files(files);
    return rc;
}

void cenv_small_files_free(struct cenv_small_files *files)
{
    if (!files)
        return;
    if (batch_at(files, files->head)->nr)
        hand_over(files);
    cenv_mutex_lock(&files->lock);
    files->stop = true;
    cenv_cond_signal(&files->changed);
    cenv_mutex_unlock(&files->lock);
    cenv_threads_join(&files->thread, 1);
    release_files(files);
}
