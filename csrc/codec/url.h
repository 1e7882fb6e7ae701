/* SPDX-License-Identifier: BSD-3-Clause */
/* Text of URLs, whatever they name: parts, normal form, joining, percent-encoding. */
#ifndef CENV_CODEC_URL_H
#define CENV_CODEC_URL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/str.h"

/* Length of "scheme" in "scheme://...", or 0; a plain path is no URL. */
size_t cenv_url_scheme_len(struct cenv_str url);

/*
 * SCHEME://[AUTH@]HOST[/ROOT][/t/TOKEN][/PATH][?QUERY][#FRAGMENT], spans of the URL given, absent
 * ones empty. ROOT is only there before a token; it and PATH have no slashes at their ends. HOST
 * has the port; a file URL has none, and no secrets: what comes after "file:" is a path.
 */
struct cenv_url_parts {
    struct cenv_str scheme, auth, host, root, token, path, query, fragment;
};

/*
 * False when `url` has no scheme or its host cannot be one: then it is not known where a password
 * in it ends, and none of it may be shown but the scheme. An '@' in a password is allowed, '/' is
 * not; an '@' in the path is, unless what stands before it may be a password and behind it a host.
 */
bool cenv_url_split(struct cenv_url_parts *out, struct cenv_str url);

/*
 * Appends the one normal form of a URL or absolute path, its secrets included: scheme and host in
 * lower case, no default port, no "." and "..", no slash at the end, no fragment; percent-encoded
 * what cannot stand plain, and nothing else that is unreserved (RFC 3986, 6.2.2). A path, and the
 * forms of a file URL ("file:/x", "file://localhost/x"), become "file:///x", where nothing but
 * what must is encoded. False, and nothing appended, when it or its form cannot be split, or it
 * names a byte 0; when `out` failed, which the caller asks, the text is not whole.
 */
bool cenv_url_normalize(struct cenv_buf *out, struct cenv_str text);

/* Appends the normal form without AUTH, TOKEN and QUERY; of what has a scheme but no normal form
 * the scheme and "***", and of what is no URL the text. False when the buffer failed, as all that
 * follows. */
bool cenv_url_clean(struct cenv_buf *out, struct cenv_str url);

/* `ref` seen from the directory `base` (RFC 3986: absolute, //host, /path, relative, dots). */
bool cenv_url_join(struct cenv_buf *out, struct cenv_str base, struct cenv_str ref);

/* `name` with what a URL's path cannot hold percent-encoded ('/' and '!' stay), into
 * out[cenv_url_quoted_len(name)], without a NUL. */
size_t cenv_url_quoted_len(struct cenv_str name);
void cenv_url_quote(char *out, struct cenv_str name);

/* Undoes percent-encoding; false also when it is malformed or gives a NUL. */
bool cenv_url_unquote(struct cenv_buf *out, struct cenv_str text);

#endif
