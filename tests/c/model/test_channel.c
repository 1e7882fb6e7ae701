/* SPDX-License-Identifier: BSD-3-Clause */
/* URLs of channels: parts, names, redaction (R15), joining, quoting. */
#include "model/channel.h"

#include "check.h"

static const char *show(struct cenv_buf *buf)
{
    return buf->failed ? "(failed)" : cenv_buf_str(buf).data;
}

static void test_channel__split(void)
{
    static const struct {
        const char *url, *parts; /* scheme|auth|host|root|token|location|subdir|file */
    } cases[] = {
        {"https://conda.anaconda.org/conda-forge",
         "https||conda.anaconda.org|||conda-forge||"},
        {"https://conda.anaconda.org/conda-forge/linux-64/",
         "https||conda.anaconda.org|||conda-forge|linux-64|"},
        {"https://conda.anaconda.org/t/tk-12-ab/conda-forge/noarch/a-1-0.conda",
         "https||conda.anaconda.org||tk-12-ab|conda-forge|noarch|a-1-0.conda"},
        {"https://u:p%40x@host:8080/a/b/t/tok/c/label/rc",
         "https|u:p%40x|host:8080|a/b|tok|c/label/rc||"},
        {"https://u@v:p@host/c", "https|u@v:p|host|||c||"},
        {"file:///srv/chan/linux-64/repodata.json",
         "file|||||srv/chan|linux-64|repodata.json"},
        {"https://host", "https||host|||||"},
        {"https://host/c/linux-64/a-1-0.tar.bz2#0123",
         "https||host|||c|linux-64|a-1-0.tar.bz2"},
        {"https://host/t/", "https||host|||t||"},
        {"s3://bucket/c?x=1", "s3||bucket|||c||"},
        {"https://host/best/tok/c", "https||host|||best/tok/c||"},
    };

    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        struct cenv_url u;
        char got[256];
        check_case(cases[i].url);
        if (!CHECK(cenv_url_split(&u, cenv_str(cases[i].url))))
            continue;
        snprintf(got, sizeof(got), "%.*s|%.*s|%.*s|%.*s|%.*s|%.*s|%.*s|%.*s",
                 CENV_STR_ARG(u.scheme), CENV_STR_ARG(u.auth), CENV_STR_ARG(u.host),
                 CENV_STR_ARG(u.root), CENV_STR_ARG(u.token), CENV_STR_ARG(u.location),
                 CENV_STR_ARG(u.subdir), CENV_STR_ARG(u.file));
        CHECK_STR(got, cases[i].parts);
    }
    struct cenv_url u;
    CHECK(!cenv_url_split(&u, CENV_STR("conda-forge")));
    CHECK(!cenv_url_split(&u, CENV_STR("/srv/chan")));
    CHECK(!cenv_url_split(&u, CENV_STR("")));
}

typedef int (*one_fn)(struct cenv_buf *out, struct cenv_str text);

static int name_of(struct cenv_buf *out, struct cenv_str text)
{
    return cenv_channel_name(out, text, CENV_STR("https://conda.anaconda.org"));
}

static int deep_name_of(struct cenv_buf *out, struct cenv_str text)
{
    return cenv_channel_name(out, text, CENV_STR("https://u:p@host/api/conda/"));
}

static int quote(struct cenv_buf *out, struct cenv_str text)
{
    char *room = cenv_buf_reserve(out, cenv_url_quoted_len(text));

    if (!room)
        return -1;
    cenv_url_quote(room, text);
    out->len += cenv_url_quoted_len(text);
    out->data[out->len] = '\0';
    return 0;
}

static void test_channel__texts(void)
{
    static const struct {
        one_fn fn;
        const char *in, *out;
    } cases[] = {
        {name_of, "https://conda.anaconda.org/conda-forge/linux-64", "conda-forge"},
        {name_of, "http://conda.anaconda.org/t/tk-1/bioconda/label/x",
         "bioconda/label/x"},
        {name_of, "https://repo.anaconda.com/pkgs/main",
         "https://repo.anaconda.com/pkgs/main"},
        {name_of, "https://u:p@repo/x/noarch", "https://repo/x"},
        {name_of, "file:///srv/c/", "file:///srv/c"},
        {name_of, "file:///home/t/mine/c", "file:///home/t/mine/c"},
        {name_of, "conda-forge", "conda-forge"},
        {deep_name_of, "https://host/api/conda/c/linux-64", "c"},
        {deep_name_of, "https://host/api/condas/c", "https://host/api/condas/c"},
        {cenv_url_strip, "https://u:p@host/t/tok/c/linux-64/a-1-0.conda",
         "https://host/c/linux-64/a-1-0.conda"},
        {cenv_url_strip, "https://host/c/", "https://host/c"},
        {cenv_url_strip, "file:///srv/c/noarch", "file:///srv/c/noarch"},
        {cenv_redact, "cannot get https://u:p@host/t/tk-1/c and //x@y/z",
         "cannot get https://***@host/t/***/c and //***@y/z"},
        {cenv_redact, "user@host is kept, https://host/a@b too",
         "user@host is kept, https://host/a@b too"},
        {cenv_redact, "'https://a:p@x@host/c'", "'https://***@host/c'"},
        {quote, "x264-1!164+a_b.conda", "x264-1!164+a_b.conda"},
        {quote, "a b%#?", "a%20b%25%23%3F"},
        {cenv_url_unquote, "x264-1%21164%2e", "x264-1!164."},
    };

    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        struct cenv_buf out;
        check_case(cases[i].in);
        cenv_buf_init(&out, 4096);
        CHECK_INT(cases[i].fn(&out, cenv_str(cases[i].in)), 0);
        CHECK_STR(show(&out), cases[i].out);
        cenv_buf_release(&out);
    }
}

static void test_channel__bad_quoting(void)
{
    static const char *const cases[] = {"%", "%2", "%zz", "a%00b"};

    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        struct cenv_buf out;
        check_case(cases[i]);
        cenv_buf_init(&out, 4096);
        CHECK_INT(cenv_url_unquote(&out, cenv_str(cases[i])), -1);
        cenv_buf_release(&out);
    }
}

static void test_channel__join(void)
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
        CHECK_INT(cenv_url_join(&out, cenv_str(cases[i].base), cenv_str(cases[i].ref)),
                  0);
        CHECK_STR(show(&out), cases[i].out);
        cenv_buf_release(&out);
    }
}

int main(void)
{
    RUN(test_channel__split);
    RUN(test_channel__texts);
    RUN(test_channel__bad_quoting);
    RUN(test_channel__join);
    return check_report();
}
