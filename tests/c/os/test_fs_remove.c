/* SPDX-License-Identifier: BSD-3-Clause */
/* Removing trees. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

#include "base/alloc.h"
#include "check.h"
#include "os/fs.h"
#include "os/fs_data.h"
#include "os/fs_remove.h"
#include "os_scene.h"

static void make_tree(void)
{
    char path[64];
    for (int i = 0; i < 20; i++) {
        snprintf(path, sizeof(path), "tree/%d/%d", i % 4, i);
        cenv_fs_mkdirs(s.fd, path, 0755, &err);
        for (int j = 0; j < 20; j++) {
            snprintf(path, sizeof(path), "tree/%d/%d/f%d", i % 4, i, j);
            scratch_file(&s, path, "x", j % 2 ? 0444 : 0000);
        }
    }
    symlinkat("..", s.fd, "tree/up");
    symlinkat(s.path, s.fd, "tree/0/out");
    fchmodat(s.fd, "tree/1/1", 0555, 0);
    fchmodat(s.fd, "tree/2/2", 0000, 0);
    fchmodat(s.fd, "tree/2", 0555, 0);
}

static void test_fs_remove__follows_no_link(void)
{
    open_scratch();
    scratch_file(&s, "keep", "kept", 0600);
    for (int twice = 0; twice < 2; twice++) {
        make_tree();
        CHECK_INT(cenv_fs_remove_tree(s.fd, "tree", &err), 0);
        CHECK_INT(cenv_fs_exists(s.fd, "tree", &err), 0);
        CHECK_STR(scratch_text(&s, "keep"), "kept");
    }
    CHECK_INT(cenv_fs_remove_tree(s.fd, "tree", &err), 0); /* absent is fine */
    symlinkat("keep", s.fd, "link");
    CHECK_INT(cenv_fs_remove_tree(s.fd, "link", &err), 0);
    CHECK_STR(scratch_text(&s, "keep"), "kept");
    close_scratch();
}

/* A removal fails at a tree too deep for memory: whatever order a directory lists its entries in,
 * the mark is there still. */
static void test_fs_remove__takes_marks_last(void)
{
    open_scratch();
    for (char mark[] = "a"; mark[0] <= 'h'; mark[0]++) {
        const char *const last[] = {mark, NULL};
        char path[300] = "tree/x";
        for (int i = 0; i < 100; i++)
            strcat(path, "/d");
        CHECK_INT(cenv_fs_mkdirs(s.fd, path, 0755, &err), 0);
        snprintf(path, sizeof(path), "tree/%s/in", mark);
        CHECK_INT(cenv_fs_mkdirs(s.fd, path, 0755, &err), 0);
        cenv_alloc_fail_nth(10);
        CHECK(cenv_fs_remove_tree_polled(s.fd, "tree", last, NULL, &err) < 0);
        CHECK(!cenv_alloc_fail_nth(0));
        cenv_error_release(&err);
        CHECK_INT(cenv_fs_exists(s.fd, path, &err), 1);
        CHECK_INT(cenv_fs_remove_tree_polled(s.fd, "tree", last, NULL, &err), 0);
        CHECK_INT(cenv_fs_exists(s.fd, "tree", &err), 0);
    }
    close_scratch();
}

/* Deeper than descriptors and stack allow for one level each. */
static void test_fs_remove__removes_deep_trees(void)
{
    open_scratch();
    for (int twice = 0; twice < 2; twice++) {
        mkdirat(s.fd, "deep", 0755);
        int fd = cenv_raw_open_dir(s.fd, "deep");
        for (int i = 0; i < 3000 && fd >= 0; i++) {
            int next;
            cenv_raw_mkdir(fd, "d", 0755);
            cenv_fd_close(cenv_raw_create(fd, "f", 0600));
            next = cenv_raw_open_dir(fd, "d");
            cenv_fd_close(fd);
            fd = next;
        }
        CHECK(fd >= 0);
        cenv_fd_close(fd);
        CHECK_INT(cenv_fs_remove_tree(s.fd, "deep", &err), 0);
        CHECK_INT(cenv_fs_exists(s.fd, "deep", &err), 0);
    }
    close_scratch();
}

