/* SPDX-License-Identifier: BSD-3-Clause */
/* Fuzzes version constraints: a constraint, then versions; what is canonical must mean the same. */
#include <stdint.h>
#include <stdlib.h>

#include "cenv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int satisfies(const struct cenv_version *version, struct cenv_str constraint)
{
    struct cenv_error err = CENV_ERROR_INIT;
    bool match = false;

    int rc = cenv_version_matches(version, constraint, &match, &err);
    if (rc < 0 && (rc != err.status || !err.message[0]))
        abort();
    cenv_error_release(&err);
    return rc == 0 ? match : -1;
}

/* "(constraint)", "constraint|constraint" and "constraint,constraint" mean the same. */
static void check(const struct cenv_version *version, struct cenv_str constraint)
{
    static const char *const forms[][3] = {
        {"(", ")", ""}, {"", "|", "x"}, {"", ",(", ")"}};
    int match = satisfies(version, constraint);

    for (size_t i = 0; i < 3 && match >= 0; i++) {
        struct cenv_buf text;
        cenv_buf_init(&text, 1 << 18);
        cenv_buf_puts(&text, forms[i][0]);
        cenv_buf_add_str(&text, constraint);
        cenv_buf_puts(&text, forms[i][1]);
        if (forms[i][2][0]) {
            cenv_buf_add_str(&text, constraint);
            cenv_buf_puts(&text, forms[i][2][0] == 'x' ? "" : forms[i][2]);
        }
        int again = satisfies(version, cenv_buf_str(&text));
        if (again >= 0 && again != match) /* it may be nested too deeply now */
            abort();
        cenv_buf_release(&text);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cenv_str rest = cenv_str_n((const char *)data, size);
    struct cenv_str constraint = cenv_str_cut(&rest, '\n');

    for (int i = 0; i < 8 && rest.len; i++) {
        struct cenv_error err = CENV_ERROR_INIT;
        struct cenv_version *version = NULL;
        cenv_version_new(&version, cenv_str_cut(&rest, '\n'), &err);
        cenv_error_release(&err);
        if (version)
            check(version, constraint);
        cenv_version_free(version);
    }
    return 0;
}
