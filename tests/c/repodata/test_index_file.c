/* SPDX-License-Identifier: BSD-3-Clause */
/* The cached text of a compressed repodata after a reboot: believed only when its sum is right. */
#include "repodata/index_file.h"

#include <dirent.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/checksum.h"
#include "check.h"
#include "codec/zstd.h"
#include "os/fs_data.h"
#include "os/raw_file.h"
#include "scratch.h"

enum { RECORDS = 2000, BOOT = 10 }; /* the stamp's word in repodata/index_file.c */

static struct cenv_index_source source = {.channel = "c",
                                          .channel_url = "https://h/c",
                                          .subdir = "linux-64",
                                          .repodata_url = ""};

/* Over a megabyte of records that do not pack well, compressed into `path`. */
static bool write_source(const char *path)
{
    struct cenv_buf text, packed;
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_task task;
    unsigned state = 1;
    int rc;

    cenv_task_init(&task, NULL, NULL);
    cenv_buf_init(&text, 1 << 24);
    cenv_buf_init(&packed, 1 << 24);
    cenv_buf_puts(&text, "{\"packages.conda\":{");
    for (int i = 0; i < RECORDS; i++) {
        cenv_buf_addf(&text, "%s\"p%d-1-0.conda\":{\"x\":\"", i ? "," : "", i);
        for (int k = 0; k < 70; k++)
            cenv_buf_addf(&text, "%08x", state = state * 1664525 + 1013904223);
        cenv_buf_puts(&text, "\"}");
    }
    cenv_buf_puts(&text, "}}");
    rc = cenv_zstd_compress(cenv_buf_str(&text), 1, &packed, &task, &err);
    if (rc == 0)
        rc = cenv_fs_write_new(CENV_CWD, path, cenv_buf_str(&packed), 0644, &err);
    cenv_task_release(&task);
    cenv_buf_release(&text);
    cenv_buf_release(&packed);
    return CHECK_INT(rc, 0);
}

/* Opens it, all of it, or a status; the caller releases it. */
static int open_file(struct cenv_index_file *file, const char *path, const char *cache)
{
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_task task;

    *file = (struct cenv_index_file)CENV_INDEX_FILE_INIT;
    source.path = path;
    cenv_task_init(&task, NULL, NULL);
    int rc = cenv_index_file_open(file, &source, 0, cache, &task, &err);
    cenv_task_release(&task);
    if (rc == 0)
        CHECK_INT(file->repodata ? cenv_repodata_nr_entries(file->repodata) : 0,
                  RECORDS);
    cenv_error_release(&err);
    return rc;
}

/* Opens and closes; whether the binary index served. */
static bool opens_from_index(const char *path, const char *cache)
{
    struct cenv_index_file file;
    bool hit;

    CHECK_INT(open_file(&file, path, cache), 0);
    hit = file.hit;
    CHECK_INT(file.unpacked.len, 0); /* no process holds the text */
    cenv_index_file_release(&file);
    return hit;
}

/* The name of what the cache keeps for `path`. */
static void cached_name(char *out, size_t size, const char *head, const char *path)
{
    snprintf(out, size, "cache/%s-%016llx", head,
             (unsigned long long)cenv_checksum64(cenv_str(path)));
}

static int nr_cached(const char *cache)
{
    DIR *dir = opendir(cache);
    int nr = 0;

    while (dir && readdir(dir))
        nr++;
    closedir(dir);
    return nr - 2; /* . and .. */
}

static bool read_nothing(void *ctx, uint64_t at, char *out, size_t len)
{
    (void)ctx, (void)at, (void)out, (void)len;
    return false;
}

