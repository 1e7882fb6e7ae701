/* SPDX-License-Identifier: BSD-3-Clause */
/* package/extract: what a package gives on disk, and hostile ones, in both formats. */
#include "package/extract.h"

#include "base/alloc.h"
#include "base/digest.h"
#include "cenv.h"
#include "check.h"
#include "os/fs_data.h"
#include "os/raw_file.h"
#include "scratch.h"
#include "tarball.h"

#define INDEX(name) \
    "{\"name\":\"" name "\",\"version\":\"1\",\"build\":\"0\",\"build_number\":0}"
#define HELLO_SHA   "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
#define HELLO_OTHER "3cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
#define HELLO(more) "{\"_path\":\"lib/hello\",\"path_type\":\"hardlink\"" more "}"
#define PATHS(list) "{\"paths_version\":1,\"paths\":[" list "]}"

/* The formats a case is run in. */
static const char *const formats[] = {"p-1-0.conda", "p-1-0.tar.bz2"};

struct package {
    struct cenv_buf info, pkg; /* tar archives without their ends */
};

static void package_begin(struct package *p, const char *index, const char *paths)
{
    cenv_buf_init(&p->info, 1 << 26);
    cenv_buf_init(&p->pkg, 1 << 26);
    if (index)
        tar_file(&p->info, "info/index.json", index);
    if (paths)
        tar_file(&p->info, "info/paths.json", paths);
}

/* The archive's bytes; the package is released. */
static struct cenv_buf package_end(struct package *p, const char *fn)
{
    struct cenv_buf out;

    cenv_buf_init(&out, 1 << 28);
    tar_end(&p->pkg);
    if (strstr(fn, ".conda")) {
        tar_end(&p->info);
        conda_pack(&out, "p-1-0", cenv_buf_str(&p->info), cenv_buf_str(&p->pkg));
    } else {
        cenv_buf_add_str(&p->info, cenv_buf_str(&p->pkg));
        compress_span(&out, CENV_CODEC_BZIP2, cenv_buf_str(&p->info));
    }
    cenv_buf_release(&p->info);
    cenv_buf_release(&p->pkg);
    return out;
}

