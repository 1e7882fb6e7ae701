/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Whether what lies in a clone is what it was given. That is known without reading it: by size,
 * time, mode and, for what is shared, the inode; a file of the clone's own that was written to and
 * given its old time again shows by its ctime.
 */
#ifndef CENV_CLONE_AS_CLONED_H
#define CENV_CLONE_AS_CLONED_H

#include "clone/cloner.h"

/*
 * Whether `st`, of what lies at the place of `file` in its open directory `dir`, is what `c` would
 * place there. `since_ns`: of the clone's own files what changed later is a change. One that it has
 * from a memory is read where its ctime is later; if it was written to, so was what is remembered,
 * which nobody is to have any more. Any thread may ask.
 */
bool cenv_as_cloned_is_file(const struct cenv_cloner *c, int64_t since_ns,
                            const struct cenv_mf_file *file, int dir,
                            const struct cenv_stat *st);

/* Whether that is an inode of the source which was written to: the source is damaged. */
bool cenv_as_cloned_is_damage(const struct cenv_cloner *c,
                              const struct cenv_mf_file *file,
                              const struct cenv_stat *st);

/* Size and SHA-256 of a file. Returns 0 or a status. */
int cenv_as_cloned_hash(int dir, const char *name, struct cenv_cloned *out,
                        struct cenv_error *err);

#endif
