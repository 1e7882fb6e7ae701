/* SPDX-License-Identifier: BSD-3-Clause */
/* Contents: reading, writing, replacing. */
#include "check.h"
#include "os/fs_data.h"
#include "os/fs_dir.h"
#include "os_scene.h"

static void test_fs_data__reads_with_a_ceiling(void)
{
    struct cenv_buf out;
    open_scratch();
    scratch_file(&s, "ten", "0123456789", 0600);
    scratch_file(&s, "empty", "", 0600);
    for (size_t max = 9; max <= 11; max++) {
        cenv_buf_init(&out, max);
        CHECK_INT(cenv_fs_read_file(s.fd, "ten", &out, &err),
                  max < 10 ? CENV_EFAIL : 0);
        CHECK_STR(cenv_buf_str(&out).data, max < 10 ? "" : "0123456789");
        cenv_buf_release(&out);
        cenv_error_release(&err);
    }
    cenv_buf_init(&out, 0);
    CHECK_INT(cenv_fs_read_file(s.fd, "empty", &out, &err), 0);
    cenv_buf_init(&out, 1 << 20);
    CHECK_INT(cenv_fs_read_file(CENV_CWD, "/proc/self/stat", &out, &err), 0);
    CHECK(out.len > 10);
    cenv_buf_release(&out);
    struct cenv_mapping map;
    CHECK_INT(cenv_fs_map_file(s.fd, "ten", &map, &err), 0);
    CHECK_INT(map.len, 10);
    CHECK_MEM(map.data, "0123456789", 10);
    cenv_mapping_release(&map);
    CHECK_INT(cenv_fs_map_file(s.fd, "empty", &map, &err), 0);
    CHECK_STR(map.data, "");
    cenv_mapping_release(&map);
    close_scratch();
}

static void test_fs_data__writes_pieces(void)
{
    const struct cenv_str pieces[] = {CENV_STR("one "), CENV_STR(""), CENV_STR("two")};
    open_scratch();
    CHECK_INT(cenv_fs_write_pieces(s.fd, "f", pieces, 3, 0644, &err), 0);
    CHECK_STR(scratch_text(&s, "f"), "one two");
    CHECK_INT(cenv_fs_write_pieces(s.fd, "f", pieces, 1, 0644, &err), CENV_EOS);
    CHECK_STR(scratch_text(&s, "f"), "one two");
    close_scratch();
}

static void test_fs_data__replaces_in_one_step(void)
{
    open_scratch();
    mkdirat(s.fd, "d", 0700);
    for (int i = 0; i < 2; i++) {
        CHECK_INT(cenv_fs_write_atomic(
                      s.fd, "d/f", i ? CENV_STR("two") : CENV_STR("one"), 0644, &err),
                  0);
        CHECK_STR(scratch_text(&s, "d/f"), i ? "two" : "one");
    }
    CHECK_INT(cenv_fs_write_atomic(s.fd, "none/f", CENV_STR("x"), 0644, &err),
              CENV_EOS);
    cenv_error_release(&err);
    mkdirat(s.fd, "d/sub", 0700);
    CHECK_INT(cenv_fs_write_atomic(s.fd, "d/sub", CENV_STR("x"), 0644, &err), CENV_EOS);
    struct cenv_listing list;
    int fd = cenv_raw_open_dir(s.fd, "d");
    CHECK_INT(cenv_listing_read(&list, fd, true), 0);
    CHECK_INT(list.nr, 2); /* no temporary file stays */
    cenv_listing_release(&list);
    cenv_fd_close(fd);
    close_scratch();
}

int main(void)
{
    umask(022);
    RUN(test_fs_data__reads_with_a_ceiling);
    RUN(test_fs_data__writes_pieces);
    RUN(test_fs_data__replaces_in_one_step);
    return check_report();
}
