/* SPDX-License-Identifier: BSD-3-Clause */
/* codec/url: schemes, redaction, joining, quoting. */
#include "codec/url.h"

#include "check.h"

static const char *show(struct cenv_buf *buf)
{
    return buf->failed ? "(failed)" : cenv_buf_str(buf).data;
}

static void test_url__scheme_and_token_lengths(void)
{
    CHECK_INT(cenv_url_scheme_len(CENV_STR("https://host")), 5);
    CHECK_INT(cenv_url_scheme_len(CENV_STR("s3+x.y-z://b")), 8);
    CHECK_INT(cenv_url_scheme_len(CENV_STR("https:/host")), 0);
    CHECK_INT(cenv_url_scheme_len(CENV_STR("3s://host")), 0);
    CHECK_INT(cenv_url_scheme_len(CENV_STR("/srv://c")), 0);
    CHECK_INT(cenv_url_scheme_len(CENV_STR("")), 0);
    CHECK_INT(cenv_url_token_len(CENV_STR("tk-1_a.b~%20/c")), 12);
    CHECK_INT(cenv_url_token_len(CENV_STR("/c")), 0);
}

static bool quote(struct cenv_buf *out, struct cenv_str text)
{
    char *room = cenv_buf_reserve(out, cenv_url_quoted_len(text));

    if (!room)
        return false;
    cenv_url_quote(room, text);
    out->len += cenv_url_quoted_len(text);
    out->data[out->len] = '\0';
    return true;
}

typedef bool (*one_fn)(struct cenv_buf *out, struct cenv_str text);

static void test_url__texts(void)
{
    static const struct {
        one_fn fn;
        const char *in, *out;
    } cases[] = {
        {cenv_url_redact, "cannot get https://u:p@host/t/tk-1/c and //x@y/z",
         "cannot get https://***@host/t/***/c and //***@y/z"},
        {cenv_url_redact, "user@host is kept, https://host/a@b too",
         "user@host is kept, https://host/a@b too"},
        {cenv_url_redact, "'https://a:p@x@host/c'", "'https://***@host/c'"},
        {quote, "x264-1!164+a_b.conda", "x264-1!164+a_b.conda"},
        {quote, "a b%#?", "a%20b%25%23%3F"},
        {cenv_url_unquote, "x264-1%21164%2e", "x264-1!164."},
    };

    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        struct cenv_buf out;
        check_case(cases[i].in);
        cenv_buf_init(&out, 4096);
        CHECK(cases[i].fn(&out, cenv_str(cases[i].in)));
        CHECK_STR(show(&out), cases[i].out);
        cenv_buf_release(&out);
    }
}

static void test_url__unquote_refuses(void)
{
    static const char *const cases[] = {"%", "%2", "%zz", "a%00b"};

    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        struct cenv_buf out;
        check_case(cases[i]);
        cenv_buf_init(&out, 4096);
        CHECK(!cenv_url_unquote(&out, cenv_str(cases[i])));
        cenv_buf_release(&out);
    }
}

static void test_url__join(void)
{
    static const struct {
        const char *base, *ref, *out;
    } cases[] = {
        {"https://h/a/b", "c", "https://h/a/b/c"},
        {"https://h/a/b/", "c/", "https://h/a/b/c/"},
        {"https://h/a/b", "../c", "https://h/a/c"},
        {"https://h/a", "../../../c", "https://h/c"},
        {"https://h/a", "/c/./d", "https://h/c/d"},
        {"https://h/a", "//i/c", "https://i/c"},
        {"https://h/a", "http://i/c", "http://i/c"},
        {"https://h/a", "", "https://h/a"},
        {"file:///a/b", "../c", "file:///a/c"},
    };

    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        struct cenv_buf out;
        check_case(cases[i].ref);
        cenv_buf_init(&out, 4096);
        CHECK(cenv_url_join(&out, cenv_str(cases[i].base), cenv_str(cases[i].ref)));
        CHECK_STR(show(&out), cases[i].out);
        cenv_buf_release(&out);
    }
}

int main(void)
{
    RUN(test_url__scheme_and_token_lengths);
    RUN(test_url__texts);
    RUN(test_url__unquote_refuses);
    RUN(test_url__join);
    return check_report();
}
