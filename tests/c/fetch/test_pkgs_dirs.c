/* SPDX-License-Identifier: BSD-3-Clause */
/* Package caches of conda and mamba, and package manifests. */
#include "check.h"
#include "fetch/pkgs_dirs.h"
#include "package.h"
#include "package/package_manifest.h"
#include "storekit.h"

#define FN  "a-1-0.conda"
#define URL "https://host.org/chan/linux-64/" FN

static struct scratch s;
static struct cenv_error err = CENV_ERROR_INIT;
static struct cenv_task task;
static struct cenv_buf out;
static char sha256[CENV_DIGEST_HEX_MAX];

static void begin(void)
{
    s = scratch_open();
    cenv_task_init(&task, NULL, NULL);
    cenv_buf_init(&out, 1 << 20);
    cenv_digest_sha256_hex(CENV_STR("archive"), sha256);
}

static void end(void)
{
    cenv_buf_release(&out);
    cenv_error_release(&err);
    cenv_task_release(&task);
    scratch_close(&s);
}

static struct cenv_pkgs_dirs_want want(void)
{
    return (struct cenv_pkgs_dirs_want){
        .fn = CENV_STR(FN),
        .url = CENV_STR(URL),
        .name = CENV_STR("a"),
        .version = CENV_STR("1"),
        .build = CENV_STR("0"),
        .sha256 = cenv_str(sha256),
        .size = 7,
    };
}

/* Everything below the layer as text: names, modes, times; to see that nothing changes. */
static int note_entry(void *ctx, const struct cenv_walk_entry *at, struct cenv_error *e)
{
    struct cenv_stat st;
    int rc = cenv_fs_stat(at->parent, at->entry.name, &st, e);
    cenv_buf_addf(ctx, "%s %o %lld %lld\n", at->path.data, st.mode,
                  (long long)st.mtime_ns, (long long)st.ctime_ns);
    return rc;
}

static void note_layer(struct cenv_buf *text)
{
    int fd = cenv_raw_open_dir(s.fd, "pkgs");
    cenv_buf_init(text, 1 << 20);
    CHECK_INT(cenv_fs_walk(fd, true, note_entry, text, &task, &err), 0);
    cenv_fd_close(fd);
}

/* ---- archives ---- */

static void test_pkgs_dirs__finds_archives_by_hash(void)
{
    static const struct {
        const char *label, *path, *content;
        int found;
    } cases[] = {
        {"flat", "pkgs/" FN, "archive", 1},
        {"by url", "pkgs/https/host.org/chan/linux-64/" FN, "archive", 1},
        {"other bytes", "pkgs/" FN, "ARCHIVE", 0},
        {"other size", "pkgs/" FN, "archive ", 0},
        {"elsewhere", "pkgs/x/" FN, "archive", 0},
    };
    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        struct cenv_pkgs_dirs_want w = want();
        begin();
        w.sha256 = cenv_str(sha256);
        check_case(cases[i].label);
        make_parents(&s, cases[i].path);
        scratch_file(&s, cases[i].path, cases[i].content, 0444);
        CHECK_INT(cenv_pkgs_dirs_find_archive(scratch_path(&s, "pkgs"), &w, &out, &task,
                                              &err),
                  cases[i].found);
        CHECK_STR(out.data, cases[i].found ? scratch_path(&s, cases[i].path) : NULL);
        CHECK_INT(err.status, 0);
        end();
    }
}

static void test_pkgs_dirs__knows_md5_and_refuses_names(void)
{
    begin();
    struct cenv_pkgs_dirs_want w = want();
    mkdirat(s.fd, "pkgs", 0755);
    scratch_file(&s, "pkgs/" FN, "archive", 0444);
    w.sha256 = CENV_STR("");
    CHECK_INT(
        cenv_pkgs_dirs_find_archive(scratch_path(&s, "pkgs"), &w, &out, &task, &err),
        0);
    w.md5 = CENV_STR("888d0ee361af3603736f32131e7b20a2");
    CHECK_INT(
        cenv_pkgs_dirs_find_archive(scratch_path(&s, "pkgs"), &w, &out, &task, &err),
        1);
    w.fn = CENV_STR("../pkgs/" FN);
    CHECK_INT(
        cenv_pkgs_dirs_find_archive(scratch_path(&s, "pkgs"), &w, &out, &task, &err),
        0);
    CHECK_INT(cenv_pkgs_dirs_find_archive("/none", &w, &out, &task, &err), 0);
    CHECK_INT(err.status, 0);
    end();
}

/* ---- extracted packages ---- */

static void put_extracted(const char *dir)
{
    char record[512];
    struct package p = package_begin(&s, "a", "1", "");
    snprintf(p.dir, sizeof(p.dir), "%s", dir);
    package_file(&p, "bin/x", "text of x", 0755);
    package_file(&p, "lib/ro", "read only", 0444);
    package_file(&p, "lib/loose", "writable", 0666);
    package_link(&p, "bin/l", "x", "");
    package_end(&p);
    package_info(&p, "index.json",
                 "{\"name\":\"a\",\"version\":\"1\",\"build\":\"0\"}");
    snprintf(record, sizeof(record), "{\"name\":\"a\",\"sha256\":\"%s\"}", sha256);
    package_info(&p, "repodata_record.json", record);
}

