/* SPDX-License-Identifier: BSD-3-Clause */
/* The files of blobs that are sent to a server. */
#ifndef CENV_REMOTE_BLOB_FILE_H
#define CENV_REMOTE_BLOB_FILE_H

#include "base/task.h"
#include "remote/blob.h"

/*
 * Opens the files of blobs that are not `there` into fds[nr], -1 of the others, and reads each
 * whole: what is not of its size and digest must not reach the remote under its name. A blob that
 * fails has it in `rc` and `err`, and no descriptor. A status when the task is cancelled. The
 * caller closes all, after a failure too.
 */
int cenv_blob_files_open(struct cenv_remote_blob *const *blobs, size_t nr, int *fds,
                         struct cenv_task *task, struct cenv_error *err);
void cenv_blob_files_close(int *fds, size_t nr); /* and frees `fds` */

#endif
