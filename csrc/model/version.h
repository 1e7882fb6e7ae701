/* SPDX-License-Identifier: BSD-3-Clause */
/* Versions and their order (CEP 33, conda/models/version.py), as byte strings that memcmp
 * orders. */
#ifndef CENV_MODEL_VERSION_H
#define CENV_MODEL_VERSION_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"

enum { CENV_VERSION_TEXT_MAX = 4096 }; /* bytes; longer text is an error */

/*
 * Legal text: `[EPOCH!]MAIN[+LOCAL]`, letters, digits, `.`, `_` and `*`, with `-` for `_` where no
 * `_` stands; case-insensitive; numbers of any length. `key` orders versions bytewise and is
 * equal for equal versions ("1.1" and "1.1.0"): it can be compared, hashed and searched for
 * without its text. Both spans are borrowed or in the arena of the parse; a copy of the struct
 * is a version.
 */
struct cenv_version {
    struct cenv_str text; /* as given, never empty; borrowed */
    struct cenv_str key;  /* in the arena */
};

/* The versions whose key k is lo <= k < hi; an empty lo or hi is no bound on that side. */
struct cenv_version_range {
    struct cenv_str lo;
    struct cenv_str hi;
};

/*
 * Parses `text`, blanks at both ends ignored. The text is borrowed: it must outlive the version.
 * CENV_ESPEC names the text and what is wrong with it (conda's InvalidVersionSpec).
 */
int cenv_version_parse(struct cenv_version *out, struct cenv_str text,
                       struct cenv_arena *arena, struct cenv_error *err);

/* < 0, 0, > 0. A total order; 0 does not mean that the texts are equal. */
static inline int cenv_version_cmp(const struct cenv_version *a,
                                   const struct cenv_version *b)
{
    return cenv_str_cmp(a->key, b->key);
}

static inline bool cenv_version_eq(const struct cenv_version *a,
                                   const struct cenv_version *b)
{
    return cenv_str_eq(a->key, b->key);
}

/*
 * The versions that start with the version `text` ("1.2" for the spec "1.2.*"): its components are
 * theirs, and a last component that ends in letters is a prefix of theirs ("2013a" of "2013ab").
 * They are always one contiguous range of the order.
 */
int cenv_version_prefix(struct cenv_version_range *out, struct cenv_str text,
                        struct cenv_arena *arena, struct cenv_error *err);

static inline bool cenv_version_in(const struct cenv_version *v,
                                   const struct cenv_version_range *range)
{
    return cenv_str_cmp(v->key, range->lo) >= 0 &&
           (!range->hi.len || cenv_str_cmp(v->key, range->hi) < 0);
}

#endif
