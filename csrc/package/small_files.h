/* SPDX-License-Identifier: BSD-3-Clause */
/* Small files of a package: made by the thread that reads the archive, filled by another. */
#ifndef CENV_PACKAGE_SMALL_FILES_H
#define CENV_PACKAGE_SMALL_FILES_H

#include <stdint.h>

#include "base/error.h"
#include "package/package_manifest.h"

/* What a small file costs is system calls. To make it is half of them, and in one directory no two
 * are made at once; to write it, give it its time and close it is the other half. */
enum { CENV_SMALL_FILE_MAX = 32 << 10 };

/*
 * Starts the thread that fills. *out is NULL where there is none to be had. Errors name files as
 * below `dest`; both that and `manifest` are borrowed. One thread at a time calls these.
 */
struct cenv_small_files;
int cenv_small_files_new(struct cenv_small_files **out, int dest,
                         struct cenv_package_manifest *manifest,
                         struct cenv_error *err);
/* Files that were not settled may be empty then. NULL is fine. */
void cenv_small_files_free(struct cenv_small_files *files);

/* Memory for the content of the next file, `size` bytes of at most CENV_SMALL_FILE_MAX. Waits for
 * some; NULL when a file before could not be filled, which settling tells. */
char *cenv_small_files_room(struct cenv_small_files *files, size_t size);

/* Takes over `fd`, whose content lies in the room that was given last: it becomes that of the
 * manifest's last entry, with its size and time. */
void cenv_small_files_put(struct cenv_small_files *files, int fd);

/* Waits until all are filled; their digests are in the manifest then, and their descriptors
 * closed. The first that could not be filled is the error. */
int cenv_small_files_settle(struct cenv_small_files *files, struct cenv_error *err);

#endif
