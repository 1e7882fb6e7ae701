/* SPDX-License-Identifier: BSD-3-Clause */
/* Text that a terminal shows as it stands. Every message of an error goes through here. */
#ifndef CENV_BASE_PRINTABLE_H
#define CENV_BASE_PRINTABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

/*
 * Puts "\x1b" and the like for what a terminal obeys or shows in another order than it stands: the
 * controls C0 but for tabs, DEL and C1, and Unicode's line and bidirectional controls; line breaks
 * too, unless `lines`. Bytes that are no UTF-8 stay. Into out[size], cut off where it ends and
 * NUL-terminated.
 */
void cenv_printable_into(char *out, size_t size, struct cenv_str text, bool lines);

#endif
