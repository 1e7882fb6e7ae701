/* SPDX-License-Identifier: BSD-3-Clause */
/* bzip2: the only user of libbz2. */
#ifndef CENV_CODEC_BZIP2_H
#define CENV_CODEC_BZIP2_H

#include "codec/packing.h"

/* Levels 1..9. */
extern const struct cenv_packing cenv_bzip2;

#endif
