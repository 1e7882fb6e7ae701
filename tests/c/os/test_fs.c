/* SPDX-License-Identifier: BSD-3-Clause */
/* The file system below a descriptor. */
#include <errno.h>
#include <sys/mount.h>
#include <sys/sysmacros.h>

#include "base/alloc.h"
#include "check.h"
#include "os/fs.h"
#include "scratch.h"

static struct scratch s;
static struct cenv_error err = CENV_ERROR_INIT;

static void open_scratch(void)
{
    s = scratch_open();
}

static void close_scratch(void)
{
    cenv_error_release(&err);
    scratch_close(&s);
}

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
    CHECK(cenv_fs_exists(s.fd, "link") && !cenv_fs_exists(s.fd, "none"));
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

static void test_fs__beneath_follows_no_link(void)
{
    open_scratch();
    mkdirat(s.fd, "a", 0700);
    mkdirat(s.fd, "a/b", 0700);
    symlinkat("/etc", s.fd, "a/out");
    int fd = cenv_fs_open_beneath(s.fd, "a/b", 0, &err);
    CHECK(fd >= 0);
    cenv_fd_close(fd);
    static const struct {
        const char *path;
        int rc;
    } bad[] = {{"a/out", -ENOTDIR},  {"a/out/ssl", -ENOTDIR}, {"..", -EINVAL},
               {"a/../..", -EINVAL}, {"/etc", -EINVAL},       {"a//b", -EINVAL},
               {"a/none", -ENOENT}};
    for (size_t i = 0; i < CHECK_NR(bad); i++) {
        check_case(bad[i].path);
        CHECK_INT(cenv_raw_open_beneath(s.fd, cenv_str(bad[i].path), 0), bad[i].rc);
    }
    check_case(NULL);
    fd = cenv_fs_open_beneath(s.fd, "new/x/y", 0755, &err);
    CHECK(fd >= 0);
    cenv_fd_close(fd);
    CHECK(cenv_fs_exists(s.fd, "new/x/y"));
    close_scratch();
}

static void test_fs__dirs_cache_gives_the_right_directory(void)
{
    static const char *const paths[] = {"a/b/c", "a/b/d", "a/bc/x", "a",  "z/y",
                                        "",      "a/b/c", "a/b",    "ab", "a/b/c/d/e"};
    struct cenv_dirs dirs;
    open_scratch();
    cenv_dirs_init(&dirs, s.fd);
    for (size_t i = 0; i < CHECK_NR(paths); i++) {
        struct cenv_stat got, want;
        check_case(paths[i]);
        int fd = cenv_dirs_get(&dirs, cenv_str(paths[i]), 0755);
        CHECK(fd >= 0);
        CHECK_INT(cenv_raw_stat_fd(fd, &got), 0);
        CHECK_INT(cenv_raw_stat(s.fd, *paths[i] ? paths[i] : ".", &want), 0);
        CHECK(cenv_stat_same_file(&got, &want));
    }
    symlinkat("a", s.fd, "link");
    CHECK_INT(cenv_dirs_get(&dirs, CENV_STR("link/b"), 0), -ENOTDIR);
    CHECK_INT(cenv_dirs_get(&dirs, CENV_STR("a/../a"), 0), -EINVAL);
    struct cenv_str name;
    CHECK(cenv_dirs_parent(&dirs, CENV_STR("a/b/file"), 0, &name) >= 0);
    CHECK(cenv_str_is(name, "file"));
    cenv_dirs_release(&dirs);
    close_scratch();
}

static void test_fs__reads_with_a_ceiling(void)
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

static void test_fs__writes_pieces_in_order(void)
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

static void test_fs__replaces_in_one_step(void)
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
    close_scratch();
}

static void test_fs__renames(void)
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

static int count_entry(void *ctx, const struct cenv_walk_entry *at,
                       struct cenv_error *e)
{
    struct cenv_buf *seen = ctx;
    (void)e;
    cenv_buf_addf(seen, "%s%s ", at->path.data,
                  at->entry.type == CENV_FT_DIR ? "/" : "");
    return strcmp(at->path.data, "b") == 0 ? CENV_WALK_SKIP : 0;
}

static void test_fs__walks_parents_first_and_skips(void)
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

static void test_fs__lists_many_names(void)
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

static void test_fs__removes_trees_without_following(void)
{
    open_scratch();
    scratch_file(&s, "keep", "kept", 0600);
    for (int twice = 0; twice < 2; twice++) {
        make_tree();
        CHECK_INT(cenv_fs_remove_tree(s.fd, "tree", &err), 0);
        CHECK(!cenv_fs_exists(s.fd, "tree"));
        CHECK_STR(scratch_text(&s, "keep"), "kept");
    }
    CHECK_INT(cenv_fs_remove_tree(s.fd, "tree", &err), 0); /* absent is fine */
    symlinkat("keep", s.fd, "link");
    CHECK_INT(cenv_fs_remove_tree(s.fd, "link", &err), 0);
    CHECK_STR(scratch_text(&s, "keep"), "kept");
    close_scratch();
}

/* Deeper than descriptors and stack allow for one level each. */
static void test_fs__removes_deep_trees(void)
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
        CHECK(!cenv_fs_exists(s.fd, "deep"));
    }
    close_scratch();
}

