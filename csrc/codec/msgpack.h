/* SPDX-License-Identifier: BSD-3-Clause */
/* MessagePack, the form of sharded repodata (CEP 16), to JSON and back; the only user of
 * libmpack. */
#ifndef CENV_CODEC_MSGPACK_H
#define CENV_CODEC_MSGPACK_H

#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"

struct cenv_json;

/* Nesting of a document that is read. */
enum { CENV_MSGPACK_MAX_DEPTH = 32 };

/*
 * Appends one document as JSON text: bytes become lower-case hex, as repodata writes hashes, and
 * extension types null. CENV_EINTEGRITY with "byte N of M: reason", `out` then of no use: text cut
 * short, lengths beyond the end, more behind the end, nesting, keys that are not text or twice in
 * one map, text that is not UTF-8, numbers that are none.
 */
int cenv_msgpack_to_json(struct cenv_str in, struct cenv_buf *out,
                         struct cenv_error *err);

/*
 * Appends a tree. Hex becomes bytes where CEP 16 wants them: the members md5 and sha256 of any
 * object, and those of an object called shards. False when the buffer failed.
 */
bool cenv_msgpack_from_json(const struct cenv_json *value, struct cenv_buf *out);

#endif
