/* SPDX-License-Identifier: BSD-3-Clause */
/* Copying by hand: see copy.h. */
#include "os/copy.h"

#include <errno.h>
#include <stddef.h>

#include "base/alloc.h"
#include "os/raw_data.h"

enum { COPY_BLOCK = 128 * 1024 };

int cenv_raw_copy_bytes(int from, int to, uint64_t at, uint64_t end)
{
    int rc = 0;
    char *block = cenv_malloc(COPY_BLOCK);
    if (!block)
        return -ENOMEM;
    while (at < end && rc == 0) {
        size_t want = end - at < COPY_BLOCK ? (size_t)(end - at) : COPY_BLOCK;
        int64_t n = cenv_raw_pread(from, block, want, at);
        if (n <= 0)
            rc = n < 0 ? (int)n : -EIO; /* truncated while we copied */
        else
            rc = cenv_raw_pwrite(to, block, (size_t)n, at);
        at += n > 0 ? (uint64_t)n : 0;
    }
    cenv_free(block);
    return rc;
}
