/* SPDX-License-Identifier: BSD-3-Clause */
/* Unpacking one template of an archive. */
#ifndef CENV_ARCHIVE_UNPACK_H
#define CENV_ARCHIVE_UNPACK_H

#include "archive/archive_reader.h"

/*
 * The n-th template, whose head was just read: `head` is the SHA-256 of its text. Its files name
 * the prefix `from`; where its records name packages of the store that `from` lay in, they name
 * those of the store at `store_path` then.
 */
struct cenv_unpack {
    struct cenv_archive_reader *reader;
    unsigned n;
    const char *head, *from, *store_path;
    /* Opens the prefix of the m-th template, m < n, wherever it lies by now: a descriptor, which
     * the caller closes, or a status. */
    int (*open_earlier)(void *ctx, unsigned m, struct cenv_error *err);
    void *ctx;
    /* Is set to 1 + m when the m-th has not a content that the archive had there. */
    unsigned short_of;
};

/*
 * Unpacks its members into the empty directory `dir`, and compares them with their sum. No member
 * leaves the directory, or takes the place of another. CENV_EINTEGRITY says what is wrong.
 */
int cenv_unpack_members(struct cenv_unpack *unpack, int dir);

/* Steps over them; only the head is compared with what the archive says of it. */
int cenv_unpack_nothing(const struct cenv_unpack *unpack);

#endif
