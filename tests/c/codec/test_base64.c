/* SPDX-License-Identifier: BSD-3-Clause */
/* codec/base64: the vectors of RFC 4648, and what is none. */
#include "codec/base64.h"

#include "check.h"

static void test_base64__goes_there_and_back(void)
{
    static const struct {
        const char *plain, *letters;
    } cases[] = {
        {"", ""},
        {"f", "Zg=="},
        {"ab", "YWI="},
        {"foo", "Zm9v"},
        {"foobar", "Zm9vYmFy"},
        {"user:p\xc3\xa9", "dXNlcjpww6k="},
        {"\xfb\xff", "+/8="},
    };
    struct cenv_buf out;

    cenv_buf_init(&out, 100);
    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        check_case(cases[i].letters);
        cenv_buf_clear(&out);
        CHECK(cenv_base64_encode(&out, cenv_str(cases[i].plain)));
        CHECK_STR(cenv_buf_str(&out).data, cases[i].letters);
        cenv_buf_clear(&out);
        CHECK(cenv_base64_decode(&out, cenv_str(cases[i].letters)));
        CHECK_STR(cenv_buf_str(&out).data, cases[i].plain);
    }
    cenv_buf_clear(&out);
    CHECK(cenv_base64_decode(&out, CENV_STR("YWI"))); /* some leave the end out */
    CHECK_STR(out.data, "ab");
    cenv_buf_release(&out);
}

static void test_base64__refuses_other_letters(void)
{
    static const char *const texts[] = {"Z", "Zm9vY", "Zm 9v", "Zm9-", "Zm=v", "\x80"};
    struct cenv_buf out;

    cenv_buf_init(&out, 100);
    for (size_t i = 0; i < CHECK_NR(texts); i++) {
        check_case(texts[i]);
        CHECK(!cenv_base64_decode(&out, cenv_str(texts[i])));
    }
    cenv_buf_release(&out);
}

int main(void)
{
    RUN(test_base64__goes_there_and_back);
    RUN(test_base64__refuses_other_letters);
    return check_report();
}
