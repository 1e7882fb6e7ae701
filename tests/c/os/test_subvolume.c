/* SPDX-License-Identifier: BSD-3-Clause */
/* Subvolumes where there are some, and what is said where there are none. */
#include "check.h"

#include "os/fs.h"
#include "os/fs_remove.h"
#include "os/sibling.h"
#include "os/subvolume.h"
#include "os/xattr.h"
#include "scratch.h"

/* The calls on any other file system than btrfs; on it they are tried by the test below. */
static bool has_subvolumes(struct scratch *s)
{
    struct cenv_subvolume_facts facts;
    return cenv_raw_subvolume_facts(s->fd, &facts) == 0;
}

static bool is_lacking(int rc)
{
    return rc == -ENOTTY || rc == -EINVAL || rc == -ENOTSUP;
}

static void test_subvolume__is_refused_where_there_are_none(void)
{
    struct scratch s = scratch_open();
    struct cenv_stat st;
    if (!has_subvolumes(&s)) {
        CHECK(is_lacking(cenv_raw_subvolume_make(s.fd, "sub")));
        CHECK(is_lacking(cenv_raw_subvolume_snapshot(s.fd, s.fd, "sub")));
        CHECK(is_lacking(cenv_raw_snapshot_sibling(s.fd, ".sub.cenv-1-2", s.fd)));
        CHECK_INT(cenv_raw_mkdir(s.fd, "dir", 0755), 0);
        CHECK(is_lacking(cenv_raw_subvolume_remove(s.fd, "dir")));
        CHECK_INT(cenv_raw_stat(s.fd, "sub", &st), -ENOENT);
        CHECK_INT(cenv_raw_stat(s.fd, "dir", &st), 0);
    }
    scratch_close(&s);
}

static void test_subvolume__name_that_is_too_long(void)
{
    struct scratch s = scratch_open();
    char name[8192];
    memset(name, 'x', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    CHECK_INT(cenv_raw_subvolume_make(s.fd, name), -ENAMETOOLONG);
    CHECK_INT(cenv_raw_subvolume_snapshot(s.fd, s.fd, name), -ENAMETOOLONG);
    CHECK_INT(cenv_raw_subvolume_remove(s.fd, name), -ENAMETOOLONG);
    scratch_close(&s);
}

static void test_subvolume__is_copied_and_removed_as_a_whole(void)
{
    struct scratch s = scratch_open();
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_subvolume_facts before, after, of_copy;
    struct cenv_stat st;
    if (has_subvolumes(&s)) {
        CHECK_INT(cenv_raw_subvolume_make(s.fd, "sub"), 0);
        int sub = cenv_raw_open_dir(s.fd, "sub");
        cenv_fd_close(cenv_raw_create(sub, "file", 0644));
        CHECK_INT(cenv_raw_subvolume_facts(sub, &before), 0);
        int copy = cenv_raw_snapshot_sibling(s.fd, ".x.cenv-1-2", sub);
        CHECK(copy >= 0);
        CHECK_INT(cenv_raw_stat(copy, "file", &st), 0);
        CHECK(cenv_raw_is_one_file_system(copy, sub));
        CHECK_INT(cenv_raw_subvolume_facts(sub, &after), 0);
        CHECK(before.id == after.id && before.changed == after.changed);
        CHECK_INT(cenv_raw_subvolume_facts(copy, &of_copy), 0);
        CHECK(before.made > 0 && of_copy.made >= before.made);
        CHECK(!cenv_sibling_is_left(s.fd, ".x.cenv-1-2"));
        cenv_fd_close(copy);
        cenv_fd_close(sub);
        CHECK_INT(cenv_fs_remove_tree(s.fd, "sub", &err), 0);
        CHECK_INT(cenv_fs_remove_tree(s.fd, ".x.cenv-1-2", &err), 0);
        CHECK_INT(cenv_raw_stat(s.fd, "sub", &st), -ENOENT);
    }
    scratch_close(&s);
}

static void test_subvolume__file_systems_are_told_apart(void)
{
    struct scratch s = scratch_open();
    int proc = cenv_raw_open_root("/proc");
    unsigned char one[CENV_FILE_SYSTEM_ID], other[CENV_FILE_SYSTEM_ID];
    CHECK_INT(cenv_raw_file_system_id(s.fd, one), 0);
    CHECK_INT(cenv_raw_file_system_id(proc, other), 0);
    CHECK(memcmp(one, other, sizeof(one)) != 0);
    CHECK(cenv_raw_file_system_id(-1, one) < 0);
    CHECK(cenv_raw_is_one_file_system(s.fd, s.fd));
    CHECK(!cenv_raw_is_one_file_system(s.fd, proc));
    CHECK(!cenv_raw_is_one_file_system(s.fd, -1));
    CHECK(!cenv_raw_hands_down_acl(s.fd));
    cenv_fd_close(proc);
    scratch_close(&s);
}

int main(void)
{
    RUN(test_subvolume__is_refused_where_there_are_none);
    RUN(test_subvolume__name_that_is_too_long);
    RUN(test_subvolume__is_copied_and_removed_as_a_whole);
    RUN(test_subvolume__file_systems_are_told_apart);
    return check_report();
}
