/* SPDX-License-Identifier: BSD-3-Clause */
/* A strict tar reader: one reading on which all tools agree, or none. */
#ifndef CENV_CODEC_TAR_H
#define CENV_CODEC_TAR_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"
#include "codec/stream.h"

enum cenv_member_type {
    CENV_MEMBER_FILE,
    CENV_MEMBER_DIR,
    CENV_MEMBER_SYMLINK,
    CENV_MEMBER_HARDLINK
};

/* Spans are borrowed until the next cenv_tar_next, with a NUL behind. */
struct cenv_member {
    enum cenv_member_type type;
    /* Relative and normalised: no "./" in front, no "/" at the end. */
    struct cenv_str path;
    /* The target of a symlink as it is, of a hard link normalised like `path`. */
    struct cenv_str link;
    unsigned mode; /* permission bits as archived, 07777 */
    uint64_t size; /* of a file, else 0 */
    /* With pax fractions; clamped to 1970..2106, as readers of 32 bits see it. */
    int64_t mtime_ns;
};

/*
 * Why not libarchive's: that rewrites pax names to the process's locale and to Unicode's composed
 * form, so that two members can become one; it passes over global pax headers that GNU tar and
 * Python obey, takes the first of two equal keys where they take the last, and does not tell
 * multi-volume and dump members from files. What readers disagree about is refused here with
 * CENV_EINTEGRITY (docs/design/extract.md 1.3): absolute names, "..", control bytes, backslashes,
 * names that are not UTF-8, components over 255 bytes; devices, fifos, volumes, sparse files; links
 * with data; global pax headers that describe members; a pax key twice, pax beside GNU long names;
 * extended headers over 1 MiB; bad checksums, truncation, a missing end mark, and anything but
 * zeros behind it.
 */
struct cenv_tar;
int cenv_tar_open(struct cenv_tar **out, struct cenv_input from,
                  struct cenv_error *err);
void cenv_tar_free(struct cenv_tar *tar); /* NULL is fine */

/*
 * 1 with the next member (unread data of the last one is skipped), 0 at the end of the archive, or
 * a status. The root itself ("./") is not reported.
 */
int cenv_tar_next(struct cenv_tar *tar, struct cenv_member *member,
                  struct cenv_error *err);

/* 1 with the next block of the member's data, 0 at its end, or a status. */
int cenv_tar_data(struct cenv_tar *tar, const void **data, size_t *len,
                  struct cenv_error *err);

#endif
