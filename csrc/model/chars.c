/* SPDX-License-Identifier: BSD-3-Clause */
/* Classes of characters: see chars.h. */
#include "model/chars.h"

const uint16_t cenv_char_classes[256] = {
    [0 ... '\t' - 1] = CENV_CHAR_CONTROL,
    ['\t' ... '\r'] = CENV_CHAR_BLANK,
    ['\r' + 1 ... ' ' - 1] = CENV_CHAR_CONTROL,
    [' '] = CENV_CHAR_BLANK,
    [0x7f] = CENV_CHAR_CONTROL,
    ['0' ... '9'] = CENV_CHAR_DIGIT,
    ['A' ... 'Z'] = CENV_CHAR_UPPER,
    ['a' ... 'z'] = CENV_CHAR_LOWER,
    ['.'] = CENV_CHAR_VERSION | CENV_CHAR_NAME,
    ['_'] = CENV_CHAR_VERSION | CENV_CHAR_NAME,
    ['-'] = CENV_CHAR_VERSION | CENV_CHAR_NAME,
    ['+'] = CENV_CHAR_VERSION,
    ['*'] = CENV_CHAR_VERSION,
    ['!'] = CENV_CHAR_VERSION | CENV_CHAR_OP,
    ['='] = CENV_CHAR_OP,
    ['<'] = CENV_CHAR_OP,
    ['>'] = CENV_CHAR_OP,
    ['~'] = CENV_CHAR_OP,
    ['('] = CENV_CHAR_JOIN | CENV_CHAR_RARE,
    [')'] = CENV_CHAR_JOIN,
    ['|'] = CENV_CHAR_JOIN,
    [','] = CENV_CHAR_JOIN,
    ['#'] = CENV_CHAR_RARE,
    ['@'] = CENV_CHAR_RARE,
    ['['] = CENV_CHAR_RARE,
    [':'] = CENV_CHAR_RARE,
};
