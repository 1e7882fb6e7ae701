/* SPDX-License-Identifier: BSD-3-Clause */
/* Frames are gathered in batches, compressed by threads, and written in their order. */
#include "archive/delta_writer.h"

#include <string.h>

#include "base/alloc.h"
#include "base/hex.h"
#include "base/pool.h"
#include "codec/zstd.h"
#include "os/fs.h"
#include "os/host.h"
#include "os/raw_data.h"

enum { BLOCK = 1 << 18, PACKED_MAX = 2 * CENV_DELTA_FRAME };

/* ---- contents that are there ---- */

void cenv_delta_contents_release(struct cenv_delta_contents *contents)
{
    cenv_intern_release(&contents->hashes);
    cenv_free(contents->places);
    cenv_free(contents->deltas);
    cenv_file_hash_release(&contents->hash);
}

static bool add_content(struct cenv_delta_writer *w, const char *hex)
{
    struct cenv_delta_contents *c = w->contents;
    void *places = c->places;
    if (!cenv_grow(&places, &c->alloc, c->hashes.nr, sizeof(*c->places)))
        return false;
    c->places = places;
    uint32_t id = cenv_intern_id(&c->hashes, cenv_str(hex));
    if (id == CENV_NONE)
        return false;
    c->places[id] = (struct cenv_delta_content){(uint32_t)c->nr_deltas, w->begun};
    return true;
}

static bool add_delta(struct cenv_delta_contents *c, const char *hex)
{
    void *deltas = c->deltas;
    if (!cenv_grow(&deltas, &c->alloc_deltas, c->nr_deltas, sizeof(*c->deltas)))
        return false;
    c->deltas = deltas;
    return cenv_unhex(cenv_str(hex), c->deltas[c->nr_deltas++].raw, CENV_SHA256_LEN);
}

/* 1 + its position among the others of the delta in hand; 0: out of memory. */
static uint32_t find_other(struct cenv_delta_writer *w, uint32_t number)
{
    const struct cenv_delta_hash *hash = &w->contents->deltas[number];
    struct cenv_delta *d = &w->delta;
    for (uint32_t i = 0; i < d->nr_others; i++)
        if (memcmp(d->others[i].raw, hash->raw, sizeof(hash->raw)) == 0)
            return i + 1;
    void *others = d->others;
    if (!cenv_grow(&others, &w->alloc_others, d->nr_others, sizeof(*d->others)))
        return 0;
    d->others = others;
    d->others[d->nr_others++] = *hash;
    return d->nr_others;
}

/* ---- frames ---- */

static int compress_frame(void *ctx, size_t index, unsigned thread,
                          struct cenv_error *err)
{
    struct cenv_delta_writer *w = ctx;
    (void)thread;
    cenv_buf_clear(&w->packed[index]);
    return cenv_zstd_compress(cenv_buf_str(&w->raw[index]), w->level, &w->packed[index],
                              w->task, err);
}

static int write_bytes(struct cenv_delta_writer *w, struct cenv_str data)
{
    int failed = cenv_raw_write(w->fd, data.data, data.len);
    if (failed < 0)
        return cenv_fs_fail(w->err, failed, w->fd, NULL, "cannot write");
    w->written += data.len;
    return cenv_digest_update(w->digest, data.data, data.len) ? 0
                                                              : cenv_error_oom(w->err);
}

static int write_frame(struct cenv_delta_writer *w, unsigned n)
{
    struct cenv_str packed = cenv_buf_str(&w->packed[n]);
    struct cenv_delta *d = &w->delta;
    char hex[CENV_DIGEST_HEX_MAX];
    void *frames = d->frames;
    if (!cenv_grow(&frames, &w->alloc_frames, d->nr_frames, sizeof(*d->frames)))
        return cenv_error_oom(w->err);
    d->frames = frames;
    struct cenv_delta_frame *frame = &d->frames[d->nr_frames++];
    *frame = (struct cenv_delta_frame){.size = (uint32_t)packed.len,
                                       .len = (uint32_t)w->raw[n].len};
    if (!cenv_digest_sha256_hex(packed, hex) ||
        !cenv_unhex(cenv_str(hex), frame->sha256, sizeof(frame->sha256)))
        return cenv_error_oom(w->err);
    return write_bytes(w, packed);
}

