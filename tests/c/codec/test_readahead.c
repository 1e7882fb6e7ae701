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

/* The same, into memory of the reader's: never as much as there is room for. */
static int tap_fill(void *ctx, char *room, size_t size, size_t *len,
                    struct cenv_error *err)
{
    struct tap *tap = ctx;
    size_t left = SIZE - tap->given;
    *len = size - tap->given % 7 < left ? size - tap->given % 7 : left;
    for (size_t i = 0; i < *len; i++)
        room[i] = (char)((tap->given + i) * 31 >> 3);
    tap->given += *len;
    return !left && tap->fails ? cenv_error_set(err, CENV_EINTEGRITY, "broken") : 0;
}

static struct cenv_input tap_input(struct tap *tap, bool fills)
{
    return (struct cenv_input){
        .read = tap_read, .ctx = tap, .fill = fills ? tap_fill : NULL};
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
    for (int kind = 0; kind < 4; kind++) {
        bool fails = kind & 1, fills = kind & 2;
        struct cenv_error err = CENV_ERROR_INIT;
        struct cenv_readahead *ahead = NULL;
        struct tap *tap = cenv_calloc(1, sizeof(*tap));
        int rc = -1;
        if (!CHECK(tap))
            return;
        tap->fails = fails;
        CHECK_INT(cenv_readahead_new(&ahead, tap_input(tap, fills), &err), 0);
        CHECK_INT(drain(cenv_readahead_input(ahead), &rc, &err), SIZE);
        CHECK_INT(rc, fails ? CENV_EINTEGRITY : 0);
        CHECK_STR(err.message, fails ? "broken" : "");
        cenv_readahead_free(ahead);
        cenv_error_release(&err);
        cenv_free(tap);
    }
}

static void leave_in_the_middle(bool fills)
{
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_readahead *ahead = NULL;
    struct tap *tap = cenv_calloc(1, sizeof(*tap));
    const void *data;
    size_t len = 0;
    if (!CHECK(tap))
        return;
    CHECK_INT(cenv_readahead_new(&ahead, tap_input(tap, fills), &err), 0);
    struct cenv_input input = cenv_readahead_input(ahead);
    CHECK_INT(input.read(input.ctx, &data, &len, &err), 0);
    CHECK(len > 0);
    cenv_readahead_free(ahead);
    CHECK(tap->given < SIZE);
    cenv_free(tap);
}

static void test_readahead__can_be_left_in_the_middle(void)
{
    leave_in_the_middle(false);
    leave_in_the_middle(true);
    cenv_readahead_free(NULL);
}

int main(void)
{
    RUN(test_readahead__gives_what_the_input_has);
    RUN(test_readahead__can_be_left_in_the_middle);
    return check_report();
}
