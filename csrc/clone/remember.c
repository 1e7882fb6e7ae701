/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Making the memory of a path: the layer of relocated files that an overlay would show, written in
 * the store, and then used as one that was there. So the first clone writes its files there instead
 * of into itself, and a clone gets them in one way only.
 */
#include "clone/remember.h"

#include "base/alloc.h"
#include "clone/mode.h"
#include "clone/overlay_layer.h"
#include "os/fs.h"
#include "relocate/splice.h"
#include "store/memory_room.h"
#include "store/scratch.h"

/* A disk is too full for one that takes more than this part of what is free. */
enum { BLOCK = 4096, PART_OF_FREE = 16 };

/* Its name in the scratch directory. */
#define MADE "memory"

/* A memory on its way. */
struct making {
    struct cenv_clone_job *job;
    const struct cenv_clone_mode *mode;
    struct cenv_memory_head *head;
    struct cenv_cloned *told;
    int dir, layer;
};

/* ---- how much it takes ---- */

/* On the disk, about: each file has blocks of its own, and an inode. */
static uint64_t bytes_of(const struct cenv_clone_job *job)
{
    const struct cenv_manifest *m = job->prepared.m;
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < m->nr_relocs; i++) {
        const struct cenv_mf_file *file = &m->files[m->relocs[i].file];
        struct cenv_sites sites = cenv_mf_sites(m, &m->relocs[i]);
        uint64_t size =
            file->flags & CENV_MF_DEPENDENT
                ? file->size
                : cenv_splice_size(&sites, &job->prepared.forms, file->size);
        bytes += (size / BLOCK + 2) * BLOCK;
    }
    return bytes;
}

/* ---- the facts ---- */

/* Of what was written; 1: the file system does not keep what a file was given. */
static int note_files(struct making *making, struct cenv_dirs *dirs)
{
    const struct cenv_manifest *m = making->job->prepared.m;
    struct cenv_memory_file *files = cenv_path_memory_files(making->head);
    for (uint32_t i = 0; i < m->nr_relocs; i++) {
        const struct cenv_mf_file *file = &m->files[m->relocs[i].file];
        struct cenv_stat st;
        if (!making->told[i].size)
            continue;
        if (cenv_remembered_stat(dirs, m, i, &st) < 0 ||
            st.mtime_ns != cenv_mf_new_mtime(file) || st.mode != file->mode ||
            (making->head->device && making->head->device != st.dev))
            return 1;
        making->head->device = st.dev;
        files[i] = (struct cenv_memory_file){.ino = st.ino, .size = st.size};
        memcpy(files[i].sha256, making->told[i].sha256, CENV_SHA256_LEN);
    }
    return 0;
}

static int save_facts(struct making *making, struct cenv_error *err)
{
    const struct cenv_mf_header *header = making->job->prepared.m->header;
    struct cenv_memory_head *head = making->head;
    struct cenv_dirs dirs;
    struct cenv_stat st;
    int raw = cenv_raw_stat_fd(making->layer, &st);
    if (raw < 0)
        return cenv_fs_fail(err, raw, making->layer, NULL, "cannot look at");
    head->manifest = header->sum;
    head->dev = header->dev;
    head->ino = header->ino;
    head->layer = st.ino;
    head->bytes = bytes_of(making->job);
    cenv_dirs_init(&dirs, making->layer);
    int rc = note_files(making, &dirs);
    cenv_dirs_release(&dirs);
    if (rc == 0)
        rc = cenv_path_memory_save_head(making->dir, head, err);
    return rc;
}

/* ---- writing it ---- */

static int write_layer(struct making *making, struct cenv_error *err)
{
    struct cenv_clone_job *job = making->job;
    struct cenv_overlay_layer layer = {
        .kind = making->mode->shows ? CENV_LAYER_SHOWN : CENV_LAYER_REMEMBERED,
        .dir = making->layer,
        .root_mode = job->prepared.m->dirs[0].mode,
        .threads = cenv_clone_job_threads(job),
        .placing = making->mode->placing,
        .told = making->told};
    int rc =
        cenv_overlay_layer_write(&job->prepared, &layer, &job->result, job->task, err);
    job->made = job->result.counts.bytes_copied;
    return rc;
}

