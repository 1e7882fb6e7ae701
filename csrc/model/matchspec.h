/* SPDX-License-Identifier: BSD-3-Clause */
/* MatchSpec: what a user asks for and what a record depends on (CEP 29, conda's MatchSpec). */
#ifndef CENV_MODEL_MATCHSPEC_H
#define CENV_MODEL_MATCHSPEC_H

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "model/spec.h"

/*
 * Parses any spec that conda accepts, and CEP 29's:
 *
 *     [channel[/subdir]:[namespace]:]name[ version[ build]][key=value,...]
 *
 * with `=` or blanks between name, version and build ("numpy=1.8" is 1.8.*, "numpy 1.8" and
 * "numpy=1.8=py27_0" are exactly 1.8), a "# comment" or "(optional)" at its end (ignored), a
 * package's file or URL with "#digest" or without, "feature@". A key overrides what stands
 * outside, but for name. `text` is borrowed and must outlive the spec. The message of CENV_ESPEC
 * quotes the spec without secrets, says what is wrong and at which column (1-based).
 */
int cenv_matchspec_parse(struct cenv_matchspec *out, struct cenv_str text,
                         struct cenv_arena *arena, struct cenv_error *err);

/* The name a dependency string names, without parsing the rest: a borrowed span as written (not
 * lower-cased), or empty when only a full parse can tell (brackets, channels, URLs). */
struct cenv_str cenv_matchspec_name(struct cenv_str text);

#endif
