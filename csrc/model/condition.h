/* SPDX-License-Identifier: BSD-3-Clause */
/* The condition of a conditional dependency (CEP 43): the value of a MatchSpec's key `when`. */
#ifndef CENV_MODEL_CONDITION_H
#define CENV_MODEL_CONDITION_H

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "model/matchspec.h"

/*
 * either: both (" or " both)*
 * both:   part (" and " part)*
 * part:   "(" either ")" | MatchSpec
 *
 * A spec reaches up to the next ")", or to the next word "and" or "or" with a blank, a bracket
 * or an end at both of its sides.
 */
enum cenv_condition_kind {
    CENV_CONDITION_SPEC, /* `spec` is met */
    CENV_CONDITION_AND,  /* all parts hold */
    CENV_CONDITION_OR,   /* one of the parts holds */
};

/* Parts are a list from `first` along `next`; AND and OR have two or more. */
struct cenv_condition {
    enum cenv_condition_kind kind;
    struct cenv_matchspec spec;
    struct cenv_condition *first, *next;
};

/* Brackets in brackets go no deeper, so that a walk over the parts may be recursive. */
enum { CENV_CONDITION_MAX_NESTING = 16 };

/*
 * Parses a condition into `arena`; `text` is borrowed and must outlive *out. CENV_ESPEC quotes the
 * condition and says what is wrong, or is the message of the spec in it that is malformed or
 * does not name one package. CENV_ENOMEM.
 */
int cenv_condition_parse(const struct cenv_condition **out, struct cenv_str text,
                         struct cenv_arena *arena, struct cenv_error *err);

#endif
