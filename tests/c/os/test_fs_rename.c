/* SPDX-License-Identifier: BSD-3-Clause */
/* Renaming that replaces nothing. */
#include <errno.h>

#include "check.h"
#include "os/fs_rename.h"
#include "os/raw_rename.h"
#include "os_scene.h"

static void test_fs_rename__replaces_only_when_asked(void)
{
    open_scratch();
    mkdirat(s.fd, "a", 0700);
    mkdirat(s.fd, "b", 0700);
    scratch_file(&s, "a/f", "1", 0600);
    CHECK_INT(cenv_raw_rename_noreplace(s.fd, "a", s.fd, "b"), -EEXIST);
    CHECK_INT(cenv_raw_rename_noreplace(s.fd, "a", s.fd, "c"), 0);
    CHECK_STR(scratch_text(&s, "c/f"), "1");
    CHECK_INT(cenv_raw_exchange(s.fd, "b", s.fd, "c"), 0);
    CHECK_STR(scratch_text(&s, "b/f"), "1");
    CHECK_INT(cenv_raw_exchange(s.fd, "b", s.fd, "none"), -ENOENT);
    close_scratch();
}

int main(void)
{
    umask(022);
    RUN(test_fs_rename__replaces_only_when_asked);
    return check_report();
}
