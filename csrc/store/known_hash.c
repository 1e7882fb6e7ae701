/* SPDX-License-Identifier: BSD-3-Clause */
/* Hashes that repodata does not tell: a request like any other. */
#include "store/known_hash.h"

#include <stdio.h>

#include "base/digest.h"
#include "base/hex.h"
#include "codec/json.h"
#include "store/request_cache.h"

enum { REQUEST_MAX = 1 << 20 };

/* False: no memory. */
static bool add_request(struct cenv_str url, struct cenv_str md5, uint64_t size,
                        struct cenv_buf *out)
{
    cenv_buf_addf(out, "sha256\n%.*s\n%.*s\n%llu", CENV_STR_ARG(url), CENV_STR_ARG(md5),
                  (unsigned long long)size);
    return !out->failed;
}

int cenv_known_hash_put(const struct cenv_store *store, struct cenv_str url,
                        struct cenv_str md5, uint64_t size, const char *sha256,
                        struct cenv_error *err)
{
    struct cenv_buf request;
    char reply[CENV_DIGEST_HEX_MAX + 32];
    snprintf(reply, sizeof(reply), "{\"sha256\":\"%.64s\"}", sha256);
    cenv_buf_init(&request, REQUEST_MAX);
    int rc = add_request(url, md5, size, &request)
                 ? cenv_request_cache_put(store, cenv_buf_str(&request),
                                          cenv_str(reply), err)
                 : cenv_error_oom(err);
    cenv_buf_release(&request);
    return rc;
}

static bool read_hash(const struct cenv_json *reply, char *sha256)
{
    unsigned char raw[CENV_SHA256_LEN];
    if (!cenv_unhex(cenv_json_get_str(reply, "sha256"), raw, sizeof(raw)))
        return false;
    cenv_hex(raw, sizeof(raw), sha256);
    return true;
}

bool cenv_known_hash_find(const struct cenv_store *store, struct cenv_str url,
                          struct cenv_str md5, uint64_t size, char *sha256)
{
    struct cenv_buf request;
    struct cenv_json *reply = NULL;
    struct cenv_error ignored = CENV_ERROR_INIT;
    cenv_buf_init(&request, REQUEST_MAX);
    bool known =
        add_request(url, md5, size, &request) &&
        cenv_request_cache_find(store, cenv_buf_str(&request), &reply, &ignored) == 0 &&
        read_hash(reply, sha256);
    cenv_json_free(reply);
    cenv_buf_release(&request);
    cenv_error_release(&ignored);
    return known;
}