/* All that is gathered, the frame that fills included. */
static int write_batch(struct cenv_delta_writer *w)
{
    unsigned cpus = cenv_host_cpus();
    int rc = cenv_pool_run(cpus, w->nr_raw, compress_frame, w, w->task, w->err);
    for (unsigned i = 0; i < w->nr_raw && rc == 0; i++)
        rc = write_frame(w, i);
    for (unsigned i = 0; i < w->nr_raw; i++)
        cenv_buf_clear(&w->raw[i]);
    w->nr_raw = 0;
    return rc;
}

static struct cenv_buf *filling_frame(struct cenv_delta_writer *w)
{
    return w->nr_raw ? &w->raw[w->nr_raw - 1] : NULL;
}

/* The frame that fills is done. */
static int begin_frame(struct cenv_delta_writer *w)
{
    int rc = w->nr_raw == CENV_DELTA_BATCH ? write_batch(w) : 0;
    w->nr_raw += rc == 0;
    return rc;
}

static int put_bytes(struct cenv_delta_writer *w, const char *data, size_t len)
{
    int rc = 0;
    while (len && rc == 0) {
        struct cenv_buf *frame = filling_frame(w);
        size_t room = frame ? CENV_DELTA_FRAME - frame->len : 0;
        size_t part = len < room ? len : room;
        if (!room) {
            rc = begin_frame(w);
            continue;
        }
        if (!cenv_buf_add(frame, data, part))
            return cenv_error_oom(w->err);
        data += part;
        len -= part;
        w->begun += part;
    }
    return rc;
}

/* What does not fit into the rest of a frame begins one, and is alone in those it fills. */
static int put_content(struct cenv_delta_writer *w, int fd, uint64_t size)
{
    struct cenv_buf *frame = filling_frame(w);
    int rc = frame && frame->len && size > CENV_DELTA_FRAME - frame->len
                 ? begin_frame(w)
                 : 0;
    for (uint64_t at = 0; at < size && rc == 0;) {
        size_t want = size - at < BLOCK ? (size_t)(size - at) : BLOCK;
        int64_t got = cenv_raw_pread(fd, w->block, want, at);
        if (got < 0)
            return cenv_fs_fail(w->err, (int)got, fd, NULL, "cannot read");
        if ((size_t)got != want)
            return cenv_error_set(w->err, CENV_EINTEGRITY,
                                  "a file changed while it was read");
        at += want;
        rc = put_bytes(w, w->block, want);
        if (rc == 0)
            rc = cenv_task_poll(w->task, w->err);
    }
    frame = filling_frame(w);
    if (rc == 0 && size > CENV_DELTA_FRAME && frame && frame->len)
        rc = begin_frame(w);
    return rc;
}

/* ---- the writer ---- */

int cenv_delta_writer_open(struct cenv_delta_writer *w, int fd, int level,
                           struct cenv_delta_contents *contents, struct cenv_task *task,
                           struct cenv_error *err)
{
    *w = (struct cenv_delta_writer){
        .fd = fd, .level = level, .contents = contents, .task = task, .err = err};
    for (unsigned i = 0; i < CENV_DELTA_BATCH; i++) {
        cenv_buf_init(&w->raw[i], CENV_DELTA_FRAME);
        cenv_buf_init(&w->packed[i], PACKED_MAX);
    }
    w->digest = cenv_digest_new(CENV_SHA256);
    w->block = cenv_malloc(BLOCK);
    bool hashes =
        contents->hash.digest || cenv_file_hash_init(&contents->hash, CENV_SHA256);
    return w->digest && w->block && hashes ? 0 : cenv_error_oom(err);
}

