/* SPDX-License-Identifier: BSD-3-Clause */
/* A delta: what a template has and its packages, linked, have not. Its format, and its reader. */
#ifndef CENV_ARCHIVE_DELTA_H
#define CENV_ARCHIVE_DELTA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/error.h"
#include "base/str.h"
#include "base/task.h"

/*
 * One file: zstd frames, whose contents stand one behind the other, then a zstd frame with the
 * table of contents. A file's content lies within one frame, or begins and ends with frames. Who
 * refers to a delta says how long it is, how long that last frame is, and the SHA-256 of both.
 * The table, numbers with the least significant byte first:
 *
 *     "cenvdlt1"   u32 frames   u32 others   u32 entries
 *     frames:  u32 compressed size, u32 size of the content, 32 bytes SHA-256 of it compressed
 *     others:  32 bytes SHA-256 of another delta, whose contents are used too
 *     entries: u8 type, u16 mode, i64 mtime (ns), u64 size, u32 which delta (0: this one, else
 *              1 + the position in others), u64 where in its contents, u16 length of the path,
 *              u16 length of the link, the path, the link
 *
 * Entries are in the order in which they are made: a directory before what is in it.
 */
enum {
    CENV_DELTA_FRAME = 2 << 20, /* bytes of content, at most */
    CENV_DELTA_MODE = 0777,
    CENV_DELTA_ENTRY = 35, /* bytes of one, but for its texts */
};

enum cenv_delta_type {
    CENV_DELTA_REMOVED, /* the packages have it, the template has not: with all below */
    CENV_DELTA_DIR,
    CENV_DELTA_FILE,
    CENV_DELTA_SYMLINK, /* `link` is its target */
    CENV_DELTA_PEER,    /* a hard link to the file `link`, which lies there already */
    CENV_DELTA_FACTS,   /* the packages' file, with another mode or time */
    CENV_DELTA_NR_TYPES,
};

struct cenv_delta_entry {
    enum cenv_delta_type type;
    uint32_t mode; /* CENV_DELTA_MODE; of DIR 01777 */
    int64_t mtime_ns;
    uint64_t size, at; /* FILE: of its content, in the contents */
    uint32_t which;    /* FILE: 0 this delta's contents, else 1 + index of `others` */
    struct cenv_str path, link; /* NUL behind */
};

struct cenv_delta_frame {
    uint32_t size, len; /* compressed, and of its content */
    unsigned char sha256[CENV_SHA256_LEN];
    uint64_t at, from; /* in the delta, and in the contents; not in the table */
};

struct cenv_delta_hash {
    unsigned char raw[CENV_SHA256_LEN];
};

/* What a table of contents says. Spans are borrowed from its text, which it owns. */
struct cenv_delta {
    uint64_t content; /* bytes, of all frames */
    struct cenv_delta_frame *frames;
    struct cenv_delta_hash *others;
    struct cenv_delta_entry *entries;
    uint32_t nr_frames, nr_others, nr_entries;
    char *text;
};

/* Where a delta lies, and what is said of it where it is referred to. */
struct cenv_delta_place {
    int fd; /* borrowed */
    uint64_t at, size;
    uint64_t whole; /* of all that came with it: what it may make is bounded by that */
    uint64_t toc;   /* bytes of its last frame */
    char toc_sha256[CENV_DIGEST_HEX_MAX];
};

/*
 * Reads the table of contents. Nothing in it leaves the prefix or lies beyond the contents, and
 * what it makes is bounded by `whole` (docs/limits.md): CENV_EINTEGRITY otherwise.
 * Release it after a failure too.
 */
int cenv_delta_open(struct cenv_delta *delta, const struct cenv_delta_place *place,
                    struct cenv_task *task, struct cenv_error *err);
void cenv_delta_release(struct cenv_delta *delta);

/* Keeps the frames alone, for the contents that another delta has of it. */
void cenv_delta_keep_contents(struct cenv_delta *delta);

/* The same of a table that is in memory; `text` is taken over. */
int cenv_delta_parse(struct cenv_delta *delta, struct cenv_buf *text,
                     const struct cenv_delta_place *place, struct cenv_error *err);

/*
 * The frames of the content of `size` bytes at `at`: the first, and how many. CENV_EINTEGRITY: it
 * is not there, or lies across frames. An empty content has none.
 */
int cenv_delta_find_frames(const struct cenv_delta *delta, uint64_t at, uint64_t size,
                           uint32_t *first, uint32_t *nr, struct cenv_error *err);

/*
 * The content of the n-th frame into `out`, which is cleared; its digest is compared. Any number of
 * threads at once, each with a buffer of its own, whose ceiling is CENV_DELTA_FRAME.
 */
int cenv_delta_read_frame(const struct cenv_delta *delta,
                          const struct cenv_delta_place *place, uint32_t n,
                          struct cenv_buf *out, struct cenv_error *err);

/* Appends the table as it is in the file, uncompressed. False: out of memory. */
bool cenv_delta_format(const struct cenv_delta *delta, struct cenv_buf *out);

/* CENV_EINTEGRITY: what is wrong with it. */
int cenv_delta_refuse(struct cenv_error *err, const char *why);
/* The same of one of its entries, whose path is shown in part and quoted. */
int cenv_delta_refuse_path(struct cenv_error *err, struct cenv_str path,
                           const char *why);

#endif
