/* SPDX-License-Identifier: BSD-3-Clause */
/* URLs with secrets: they are one type, whose only text is without them. */
#ifndef CENV_CODEC_SECRET_URL_H
#define CENV_CODEC_SECRET_URL_H

#include <stdbool.h>

#include "base/error.h"
#include "base/str.h"

/*
 * A URL in normal form. What a server is to be sent (a login, a token, a query) is kept apart from
 * its text, and csrc/net alone takes it out. Immutable; the owner frees it.
 */
struct cenv_secret_url;

/*
 * Of a URL or absolute path, with the secrets that stand in it. CENV_ECHANNEL: it is malformed (the
 * message does not show it). The others below make a new one as well; `*out` is set on success.
 */
int cenv_secret_url_new(struct cenv_secret_url **out, struct cenv_str text,
                        struct cenv_error *err);

/* What lies at the relative, normal `path` below the directory `url`, with the secrets of that. */
int cenv_secret_url_child(struct cenv_secret_url **out,
                          const struct cenv_secret_url *url, struct cenv_str path,
                          struct cenv_error *err);

/*
 * `ref` seen from the directory `url`. The secrets go along while it leads to the same scheme, host
 * and port, a token only where it stands in `ref` or the path goes on from that of `url`.
 */
int cenv_secret_url_join(struct cenv_secret_url **out,
                         const struct cenv_secret_url *url, struct cenv_str ref,
                         struct cenv_error *err);

/*
 * The same place, with its secrets, under another scheme, with `head` before its path, on `host`
 * (NULL: its own).
 */
int cenv_secret_url_move(struct cenv_secret_url **out,
                         const struct cenv_secret_url *url, const char *scheme,
                         const char *host, const char *head, struct cenv_error *err);

void cenv_secret_url_free(struct cenv_secret_url *url); /* NULL is fine */

/* Without secrets: for files, messages, keys and comparisons. Ends in a NUL; borrowed. */
struct cenv_str cenv_secret_url_text(const struct cenv_secret_url *url);

bool cenv_secret_url_has_secrets(const struct cenv_secret_url *url);

/* What the server is asked. For csrc/net alone: nothing else may see it. */
const char *cenv_secret_url_for_request(const struct cenv_secret_url *url);

#endif
