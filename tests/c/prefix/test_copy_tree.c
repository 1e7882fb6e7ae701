/* SPDX-License-Identifier: BSD-3-Clause */
/* Copies of trees: everything a directory can hold, and failures that are told. */
#include <errno.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/alloc.h"
#include "check.h"
#include "os/fs.h"
#include "os/fs_remove.h"
#include "os/raw_file.h"
#include "prefix/copy_tree.h"
#include "scratch.h"

static struct scratch scratch;
static bool refuses_times;

/* Instead of the C library's. */
int futimens(int fd, const struct timespec times[2])
{
    errno = EINVAL;
    return refuses_times ? -1 : (int)syscall(SYS_utimensat, fd, NULL, times, 0);
}

int utimensat(int dir, const char *path, const struct timespec times[2], int flags)
{
    errno = EINVAL;
    return refuses_times ? -1 : (int)syscall(SYS_utimensat, dir, path, times, flags);
}

static void make_source(void)
{
    CHECK(mkdirat(scratch.fd, "from", 0755) == 0);
    CHECK(mkdirat(scratch.fd, "from/sub", 0755) == 0);
    CHECK(mkdirat(scratch.fd, "from/sub/empty", 0755) == 0);
    CHECK(mkdirat(scratch.fd, "from/tight", 0755) == 0);
    scratch_file(&scratch, "from/sub/file", "content", 0640);
    scratch_file(&scratch, "from/tight/read-only", "fixed", 0444);
    scratch_file(&scratch, "from/nothing", "", 04755);
    CHECK(linkat(scratch.fd, "from/sub/file", scratch.fd, "from/twin", 0) == 0);
    CHECK(symlinkat("../nowhere", scratch.fd, "from/sub/link") == 0);
    CHECK(mkfifoat(scratch.fd, "from/pipe", 0600) == 0);
    CHECK(fchmodat(scratch.fd, "from/tight", 0555, 0) == 0);
    static const char *const all[] = {"from/sub/file",  "from/sub/link",
                                      "from/sub/empty", "from/sub",
                                      "from/tight",     "from"};
    for (size_t i = 0; i < CHECK_NR(all); i++)
        CHECK_INT(cenv_raw_set_mtime(scratch.fd, all[i], 1000000007LL + (int64_t)i), 0);
}

static int copy(const char *to, struct cenv_copied *out, struct cenv_error *err)
{
    struct cenv_task task;
    cenv_task_init(&task, NULL, NULL);
    int from_fd = cenv_raw_open_dir(scratch.fd, "from");
    int to_fd = cenv_raw_open_dir(scratch.fd, to);
    int rc = cenv_copy_tree(from_fd, to_fd, out, &task, err);
    cenv_fd_close(from_fd);
    cenv_fd_close(to_fd);
    cenv_task_release(&task);
    return rc;
}

static void check_same(const char *name)
{
    struct cenv_stat was, is;
    char from[64], to[64];
    snprintf(from, sizeof(from), "from/%s", name);
    snprintf(to, sizeof(to), "to/%s", name);
    CHECK_INT(cenv_raw_stat(scratch.fd, from, &was), 0);
    CHECK_INT(cenv_raw_stat(scratch.fd, to, &is), 0);
    CHECK_INT(is.type, was.type);
    CHECK_INT(is.mode, was.mode);
    CHECK_INT(is.mtime_ns, was.mtime_ns);
    CHECK_INT(is.nlink, was.nlink);
    if (was.type == CENV_FT_FILE)
        CHECK_INT(is.size, was.size);
}

static void test_copy_tree__keeps_all(void)
{
    static const char *const names[] = {"sub",      "sub/empty",      "sub/file",
                                        "sub/link", "tight",          "twin",
                                        "nothing",  "tight/read-only"};
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_copied copied;
    struct cenv_stat from, to;
    char target[32] = "";
    CHECK(mkdirat(scratch.fd, "to", 0700) == 0);
    CHECK_INT(copy("to", &copied, &err), 0);
    for (size_t i = 0; i < CHECK_NR(names); i++)
        check_same(names[i]);
    CHECK_STR(scratch_text(&scratch, "to/twin"), "content");
    CHECK(readlinkat(scratch.fd, "to/sub/link", target, sizeof(target) - 1) > 0);
    CHECK_STR(target, "../nowhere");
    CHECK_INT(cenv_raw_stat(scratch.fd, "from", &from), 0);
    CHECK_INT(cenv_raw_stat(scratch.fd, "to", &to), 0);
    CHECK_INT(to.mtime_ns, from.mtime_ns);
    CHECK_INT(to.mode, 0700);
    CHECK_INT(cenv_fs_exists(scratch.fd, "to/pipe", &err), 0);
    if (CHECK_INT(copied.skipped.len, 5))
        CHECK_MEM(copied.skipped.data, "pipe", 5);
    CHECK_INT(copied.files, 5);
    CHECK_INT(copied.bytes_copied + copied.bytes_shared, 12);
    cenv_buf_release(&copied.skipped);
    cenv_error_release(&err);
}

static void test_copy_tree__out_of_memory_is_a_status(void)
{
    bool done = false;
    for (unsigned n = 1; n < 200 && !done; n++) {
        struct cenv_error err = CENV_ERROR_INIT;
        struct cenv_copied copied;
        char name[32];
        snprintf(name, sizeof(name), "again%u", n);
        CHECK(mkdirat(scratch.fd, name, 0700) == 0);
        cenv_alloc_fail_nth(n);
        int rc = copy(name, &copied, &err);
        cenv_alloc_fail_nth(0);
        done = rc == 0;
        CHECK(rc == 0 || rc == CENV_ENOMEM);
        CHECK_INT(err.status, rc);
        cenv_buf_release(&copied.skipped);
        cenv_error_release(&err);
        cenv_fs_discard_tree(scratch.fd, name);
    }
    CHECK(done);
}

static void test_copy_tree__notes_that_no_time_is_taken(void)
{
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_copied out;
    CHECK(mkdirat(scratch.fd, "late", 0755) == 0);
    refuses_times = true;
    CHECK_INT(copy("late", &out, &err), 0);
    refuses_times = false;
    CHECK(out.no_times);
    CHECK_STR(scratch_text(&scratch, "late/sub/file"), "content");
    cenv_buf_release(&out.skipped);
    cenv_fs_discard_tree(scratch.fd, "late");
}

int main(void)
{
    scratch = scratch_open();
    make_source();
    RUN(test_copy_tree__keeps_all);
    RUN(test_copy_tree__notes_that_no_time_is_taken);
    RUN(test_copy_tree__out_of_memory_is_a_status);
    cenv_fs_discard_tree(scratch.fd, "from");
    cenv_fs_discard_tree(scratch.fd, "to");
    scratch_close(&scratch);
    return check_report();
}
