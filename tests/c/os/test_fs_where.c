/* SPDX-License-Identifier: BSD-3-Clause */
/* Where paths lead. */
#include <errno.h>

#include "base/alloc.h"
#include "check.h"
#include "os/fs.h"
#include "os/fs_where.h"
#include "os_scene.h"

static void test_fs_where__finds_real_paths(void)
{
    open_scratch();
    cenv_fs_mkdirs(s.fd, "a/b", 0755, &err);
    symlinkat("a/b", s.fd, "l");
    char *got = cenv_fs_realpath(scratch_path(&s, "l/../b/."), &err);
    CHECK_STR(got, scratch_path(&s, "a/b"));
    cenv_free(got);
    CHECK(cenv_fs_realpath(scratch_path(&s, "none"), &err) == NULL);
    CHECK_INT(err.os_errno, ENOENT);
    cenv_error_release(&err);
    got = cenv_fs_abspath(scratch_path(&s, "l/new"), &err);
    CHECK_STR(got, scratch_path(&s, "a/b/new"));
    cenv_free(got);
    got = cenv_fs_abspath(scratch_path(&s, "l"), &err);
    CHECK_STR(got, scratch_path(&s, "l"));
    cenv_free(got);
    got = cenv_fs_abspath("/", &err);
    CHECK_STR(got, "/");
    cenv_free(got);
    int root = cenv_fs_open_root("/", &err);
    int in = cenv_fs_open_root(scratch_path(&s, "l"), &err);
    CHECK_INT(cenv_raw_is_inside(in, s.fd), 1);
    CHECK_INT(cenv_raw_is_inside(s.fd, s.fd), 1);
    CHECK_INT(cenv_raw_is_inside(s.fd, in), 0);
    CHECK_INT(cenv_raw_is_inside(in, root), 1);
    cenv_fd_close(root);
    cenv_fd_close(in);
    close_scratch();
}

int main(void)
{
    umask(022);
    RUN(test_fs_where__finds_real_paths);
    return check_report();
}
