/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The bytes that a clone replaces, as a sum: a manifest has it from the scan, and a clone that
 * reads other bytes at those places has another file before it, whatever its size and time are.
 */
#ifndef CENV_MANIFEST_REPLACED_H
#define CENV_MANIFEST_REPLACED_H

#include <stdint.h>

#include "base/error.h"
#include "base/str.h"
#include "manifest/scan_file.h"
#include "relocate/sites.h"

/* A range of a file. */
struct cenv_replaced {
    uint64_t from, len;
};

/*
 * The next range that a splice of these sites leaves out of the file at hand, in their order: the
 * first line, if it is written anew, then the sites. `at` starts with 0. False past the last.
 */
bool cenv_replaced_next(const struct cenv_sites *sites, size_t *at,
                        struct cenv_replaced *range);

/* The sum with one range's bytes more; a file's starts with 0. */
uint64_t cenv_replaced_add(uint64_t sum, struct cenv_str bytes);

/* The sum of a file that lies as it was listed, else CENV_EPREFIX. */
int cenv_replaced_sum_file(const struct cenv_scan_target *what,
                           const struct cenv_sites *sites, uint64_t *sum,
                           struct cenv_error *err);

#endif
