/* SPDX-License-Identifier: BSD-3-Clause */
/* Version constraints: ">=1.8,<2|==1.7.*" and what versions they match (CEP 29, conda's
 * VersionSpec). */
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
 * >= < > = ~=`, bare versions, `X.*`, globs, `^regex$`; blanks do not count. `==X.*` is `X.*`, as
 * in CEP 29 and in what conda does for records. CENV_ESPEC quotes the leaf and says what is wrong;
 * `*column` (may be NULL) is then the 0-based byte of `text` where the trouble starts.
 */
int cenv_versionspec_parse(struct cenv_versionspec *out, struct cenv_str text,
                           struct cenv_arena *arena, size_t *column,
                           struct cenv_error *err);

bool cenv_versionspec_match(const struct cenv_versionspec *spec,
                            const struct cenv_version *v);

/*
 * True when what matches is exactly one range of the order (almost every spec that channels have):
 * in sorted candidates, one run. For a spec that matches everything both ends are empty.
 */
bool cenv_versionspec_range(const struct cenv_versionspec *spec,
                            struct cenv_version_range *out);

/* What single leaf a spec is, for callers that print it; OTHER for everything else. */
enum cenv_versionspec_form {
    CENV_VERSIONSPEC_ANY,   /* none, "*" */
    CENV_VERSIONSPEC_EXACT, /* "1.8", "==1.8": `literal` is 1.8 */
    CENV_VERSIONSPEC_FUZZY, /* "1.8.*", "=1.8", "==1.8.*": `literal` is 1.8 */
    CENV_VERSIONSPEC_OTHER,
};
enum cenv_versionspec_form cenv_versionspec_form(const struct cenv_versionspec *spec,
                                                 struct cenv_str *literal);

/*
 * Appends the canonical text, "*" for a spec that matches everything. conda's leaves out all
 * parentheses ("1.5|1.6|1.7,1.8" for "(1.5|1.6|1.7),1.8"); `parens` keeps those that the meaning
 * needs, and the text then parses to the same spec again.
 */
void cenv_versionspec_print(const struct cenv_versionspec *spec, bool parens,
                            struct cenv_buf *out);

#endif
