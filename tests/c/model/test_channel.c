/* SPDX-License-Identifier: BSD-3-Clause */
/* URLs of channels: parts, names, text without secrets. */
#include "model/channel.h"

#include "check.h"
#include "codec/url.h"

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
        struct cenv_channel_url u;
        char got[256];
        check_case(cases[i].url);
        if (!CHECK(cenv_channel_split(&u, cenv_str(cases[i].url))))
            continue;
        snprintf(got, sizeof(got), "%.*s|%.*s|%.*s|%.*s|%.*s|%.*s|%.*s|%.*s",
                 CENV_STR_ARG(u.scheme), CENV_STR_ARG(u.auth), CENV_STR_ARG(u.host),
                 CENV_STR_ARG(u.root), CENV_STR_ARG(u.token), CENV_STR_ARG(u.location),
                 CENV_STR_ARG(u.subdir), CENV_STR_ARG(u.file));
        CHECK_STR(got, cases[i].parts);
    }
    struct cenv_channel_url u;
    CHECK(!cenv_channel_split(&u, CENV_STR("conda-forge")));
    CHECK(!cenv_channel_split(&u, CENV_STR("/srv/chan")));
    CHECK(!cenv_channel_split(&u, CENV_STR("")));
}

typedef bool (*one_fn)(struct cenv_buf *out, struct cenv_str text);

static bool name_of(struct cenv_buf *out, struct cenv_str text)
{
    return cenv_channel_name(out, text, CENV_STR("https://conda.anaconda.org"));
}

static bool deep_name_of(struct cenv_buf *out, struct cenv_str text)
{
    return cenv_channel_name(out, text, CENV_STR("https://u:p@host/api/conda/"));
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
        {name_of, "/srv/50%/a b/", "file:///srv/50%25/a%20b"},
        {name_of, "file:///srv/50%/a b", "file:///srv/50%25/a%20b"},
        {name_of, "HTTPS://Conda.Anaconda.org:443//conda-forge/", "conda-forge"},
        {name_of, "https://u:a/b@conda.anaconda.org/c", "https://***"},
        {deep_name_of, "https://host/api/conda/c/linux-64", "c"},
        {deep_name_of, "https://host/api/condas/c", "https://host/api/condas/c"},
        {cenv_url_clean, "https://u:p@host/t/tok/c/linux-64/a-1-0.conda",
         "https://host/c/linux-64/a-1-0.conda"},
        {cenv_url_clean, "https://host/c/", "https://host/c"},
        {cenv_url_clean, "file:///srv/c/noarch", "file:///srv/c/noarch"},
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

static void test_channel__base_of_packages(void)
{
    static const struct {
        const char *directory, *base_url, *out; /* out NULL: refused */
    } cases[] = {
        {"https://h/c/noarch", "", "https://h/c/noarch/"},
        {"https://h/c/noarch", "../../blobs", "https://h/blobs/"},
        {"https://h/c/noarch", "https://I:443/a b/", "https://i/a%20b/"},
        {"https://h/c/noarch", "//i/c", "https://i/c/"},
        {"file:///srv/c/noarch", "file:/srv/blobs", "file:///srv/blobs/"},
        {"file:///srv/c/noarch", "https://h/c", "https://h/c/"},
        {"", "", ""},
        {"", "https://h/c", "https://h/c/"},
        {"https://h/c/noarch", "file:///srv/c", NULL},
        {"https://h/c/noarch", "FILE:/srv/c", NULL},
        {"https://h/c/noarch", "https://u:p@h/c", NULL},
        {"https://h/c/noarch", "https://h/t/tk-1/c", NULL},
        {"https://h/c/noarch", "https://h/c?sig=1", NULL},
        {"https://h/c/noarch", "https://u:a/b@h/c", NULL},
    };

    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        struct cenv_error err = CENV_ERROR_INIT;
        struct cenv_buf out;
        check_case(cases[i].base_url);
        cenv_buf_init(&out, 4096);
        CHECK_INT(cenv_channel_add_base(&out, cenv_str(cases[i].directory),
                                        cenv_str(cases[i].base_url), &err),
                  cases[i].out ? 0 : CENV_ECHANNEL);
        if (cases[i].out)
            CHECK_STR(out.data ? out.data : "", cases[i].out);
        CHECK((err.status == 0) == (cases[i].out != NULL));
        cenv_error_release(&err);
        cenv_buf_release(&out);
    }
}

int main(void)
{
    RUN(test_channel__base_of_packages);
    RUN(test_channel__split);
    RUN(test_channel__texts);
    return check_report();
}
