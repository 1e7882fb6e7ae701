/* SPDX-License-Identifier: BSD-3-Clause */
/* xz, which we only read: the only user of liblzma. */
#ifndef CENV_CODEC_XZ_H
#define CENV_CODEC_XZ_H

#include "codec/packing.h"

/* Takes at most 128 MiB, twice what `xz -9` needs. */
extern const struct cenv_packing cenv_xz;

#endif