void cenv_delta_writer_release(struct cenv_delta_writer *w)
{
    for (unsigned i = 0; i < CENV_DELTA_BATCH; i++) {
        cenv_buf_release(&w->raw[i]);
        cenv_buf_release(&w->packed[i]);
    }
    cenv_delta_release(&w->delta);
    cenv_digest_free(w->digest);
    cenv_arena_release(&w->arena);
    cenv_free(w->block);
}

int cenv_delta_writer_add(struct cenv_delta_writer *w,
                          const struct cenv_delta_entry *entry)
{
    struct cenv_delta *d = &w->delta;
    void *entries = d->entries;
    if (!cenv_grow(&entries, &w->alloc_entries, d->nr_entries, sizeof(*d->entries)))
        return cenv_error_oom(w->err);
    d->entries = entries;
    struct cenv_delta_entry *added = &d->entries[d->nr_entries];
    *added = *entry;
    added->path = cenv_arena_str(&w->arena, entry->path);
    added->link = cenv_arena_str(&w->arena, entry->link);
    if (!added->path.data || !added->link.data)
        return cenv_error_oom(w->err);
    d->nr_entries++;
    return 0;
}

/* Where the content of `fd` lies: it was there, or is put there. */
static int find_content(struct cenv_delta_writer *w, int fd,
                        struct cenv_delta_entry *entry)
{
    struct cenv_delta_contents *c = w->contents;
    char hex[CENV_DIGEST_HEX_MAX];
    int rc = cenv_file_hash_fd(&c->hash, fd, entry->path.data, hex, &entry->size,
                               w->task, w->err);
    if (rc < 0)
        return rc;
    uint32_t id = cenv_intern_find(&c->hashes, cenv_str(hex));
    if (id == CENV_NONE) {
        entry->at = w->begun;
        return add_content(w, hex) ? put_content(w, fd, entry->size)
                                   : cenv_error_oom(w->err);
    }
    w->shared += entry->size;
    entry->at = c->places[id].at;
    if (c->places[id].delta == c->nr_deltas)
        return 0;
    entry->which = find_other(w, c->places[id].delta);
    return entry->which ? 0 : cenv_error_oom(w->err);
}

int cenv_delta_writer_add_file(struct cenv_delta_writer *w,
                               const struct cenv_delta_entry *entry, int fd)
{
    struct cenv_delta_entry found = *entry;
    int rc = find_content(w, fd, &found);
    if (rc == 0)
        rc = cenv_delta_writer_add(w, &found);
    return rc;
}

static int write_table(struct cenv_delta_writer *w, struct cenv_delta_facts *out)
{
    struct cenv_buf text, packed;
    uint64_t before = w->written;
    cenv_buf_init(&text, SIZE_MAX / 4);
    cenv_buf_init(&packed, SIZE_MAX / 4);
    int rc = cenv_delta_format(&w->delta, &text) ? 0 : cenv_error_oom(w->err);
    if (rc == 0)
        rc =
            cenv_zstd_compress(cenv_buf_str(&text), w->level, &packed, w->task, w->err);
    if (rc == 0 && !cenv_digest_sha256_hex(cenv_buf_str(&packed), out->toc_sha256))
        rc = cenv_error_oom(w->err);
    if (rc == 0)
        rc = write_bytes(w, cenv_buf_str(&packed));
    out->toc = w->written - before;
    cenv_buf_release(&text);
    cenv_buf_release(&packed);
    return rc;
}

int cenv_delta_writer_finish(struct cenv_delta_writer *w, struct cenv_delta_facts *out)
{
    struct cenv_buf *frame = filling_frame(w);
    w->nr_raw -= frame && !frame->len;
    int rc = w->nr_raw ? write_batch(w) : 0;
    if (rc == 0)
        rc = write_table(w, out);
    if (rc < 0)
        return rc;
    out->size = w->written;
    if (!cenv_digest_hex(w->digest, out->sha256) ||
        !add_delta(w->contents, out->sha256))
        return cenv_error_oom(w->err);
    return 0;
}
