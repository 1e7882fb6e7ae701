/* SPDX-License-Identifier: BSD-3-Clause */
/* Checks of whole plans: prefixes that do not fit, names that differ in case alone. */
#include "link/plan_check.h"

#include "check.h"
#include "package.h"

static void test_plan_check__prefix_longer_than_placeholder_is_refused(void)
{
    char equal[PLACEHOLDER_LEN + 1], longer[PLACEHOLDER_LEN + 2];
    const char *with = "q" PLACEHOLDER "/x", *without = "nothing to replace";
    struct {
        const char *target, *binary;
        int rc;
    } cases[] = {{equal, with, 0}, {longer, with, CENV_EPREFIX}, {longer, without, 0}};

    memset(equal, 'd', sizeof(equal));
    memset(longer, 'd', sizeof(longer));
    equal[0] = longer[0] = '/';
    equal[PLACEHOLDER_LEN] = longer[PLACEHOLDER_LEN + 1] = '\0';
    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        struct scratch s = scratch_open();
        struct package p = package_begin(&s, "a", "1", "");
        package_data(&p, "etc/t", PLACEHOLDER, PLACEHOLDER_LEN, 0644, TEXT_KEYS);
        package_data(&p, "lib/b", cases[i].binary, strlen(cases[i].binary) + 1, 0755,
                     BINARY_KEYS);
        struct cenv_link_package package = package_end(&p);
        struct linked l =
            link_packages(&s, "env", cases[i].target, &package, 1, plain_link);
        CHECK_INT(l.rc, cases[i].rc);
        if (cases[i].rc) {
            CHECK(strstr(l.err.message, "lib/b") != NULL);
            CHECK(strstr(l.err.message, "40") && strstr(l.err.message, "41"));
            CHECK(l.err.hint[0] != '\0');
            CHECK_INT(rmdir(scratch_path(&s, "env")), 0); /* nothing was created */
        } else {
            CHECK_STR(scratch_text(&s, "env/etc/t"), cases[i].target);
        }
        linked_release(&l);
        scratch_close(&s);
    }
}

static void test_plan_check__case_only_difference_is_refused(void)
{
    struct scratch s = scratch_open();
    struct package p = package_begin(&s, "a", "1", "");
    package_file(&p, "share/terminfo/n/Name", "1", 0644);
    package_file(&p, "share/terminfo/N/name", "2", 0644);
    struct cenv_link_package package = package_end(&p);
    struct linked l = link_packages(&s, "env", "/D", &package, 1, plain_link);
    struct cenv_error err = CENV_ERROR_INIT;

    CHECK_INT(l.rc, 0); /* this file system can tell */
    CHECK_INT(cenv_link_plan_check_case(l.plan, &err), CENV_ELINK);
    CHECK(strstr(err.message, "share/terminfo/n/Name") &&
          strstr(err.message, "N/name"));
    linked_release(&l);
    scratch_close(&s);
}

int main(void)
{
    RUN(test_plan_check__prefix_longer_than_placeholder_is_refused);
    RUN(test_plan_check__case_only_difference_is_refused);
    return check_report();
}
