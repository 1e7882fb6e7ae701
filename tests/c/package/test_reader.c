/* SPDX-License-Identifier: BSD-3-Clause */
/* package/reader: a large file is read and hashed on one thread, and decoded on another. */
#include "package/reader.h"

#include <dirent.h>

#include "base/digest.h"
#include "check.h"
#include "scratch.h"
#include "tarball.h"

enum { NOISE = 6 << 20, ROOM = 16 << 20 }; /* more than both threads have room for */

static void pack(struct cenv_buf *conda)
{
    struct cenv_buf info, pkg;
    char *noise = malloc(NOISE);

    cenv_buf_init(&info, ROOM);
    cenv_buf_init(&pkg, ROOM);
    cenv_buf_init(conda, ROOM);
    for (unsigned i = 0, x = 1; i < NOISE; i++, x = x * 1103515245 + 12345)
        noise[i] = (char)(x >> 16);
    tar_file(&info, "info/index.json", "{}");
    tar_header(&pkg, '0', "noise", "", NOISE, 0644);
    tar_data(&pkg, noise, NOISE);
    tar_end(&info);
    tar_end(&pkg);
    conda_pack(conda, "p-1-0", cenv_buf_str(&info), cenv_buf_str(&pkg));
    cenv_buf_release(&info);
    cenv_buf_release(&pkg);
    free(noise);
}

/* The package as a file without a name, to be read on several threads. */
static struct cenv_package_source source_of(struct cenv_str conda)
{
    struct scratch s = scratch_open();
    int fd = openat(s.fd, "p-1-0.conda", O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    CHECK(fd >= 0 && write(fd, conda.data, conda.len) == (ssize_t)conda.len);
    scratch_close(&s);
    return (struct cenv_package_source){
        .name = "p-1-0.conda", .fd = fd, .md5 = true, .ahead = true};
}

static int count_threads(void)
{
    DIR *dir = opendir("/proc/self/task");
    int nr = 0;

    while (dir && readdir(dir))
        nr++;
    closedir(dir);
    return nr - 2;
}

/* Goes to the member `noise`. */
static struct cenv_reader *open_at_noise(const struct cenv_package_source *source,
                                         struct cenv_task *task, struct cenv_error *err)
{
    struct cenv_reader *reader = NULL;
    struct cenv_member member = {.path = CENV_STR("")};

    CHECK_INT(cenv_reader_open(&reader, source, task, err), 0);
    while (!cenv_str_is(member.path, "noise") &&
           CHECK_INT(cenv_reader_next(reader, &member, err), 1))
        ;
    return reader;
}

static uint64_t count_data(struct cenv_reader *reader, struct cenv_error *err)
{
    const void *data;
    size_t len;
    uint64_t sum = 0;

    while (cenv_reader_data(reader, &data, &len, err) == 1)
        sum += len;
    return sum;
}

static void test_reader__hashes_beside_decoding(void)
{
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_package_digests got = {0};
    struct cenv_member member;
    struct cenv_task task;
    struct cenv_buf conda;
    char sha256[CENV_DIGEST_HEX_MAX];

    pack(&conda);
    cenv_task_init(&task, NULL, NULL);
    cenv_digest_sha256_hex(cenv_buf_str(&conda), sha256);
    struct cenv_package_source source = source_of(cenv_buf_str(&conda));
    struct cenv_package_want want = {.sha256 = sha256, .size = conda.len};
    /* ThreadSanitizer adds a thread of its own to the first that is started */
    cenv_reader_free(open_at_noise(&source, &task, &err));
    int before = count_threads();
    struct cenv_reader *reader = open_at_noise(&source, &task, &err);
    CHECK_INT(count_threads() - before, 2);
    CHECK_INT(count_data(reader, &err), NOISE);
    int rc = 1;
    while (rc == 1)
        rc = cenv_reader_next(reader, &member, &err);
    CHECK_INT(cenv_reader_finish(reader, &want, rc, &got, &err), 0);
    CHECK_STR(got.sha256, sha256);
    CHECK_INT(strlen(got.md5), 32);
    cenv_reader_free(reader);
    CHECK_INT(count_threads(), before);
    CHECK_STR(err.message, "");
    close(source.fd);
    cenv_task_release(&task);
    cenv_buf_release(&conda);
}

/* Left in the middle: the rest is hashed when somebody asks for the digest, else let be. */
static void test_reader__left_in_the_middle(void)
{
    static const struct cenv_package_want want = {.sha256 = "00"};
    struct cenv_buf conda;

    pack(&conda);
    for (int asks = 0; asks < 2; asks++) {
        struct cenv_error err = CENV_ERROR_INIT;
        struct cenv_package_digests got;
        struct cenv_task task;
        struct cenv_package_source source = source_of(cenv_buf_str(&conda));
        cenv_task_init(&task, NULL, NULL);
        struct cenv_reader *reader = open_at_noise(&source, &task, &err);
        if (asks)
            CHECK_INT(cenv_reader_finish(reader, &want, 0, &got, &err),
                      CENV_EINTEGRITY);
        CHECK(!asks || strstr(err.message, "its SHA-256 is "));
        cenv_reader_free(reader);
        cenv_error_release(&err);
        cenv_task_release(&task);
        close(source.fd);
    }
    cenv_buf_release(&conda);
}

/* The file shrinks under the reader: its thread tells, and nobody waits for more. */
static void test_reader__of_a_file_that_shrinks(void)
{
    static const struct cenv_package_want want = {0};
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_package_digests got;
    struct cenv_task task;
    struct cenv_buf conda;

    pack(&conda);
    struct cenv_package_source source = source_of(cenv_buf_str(&conda));
    cenv_task_init(&task, NULL, NULL);
    struct cenv_reader *reader = open_at_noise(&source, &task, &err);
    CHECK_INT(ftruncate(source.fd, 5 << 20), 0);
    CHECK(count_data(reader, &err) < NOISE);
    CHECK_INT(err.status, CENV_EINTEGRITY);
    CHECK_INT(cenv_reader_finish(reader, &want, err.status, &got, &err),
              CENV_EINTEGRITY);
    CHECK(strstr(err.message, "it changed while it was read"));
    cenv_reader_free(reader);
    cenv_error_release(&err);
    cenv_task_release(&task);
    close(source.fd);
    cenv_buf_release(&conda);
}

int main(void)
{
    RUN(test_reader__hashes_beside_decoding);
    RUN(test_reader__left_in_the_middle);
    RUN(test_reader__of_a_file_that_shrinks);
    return check_report();
}