static void test_fs__places_with_exact_mode_and_time(void)
{
    enum cenv_place_mode got;
    struct cenv_stat a, b;
    open_scratch();
    scratch_file(&s, "src", "content", 04751);
    cenv_raw_set_mtime(s.fd, "src", 111222333444555666);
    cenv_raw_stat(s.fd, "src", &a);
    CHECK_INT(
        cenv_raw_place(s.fd, "src", NULL, s.fd, "copy", CENV_PLACE_COPY, false, &got),
        0);
    CHECK_INT(got, CENV_PLACE_COPY);
    CHECK_INT(cenv_raw_stat(s.fd, "copy", &b), 0);
    CHECK_INT(b.mode, 04751);
    CHECK_INT(b.mtime_ns, a.mtime_ns);
    CHECK(!cenv_stat_same_file(&a, &b));
    CHECK_STR(scratch_text(&s, "copy"), "content");
    CHECK_INT(
        cenv_raw_place(s.fd, "src", &a, s.fd, "hard", CENV_PLACE_HARDLINK, true, &got),
        0);
    CHECK_INT(got, CENV_PLACE_HARDLINK);
    cenv_raw_stat(s.fd, "hard", &b);
    CHECK(cenv_stat_same_file(&a, &b));
    CHECK_INT(
        cenv_raw_place(s.fd, "src", &a, s.fd, "hard", CENV_PLACE_AUTO, true, &got),
        -EEXIST);
    CHECK_INT(
        cenv_raw_place(s.fd, "src", &a, s.fd, "auto", CENV_PLACE_AUTO, true, &got), 0);
    CHECK_INT(got, cenv_fs_probe_reflink(s.fd) ? CENV_PLACE_REFLINK : CENV_PLACE_COPY);
    CHECK_STR(scratch_text(&s, "auto"), "content");
    symlinkat("src", s.fd, "l");
    CHECK_INT(cenv_raw_place(s.fd, "l", NULL, s.fd, "no", CENV_PLACE_COPY, true, &got),
              -ELOOP);
    CHECK(!cenv_fs_exists(s.fd, "no"));
    close_scratch();
}

static void test_fs__copies_holes_as_holes(void)
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
    CHECK_INT(cenv_raw_copy_data(from, to, a.size), 0);
    cenv_raw_stat_fd(to, &b);
    CHECK_INT(b.size, a.size);
    CHECK(b.blocks < 1 << 20);
    CHECK_INT(cenv_raw_pread(to, got, 4, 8 << 20), 4);
    CHECK_STR(got, "tail");
    CHECK_INT(cenv_raw_copy_data(from, to, a.size + 5000),
              -EIO); /* truncated meanwhile */
    cenv_fd_close(from);
    cenv_fd_close(to);
    close_scratch();
}

static void test_fs__finds_real_paths(void)
{
    open_scratch();
    cenv_fs_mkdirs(s.fd, "a/b", 0755, &err);
    symlinkat("a/b", s.fd, "l");
    char *got = cenv_fs_realpath(scratch_path(&s, "l/../b/."), &err);
    CHECK_STR(got, scratch_path(&s, "a/b"));
    cenv_free(got);
    CHECK(cenv_fs_realpath(scratch_path(&s, "none"), &err) == NULL);
    CHECK_INT(err.os_errno, ENOENT);
    cenv_error_release(&err);
    got = cenv_fs_abspath(scratch_path(&s, "l/new"), &err);
    CHECK_STR(got, scratch_path(&s, "a/b/new"));
    cenv_free(got);
    got = cenv_fs_abspath(scratch_path(&s, "l"), &err);
    CHECK_STR(got, scratch_path(&s, "l"));
    cenv_free(got);
    got = cenv_fs_abspath("/", &err);
    CHECK_STR(got, "/");
    cenv_free(got);
    int root = cenv_fs_open_root("/", &err);
    int in = cenv_fs_open_root(scratch_path(&s, "l"), &err);
    CHECK_INT(cenv_raw_is_inside(in, s.fd), 1);
    CHECK_INT(cenv_raw_is_inside(s.fd, s.fd), 1);
    CHECK_INT(cenv_raw_is_inside(s.fd, in), 0);
    CHECK_INT(cenv_raw_is_inside(in, root), 1);
    cenv_fd_close(root);
    cenv_fd_close(in);
    close_scratch();
}

static void test_fs__names_the_file_system(void)
{
    struct cenv_fs_facts facts;
    open_scratch();
    CHECK_INT(cenv_fs_facts(s.fd, &facts, &err), 0);
    CHECK(facts.type[0] && facts.total_bytes >= facts.free_bytes);
    CHECK_INT(cenv_fs_probe_link(s.fd, s.fd, CENV_PLACE_HARDLINK), 1);
    struct cenv_listing list;
    CHECK_INT(cenv_listing_read(&list, s.fd, false), 0);
    CHECK_INT(list.nr, 0);
    cenv_listing_release(&list);
    close_scratch();
}

/* What can go wrong with every allocation: a status, and nothing of ours left. */
static void test_fs__survives_failing_allocations(void)
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
    CHECK(!cenv_fs_exists(s.fd, "tree"));
    close_scratch();
}

int main(void)
{
    umask(022);
    RUN(test_fs__stat_knows_types_and_never_follows);
    RUN(test_fs__opens_only_regular_files);
    RUN(test_fs__beneath_follows_no_link);
    RUN(test_fs__dirs_cache_gives_the_right_directory);
    RUN(test_fs__reads_with_a_ceiling);
    RUN(test_fs__writes_pieces_in_order);
    RUN(test_fs__replaces_in_one_step);
    RUN(test_fs__makes_directories);
    RUN(test_fs__renames);
    RUN(test_fs__keeps_long_link_targets_and_times);
    RUN(test_fs__walks_parents_first_and_skips);
    RUN(test_fs__lists_many_names);
    RUN(test_fs__removes_trees_without_following);
    RUN(test_fs__removes_deep_trees);
    RUN(test_fs__places_with_exact_mode_and_time);
    RUN(test_fs__copies_holes_as_holes);
    RUN(test_fs__finds_real_paths);
    RUN(test_fs__names_the_file_system);
    RUN(test_fs__survives_failing_allocations);
    return check_report();
}
