/* SPDX-License-Identifier: BSD-3-Clause */
/* Deflate, which we only read: the only user of zlib. */
#ifndef CENV_CODEC_DEFLATE_H
#define CENV_CODEC_DEFLATE_H

#include "codec/packing.h"

extern const struct cenv_packing cenv_deflate_gzip; /* of a gzip file */
extern const struct cenv_packing cenv_deflate_bare; /* of a member of a ZIP archive */

#endif
