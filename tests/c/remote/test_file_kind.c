/* SPDX-License-Identifier: BSD-3-Clause */
/* remote/file_kind through remote/remote: a directory that machines share. */
#include "remote/remote.h"

#include "base/alloc.h"
#include "base/digest.h"
#include "check.h"
#include "os/fs.h"
#include "scratch.h"

static struct scratch s;
static struct cenv_error err;
static struct cenv_task task;
static struct cenv_secret_url *url;
static struct cenv_remote *remote;

static void open_remote(const char *dir)
{
    char text[600];

    s = scratch_open();
    snprintf(text, sizeof(text), "file://%s/%s", s.path, dir);
    cenv_task_init(&task, NULL, NULL);
    CHECK_INT(cenv_secret_url_new(&url, cenv_str(text), &err), 0);
    CHECK_INT(cenv_remote_open(&remote, url, NULL, &err), 0);
}

static void close_remote(void)
{
    cenv_remote_free(remote);
    cenv_secret_url_free(url);
    cenv_error_release(&err);
    cenv_task_release(&task);
    scratch_close(&s);
    CHECK_INT(cenv_alloc_live(), 0);
}

/* The blob of a text, in a file of the scratch directory. */
static struct cenv_remote_blob blob_of(const char *text, const char *file)
{
    struct cenv_remote_blob blob = {
        .size = strlen(text), .kind = CENV_BLOB_DELTA, .dir = s.fd, .file = file};

    CHECK(cenv_digest_sha256_hex(cenv_str(text), blob.sha256));
    return blob;
}

static char key[CENV_REMOTE_HEX];

static void test_file_kind__key_is_found_as_it_was_put(void)
{
    struct cenv_buf document;

    open_remote("store");
    memset(key, 'a', 64);
    cenv_buf_init(&document, 8);
    CHECK_INT(cenv_remote_find(remote, key, &document, &task, &err), 0);
    CHECK(!scratch_has(&s, "store"));
    CHECK_INT(cenv_remote_put(remote, key, CENV_STR("{\"a\":1}"), NULL, 0, &task, &err),
              0);
    CHECK_INT(
        cenv_remote_put(remote, key, CENV_STR("{\"a\":22}"), NULL, 0, &task, &err), 0);
    CHECK_INT(cenv_remote_find(remote, key, &document, &task, &err), 1);
    CHECK_STR(document.data, "{\"a\":22}");
    cenv_buf_release(&document);
    cenv_buf_init(&document, 7);
    CHECK_INT(cenv_remote_find(remote, key, &document, &task, &err), CENV_EINTEGRITY);
    CHECK(strstr(err.message, "remote file:///") == err.message);
    CHECK(strstr(err.message, "larger"));
    cenv_buf_release(&document);
    cenv_error_release(&err);
    key[63] = '/';
    CHECK_INT(cenv_remote_find(remote, key, &document, &task, &err), CENV_EUSAGE);
    close_remote();
}

static void test_file_kind__blobs_come_back_whole(void)
{
    open_remote("store");
    struct cenv_remote_blob a = blob_of("alpha", "a"), b = blob_of("", "b"),
                            c = blob_of("gone", "c");
    struct cenv_remote_blob *both[] = {&a, &b}, *all[] = {&a, &b, &c};
    scratch_file(&s, "a", "alpha", 0600);
    scratch_file(&s, "b", "", 0600);
    CHECK_INT(cenv_remote_has(remote, all, 3, &task, &err), 0);
    CHECK(!a.there && !b.there);
    CHECK_INT(cenv_remote_get(remote, both, 2, &task, &err), 0);
    CHECK(!a.there && a.rc == 0);
    CHECK_INT(cenv_remote_put_blobs(remote, both, 2, &task, &err), 0);
    CHECK(a.rc == 0 && b.rc == 0 && a.there && b.there);
    CHECK_INT(cenv_remote_has(remote, all, 3, &task, &err), 0);
    CHECK(a.there && b.there && !c.there);
    a.file = "a2";
    b.file = "b2";
    CHECK_INT(cenv_remote_get(remote, all, 3, &task, &err), 0);
    CHECK(a.there && b.there && !c.there && a.rc == 0 && b.rc == 0 && c.rc == 0);
    CHECK_STR(scratch_text(&s, "a2"), "alpha");
    CHECK_STR(scratch_text(&s, "b2"), "");
    CHECK(!scratch_has(&s, "c"));
    CHECK_INT(rmdir(scratch_path(&s, "store/tmp")), 0);
    close_remote();
}

static void test_file_kind__part_is_read(void)
{
    struct cenv_buf part;

    open_remote("store");
    struct cenv_remote_blob a = blob_of("alphabet", "a"), *one[] = {&a};
    scratch_file(&s, "a", "alphabet", 0600);
    cenv_buf_init(&part, 100);
    CHECK_INT(cenv_remote_read_part(remote, &a, 0, 3, &part, &task, &err), 0);
    CHECK_INT(cenv_remote_put_blobs(remote, one, 1, &task, &err), 0);
    CHECK_INT(cenv_remote_read_part(remote, &a, 3, 5, &part, &task, &err), 1);
    CHECK_STR(part.data, "habet");
    CHECK_INT(cenv_remote_read_part(remote, &a, 4, 5, &part, &task, &err),
              CENV_EINTEGRITY);
    cenv_buf_release(&part);
    close_remote();
}

