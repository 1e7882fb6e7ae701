/* SPDX-License-Identifier: BSD-3-Clause */
/* Writing pieces. */
#include <errno.h>

#include "check.h"
#include "os/fs.h"
#include "os/raw_data.h"
#include "os_scene.h"

static void test_raw_data__writes_pieces_in_order(void)
{
    struct cenv_str pieces[200];
    char want[401] = "", got[400];
    open_scratch();
    for (size_t i = 0; i < CHECK_NR(pieces); i++) {
        pieces[i] = i % 3 ? CENV_STR("ab") : CENV_STR("");
        strncat(want, i % 3 ? "ab" : "", 3);
    }
    int fd = cenv_fs_create(s.fd, "out", 0600, &err);
    CHECK(fd >= 0);
    CHECK_INT(cenv_raw_pwritev(fd, pieces, CHECK_NR(pieces), 3), 0);
    CHECK_INT(cenv_raw_pread(fd, got, sizeof(got), 3), (int)strlen(want));
    CHECK_MEM(got, want, strlen(want));
    CHECK_INT(cenv_raw_writev(fd, pieces, 3), 0);
    cenv_fd_close(fd);
    CHECK_INT(cenv_fs_create(s.fd, "out", 0600, &err), CENV_EOS);
    CHECK_INT(err.os_errno, EEXIST);
    close_scratch();
}

int main(void)
{
    umask(022);
    RUN(test_raw_data__writes_pieces_in_order);
    return check_report();
}
