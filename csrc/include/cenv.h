/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The public C interface of cenv: all that the Python binding and the fuzzers include.
 *
 * Shapes. Paths are NUL-terminated bytes, not necessarily UTF-8. Lists of records, options with many
 * keys and reports are JSON text (UTF-8) in the shapes of the command line's --json: "records JSON"
 * is an array of repodata records (all keys of repodata kept, plus channel, url, fn, subdir) in link
 * order. Replies are appended to a `struct cenv_buf`, which the caller releases.
 *
 * Errors. A function that can fail returns 0 or a negative enum cenv_status with `err` filled; its
 * outputs are then untouched and nothing half-made is left behind.
 *
 * Threads. Every function may be called from any thread. An index, a store and their kin are
 * immutable handles for any number of threads; a task belongs to one call. The core starts threads
 * only within a call, never prints, and never changes the process's directory, umask or signals.
 */
#ifndef CENV_H
#define CENV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/task.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- version and MatchSpec (model/version, model/matchspec) ---- */

/* ---- platform and channels (model/platform, model/channel) ---- */

/* ---- index and solve (ops/index, ops/solve, ops/explain) ---- */

/* ---- extract and fetch (ops/extract, ops/fetch) ---- */

/* ---- store and templates (ops/store) ---- */

/* ---- create and link (ops/link) ---- */

struct cenv_store;

/*
 * Fetches what the store lacks and links `records_json` (in link order) into a new prefix, which
 * must not exist or be an empty directory. `options_json`: {"link_mode": "auto|reflink|hardlink|
 * copy", "specs": ["..."], "cmd": "...", "compile": true, "scripts": true, "offline": false,
 * "threads": 0}, all optional. Appends {"records", "prefix", "seconds", "stages", "files",
 * "linked": {...}, "fallbacks", "warnings", "messages"} to `out`. All or nothing: after any
 * failure the prefix is as it was.
 */
int cenv_create(struct cenv_store *store, const char *prefix, const char *records_json,
                const char *options_json, struct cenv_task *task, struct cenv_buf *out,
                struct cenv_error *err);

/* ---- clone and reset (ops/clone, ops/reset) ---- */

/* ---- verify (ops/verify) ---- */

#ifdef __cplusplus
}
#endif

#endif
