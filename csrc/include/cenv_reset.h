/* SPDX-License-Identifier: BSD-3-Clause */
/* The part of cenv.h, which includes it, about clones that are used again. */
#ifndef CENV_RESET_H
#define CENV_RESET_H

#include "base/buf.h"
#include "base/error.h"
#include "base/task.h"

struct cenv_store;

/*
 * Puts `clone` back to what a new clone of its source would be now, at the place as it was (the
 * directory itself gets the mode of the empty one it replaced, if any). Only clones that `store`
 * knows. Appends {"prefix", "removed", "restored", "checked", "seconds"}, and the "note" that the
 * clone was made with, if any. CENV_EPREFIX: a file was altered through a hard link, so the source
 * is damaged. CENV_ELINK: an overlay that is not mounted in this process's namespace. Interrupted,
 * it leaves a clone to be reset again.
 */
int cenv_reset(struct cenv_store *store, const char *clone, struct cenv_task *task,
               struct cenv_buf *out, struct cenv_error *err);

/*
 * The same for a clone that its user gave back, so that it can be handed over as a new one.
 * CENV_EPREFIX also where it would not be as new, or somebody might still write to it: a process,
 * a mount or a socket has it or what lies in it in use, before or after it is put back (see
 * os/dir_users.h; CENV_EOS where that cannot be told); directories have another owner, or have
 * grown by a thousand names; it is a mount, or belongs to no process. It may have been put back
 * then, or in part.
 */
int cenv_recycle(struct cenv_store *store, const char *clone, struct cenv_task *task,
                 struct cenv_buf *out, struct cenv_error *err);

#endif
