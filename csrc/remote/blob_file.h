/* SPDX-License-Identifier: BSD-3-Clause */
/* The files of blobs, on their way to a remote or out of a bundle. */
#ifndef CENV_REMOTE_BLOB_FILE_H
#define CENV_REMOTE_BLOB_FILE_H

#include "base/task.h"
#include "remote/blob.h"

struct cenv_remote_state;

/* Sends what is open: fds[nr], -1 of blobs that are not to be sent. 0 or a status. */
typedef int (*cenv_blob_files_send_fn)(struct cenv_remote_state *state,
                                       struct cenv_remote_blob *const *blobs,
                                       const int *fds, size_t nr,
                                       struct cenv_task *task, struct cenv_error *err);

/*
 * Opens the files of blobs that are not `there`, reads each whole, and lets `send` have them: what
 * is not of its size and digest must not reach the remote under its name. A blob that fails has it
 * in `rc` and `err`, and no descriptor. A status when the task is cancelled, or of `send`.
 */
int cenv_blob_files_send(struct cenv_remote_state *state,
                         struct cenv_remote_blob *const *blobs, size_t nr,
                         cenv_blob_files_send_fn send, struct cenv_task *task,
                         struct cenv_error *err);

/*
 * Makes the file of a blob, which lies in the file `fd` from byte `at` on: it is whole and right,
 * or nothing is left of it. A status, of which `err` of the blob tells.
 */
int cenv_blob_file_receive(struct cenv_remote_blob *blob, int fd, uint64_t at,
                           struct cenv_task *task);

#endif
