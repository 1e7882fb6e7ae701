/* SPDX-License-Identifier: BSD-3-Clause */
/* Any bytes as JSON: refused with a reason, or printed and read again to the same text. */
#include <stdlib.h>

#include "codec/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct cenv_buf print(const struct cenv_json *doc)
{
    struct cenv_buf out;

    cenv_buf_init(&out, 1 << 28);
    if (!cenv_json_print(doc, CENV_JSON_SORT, &out))
        abort();
    return out;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cenv_str text = {size ? (const char *)data : "", size};
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_json *doc = NULL, *again = NULL;

    if (cenv_json_parse(&doc, text, "doc", &err) != 0) {
        if (err.status != CENV_EINTEGRITY || !err.message[0] || doc)
            abort();
        cenv_error_release(&err);
        return 0;
    }
    struct cenv_buf first = print(doc);
    if (cenv_json_parse(&again, cenv_buf_str(&first), "doc", &err) != 0)
        abort();
    struct cenv_buf second = print(again);
    if (!cenv_str_eq(cenv_buf_str(&first), cenv_buf_str(&second)))
        abort();
    cenv_buf_release(&first);
    cenv_buf_release(&second);
    cenv_json_free(doc);
    cenv_json_free(again);
    return 0;
}
