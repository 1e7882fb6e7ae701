/* SPDX-License-Identifier: BSD-3-Clause */
/* Text of URLs, whatever they name: schemes, secrets, joining, percent-encoding. */
#ifndef CENV_CODEC_URL_H
#define CENV_CODEC_URL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/str.h"

/* Length of "scheme" in "scheme://...", or 0; a plain path is no URL. */
size_t cenv_url_scheme_len(struct cenv_str url);

/* Length of the token at the start of `text`. conda takes letters, digits and '-' for one; real
 * ones have '_' and '.' as well. */
size_t cenv_url_token_len(struct cenv_str text);

/* Any text for the user's eyes: every `//user:pass@` and `/t/TOKEN` in it becomes `***`. False
 * when the buffer failed, as all that follows. */
bool cenv_url_redact(struct cenv_buf *out, struct cenv_str text);

/* `ref` seen from the directory `base` (RFC 3986: absolute, //host, /path, relative, dots). */
bool cenv_url_join(struct cenv_buf *out, struct cenv_str base, struct cenv_str ref);

/* `name` with what a URL's path cannot hold percent-encoded ('/' and '!' stay), into
 * out[cenv_url_quoted_len(name)], without a NUL. */
size_t cenv_url_quoted_len(struct cenv_str name);
void cenv_url_quote(char *out, struct cenv_str name);

/* Undoes percent-encoding; false also when it is malformed or gives a NUL. */
bool cenv_url_unquote(struct cenv_buf *out, struct cenv_str text);

#endif
