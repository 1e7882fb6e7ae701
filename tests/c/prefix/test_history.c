/* SPDX-License-Identifier: BSD-3-Clause */
/* The text of conda-meta/history. */
#include "prefix/history.h"

#include "check.h"

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

int main(void)
{
    RUN(test_history__block_is_as_conda_writes_it);
    return check_report();
}
