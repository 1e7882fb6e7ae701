/* SPDX-License-Identifier: BSD-3-Clause */
/* What is told of a template; cenv.h has finding, listing and removing. */
#ifndef CENV_TEMPLATE_TEMPLATES_H
#define CENV_TEMPLATE_TEMPLATES_H

#include "codec/json.h"
#include "os/fs.h"

struct cenv_store;

/* Adds what is not in the file, "path" and "used"; 0 or -1 (OOM). */
int cenv_templates_complete(const struct cenv_store *store, const char *id,
                            const struct cenv_stat *st, struct cenv_json *doc);

#endif
