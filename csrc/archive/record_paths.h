/* SPDX-License-Identifier: BSD-3-Clause */
/* Records of conda-meta tell where the packages lay: below the store that the template lay in. */
#ifndef CENV_ARCHIVE_RECORD_PATHS_H
#define CENV_ARCHIVE_RECORD_PATHS_H

#include "base/buf.h"
#include "base/error.h"
#include "base/task.h"

/* From one store to another: `from` is the prefix of a template, <store>/templates/<id>/prefix. */
struct cenv_record_paths {
    const char *from, *store_path;
};

/* Whether it is a record's path in a prefix. */
bool cenv_record_paths_is_record(struct cenv_str path);

/* Appends the text of a record as one installed from the other store has it. False: see `out`. */
bool cenv_record_paths_replace(const struct cenv_record_paths *paths,
                               struct cenv_str text, struct cenv_buf *out);

/* Writes the records of the prefix open as `dir` so, in their places. */
int cenv_record_paths_move(const struct cenv_record_paths *paths, int dir,
                           struct cenv_task *task, struct cenv_error *err);

#endif
