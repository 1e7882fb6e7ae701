/* SPDX-License-Identifier: BSD-3-Clause */
/* codec/cursor: pieces taken over the borders of blocks, an input that ends or fails. */
#include "codec/cursor.h"

#include "check.h"

/* An input of short blocks. */
struct drip {
    const char *text;
    size_t block;
    bool fails; /* at its end */
};

static int drip_read(void *ctx, const void **data, size_t *len, struct cenv_error *err)
{
    struct drip *drip = ctx;
    size_t left = strlen(drip->text);
    *len = left < drip->block ? left : drip->block;
    *data = drip->text;
    drip->text += *len;
    if (!left && drip->fails)
        return cenv_error_set(err, CENV_EFAIL, "broken");
    return 0;
}

static void test_cursor__takes_over_the_borders_of_blocks(void)
{
    for (size_t block = 1; block <= 12; block++) {
        struct cenv_error err = CENV_ERROR_INIT;
        struct drip drip = {.text = "abcdefghij", .block = block};
        struct cenv_cursor at = {.from = {drip_read, &drip}};
        char got[5] = "";
        CHECK_INT(cenv_cursor_take(&at, got, 4, &err), 1);
        CHECK_STR(got, "abcd");
        CHECK_INT(cenv_cursor_take(&at, NULL, 2, &err), 1);
        CHECK_INT(at.offset, 6);
        CHECK_INT(cenv_cursor_take(&at, got, 4, &err), 1);
        CHECK_STR(got, "ghij");
        CHECK_INT(cenv_cursor_fill(&at, &err), 0);
        CHECK_INT(at.len, 0);
    }
}

static void test_cursor__tells_an_end_from_a_failure(void)
{
    for (int fails = 0; fails <= 1; fails++) {
        struct cenv_error err = CENV_ERROR_INIT;
        struct drip drip = {.text = "abc", .block = 2, .fails = fails};
        struct cenv_cursor at = {.from = {drip_read, &drip}};
        char got[5];
        CHECK_INT(cenv_cursor_take(&at, got, 4, &err), fails ? CENV_EFAIL : 0);
        CHECK_INT(at.offset, 3);
        cenv_error_release(&err);
    }
}

int main(void)
{
    RUN(test_cursor__takes_over_the_borders_of_blocks);
    RUN(test_cursor__tells_an_end_from_a_failure);
    return check_report();
}