static void write_bytes(const struct scratch *s, const char *name, struct cenv_str data)
{
    int fd = openat(s->fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

    CHECK(fd >= 0 && write(fd, data.data, data.len) == (ssize_t)data.len);
    close(fd);
}

/* Writes the archive and extracts it to "out". */
static int extract(const struct scratch *s, const char *fn, struct cenv_str archive,
                   const char *sha256, struct cenv_buf *out, struct cenv_error *err)
{
    struct cenv_task task;
    int rc;

    write_bytes(s, fn, archive);
    cenv_task_init(&task, NULL, NULL);
    rc = cenv_extract(scratch_path(s, fn), scratch_path(s, "out"), sha256, &task, out,
                      err);
    cenv_task_release(&task);
    return rc;
}

/* Nothing but the archive is left. */
static bool is_clean(const struct scratch *s, const char *fn)
{
    char name[300];

    CHECK_INT(unlinkat(s->fd, fn, 0), 0);
    snprintf(name, sizeof(name), "%s", s->path);
    return rmdir(name) == 0 && mkdir(name, 0700) == 0;
}

/* Extraction is refused for a reason that names the package, and leaves nothing. */
static void check_refused(const char *fn, struct cenv_str archive, const char *why)
{
    struct cenv_error err = CENV_ERROR_INIT;
    struct scratch s = scratch_open();
    struct cenv_buf out;

    cenv_buf_init(&out, 4096);
    CHECK_INT(extract(&s, fn, archive, NULL, &out, &err), CENV_EINTEGRITY);
    if (!CHECK(strstr(err.message, why) && strstr(err.message, fn)))
        fprintf(stderr, "    %s\n", err.message);
    CHECK(out.len == 0 && is_clean(&s, fn));
    cenv_buf_release(&out);
    cenv_error_release(&err);
    scratch_close(&s);
}

static void test_extract__writes_what_is_archived(void)
{
    for (size_t i = 0; i < CHECK_NR(formats); i++) {
        struct cenv_error err = CENV_ERROR_INIT;
        struct scratch s = scratch_open();
        struct cenv_buf archive, out;
        struct package p;
        struct stat a, b;
        mode_t old = umask(027);

        check_case(formats[i]);
        package_begin(
            &p, INDEX("p"),
            PATHS(HELLO(",\"size_in_bytes\":5,\"sha256\":\"" HELLO_SHA
                        "\"") ",{\"_path\":\"bin/run\",\"path_type\":\"hardlink\"}"
                              ",{\"_path\":\"bin/again\",\"path_type\":\"hardlink\"}"
                              ",{\"_path\":\"bin/link\",\"path_type\":\"softlink\"}"));
        tar_file(&p.info, "info/repodata_record.json", "{\"url\":\"https://evil\"}");
        tar_pax(&p.pkg, 'x', "mtime=1600000000.123456789", NULL);
        tar_file(&p.pkg, "./lib/hello", "hello");
        tar_header(&p.pkg, '0', "bin/run", "", 2, 04777);
        tar_data(&p.pkg, "#!", 2);
        tar_member(&p.pkg, '1', "bin/again", "bin/run", "");
        tar_member(&p.pkg, '2', "bin/link", "/nowhere/at/all", "");
        tar_member(&p.pkg, '5', "share/empty/", "", "");
        archive = package_end(&p, formats[i]);
        cenv_buf_init(&out, 4096);
        CHECK_INT(extract(&s, formats[i], cenv_buf_str(&archive), NULL, &out, &err), 0);
        CHECK_STR(err.message, "");
        CHECK(out.data && strstr(out.data, "\"files\":6,\"bytes\":"));
        CHECK_STR(scratch_text(&s, "out/lib/hello"), "hello");
        CHECK_INT(fstatat(s.fd, "out/lib/hello", &a, 0), 0);
        CHECK_INT(a.st_mode & 07777, 0640);
        CHECK_INT(a.st_mtim.tv_sec, 1600000000);
        CHECK_INT(a.st_mtim.tv_nsec, 123456789);
        CHECK(fstatat(s.fd, "out/bin/run", &a, 0) == 0 &&
              fstatat(s.fd, "out/bin/again", &b, 0) == 0);
        CHECK(a.st_ino == b.st_ino && (a.st_mode & 07777) == 0750);
        CHECK(fstatat(s.fd, "out/bin/link", &a, AT_SYMLINK_NOFOLLOW) == 0 &&
              S_ISLNK(a.st_mode));
        CHECK(fstatat(s.fd, "out/share/empty", &a, 0) == 0 &&
              (a.st_mode & 07777) == 0750);
        CHECK(fstatat(s.fd, "out", &a, 0) == 0 && (a.st_mode & 07777) == 0750);
        CHECK(!scratch_text(&s, "out/info/repodata_record.json"));
        CHECK_INT(umask(old), 027); /* nobody changed it */
        cenv_buf_release(&archive);
        cenv_buf_release(&out);
        scratch_close(&s);
    }
}

/* Members of the package, and why it is refused ("" when it is fine). */
struct hostile {
    const char *label, *paths, *why;
    void (*fill)(struct cenv_buf *tar);
};

static void fill_nothing(struct cenv_buf *tar)
{
    (void)tar;
}

static void fill_hello(struct cenv_buf *tar)
{
    tar_file(tar, "lib/hello", "hello");
}

static void fill_up(struct cenv_buf *tar)
{
    tar_file(tar, "../escaped", "x");
}

static void fill_through_link(struct cenv_buf *tar)
{
    tar_member(tar, '2', "d", "/tmp", "");
    tar_file(tar, "d/cenv-escaped", "x");
}

static void fill_over_link(struct cenv_buf *tar)
{
    tar_member(tar, '2', "lib/hello", "../../escaped", "");
    tar_file(tar, "lib/hello", "hello");
}

static void fill_below_file(struct cenv_buf *tar)
{
    tar_file(tar, "lib/hello", "hello");
    tar_file(tar, "lib/hello/below", "x");
}

static void fill_dir_over_link(struct cenv_buf *tar)
{
    tar_member(tar, '2', "d", "lib", "");
    tar_member(tar, '5', "d", "", "");
}

static void fill_hardlink_to_link(struct cenv_buf *tar)
{
    tar_member(tar, '2', "l", "/etc/passwd", "");
    tar_member(tar, '1', "lib/hello", "l", "");
}

static void fill_hardlink_forward(struct cenv_buf *tar)
{
    tar_member(tar, '1', "lib/hello", "later", "");
    tar_file(tar, "later", "hello");
}

static void fill_hardlink_data(struct cenv_buf *tar)
{
    tar_file(tar, "lib/hello", "hello");
    tar_member(tar, '1', "again", "lib/hello", "other");
}

static void fill_fifo(struct cenv_buf *tar)
{
    tar_member(tar, '6', "lib/hello", "", "");
}

static void fill_twice_same(struct cenv_buf *tar)
{
    fill_hello(tar);
    tar_member(tar, '5', "lib", "", "");
    fill_hello(tar);
    tar_member(tar, '2', "lib/hello.so", "hello", "");
    tar_member(tar, '2', "lib/hello.so", "hello", "");
}

static void fill_twice_other(struct cenv_buf *tar)
{
    fill_hello(tar);
    tar_file(tar, "./lib//hello", "HELLO");
}

static void fill_conda_meta(struct cenv_buf *tar)
{
    fill_hello(tar);
    tar_file(tar, "conda-meta/p-1-0.json", "{}");
}

static void fill_extra(struct cenv_buf *tar)
{
    fill_hello(tar);
    tar_file(tar, "lib/unlisted", "x");
}

static void fill_dir(struct cenv_buf *tar)
{
    tar_member(tar, '5', "lib/hello", "", "");
}

static void fill_truncated(struct cenv_buf *tar)
{
    fill_hello(tar);
    tar->len -= 512;
}

static void test_extract__refuses_hostile_packages(void)
{
    static const struct hostile cases[] = {
        {"..", PATHS(HELLO("")), "leads out by '..'", fill_up},
        {"through a link", PATHS(HELLO("")), "lies below a link or file",
         fill_through_link},
        {"over a link", PATHS(HELLO("")), "is there twice", fill_over_link},
        {"below a file", PATHS(HELLO("")), "lies below a link or file",
         fill_below_file},
        {"directory over a link", PATHS(HELLO("")), "is there twice",
         fill_dir_over_link},
        {"hard link to a link", PATHS(HELLO("")), "no earlier file",
         fill_hardlink_to_link},
        {"hard link forward", PATHS(HELLO("")), "no earlier file",
         fill_hardlink_forward},
        {"hard link with data", PATHS(HELLO("")), "has data, but is no file",
         fill_hardlink_data},
        {"fifo", PATHS(HELLO("")), "is neither file, directory nor link", fill_fifo},
        {"twice, other bytes", PATHS(HELLO("")), "is there twice, and differs",
         fill_twice_other},
        {"conda-meta", PATHS(HELLO("")), "the installer's to write", fill_conda_meta},
        {"damaged tar", PATHS(HELLO("")), "bad tar archive", fill_truncated},
        {"missing file", PATHS(HELLO("")), "is missing", fill_nothing},
        {"extra file", PATHS(HELLO("")), "is not listed", fill_extra},
        {"other type", PATHS(HELLO("")), "another type", fill_dir},
        {"other size", PATHS(HELLO(",\"size_in_bytes\":6")), "another size",
         fill_hello},
        {"other hash", PATHS(HELLO(",\"sha256\":\"" HELLO_OTHER "\"")),
         "another SHA-256", fill_hello},
        {"key twice", PATHS(HELLO(",\"sha256\":\"\",\"sha256\":\"\"")), "twice",
         fill_hello},
        {"no JSON", "{\"paths\"", "not valid JSON", fill_hello},
        {"listed name leads out", PATHS("{\"_path\":\"../x\"}"), "leads out",
         fill_nothing},
        {"no list", NULL, "paths.json", fill_hello},
    };

    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        for (size_t k = 0; k < CHECK_NR(formats); k++) {
            struct cenv_buf archive;
            struct package p;
            check_case(cases[i].label);
            package_begin(&p, INDEX("p"), cases[i].paths);
            cases[i].fill(&p.pkg);
            archive = package_end(&p, formats[k]);
            check_refused(formats[k], cenv_buf_str(&archive), cases[i].why);
            cenv_buf_release(&archive);
        }
    }
    CHECK_INT(access("/tmp/cenv-escaped", F_OK), -1);
}

