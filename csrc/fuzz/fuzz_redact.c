/* SPDX-License-Identifier: BSD-3-Clause */
/* Fuzzes redaction: any text goes through it, and a password is hidden whatever is in it. */
#include <stdint.h>
#include <stdlib.h>

#include "base/printable.h"
#include "base/redact.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SIZE_MOST = 4096 };

/* Another URL, a line's end, or a blank before the '@' would end what is taken for the password. */
static bool may_be_password(struct cenv_str text)
{
    return text.len && (unsigned char)text.data[text.len - 1] > ' ' &&
           !cenv_find_bytes(text.data, text.len, "//", 2) &&
           !cenv_find_bytes(text.data, text.len, ":/", 2) &&
           cenv_str_find(text, '\n') == text.len;
}

static void check_password(struct cenv_str password)
{
    struct cenv_buf text, out;

    cenv_buf_init(&text, 2 * SIZE_MOST);
    cenv_buf_init(&out, 8 * SIZE_MOST);
    cenv_buf_puts(&text, "get http://user:");
    cenv_buf_add_str(&text, password);
    cenv_buf_puts(&text, "@host.org/c");
    if (!cenv_redact(&out, cenv_buf_str(&text)) ||
        !cenv_str_is(cenv_buf_str(&out), "get http://***@host.org/c"))
        abort();
    cenv_buf_release(&out);
    cenv_buf_release(&text);
}

static void check_any(struct cenv_str text)
{
    static char fixed[8 * SIZE_MOST], shown[8 * SIZE_MOST];
    struct cenv_buf out;

    cenv_buf_init(&out, 8 * SIZE_MOST);
    if (!cenv_redact(&out, text))
        abort();
    cenv_redact_into(fixed, sizeof(fixed), text);
    cenv_printable_into(shown, sizeof(shown), cenv_str(fixed), false);
    for (const char *at = shown; *at; at++)
        if ((unsigned char)*at < ' ' && *at != '\t')
            abort();
    if (memcmp(fixed, out.data ? out.data : "", out.len) != 0)
        abort();
    cenv_buf_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cenv_str text =
        cenv_str_n((const char *)data, size < SIZE_MOST ? size : SIZE_MOST);

    check_any(text);
    if (may_be_password(text))
        check_password(text);
    return 0;
}
