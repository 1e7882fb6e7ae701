/* SPDX-License-Identifier: BSD-3-Clause */
/* Whether the bytes around a path make it another one: "/tmp/env2", "/srv/tmp/env". Pure. */
#ifndef CENV_RELOCATE_BOUNDARY_H
#define CENV_RELOCATE_BOUNDARY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

/* Whether a path that goes up to `at` ends there, in `encoding` (enum cenv_encoding). */
bool cenv_boundary_ends(struct cenv_str data, uint64_t at, int encoding);

enum cenv_beginning {
    CENV_BEGINS_NOT, /* in the middle of "/srv/tmp/env", "$ROOT/tmp/env", "../tmp/env" */
    CENV_BEGINS_PERHAPS, /* behind bytes that could be a name's, or count its length */
    CENV_BEGINS_HERE,
    CENV_BEGINS_IN_URL, /* behind the "//" of a URL, with or without a host */
};

/* Whether a path begins at `at`, behind escapes too ("\n/tmp/env" of JSON, "%3D/tmp/env"). */
enum cenv_beginning cenv_boundary_begins(struct cenv_str data, uint64_t at,
                                         int encoding);

/* The same for a path in an escaped spelling: only a name right before it makes it another. */
bool cenv_boundary_begins_escaped(struct cenv_str data, uint64_t at);

/*
 * Whether `len` bytes from `at` on, or `units` characters, are a string whose length stands before
 * it, as pickles, msgpack, protocol buffers and records of programs have it, so that it begins and
 * ends there whatever stands around: HERE, PERHAPS when a single byte says so, or NOT.
 */
enum cenv_beginning cenv_boundary_counts(struct cenv_str data, uint64_t at,
                                         uint64_t len, uint64_t units);

#endif
