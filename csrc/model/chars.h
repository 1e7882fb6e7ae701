/* SPDX-License-Identifier: BSD-3-Clause */
/* Classes of characters in specs and versions: one table, one look per character. */
#ifndef CENV_MODEL_CHARS_H
#define CENV_MODEL_CHARS_H

#include <stdbool.h>
#include <stdint.h>

enum {
    CENV_CHAR_BLANK = 1 << 0,   /* space, \t \n \v \f \r */
    CENV_CHAR_CONTROL = 1 << 1, /* all others below space, and DEL */
    CENV_CHAR_DIGIT = 1 << 2,
    CENV_CHAR_UPPER = 1 << 3,
    CENV_CHAR_LOWER = 1 << 4,
    /* . _ - + ! *: what versions hold besides letters and digits */
    CENV_CHAR_VERSION = 1 << 5,
    CENV_CHAR_NAME = 1 << 6, /* . _ -: what names hold besides them */
    CENV_CHAR_OP = 1 << 7,   /* = ! < > ~ */
    CENV_CHAR_JOIN = 1 << 8, /* ( ) | , */
    /* # @ [ ( : of specs that are more than name, version, build */
    CENV_CHAR_RARE = 1 << 9,
    CENV_CHAR_ALNUM = CENV_CHAR_DIGIT | CENV_CHAR_UPPER | CENV_CHAR_LOWER,
};

extern const uint16_t cenv_char_classes[256];

/* Whether `c` is in one of the classes. */
static inline bool cenv_char_is(char c, unsigned classes)
{
    return cenv_char_classes[(unsigned char)c] & classes;
}

#endif
