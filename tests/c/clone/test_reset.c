/* SPDX-License-Identifier: BSD-3-Clause */
/* A clone that was played with goes back to what a new clone is. */
#include "check.h"
#include "scratch.h"

#include <errno.h>
#include <sys/mount.h>
#include <sys/xattr.h>

#include "base/alloc.h"
#include "cenv.h"
#include "os/fs.h"
#include "os/fs_data.h"
#include "os/fs_dir.h"
#include "os/xattr.h"

struct env {
    struct scratch s;
    struct cenv_store *store;
    char src[400], dst[400];
};

static void make_source(const struct env *e)
{
    static const char *const dirs[] = {"env",     "env/conda-meta", "env/bin",
                                       "env/lib", "env/lib/deep",   "env/empty"};
    char text[1000];
    for (size_t i = 0; i < CHECK_NR(dirs); i++)
        mkdirat(e->s.fd, dirs[i], 0755);
    scratch_file(&e->s, "env/conda-meta/history", "", 0644);
    snprintf(text, sizeof(text), "#!%s/bin/python\n", e->src);
    scratch_file(&e->s, "env/bin/script", text, 0755);
    scratch_file(&e->s, "env/lib/plain", "plain", 0644);
    scratch_file(&e->s, "env/lib/other", "other", 0644);
    scratch_file(&e->s, "env/lib/deep/a", "a", 0644);
    scratch_file(&e->s, "env/lib/deep/b", "b", 0444);
    scratch_file(&e->s, "env/lib/one", "one", 0644);
    linkat(e->s.fd, "env/lib/one", e->s.fd, "env/lib/two", 0);
    symlinkat("plain", e->s.fd, "env/lib/link");
    fchmodat(e->s.fd, "env/empty", 0555, 0);
}

static struct env env_open(const char *mode)
{
    struct env e = {.s = scratch_open()};
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_task task;
    struct cenv_buf out;
    char options[64];
    snprintf(e.src, sizeof(e.src), "%s/env", e.s.path);
    snprintf(e.dst, sizeof(e.dst), "%s/clone", e.s.path);
    snprintf(options, sizeof(options), "{\"mode\": \"%s\"}", mode);
    make_source(&e);
    cenv_buf_init(&out, 1 << 16);
    cenv_task_init(&task, NULL, NULL);
    CHECK_INT(cenv_store_open(&e.store, scratch_path(&e.s, "store"), &err), 0);
    CHECK_INT(cenv_clone(e.store, e.src, e.dst, options, &task, &out, &err), 0);
    cenv_task_release(&task);
    cenv_buf_release(&out);
    usleep(20000); /* timestamps are as coarse as the kernel's tick */
    return e;
}

static void env_close(struct env *e)
{
    cenv_store_free(e->store);
    scratch_close(&e->s);
}

static int reset(const struct env *e, struct cenv_buf *out, struct cenv_error *err)
{
    struct cenv_task task;
    cenv_task_init(&task, NULL, NULL);
    int rc = cenv_reset(e->store, e->dst, &task, out, err);
    cenv_task_release(&task);
    return rc;
}

/* Type, mode, size, time, attributes and content or target of everything, one line each. */
static int describe(void *ctx, const struct cenv_walk_entry *entry,
                    struct cenv_error *err)
{
    struct cenv_buf *out = ctx, text;
    struct cenv_stat st;
    cenv_buf_init(&text, 1 << 16);
    CHECK_INT(cenv_fs_stat(entry->parent, entry->entry.name, &st, err), 0);
    if (st.type == CENV_FT_FILE)
        cenv_fs_read_file(entry->parent, entry->entry.name, &text, err);
    else if (st.type == CENV_FT_SYMLINK)
        cenv_fs_readlink(entry->parent, entry->entry.name, &text, err);
    cenv_buf_addf(out, "%s %d %o %lld %lld %d %s\n", entry->path.data, st.type, st.mode,
                  (long long)(st.type == CENV_FT_FILE ? st.size : 0),
                  (long long)st.mtime_ns,
                  cenv_raw_has_xattrs(entry->parent, entry->entry.name),
                  text.data ? text.data : "");
    cenv_buf_release(&text);
    return 0;
}

static char *snapshot(const char *path)
{
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_task task;
    struct cenv_stat st;
    struct cenv_buf out;
    cenv_buf_init(&out, 1 << 20);
    cenv_task_init(&task, NULL, NULL);
    int fd = cenv_fs_open_root(path, &err);
    cenv_raw_stat_fd(fd, &st);
    cenv_buf_addf(&out, "%o %lld %d\n", st.mode, (long long)st.mtime_ns,
                  cenv_raw_has_xattrs(fd, "."));
    CHECK_INT(cenv_fs_walk(fd, true, describe, &out, &task, &err), 0);
    cenv_fd_close(fd);
    cenv_task_release(&task);
    return cenv_buf_detach(&out);
}

