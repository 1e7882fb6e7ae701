/* SPDX-License-Identifier: BSD-3-Clause */
/* Directories beside what is being made, so that one rename puts it there. */
#ifndef CENV_OS_SIBLING_H
#define CENV_OS_SIBLING_H

#include <stdbool.h>

#include "base/error.h"
#include "base/str.h"

/*
 * A sibling of `name` is called ".<name>.cenv-<pid>-<nonce>", and locked by its maker for as long
 * as the descriptor is open: when that is killed it stays, and its lock is free.
 */

/* A name that nobody else has, of at most 255 bytes; the caller frees it. NULL: no memory. */
char *cenv_sibling_name(const char *name);

/* Whether it looks like the sibling of `name`. */
bool cenv_sibling_is_of(const char *sibling, const char *name);

/* Makes it in `parent` with `mode`: a descriptor, locked where that works, or -errno. */
int cenv_raw_make_sibling(int parent, const char *sibling, unsigned mode);

/* The same as a snapshot of the subvolume `of` (os/subvolume.h). */
int cenv_raw_snapshot_sibling(int parent, const char *sibling, int of);

/* Whether it is nobody's any more: its maker is dead. */
bool cenv_sibling_is_left(int parent, const char *sibling);

/* Its maker lives, and leaves it to a sweep: to be called before the descriptor is closed. */
void cenv_sibling_give_up(int fd);

/* Removes those of `name` that are left; it lists the directory. */
void cenv_sibling_sweep(int parent, const char *name);

#endif
