/* SPDX-License-Identifier: BSD-3-Clause */
/* codec/url: schemes, parts, normal form, joining, quoting. */
#include "codec/url.h"

#include "check.h"

static const char *show(struct cenv_buf *buf)
{
    return buf->failed ? "(failed)" : cenv_buf_str(buf).data;
}

static void test_url__scheme_lengths(void)
{
    CHECK_INT(cenv_url_scheme_len(CENV_STR("https://host")), 5);
    CHECK_INT(cenv_url_scheme_len(CENV_STR("s3+x.y-z://b")), 8);
    CHECK_INT(cenv_url_scheme_len(CENV_STR("https:/host")), 0);
    CHECK_INT(cenv_url_scheme_len(CENV_STR("3s://host")), 0);
    CHECK_INT(cenv_url_scheme_len(CENV_STR("/srv://c")), 0);
    CHECK_INT(cenv_url_scheme_len(CENV_STR("")), 0);
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

/* ---- one form for each place ---- */

static const struct {
    const char *url, *normal, *clean; /* normal NULL: it is malformed */
} forms[] = {
    {"https://Host.ORG/Chan/", "https://host.org/Chan", "https://host.org/Chan"},
    {"HTTPS://host:443/c//d/./x/../e/", "https://host/c/d/e", "https://host/c/d/e"},
    {"http://host:80/", "http://host", "http://host"},
    {"http://host:/c", "http://host/c", "http://host/c"},
    {"https://host:80/c", "https://host:80/c", "https://host:80/c"},
    {"http://[::1]:8080/c", "http://[::1]:8080/c", "http://[::1]:8080/c"},
    {"https://host/a b/gr\xc3\xb6\xc3\x9f"
     "e/%7e%2f%c3%b6/50%",
     "https://host/a%20b/gr%C3%B6%C3%9Fe/~%2F%C3%B6/50%25",
     "https://host/a%20b/gr%C3%B6%C3%9Fe/~%2F%C3%B6/50%25"},
    {"https://host/a/%2e%2e/b", "https://host/b", "https://host/b"},
    {"https://u:p@host/r/t/tk-1/c?x=y z#f", "https://u:p@host/r/t/tk-1/c?x=y%20z",
     "https://host/r/c"},
    {"https://u:p@x@host/c", "https://u:p%40x@host/c", "https://host/c"},
    {"https://u:it's <it>@host/c", "https://u:it's%20%3Cit%3E@host/c",
     "https://host/c"},
    {"https://host.org/a@b/c", "https://host.org/a@b/c", "https://host.org/a@b/c"},
    {"https://host:8/@b/c", "https://host:8/@b/c", "https://host:8/@b/c"},
    {"s3://KEY:SEC%2FRET@bucket/c", "s3://KEY:SEC%2FRET@bucket/c", "s3://bucket/c"},
    /* a password typed as it is: nobody knows where it ends */
    {"https://u:a/b@host/c", NULL, "https://***"},
    {"https://u:1/b@host/c", NULL, "https://***"},
    {"https://host/t//tk-1/c", NULL, "https://***"},
    {"https://u:p@host/a/v:q@other.org/c", NULL, "https://***"},
    {"https://host/a/t//t/tk-1/c", NULL, "https://***"},
    {"https://host/t/tk-1/t//b", NULL, "https://***"},
    {"https://host/t/t/tk-1/c", NULL, "https://***"},
    {"https://host/t/./tk-1/c", NULL, "https://***"},
    {"https://host/t/%2E/tk-1/c", NULL, "https://***"},
    {"https://host/t/a/../tk-1/c", NULL, "https://***"},
    {"https://host/a/../t/tk-1/c", NULL, "https://***"},
    {"https://to/ken@host.org/c", NULL, "https://***"},
    {"https://host/a@b", "https://host/a@b", "https://host/a@b"},
    {"https://to/ken@host%2eorg/c", NULL, "https://***"},
    {"https://u:a?b@host/c", NULL, "https://***"},
    {"https://u:a#b@host/c", NULL, "https://***"},
    {"https://ho st/c", NULL, "https://***"},
    {"https:///c", NULL, "https://***"},
    {"https://[::1/c", NULL, "https://***"},
    /* of this machine: nothing is secret, and nothing is a token */
    {"/srv/t/x/c/", "file:///srv/t/x/c", "/srv/t/x/c/"},
    {"/srv/50%41/a b#c", "file:///srv/50%2541/a%20b%23c", "/srv/50%41/a b#c"},
    {"/", "file:///", "/"},
    {"file:///srv/50%", "file:///srv/50%25", "file:///srv/50%25"},
    {"file:///srv/50%25/", "file:///srv/50%25", "file:///srv/50%25"},
    {"file:/srv//t/./x/c", "file:///srv/t/x/c", "file:///srv/t/x/c"},
    {"FILE://localhost/srv/a b", "file:///srv/a%20b", "file:///srv/a%20b"},
    {"file:///home/me@work/c", "file:///home/me@work/c", "file:///home/me@work/c"},
    {"file:///gr%c3%b6%C3%9fe", "file:///gr%C3%B6%C3%9Fe", "file:///gr%C3%B6%C3%9Fe"},
    {"file:///a%00b", NULL, "file:///a%00b"},
    {"file://srv/c", NULL, "file://srv/c"},
    {"file://u:p@host/c", NULL, "file://***"},
    {"conda-forge", NULL, "conda-forge"},
};

static void test_url__normal_form(void)
{
    for (size_t i = 0; i < CHECK_NR(forms); i++) {
        struct cenv_buf normal, clean, again;
        check_case(forms[i].url);
        cenv_buf_init(&normal, 4096);
        cenv_buf_init(&clean, 4096);
        cenv_buf_init(&again, 4096);
        CHECK_INT(cenv_url_normalize(&normal, cenv_str(forms[i].url)),
                  forms[i].normal != NULL);
        CHECK_STR(normal.data ? normal.data : "",
                  forms[i].normal ? forms[i].normal : "");
        CHECK(cenv_url_clean(&clean, cenv_str(forms[i].url)));
        CHECK_STR(show(&clean), forms[i].clean);
        if (forms[i].normal) {
            CHECK(cenv_url_normalize(&again, cenv_buf_str(&normal)));
            CHECK_STR(show(&again), forms[i].normal);
        }
        cenv_buf_release(&normal);
        cenv_buf_release(&clean);
        cenv_buf_release(&again);
    }
}

int main(void)
{
    RUN(test_url__normal_form);
    RUN(test_url__scheme_lengths);
    RUN(test_url__texts);
    RUN(test_url__unquote_refuses);
    RUN(test_url__join);
    return check_report();
}
