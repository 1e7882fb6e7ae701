/* SPDX-License-Identifier: BSD-3-Clause */
/* Bytes as hexadecimal digits, and back. */
#ifndef CENV_BASE_HEX_H
#define CENV_BASE_HEX_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

/* Lower-case digits of `len` bytes into hex[2 * len + 1], with a NUL. */
void cenv_hex(const unsigned char *raw, size_t len, char *hex);

/* False, `raw` undefined, unless `text` is 2 * len digits of either case. */
bool cenv_unhex(struct cenv_str text, unsigned char *raw, size_t len);

/* 0 to 15 of one digit of either case, else -1. */
int cenv_hex_value(char c);

#endif
