/* SPDX-License-Identifier: BSD-3-Clause */
/* Whether a package satisfies a MatchSpec. */
#ifndef CENV_MODEL_MATCHSPEC_MATCH_H
#define CENV_MODEL_MATCHSPEC_MATCH_H

#include <stdbool.h>

#include "base/str.h"
#include "model/matchspec.h"
#include "model/record.h"
#include "model/version.h"

/* The record satisfies every field given. A record without a valid version satisfies only specs
 * without a version. */
bool cenv_matchspec_match(const struct cenv_matchspec *spec,
                          const struct cenv_record *record);

/* The same for what has only name, version and build, such as a virtual package; a spec that asks
 * for more does not match. `version` may be NULL: not valid. */
bool cenv_matchspec_match_nvb(const struct cenv_matchspec *spec, struct cenv_str name,
                              const struct cenv_version *version,
                              struct cenv_str build);

#endif