static void check_fine(struct package *p, const char *fn)
{
    struct cenv_buf archive = package_end(p, fn), out;
    struct cenv_error err = CENV_ERROR_INIT;
    struct scratch s = scratch_open();

    cenv_buf_init(&out, 4096);
    CHECK_INT(extract(&s, fn, cenv_buf_str(&archive), NULL, &out, &err), 0);
    CHECK_STR(err.message, "");
    cenv_buf_release(&archive);
    cenv_buf_release(&out);
    scratch_close(&s);
}

static void test_extract__takes_the_same_twice(void)
{
    for (size_t i = 0; i < CHECK_NR(formats); i++) {
        struct package p;
        package_begin(
            &p, INDEX("p"),
            PATHS(
                HELLO("") ",{\"_path\":\"lib/hello.so\",\"path_type\":\"softlink\"}"));
        fill_twice_same(&p.pkg);
        check_fine(&p, formats[i]);
    }
}

static void test_extract__knows_the_older_lists(void)
{
    for (int missing = 0; missing < 2; missing++) {
        struct package p;
        package_begin(&p, INDEX("p"), NULL);
        tar_file(&p.info, "info/files",
                 missing ? "lib/hello\nlib/more\n" : "lib/hello\n");
        fill_hello(&p.pkg);
        if (missing) {
            struct cenv_buf archive = package_end(&p, formats[1]);
            check_refused(formats[1], cenv_buf_str(&archive), "is missing");
            cenv_buf_release(&archive);
        } else {
            check_fine(&p, formats[1]);
        }
    }
}

