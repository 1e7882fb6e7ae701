/* SPDX-License-Identifier: BSD-3-Clause */
/* Package caches of conda and mamba: what is verified is taken, and nothing is written there. */
#ifndef CENV_FETCH_PKGS_DIRS_H
#define CENV_FETCH_PKGS_DIRS_H

#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"
#include "base/task.h"

/* What is looked for; unknown texts are empty, an unknown size 0. One of the hashes must be
 * known. */
struct cenv_pkgs_dirs_want {
    struct cenv_str fn;  /* "numpy-1.2-0.conda" */
    struct cenv_str url; /* without secrets; for mamba's layout by URL */
    struct cenv_str name, version, build;
    struct cenv_str sha256, md5; /* hex */
    uint64_t size;
};

/*
 * Looks in `pkgs_dir`, flat (conda) and by URL (mamba), for the archive itself, and hashes it. 1
 * with its path appended to `path`; 0 when there is none that fits.
 */
int cenv_pkgs_dirs_find_archive(const char *pkgs_dir,
                                const struct cenv_pkgs_dirs_want *want,
                                struct cenv_buf *path, struct cenv_task *task,
                                struct cenv_error *err);

/*
 * Looks for the extracted package: its info/repodata_record.json must tell the wanted hash, its
 * info/index.json the name, and every file of info/paths.json have the size and SHA-256 it says.
 * Copies it (reflink where it can) into the existing, empty directory `entry_fd` as content/ and
 * manifest. 1 done; 0 when there is none that fits (`entry_fd` empty again).
 */
int cenv_pkgs_dirs_copy_package(const char *pkgs_dir,
                                const struct cenv_pkgs_dirs_want *want, int entry_fd,
                                struct cenv_task *task, struct cenv_error *err);

#endif
