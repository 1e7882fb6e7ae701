/* SPDX-License-Identifier: BSD-3-Clause */
/* Hashes that repodata does not tell: a request like any other. */
#include "store/known_hash.h"

#include <stdio.h>

#include "base/digest.h"
#include "codec/json.h"
#include "os/fs.h"

static int hash_request(struct cenv_str url, struct cenv_str md5, uint64_t size,
                        struct cenv_buf *out)
{
    cenv_buf_addf(out, "sha256\n%.*s\n%.*s\n%llu", CENV_STR_ARG(url), CENV_STR_ARG(md5),
                  (unsigned long long)size);
    return out->failed ? -1 : 0;
}

int cenv_known_hash_put(const struct cenv_store *store, struct cenv_str url,
                        struct cenv_str md5, uint64_t size, const char *sha256,
                        struct cenv_error *err)
{
    struct cenv_buf request;
    char reply[CENV_DIGEST_HEX_MAX + 32], key[CENV_STORE_KEY], name[64];
    cenv_buf_init(&request, 1 << 20);
    int rc = hash_request(url, md5, size, &request) < 0 ? cenv_error_oom(err) : 0;
    if (rc == 0)
        rc = cenv_layout_key(cenv_buf_str(&request), key, err);
    if (rc == 0) {
        snprintf(reply, sizeof(reply), "{\"sha256\":\"%.64s\"}", sha256);
        snprintf(name, sizeof(name), "%s.json", key);
        rc = cenv_fs_write_atomic(store->dirs[CENV_STORE_REQUESTS], name,
                                  cenv_str(reply), 0644, err);
    }
    cenv_buf_release(&request);
    return rc;
}

static bool take_hash(const struct cenv_json *reply, char *sha256)
{
    unsigned char raw[CENV_SHA256_LEN];
    if (!cenv_unhex(cenv_json_get_str(reply, "sha256"), raw, sizeof(raw)))
        return false;
    cenv_hex(raw, sizeof(raw), sha256);
    return true;
}

int cenv_known_hash_find(const struct cenv_store *store, struct cenv_str url,
                         struct cenv_str md5, uint64_t size, char *sha256)
{
    struct cenv_buf request;
    struct cenv_json *reply = NULL;
    struct cenv_error ignored = CENV_ERROR_INIT;
    char key[CENV_STORE_KEY], name[64];
    cenv_buf_init(&request, 1 << 20);
    int rc = hash_request(url, md5, size, &request);
    if (rc == 0)
        rc = cenv_layout_key(cenv_buf_str(&request), key, &ignored);
    if (rc == 0) {
        snprintf(name, sizeof(name), "%s.json", key);
        rc = cenv_layout_load_json(store->dirs[CENV_STORE_REQUESTS], name, &reply,
                                   &ignored);
    }
    if (rc == 0 && !take_hash(reply, sha256))
        rc = 1;
    cenv_json_free(reply);
    cenv_buf_release(&request);
    cenv_error_release(&ignored);
    return rc == 0 ? 0 : 1;
}
