/* SPDX-License-Identifier: BSD-3-Clause */
/* Any bytes as a ZIP container: refused with a reason, or the members fill the file. */
#include <stdlib.h>

#include "codec/zip.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int read_members(struct cenv_zip *zip, uint64_t *total, struct cenv_error *err)
{
    struct cenv_input in = cenv_zip_input(zip);
    const struct cenv_zip_member *member;
    const void *data;
    size_t len;
    int rc;

    while ((rc = cenv_zip_next(zip, &member, err)) == 1) {
        uint64_t size = 0;
        do {
            rc = in.read(in.ctx, &data, &len, err);
            if (rc < 0)
                return rc;
            size += len;
        } while (len > 0);
        if (size != member->packed || (!member->deflated && size != member->size))
            abort();
        *total += size;
    }
    return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cenv_str bytes = {size ? (const char *)data : "", size};
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_zip *zip = NULL;
    uint64_t total = 0;

    if (cenv_zip_open(&zip, cenv_input_span(&bytes), &err) != 0)
        abort();
    int rc = read_members(zip, &total, &err);
    if (rc < 0 ? rc != CENV_EINTEGRITY || !err.message[0] : total >= size)
        abort();
    cenv_zip_free(zip);
    cenv_error_release(&err);
    return 0;
}
