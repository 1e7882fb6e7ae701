/* SPDX-License-Identifier: BSD-3-Clause */
/* Prefix relocation over any bytes: binaries keep their length, texts no placeholder. */
#include <stdlib.h>
#include <string.h>

#include "cenv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The first byte picks mode and prefix length; the rest is the file. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char prefix[] = "/a/rather/long/prefix/in/its/very/best/years";
    struct cenv_str placeholder = CENV_STR("/opt/ph_placehold");
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_buf out;
    if (size == 0)
        return 0;
    bool binary = data[0] & 1;
    struct cenv_str file = cenv_str_n((const char *)data + 1, size - 1);
    struct cenv_str to = cenv_str_n(prefix, 2 + data[0] % (sizeof(prefix) - 2));
    if (to.data[to.len - 1] == '/')
        to.len--; /* with what follows it could be the beginning of a placeholder */
    cenv_buf_init(&out, 1 << 26);
    if (cenv_relocate(file, placeholder, to, binary, &out, &err) < 0) {
        if (out.len != 0)
            abort();
    } else if (binary) {
        if (out.len != file.len)
            abort();
    } else if (out.len &&
               cenv_find_bytes(out.data, out.len, placeholder.data, placeholder.len)) {
        abort(); /* no prefix above can be the beginning of a placeholder */
    }
    cenv_error_release(&err);
    cenv_buf_release(&out);
    return 0;
}
