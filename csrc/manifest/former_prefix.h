/* SPDX-License-Identifier: BSD-3-Clause */
/* Where an environment was before it was moved or copied (mv, cp -a): its files go on naming it. */
#ifndef CENV_MANIFEST_FORMER_PREFIX_H
#define CENV_MANIFEST_FORMER_PREFIX_H

#include "base/buf.h"
#include "base/error.h"
#include "base/task.h"
#include "prefix/prefix_records.h"
#include "relocate/prefix_names.h"

/*
 * Appends the prefix that the files of the environment open on `root` name instead of its own
 * `names`, or nothing. Evidence is what installers write: the interpreters of scripts that records
 * call rewritten, of which more have to name it than the environment itself; the prefixes of the
 * commands in its history, when a rewritten file has one; what a venv calls itself. 0 or a status.
 */
int cenv_former_prefix_find(const struct cenv_prefix_records *records, int root,
                            const struct cenv_prefix_names *names,
                            struct cenv_task *task, struct cenv_buf *out,
                            struct cenv_error *err);

#endif
