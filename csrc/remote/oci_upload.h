/* SPDX-License-Identifier: BSD-3-Clause */
/* Blobs on their way into a registry: mounted from another repository, or sent in one piece. */
#ifndef CENV_REMOTE_OCI_UPLOAD_H
#define CENV_REMOTE_OCI_UPLOAD_H

#include "remote/blob.h"
#include "remote/oci_session.h"

struct cenv_oci_upload {
    struct cenv_remote_blob *blob; /* borrowed */
    struct cenv_http_upload body;
};

/*
 * Puts all at the same time: sets `there` of each blob, or `rc` and `err`. `mount` is a repository
 * of the registry that may have them, or "".
 */
int cenv_oci_upload_all(struct cenv_oci_session *session, const char *mount,
                        const struct cenv_oci_upload *uploads, size_t nr,
                        struct cenv_task *task, struct cenv_error *err);

#endif
