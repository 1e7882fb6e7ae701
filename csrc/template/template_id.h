/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The id of a template: SHA-256 over its records and what else shapes it (docs/design/store.md
 * 4.1).
 */
#ifndef CENV_TEMPLATE_TEMPLATE_ID_H
#define CENV_TEMPLATE_TEMPLATE_ID_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/error.h"
#include "codec/json.h"

/* Whether each of the records, an array, tells the SHA-256 of its package. */
bool cenv_template_id_is_told(const struct cenv_json *records);

/*
 * Appends the id (64 hex) of the template of `records`, an array, each with name and sha256, else
 * CENV_EUSAGE. `key` tells what its set-up does, `base` is the id of the template it is derived
 * from; NULL for none. The order of the records does not count, and of each only the package and
 * what it needs.
 */
int cenv_template_id_of_records(const struct cenv_json *records, const char *key,
                                const char *base, struct cenv_buf *out,
                                struct cenv_error *err);

/* The same as the first cenv had it, over all of each record: archives of then have such ids. */
int cenv_template_id_of_whole_records(const struct cenv_json *records, const char *key,
                                      const char *base, struct cenv_buf *out,
                                      struct cenv_error *err);

#endif
