/* SPDX-License-Identifier: BSD-3-Clause */
/* conda-meta/history: that it is there makes an environment; its text is what conda reads back. */
#ifndef CENV_PREFIX_HISTORY_H
#define CENV_PREFIX_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"

/* Has conda-meta/history (CEP 32), which may be empty. */
int cenv_history_exists(int prefix_fd, struct cenv_error *err);

/* One block of conda-meta/history, as conda writes it. */
struct cenv_history_block {
    int64_t time;                 /* seconds since the epoch; printed in UTC */
    const char *cmd;              /* the command line, or NULL */
    const struct cenv_str *dists; /* "channel/subdir::name-version-build", any order */
    size_t nr_dists;
    const struct cenv_str *specs; /* requested, in the user's order */
    size_t nr_specs;
};

/* Appends the block's text. Nothing is written to disk. 0, or CENV_ENOMEM. */
int cenv_history_format(const struct cenv_history_block *block, struct cenv_buf *out,
                        struct cenv_error *err);

/*
 * Begins the history of an environment with that block, in its conda-meta `meta`, where none is:
 * created_at, then history as the very last, whose being there says that the environment is whole.
 */
int cenv_history_begin(int meta, const struct cenv_history_block *block,
                       struct cenv_error *err);

/* The history that is there goes on with that block. */
int cenv_history_continue(int meta, const struct cenv_history_block *block,
                          struct cenv_error *err);

/* Its line of the specs, as conda reads it back; nothing when there are none. */
void cenv_history_add_specs(const struct cenv_str *specs, size_t nr,
                            struct cenv_buf *out);

/* Whether `spec`, as a user wrote it, is one for the package `name`. */
bool cenv_history_spec_asks_for(struct cenv_str spec, struct cenv_str name);

#endif
