/* SPDX-License-Identifier: BSD-3-Clause */
/* Clones of small environments that the test builds: bytes, refusals, failures. */
#include <errno.h>

#include "base/alloc.h"
#include "clone_env.h"
#include "os/fs_remove.h"

/* A clone is what an install there would have been, also of clones, whatever lies between. */
static void test_clone__equals_install(void)
{
    static const char *const names[] = {
        "c",
        "a-clone-whose-name-is-so-long-that-no-first-line-can-name-its-python-so-that-it-is-"
        "written-in-two",
        "env2", "with space", "d"};
    struct env e = env_open();
    char src[1024], dst[1024];
    snprintf(src, sizeof(src), "%s", e.src);
    for (size_t i = 0; i < CHECK_NR(names); i++) {
        snprintf(dst, sizeof(dst), "%s/%s", e.s.path, names[i]);
        if (cloned(src, dst, i % 2 ? "hardlink" : "copy"))
            check_installed(&e, dst);
        CHECK(reported("\"relocated\":4"));
        memcpy(src, dst, sizeof(src));
    }
    check_installed(&e, e.src);
    scratch_close(&e.s);
}

/* Without the package cache: the record's placeholder still tells the room in binaries. */
static void test_clone__without_pristine_files(void)
{
    struct env e = env_open();
    char longer[600];
    CHECK_INT(renameat(e.s.fd, "pkg", e.s.fd, "gone"), 0);
    snprintf(longer, sizeof(longer), "%s/somewhat-longer", e.s.path);
    if (cloned(e.src, longer, "copy"))
        check_installed(&e, longer);
    if (cloned(longer, e.dst, "copy"))
        check_installed(&e, e.dst);
    scratch_close(&e.s);
}

static void test_clone__prefix_too_long(void)
{
    struct env e = env_open();
    struct cenv_error err = CENV_ERROR_INIT;
    char dst[600];
    size_t room = strlen(P) - strlen(e.s.path) - 1;
    snprintf(dst, sizeof(dst), "%s/%.*s", e.s.path, (int)room, P P P + 1);
    for (char *c = dst + strlen(e.s.path) + 1; *c; c++)
        *c = *c == '/' ? 'x' : *c;
    CHECK_INT(strlen(dst), strlen(P));
    cloned(e.src, dst, "copy");
    strcat(dst, "y");
    CHECK_INT(clone_to(e.src, dst, "copy", &err), CENV_EPREFIX);
    CHECK(strstr(err.message, "lib/libx.so"));
    CHECK(access(dst, F_OK) < 0);
    cenv_error_release(&err);
    scratch_close(&e.s);
}

/* ---- destination ---- */

static void test_clone__refusals(void)
{
    static const struct {
        const char *name, *src, *dst;
        int status;
    } cases[] = {
        {"not empty", "env", "pkg", CENV_EPREFIX},
        {"a file", "env", "file", CENV_EPREFIX},
        {"inside the source", "env", "env/share/new/clone", CENV_EPREFIX},
        {"the source", "env", "env", CENV_EPREFIX},
        {"colon", "env", "a:b", CENV_EPREFIX},
        {"newline", "env", "a\nb", CENV_EPREFIX},
        {"no environment", "pkg", "new", CENV_EPREFIX},
        {"no source", "nothing", "new", CENV_EOS},
        {"below a file", "env", "file/new", CENV_EOS},
    };
    struct env e = env_open();
    put(&e, "file", 0644, "x");
    int before = entries_of(e.s.path),
        inside = entries_of(scratch_path(&e.s, "env/share"));
    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        struct cenv_error err = CENV_ERROR_INIT;
        check_case(cases[i].name);
        CHECK_INT(clone_to(scratch_path(&e.s, cases[i].src),
                           scratch_path(&e.s, cases[i].dst), "copy", &err),
                  cases[i].status);
        CHECK(err.message[0]);
        CHECK_INT(entries_of(e.s.path), before);
        CHECK_INT(entries_of(scratch_path(&e.s, "env/share")), inside);
        CHECK_INT(report.len, 0);
        cenv_error_release(&err);
    }
    scratch_close(&e.s);
}