/* What lies there: shorter, longer, of other bytes; a link and a directory. */
static void test_file_kind__wrong_blobs_leave_nothing(void)
{
    static const char *const wrong[] = {"al", "alphaa", "alphx", NULL, ""};
    char name[100];

    open_remote("");
    struct cenv_remote_blob a = blob_of("alpha", "got"), *one[] = {&a};
    CHECK_INT(mkdir(scratch_path(&s, "cas"), 0700), 0);
    snprintf(name, sizeof(name), "cas/%s", a.sha256);
    for (size_t i = 0; i < CHECK_NR(wrong); i++) {
        check_case(wrong[i]);
        if (!wrong[i])
            CHECK_INT(symlink("/etc/passwd", scratch_path(&s, name)), 0);
        else if (!*wrong[i])
            CHECK_INT(mkdir(scratch_path(&s, name), 0700), 0);
        else
            scratch_file(&s, name, wrong[i], 0600);
        CHECK_INT(cenv_remote_get(remote, one, 1, &task, &err), 0);
        CHECK_INT(a.rc, wrong[i] && *wrong[i] ? CENV_EINTEGRITY : CENV_EREMOTE);
        CHECK(!a.there && strstr(a.err.message, a.sha256));
        CHECK(!scratch_has(&s, "got"));
        CHECK_INT(remove(scratch_path(&s, name)), 0);
    }
    cenv_error_release(&a.err);
    close_remote();
}

/* A file that is not what its digest says is never published, one cut short is put again. */
static void test_file_kind__puts_only_what_is_right(void)
{
    char name[100];

    open_remote("");
    struct cenv_remote_blob a = blob_of("alpha", "a"), *one[] = {&a};
    scratch_file(&s, "a", "alphx", 0600);
    CHECK_INT(cenv_remote_put_blobs(remote, one, 1, &task, &err), 0);
    CHECK_INT(a.rc, CENV_EINTEGRITY);
    CHECK(!a.there && strstr(a.err.message, "'a' is not the blob"));
    snprintf(name, sizeof(name), "cas/%s", a.sha256);
    CHECK(!scratch_has(&s, name));
    scratch_file(&s, name, "al", 0600);
    scratch_file(&s, "a", "alpha", 0600);
    CHECK_INT(cenv_remote_put_blobs(remote, one, 1, &task, &err), 0);
    CHECK_INT(a.rc, 0);
    CHECK_STR(scratch_text(&s, name), "alpha");
    close_remote();
}

static void test_file_kind__lost_disk_is_said(void)
{
    struct cenv_buf document;

    open_remote("mount/store");
    memset(key, 'a', 64);
    cenv_buf_init(&document, 100);
    CHECK_INT(cenv_remote_find(remote, key, &document, &task, &err), CENV_EREMOTE);
    CHECK(strstr(err.message, "No such file"));
    cenv_error_release(&err);
    CHECK_INT(cenv_remote_put(remote, key, CENV_STR("{}"), NULL, 0, &task, &err),
              CENV_EREMOTE);
    CHECK(!scratch_has(&s, "mount"));
    cenv_buf_release(&document);
    close_remote();
}

static void test_file_kind__old_scratch_goes(void)
{
    static const struct timespec old[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};

    open_remote("");
    memset(key, 'a', 64);
    CHECK_INT(mkdir(scratch_path(&s, "tmp"), 0700), 0);
    scratch_file(&s, "tmp/dead", "x", 0600);
    scratch_file(&s, "tmp/alive", "x", 0600);
    CHECK_INT(utimensat(s.fd, "tmp/dead", old, 0), 0);
    CHECK_INT(cenv_remote_put(remote, key, CENV_STR("{}"), NULL, 0, &task, &err), 0);
    CHECK(!scratch_has(&s, "tmp/dead") && scratch_has(&s, "tmp/alive"));
    close_remote();
}

static void test_file_kind__every_failed_allocation_is_clean(void)
{
    struct cenv_buf document;

    open_remote("store");
    memset(key, 'a', 64);
    struct cenv_remote_blob a = blob_of("alpha", "a"), *one[] = {&a};
    scratch_file(&s, "a", "alpha", 0600);
    for (long n = 1;; n++) {
        cenv_buf_init(&document, 100);
        cenv_alloc_fail_nth(n);
        a.file = "a";
        int rc = cenv_remote_put_blobs(remote, one, 1, &task, &err);
        if (rc == 0)
            rc = a.rc;
        if (rc == 0)
            rc = cenv_remote_put(remote, key, CENV_STR("{}"), one, 1, &task, &err);
        if (rc == 0)
            rc = cenv_remote_find(remote, key, &document, &task, &err);
        a.file = "got";
        if (rc == 1)
            rc = cenv_remote_get(remote, one, 1, &task, &err);
        if (rc == 0)
            rc = a.rc;
        bool unreached = cenv_alloc_fail_nth(0);
        CHECK(unreached ? rc == 0 : rc == 0 || rc == CENV_ENOMEM);
        if (rc == 0)
            CHECK_INT(unlink(scratch_path(&s, "got")), 0);
        CHECK(!scratch_has(&s, "got"));
        cenv_error_release(&a.err);
        cenv_error_release(&err);
        cenv_buf_release(&document);
        remove(scratch_path(
            &s, "store/ac/"
                "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"));
        if (unreached)
            break;
    }
    close_remote();
}

int main(void)
{
    RUN(test_file_kind__key_is_found_as_it_was_put);
    RUN(test_file_kind__blobs_come_back_whole);
    RUN(test_file_kind__part_is_read);
    RUN(test_file_kind__wrong_blobs_leave_nothing);
    RUN(test_file_kind__puts_only_what_is_right);
    RUN(test_file_kind__lost_disk_is_said);
    RUN(test_file_kind__old_scratch_goes);
    RUN(test_file_kind__every_failed_allocation_is_clean);
    return check_report();
}
