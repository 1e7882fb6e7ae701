/* SPDX-License-Identifier: BSD-3-Clause */
/* Descriptions of templates of any bytes: refused, or of sizes and digests that can be fetched. */
#include <stdlib.h>
#include <string.h>

#include "archive/parcel.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void check_hex(const char *hex)
{
    require(strlen(hex) == CENV_DIGEST_HEX_MAX - 1);
    require(strspn(hex, "0123456789abcdef") == CENV_DIGEST_HEX_MAX - 1);
}

static void check_parcel(const struct cenv_parcel *parcel)
{
    check_hex(parcel->head.id);
    check_hex(parcel->delta.sha256);
    check_hex(parcel->delta.toc_sha256);
    require(parcel->head.from[0] == '/');
    require(parcel->delta.toc <= parcel->delta.size);
    require(parcel->delta.size <= CENV_PARCEL_BLOB_MAX);
    for (size_t i = 0; i < parcel->nr_packages; i++) {
        check_hex(parcel->packages[i].sha256);
        require(parcel->packages[i].size <= CENV_PARCEL_BLOB_MAX);
        require(!memchr(parcel->packages[i].fn.data, '/', parcel->packages[i].fn.len));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_arena arena = CENV_ARENA_INIT;
    struct cenv_request machine = {0};
    struct cenv_str text = cenv_str_n((const char *)data, size);
    for (int i = 0; i < 2; i++) {
        struct cenv_parcel parcel;
        int rc = cenv_parcel_read(&parcel, text, i ? &machine : NULL, &arena, &err);
        if (rc == 0)
            check_parcel(&parcel);
        require(rc == 0 || err.message[0]);
        cenv_parcel_release(&parcel);
        cenv_error_release(&err);
    }
    cenv_arena_release(&arena);
    return 0;
}
