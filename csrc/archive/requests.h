/* SPDX-License-Identifier: BSD-3-Clause */
/* The requests of a store that led to a template. */
#ifndef CENV_ARCHIVE_REQUESTS_H
#define CENV_ARCHIVE_REQUESTS_H

#include "codec/json.h"
#include "store/layout.h"

/* One of them: the name of its file, and what that says; both live until the visitor returns. */
typedef int (*cenv_requests_fn)(void *ctx, const char *file,
                                const struct cenv_json *doc, struct cenv_error *err);

/* Visits those of the template `id`; the visitor returns 0, or a status that ends the visit. */
int cenv_requests_each(const struct cenv_store *store, const char *id,
                       cenv_requests_fn visit, void *ctx, struct cenv_task *task,
                       struct cenv_error *err);

#endif