static int import(const struct cenv_pkgs_dirs_want *w)
{
    mkdirat(s.fd, "entry", 0755);
    int fd = cenv_raw_open_dir(s.fd, "entry");
    int rc = cenv_pkgs_dirs_copy_package(scratch_path(&s, "pkgs"), w, fd, &task, &err);
    if (rc != 1)
        CHECK_INT(cenv_raw_is_empty_dir(fd), 1);
    cenv_fd_close(fd);
    return rc;
}

static void test_pkgs_dirs__imports_what_is_verified(void)
{
    static const char *const places[] = {"pkgs/a-1-0",
                                         "pkgs/https/host.org/chan/linux-64/a-1-0"};
    for (size_t i = 0; i < CHECK_NR(places); i++) {
        struct cenv_buf before, after;
        struct cenv_package_manifest manifest;
        struct cenv_stat st;
        begin();
        struct cenv_pkgs_dirs_want w = want();
        check_case(places[i]);
        put_extracted(places[i]);
        note_layer(&before);
        CHECK_INT(import(&w), 1);
        note_layer(&after);
        CHECK_STR(after.data, before.data);
        CHECK_STR(scratch_text(&s, "entry/content/bin/x"), "text of x");
        CHECK_STR(scratch_text(&s, "entry/content/info/repodata_record.json"), NULL);
        cenv_raw_stat(s.fd, "entry/content/lib/loose", &st);
        CHECK_INT(st.mode, 0644);
        CHECK_INT(st.mtime_ns, PACKAGE_TIME * 1000000000LL);
        int entry = cenv_raw_open_dir(s.fd, "entry");
        int content = cenv_raw_open_dir(entry, "content");
        CHECK_INT(cenv_package_manifest_read(&manifest, entry, "manifest", &err), 0);
        CHECK_INT(manifest.nr, 6); /* three files, a link, two of info */
        CHECK_INT(cenv_package_manifest_check(&manifest, content, &out, &task, &err),
                  0);
        const struct cenv_package_file *found =
            cenv_package_manifest_find(&manifest, CENV_STR("bin/l"));
        CHECK(found && found->type == CENV_FT_SYMLINK && cenv_str_is(found->link, "x"));
        CHECK(cenv_package_manifest_find(&manifest, CENV_STR("bin")) == NULL);
        cenv_package_manifest_release(&manifest);
        cenv_fd_close(content);
        cenv_fd_close(entry);
        cenv_buf_release(&before);
        cenv_buf_release(&after);
        end();
    }
}

/* conda leaves directories with only info/, mamba records that fit nothing. */
static void test_pkgs_dirs__passes_over_what_is_not(void)
{
    static const struct {
        const char *label, *path, *text;
    } cases[] = {
        {"altered file", "pkgs/a-1-0/bin/x", "TEXT of x"},
        {"longer file", "pkgs/a-1-0/bin/x", "text of x, and more"},
        {"half extracted", "pkgs/a-1-0/bin/x", NULL},
        {"no record", "pkgs/a-1-0/info/repodata_record.json", NULL},
        {"empty record", "pkgs/a-1-0/info/repodata_record.json", ""},
        {"other record", "pkgs/a-1-0/info/repodata_record.json", "{\"sha256\":\"00\"}"},
        {"md5 alone", "pkgs/a-1-0/info/repodata_record.json", "{\"md5\":\"00\"}"},
        {"other name", "pkgs/a-1-0/info/index.json",
         "{\"name\":\"b\",\"version\":\"1\",\"build\":\"0\"}"},
        {"no paths", "pkgs/a-1-0/info/paths.json", NULL},
        {"bad paths", "pkgs/a-1-0/info/paths.json",
         "{\"paths_version\":1,\"paths\":[{\"_path\":\"../../x\",\"path_type\":\"hardlink\"}]}"},
        {"no hashes", "pkgs/a-1-0/info/paths.json",
         "{\"paths_version\":1,\"paths\":[{\"_path\":\"bin/x\",\"path_type\":\"hardlink\"}]}"},
    };
    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        begin();
        struct cenv_pkgs_dirs_want w = want();
        check_case(cases[i].label);
        put_extracted("pkgs/a-1-0");
        if (cases[i].text)
            scratch_file(&s, cases[i].path, cases[i].text, 0644);
        else
            unlinkat(s.fd, cases[i].path, 0);
        CHECK_INT(import(&w), 0);
        CHECK_INT(err.status, 0);
        end();
    }
}

static void test_pkgs_dirs__survives_failing_allocations(void)
{
    begin();
    struct cenv_pkgs_dirs_want w = want();
    put_extracted("pkgs/a-1-0");
    int rc = CENV_ENOMEM;
    for (long n = 1; rc == CENV_ENOMEM && n < 5000; n++) {
        long before = cenv_alloc_live();
        cenv_alloc_fail_nth(n);
        rc = import(&w);
        cenv_alloc_fail_nth(0);
        CHECK_INT(cenv_alloc_live(), before);
        cenv_error_release(&err);
    }
    CHECK_INT(rc, 1);
    end();
}

int main(void)
{
    umask(022);
    RUN(test_pkgs_dirs__finds_archives_by_hash);
    RUN(test_pkgs_dirs__knows_md5_and_refuses_names);
    RUN(test_pkgs_dirs__imports_what_is_verified);
    RUN(test_pkgs_dirs__passes_over_what_is_not);
    RUN(test_pkgs_dirs__survives_failing_allocations);
    return check_report();
}
