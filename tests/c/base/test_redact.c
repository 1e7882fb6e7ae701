/* SPDX-License-Identifier: BSD-3-Clause */
/* base/redact: secrets of URLs, as people type them and as messages quote them. */
#include "base/redact.h"

#include "base/error.h"
#include "check.h"

static const struct {
    const char *in, *out;
} cases[] = {
    /* logins, the characters that passwords have, and those that should be percent-encoded */
    {"cannot get https://u:p@host/t/tk-1/c and //x@y/z",
     "cannot get https://***@host/t/***/c and //***@y/z"},
    {"'https://a:p@x@host/c'", "'https://***@host/c'"},
    {"http://user:it's@host/c", "http://***@host/c"},
    {"http://user:it's/mine@host/c", "http://***@host/c"},
    {"http://user:a/b@host/c", "http://***@host/c"},
    {"http://user:: b/@host/c", "http://***@host/c"},
    {"http://user:12/b@host/c", "http://***@host/c"},
    {"http://user:a b\tc@host/c", "http://***@host/c"},
    {"http://user:12 b@host/c", "http://***@host/c"},
    {"http://user:a?b#c@host/c", "http://***@host/c"},
    {"http://user:\"<>@host/c", "http://***@host/c"},
    {"http://user:a\\b@host/c", "http://***@host/c"},
    {"http://to/ken@host.org/c", "http://***@host.org/c"},
    {"http://user:pass@[::1]:80/c", "http://***@[::1]:80/c"},
    {"s3://KEY:SEC/RET@bucket/c", "s3://***@bucket/c"},
    {"-chttp://u:p@h/c", "-chttp://***@h/c"},
    {"--channel=http://u:p@h/c", "--channel=http://***@h/c"},
    {"git+https://u:p@h/c", "git+https://***@h/c"},
    {"http://a/b http://u:p@h/c", "http://a/b http://***@h/c"},
    {"http://u:p@h/c,http://v:q@i/d", "http://***@h/c,http://***@i/d"},
    {"http://u:p@h/c::numpy[url=http://v:q@i/d]",
     "http://***@h/c::numpy[url=http://***@i/d]"},
    {"proxy user:pw@proxy:3128", "proxy ***@proxy:3128"},
    {"--proxy=user:pw@proxy:3128", "--proxy=***@proxy:3128"},
    {"'/home/http:/user:a@host/c'", "'/home/http:/***@host/c'"},
    /* cut off before the '@' */
    {"spec 'http://user:passw", "spec 'http://***"},
    /* tokens and queries */
    {"https://host/a/t/t!k=1/c", "https://host/a/t/***/c"},
    {"https://host/t/tk-1", "https://host/t/***"},
    {"'https://host/t/it's'", "'https://host/t/***'"},
    {"conda.anaconda.org/t/tk-1/c::x", "conda.anaconda.org/t/***/c::x"},
    {"https://host/c?token=a&sig='b,c'.", "https://host/c?***'."},
    {"https://host/c?X-Amz-Signature=ab/c@d e", "https://host/c?*** e"},
    /* what is no secret */
    {"user@host is kept, https://host/a@b too",
     "user@host is kept, https://host/a@b too"},
    {"file:///home/me@work/t/project/c?d", "file:///home/me@work/t/project/c?d"},
    {"'/home/t/mine/c' and ./t/x", "'/home/t/mine/c' and ./t/x"},
    {"cannot fetch https://host:8080: it is not there (HTTP 404)",
     "cannot fetch https://host:8080: it is not there (HTTP 404)"},
    {"https://host:80/c, line 3: an @EXPLICIT list",
     "https://host:80/c, line 3: an @EXPLICIT list"},
    {"https://h.org/c: mail a@b.org", "https://h.org/c: mail a@b.org"},
    {"https://h.org/@team/c", "https://h.org/@team/c"},
    {"http://[::1]:80/c", "http://[::1]:80/c"},
    {"conda-forge::numpy mkl@ x//y", "conda-forge::numpy mkl@ x//y"},
    {"", ""},
};

static void test_redact__hides_what_is_secret(void)
{
    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        struct cenv_buf out;
        check_case(cases[i].in);
        cenv_buf_init(&out, 4096);
        CHECK(cenv_redact(&out, cenv_str(cases[i].in)));
        CHECK_STR(out.data ? out.data : "", cases[i].out);
        cenv_buf_release(&out);
    }
}

static void test_redact__leaves_what_it_made(void)
{
    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        char again[512];
        check_case(cases[i].out);
        cenv_redact_into(again, sizeof(again), cenv_str(cases[i].out));
        CHECK_STR(again, cases[i].out);
    }
}

static void test_redact__fits_its_room(void)
{
    char small[12];

    cenv_redact_into(small, sizeof(small), CENV_STR("http://user:pass@host/c"));
    CHECK_STR(small, "http://***@");
}

static void test_redact__errors_have_no_secrets(void)
{
    struct cenv_error err = CENV_ERROR_INIT;
    char password[4000];

    memset(password, 'p', sizeof(password) - 1);
    password[sizeof(password) - 1] = '\0';
    cenv_error_set(&err, CENV_EFAIL, "no %s", "http://u:p@h/c");
    cenv_error_prefix(&err, "in %s", "http://v:q@h/d");
    cenv_error_hint(&err, "see http://u:%s@h/t/tk-1", password);
    CHECK_STR(err.message, "in http://***@h/d: no http://***@h/c");
    CHECK_STR(err.hint, "see http://***@h/t/***");
    cenv_error_release(&err);
}

int main(void)
{
    RUN(test_redact__hides_what_is_secret);
    RUN(test_redact__leaves_what_it_made);
    RUN(test_redact__fits_its_room);
    RUN(test_redact__errors_have_no_secrets);
    return check_report();
}
