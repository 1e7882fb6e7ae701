/* SPDX-License-Identifier: BSD-3-Clause */
/* The check of what is remembered of a template's paths, whose inodes clones share too. */
#ifndef CENV_TEMPLATE_CHECK_MEMORY_H
#define CENV_TEMPLATE_CHECK_MEMORY_H

#include "store/layout.h"

/* As in struct cenv_check. */
struct cenv_memory_check {
    const char *path;
    bool content;
    int64_t since_ns;
};

/*
 * Compares the memories of the environment, if it is a template, with what they were. Those that
 * were altered go, and *forgotten counts them; clones keep what they have of them.
 */
int cenv_check_memory(const struct cenv_memory_check *check, struct cenv_store *store,
                      uint32_t *forgotten, struct cenv_task *task,
                      struct cenv_error *err);

#endif
