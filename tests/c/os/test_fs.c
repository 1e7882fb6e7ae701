/* SPDX-License-Identifier: BSD-3-Clause */
/* The file system below a descriptor. */
#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "check.h"
#include "os/fs.h"
#include "os/fs_dir.h"
#include "os_scene.h"

static void test_fs__stat_knows_types_and_never_follows(void)
{
    struct cenv_stat st;
    open_scratch();
    scratch_file(&s, "file", "12345", 0640);
    CHECK_INT(symlinkat("file", s.fd, "link"), 0);
    CHECK_INT(mkfifoat(s.fd, "fifo", 0600), 0);
    CHECK_INT(cenv_fs_stat(s.fd, "file", &st, &err), 0);
    CHECK_INT(st.type, CENV_FT_FILE);
    CHECK_INT(st.mode, 0640);
    CHECK_INT(st.size, 5);
    CHECK_INT(cenv_raw_stat(s.fd, "link", &st), 0);
    CHECK_INT(st.type, CENV_FT_SYMLINK);
    CHECK_INT(st.size, 4);
    CHECK_INT(cenv_raw_stat(s.fd, "fifo", &st), 0);
    CHECK_INT(st.type, CENV_FT_OTHER);
    CHECK_INT(cenv_raw_stat(s.fd, ".", &st), 0);
    CHECK_INT(st.type, CENV_FT_DIR);
    CHECK_INT(cenv_fs_stat(s.fd, "none", &st, &err), CENV_EOS);
    CHECK_INT(err.os_errno, ENOENT);
    CHECK_STR(err.path, scratch_path(&s, "none"));
    close_scratch();
}

/* "Not there" is said of what is known not to be there, and of nothing else. */
static void test_fs__exists_tells_absent_from_unknown(void)
{
    char long_name[300];
    open_scratch();
    memset(long_name, 'x', sizeof(long_name) - 1);
    long_name[sizeof(long_name) - 1] = '\0';
    scratch_file(&s, "file", "x", 0600);
    symlinkat("nowhere", s.fd, "link");
    CHECK_INT(cenv_fs_exists(s.fd, "link", &err), 1);
    CHECK_INT(cenv_fs_exists(s.fd, "none", &err), 0);
    CHECK_INT(cenv_fs_exists(s.fd, "file/none", &err), 0);
    CHECK_INT(err.status, 0);
    CHECK_INT(cenv_fs_exists(s.fd, long_name, &err), CENV_EOS);
    CHECK_INT(err.os_errno, ENAMETOOLONG);
    cenv_error_release(&err);
    CHECK_INT(cenv_fs_is_dir(scratch_path(&s, "file"), &err), 0);
    CHECK_INT(cenv_fs_is_dir(scratch_path(&s, "none"), &err), 0);
    CHECK_INT(cenv_fs_is_dir(scratch_path(&s, long_name), &err), CENV_EOS);
    close_scratch();
}

static void test_fs__opens_only_regular_files(void)
{
    open_scratch();
    scratch_file(&s, "file", "x", 0600);
    symlinkat("file", s.fd, "link");
    mkfifoat(s.fd, "fifo", 0600);
    mkdirat(s.fd, "dir", 0700);
    int fd = cenv_raw_open_file(s.fd, "file", NULL);
    CHECK(fd >= 0);
    cenv_fd_close(fd);
    CHECK_INT(cenv_raw_open_file(s.fd, "link", NULL), -ELOOP);
    CHECK_INT(cenv_raw_open_file(s.fd, "fifo", NULL), -EINVAL);
    CHECK_INT(cenv_raw_open_file(s.fd, "dir", NULL), -EISDIR);
    fd = cenv_fs_open_named(scratch_path(&s, "link"), NULL, &err);
    CHECK(fd >= 0);
    cenv_fd_close(fd);
    close_scratch();
}

static void test_fs__makes_directories(void)
{
    char *name = NULL;
    open_scratch();
    CHECK_INT(cenv_fs_mkdirs(s.fd, "a/b/c", 0755, &err), 0);
    CHECK_INT(cenv_fs_mkdirs(s.fd, "a/b/c", 0755, &err), 0);
    CHECK_INT(cenv_fs_mkdirs(CENV_CWD, scratch_path(&s, "x/y"), 0755, &err), 0);
    scratch_file(&s, "file", "", 0600);
    CHECK_INT(cenv_fs_mkdirs(s.fd, "file/x", 0755, &err), CENV_EOS);
    CHECK_INT(err.os_errno, ENOTDIR);
    CHECK_INT(cenv_fs_mkdir_temp(s.fd, "t", &name, &err), 0);
    int fd = cenv_raw_open_dir(s.fd, name);
    CHECK_INT(cenv_raw_is_empty_dir(fd), 1);
    cenv_fd_close(fd);
    CHECK_INT(cenv_raw_is_empty_dir(s.fd), 0);
    cenv_free(name);
    cenv_error_release(&err);
    fd = cenv_fs_mkdir_open(s.fd, "new", 0700, &err);
    CHECK_INT(cenv_raw_is_empty_dir(fd), 1);
    cenv_fd_close(fd);
    CHECK_INT(cenv_fs_mkdir_open(s.fd, "new", 0700, &err), CENV_EOS);
    CHECK_INT(err.os_errno, EEXIST);
    close_scratch();
}

static void test_fs__keeps_long_link_targets_and_times(void)
{
    struct cenv_buf out;
    struct cenv_stat st;
    char target[3001];
    open_scratch();
    memset(target, 'x', 3000);
    target[3000] = '\0';
    CHECK_INT(cenv_fs_symlink(target, s.fd, "l", &err), 0);
    cenv_buf_init(&out, 1 << 16);
    CHECK_INT(cenv_fs_readlink(s.fd, "l", &out, &err), 0);
    CHECK_STR(out.data, target);
    cenv_buf_release(&out);
    CHECK_INT(cenv_raw_set_mtime(s.fd, "l", -1500000001), 0);
    cenv_raw_stat(s.fd, "l", &st);
    CHECK_INT(st.mtime_ns, -1500000001);
    scratch_file(&s, "f", "", 0600);
    CHECK_INT(cenv_raw_set_mtime(s.fd, "f", 1234567890123456789), 0);
    CHECK_INT(cenv_raw_chmod(s.fd, "f", 04755), 0);
    cenv_raw_stat(s.fd, "f", &st);
    CHECK_INT(st.mtime_ns, 1234567890123456789);
    CHECK_INT(st.mode, 04755);
    close_scratch();
}

int main(void)
{
    umask(022);
    RUN(test_fs__stat_knows_types_and_never_follows);
    RUN(test_fs__exists_tells_absent_from_unknown);
    RUN(test_fs__opens_only_regular_files);
    RUN(test_fs__makes_directories);
    RUN(test_fs__keeps_long_link_targets_and_times);
    return check_report();
}
