/* SPDX-License-Identifier: BSD-3-Clause */
/* The manifest under a tag of a registry: which blob is the document, which it refers to. */
#ifndef CENV_REMOTE_OCI_MANIFEST_H
#define CENV_REMOTE_OCI_MANIFEST_H

#include "base/buf.h"
#include "base/error.h"
#include "remote/blob.h"

#define CENV_OCI_MANIFEST_TYPE "application/vnd.oci.image.manifest.v1+json"
enum { CENV_OCI_MANIFEST_MAX = 4 << 20 }; /* bytes, as registries have it */

/* Appends the manifest of an image (OCI image specification 1.0) with the document as its
 * configuration, and packages as layers of conda's media types. */
int cenv_oci_manifest_write(const struct cenv_remote_blob *document,
                            struct cenv_remote_blob *const *blobs, size_t nr,
                            struct cenv_buf *out, struct cenv_error *err);

/* Sets digest and size of the document that a manifest names. CENV_EINTEGRITY: it is another's. */
int cenv_oci_manifest_read(struct cenv_str text, struct cenv_remote_blob *document,
                           struct cenv_error *err);

#endif
