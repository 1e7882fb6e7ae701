/* SPDX-License-Identifier: BSD-3-Clause */
/* Deltas, and their tables of contents: see delta.h. */
#include "archive/delta.h"

#include <string.h>

#include "base/alloc.h"
#include "codec/json_writer.h"
#include "codec/limits.h"
#include "codec/stream.h"
#include "os/fs.h"
#include "os/path.h"
#include "os/raw_data.h"

enum { MAGIC = 8, HEAD = 20, FRAME = 40, SHOWN_PATH_MAX = 300, SHOWN_MAX = 4096 };
enum { FRAME_MIN = 10 }; /* bytes of a zstd frame that is not empty */

static const char magic[] = "cenvdlt1";

int cenv_delta_refuse(struct cenv_error *err, const char *why)
{
    return cenv_error_set(err, CENV_EINTEGRITY, "delta: %s", why);
}

int cenv_delta_refuse_path(struct cenv_error *err, struct cenv_str path,
                           const char *why)
{
    struct cenv_buf shown;
    cenv_buf_init(&shown, SHOWN_MAX);
    cenv_json_quote(&shown, cenv_str_slice(path, 0, SHOWN_PATH_MAX));
    cenv_error_set(err, CENV_EINTEGRITY, "delta: %s %s", shown.data ? shown.data : "?",
                   why);
    cenv_buf_release(&shown);
    return CENV_EINTEGRITY;
}

/* ---- numbers ---- */

static uint64_t take_number(const char **at, unsigned bytes)
{
    uint64_t number = 0;
    for (unsigned i = 0; i < bytes; i++)
        number |= (uint64_t)(unsigned char)(*at)[i] << (8 * i);
    *at += bytes;
    return number;
}

static void add_number(struct cenv_buf *out, uint64_t number, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        cenv_buf_putc(out, (char)(number >> (8 * i)));
}

/* ---- parsing ---- */

struct parser {
    struct cenv_delta *delta;
    const char *at, *end;
    char *text; /* where spans get their NUL */
    struct cenv_limits limits;
    struct cenv_error *err;
};

static size_t left_of(const struct parser *p)
{
    return (size_t)(p->end - p->at);
}

static int read_head(struct parser *p)
{
    struct cenv_delta *d = p->delta;
    if (left_of(p) < HEAD || memcmp(p->at, magic, MAGIC) != 0)
        return cenv_delta_refuse(p->err, "it has no table of contents");
    p->at += MAGIC;
    d->nr_frames = (uint32_t)take_number(&p->at, 4);
    d->nr_others = (uint32_t)take_number(&p->at, 4);
    d->nr_entries = (uint32_t)take_number(&p->at, 4);
    if (!cenv_limits_take(&p->limits.entries, d->nr_entries))
        return cenv_delta_refuse(p->err,
                                 "it has more entries than one of its size may");
    return 0;
}

static void read_frame(struct parser *p, struct cenv_delta_frame *frame)
{
    frame->size = (uint32_t)take_number(&p->at, 4);
    frame->len = (uint32_t)take_number(&p->at, 4);
    memcpy(frame->sha256, p->at, CENV_SHA256_LEN);
    p->at += CENV_SHA256_LEN;
}

/* The frames fill the delta, but for its table. */
static int read_frames(struct parser *p, const struct cenv_delta_place *place)
{
    struct cenv_delta *d = p->delta;
    uint64_t at = 0;
    if (left_of(p) / FRAME < d->nr_frames)
        return cenv_delta_refuse(p->err, "its table of contents is cut off");
    d->frames = cenv_calloc((size_t)d->nr_frames + 1, sizeof(*d->frames));
    if (!d->frames)
        return cenv_error_oom(p->err);
    for (uint32_t i = 0; i < d->nr_frames; i++) {
        struct cenv_delta_frame *frame = &d->frames[i];
        read_frame(p, frame);
        frame->at = at;
        frame->from = d->content;
        at += frame->size;
        d->content += frame->len;
        if (frame->size < FRAME_MIN || !frame->len || frame->len > CENV_DELTA_FRAME)
            return cenv_delta_refuse(p->err, "it has a frame of a wrong length");
    }
    if (at != place->size - place->toc)
        return cenv_delta_refuse(p->err, "its frames are not what it says of them");
    return 0;
}

