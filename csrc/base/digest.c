/* SPDX-License-Identifier: BSD-3-Clause */
/* SHA-256 and MD5: see digest.h. */
#include "base/digest.h"

/*
 * SHA-256 by libcrypto's low-level functions, which newer versions call deprecated: they are the
 * only ones whose state can be taken out and put back.
 */
#define OPENSSL_API_COMPAT 0x10100000L
#include <openssl/evp.h>
#include <openssl/sha.h>

#include "base/alloc.h"
#include "base/hex.h"

struct cenv_digest {
    EVP_MD_CTX *md5; /* or NULL: SHA-256 */
    SHA256_CTX sha256;
};

struct cenv_digest *cenv_digest_new(enum cenv_digest_kind kind)
{
    struct cenv_digest *digest = cenv_calloc(1, sizeof(*digest));
    if (!digest)
        return NULL;
    if (kind == CENV_MD5)
        digest->md5 = EVP_MD_CTX_new();
    if ((kind == CENV_MD5 && !digest->md5) || !cenv_digest_reset(digest)) {
        cenv_digest_free(digest);
        return NULL;
    }
    return digest;
}

void cenv_digest_free(struct cenv_digest *digest)
{
    if (!digest)
        return;
    EVP_MD_CTX_free(digest->md5);
    cenv_free(digest);
}

bool cenv_digest_reset(struct cenv_digest *digest)
{
    int done = digest->md5 ? EVP_DigestInit_ex(digest->md5, EVP_md5(), NULL)
                           : SHA256_Init(&digest->sha256);
    return done == 1;
}

bool cenv_digest_update(struct cenv_digest *digest, const void *data, size_t len)
{
    int done = digest->md5 ? EVP_DigestUpdate(digest->md5, data, len)
                           : SHA256_Update(&digest->sha256, data, len);
    return done == 1;
}

bool cenv_digest_final(struct cenv_digest *digest, unsigned char *out)
{
    int done = digest->md5 ? EVP_DigestFinal_ex(digest->md5, out, NULL)
                           : SHA256_Final(out, &digest->sha256);
    return done == 1;
}

bool cenv_digest_save(const struct cenv_digest *digest, struct cenv_sha256_state *out)
{
    const SHA256_CTX *c = &digest->sha256;
    if (digest->md5 || c->num != 0)
        return false;
    out->len = ((uint64_t)c->Nh << 32 | c->Nl) / 8;
    for (int i = 0; i < 8; i++)
        out->h[i] = c->h[i];
    return true;
}

void cenv_digest_resume(struct cenv_digest *digest,
                        const struct cenv_sha256_state *state)
{
    SHA256_CTX *c = &digest->sha256;
    SHA256_Init(c);
    for (int i = 0; i < 8; i++)
        c->h[i] = state->h[i];
    c->Nl = (uint32_t)(state->len * 8);
    c->Nh = (uint32_t)(state->len * 8 >> 32);
}

bool cenv_digest_hex(struct cenv_digest *digest, char *hex)
{
    unsigned char raw[CENV_SHA256_LEN];
    if (!cenv_digest_final(digest, raw))
        return false;
    cenv_hex(raw, digest->md5 ? CENV_MD5_LEN : CENV_SHA256_LEN, hex);
    return true;
}

bool cenv_digest_sha256_hex(struct cenv_str data, char *hex)
{
    struct cenv_digest *digest = cenv_digest_new(CENV_SHA256);
    bool done = digest && cenv_digest_update(digest, data.data, data.len) &&
                cenv_digest_hex(digest, hex);
    cenv_digest_free(digest);
    return done;
}

int cenv_digest_sha256(struct cenv_str data, unsigned char *raw, struct cenv_task *task,
                       struct cenv_error *err)
{
    enum { PART = 4 << 20 };
    struct cenv_digest *digest = cenv_digest_new(CENV_SHA256);
    bool done = digest;
    int rc = 0;
    for (size_t at = 0; at < data.len && done && rc == 0; at += PART) {
        struct cenv_str part = cenv_str_slice(data, at, at + PART);
        done = cenv_digest_update(digest, part.data, part.len);
        rc = cenv_task_poll(task, err);
    }
    if (rc == 0 && !(done && cenv_digest_final(digest, raw)))
        rc = cenv_error_oom(err);
    cenv_digest_free(digest);
    return rc;
}
