/* SPDX-License-Identifier: BSD-3-Clause */
/* package/extract: small files of a large archive, which a thread of their own writes. */
#include <sys/resource.h>

#include "cenv.h"
#include "check.h"
#include "scratch.h"
#include "tarball.h"

#define INDEX     "{\"name\":\"p\",\"version\":\"1\",\"build\":\"0\",\"build_number\":0}"
#define HELLO_SHA "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"

#define OTHER_SHA "3cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"

enum { NOISE = 400 << 10, NR = 100, ROOM = 8 << 20 };

static void add_list(struct cenv_buf *info, const char *sha256)
{
    struct cenv_buf list;

    cenv_buf_init(&list, ROOM);
    cenv_buf_puts(&list, "{\"paths_version\":1,\"paths\":[");
    for (int i = 0; i < NR; i++)
        cenv_buf_addf(&list, "{\"_path\":\"f%d\",\"sha256\":\"%s\"},", i, sha256);
    cenv_buf_puts(&list, "{\"_path\":\"more\"},{\"_path\":\"noise\"}]}");
    tar_file(info, "info/paths.json", list.data);
    cenv_buf_release(&list);
}

/* A file that makes the archive large, and behind it NR small ones. */
static void add_files(struct cenv_buf *pkg)
{
    char *noise = malloc(NOISE), name[16];

    for (unsigned i = 0, x = 1; i < NOISE; i++, x = x * 1103515245 + 12345)
        noise[i] = (char)(x >> 16);
    tar_header(pkg, '0', "noise", "", NOISE, 0644);
    tar_data(pkg, noise, NOISE);
    for (int i = 0; i < NR; i++) {
        snprintf(name, sizeof(name), "f%d", i);
        tar_file(pkg, name, "hello");
    }
    free(noise);
}

static void link_last(struct cenv_buf *pkg)
{
    tar_header(pkg, '1', "more", "f99", 0, 0644);
    tar_file(pkg, "f99", "hello");
}

static void differ_from_last(struct cenv_buf *pkg)
{
    tar_file(pkg, "more", "");
    tar_file(pkg, "f99", "hallo");
}

static void add_more(struct cenv_buf *pkg)
{
    tar_file(pkg, "more", "");
}

/* Writes p-1-0.conda and extracts it to "out". */
static int extract(const struct scratch *s, const char *sha256,
                   void (*add)(struct cenv_buf *), struct cenv_error *err)
{
    struct cenv_buf info, pkg, conda, out;
    struct cenv_task task;

    cenv_buf_init(&info, ROOM);
    cenv_buf_init(&pkg, ROOM);
    cenv_buf_init(&conda, ROOM);
    cenv_buf_init(&out, 4096);
    tar_file(&info, "info/index.json", INDEX);
    add_list(&info, sha256);
    add_files(&pkg);
    add(&pkg);
    tar_end(&info);
    tar_end(&pkg);
    conda_pack(&conda, "p-1-0", cenv_buf_str(&info), cenv_buf_str(&pkg));
    int fd = openat(s->fd, "p-1-0.conda", O_WRONLY | O_CREAT | O_TRUNC, 0644);
    CHECK_INT(write(fd, conda.data, conda.len), conda.len);
    close(fd);
    cenv_task_init(&task, NULL, NULL);
    int rc = cenv_extract(scratch_path(s, "p-1-0.conda"), scratch_path(s, "out"), NULL,
                          &task, &out, err);
    cenv_task_release(&task);
    cenv_buf_release(&info);
    cenv_buf_release(&pkg);
    cenv_buf_release(&conda);
    cenv_buf_release(&out);
    return rc;
}

static void test_small_files__are_whole_and_can_be_linked_to(void)
{
    struct cenv_error err = CENV_ERROR_INIT;
    struct scratch s = scratch_open();

    CHECK_INT(extract(&s, HELLO_SHA, link_last, &err), 0);
    CHECK_STR(scratch_text(&s, "out/f0"), "hello");
    CHECK_STR(scratch_text(&s, "out/f99"), "hello");
    CHECK_STR(scratch_text(&s, "out/more"), "hello");
    cenv_error_release(&err);
    scratch_close(&s);
}

/* A process that may have few open: what waits to be written gives them back. */
static void test_small_files__need_few_descriptors(void)
{
    struct cenv_error err = CENV_ERROR_INIT;
    struct scratch s = scratch_open();
    struct rlimit before;

    CHECK_INT(getrlimit(RLIMIT_NOFILE, &before), 0);
    struct rlimit few = {.rlim_cur = 30, .rlim_max = before.rlim_max};
    CHECK_INT(setrlimit(RLIMIT_NOFILE, &few), 0);
    CHECK_INT(extract(&s, HELLO_SHA, add_more, &err), 0);
    CHECK_INT(setrlimit(RLIMIT_NOFILE, &before), 0);
    CHECK_STR(scratch_text(&s, "out/f99"), "hello");
    cenv_error_release(&err);
    scratch_close(&s);
}

static void check_refused(const char *sha256, void (*add)(struct cenv_buf *),
                          const char *why)
{
    struct cenv_error err = CENV_ERROR_INIT;
    struct scratch s = scratch_open();

    CHECK_INT(extract(&s, sha256, add, &err), CENV_EINTEGRITY);
    CHECK(strstr(err.message, why));
    CHECK_INT(faccessat(s.fd, "out", F_OK, 0), -1);
    cenv_error_release(&err);
    scratch_close(&s);
}

static void test_small_files__are_refused_as_others(void)
{
    check_refused(HELLO_SHA, differ_from_last, "is there twice, and differs");
    check_refused(OTHER_SHA, add_more, "has another SHA-256");
}

int main(void)
{
    RUN(test_small_files__are_whole_and_can_be_linked_to);
    RUN(test_small_files__need_few_descriptors);
    RUN(test_small_files__are_refused_as_others);
    return check_report();
}
