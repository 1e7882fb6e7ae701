/* SPDX-License-Identifier: BSD-3-Clause */
/* The part of cenv.h, which includes it, about environments of layers (layer/layered). */
#ifndef CENV_LAYER_H
#define CENV_LAYER_H

#include <stddef.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/task.h"

struct cenv_lease;
struct cenv_store;

/*
 * An environment that is not linked: each package lies in the store as a layer, linked once by
 * itself, and programs see the layers on top of each other at one path, "prefix", the same for all
 * environments of the store. There they are shown by a view (cenv.h) of "path", an entry of the
 * store.
 *
 * `records_json`: in link order, or what cenv_index_solve appended. `options_json`: {"specs": [] as
 * requested, ...fetch options, "only_there"}. Makes what is missing, but no layers where only those
 * that are there are wanted.
 * Appends {"path": or null, "prefix", "why": null, or why layers do not show what a link would
 * make: link scripts, too many packages, files that exclude each other, missing layers; "layers",
 * "made": how many are new, "warnings": files of several packages, "seconds"}. CENV_ELINK where the
 * machine shows no layers. Hold a lease from before until the programs have ended.
 */
int cenv_layered_open(struct cenv_store *store, const char *records_json,
                      const char *options_json, struct cenv_task *task,
                      struct cenv_buf *out, struct cenv_error *err);

/* Whether the environment with that "path" is still there as a whole: 0, marked as used; 1 not. */
int cenv_layered_find(struct cenv_store *store, const char *path,
                      struct cenv_task *task, struct cenv_error *err);

/* What holds it, close-on-exec: a program that inherits it holds the lease, too; -1 where there is
 * none, in a store that may only be read. */
int cenv_lease_descriptor(const struct cenv_lease *lease);

#endif
