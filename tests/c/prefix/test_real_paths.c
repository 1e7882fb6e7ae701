/* SPDX-License-Identifier: BSD-3-Clause */
/* Where recorded paths lie: links among their directories followed, inside the prefix alone. */
#include <sys/stat.h>

#include "check.h"
#include "prefix/prefix_records.h"
#include "scratch.h"

static const char record[] =
    "{\"name\": \"a\", \"version\": \"1\", \"build\": \"0\", \"files\": [\"lib/a\","
    " \"lib64/b\", \"lib64/sub/c\", \"twice/d\", \"out/e\", \"none/f\", \"top\","
    " \"whole/g\", \"loop/h\"]}";

static const struct {
    const char *path, *real;
} cases[] = {
    {"lib/a", "lib/a"},       {"lib64/b", "lib/b"}, {"lib64/sub/c", "lib/sub/c"},
    {"twice/d", "lib/sub/d"}, {"out/e", "out/e"},   {"none/f", "none/f"},
    {"top", "top"},           {"whole/g", "lib/g"}, {"loop/h", "loop/h"},
};

static void test_real_paths__follow_links_inside(void)
{
    struct scratch s = scratch_open();
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_prefix_records prefix = {0};
    struct cenv_task task;
    cenv_task_init(&task, NULL, NULL);
    mkdirat(s.fd, "conda-meta", 0755);
    mkdirat(s.fd, "lib", 0755);
    mkdirat(s.fd, "lib/sub", 0755);
    symlinkat("lib", s.fd, "lib64");
    symlinkat("lib64/sub", s.fd, "twice");
    symlinkat("/usr", s.fd, "out");
    symlinkat("loop", s.fd, "loop");
    symlinkat(scratch_path(&s, "lib"), s.fd, "whole");
    scratch_file(&s, "conda-meta/a-1-0.json", record, 0644);
    CHECK_INT(cenv_prefix_records_read(&prefix, s.fd, s.path, &task, &err), 0);
    CHECK_INT(prefix.records[0].nr_paths, CHECK_NR(cases));
    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        check_case(cases[i].path);
        CHECK_STR(prefix.records[0].paths[i].path.data, cases[i].path);
        CHECK(cenv_str_is(prefix.records[0].paths[i].real, cases[i].real));
    }
    cenv_prefix_records_release(&prefix);
    cenv_error_release(&err);
    cenv_task_release(&task);
    scratch_close(&s);
}

int main(void)
{
    RUN(test_real_paths__follow_links_inside);
    return check_report();
}
