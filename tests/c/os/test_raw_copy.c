/* SPDX-License-Identifier: BSD-3-Clause */
/* Copying data. */
#include <errno.h>

#include "check.h"
#include "os/fs.h"
#include "os/raw_copy.h"
#include "os/raw_data.h"
#include "os_scene.h"

static void test_raw_copy__keeps_holes(void)
{
    struct cenv_stat a, b;
    char got[8] = "";
    open_scratch();
    int from = cenv_fs_create(s.fd, "sparse", 0600, &err);
    CHECK_INT(cenv_raw_pwrite(from, "head", 4, 0), 0);
    CHECK_INT(cenv_raw_pwrite(from, "tail", 4, 8 << 20), 0);
    CHECK_INT(cenv_raw_truncate(from, 20 << 20), 0);
    cenv_raw_stat_fd(from, &a);
    int to = cenv_fs_create(s.fd, "copy", 0600, &err);
    CHECK_INT(cenv_raw_copy_data(from, to, a.size, NULL), 0);
    cenv_raw_stat_fd(to, &b);
    CHECK_INT(b.size, a.size);
    CHECK(b.blocks < 1 << 20);
    CHECK_INT(cenv_raw_pread(to, got, 4, 8 << 20), 4);
    CHECK_STR(got, "tail");
    CHECK_INT(cenv_raw_copy_data(from, to, a.size + 5000, NULL),
              -EIO); /* truncated meanwhile */
    cenv_fd_close(from);
    cenv_fd_close(to);
    close_scratch();
}

static int cancel_third(void *ctx)
{
    return ++*(int *)ctx > 2;
}

static void test_raw_copy__of_a_large_file_is_interrupted(void)
{
    struct cenv_task task;
    struct cenv_stat st;
    int polls = 2;
    open_scratch();
    int from = cenv_fs_create(s.fd, "large", 0600, &err);
    CHECK_INT(cenv_raw_pwrite(from, "x", 1, (64 << 20) - 1), 0);
    int to = cenv_fs_create(s.fd, "copy", 0600, &err);
    cenv_task_init(&task, cancel_third, &polls);
    CHECK_INT(cenv_raw_copy_data(from, to, 64 << 20, &task), -ECANCELED);
    cenv_raw_stat_fd(to, &st);
    CHECK(st.size < 64 << 20);
    CHECK_INT(cenv_fs_fail(&err, -ECANCELED, s.fd, "copy", "cannot copy"),
              CENV_ECANCELLED);
    cenv_task_release(&task);
    cenv_fd_close(from);
    cenv_fd_close(to);
    close_scratch();
}

static void test_raw_copy__finds_data(void)
{
    open_scratch();
    int fd = cenv_fs_create(s.fd, "sparse", 0600, &err);
    CHECK_INT(cenv_raw_pwrite(fd, "head", 4, 0), 0);
    CHECK_INT(cenv_raw_pwrite(fd, "tail", 4, 8 << 20), 0);
    CHECK_INT(cenv_raw_truncate(fd, 20 << 20), 0);
    CHECK_INT(cenv_raw_find_data(fd, 0), 0);
    CHECK_INT(cenv_raw_find_data(fd, (8 << 20) + 1), (8 << 20) + 1);
    uint64_t next = cenv_raw_find_data(fd, 2 << 20); /* where holes can be told */
    CHECK(next == 2 << 20 || (next > 7 << 20 && next <= 8 << 20));
    next = cenv_raw_find_data(fd, 10 << 20);
    CHECK(next == 10 << 20 || next == UINT64_MAX);
    cenv_fd_close(fd);
    close_scratch();
}

int main(void)
{
    umask(022);
    RUN(test_raw_copy__keeps_holes);
    RUN(test_raw_copy__of_a_large_file_is_interrupted);
    RUN(test_raw_copy__finds_data);
    return check_report();
}
