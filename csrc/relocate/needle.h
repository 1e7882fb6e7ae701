/* SPDX-License-Identifier: BSD-3-Clause */
/* Finds a text in bytes of any kind: linear in them whatever they are, interruptible. Pure. */
#ifndef CENV_RELOCATE_NEEDLE_H
#define CENV_RELOCATE_NEEDLE_H

#include <stdint.h>

#include "base/error.h"
#include "base/str.h"
#include "base/task.h"

/*
 * 1 and *at for the first `needle` in `data` at `from` or behind it, 0 when there is none, or
 * CENV_ECANCELLED. An empty needle is nowhere.
 */
int cenv_needle_find(struct cenv_str data, uint64_t from, struct cenv_str needle,
                     struct cenv_task *task, uint64_t *at, struct cenv_error *err);

#endif
