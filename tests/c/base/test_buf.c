/* SPDX-License-Identifier: BSD-3-Clause */
/* base/buf: ceilings, failures that stay, contents that are always a string. */
#include "base/buf.h"

#include "base/alloc.h"
#include "check.h"

static void test_buf__grows_up_to_its_ceiling(void)
{
    struct cenv_buf buf;
    cenv_buf_init(&buf, 8);
    CHECK(cenv_buf_puts(&buf, "12345"));
    CHECK(cenv_buf_addf(&buf, "%d", 678));
    CHECK_STR(cenv_buf_str(&buf).data, "12345678");
    CHECK(!cenv_buf_putc(&buf, '9'));
    CHECK_INT(buf.failed, CENV_BUF_FULL);
    CHECK_STR(cenv_buf_str(&buf).data, "12345678");
    cenv_buf_release(&buf);
}

static void test_buf__failure_stays_until_cleared(void)
{
    struct cenv_buf buf;
    cenv_buf_init(&buf, 4);
    CHECK(!cenv_buf_puts(&buf, "12345"));
    CHECK(!cenv_buf_puts(&buf, "1"));
    CHECK_INT(buf.len, 0);
    CHECK(!cenv_buf_detach(&buf));
    CHECK(!cenv_buf_puts(&buf, "12345"));
    cenv_buf_clear(&buf);
    CHECK(cenv_buf_puts(&buf, "1"));
    CHECK_STR(cenv_buf_str(&buf).data, "1");
    cenv_buf_release(&buf);
}

static void test_buf__is_a_string_when_empty(void)
{
    struct cenv_buf buf;
    cenv_buf_init(&buf, 4);
    CHECK_STR(cenv_buf_str(&buf).data, "");
    char *text = cenv_buf_detach(&buf);
    CHECK_STR(text, "");
    cenv_free(text);
}

static void test_buf__detach_gives_the_memory_away(void)
{
    struct cenv_buf buf;
    cenv_buf_init(&buf, 64);
    cenv_buf_add(&buf, "a\0b", 3);
    char *text = cenv_buf_detach(&buf);
    CHECK_MEM(text, "a\0b", 4);
    CHECK_INT(buf.len, 0);
    CHECK(!buf.data);
    CHECK(cenv_buf_puts(&buf, "new"));
    cenv_free(text);
    cenv_buf_release(&buf);
}

static void test_buf__lacks_memory(void)
{
    struct cenv_buf buf;
    cenv_buf_init(&buf, 1 << 20);
    cenv_alloc_fail_nth(1);
    CHECK(!cenv_buf_puts(&buf, "x"));
    cenv_alloc_fail_nth(0);
    CHECK_INT(buf.failed, CENV_BUF_NO_MEMORY);
    cenv_buf_clear(&buf); /* who took the text before must still hear of it */
    CHECK(!cenv_buf_puts(&buf, "x"));
    CHECK_INT(buf.failed, CENV_BUF_NO_MEMORY);
    cenv_buf_release(&buf);
    CHECK(cenv_buf_puts(&buf, "x"));
    cenv_buf_release(&buf);
}

int main(void)
{
    RUN(test_buf__grows_up_to_its_ceiling);
    RUN(test_buf__failure_stays_until_cleared);
    RUN(test_buf__is_a_string_when_empty);
    RUN(test_buf__detach_gives_the_memory_away);
    RUN(test_buf__lacks_memory);
    return check_report();
}
