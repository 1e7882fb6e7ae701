/* SPDX-License-Identifier: BSD-3-Clause */
/* What records in files of the store look like. */
#ifndef CENV_STORE_RECORD_SHAPE_H
#define CENV_STORE_RECORD_SHAPE_H

#include "codec/shape.h"

/* A record of repodata as we keep it, and an array of them. */
extern const struct cenv_shape cenv_record_shape, cenv_record_shape_list;

#endif
