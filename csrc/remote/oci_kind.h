/* SPDX-License-Identifier: BSD-3-Clause */
/* Remotes in a registry of images (OCI distribution specification 1.0). */
#ifndef CENV_REMOTE_OCI_KIND_H
#define CENV_REMOTE_OCI_KIND_H

#include "remote/kind.h"

/*
 * oci://host/repository, and oci+http:// without TLS. A key is a tag, its document the
 * configuration of the manifest there, blobs are its layers. CENV_REMOTE_MOUNT names another
 * repository of the registry, whose blobs are mounted instead of sent where the registry can.
 */
extern const struct cenv_remote_kind cenv_oci_kind, cenv_oci_http_kind;

#endif
