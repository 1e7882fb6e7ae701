/* SPDX-License-Identifier: BSD-3-Clause */
/* The same file for another prefix: its sites replaced, all else as it stands. Pure, any thread. */
#ifndef CENV_RELOCATE_SPLICE_H
#define CENV_RELOCATE_SPLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"
#include "base/task.h"
#include "relocate/sites.h"

/* CENV_EPREFIX when a binary slot is too short for the prefix, or a FIXED one not as long. */
int cenv_splice_check_room(const struct cenv_sites *sites,
                           const struct cenv_forms *forms, struct cenv_error *err);

/*
 * Appends the file for the prefix. CENV_EPREFIX as cenv_splice_check_room, CENV_EINTEGRITY when the
 * sites do not fit the data, CENV_ECANCELLED, CENV_ENOMEM; then `out` is untouched.
 */
int cenv_splice_apply(const struct cenv_sites *sites, struct cenv_str data,
                      const struct cenv_forms *forms, struct cenv_task *task,
                      struct cenv_buf *out, struct cenv_error *err);

/* The size of that file, from the size of the file at hand. */
uint64_t cenv_splice_size(const struct cenv_sites *sites,
                          const struct cenv_forms *forms, uint64_t size);

/* Makes the sites describe the file that the splice gives for `forms`. 0, or CENV_ENOMEM. */
int cenv_splice_rebase(struct cenv_sites *sites, const struct cenv_forms *forms,
                       struct cenv_error *err);

/*
 * The splice piece by piece, for callers that stream: a piece is either bytes (`data`) or a range
 * of the file at hand (`data` NULL). That all fits must have been checked (cenv_splice_check_room).
 */
struct cenv_piece {
    const char *data; /* valid until the next call, or NULL */
    uint64_t from, len;
};

/* The text for a FIELD site; valid until the next call. */
typedef struct cenv_str (*cenv_field_fn)(void *ctx, const struct cenv_site *site);

struct cenv_splice {
    const struct cenv_sites *sites;
    const struct cenv_forms *forms;
    uint64_t size, pos; /* of the file at hand */
    uint64_t pad;       /* zeros to write now */
    uint64_t room;      /* zeros that the string at hand is to end with */
    uint64_t skip;      /* zeros that it ends with in the file at hand */
    size_t next;
    bool started, in_string;
    cenv_field_fn field; /* set after init when there are FIELD sites */
    void *field_ctx;
    struct cenv_buf line;
};

void cenv_splice_init(struct cenv_splice *splice, const struct cenv_sites *sites,
                      const struct cenv_forms *forms, uint64_t size);
/* 1 and a piece, 0 at the end, CENV_ENOMEM (no error is set: there is nothing to name). */
int cenv_splice_next(struct cenv_splice *splice, struct cenv_piece *piece);
void cenv_splice_release(struct cenv_splice *splice);

#endif
