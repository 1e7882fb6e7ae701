/* SPDX-License-Identifier: BSD-3-Clause */
/* The channel of a spec ("conda-forge::x", "https://host/ch/linux-64::x") and what matches it. */
#ifndef CENV_MODEL_CHANNELMATCH_H
#define CENV_MODEL_CHANNELMATCH_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "model/strmatch.h"

enum cenv_channelmatch_kind {
    CENV_CHANNELMATCH_ANY,     /* absent or "*" */
    CENV_CHANNELMATCH_NAME,    /* "conda-forge", "pkgs/main", "conda-forge/label/rc" */
    CENV_CHANNELMATCH_URL,     /* of a channel that is not under conda.anaconda.org */
    CENV_CHANNELMATCH_PATTERN, /* glob or regular expression over canonical names */
};

/* Zero-initialised it matches everything. Immutable: any number of threads. */
struct cenv_channelmatch {
    enum cenv_channelmatch_kind kind;
    /* The canonical name, or the URL without subdir, secrets and last slash. */
    struct cenv_str text;
    struct cenv_str url; /* such a URL, where one or a path was given; or empty */
    struct cenv_strmatch pattern; /* for CENV_CHANNELMATCH_PATTERN */
};

/*
 * `text` is a name, a URL or an absolute path; a known subdir at its end goes to *subdir, which is
 * untouched when there is none. A URL under conda.anaconda.org is the same as its name.
 */
int cenv_channelmatch_parse(struct cenv_channelmatch *out, struct cenv_str *subdir,
                            struct cenv_str text, struct cenv_arena *arena,
                            struct cenv_error *err);

/*
 * `name` and `url` are a record's canonical channel name and its URL without subdir and secrets.
 * A name matches the channel of that name on any host (a mirror), and "defaults" its members; a URL
 * matches the same host and path, whatever the scheme, and never a name alone.
 */
bool cenv_channelmatch_test(const struct cenv_channelmatch *matcher,
                            struct cenv_str name, struct cenv_str url);

/* The channel of a record is called `want`: its canonical name, of a directory the last part of its
 * path, of a channel on a host its path there. */
bool cenv_channelmatch_is_called(struct cenv_str want, struct cenv_str name,
                                 struct cenv_str url);

/* Host and path of a URL, without slashes at the end; of any other text the text. */
struct cenv_str cenv_channelmatch_place(struct cenv_str url);

#endif
