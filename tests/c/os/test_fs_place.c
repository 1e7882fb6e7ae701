/* SPDX-License-Identifier: BSD-3-Clause */
/* Placing files. */
#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "check.h"
#include "os/fs.h"
#include "os/fs_place.h"
#include "os_scene.h"

static int refusal; /* of times, as exFAT and others; 0: none */

/* Instead of the C library's. */
int futimens(int fd, const struct timespec times[2])
{
    errno = refusal;
    return refusal ? -1 : (int)syscall(SYS_utimensat, fd, NULL, times, 0);
}

static void test_fs_place__keeps_mode_and_time(void)
{
    enum cenv_place_mode got;
    struct cenv_stat a, b;
    open_scratch();
    scratch_file(&s, "src", "content", 04751);
    cenv_raw_set_mtime(s.fd, "src", 111222333444555666);
    cenv_raw_stat(s.fd, "src", &a);
    CHECK_INT(cenv_raw_place(s.fd, "src", NULL, s.fd, "copy", CENV_PLACE_COPY, false,
                             &got, NULL),
              0);
    CHECK_INT(got, CENV_PLACE_COPY);
    CHECK_INT(cenv_raw_stat(s.fd, "copy", &b), 0);
    CHECK_INT(b.mode, 04751);
    CHECK_INT(b.mtime_ns, a.mtime_ns);
    CHECK(!cenv_stat_same_file(&a, &b));
    CHECK_STR(scratch_text(&s, "copy"), "content");
    CHECK_INT(cenv_raw_place(s.fd, "src", &a, s.fd, "hard", CENV_PLACE_HARDLINK, true,
                             &got, NULL),
              0);
    CHECK_INT(got, CENV_PLACE_HARDLINK);
    cenv_raw_stat(s.fd, "hard", &b);
    CHECK(cenv_stat_same_file(&a, &b));
    CHECK_INT(cenv_raw_place(s.fd, "src", &a, s.fd, "hard", CENV_PLACE_AUTO, true, &got,
                             NULL),
              -EEXIST);
    CHECK_INT(cenv_raw_place(s.fd, "src", &a, s.fd, "auto", CENV_PLACE_AUTO, true, &got,
                             NULL),
              0);
    CHECK_INT(got, cenv_fs_probe_reflink(s.fd) ? CENV_PLACE_REFLINK : CENV_PLACE_COPY);
    CHECK_STR(scratch_text(&s, "auto"), "content");
    symlinkat("src", s.fd, "l");
    CHECK_INT(
        cenv_raw_place(s.fd, "l", NULL, s.fd, "no", CENV_PLACE_COPY, true, &got, NULL),
        -ELOOP);
    CHECK_INT(cenv_fs_exists(s.fd, "no", &err), 0);
    close_scratch();
}

static void test_fs_place__tells_that_no_time_is_taken(void)
{
    enum cenv_place_mode got;
    struct cenv_stat a, b;
    open_scratch();
    scratch_file(&s, "src", "content", 0640);
    cenv_raw_set_mtime(s.fd, "src", 111222333444555666);
    cenv_raw_stat(s.fd, "src", &a);
    static const int refusals[] = {EINVAL, EPERM, EOPNOTSUPP, ENOSYS};
    for (size_t i = 0; i < CHECK_NR(refusals); i++) {
        refusal = refusals[i];
        CHECK_INT(cenv_raw_place(s.fd, "src", &a, s.fd, "copy", CENV_PLACE_COPY, false,
                                 &got, NULL),
                  1);
        CHECK_STR(scratch_text(&s, "copy"), "content");
        cenv_raw_stat(s.fd, "copy", &b);
        CHECK_INT(b.mode, 0640);
        CHECK_INT(cenv_raw_unlink(s.fd, "copy"), 0);
    }
    refusal = EIO;
    CHECK_INT(cenv_raw_place(s.fd, "src", &a, s.fd, "copy", CENV_PLACE_COPY, false,
                             &got, NULL),
              -EIO);
    CHECK_INT(cenv_fs_exists(s.fd, "copy", &err), 0);
    refusal = 0;
    close_scratch();
}

int main(void)
{
    umask(022);
    RUN(test_fs_place__keeps_mode_and_time);
    RUN(test_fs_place__tells_that_no_time_is_taken);
    return check_report();
}
