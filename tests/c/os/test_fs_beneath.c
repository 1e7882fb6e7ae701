/* SPDX-License-Identifier: BSD-3-Clause */
/* Opening below a root, through no link. */
#include <errno.h>

#include "check.h"
#include "os/fs.h"
#include "os/fs_beneath.h"
#include "os/raw_file.h"
#include "os_scene.h"

static void test_fs_beneath__follows_no_link(void)
{
    open_scratch();
    mkdirat(s.fd, "a", 0700);
    mkdirat(s.fd, "a/b", 0700);
    symlinkat("/etc", s.fd, "a/out");
    int fd = cenv_fs_open_beneath(s.fd, "a/b", 0, &err);
    CHECK(fd >= 0);
    cenv_fd_close(fd);
    static const struct {
        const char *path;
        int rc;
    } bad[] = {{"a/out", -ENOTDIR},  {"a/out/ssl", -ENOTDIR}, {"..", -EINVAL},
               {"a/../..", -EINVAL}, {"/etc", -EINVAL},       {"a//b", -EINVAL},
               {"a/none", -ENOENT}};
    for (size_t i = 0; i < CHECK_NR(bad); i++) {
        check_case(bad[i].path);
        CHECK_INT(cenv_raw_open_beneath(s.fd, cenv_str(bad[i].path), 0), bad[i].rc);
    }
    check_case(NULL);
    fd = cenv_fs_open_beneath(s.fd, "new/x/y", 0755, &err);
    CHECK(fd >= 0);
    cenv_fd_close(fd);
    CHECK_INT(cenv_fs_exists(s.fd, "new/x/y", &err), 1);
    close_scratch();
}

static void test_fs_beneath__dirs_give_the_right_directory(void)
{
    static const char *const paths[] = {"a/b/c", "a/b/d", "a/bc/x", "a",  "z/y",
                                        "",      "a/b/c", "a/b",    "ab", "a/b/c/d/e"};
    struct cenv_dirs dirs;
    open_scratch();
    cenv_dirs_init(&dirs, s.fd);
    for (size_t i = 0; i < CHECK_NR(paths); i++) {
        struct cenv_stat got, want;
        check_case(paths[i]);
        int fd = cenv_dirs_get(&dirs, cenv_str(paths[i]), 0755);
        CHECK(fd >= 0);
        CHECK_INT(cenv_raw_stat_fd(fd, &got), 0);
        CHECK_INT(cenv_raw_stat(s.fd, *paths[i] ? paths[i] : ".", &want), 0);
        CHECK(cenv_stat_same_file(&got, &want));
    }
    symlinkat("a", s.fd, "link");
    CHECK_INT(cenv_dirs_get(&dirs, CENV_STR("link/b"), 0), -ENOTDIR);
    CHECK_INT(cenv_dirs_get(&dirs, CENV_STR("a/../a"), 0), -EINVAL);
    struct cenv_str name;
    CHECK(cenv_dirs_parent(&dirs, CENV_STR("a/b/file"), 0, &name) >= 0);
    CHECK(cenv_str_is(name, "file"));
    cenv_dirs_release(&dirs);
    close_scratch();
}

int main(void)
{
    umask(022);
    RUN(test_fs_beneath__follows_no_link);
    RUN(test_fs_beneath__dirs_give_the_right_directory);
    return check_report();
}
