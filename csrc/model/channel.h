/* SPDX-License-Identifier: BSD-3-Clause */
/* URLs of channels and packages: their parts, their name, and their text without secrets. */
#ifndef CENV_MODEL_CHANNEL_H
#define CENV_MODEL_CHANNEL_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"

/*
 * SCHEME://[AUTH@]HOST/[ROOT/][t/TOKEN/]LOCATION[/SUBDIR[/FILE]], without query and fragment. Spans
 * of the URL given; absent ones are empty. LOCATION is the channel's path without slashes at its
 * ends ("pkgs/main", "conda-forge/label/rc"); ROOT is only there before a token. HOST has the port;
 * that of file:// URLs is empty.
 */
struct cenv_channel_url {
    struct cenv_str scheme, auth, host, root, token, location, subdir, file;
};

/* False when `url` has no "SCHEME://"; a plain path is not a URL. */
bool cenv_channel_split(struct cenv_channel_url *out, struct cenv_str url);

/*
 * The channel's canonical name: LOCATION when `url` lies under `alias` (channel_alias, compared
 * without secrets and scheme), else the URL without subdir, file and secrets.
 */
bool cenv_channel_name(struct cenv_buf *out, struct cenv_str url,
                       struct cenv_str alias);

/* `url` without AUTH, TOKEN and slashes at its end: identity, and what may be stored. */
bool cenv_channel_strip(struct cenv_buf *out, struct cenv_str url);

#endif
