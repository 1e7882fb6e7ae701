/* SPDX-License-Identifier: BSD-3-Clause */
/* Text of any kind without the secrets of the URLs in it. Every message of an error goes through
 * here, and what else quotes text that was never parsed. */
#ifndef CENV_BASE_REDACT_H
#define CENV_BASE_REDACT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/str.h"

/*
 * Puts "***" for each secret of a URL in `text`: what stands before the '@' of its host, a token
 * ("/t/TOKEN"), and its query. Passwords are found as people type them, with blanks, slashes and
 * quotes in them; where it is not sure what is a password more is taken for one, never less. A file
 * URL and a path have no secrets. What was redacted stays as it is. False when
 * the buffer failed.
 */
bool cenv_redact(struct cenv_buf *out, struct cenv_str text);

/* The same into out[size], cut off where it ends and NUL-terminated. */
void cenv_redact_into(char *out, size_t size, struct cenv_str text);

#endif
