/* SPDX-License-Identifier: BSD-3-Clause */
/* SHA-256 and MD5: see digest.h. */
#include "base/digest.h"

#include <openssl/evp.h>

#include "base/alloc.h"

struct cenv_digest {
    EVP_MD_CTX *context;
    const EVP_MD *kind;
};

struct cenv_digest *cenv_digest_new(enum cenv_digest_kind kind)
{
    struct cenv_digest *digest = cenv_calloc(1, sizeof(*digest));
    if (!digest)
        return NULL;
    digest->kind = kind == CENV_SHA256 ? EVP_sha256() : EVP_md5();
    digest->context = EVP_MD_CTX_new();
    if (!digest->context || cenv_digest_reset(digest) < 0) {
        cenv_digest_free(digest);
        return NULL;
    }
    return digest;
}

void cenv_digest_free(struct cenv_digest *digest)
{
    if (!digest)
        return;
    EVP_MD_CTX_free(digest->context);
    cenv_free(digest);
}

int cenv_digest_reset(struct cenv_digest *digest)
{
    return EVP_DigestInit_ex(digest->context, digest->kind, NULL) == 1 ? 0 : -1;
}

int cenv_digest_update(struct cenv_digest *digest, const void *data, size_t len)
{
    return EVP_DigestUpdate(digest->context, data, len) == 1 ? 0 : -1;
}

int cenv_digest_final(struct cenv_digest *digest, unsigned char *out)
{
    unsigned int len = 0;
    return EVP_DigestFinal_ex(digest->context, out, &len) == 1 ? 0 : -1;
}

int cenv_digest_hex(struct cenv_digest *digest, char *hex)
{
    unsigned char raw[CENV_SHA256_LEN];
    if (cenv_digest_final(digest, raw) < 0)
        return -1;
    cenv_hex(raw, (size_t)EVP_MD_get_size(digest->kind), hex);
    return 0;
}

int cenv_sha256_hex(struct cenv_str data, char *hex)
{
    struct cenv_digest *digest = cenv_digest_new(CENV_SHA256);
    int rc = -1;
    if (digest && cenv_digest_update(digest, data.data, data.len) == 0)
        rc = cenv_digest_hex(digest, hex);
    cenv_digest_free(digest);
    return rc;
}

void cenv_hex(const unsigned char *raw, size_t len, char *hex)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < len; i++) {
        hex[2 * i] = digits[raw[i] >> 4];
        hex[2 * i + 1] = digits[raw[i] & 15];
    }
    hex[2 * len] = '\0';
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool cenv_unhex(struct cenv_str text, unsigned char *raw, size_t len)
{
    if (text.len != 2 * len)
        return false;
    for (size_t i = 0; i < len; i++) {
        int high = hex_value(text.data[2 * i]);
        int low = hex_value(text.data[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        raw[i] = (unsigned char)(high << 4 | low);
    }
    return true;
}
