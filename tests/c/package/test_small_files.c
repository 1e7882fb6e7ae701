/* SPDX-License-Identifier: BSD-3-Clause */
/* package/small_files: content, time and digest of each; what cannot be written; giving up. */
#include "package/small_files.h"

#include "base/digest.h"
#include "base/hex.h"
#include "check.h"
#include "os/raw_file.h"
#include "scratch.h"

enum { NR = 500, MTIME = 1000000000 };

struct made {
    struct scratch s;
    struct cenv_package_manifest manifest;
    struct cenv_small_files *files;
    struct cenv_error err;
};

static struct made made_open(void)
{
    struct made m = {.s = scratch_open(), .err = CENV_ERROR_INIT};
    cenv_package_manifest_init(&m.manifest);
    return m;
}

static void made_start(struct made *m)
{
    CHECK_INT(cenv_small_files_new(&m->files, m->s.fd, &m->manifest, &m->err), 0);
    CHECK(m->files);
}

static void made_close(struct made *m)
{
    cenv_small_files_free(m->files);
    cenv_package_manifest_release(&m->manifest);
    cenv_error_release(&m->err);
    scratch_close(&m->s);
}

/* The size of file `i`: none, few bytes, and once in a while the most that is small. */
static size_t size_of(int i)
{
    return i % 50 == 49 ? CENV_SMALL_FILE_MAX : (size_t)i % 7 * 100;
}

/* Puts file `i`, all of one letter, for which `fd` is open. Whether there was room. */
static bool put_file(struct made *m, int i, int fd)
{
    char name[16];
    char *room = cenv_small_files_room(m->files, size_of(i));
    snprintf(name, sizeof(name), "f%d", i);
    struct cenv_package_file entry = {
        .path = cenv_str(name), .size = size_of(i), .mtime_ns = MTIME};
    if (!room || !CHECK(cenv_package_manifest_add(&m->manifest, &entry)))
        return false;
    memset(room, 'a' + i % 26, size_of(i));
    cenv_small_files_put(m->files, fd);
    return true;
}

static int create_file(const struct made *m, int i)
{
    char name[16];
    snprintf(name, sizeof(name), "f%d", i);
    int fd = cenv_raw_create(m->s.fd, name, 0644);
    CHECK(fd >= 0);
    return fd;
}

static void check_file(const struct made *m, int i)
{
    static char want[CENV_SMALL_FILE_MAX], got[CENV_SMALL_FILE_MAX + 1];
    const struct cenv_package_file *entry = &m->manifest.entries[i];
    char hex[CENV_DIGEST_HEX_MAX], noted[CENV_DIGEST_HEX_MAX];
    struct stat st;
    int fd = openat(m->s.fd, entry->path.data, O_RDONLY | O_CLOEXEC);

    memset(want, 'a' + i % 26, size_of(i));
    CHECK_INT(read(fd, got, sizeof(got)), size_of(i));
    CHECK_INT(memcmp(got, want, size_of(i)), 0);
    CHECK_INT(fstat(fd, &st), 0);
    CHECK_INT(st.st_mtim.tv_sec, MTIME / 1000000000);
    CHECK(cenv_digest_sha256_hex(cenv_str_n(want, size_of(i)), hex));
    cenv_hex(entry->sha256, sizeof(entry->sha256), noted);
    CHECK_STR(noted, hex);
    close(fd);
}

static void test_small_files__are_filled_and_hashed(void)
{
    struct made m = made_open();

    made_start(&m);
    for (int i = 0; i < NR; i++) {
        put_file(&m, i, create_file(&m, i));
        if (i % 100 == 42)
            CHECK_INT(cenv_small_files_settle(m.files, &m.err), 0);
    }
    CHECK_INT(cenv_small_files_settle(m.files, &m.err), 0);
    for (int i = 0; i < NR; i++)
        check_file(&m, i);
    made_close(&m);
}

/* The first one that fails is told; room ends, and all descriptors are closed. */
static void test_small_files__tell_what_cannot_be_written(void)
{
    struct made m = made_open();
    bool room = true;
    int before = dup(m.s.fd);

    close(before);
    made_start(&m);
    for (int i = 1; room && i <= NR; i++) {
        int fd = create_file(&m, i);
        if (i == 20 || i == 33) { /* it can only be read */
            close(fd);
            fd = openat(m.s.fd, i == 20 ? "f20" : "f33", O_RDONLY | O_CLOEXEC);
        }
        room = put_file(&m, i, fd);
        if (!room)
            close(fd);
    }
    CHECK(!room);
    CHECK(cenv_small_files_settle(m.files, &m.err) < 0);
    CHECK(strstr(m.err.message, "f20"));
    int after = dup(m.s.fd);
    CHECK_INT(after, before);
    close(after);
    made_close(&m);
}

static void test_small_files__can_be_given_up(void)
{
    struct made m = made_open();
    int before = dup(m.s.fd);

    close(before);
    made_start(&m);
    for (int i = 0; i < 70; i++)
        put_file(&m, i, create_file(&m, i));
    cenv_small_files_free(m.files);
    m.files = NULL;
    int after = dup(m.s.fd);
    CHECK_INT(after, before);
    close(after);
    made_close(&m);
}

int main(void)
{
    RUN(test_small_files__are_filled_and_hashed);
    RUN(test_small_files__tell_what_cannot_be_written);
    RUN(test_small_files__can_be_given_up);
    return check_report();
}
