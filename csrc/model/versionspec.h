/* SPDX-License-Identifier: BSD-3-Clause */
/* Version constraints: ">=1.8,<2|==1.7.*" and what versions they match (CEP 29, conda's VersionSpec). */
#ifndef CENV_MODEL_VERSIONSPEC_H
#define CENV_MODEL_VERSIONSPEC_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"
#include "model/version.h"

struct cenv_verterm; /* one leaf or operator of the expression */

/*
 * A parsed constraint; all it points to lives in the arena of the parse (and, like a version, it
 * borrows the text). Zero-initialised it matches everything. Immutable: any number of threads.
 */
struct cenv_versionspec {
    struct cenv_str text;            /* as given, "" for none */
    const struct cenv_verterm *root; /* NULL: matches everything */
};

/*
 * Parses the grammar of conda: `,` and binds tighter than `|` or, parentheses, leaves `== != <=
 * >= < > = ~=`, bare versions, `X.*`, globs, `^regex$`. On CENV_ESPEC `*column` (may be NULL) is
 * the 0-based byte of `text` where the trouble starts.
 */
int cenv_versionspec_parse(struct cenv_versionspec *out, struct cenv_str text,
                           struct cenv_arena *arena, size_t *column, struct cenv_error *err);

bool cenv_versionspec_match(const struct cenv_versionspec *spec, const struct cenv_version *v);

/* True when one version alone can match ("==1.8", "1.8"), whatever ways there are to write it. */
bool cenv_versionspec_is_exact(const struct cenv_versionspec *spec);

/* Appends the canonical text ("1.5|1.6|1.7,1.8"); "*" for a spec that matches everything. */
void cenv_versionspec_print(const struct cenv_versionspec *spec, struct cenv_buf *out);

#endif
