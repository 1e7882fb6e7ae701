/* SPDX-License-Identifier: BSD-3-Clause */
/* Clones as overlays: the source seen through a mount, with what names the prefix written anew. */
#ifndef CENV_CLONE_OVERLAY_H
#define CENV_CLONE_OVERLAY_H

#include "base/error.h"
#include "clone/job.h"
#include "prefix/new_prefix.h"

/*
 * At the clone's path lies an empty directory, over it a tmpfs with the directories below, and over
 * that the overlay: what is written goes to "upper", then come the relocated files in "layer", then
 * the source itself. All state is in the mounts: every process of the namespace can reset or remove
 * the clone, and nothing outlives the namespace but the empty directory.
 */
#define CENV_OVERLAY_UPPER "upper"
#define CENV_OVERLAY_LAYER "layer"
/* In its place: a link to the layer that is remembered in the store. */
#define CENV_OVERLAY_MEMORY "memory"
#define CENV_OVERLAY_WORK   "work"
/* What was written before, while a reset is under way. */
#define CENV_OVERLAY_OLD_UPPER "old-upper"
#define CENV_OVERLAY_OLD_WORK  "old-work"

/*
 * Whether the caller may mount: CENV_ELINK unless `name` (may be NULL) is the mount namespace that
 * the process is in, which is to say that it entered one.
 */
int cenv_overlay_check_namespace(const char *name, struct cenv_error *err);

/*
 * Mounts the clone of the job at its new directory, which is published (empty) for it; the layer is
 * the remembered one, if there is one. On failure nothing is left mounted and the directory is
 * withdrawn; the job's result is told in any case.
 */
int cenv_overlay_make(struct cenv_clone_job *job, struct cenv_error *err);

/* Undoes it: unmounts the clone, and takes the directory back as far as it is ours. */
void cenv_overlay_withdraw(struct cenv_newprefix *dst);

/* Unmounts what make mounted at `path`, and leaves the empty directory. 1: nothing was mounted. */
int cenv_overlay_unmount(const char *path, struct cenv_error *err);

/* The mounts of a clone that may be wanted again: overlay and tmpfs, or -1. */
struct cenv_overlay_kept {
    int shown, below;
};

/*
 * As unmount, but the clone can be shown again at `path` (false: it is gone), or let go; letting go
 * twice is fine.
 */
int cenv_overlay_set_aside(const char *path, struct cenv_overlay_kept *kept,
                           struct cenv_error *err);
bool cenv_overlay_show_again(const char *path, struct cenv_overlay_kept *kept);
void cenv_overlay_let_go(struct cenv_overlay_kept *kept);

/* CENV_ELINK: the clone is not mounted in this process's namespace. */
int cenv_overlay_refuse_unmounted(const char *path, struct cenv_error *err);

/*
 * Throws away all that was written to the clone at `path`, whose source is the directory `source`
 * and whose root is to have `root_mode` (0: the layer's), in time proportional to that; *changes
 * counts the files and links. CENV_ELINK as above. After a failure the clone is as it was, and so
 * it is for 1: what it had from a memory is forgotten there.
 */
int cenv_overlay_restore(const char *path, int source, uint32_t root_mode,
                         uint64_t *changes, struct cenv_task *task,
                         struct cenv_error *err);

#endif
