/* SPDX-License-Identifier: BSD-3-Clause */
/* Stores of copies on other file systems; cenv.h has how one is made. */
#ifndef CENV_TEMPLATE_MIRROR_H
#define CENV_TEMPLATE_MIRROR_H

/* Removes all mirrors that are still the directories entered; counts them. */
int cenv_mirror_remove_all(const struct cenv_store *store, uint64_t *removed,
                           struct cenv_task *task, struct cenv_error *err);

#endif