static int read_others(struct parser *p)
{
    struct cenv_delta *d = p->delta;
    if (left_of(p) / sizeof(*d->others) < d->nr_others)
        return cenv_delta_refuse(p->err, "its table of contents is cut off");
    d->others = cenv_calloc((size_t)d->nr_others + 1, sizeof(*d->others));
    if (!d->others)
        return cenv_error_oom(p->err);
    if (d->nr_others)
        memcpy(d->others, p->at, d->nr_others * sizeof(*d->others));
    p->at += d->nr_others * sizeof(*d->others);
    return 0;
}

/* The numbers of an entry, then its texts: they move by one, so that each has a NUL behind. */
static int read_texts(struct parser *p, struct cenv_delta_entry *entry)
{
    size_t path = (size_t)take_number(&p->at, 2), link = (size_t)take_number(&p->at, 2);
    if (left_of(p) < path + link)
        return cenv_delta_refuse(p->err, "its table of contents is cut off");
    entry->path = cenv_str_n(p->text, path);
    memmove(p->text, p->at, path);
    p->text[path] = 0;
    entry->link = cenv_str_n(p->text + path + 1, link);
    memmove(p->text + path + 1, p->at + path, link);
    p->text[path + 1 + link] = 0;
    p->text += path + link + 2;
    p->at += path + link;
    return 0;
}

/* What another delta has is known when it is read. */
static int check_content(struct parser *p, const struct cenv_delta_entry *entry)
{
    uint32_t first, nr;
    if (entry->which > p->delta->nr_others)
        return cenv_delta_refuse_path(p->err, entry->path,
                                      "has the content of no delta");
    if (!cenv_limits_take(&p->limits.bytes, entry->size))
        return cenv_delta_refuse(p->err, "it expands to more than one of its size may");
    return entry->which ? 0
                        : cenv_delta_find_frames(p->delta, entry->at, entry->size,
                                                 &first, &nr, p->err);
}

static int check_entry(struct parser *p, const struct cenv_delta_entry *entry)
{
    const char *why = NULL;
    bool is_root = entry->type == CENV_DELTA_DIR && !entry->path.len;
    if (!is_root)
        why = cenv_path_refused(entry->path);
    if (!why && entry->type == CENV_DELTA_PEER)
        why = cenv_path_refused(entry->link);
    if (why)
        return cenv_delta_refuse_path(p->err, entry->path, why);
    if (entry->type == CENV_DELTA_SYMLINK &&
        (!entry->link.len || entry->link.len > CENV_PATH_PACKAGE_MAX ||
         memchr(entry->link.data, 0, entry->link.len)))
        return cenv_delta_refuse_path(p->err, entry->path, "is a link to nothing");
    if (!cenv_limits_take(&p->limits.names, entry->path.len + entry->link.len))
        return cenv_delta_refuse(p->err,
                                 "it has longer names than one of its size may");
    return entry->type == CENV_DELTA_FILE ? check_content(p, entry) : 0;
}

static int read_entry(struct parser *p, struct cenv_delta_entry *entry)
{
    if (left_of(p) < CENV_DELTA_ENTRY)
        return cenv_delta_refuse(p->err, "its table of contents is cut off");
    unsigned type = (unsigned)take_number(&p->at, 1);
    if (type >= CENV_DELTA_NR_TYPES)
        return cenv_delta_refuse(p->err, "it has an entry of an unknown type");
    entry->type = (enum cenv_delta_type)type;
    entry->mode = (uint32_t)take_number(&p->at, 2) &
                  (type == CENV_DELTA_DIR ? 01777 : CENV_DELTA_MODE);
    entry->mtime_ns = (int64_t)take_number(&p->at, 8);
    entry->size = take_number(&p->at, 8);
    entry->which = (uint32_t)take_number(&p->at, 4);
    entry->at = take_number(&p->at, 8);
    int rc = read_texts(p, entry);
    if (rc == 0)
        rc = check_entry(p, entry);
    return rc;
}