/* 1: it cannot be kept. */
static int fill_scratch(struct making *making, const struct cenv_scratch *scratch,
                        struct cenv_error *err)
{
    int rc = making->dir = cenv_fs_mkdir_open(scratch->fd, MADE, 0700, err);
    if (rc >= 0)
        rc = making->layer =
            cenv_fs_mkdir_open(making->dir, CENV_MEMORY_LAYER, 0700, err);
    if (rc >= 0)
        rc = write_layer(making, err);
    if (rc == 0)
        rc = save_facts(making, err);
    cenv_fd_close(making->layer);
    cenv_fd_close(making->dir);
    return rc;
}

static int make_in_scratch(struct making *making, struct cenv_error *err)
{
    struct cenv_clone_job *job = making->job;
    const struct cenv_remembered *place = &job->remembered;
    struct cenv_scratch scratch;
    int rc = cenv_scratch_open(job->store, &scratch, err);
    if (rc < 0)
        return rc;
    rc = fill_scratch(making, &scratch, err);
    if (rc == 0)
        rc = cenv_path_memory_publish(job->store, scratch.fd, MADE, place->id,
                                      place->name, err);
    cenv_scratch_close(job->store, &scratch);
    return rc;
}

static int make_memory(struct cenv_clone_job *job, const struct cenv_clone_mode *mode,
                       struct cenv_error *err)
{
    uint32_t nr = job->prepared.m->nr_relocs;
    struct making making = {.job = job, .mode = mode, .dir = -1, .layer = -1};
    uint64_t bytes = bytes_of(job);
    if (bytes > cenv_raw_free_bytes(job->store->root) / PART_OF_FREE)
        return 1;
    int rc = cenv_memory_room_make(job->store, bytes, (uint64_t)job->options->memory,
                                   job->task, err);
    if (rc != 0)
        return rc;
    making.head = cenv_path_memory_new_head(nr);
    making.told = cenv_calloc((size_t)nr + 1, sizeof(*making.told));
    rc = making.head && making.told ? make_in_scratch(&making, err)
                                    : cenv_error_oom(err);
    cenv_free(making.told);
    cenv_free(making.head);
    return rc;
}

/* ---- the whole ---- */

static int find_memory(struct cenv_clone_job *job, const struct cenv_clone_mode *mode,
                       struct cenv_error *err)
{
    return cenv_remembered_find(&job->remembered, job->store, job->source, job->path,
                                cenv_clone_mode_text(mode), err);
}

/* One that is shown as it lies is looked at as a whole; others file by file, as they are placed. */
static int find_unaltered(struct cenv_clone_job *job,
                          const struct cenv_clone_mode *mode, struct cenv_error *err)
{
    int rc = find_memory(job, mode, err);
    if (rc != 0 || !mode->shows)
        return rc;
    rc = cenv_remembered_check(&job->remembered, cenv_clone_job_threads(job), job->task,
                               err);
    if (rc == 1)
        cenv_remembered_close(&job->remembered);
    return rc;
}

static bool is_wanted(const struct cenv_clone_job *job)
{
    const struct cenv_remembered *place = &job->remembered;
    return place->store && job->prepared.m->nr_relocs &&
           (cenv_path_memory_has_seen(place->store, place->id, place->name) ||
            job->options->remember);
}

/* A favour to the clones that come: what the system refuses must not fail this one. */
static int make_and_find(struct cenv_clone_job *job, const struct cenv_clone_mode *mode,
                         struct cenv_error *err)
{
    int rc = make_memory(job, mode, err);
    if (rc == 0)
        rc = find_memory(job, mode, err);
    if (rc != CENV_EOS)
        return rc;
    cenv_error_release(err);
    return 1;
}

int cenv_remember(struct cenv_clone_job *job, const struct cenv_clone_mode *mode,
                  struct cenv_error *err)
{
    if (job->options->memory <= 0)
        return 0;
    struct cenv_span span = cenv_span_begin(CENV_STAGE_RELOCATE, "memory");
    int rc = find_unaltered(job, mode, err);
    span.hits = rc == 0;
    span.misses = rc == 1;
    if (rc == 1 && is_wanted(job))
        rc = make_and_find(job, mode, err);
    cenv_span_end(job->task, &span);
    return rc < 0 ? rc : 0;
}
