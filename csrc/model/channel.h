/* SPDX-License-Identifier: BSD-3-Clause */
/* URLs of channels and packages: their parts, their name, and their text without secrets. */
#ifndef CENV_MODEL_CHANNEL_H
#define CENV_MODEL_CHANNEL_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"

/*
 * SCHEME://[AUTH@]HOST/[ROOT/][t/TOKEN/]LOCATION[/SUBDIR[/FILE]][?QUERY], without fragment. Spans
 * of the URL given; absent ones are empty. LOCATION is the channel's path without slashes at its
 * ends ("pkgs/main", "conda-forge/label/rc"); ROOT is only there before a token. HOST has the port;
 * that of file:// URLs is empty.
 */
struct cenv_channel_url {
    struct cenv_str scheme, auth, host, root, token, location, subdir, file, query;
};

/* False for what cenv_url_split does not take; a plain path is not a URL. */
bool cenv_channel_split(struct cenv_channel_url *out, struct cenv_str url);

/*
 * The canonical name of the channel at a URL or absolute path: LOCATION when it lies under `alias`
 * (channel_alias in normal form, compared without secrets and scheme), else the URL in normal form
 * without subdir, file and secrets. Any other text stays as it is.
 */
bool cenv_channel_name(struct cenv_buf *out, struct cenv_str url,
                       struct cenv_str alias);

/* Whether a login, a token or a query stands in `url`; of one that is malformed it may. */
bool cenv_channel_has_secrets(struct cenv_str url);

/*
 * Appends where the packages lie of an index in `directory` (a URL in normal form or a path): its
 * base_url seen from there, in normal form, with a slash at the end; nothing when both are empty.
 * CENV_ECHANNEL: it is no URL, has secrets, or leads from a server to files of this machine.
 */
int cenv_channel_add_base(struct cenv_buf *out, struct cenv_str directory,
                          struct cenv_str base_url, struct cenv_error *err);

#endif