static int read_entries(struct parser *p)
{
    struct cenv_delta *d = p->delta;
    int rc = 0;
    if (left_of(p) / CENV_DELTA_ENTRY < d->nr_entries)
        return cenv_delta_refuse(p->err, "its table of contents is cut off");
    d->entries = cenv_calloc((size_t)d->nr_entries + 1, sizeof(*d->entries));
    if (!d->entries)
        return cenv_error_oom(p->err);
    for (uint32_t i = 0; i < d->nr_entries && rc == 0; i++)
        rc = read_entry(p, &d->entries[i]);
    if (rc == 0 && left_of(p))
        rc = cenv_delta_refuse(p->err, "its table of contents is too long");
    return rc;
}

int cenv_delta_parse(struct cenv_delta *delta, struct cenv_buf *text,
                     const struct cenv_delta_place *place, struct cenv_error *err)
{
    size_t len = text->len;
    *delta = (struct cenv_delta){.text = cenv_buf_detach(text)};
    struct parser p = {
        .delta = delta, .at = delta->text, .text = delta->text, .err = err};
    if (!delta->text)
        return cenv_error_oom(err);
    p.end = delta->text + len;
    cenv_limits_init(&p.limits, place->whole);
    int rc = read_head(&p);
    if (rc == 0)
        rc = read_frames(&p, place);
    if (rc == 0)
        rc = read_others(&p);
    if (rc == 0)
        rc = read_entries(&p);
    return rc;
}

/* ---- opening ---- */

static int read_part(const struct cenv_delta_place *place, uint64_t at, uint64_t len,
                     struct cenv_buf *out, struct cenv_error *err)
{
    char *data = len > SIZE_MAX / 2 ? NULL : cenv_buf_reserve(out, (size_t)len);
    if (!data)
        return out->failed == CENV_BUF_FULL ? cenv_delta_refuse(err, "it is too large")
                                            : cenv_error_oom(err);
    int64_t got = cenv_raw_pread(place->fd, data, (size_t)len, place->at + at);
    if (got < 0)
        return cenv_fs_fail(err, (int)got, place->fd, NULL, "cannot read");
    if ((uint64_t)got != len)
        return cenv_delta_refuse(err, "it is cut off");
    out->len += (size_t)len;
    return 0;
}

static int read_table(const struct cenv_delta_place *place, struct cenv_buf *text,
                      struct cenv_error *err)
{
    char hex[CENV_DIGEST_HEX_MAX];
    struct cenv_buf packed;
    cenv_buf_init(&packed, text->max);
    int rc = read_part(place, place->size - place->toc, place->toc, &packed, err);
    if (rc == 0 && !cenv_digest_sha256_hex(cenv_buf_str(&packed), hex))
        rc = cenv_error_oom(err);
    if (rc == 0 && strcmp(hex, place->toc_sha256) != 0)
        rc = cenv_delta_refuse(err, "its table of contents is not what was written");
    if (rc == 0)
        rc = cenv_decode(CENV_CODEC_ZSTD, cenv_buf_str(&packed), text, err);
    cenv_buf_release(&packed);
    return rc;
}

int cenv_delta_open(struct cenv_delta *delta, const struct cenv_delta_place *place,
                    struct cenv_task *task, struct cenv_error *err)
{
    struct cenv_limits limits;
    struct cenv_buf text;
    *delta = (struct cenv_delta){0};
    int rc = cenv_task_poll(task, err);
    if (rc < 0)
        return rc;
    if (place->toc > place->size)
        return cenv_delta_refuse(err, "its table of contents is longer than it is");
    cenv_limits_init(&limits, place->whole);
    cenv_buf_init(&text, (size_t)(limits.names + limits.entries * CENV_DELTA_ENTRY));
    rc = read_table(place, &text, err);
    if (rc == 0)
        rc = cenv_delta_parse(delta, &text, place, err);
    cenv_buf_release(&text);
    return rc;
}

void cenv_delta_keep_contents(struct cenv_delta *delta)
{
    cenv_free(delta->others);
    cenv_free(delta->entries);
    cenv_free(delta->text);
    *delta = (struct cenv_delta){.content = delta->content,
                                 .frames = delta->frames,
                                 .nr_frames = delta->nr_frames};
}

void cenv_delta_release(struct cenv_delta *delta)
{
    cenv_delta_keep_contents(delta);
    cenv_free(delta->frames);
    *delta = (struct cenv_delta){0};
}

/* ---- contents ---- */

