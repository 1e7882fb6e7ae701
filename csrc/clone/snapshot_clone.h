/* SPDX-License-Identifier: BSD-3-Clause */
/* Mode snapshot: clones that are snapshots of a subvolume of btrfs. See the table in mode.c. */
#ifndef CENV_CLONE_SNAPSHOT_CLONE_H
#define CENV_CLONE_SNAPSHOT_CLONE_H

#include "clone/job.h"
#include "os/fs_place.h"

const char *cenv_snapshot_clone_refuse(const struct cenv_clone_job *job);
const char *cenv_snapshot_clone_decline(const struct cenv_clone_job *job);
const char *cenv_snapshot_clone_probe(struct cenv_clone_job *job);
int cenv_snapshot_clone_place(struct cenv_clone_job *job, enum cenv_place_mode placing,
                              struct cenv_error *err);

#endif
