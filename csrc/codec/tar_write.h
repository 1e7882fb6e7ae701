/* SPDX-License-Identifier: BSD-3-Clause */
/* Writing tar: ustar headers, with a pax header in front where ustar does not hold the member. */
#ifndef CENV_CODEC_TAR_WRITE_H
#define CENV_CODEC_TAR_WRITE_H

#include <stdint.h>

#include "base/error.h"
#include "codec/stream.h"
#include "codec/tar.h"

/* Writes the header of a member to `to`; its data and the padding come behind. As all here: 0, or
 * the status of `to` with `err` set. */
int cenv_tar_write_header(const struct cenv_member *member, struct cenv_output to,
                          struct cenv_error *err);
/* Zeros that fill the last block of a member of `size` bytes; the end mark of the archive. */
int cenv_tar_write_padding(uint64_t size, struct cenv_output to,
                           struct cenv_error *err);
int cenv_tar_write_end(struct cenv_output to, struct cenv_error *err);

#endif