/* Rewrites the index as one that an earlier boot made. */
static void age_index(const struct scratch *s, const char *index, const char *text)
{
    struct cenv_repodata_source of = {.subdir = CENV_STR("linux-64")};
    struct cenv_repodata_bytes bytes = {.read = read_nothing};
    struct cenv_mapping packed;
    struct cenv_repodata_stamp stamp;
    struct cenv_repodata *rd = NULL;
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_stat st;
    struct cenv_buf out;

    cenv_buf_init(&out, 1 << 24);
    CHECK_INT(cenv_raw_stat(s->fd, text, &st), 0);
    bytes.len = st.size;
    CHECK_INT(cenv_fs_map_file(s->fd, index, &packed, &err), 0);
    struct cenv_str old = cenv_str_n(packed.data, packed.len);
    CHECK(cenv_binary_index_stamp(old, &stamp));
    CHECK_INT(cenv_binary_index_unpack(&rd, &bytes, old, &stamp, &of, &err), 0);
    stamp.words[BOOT] ^= 1;
    CHECK_INT(cenv_binary_index_pack(rd, &stamp, &out, &err), 0);
    CHECK_INT(cenv_fs_write_atomic(s->fd, index, cenv_buf_str(&out), 0644, &err), 0);
    cenv_repodata_free(rd);
    cenv_mapping_release(&packed);
    cenv_buf_release(&out);
}

/* Other bytes in the same inode, of the same size and time: what a lost write looks like. */
static void lose_bytes(const struct scratch *s, const char *text)
{
    struct stat st;
    int fd = openat(s->fd, text, O_RDWR);

    CHECK_INT(fstat(fd, &st), 0);
    CHECK_INT(pwrite(fd, "\0\0\0\0", 4, st.st_size / 2), 4);
    struct timespec times[2] = {st.st_atim, st.st_mtim};
    CHECK_INT(futimens(fd, times), 0);
    close(fd);
}

static void test_index_file__after_a_reboot(void)
{
    struct scratch s = scratch_open();
    char path[512], cache[512], index[128], text[128];

    snprintf(path, sizeof(path), "%s/repodata.json.zst", s.path);
    snprintf(cache, sizeof(cache), "%s/cache", s.path);
    CHECK_INT(mkdirat(s.fd, "cache", 0755), 0);
    cached_name(index, sizeof(index), "index", path);
    cached_name(text, sizeof(text), "text", path);
    if (!write_source(path))
        return;
    CHECK(!opens_from_index(path, cache));
    CHECK_INT(nr_cached(cache), 2); /* index and text, nothing half-made */
    CHECK(opens_from_index(path, cache));
    age_index(&s, index, text);
    CHECK(opens_from_index(path, cache)); /* the sum is right */
    lose_bytes(&s, text);
    CHECK(!opens_from_index(path, cache));
    CHECK(opens_from_index(path, cache)); /* the text was unpacked anew */
    scratch_close(&s);
}

/* A cache that cannot be written for want of memory is only a cache. */
static void test_index_file__no_memory(void)
{
    struct scratch s = scratch_open();
    char path[512], cache[512];
    bool reached = true;

    snprintf(path, sizeof(path), "%s/repodata.json.zst", s.path);
    snprintf(cache, sizeof(cache), "%s/cache", s.path);
    if (!write_source(path))
        return;
    for (long n = 1; reached && n < 2000; n++) {
        char index[128], text[128];
        struct cenv_index_file file;
        mkdirat(s.fd, "cache", 0755);
        cached_name(index, sizeof(index), "index", path);
        cached_name(text, sizeof(text), "text", path);
        unlinkat(s.fd, index, 0);
        unlinkat(s.fd, text, 0);
        long live = cenv_alloc_live();
        cenv_alloc_fail_nth(n);
        int rc = open_file(&file, path, cache);
        reached = !cenv_alloc_fail_nth(0);
        cenv_index_file_release(&file);
        CHECK(rc == 0 || rc == CENV_ENOMEM);
        CHECK_INT(cenv_alloc_live(), live);
        opens_from_index(path, cache);
    }
    CHECK(!reached);
    scratch_close(&s);
}

int main(void)
{
    RUN(test_index_file__after_a_reboot);
    RUN(test_index_file__no_memory);
    return check_report();
}