/* ---- what tests do to environments ---- */

static void write_at(const struct env *e, const char *path, const char *text)
{
    unlinkat(e->s.fd, path, 0);
    scratch_file(&e->s, path, text, 0644);
}

static void add_files(const struct env *e)
{
    scratch_file(&e->s, "clone/lib/new", "new", 0644);
    mkdirat(e->s.fd, "clone/lib/newdir", 0755);
    scratch_file(&e->s, "clone/lib/newdir/x", "x", 0644);
    symlinkat("/", e->s.fd, "clone/lib/newlink");
    fchmodat(e->s.fd, "clone/lib/newdir", 0, 0);
}

static void remove_files(const struct env *e)
{
    unlinkat(e->s.fd, "clone/bin/script", 0);
    unlinkat(e->s.fd, "clone/lib/link", 0);
    unlinkat(e->s.fd, "clone/lib/one", 0);
    unlinkat(e->s.fd, "clone/empty", AT_REMOVEDIR);
}

static void change_files(const struct env *e)
{
    write_at(e, "clone/bin/script", "#!/other\n");
    write_at(e, "clone/lib/plain", "PLAIN");
    write_at(e, "clone/lib/two", "TWO");
    unlinkat(e->s.fd, "clone/lib/link", 0);
    symlinkat("other", e->s.fd, "clone/lib/link");
}

static void change_types(const struct env *e)
{
    unlinkat(e->s.fd, "clone/lib/plain", 0);
    mkdirat(e->s.fd, "clone/lib/plain", 0755);
    scratch_file(&e->s, "clone/lib/plain/x", "x", 0644);
    renameat(e->s.fd, "clone/lib/deep", e->s.fd, "clone/lib/shallow");
    symlinkat(e->src, e->s.fd,
              "clone/lib/deep"); /* must not lead the reset into the source */
}

static void rename_files(const struct env *e)
{
    renameat(e->s.fd, "clone/lib/plain", e->s.fd, "clone/lib/plain2");
    renameat(e->s.fd, "clone/lib/other", e->s.fd, "clone/lib/plain");
    renameat(e->s.fd, "clone/bin", e->s.fd, "clone/nib");
}

static void change_modes(const struct env *e)
{
    fchmodat(e->s.fd, "clone/bin/script", 0600, 0);
    fchmodat(e->s.fd, "clone/lib", 0500, 0);
    fchmodat(e->s.fd, "clone/empty", 0777, 0);
    fchmodat(e->s.fd, "clone", 0711, 0);
}

static void set_attributes(const struct env *e)
{
    static const char *const paths[] = {"clone", "clone/lib", "clone/bin/script"};
    for (size_t i = 0; i < CHECK_NR(paths); i++)
        setxattr(scratch_path(&e->s, paths[i]), "user.mine", "1", 1, 0);
}

/* Same size, same time: only ctime tells. */
static void change_and_hide(const struct env *e)
{
    struct stat st;
    struct timespec times[2];
    char text[1000] = "";
    fstatat(e->s.fd, "clone/bin/script", &st, 0);
    memset(text, 'x', (size_t)st.st_size);
    scratch_file(&e->s, "clone/bin/script", text, 0755);
    times[0] = st.st_atim;
    times[1] = st.st_mtim;
    utimensat(e->s.fd, "clone/bin/script", times, 0);
}

/* What lies behind the link is as it was cloned, but not in the clone. */
static void move_behind_link(const struct env *e)
{
    static int nr;
    char moved[32];
    snprintf(moved, sizeof(moved), "moved-%d", nr++);
    renameat(e->s.fd, "clone/lib", e->s.fd, moved);
    symlinkat(scratch_path(&e->s, moved), e->s.fd, "clone/lib");
}

static void do_nothing(const struct env *e)
{
    (void)e;
}