/* The frame that has the byte `at` of the contents, which is within them. */
static uint32_t find_frame(const struct cenv_delta *delta, uint64_t at)
{
    uint32_t low = 0, high = delta->nr_frames - 1;
    while (low < high) {
        uint32_t middle = low + (high - low + 1) / 2;
        if (delta->frames[middle].from <= at)
            low = middle;
        else
            high = middle - 1;
    }
    return low;
}

int cenv_delta_find_frames(const struct cenv_delta *delta, uint64_t at, uint64_t size,
                           uint32_t *first, uint32_t *nr, struct cenv_error *err)
{
    *first = *nr = 0;
    if (!size)
        return 0;
    if (size > delta->content || at > delta->content - size)
        return cenv_delta_refuse(err, "a content lies beyond its end");
    *first = find_frame(delta, at);
    const struct cenv_delta_frame *last =
        &delta->frames[find_frame(delta, at + size - 1)];
    *nr = (uint32_t)(last - delta->frames) - *first + 1;
    if (*nr > 1 &&
        (delta->frames[*first].from != at || last->from + last->len != at + size))
        return cenv_delta_refuse(err, "a content lies across its frames");
    return 0;
}

static int check_frame(const struct cenv_delta_frame *frame, struct cenv_str packed,
                       struct cenv_error *err)
{
    unsigned char raw[CENV_SHA256_LEN];
    struct cenv_digest *digest = cenv_digest_new(CENV_SHA256);
    bool taken = digest && cenv_digest_update(digest, packed.data, packed.len) &&
                 cenv_digest_final(digest, raw);
    cenv_digest_free(digest);
    if (!taken)
        return cenv_error_oom(err);
    return memcmp(raw, frame->sha256, sizeof(raw)) == 0
               ? 0
               : cenv_delta_refuse(err, "its contents are not what was written");
}

int cenv_delta_read_frame(const struct cenv_delta *delta,
                          const struct cenv_delta_place *place, uint32_t n,
                          struct cenv_buf *out, struct cenv_error *err)
{
    const struct cenv_delta_frame *frame = &delta->frames[n];
    struct cenv_buf packed;
    cenv_buf_init(&packed, (size_t)CENV_DELTA_FRAME * 2);
    cenv_buf_clear(out);
    int rc = read_part(place, frame->at, frame->size, &packed, err);
    if (rc == 0)
        rc = check_frame(frame, cenv_buf_str(&packed), err);
    if (rc == 0)
        rc = cenv_decode(CENV_CODEC_ZSTD, cenv_buf_str(&packed), out, err);
    if (rc == 0 && out->len != frame->len)
        rc = cenv_delta_refuse(err, "a frame has not the length that it should have");
    cenv_buf_release(&packed);
    return rc;
}

/* ---- writing ---- */

static void add_entry(struct cenv_buf *out, const struct cenv_delta_entry *entry)
{
    add_number(out, entry->type, 1);
    add_number(out, entry->mode, 2);
    add_number(out, (uint64_t)entry->mtime_ns, 8);
    add_number(out, entry->size, 8);
    add_number(out, entry->which, 4);
    add_number(out, entry->at, 8);
    add_number(out, entry->path.len, 2);
    add_number(out, entry->link.len, 2);
    cenv_buf_add_str(out, entry->path);
    cenv_buf_add_str(out, entry->link);
}

bool cenv_delta_format(const struct cenv_delta *delta, struct cenv_buf *out)
{
    cenv_buf_add(out, magic, MAGIC);
    add_number(out, delta->nr_frames, 4);
    add_number(out, delta->nr_others, 4);
    add_number(out, delta->nr_entries, 4);
    for (uint32_t i = 0; i < delta->nr_frames; i++) {
        add_number(out, delta->frames[i].size, 4);
        add_number(out, delta->frames[i].len, 4);
        cenv_buf_add(out, delta->frames[i].sha256, CENV_SHA256_LEN);
    }
    for (uint32_t i = 0; i < delta->nr_others; i++)
        cenv_buf_add(out, delta->others[i].raw, CENV_SHA256_LEN);
    for (uint32_t i = 0; i < delta->nr_entries; i++)
        add_entry(out, &delta->entries[i]);
    return !out->failed;
}