/* Above all an owner that is misspelt: nobody would sweep the clone. */
static void test_clone__wrong_options(void)
{
    static const struct {
        const char *text, *message, *hint;
    } cases[] = {
        {"{\"mode\":\"fast\"}", "'fast' is not a clone mode",
         "use one of: auto, snapshot, reflink, hardlink, copy, overlay"},
        {"{\"mode\":3}", "'' is not a clone mode", ""},
        {"{\"owners\":3}", "clone has no option 'owners'", "did you mean 'owner'?"},
        {"{\"owner\":\"3\"}", "the option 'owner' of clone must be a whole number", ""},
        {"[]", "the options of clone must be an object", ""},
    };
    struct env e = env_open();
    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        struct cenv_error err = CENV_ERROR_INIT;
        struct cenv_task task;
        check_case(cases[i].text);
        cenv_task_init(&task, NULL, NULL);
        CHECK_INT(cenv_clone(NULL, e.src, e.dst, cases[i].text, &task, &report, &err),
                  CENV_EUSAGE);
        CHECK_STR(err.message, cases[i].message);
        CHECK(strstr(err.hint ? err.hint : "", cases[i].hint));
        CHECK(access(e.dst, F_OK) < 0);
        cenv_task_release(&task);
        cenv_error_release(&err);
    }
    scratch_close(&e.s);
}

static void test_clone__replaces_an_empty_directory(void)
{
    struct env e = env_open();
    mkdirat(e.s.fd, "clone", 0700);
    fchmodat(e.s.fd, "clone", 02750, 0);
    if (cloned(e.src, e.dst, "copy"))
        CHECK_INT(stat_at(&e, "clone").st_mode & 07777, 02750);
    char deep[600];
    snprintf(deep, sizeof(deep), "%s/new/and/deep", e.s.path);
    if (cloned(e.src, deep, "copy"))
        check_installed(&e, deep);
    scratch_close(&e.s);
}

/* ---- failures ---- */

static int cancel_later(void *ctx)
{
    return --*(int *)ctx < 0;
}

static void test_clone__cancelled(void)
{
    struct env e = env_open();
    int before = entries_of(e.s.path);
    for (int n = 0; n < 3; n++) {
        struct cenv_error err = CENV_ERROR_INIT;
        struct cenv_task task;
        struct cenv_buf out;
        int left = n;
        cenv_buf_init(&out, 4096);
        cenv_task_init(&task, cancel_later, &left);
        if (n == 2)
            cenv_task_cancel(&task);
        int rc = cenv_clone(NULL, e.src, e.dst, "{\"threads\": 2}", &task, &out, &err);
        if (n != 1) /* polls are 20 ms apart: the second may never come */
            CHECK_INT(rc, CENV_ECANCELLED);
        if (rc < 0)
            CHECK_INT(entries_of(e.s.path), before);
        else
            cenv_fs_discard_tree(e.s.fd, "clone");
        cenv_task_release(&task);
        cenv_error_release(&err);
        cenv_buf_release(&out);
    }
    scratch_close(&e.s);
}

static void test_clone__no_memory(void)
{
    struct env e = env_open();
    int before = entries_of(e.s.path);
    bool done = false;
    for (long n = 1; n < 4000 && !done; n += n < 40 ? 1 : 7) {
        struct cenv_error err = CENV_ERROR_INIT;
        struct cenv_task task;
        struct cenv_buf out;
        cenv_task_init(&task, NULL, NULL);
        cenv_buf_init(&out, 1 << 16);
        long live = cenv_alloc_live();
        cenv_alloc_fail_nth(n);
        int rc = cenv_clone(NULL, e.src, e.dst, "{\"threads\": 1}", &task, &out, &err);
        cenv_alloc_fail_nth(0);
        if (rc < 0) {
            CHECK_INT(entries_of(e.s.path), before);
        } else {
            check_installed(&e, e.dst);
            cenv_fs_discard_tree(e.s.fd, "clone");
            done = n > 500;
        }
        cenv_task_release(&task);
        cenv_buf_release(&out);
        cenv_error_release(&err);
        CHECK_INT(cenv_alloc_live() <= live, 1);
    }
    scratch_close(&e.s);
}

/* ---- the store's manifests ---- */

