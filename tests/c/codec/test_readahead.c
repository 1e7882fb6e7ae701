/* SPDX-License-Identifier: BSD-3-Clause */
/* codec/readahead: the same bytes as without it, the end and the failure of its input. */
#include "codec/readahead.h"

#include "base/alloc.h"
#include "check.h"

enum { SIZE = 5 << 20 };

/* SIZE bytes in blocks of odd sizes, then an end or a failure. */
struct tap {
    char block[70001];
    size_t given;
    bool fails;
};

static int tap_read(void *ctx, const void **data, size_t *len, struct cenv_error *err)
{
    struct tap *tap = ctx;
    size_t left = SIZE - tap->given;
    *len = left < sizeof(tap->block) ? left : sizeof(tap->block);
    for (size_t i = 0; i < *len; i++)
        tap->block[i] = (char)((tap->given + i) * 31 >> 3);
    *data = tap->block;
    tap->given += *len;
    return !left && tap->fails ? cenv_error_set(err, CENV_EINTEGRITY, "broken") : 0;
}

/* Reads all; the number of bytes that are what they should be. */
static size_t drain(struct cenv_input input, int *rc, struct cenv_error *err)
{
    const void *data;
    size_t len = 1, at = 0, right = 0;
    while ((*rc = input.read(input.ctx, &data, &len, err)) == 0 && len) {
        for (size_t i = 0; i < len; i++, at++)
            right += ((const char *)data)[i] == (char)(at * 31 >> 3);
    }
    return right;
}

static void test_readahead__gives_what_the_input_has(void)
{
    for (int fails = 0; fails <= 1; fails++) {
        struct cenv_error err = CENV_ERROR_INIT;
        struct cenv_readahead *ahead = NULL;
        struct tap *tap = cenv_calloc(1, sizeof(*tap));
        int rc = -1;
        if (!CHECK(tap))
            return;
        tap->fails = fails;
        CHECK_INT(cenv_readahead_new(&ahead, (struct cenv_input){tap_read, tap}, &err),
                  0);
        CHECK_INT(drain(cenv_readahead_input(ahead), &rc, &err), SIZE);
        CHECK_INT(rc, fails ? CENV_EINTEGRITY : 0);
        CHECK_STR(err.message, fails ? "broken" : "");
        cenv_readahead_free(ahead);
        cenv_error_release(&err);
        cenv_free(tap);
    }
}

static void test_readahead__can_be_left_in_the_middle(void)
{
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_readahead *ahead = NULL;
    struct tap *tap = cenv_calloc(1, sizeof(*tap));
    const void *data;
    size_t len = 0;
    if (!CHECK(tap))
        return;
    CHECK_INT(cenv_readahead_new(&ahead, (struct cenv_input){tap_read, tap}, &err), 0);
    struct cenv_input input = cenv_readahead_input(ahead);
    CHECK_INT(input.read(input.ctx, &data, &len, &err), 0);
    CHECK(len > 0);
    cenv_readahead_free(ahead);
    cenv_readahead_free(NULL);
    CHECK(tap->given < SIZE);
    cenv_free(tap);
}

int main(void)
{
    RUN(test_readahead__gives_what_the_input_has);
    RUN(test_readahead__can_be_left_in_the_middle);
    return check_report();
}
