/* SPDX-License-Identifier: BSD-3-Clause */
/* Placing one file or link that a manifest describes: shared, copied, or relocated. */
#ifndef CENV_CLONE_CLONE_FILE_H
#define CENV_CLONE_CLONE_FILE_H

#include "clone/cloner.h"

/* A file that does not depend on others, from and into its directories' descriptors. */
int cenv_clone_file_place(struct cenv_cloner *c, struct cenv_cloner_thread *t, int from,
                          int to, uint32_t file, struct cenv_error *err);

/* A file that tells what became of others, or is linked to one, once they are there. */
int cenv_clone_file_place_deferred(struct cenv_cloner *c, struct cenv_cloner_thread *t,
                                   uint32_t file, struct cenv_error *err);

#endif
