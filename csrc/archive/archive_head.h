/* SPDX-License-Identifier: BSD-3-Clause */
/* What an archive says of a template before its members, and whether it can be believed. */
#ifndef CENV_ARCHIVE_ARCHIVE_HEAD_H
#define CENV_ARCHIVE_ARCHIVE_HEAD_H

#include "archive/archive_reader.h"
#include "base/arena.h"
#include "solve/request.h"

struct cenv_archive_head {
    struct cenv_json *json;
    /* template.json of its first store, the id, and the prefix its files name: in `json`. */
    const struct cenv_json *doc;
    const char *id, *from;
    char sha256[CENV_DIGEST_HEX_MAX]; /* of its text */
};

/*
 * Reads the head of the n-th template, which is the member in hand: its id is that of its records,
 * whose URLs have no secrets (of specs and channels they are cut), and the machine, of which the
 * virtual packages count, has what they need. CENV_EINTEGRITY or CENV_EPREFIX otherwise. `arena` is
 * for parsing. Release it after a failure too.
 */
int cenv_archive_head_read(struct cenv_archive_head *head,
                           struct cenv_archive_reader *reader, unsigned n,
                           const struct cenv_request *machine,
                           struct cenv_arena *arena);

/*
 * The same of a text, which is that of a template in one of the formats `first` to `last`; `what`
 * names it in messages. Without a `machine` its needs are not looked at.
 */
int cenv_archive_head_parse(struct cenv_archive_head *head, struct cenv_str text,
                            const char *what, int first, int last,
                            const struct cenv_request *machine,
                            struct cenv_arena *arena, struct cenv_error *err);
void cenv_archive_head_release(struct cenv_archive_head *head);

#endif
