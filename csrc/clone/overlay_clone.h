/* SPDX-License-Identifier: BSD-3-Clause */
/* Mode overlay: the functions of its row, see mode.h. */
#ifndef CENV_CLONE_OVERLAY_CLONE_H
#define CENV_CLONE_OVERLAY_CLONE_H

#include "clone/job.h"
#include "clone/overlay.h"
#include "clone/report.h"
#include "prefix/copy_tree.h"
#include "prefix/new_prefix.h"
#include "store/clone_registry.h"

int cenv_overlay_clone_check(const struct cenv_clone_job *job, struct cenv_error *err);
int cenv_overlay_clone_place(struct cenv_clone_job *job, enum cenv_place_mode placing,
                             struct cenv_error *err);
void cenv_overlay_clone_withdraw(struct cenv_clone_job *job);
int cenv_overlay_clone_reset(const struct cenv_clone_entry *clone,
                             struct cenv_store *store, enum cenv_place_mode placing,
                             struct cenv_reset_counts *counts, struct cenv_task *task,
                             struct cenv_error *err);
int cenv_overlay_clone_prepare_anew(const struct cenv_clone_entry *clone,
                                    struct cenv_buf *namespace,
                                    struct cenv_overlay_kept *old,
                                    struct cenv_error *err);
void cenv_overlay_clone_finish_anew(const struct cenv_clone_entry *clone,
                                    struct cenv_overlay_kept *old, bool made);
int cenv_overlay_clone_remove(const char *path, struct cenv_error *err);
int cenv_overlay_clone_write_out(const char *path, struct cenv_newprefix *to,
                                 struct cenv_copied *copied, struct cenv_task *task,
                                 struct cenv_error *err);
int cenv_overlay_clone_show_written(struct cenv_newprefix *to, struct cenv_error *err);

#endif
