/* SPDX-License-Identifier: BSD-3-Clause */
/* Any bytes as MessagePack: refused with a reason, or JSON that is packed and read again the
 * same. */
#include <stdlib.h>

#include "codec/json.h"
#include "codec/msgpack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* JSON, packed and unpacked. */
static void there_and_back(const struct cenv_json *tree, struct cenv_buf *out)
{
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_buf packed;

    cenv_buf_init(&packed, 1 << 28);
    if (!cenv_msgpack_from_json(tree, &packed) ||
        cenv_msgpack_to_json(cenv_buf_str(&packed), out, &err) < 0)
        abort();
    cenv_buf_release(&packed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cenv_str in = {size ? (const char *)data : "", size};
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_json *tree = NULL;
    struct cenv_buf json, again;
    int rc;

    cenv_buf_init(&json, 1 << 28);
    cenv_buf_init(&again, 1 << 28);
    rc = cenv_msgpack_to_json(in, &json, &err);
    if (rc != 0 && (rc != CENV_EINTEGRITY || !err.message[0]))
        abort();
    /* what JSON trees refuse (NUL in a text) ends here */
    if (rc == 0 && cenv_json_parse(&tree, cenv_buf_str(&json), "it", &err) == 0)
        there_and_back(tree, &again);
    cenv_json_free(tree);
    cenv_buf_release(&json);
    cenv_buf_release(&again);
    cenv_error_release(&err);
    return 0;
}
