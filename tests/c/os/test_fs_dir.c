/* SPDX-License-Identifier: BSD-3-Clause */
/* Listings and walks. */
#include "check.h"
#include "os/fs.h"
#include "os/fs_dir.h"
#include "os_scene.h"

static int count_entry(void *ctx, const struct cenv_walk_entry *at,
                       struct cenv_error *e)
{
    struct cenv_buf *seen = ctx;
    (void)e;
    cenv_buf_addf(seen, "%s%s ", at->path.data,
                  at->entry.type == CENV_FT_DIR ? "/" : "");
    return strcmp(at->path.data, "b") == 0 ? CENV_WALK_SKIP : 0;
}

static void test_fs_dir__walks_parents_first_and_skips(void)
{
    struct cenv_buf seen;
    struct cenv_task task;
    cenv_task_init(&task, NULL, NULL);
    open_scratch();
    CHECK_INT(cenv_fs_mkdirs(s.fd, "a/x", 0755, &err), 0);
    CHECK_INT(cenv_fs_mkdirs(s.fd, "b/y", 0755, &err), 0);
    scratch_file(&s, "a/x/f", "", 0600);
    symlinkat("/etc", s.fd, "c");
    cenv_buf_init(&seen, 4096);
    CHECK_INT(cenv_fs_walk(s.fd, true, count_entry, &seen, &task, &err), 0);
    CHECK_STR(seen.data, "a/ a/x/ a/x/f b/ c ");
    cenv_buf_release(&seen);
    cenv_task_cancel(&task);
    cenv_buf_init(&seen, 4096);
    CHECK_INT(cenv_fs_walk(s.fd, true, count_entry, &seen, &task, &err),
              CENV_ECANCELLED);
    cenv_buf_release(&seen);
    cenv_task_release(&task);
    close_scratch();
}

static void test_fs_dir__lists_many_names(void)
{
    struct cenv_listing list;
    char name[64];
    open_scratch();
    mkdirat(s.fd, "d", 0700);
    int fd = cenv_raw_open_dir(s.fd, "d");
    for (int i = 0; i < 2000; i++) {
        snprintf(name, sizeof(name), "a-rather-long-name-of-a-file-%04d", i);
        cenv_fd_close(cenv_raw_create(fd, name, 0600));
    }
    CHECK_INT(cenv_listing_read(&list, fd, true), 0);
    CHECK_INT(list.nr, 2000);
    CHECK_STR(list.entries[1999].name, "a-rather-long-name-of-a-file-1999");
    cenv_listing_release(&list);
    cenv_fd_close(fd);
    close_scratch();
}

int main(void)
{
    umask(022);
    RUN(test_fs_dir__walks_parents_first_and_skips);
    RUN(test_fs_dir__lists_many_names);
    return check_report();
}