static void test_extract__takes_an_empty_package(void)
{
    struct package p;

    package_begin(&p, INDEX("p"), PATHS(""));
    check_fine(&p, formats[0]);
}

static void test_extract__checks_the_name_inside(void)
{
    static const char *const indices[] = {INDEX("q"), "{\"name\":\"p\"}", "[]", NULL};

    for (size_t i = 0; i < CHECK_NR(indices); i++) {
        struct cenv_buf archive;
        struct package p;
        package_begin(&p, indices[i], PATHS(""));
        archive = package_end(&p, formats[0]);
        check_refused(formats[0], cenv_buf_str(&archive), "info/index.json");
        cenv_buf_release(&archive);
    }
}

/* A .conda whose ZIP holds these members. */
static struct cenv_buf outer(const char *const *names, const char *metadata)
{
    struct cenv_zip_member members[8];
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_buf zip, tar, packed;
    size_t nr = 0;

    cenv_buf_init(&zip, 1 << 20);
    cenv_buf_init(&tar, 1 << 20);
    cenv_buf_init(&packed, 1 << 20);
    tar_end(&tar);
    compress_span(&packed, CENV_CODEC_ZSTD, cenv_buf_str(&tar));
    for (; *names; names++)
        zip_member(&zip, members, &nr, *names,
                   strstr(*names, ".zst") ? cenv_buf_str(&packed) : cenv_str(metadata));
    cenv_zip_put_directory(members, nr, cenv_output_buf(&zip), &err);
    cenv_buf_release(&tar);
    cenv_buf_release(&packed);
    return zip;
}

