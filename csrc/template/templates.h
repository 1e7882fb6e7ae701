/* SPDX-License-Identifier: BSD-3-Clause */
/* What is told of a template; cenv.h has finding, listing and removing. */
#ifndef CENV_TEMPLATE_TEMPLATES_H
#define CENV_TEMPLATE_TEMPLATES_H

#include "codec/json.h"
#include "os/raw_file.h"

struct cenv_store;

/*
 * Writes into the open object what template.json tells, but for the records, and what only its
 * entry does: "prefix" and "used". `st` is of the file.
 */
void cenv_templates_write(struct cenv_json_writer *w, const struct cenv_store *store,
                          const char *id, const struct cenv_stat *st,
                          const struct cenv_json *doc);

/* Writes "records": as they are in template.json. */
void cenv_templates_write_records(struct cenv_json_writer *w,
                                  const struct cenv_json *doc);

#endif