static void test_reset__equals_a_new_clone(void)
{
    static const struct {
        const char *name;
        void (*play)(const struct env *e);
    } cases[] = {
        {"nothing", do_nothing},        {"added", add_files},
        {"removed", remove_files},      {"changed", change_files},
        {"types", change_types},        {"renamed", rename_files},
        {"modes", change_modes},        {"hidden", change_and_hide},
        {"attributes", set_attributes}, {"behind a link", move_behind_link},
    };
    static const char *const modes[] = {"copy", "hardlink"};
    for (size_t i = 0; i < CHECK_NR(cases) * 2; i++) {
        struct env e = env_open(modes[i % 2]);
        struct cenv_error err = CENV_ERROR_INIT;
        struct cenv_buf out;
        check_case(cases[i / 2].name);
        char *before = snapshot(e.dst), *source = snapshot(e.src);
        for (int round = 0; round < 2; round++) {
            usleep(20000);
            cases[i / 2].play(&e);
            cenv_buf_init(&out, 4096);
            if (!CHECK_INT(reset(&e, &out, &err), 0))
                fprintf(stderr, "    %s\n", err.message);
            if (i / 2 == 0)
                CHECK(out.data && strstr(out.data, "\"removed\":0,\"restored\":0"));
            cenv_buf_release(&out);
            char *after = snapshot(e.dst);
            CHECK_STR(after, before);
            cenv_free(after);
        }
        char *untouched = snapshot(e.src);
        CHECK_STR(untouched, source);
        struct stat one, two;
        fstatat(e.s.fd, "clone/lib/one", &one, 0);
        fstatat(e.s.fd, "clone/lib/two", &two, 0);
        CHECK_INT(one.st_ino, two.st_ino);
        cenv_free(untouched);
        cenv_free(before);
        cenv_free(source);
        cenv_error_release(&err);
        env_close(&e);
    }
}

static void test_reset__altered_source(void)
{
    struct env e = env_open("hardlink");
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_buf out;
    cenv_buf_init(&out, 4096);
    scratch_file(&e.s, "clone/lib/plain", "through the link", 0644);
    /* The source is looked at again, and is now what it is: nothing to put back. */
    CHECK_INT(reset(&e, &out, &err), 0);
    CHECK_STR(scratch_text(&e.s, "clone/lib/plain"), "through the link");
    cenv_buf_release(&out);
    cenv_error_release(&err);
    env_close(&e);
}

/* Whatever is short, it is told as that, and the next reset puts all of it right. */
static void test_reset__no_memory(void)
{
    struct env e = env_open("copy");
    char *want = snapshot(e.dst);
    bool reached = true;
    for (long n = 1; reached && n < 2000; n += n < 200 ? 1 : 3) {
        struct cenv_error err = CENV_ERROR_INIT;
        struct cenv_buf out;
        cenv_buf_init(&out, 4096);
        remove_files(&e);
        add_files(&e);
        long live = cenv_alloc_live();
        cenv_alloc_fail_nth(n);
        int rc = reset(&e, &out, &err);
        reached = !cenv_alloc_fail_nth(0);
        CHECK(rc == 0 || rc == CENV_ENOMEM);
        cenv_buf_release(&out);
        cenv_error_release(&err);
        CHECK_INT(cenv_alloc_live(), live);
        if (rc < 0)
            CHECK_INT(reset(&e, &out, &err), 0);
        char *got = snapshot(e.dst);
        CHECK_STR(got, want);
        cenv_free(got);
        cenv_buf_release(&out);
        cenv_error_release(&err);
    }
    CHECK(!reached);
    cenv_free(want);
    env_close(&e);
}

static void test_reset__not_a_clone(void)
{
    struct env e = env_open("copy");
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_buf out;
    cenv_buf_init(&out, 4096);
    memcpy(e.dst, e.src, sizeof(e.dst));
    CHECK_INT(reset(&e, &out, &err), CENV_EPREFIX);
    CHECK(strstr(err.message, "not a clone"));
    CHECK_INT(out.len, 0);
    cenv_error_release(&err);
    cenv_buf_release(&out);
    env_close(&e);
}

/* Only root may mount. What a reset has open it closes once, or a test build stops. */
static void test_reset__refuses_a_mount(void)
{
    struct env e = env_open("copy");
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_buf out;
    const char *there = scratch_path(&e.s, "clone/lib/deep");
    cenv_buf_init(&out, 4096);
    if (mount("none", there, "tmpfs", 0, NULL) == 0) {
        CHECK_INT(reset(&e, &out, &err), CENV_EPREFIX);
        CHECK(strstr(err.message, "mounted at"));
        CHECK_INT(umount(there), 0);
        cenv_error_release(&err);
        CHECK_INT(reset(&e, &out, &err), 0);
    }
    cenv_error_release(&err);
    cenv_buf_release(&out);
    env_close(&e);
}

int main(void)
{
    umask(022);
    RUN(test_reset__refuses_a_mount);
    RUN(test_reset__equals_a_new_clone);
    RUN(test_reset__altered_source);
    RUN(test_reset__not_a_clone);
    RUN(test_reset__no_memory);
    return check_report();
}