static void test_extract__checks_the_container(void)
{
#define GOOD "{\"conda_pkg_format_version\":2}"
    static const struct {
        const char *names[6], *metadata, *why;
    } cases[] = {
        {{"metadata.json", "pkg-p-1-0.tar.zst", NULL},
         GOOD,
         "it lacks its info archive"},
        {{"info-p-1-0.tar.zst", "metadata.json", NULL}, GOOD, "it lacks"},
        {{"info-p-1-0.tar.zst", "pkg-p-1-0.tar.zst", "metadata.json", NULL},
         "{\"conda_pkg_format_version\":3}",
         "another .conda format"},
        {{"info-p-1-0.tar.zst", "pkg-p-1-0.tar.zst", "metadata.json", NULL},
         "{",
         "metadata.json is not valid JSON"},
        {{"info-p-1-0.tar.zst", "pkg-p-1-0.tar.zst", "pkg-q.tar.zst", "metadata.json",
          NULL},
         GOOD,
         "two archives of one kind"},
        {{"info-p-1-0.tar.zst", "pkg-q-1-0.tar.zst", "metadata.json", NULL},
         GOOD,
         "different names"},
        {{"evil-p-1-0.tar.zst", NULL}, GOOD, "neither info nor pkg"},
    };

    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        struct cenv_buf zip = outer(cases[i].names, cases[i].metadata);
        check_case(cases[i].why);
        check_refused(formats[0], cenv_buf_str(&zip), cases[i].why);
        cenv_buf_release(&zip);
    }
}

static struct cenv_buf hello_package(const char *fn)
{
    struct package p;

    package_begin(&p, INDEX("p"), PATHS(HELLO("")));
    fill_hello(&p.pkg);
    return package_end(&p, fn);
}

/* A flipped byte anywhere is a wrong digest, whatever it broke inside. */
static void test_extract__compares_the_digest(void)
{
    for (size_t i = 0; i < CHECK_NR(formats); i++) {
        struct cenv_buf archive = hello_package(formats[i]);
        char sha256[CENV_DIGEST_HEX_MAX];
        CHECK(cenv_digest_sha256_hex(cenv_buf_str(&archive), sha256));
        for (size_t at = 0; at < archive.len; at += 1 + archive.len / 40) {
            struct cenv_error err = CENV_ERROR_INIT;
            struct scratch s = scratch_open();
            struct cenv_buf out;
            cenv_buf_init(&out, 4096);
            archive.data[at] ^= 0x10;
            CHECK_INT(
                extract(&s, formats[i], cenv_buf_str(&archive), sha256, &out, &err),
                CENV_EINTEGRITY);
            CHECK(strstr(err.message, "its SHA-256 is") &&
                  strstr(err.hint, "fetch it again"));
            CHECK(is_clean(&s, formats[i]));
            archive.data[at] ^= 0x10;
            cenv_buf_release(&out);
            cenv_error_release(&err);
            scratch_close(&s);
        }
        cenv_buf_release(&archive);
    }
}

