/* SPDX-License-Identifier: BSD-3-Clause */
/* An input read by a thread of its own, some blocks ahead: decoding and writing side by side. */
#ifndef CENV_CODEC_READAHEAD_H
#define CENV_CODEC_READAHEAD_H

#include "base/error.h"
#include "codec/stream.h"

/*
 * Starts a thread that reads `from` until its end or free, at most 2 MiB ahead. Until free nothing
 * else may touch `from` or what is behind it. Where no thread can be started, reads as before.
 */
struct cenv_readahead;
int cenv_readahead_new(struct cenv_readahead **out, struct cenv_input from,
                       struct cenv_error *err);
void cenv_readahead_free(struct cenv_readahead *ahead); /* NULL is fine */
struct cenv_input cenv_readahead_input(struct cenv_readahead *ahead);

#endif
