/* SPDX-License-Identifier: BSD-3-Clause */
/* Fuzzes versions: three lines, whose order must be total and agree with constraints. */
#include <stdint.h>
#include <stdlib.h>

#include "cenv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { NR = 3 };

static void check(bool holds)
{
    if (!holds)
        abort();
}

/* Whether `version` satisfies "==text" and the like; -1: that is no constraint. */
static int satisfies(const struct cenv_version *version, const char *op,
                     struct cenv_str text)
{
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_buf constraint;
    bool match = false;

    cenv_buf_init(&constraint, 1 << 16);
    cenv_buf_puts(&constraint, op);
    cenv_buf_add_str(&constraint, text);
    int rc = cenv_version_matches(version, cenv_buf_str(&constraint), &match, &err);
    cenv_buf_release(&constraint);
    cenv_error_release(&err);
    return rc == 0 ? match : -1;
}

static void check_pair(const struct cenv_version *a, const struct cenv_version *b)
{
    struct cenv_str text = cenv_version_text(b);
    int order = cenv_version_compare(a, b);

    check(cenv_version_compare(b, a) == -order);
    check(cenv_str_eq(cenv_version_key(a), cenv_version_key(b)) == (order == 0));
    if (cenv_str_find(text, '*') < text.len)
        return;
    check(satisfies(a, "==", text) == (order == 0));
    check(satisfies(a, "!=", text) == (order != 0));
    check(satisfies(a, "<", text) == (order < 0));
    check(satisfies(a, "<=", text) == (order <= 0));
    check(satisfies(a, ">", text) == (order > 0));
    check(satisfies(a, ">=", text) == (order >= 0));
    check(order != 0 || satisfies(a, "=", text) == 1);
    check(satisfies(b, "=", text) == 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cenv_str rest = cenv_str_n((const char *)data, size);
    struct cenv_version *v[NR] = {NULL};

    for (size_t i = 0; i < NR; i++) {
        struct cenv_error err = CENV_ERROR_INIT;
        cenv_version_new(&v[i], cenv_str_cut(&rest, '\n'), &err);
        cenv_error_release(&err);
    }
    for (size_t i = 0; i < NR; i++)
        for (size_t j = 0; j < NR; j++)
            if (v[i] && v[j])
                check_pair(v[i], v[j]);
    if (v[0] && v[1] && v[2] && cenv_version_compare(v[0], v[1]) <= 0 &&
        cenv_version_compare(v[1], v[2]) <= 0)
        check(cenv_version_compare(v[0], v[2]) <= 0);
    for (size_t i = 0; i < NR; i++)
        cenv_version_free(v[i]);
    return 0;
}
