/* SPDX-License-Identifier: BSD-3-Clause */
/* The text of conda-meta/history, and the file. */
#include "prefix/history.h"

#include "check.h"
#include "os/fs_data.h"
#include "scratch.h"

static void test_history__block_is_as_conda_writes_it(void)
{
    struct cenv_str dists[] = {CENV_STR("c/noarch::b-1-0"),
                               CENV_STR("c/linux-64::a-2-0")};
    struct cenv_str specs[] = {CENV_STR("python=3.12"), CENV_STR("a[md5='x']"),
                               CENV_STR("b'\"\\")};
    struct cenv_history_block block = {.time = 951782400 + 3661, /* a leap day */
                                       .cmd = "cenv create\n==> evil",
                                       .dists = dists,
                                       .nr_dists = 2,
                                       .specs = specs,
                                       .nr_specs = 3};
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_buf out;

    cenv_buf_init(&out, 4096);
    CHECK_INT(cenv_history_format(&block, &out, &err), 0);
    CHECK_STR(out.data,
              "==> 2000-02-29 01:01:01 <==\n"
              "# cmd: cenv create ==> evil\n"
              "# conda version: 3.8.0\n"
              "+c/linux-64::a-2-0\n"
              "+c/noarch::b-1-0\n"
              "# update specs: ['python=3.12', \"a[md5='x']\", 'b\\'\"\\\\']\n");
    cenv_buf_release(&out);
}

static bool file_is(const struct scratch *s, const char *name, const char *want)
{
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_buf text;

    cenv_buf_init(&text, 4096);
    CHECK_INT(cenv_fs_read_file(s->fd, name, &text, &err), 0);
    bool is = CHECK_STR(text.data, want);
    cenv_buf_release(&text);
    cenv_error_release(&err);
    return is;
}

#define FIRST  "==> 1970-01-01 00:00:07 <==\n# conda version: 3.8.0\n+c/noarch::a-1-0\n"
#define SECOND "==> 1970-01-01 00:00:08 <==\n# conda version: 3.8.0\n+c/noarch::b-1-0\n"

static void test_history__is_begun_once_and_goes_on(void)
{
    struct cenv_str dists[] = {CENV_STR("c/noarch::a-1-0"),
                               CENV_STR("c/noarch::b-1-0")};
    struct cenv_history_block first = {.time = 7, .dists = &dists[0], .nr_dists = 1};
    struct cenv_history_block second = {.time = 8, .dists = &dists[1], .nr_dists = 1};
    struct cenv_error err = CENV_ERROR_INIT;
    struct scratch s = scratch_open();

    CHECK_INT(cenv_history_continue(s.fd, &second, &err), CENV_EOS);
    cenv_error_release(&err);
    CHECK_INT(cenv_history_begin(s.fd, &first, &err), 0);
    file_is(&s, "created_at", "7.0");
    file_is(&s, "history", FIRST);
    CHECK_INT(cenv_history_begin(s.fd, &second, &err), CENV_EOS);
    cenv_error_release(&err);
    CHECK_INT(cenv_history_continue(s.fd, &second, &err), 0);
    file_is(&s, "created_at", "7.0");
    file_is(&s, "history", FIRST SECOND);
    scratch_close(&s);
}

int main(void)
{
    RUN(test_history__block_is_as_conda_writes_it);
    RUN(test_history__is_begun_once_and_goes_on);
    return check_report();
}
