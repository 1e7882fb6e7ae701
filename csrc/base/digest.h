/* SPDX-License-Identifier: BSD-3-Clause */
/* SHA-256 and MD5, streaming; the only user of libcrypto. */
#ifndef CENV_BASE_DIGEST_H
#define CENV_BASE_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"
#include "base/task.h"

enum cenv_digest_kind { CENV_SHA256, CENV_MD5 };
enum { CENV_SHA256_LEN = 32, CENV_MD5_LEN = 16, CENV_DIGEST_HEX_MAX = 65 };

struct cenv_digest; /* opaque */

/* NULL when out of memory (or the library refuses MD5, as FIPS builds do). */
struct cenv_digest *cenv_digest_new(enum cenv_digest_kind kind);
void cenv_digest_free(struct cenv_digest *digest);

/* As all that return bool here, false when the library fails. reset: start over with the same
 * kind. */
bool cenv_digest_update(struct cenv_digest *digest, const void *data, size_t len);
bool cenv_digest_reset(struct cenv_digest *digest);

/* Raw bytes (32 or 16) into `out`; the digest must be reset before further use. */
bool cenv_digest_final(struct cenv_digest *digest, unsigned char *out);
/* Lower-case hex with NUL into hex[CENV_DIGEST_HEX_MAX]. */
bool cenv_digest_hex(struct cenv_digest *digest, char *hex);

/*
 * A SHA-256 after a whole number of 64-byte blocks, to go on from later, in another process if need
 * be. save: false for MD5, or in the midst of a block.
 */
struct cenv_sha256_state {
    uint64_t len; /* bytes taken so far */
    uint32_t h[8];
};
bool cenv_digest_save(const struct cenv_digest *digest, struct cenv_sha256_state *out);
void cenv_digest_resume(struct cenv_digest *digest,
                        const struct cenv_sha256_state *state);

/* One shot over a span: hex of its SHA-256. */
bool cenv_digest_sha256_hex(struct cenv_str data, char *hex);

/*
 * The same of a span of any size, interruptibly: its CENV_SHA256_LEN bytes into `raw`. 0, or
 * CENV_ECANCELLED, CENV_ENOMEM.
 */
int cenv_digest_sha256(struct cenv_str data, unsigned char *raw, struct cenv_task *task,
                       struct cenv_error *err);

#endif
