/* SPDX-License-Identifier: BSD-3-Clause */
/* Remotes in one file: what is written is read again, and of what is cut nothing is. */
#include <fcntl.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/digest.h"
#include "check.h"
#include "os/fs.h"
#include "os/raw_data.h"
#include "remote/remote.h"
#include "scratch.h"

static struct scratch s;
static struct cenv_task task;
static struct cenv_error err;
static char key[CENV_REMOTE_HEX], other[CENV_REMOTE_HEX], hash[CENV_DIGEST_HEX_MAX];

#define DOCUMENT "{\"a\":1}"
#define CONTENT  "the content of a blob"

static int open_file(const char *name)
{
    return openat(s.fd, name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
}

static void begin(void)
{
    s = scratch_open();
    cenv_task_init(&task, NULL, NULL);
    memset(key, 'a', sizeof(key) - 1);
    memset(other, 'b', sizeof(other) - 1);
    cenv_digest_sha256_hex(cenv_str(CONTENT), hash);
    scratch_file(&s, "blob", CONTENT, 0644);
}

static void end(void)
{
    cenv_error_release(&err);
    cenv_task_release(&task);
    scratch_close(&s);
    CHECK_INT(cenv_alloc_live(), 0);
}

/* That of CONTENT, in a file of the scratch directory. */
static struct cenv_remote_blob blob_at(const char *file)
{
    struct cenv_remote_blob blob = {.size = strlen(CONTENT), .dir = s.fd, .file = file};
    memcpy(blob.sha256, hash, sizeof(blob.sha256));
    return blob;
}

/* A blob and a document, each put twice, by the calls of a remote. */
static int write_bundle(int fd)
{
    struct cenv_bundle *bundle = NULL;
    struct cenv_remote *remote = NULL;
    struct cenv_remote_blob blob = blob_at("blob");
    struct cenv_remote_blob *const list[] = {&blob};
    int rc = cenv_bundle_create(&bundle, fd, &err);
    if (rc == 0)
        rc = cenv_remote_open_bundle(&remote, bundle, &err);
    for (int i = 0; i < 2 && rc == 0; i++) {
        rc = cenv_remote_put_blobs(remote, list, 1, &task, &err);
        if (rc == 0 && blob.rc < 0)
            rc = cenv_error_move(&err, &blob.err);
        if (rc == 0)
            rc = cenv_remote_put(remote, key, cenv_str(DOCUMENT), list, 1, &task, &err);
    }
    if (rc == 0)
        rc = cenv_bundle_finish(bundle, &err);
    cenv_error_release(&blob.err);
    cenv_remote_free(remote);
    cenv_bundle_free(bundle);
    return rc;
}

static int open_bundle(struct cenv_bundle **out, int fd)
{
    struct stat st;
    CHECK_INT(fstat(fd, &st), 0);
    return cenv_bundle_open(out, fd, (uint64_t)st.st_size, &task, &err);
}

/* Whether all that was put is got. */
static int read_bundle(int fd)
{
    struct cenv_bundle *bundle = NULL;
    struct cenv_remote *remote = NULL;
    struct cenv_remote_blob blob = blob_at("got");
    struct cenv_remote_blob *const list[] = {&blob};
    struct cenv_buf text;
    cenv_buf_init(&text, 100);
    int rc = open_bundle(&bundle, fd);
    if (rc == 0)
        rc = cenv_remote_open_bundle(&remote, bundle, &err);
    if (rc == 0 && (rc = cenv_remote_find(remote, key, &text, &task, &err)) == 1) {
        CHECK_STR(text.data, DOCUMENT);
        rc = cenv_remote_get(remote, list, 1, &task, &err);
    }
    if (rc == 0 && blob.rc < 0)
        rc = cenv_error_move(&err, &blob.err);
    CHECK_INT(blob.there, rc == 0);
    CHECK_INT(unlinkat(s.fd, "got", 0) == 0, rc == 0);
    cenv_error_release(&blob.err);
    cenv_buf_release(&text);
    cenv_remote_free(remote);
    cenv_bundle_free(bundle);
    return rc;
}

static void test_bundle__gives_what_was_put(void)
{
    struct cenv_bundle *bundle = NULL;
    struct cenv_bundle_place place;
    struct cenv_buf text;
    begin();
    int fd = open_file("file");
    CHECK_INT(write_bundle(fd), 0);
    CHECK_INT(read_bundle(fd), 0);
    CHECK_INT(open_bundle(&bundle, fd), 0);
    cenv_buf_init(&text, 100);
    CHECK_STR(cenv_bundle_key(bundle, 0), key);
    CHECK(!cenv_bundle_key(bundle, 1));
    CHECK_INT(cenv_bundle_read_document(bundle, other, &text, &err), 0);
    CHECK(!cenv_bundle_find_blob(bundle, other, &place));
    if (CHECK(cenv_bundle_find_blob(bundle, hash, &place))) {
        CHECK_INT(place.size, strlen(CONTENT));
        CHECK_INT(cenv_bundle_read(bundle, &place, &text, &err), 0);
        CHECK_STR(text.data, CONTENT);
    }
    cenv_buf_release(&text);
    cenv_buf_init(&text, 3);
    CHECK_INT(cenv_bundle_read_document(bundle, key, &text, &err), CENV_EINTEGRITY);
    cenv_buf_release(&text);
    cenv_bundle_free(bundle);
    close(fd);
    end();
}

/* The disk of an archive may fail while that of the store is fine. */
static void test_bundle__names_the_file_that_cannot_be_read(void)
{
    struct cenv_bundle *bundle = NULL;
    struct cenv_remote *remote = NULL;
    begin();
    struct cenv_remote_blob blob = blob_at("got"), *list[] = {&blob};
    int fd = open_file("file");
    CHECK_INT(write_bundle(fd), 0);
    CHECK_INT(open_bundle(&bundle, fd), 0);
    CHECK_INT(cenv_remote_open_bundle(&remote, bundle, &err), 0);
    int unreadable = openat(s.fd, "file", O_WRONLY | O_CLOEXEC);
    CHECK_INT(dup2(unreadable, fd), fd);
    CHECK_INT(cenv_remote_get(remote, list, 1, &task, &err), 0);
    CHECK_INT(blob.rc, CENV_EOS);
    CHECK_STR(blob.err.path, scratch_path(&s, "file"));
    CHECK_INT(faccessat(s.fd, "got", F_OK, 0), -1);
    cenv_error_release(&blob.err);
    cenv_remote_free(remote);
    cenv_bundle_free(bundle);
    close(unreadable);
    close(fd);
    end();
}

static void test_bundle__refuses_what_is_cut_or_altered(void)
{
    struct cenv_bundle *bundle = NULL;
    struct stat st;
    int refused = 0;
    char byte;
    begin();
    int fd = open_file("file");
    CHECK_INT(write_bundle(fd), 0);
    CHECK_INT(fstat(fd, &st), 0);
    for (off_t at = 0; at < st.st_size; at += 37) {
        CHECK_INT(pread(fd, &byte, 1, at), 1);
        char changed = (char)(byte ^ 1);
        CHECK_INT(pwrite(fd, &changed, 1, at), 1);
        int rc = read_bundle(fd); /* what fills a block tells nothing */
        CHECK(rc == 0 || rc == CENV_EINTEGRITY);
        refused += rc < 0;
        cenv_error_release(&err);
        CHECK_INT(pwrite(fd, &byte, 1, at), 1);
    }
    CHECK(refused > 50);
    for (off_t size = st.st_size - 1; size >= 0; size -= 97) {
        CHECK_INT(ftruncate(fd, size), 0);
        CHECK_INT(open_bundle(&bundle, fd), CENV_EINTEGRITY);
        cenv_error_release(&err);
    }
    close(fd);
    end();
}

static void test_bundle__survives_that_memory_ends(void)
{
    bool reached = true;
    begin();
    for (long n = 1; reached; n++) {
        int fd = open_file("file");
        CHECK_INT(ftruncate(fd, 0), 0);
        cenv_alloc_fail_nth(n);
        int rc = write_bundle(fd);
        if (rc == 0)
            rc = read_bundle(fd);
        reached = !cenv_alloc_fail_nth(0);
        CHECK_INT(rc, reached ? CENV_ENOMEM : 0);
        cenv_error_release(&err);
        close(fd);
    }
    end();
}

int main(void)
{
    RUN(test_bundle__gives_what_was_put);
    RUN(test_bundle__names_the_file_that_cannot_be_read);
    RUN(test_bundle__refuses_what_is_cut_or_altered);
    RUN(test_bundle__survives_that_memory_ends);
    return check_report();
}
