/* SPDX-License-Identifier: BSD-3-Clause */
/* A sum over the bytes of our own cache files, at memory speed. */
#ifndef CENV_BASE_CHECKSUM_H
#define CENV_BASE_CHECKSUM_H

#include <stdint.h>

#include "base/str.h"

/*
 * It guards against accidents (a torn write, a bad disk), not against an adversary: one that can
 * write the file can write a right sum. It is the same on machines of one byte order.
 */
uint64_t cenv_checksum64(struct cenv_str data);

#endif
