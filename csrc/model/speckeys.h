/* SPDX-License-Identifier: BSD-3-Clause */
/* The keys of MatchSpecs, in brackets or set by what stands outside of them. */
#ifndef CENV_MODEL_SPECKEYS_H
#define CENV_MODEL_SPECKEYS_H

#include "base/str.h"
#include "model/brackets.h"
#include "model/specparser.h"

/* As all here: 0, CENV_ESPEC with the place in the spec, or CENV_ENOMEM. */

/* Reads the pairs between the brackets. */
int cenv_speckeys_parse(struct cenv_specparser *p, struct cenv_str inside);

/* "conda-forge", "conda-forge/linux-64", a URL. */
int cenv_speckeys_set_channel(struct cenv_specparser *p, struct cenv_str text);

/* The URL of a package; what is kept of it has no secrets. */
int cenv_speckeys_set_url(struct cenv_specparser *p, struct cenv_str url);

int cenv_speckeys_set_track_features(struct cenv_specparser *p,
                                     const struct cenv_bracket *pair);
int cenv_speckeys_set_md5(struct cenv_specparser *p, const struct cenv_bracket *pair);
int cenv_speckeys_set_sha256(struct cenv_specparser *p,
                             const struct cenv_bracket *pair);
int cenv_speckeys_set_optional(struct cenv_specparser *p,
                               const struct cenv_bracket *pair);

#endif
