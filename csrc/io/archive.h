/* SPDX-License-Identifier: BSD-3-Clause */
/* tar, bzip2 and zstd as chained byte sources; writing packages. The only user of libarchive and zstd (archive*.c). */
#ifndef CENV_IO_ARCHIVE_H
#define CENV_IO_ARCHIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"

/*
 * Where bytes come from. `read` gives the next block in *data, valid until the next call, with
 * *len 0 at the end (and from then on); 0 or a status with err set. A source is borrowed by what
 * reads from it and must outlive that. One thread at a time.
 */
struct cenv_source {
    int (*read)(void *ctx, const void **data, size_t *len, struct cenv_error *err);
    void *ctx;
};

/* Bytes in memory: `span` is consumed as it is read, and must outlive the source. */
struct cenv_source cenv_source_span(struct cenv_str *span);

/* From a file descriptor's current offset to its end, in blocks of 256 KiB. fd stays the caller's. */
struct cenv_fd_source;
int cenv_fd_source_new(struct cenv_fd_source **out, int fd, struct cenv_error *err);
void cenv_fd_source_free(struct cenv_fd_source *source);
struct cenv_source cenv_source_fd(struct cenv_fd_source *source);

/*
 * Decompression, itself a source. zstd: any number of frames, skippable ones too, windows up to
 * 2^27 (extract.md §1.1); bzip2: any number of streams. More than `max_out` bytes, a truncated or
 * damaged stream, bytes behind the end: CENV_EINTEGRITY.
 */
enum cenv_codec { CENV_CODEC_NONE, CENV_CODEC_ZSTD, CENV_CODEC_BZIP2 };
struct cenv_decoder;
int cenv_decoder_new(struct cenv_decoder **out, enum cenv_codec codec, struct cenv_source from,
                     uint64_t max_out, struct cenv_error *err);
void cenv_decoder_free(struct cenv_decoder *decoder);
struct cenv_source cenv_source_decoder(struct cenv_decoder *decoder);

/* Decompresses a whole span, appending to `out` up to its ceiling. */
int cenv_decode(enum cenv_codec codec, struct cenv_str in, struct cenv_buf *out,
                struct cenv_error *err);

/* Compresses a span into one zstd frame with content size and checksum; level as zstd's. */
int cenv_zstd_compress(struct cenv_str in, int level, struct cenv_buf *out, struct cenv_error *err);

/* The tar reader. */
enum cenv_member_type { CENV_MEMBER_FILE, CENV_MEMBER_DIR, CENV_MEMBER_SYMLINK, CENV_MEMBER_HARDLINK };

/* Spans are borrowed until the next cenv_tar_next. */
struct cenv_member {
    enum cenv_member_type type;
    struct cenv_str path; /* relative, normalised: no leading "./", no trailing "/", NUL behind */
    struct cenv_str link; /* target of a symlink as it is, of a hard link normalised like path */
    unsigned mode;        /* 0777 bits and 07000 bits as archived */
    uint64_t size;        /* of a file, else 0 */
    int64_t mtime_ns;
};

/*
 * Strict (extract.md §1.3): one reading on which GNU tar, libarchive and Python agree, or
 * CENV_EINTEGRITY. Refused: absolute names, "..", empty names, control bytes, backslashes, text
 * that is not UTF-8, components over 255 bytes; devices, fifos, volumes, multi-volume and dump
 * members, sparse files; hard links with data; global pax headers that set path, linkpath or size,
 * duplicate keys, two GNU long names in a row, extended headers over 1 MiB; bad checksums,
 * truncation, a missing end mark and anything but zeros behind it.
 */
struct cenv_tar;
int cenv_tar_open(struct cenv_tar **out, struct cenv_source from, struct cenv_error *err);
void cenv_tar_free(struct cenv_tar *tar);

/* 1 with the next member (its unread data skipped), 0 at the end of the archive, or a status. */
int cenv_tar_next(struct cenv_tar *tar, struct cenv_member *member, struct cenv_error *err);

/* 1 with the next block of the member's data, 0 at its end, or a status. */
int cenv_tar_data(struct cenv_tar *tar, const void **data, size_t *len, struct cenv_error *err);

/*
 * Writing a package. `source` names a file to read, else `bytes` are the content. Paths must be
 * relative and normalised; order is kept. Members under info/ go into the info archive of a .conda.
 */
struct cenv_pack_member {
    enum cenv_member_type type; /* of a hard link: `link` is the earlier member's path */
    const char *path;
    const char *source;
    struct cenv_str bytes;
    const char *link;
    unsigned mode;
    int64_t mtime_ns;
};

enum cenv_pack_format { CENV_PACK_CONDA, CENV_PACK_TAR_BZ2, CENV_PACK_TAR_ZST };

/*
 * Writes the archive to `path`, which must not exist (made under a temporary name and renamed).
 * `stem` is the package's "name-version-build" (.conda only). level: zstd's, or bzip2's 1-9; 0 for
 * the default (19, 9). Deterministic: the same members give the same bytes.
 */
int cenv_pack_write(const char *path, enum cenv_pack_format format, const char *stem,
                    const struct cenv_pack_member *members, size_t nr, int level,
                    struct cenv_error *err);

#endif