static void test_clone__manifest_is_kept_and_checked(void)
{
    struct env e = env_open();
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_store *store = NULL;
    char want[600], dst[600];
    CHECK_INT(cenv_store_open(&store, scratch_path(&e.s, "store"), &err), 0);
    put(&e, "env/etc/mine", 0644, "%s\n", e.src);
    for (int i = 0; i < 4; i++) {
        struct cenv_task task;
        cenv_buf_release(&report);
        cenv_buf_init(&report, 1 << 16);
        cenv_task_init(&task, NULL, NULL);
        snprintf(dst, sizeof(dst), "%s/c%d", e.s.path, i);
        CHECK_INT(cenv_clone(store, e.src, dst, NULL, &task, &report, &err), 0);
        for (size_t s = 0; s < task.nr_spans; s++)
            if (task.spans[s].stage == CENV_STAGE_PROCESS_MANIFEST)
                CHECK_INT(task.spans[s].hits, i == 1);
        snprintf(want, sizeof(want), i < 2 ? "%s\n" : "new %s\n", dst);
        CHECK_STR(text_at(&e, "c%d/etc/mine", i), want);
        CHECK_INT(text_at(&e, "c%d/share/new", i) != NULL, i > 2);
        check_installed(&e, dst);
        cenv_task_release(&task);
        if (i == 1)
            put(&e, "env/etc/mine", 0644, "new %s\n", e.src);
        if (i == 2)
            put(&e, "env/share/new", 0644, "new\n");
    }
    cenv_store_free(store);
    cenv_error_release(&err);
    scratch_close(&e.s);
}

/* Another text of the same size, with the time of the old one, in the same inode. */
static void overwrite(const struct env *e, const char *path, const char *text)
{
    struct stat old;
    fstatat(e->s.fd, path, &old, 0);
    int fd = openat(e->s.fd, path, O_WRONLY | O_CLOEXEC);
    CHECK_INT(write(fd, text, strlen(text)), old.st_size);
    close(fd);
    set_time(e, path, old.st_mtim.tv_sec, old.st_mtim.tv_nsec);
}

static void clone_with(struct cenv_store *store, const struct env *e, const char *name)
{
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_task task;
    char dst[600];
    snprintf(dst, sizeof(dst), "%s/%s", e->s.path, name);
    cenv_task_init(&task, NULL, NULL);
    cenv_buf_release(&report);
    cenv_buf_init(&report, 1 << 16);
    CHECK_INT(cenv_clone(store, e->src, dst, NULL, &task, &report, &err), 0);
    cenv_task_release(&task);
    cenv_error_release(&err);
}

/*
 * Size and time do not tell: the ctime does, also of files that have names elsewhere, and the bytes
 * that were to be replaced do.
 */
static void test_clone__content_replaced_unseen(void)
{
    for (int linked = 0; linked < 2; linked++) {
        struct env e = env_open();
        struct cenv_error err = CENV_ERROR_INIT;
        struct cenv_store *store = NULL;
        char text[600];
        CHECK_INT(cenv_store_open(&store, scratch_path(&e.s, "store"), &err), 0);
        put(&e, "env/share/mine", 0644, "%s/x\n", e.src);
        snprintf(text, sizeof(text), "%s/x\n", e.src);
        memset(text, '#', strlen(text) - 1);
        put(&e, "env/share/none", 0644, "%s", text);
        if (linked) {
            CHECK_INT(linkat(e.s.fd, "env/share/mine", e.s.fd, "other", 0), 0);
            CHECK_INT(linkat(e.s.fd, "env/share/none", e.s.fd, "another", 0), 0);
        }
        clone_with(store, &e, "first");
        overwrite(&e, "env/share/mine", text);
        clone_with(store, &e, "second");
        CHECK_STR(text_at(&e, "second/share/mine"), text);
        snprintf(text, sizeof(text), "%s/x\n", e.src);
        overwrite(&e, linked ? "another" : "env/share/none", text);
        clone_with(store, &e, "third");
        snprintf(text, sizeof(text), "%s/third/x\n", e.s.path);
        CHECK_STR(text_at(&e, "third/share/none"), text);
        cenv_store_free(store);
        scratch_close(&e.s);
    }
}

int main(void)
{
    umask(022);
    RUN(test_clone__equals_install);
    RUN(test_clone__without_pristine_files);
    RUN(test_clone__prefix_too_long);
    RUN(test_clone__refusals);
    RUN(test_clone__wrong_options);
    RUN(test_clone__replaces_an_empty_directory);
    RUN(test_clone__cancelled);
    RUN(test_clone__no_memory);
    RUN(test_clone__manifest_is_kept_and_checked);
    RUN(test_clone__content_replaced_unseen);
    clone_env_release();
    return check_report();
}