/* A file that takes long to be freed, and many entries when time is up, are left to a sweep. */
static void test_fs_remove__leaves_what_takes_long(void)
{
    open_scratch();
    cenv_fs_mkdirs(s.fd, "few/a", 0755, &err);
    for (int i = 0; i < 10; i++) {
        char path[64];
        snprintf(path, sizeof(path), "few/a/%d", i);
        scratch_file(&s, path, "x", 0444);
    }
    CHECK(cenv_fs_discard_tree_quickly(s.fd, "few"));
    CHECK_INT(cenv_fs_exists(s.fd, "few", &err), 0);
    cenv_fs_mkdirs(s.fd, "large", 0755, &err);
    scratch_file(&s, "large/file", "x", 0644);
    int fd = openat(s.fd, "large/file", O_WRONLY);
    CHECK_INT(ftruncate(fd, (8 << 20) + 1), 0);
    close(fd);
    CHECK(!cenv_fs_discard_tree_quickly(s.fd, "large"));
    CHECK_INT(cenv_fs_exists(s.fd, "large/file", &err), 1);
    CHECK_INT(linkat(s.fd, "large/file", s.fd, "other", 0), 0);
    CHECK(cenv_fs_discard_tree_quickly(s.fd, "large")); /* nothing is freed */
    close_scratch();
}

/* What can go wrong with every allocation: a status, and nothing of ours left. */
static void test_fs_remove__survives_failing_allocations(void)
{
    open_scratch();
    make_tree();
    long before = cenv_alloc_live();
    for (long n = 1;; n++) {
        struct cenv_error e = CENV_ERROR_INIT;
        cenv_alloc_fail_nth(n);
        int rc = cenv_fs_write_atomic(s.fd, "f", CENV_STR("x"), 0600, &e);
        if (rc == 0)
            rc = cenv_fs_remove_tree(s.fd, "tree", &e);
        cenv_alloc_fail_nth(0);
        if (rc != 0)
            CHECK_INT(rc, CENV_ENOMEM);
        CHECK_INT(cenv_alloc_live(), before);
        cenv_error_release(&e);
        if (rc == 0)
            break;
    }
    CHECK_INT(cenv_fs_exists(s.fd, "tree", &err), 0);
    close_scratch();
}

/* Others' files are not emptied through a mount; only root may mount. */
static void test_fs_remove__stops_at_mounts(void)
{
    static const char *const kinds[] = {"tmpfs", "bound", "top"};
    open_scratch();
    CHECK_INT(cenv_fs_mkdirs(s.fd, "elsewhere", 0755, &err), 0);
    for (size_t i = 0; i < CHECK_NR(kinds); i++) {
        const char *name = i == 2 ? "tree" : "tree/in/deep";
        CHECK_INT(cenv_fs_mkdirs(s.fd, name, 0755, &err), 0);
        char *there = strdup(scratch_path(&s, name));
        int rc = i ? mount(scratch_path(&s, "elsewhere"), there, NULL, MS_BIND, NULL)
                   : mount("none", there, "tmpfs", 0, NULL);
        check_case(kinds[i]);
        if (rc == 0) {
            struct cenv_error e = CENV_ERROR_INIT;
            char file[32];
            snprintf(file, sizeof(file), "%s/kept", name);
            scratch_file(&s, file, "kept", 0600);
            CHECK_INT(cenv_fs_remove_tree(s.fd, "tree", &e), CENV_EOS);
            CHECK_INT(e.os_errno, EBUSY);
            CHECK_STR(scratch_text(&s, file), "kept");
            cenv_error_release(&e);
            umount(there);
        }
        CHECK_INT(cenv_fs_remove_tree(s.fd, "tree", &err), 0);
        free(there);
    }
    close_scratch();
}

int main(void)
{
    umask(022);
    RUN(test_fs_remove__follows_no_link);
    RUN(test_fs_remove__takes_marks_last);
    RUN(test_fs_remove__removes_deep_trees);
    RUN(test_fs_remove__leaves_what_takes_long);
    RUN(test_fs_remove__survives_failing_allocations);
    RUN(test_fs_remove__stops_at_mounts);
    return check_report();
}
