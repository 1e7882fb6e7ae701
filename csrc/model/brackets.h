/* SPDX-License-Identifier: BSD-3-Clause */
/* The `[key=value, key='value', key=[a, b]]` of a spec, cut into its pairs. */
#ifndef CENV_MODEL_BRACKETS_H
#define CENV_MODEL_BRACKETS_H

#include <stdbool.h>

#include "base/str.h"

/*
 * Finds the bracket section of a spec: `text` becomes what stands before it, *inside what is
 * between its first '[' and its last ']', *after what follows. Regular expressions keep their
 * brackets. False when there is none; *wrong is then NULL, or says what is wrong at *at.
 */
bool cenv_brackets_find(struct cenv_str *text, struct cenv_str *inside,
                        struct cenv_str *after, const char **wrong, const char **at);

struct cenv_bracket {
    struct cenv_str key;
    struct cenv_str value; /* without its quotes */
    bool has_value;        /* "[optional]" has none */
    bool is_list; /* the value stood in brackets of its own, which are taken off */
};

/*
 * Takes the next pair off *inside. Pairs are separated by commas or blanks; a quoted value ends at
 * the quote that a separator or the end follows. Returns 1, 0 at the end, -1 with *wrong and *at.
 */
int cenv_brackets_next(struct cenv_str *inside, struct cenv_bracket *out,
                       const char **wrong, const char **at);

/* The quotes to print a value in: a value that neither kind can hold (NUL) does not parse. */
char cenv_brackets_quote(struct cenv_str value);

/* Takes the next item off a list "a, 'b' , c": 1, 0 at the end, -1 when an item is empty. */
int cenv_brackets_item(struct cenv_str *list, struct cenv_str *item);

#endif