static void test_extract__keeps_what_is_there(void)
{
    struct cenv_buf archive = hello_package(formats[0]), out;
    struct cenv_error err = CENV_ERROR_INIT;
    struct scratch s = scratch_open();
    struct stat st;

    cenv_buf_init(&out, 4096);
    mkdirat(s.fd, "out", 0700);
    CHECK_INT(extract(&s, formats[0], cenv_buf_str(&archive), NULL, &out, &err), 0);
    CHECK(fstatat(s.fd, "out", &st, 0) == 0 && (st.st_mode & 07777) == 0700);
    scratch_file(&s, "out/mine", "mine", 0644);
    CHECK_INT(extract(&s, formats[0], cenv_buf_str(&archive), NULL, &out, &err),
              CENV_EPREFIX);
    CHECK(strstr(err.message, "it is not empty"));
    CHECK_STR(scratch_text(&s, "out/mine"), "mine");
    cenv_error_release(&err);
    CHECK_INT(extract(&s, formats[0], cenv_buf_str(&archive), "zz", &out, &err),
              CENV_EUSAGE);
    cenv_error_release(&err);
    cenv_buf_release(&archive);
    cenv_buf_release(&out);
    scratch_close(&s);
}

/* Large enough to be decoded by a second thread: whole, cut at many places, cancelled. */
static void test_extract__reads_ahead(void)
{
    enum { SIZE = 3 << 20 };
    char *noise = malloc(SIZE);
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_buf archive, out;
    struct package p;

    for (unsigned i = 0, x = 1; i < SIZE; i++, x = x * 1103515245 + 12345)
        noise[i] = (char)(x >> 16);
    package_begin(&p, INDEX("p"), PATHS("{\"_path\":\"a\"},{\"_path\":\"b\"}"));
    tar_header(&p.pkg, '0', "a", "", SIZE, 0644);
    tar_data(&p.pkg, noise, SIZE);
    tar_file(&p.pkg, "b", "end");
    archive = package_end(&p, formats[0]);
    cenv_buf_init(&out, 4096);
    struct scratch s = scratch_open();
    CHECK_INT(extract(&s, formats[0], cenv_buf_str(&archive), NULL, &out, &err), 0);
    CHECK_STR(scratch_text(&s, "out/b"), "end");
    struct cenv_buf got;
    cenv_buf_init(&got, SIZE);
    CHECK_INT(cenv_fs_read_file(CENV_CWD, scratch_path(&s, "out/a"), &got, &err), 0);
    CHECK(got.len == SIZE && memcmp(got.data, noise, SIZE) == 0);
    for (size_t len = 1; len < archive.len; len += archive.len / 7)
        check_refused(formats[0], cenv_str_n(archive.data, len), "bad");
    cenv_buf_release(&got);
    cenv_buf_release(&out);
    cenv_buf_release(&archive);
    scratch_close(&s);
    free(noise);
}

/* What a killed process left beside the destination goes, if nothing is extracted, too. */
static void test_extract__removes_what_was_left(void)
{
    struct scratch s = scratch_open();
    struct cenv_task task;

    cenv_task_init(&task, NULL, NULL);
    for (int full = 0; full < 2; full++) {
        struct cenv_error err = CENV_ERROR_INIT;
        struct cenv_buf out;
        cenv_buf_init(&out, 4096);
        CHECK_INT(mkdirat(s.fd, ".out.cenv-99999999-00112233445566aa", 0700), 0);
        scratch_file(&s, ".out.cenv-99999999-00112233445566aa/file", "half", 0600);
        if (full) {
            CHECK_INT(mkdirat(s.fd, "out", 0700), 0);
            scratch_file(&s, "out/file", "the user's", 0600);
        }
        CHECK(cenv_extract(scratch_path(&s, "no.conda"), scratch_path(&s, "out"), NULL,
                           &task, &out, &err) < 0);
        CHECK_INT(faccessat(s.fd, ".out.cenv-99999999-00112233445566aa", F_OK, 0), -1);
        cenv_error_release(&err);
        cenv_buf_release(&out);
    }
    CHECK_STR(scratch_text(&s, "out/file"), "the user's");
    cenv_task_release(&task);
    scratch_close(&s);
}

