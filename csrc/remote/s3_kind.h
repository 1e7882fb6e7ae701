/* SPDX-License-Identifier: BSD-3-Clause */
/* Remotes in S3, and in what speaks as it does. */
#ifndef CENV_REMOTE_S3_KIND_H
#define CENV_REMOTE_S3_KIND_H

#include "remote/kind.h"

/* s3://bucket/prefix: the objects PREFIX/ac/<key>, PREFIX/cas/<sha256>. */
extern const struct cenv_remote_kind cenv_s3_kind;

#endif
