/* SPDX-License-Identifier: BSD-3-Clause */
/* A sum over the bytes of our own cache files, at memory speed. */
#ifndef CENV_BASE_CHECKSUM_H
#define CENV_BASE_CHECKSUM_H

#include <stdint.h>

#include "base/str.h"

/*
 * Against accidents (a torn write, a bad disk), not against an adversary, who could as well write a
 * file with a right sum. The same on machines of one byte order.
 */
uint64_t cenv_checksum64(struct cenv_str data);

#endif
