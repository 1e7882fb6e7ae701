/* SPDX-License-Identifier: BSD-3-Clause */
/* The outer ZIP of .conda: a strict reader of stored members, front to back, and its writer. */
#ifndef CENV_CODEC_ZIP_H
#define CENV_CODEC_ZIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/crc32.h"
#include "base/error.h"
#include "base/str.h"
#include "codec/stream.h"

/* More members than any package has; a bound for what is kept. */
enum { CENV_ZIP_MAX = 32 };

struct cenv_zip_member {
    char name[256];  /* one component, NUL-terminated; at most 255 bytes */
    uint64_t size;   /* uncompressed; of a stored one also of its data */
    uint64_t packed; /* of its data */
    uint64_t offset; /* of its local header */
    uint32_t crc;
    /* Its data is not what was put in, nor is its CRC checked: only to be read past. */
    bool deflated;
};

/*
 * Reads local headers in order; the central directory behind them must describe exactly the same
 * members, and nothing may lie before, between or behind (docs/design/extract.md 1.4).
 * CENV_EINTEGRITY for: compression (but for deflated members not called .zst, which some writers
 * make of metadata.json), encryption, sizes missing or contradictory,
 * ZIP64 fields without need or malformed (those that conda-build writes for small members are
 * fine), unicode-path extras, comments, equal names, names with directories, wrong CRC. The input
 * may come from a pipe. Content seen before the end is not yet vouched for.
 */
struct cenv_zip;
int cenv_zip_open(struct cenv_zip **out, struct cenv_input from,
                  struct cenv_error *err);
void cenv_zip_free(struct cenv_zip *zip); /* NULL is fine */

/*
 * Members whose sizes stand behind their data (data descriptors, as one writes to a pipe) are
 * refused, unless the directory at the file's end can be asked: `find` sets size and CRC of the
 * member whose local header is at `offset`, or fails. What it says is checked like all else.
 */
typedef int (*cenv_zip_find_fn)(void *ctx, uint64_t offset, uint64_t *size,
                                uint32_t *crc, struct cenv_error *err);
void cenv_zip_ask_directory(struct cenv_zip *zip, cenv_zip_find_fn find, void *ctx);

/* The most bytes that directory and end of a file with descriptors take, whole ones read. */
enum { CENV_ZIP_DIRECTORY_MAX = 1 << 16 };

/*
 * For `find`: looks `offset` up in the last bytes of a file of `file_size` bytes, which are the
 * whole file or CENV_ZIP_DIRECTORY_MAX of them. False when they do not tell.
 */
bool cenv_zip_find_member(struct cenv_str end, uint64_t file_size, uint64_t offset,
                          uint64_t *size, uint32_t *crc);

/*
 * 1 with the next member (the rest of the last one is read past, its CRC checked), borrowed until
 * free; 0 when the whole file has been read and found right; or a status.
 */
int cenv_zip_next(struct cenv_zip *zip, const struct cenv_zip_member **member,
                  struct cenv_error *err);

/* The current member's data. */
struct cenv_input cenv_zip_input(struct cenv_zip *zip);

/* Writing: `member` with name, size, crc and offset known; then the directory of all. */
int cenv_zip_put_local(const struct cenv_zip_member *member, struct cenv_output to,
                       struct cenv_error *err);
int cenv_zip_put_directory(const struct cenv_zip_member *members, size_t nr,
                           struct cenv_output to, struct cenv_error *err);
/* Bytes of a member's local header. */
size_t cenv_zip_local_len(const struct cenv_zip_member *member);

#endif
