/* SPDX-License-Identifier: BSD-3-Clause */
/* What an entry of a template holds beside its prefix, written when that is whole. */
#ifndef CENV_TEMPLATE_DESCRIPTION_H
#define CENV_TEMPLATE_DESCRIPTION_H

#include "base/error.h"
#include "base/task.h"
#include "codec/json.h"

/* The manifest of the environment `prefix`, which is `path` or will be, into the entry `dir`. */
int cenv_description_save_manifest(int dir, int prefix, const char *path,
                                   struct cenv_task *task, struct cenv_error *err);

/* template.json, which says that all the rest is whole: atomic, and the last that is written. */
int cenv_description_save(int dir, const struct cenv_json *doc, struct cenv_error *err);
int cenv_description_save_text(int dir, struct cenv_str json, struct cenv_error *err);

#endif
