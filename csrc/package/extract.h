/* SPDX-License-Identifier: BSD-3-Clause */
/* One package file into one directory, in one pass: decode, check, hash, write. */
#ifndef CENV_PACKAGE_EXTRACT_H
#define CENV_PACKAGE_EXTRACT_H

#include "base/error.h"
#include "base/task.h"
#include "package/package_manifest.h"
#include "package/reader.h"

/*
 * Extracts a package (CEP 34, CEP 35) into the empty directory `dest` after the rules of
 * docs/design/extract.md, and checks it: the archive is what `want` says; info/index.json names the
 * package as the
 * inner archives do; every path of info/paths.json (or the older files) is there with its type,
 * size and SHA-256, and nothing but info/ beside them.
 *
 * Modes are the archived ones without set-id bits, through the umask and readable by the owner;
 * directories get 0777 through the umask; mtimes are kept to the nanosecond. A copy of
 * info/repodata_record.json in the package is left out: the installer writes that.
 *
 * Fills `manifest` (initialised, empty) and `digests`. On failure (CENV_EINTEGRITY for a bad
 * package) `dest` may hold anything: the caller made it and removes it. Not synced.
 */
int cenv_extract_into(const struct cenv_package_source *source,
                      const struct cenv_package_want *want, int dest,
                      struct cenv_package_manifest *manifest,
                      struct cenv_package_digests *digests, struct cenv_task *task,
                      struct cenv_error *err);

#endif
