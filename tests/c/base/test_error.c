/* SPDX-License-Identifier: BSD-3-Clause */
/* base/error: statuses that no -errno equals, and an error that keeps its cause. */
#include "base/error.h"

#include <errno.h>

#include "base/alloc.h"
#include "base/str.h"
#include "check.h"

static void test_error__statuses_are_below_every_errno(void)
{
    static const int statuses[] = {
#define XX(name, number, class) CENV_##name,
        CENV_STATUS_MAP(XX)
#undef XX
    };

    CHECK_INT(CHECK_NR(statuses), CENV_NR_STATUS);
    for (size_t i = 0; i < CHECK_NR(statuses); i++)
        CHECK_INT(statuses[i], -1024 - (int)i);
}

static void test_error__first_one_wins(void)
{
    struct cenv_error err = CENV_ERROR_INIT;

    CHECK_INT(cenv_error_set(&err, CENV_ESPEC, "spec %d", 1), CENV_ESPEC);
    CHECK_INT(cenv_error_oom(&err), CENV_ESPEC);
    CHECK_INT(cenv_error_os(&err, ENOENT, "/x", "cannot open"), CENV_ESPEC);
    CHECK_INT(cenv_error_hint(&err, "first"), CENV_ESPEC);
    CHECK_INT(cenv_error_hint(&err, "second"), CENV_ESPEC);
    CHECK_STR(err.message, "spec 1");
    CHECK_STR(err.hint, "first");
    CHECK_INT(err.os_errno, 0);
    cenv_error_release(&err);
    CHECK_INT(err.status, 0);
}

static void test_error__os_names_what_which_and_why(void)
{
    struct cenv_error err = CENV_ERROR_INIT;

    CHECK_INT(cenv_error_os(&err, ENOENT, "/x/y", "cannot %s", "open"), CENV_EOS);
    CHECK_STR(err.message, "cannot open '/x/y': No such file or directory");
    CHECK_STR(err.path, "/x/y");
    CHECK_INT(err.os_errno, ENOENT);
    CHECK_INT(cenv_error_prefix(&err, "package %s", "a-1"), CENV_EOS);
    CHECK_STR(err.message,
              "package a-1: cannot open '/x/y': No such file or directory");
    cenv_error_release(&err);
}

static void test_error__move_keeps_the_detail_once(void)
{
    struct cenv_error from = CENV_ERROR_INIT, to = CENV_ERROR_INIT;

    cenv_error_set(&from, CENV_EUNSAT, "no");
    from.detail = cenv_strdup("{}");
    CHECK_INT(cenv_error_move(&to, &from), CENV_EUNSAT);
    CHECK_INT(from.status, 0);
    CHECK(!from.detail);
    CHECK_STR(to.detail, "{}");

    cenv_error_set(&from, CENV_ELINK, "later");
    from.detail = cenv_strdup("[]");
    CHECK_INT(cenv_error_move(&to, &from), CENV_EUNSAT);
    CHECK_STR(to.message, "no");
    CHECK(!from.detail);
    cenv_error_release(&to);
}

/* What stands at the end of a message is the reason: the middle of a long name gives way. */
static void test_error__reason_is_never_cut(void)
{
    struct cenv_error err = CENV_ERROR_INIT;
    char path[6000];
    for (size_t i = 0; i + 2 < sizeof(path); i += 2)
        memcpy(path + i, "\xc3\xa9", 3); /* of two bytes each */
    cenv_error_os(&err, ENAMETOOLONG, path, "cannot open");
    CHECK(strlen(err.message) < sizeof(err.message));
    CHECK(cenv_str_starts(cenv_str(err.message), CENV_STR("cannot open '\xc3\xa9")));
    CHECK(strstr(err.message, "\xa9 ... \xc3"));
    CHECK(cenv_str_ends(cenv_str(err.message), CENV_STR("': File name too long")));
    cenv_error_prefix(&err, "%s", path);
    CHECK(cenv_str_ends(cenv_str(err.message), CENV_STR("': File name too long")));
    cenv_error_release(&err);
}

static void test_error__prefix_names_nothing_twice(void)
{
    struct cenv_error err = CENV_ERROR_INIT;
    cenv_error_set(&err, CENV_EINTEGRITY, "package a: broken");
    cenv_error_prefix(&err, "package %s", "a");
    CHECK_STR(err.message, "package a: broken");
    cenv_error_prefix(&err, "package");
    CHECK_STR(err.message, "package: package a: broken");
    cenv_error_release(&err);
}

static void test_error__advises_where_too_many_files_are_open(void)
{
    struct cenv_error err = CENV_ERROR_INIT;

    CHECK_INT(cenv_error_os(&err, EMFILE, "/a", "cannot open"), CENV_EOS);
    CHECK(strstr(err.hint, "ulimit -n") != NULL);
    cenv_error_release(&err);
    CHECK_INT(cenv_error_os(&err, EACCES, "/a", "cannot open"), CENV_EOS);
    CHECK_STR(err.hint, "");
    cenv_error_release(&err);
}

int main(void)
{
    RUN(test_error__statuses_are_below_every_errno);
    RUN(test_error__first_one_wins);
    RUN(test_error__os_names_what_which_and_why);
    RUN(test_error__move_keeps_the_detail_once);
    RUN(test_error__reason_is_never_cut);
    RUN(test_error__prefix_names_nothing_twice);
    RUN(test_error__advises_where_too_many_files_are_open);
    return check_report();
}
