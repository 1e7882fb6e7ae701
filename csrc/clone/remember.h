/* SPDX-License-Identifier: BSD-3-Clause */
/* Whether a clone has its relocated files from a memory, and whether one is made for it. */
#ifndef CENV_CLONE_REMEMBER_H
#define CENV_CLONE_REMEMBER_H

#include "clone/job.h"

/* The bytes that all memories of a store may take where nobody says otherwise. */
#define CENV_REMEMBER_BYTES_DEFAULT (INT64_C(512) << 20)

/*
 * Opens what is remembered for the job in its mode; for a path that comes back, or where the caller
 * asks for it, it is made first. None at all is no failure: neither is a disk that is full, or a
 * store that may only be read. An altered one is dropped, and made again.
 */
int cenv_remember(struct cenv_clone_job *job, const struct cenv_clone_mode *mode,
                  struct cenv_error *err);

#endif