/* Out of memory at any allocation: said so, nothing left, nothing leaked. */
static void test_extract__survives_any_failed_allocation(void)
{
    for (size_t i = 0; i < CHECK_NR(formats); i++) {
        struct cenv_buf archive = hello_package(formats[i]);
        bool done = false;
        for (long nth = 1; !done && nth < 1000; nth++) {
            struct cenv_error err = CENV_ERROR_INIT;
            struct scratch s = scratch_open();
            struct cenv_buf out;
            cenv_buf_init(&out, 4096);
            long live = cenv_alloc_live();
            cenv_alloc_fail_nth(nth);
            int rc = extract(&s, formats[i], cenv_buf_str(&archive), NULL, &out, &err);
            cenv_alloc_fail_nth(0);
            cenv_buf_release(&out);
            done = rc == 0;
            CHECK(done || (rc == CENV_ENOMEM && err.message[0]));
            CHECK_INT(cenv_alloc_live(), live);
            CHECK(done || is_clean(&s, formats[i]));
            cenv_error_release(&err);
            scratch_close(&s);
        }
        CHECK(done);
        cenv_buf_release(&archive);
    }
}

static int stop(void *ctx)
{
    return ++*(int *)ctx >= 1;
}

static void test_extract__can_be_cancelled(void)
{
    struct cenv_buf archive = hello_package(formats[0]), out;
    struct cenv_error err = CENV_ERROR_INIT;
    struct scratch s = scratch_open();
    struct cenv_task task;
    int polls = 0;

    cenv_buf_init(&out, 4096);
    write_bytes(&s, formats[0], cenv_buf_str(&archive));
    cenv_task_init(&task, stop, &polls);
    CHECK_INT(cenv_extract(scratch_path(&s, formats[0]), scratch_path(&s, "out"), NULL,
                           &task, &out, &err),
              CENV_ECANCELLED);
    CHECK(is_clean(&s, formats[0]));
    cenv_task_release(&task);
    cenv_error_release(&err);
    cenv_buf_release(&archive);
    cenv_buf_release(&out);
    scratch_close(&s);
}

static void test_extract__describes(void)
{
    for (size_t i = 0; i < CHECK_NR(formats); i++) {
        struct cenv_buf archive = hello_package(formats[i]), out, want;
        struct cenv_error err = CENV_ERROR_INIT;
        struct scratch s = scratch_open();
        char sha256[CENV_DIGEST_HEX_MAX];
        struct cenv_task task;
        cenv_buf_init(&out, 4096);
        cenv_buf_init(&want, 4096);
        write_bytes(&s, formats[i], cenv_buf_str(&archive));
        cenv_task_init(&task, NULL, NULL);
        CHECK_INT(cenv_package_info(scratch_path(&s, formats[i]), &task, &out, &err),
                  0);
        cenv_digest_sha256_hex(cenv_buf_str(&archive), sha256);
        cenv_buf_addf(&want, "{\"index\":" INDEX("p") ",\"sha256\":\"%s\",\"md5\":\"",
                      sha256);
        CHECK(cenv_str_starts(cenv_buf_str(&out), cenv_buf_str(&want)));
        cenv_task_release(&task);
        cenv_buf_release(&archive);
        cenv_buf_release(&out);
        cenv_buf_release(&want);
        scratch_close(&s);
    }
}

int main(void)
{
    RUN(test_extract__writes_what_is_archived);
    RUN(test_extract__refuses_hostile_packages);
    RUN(test_extract__takes_the_same_twice);
    RUN(test_extract__knows_the_older_lists);
    RUN(test_extract__takes_an_empty_package);
    RUN(test_extract__checks_the_name_inside);
    RUN(test_extract__checks_the_container);
    RUN(test_extract__compares_the_digest);
    RUN(test_extract__keeps_what_is_there);
    RUN(test_extract__removes_what_was_left);
    RUN(test_extract__reads_ahead);
    RUN(test_extract__survives_any_failed_allocation);
    RUN(test_extract__can_be_cancelled);
    RUN(test_extract__describes);
    return check_report();
}
