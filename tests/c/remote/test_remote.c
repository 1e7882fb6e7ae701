/* SPDX-License-Identifier: BSD-3-Clause */
/* remote/remote: which kind serves a URL, and what none is asked. */
#include "remote/remote.h"

#include "check.h"

static void test_remote__refuses_unknown_schemes(void)
{
    static const char *const texts[] = {"ftp://u:secret@h/x", "files:///x"};
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_secret_url *url = NULL;
    struct cenv_remote *remote = NULL;

    for (size_t i = 0; i < CHECK_NR(texts); i++) {
        check_case(texts[i]);
        if (cenv_secret_url_new(&url, cenv_str(texts[i]), &err) == 0) {
            CHECK_INT(cenv_remote_open(&remote, url, NULL, &err), CENV_EUSAGE);
            CHECK(strstr(err.message, "is no remote that is known"));
            CHECK(!strstr(err.message, "secret"));
            CHECK(strstr(err.hint, "file://"));
        }
        CHECK(err.status != 0);
        cenv_secret_url_free(url);
        url = NULL;
        cenv_error_release(&err);
    }
    CHECK(remote == NULL);
}

int main(void)
{
    RUN(test_remote__refuses_unknown_schemes);
    return check_report();
}
