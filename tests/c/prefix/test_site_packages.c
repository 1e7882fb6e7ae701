/* SPDX-License-Identifier: BSD-3-Clause */
/* Where each python has its modules. */
#include "prefix/site_packages.h"

#include "check.h"

static void test_site_packages__of_each_python(void)
{
    static const struct {
        const char *version, *build, *path;
        int rc;
        const char *want;
    } cases[] = {
        {"3.12.1", "h1_0_cpython", "", 0, "lib/python3.12/site-packages"},
        {"3.9", "0", "", 0, "lib/python3.9/site-packages"},
        {"2.7.18", "0", "", 0, "lib/python2.7/site-packages"},
        {"3.13.0", "h9_0_cp313t", "", 0, "lib/python3.13t/site-packages"},
        {"3.13.0", "0", "lib/python3.13t/site-packages", 0,
         "lib/python3.13t/site-packages"},
        {"3.13.0", "0", "../outside", CENV_ELINK, ""},
        {"3.13.0", "0", "/absolute", CENV_ELINK, ""},
        {"3", "0", "", CENV_ELINK, ""},
    };
    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        struct cenv_error err = CENV_ERROR_INIT;
        struct cenv_buf out;
        cenv_buf_init(&out, 256);
        check_case(cases[i].want);
        CHECK_INT(cenv_site_packages_path(cenv_str(cases[i].version),
                                          cenv_str(cases[i].build),
                                          cenv_str(cases[i].path), &out, &err),
                  cases[i].rc);
        CHECK_STR(out.data ? out.data : "", cases[i].want);
        cenv_buf_release(&out);
    }
}

int main(void)
{
    RUN(test_site_packages__of_each_python);
    return check_report();
}
