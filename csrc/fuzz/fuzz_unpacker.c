/* SPDX-License-Identifier: BSD-3-Clause */
/* Any bytes as a compressed file that is looked into: so much comes out and no more, or an error. */
#include <stdlib.h>

#include "codec/unpacker.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { UNPACKED_MAX = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_str file = {(const char *)data, size};
    struct cenv_unpacker *unpacker = NULL;
    const void *block;
    size_t len = 1, all = 0;
    int rc = cenv_unpacker_new(&unpacker, cenv_input_span(&file), UNPACKED_MAX, &err);
    struct cenv_input in = cenv_input_unpacker(unpacker);

    for (; rc == 0 && len; all += len)
        rc = in.read(in.ctx, &block, &len, &err);
    if (rc != 0 || all > UNPACKED_MAX)
        abort();
    if (cenv_unpacker_full(unpacker) && all != UNPACKED_MAX)
        abort();
    cenv_unpacker_free(unpacker);
    cenv_error_release(&err);
    return 0;
}
