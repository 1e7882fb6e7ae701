/* SPDX-License-Identifier: BSD-3-Clause */
/* The part of cenv.h, which includes it, about templates on remotes. */
#ifndef CENV_REMOTE_H
#define CENV_REMOTE_H

#include "base/buf.h"
#include "base/error.h"
#include "base/task.h"

struct cenv_store;

/* Appends the id, a JSON string, of the template of records, an array; null where one of them tells
 * no sha256. `options_json`: {"key", "base"} as of cenv_template_build. */
int cenv_template_id(const char *records_json, const char *options_json,
                     struct cenv_buf *out, struct cenv_error *err);

/*
 * Templates on a remote: a server or a directory that machines share. In `options_json` "remote" is
 * {"url": with secrets, "network": as above, "timeout_ms": without a byte moved; 0: 10,000, "push":
 * what may not be read counts as absent}. Of it CENV_EREMOTE says that it cannot be reached or
 * refuses, CENV_EINTEGRITY that it holds what is not what it should be.
 *
 * push: {"remote", "id": whole, "requests": [texts that led to it; without it those used last in
 * the store], "packages": whether they are pushed too, ...fetch options, for packages that the
 * store has no more}. Appends {"id", "pushed": false where the remote had it, "sent", "delta",
 * "bytes": of the template, "packages", "requests": how many keys are new, "skipped": as of export,
 * "seconds"}. CENV_EUSAGE, CENV_EINTEGRITY: as cenv_template_export.
 */
int cenv_template_push(struct cenv_store *store, const char *options_json,
                       struct cenv_task *task, struct cenv_buf *out,
                       struct cenv_error *err);

/* Appends the description of a template, which is JSON that nobody has looked at yet; 1: there is
 * none. {"remote", "request": its text, or "id"}. */
int cenv_template_remote_find(const char *options_json, struct cenv_task *task,
                              struct cenv_buf *out, struct cenv_error *err);

/*
 * Makes the template of a description unless it is there. {"remote", "id": that it must have,
 * "virtual_packages": as of import, "urls": {SHA-256: where this machine
 * has the package from}, "verify": bytecode and records are made here too and compared,
 * ...fetch options}. CENV_EPREFIX: as of import. Appends what cenv_template_find does but the
 * records, and {"pulled": false where it was there, "received": bytes, "delta", "packages": how
 * many came from the remote, "seconds"}.
 */
int cenv_template_pull(struct cenv_store *store, const char *description,
                       const char *options_json, struct cenv_task *task,
                       struct cenv_buf *out, struct cenv_error *err);

#endif
