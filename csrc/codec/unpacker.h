/* SPDX-License-Identifier: BSD-3-Clause */
/* Looking into compressed files. */
#ifndef CENV_CODEC_UNPACKER_H
#define CENV_CODEC_UNPACKER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "codec/stream.h"

/*
 * What lies packed in any file: of gzip, bzip2, xz or zstd what comes out of it, of a ZIP archive
 * what comes out of its compressed members, one after another (deflate, bzip2, xz, zstd). Members
 * that are stored show in the file itself. It is for looking, so less strict than a decoder: data
 * that is damaged ends there, and of more than `max_out` bytes so many come (then it is full). In
 * time that grows with the file and with what comes out. `from` is borrowed; its first block tells
 * the format, so it must hold the first six bytes.
 */
struct cenv_unpacker;
int cenv_unpacker_new(struct cenv_unpacker **out, struct cenv_input from,
                      uint64_t max_out, struct cenv_error *err);
void cenv_unpacker_free(struct cenv_unpacker *unpacker); /* NULL is fine */
struct cenv_input cenv_input_unpacker(struct cenv_unpacker *unpacker);
bool cenv_unpacker_full(const struct cenv_unpacker *unpacker);

#endif
