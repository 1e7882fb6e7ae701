/* SPDX-License-Identifier: BSD-3-Clause */
/* Files larger than a block, sparse ones, and searches that are given up. */
#include "manifest/scan_file.h"

#include "base/alloc.h"
#include "check.h"
#include "os/fs.h"
#include "os/raw_copy.h"
#include "os/raw_data.h"
#include "scratch.h"

#define T "/t/e"

struct scene {
    struct scratch s;
    struct cenv_forms t;
    struct cenv_search_names names;
    struct cenv_task task;
    struct cenv_error err;
    char *block;
};

static struct scene open_scene(void)
{
    struct scene e = {.s = scratch_open(), .block = cenv_malloc(CENV_SCAN_BLOCK)};
    cenv_task_init(&e.task, NULL, NULL);
    CHECK_INT(cenv_forms_init(&e.t, CENV_STR(T), &e.err), 0);
    return e;
}

static void close_scene(struct scene *e)
{
    cenv_forms_release(&e->t);
    cenv_task_release(&e->task);
    cenv_error_release(&e->err);
    cenv_free(e->block);
    scratch_close(&e->s);
}

/* A file "x" of `size` bytes, a hole but for a text at `at`; an open descriptor. */
static int make_file(struct scene *e, uint64_t size, const char *text, uint64_t at)
{
    int fd = cenv_fs_create(e->s.fd, "x", 0600, &e->err);
    CHECK_INT(cenv_raw_truncate(fd, size), 0);
    CHECK_INT(cenv_raw_pwrite(fd, text, strlen(text), at), 0);
    return fd;
}

static int scan(struct scene *e, struct cenv_scan_result *result)
{
    struct cenv_search_names names = {&e->t, 1};
    struct cenv_stat st;
    CHECK_INT(cenv_fs_stat(e->s.fd, "x", &st, &e->err), 0);
    struct cenv_scan_target what = {.path = CENV_STR("x"),
                                    .name = "x",
                                    .dir = e->s.fd,
                                    .st = &st,
                                    .block = e->block,
                                    .task = &e->task};
    *result = (struct cenv_scan_result){0};
    return cenv_scan_file(&what, &names, result, &e->err);
}

/* It begins in one block and ends in the next. */
static void test_scan_file__across_blocks(void)
{
    for (int before = 1; before < 6; before++) {
        struct scene e = open_scene();
        struct cenv_scan_result result;
        struct cenv_buf text;
        char number[8];
        snprintf(number, sizeof(number), "%d", before);
        check_case(number);
        cenv_buf_init(&text, 3 * CENV_SCAN_BLOCK);
        for (int i = 0; i < CENV_SCAN_BLOCK - before; i++)
            cenv_buf_putc(&text, ' ');
        cenv_buf_puts(&text, T " and so on");
        cenv_fd_close(make_file(&e, text.len, text.data, 0));
        CHECK_INT(scan(&e, &result), 0);
        if (CHECK_INT(result.sites.nr, 1))
            CHECK_INT(result.sites.list[0].offset, CENV_SCAN_BLOCK - before);
        cenv_sites_release(&result.sites);
        cenv_buf_release(&text);
        close_scene(&e);
    }
}

/* 64 GiB that nobody could read in this test; the end of them names the path. */
static void test_scan_file__passes_over_holes(void)
{
    const uint64_t size = (uint64_t)64 << 30;
    struct scene e = open_scene();
    struct cenv_scan_result result;
    int fd = make_file(&e, size, "x", 0);
    if (cenv_raw_find_data(fd, 1 << 20) ==
        UINT64_MAX) { /* the file system tells holes */
        CHECK_INT(scan(&e, &result), 0);
        CHECK(!result.reason && result.sites.nr == 0);
        CHECK_INT(cenv_raw_pwrite(fd, " " T " ", 6, size - 100), 0);
        CHECK_INT(scan(&e, &result), 0);
        CHECK(result.reason && strstr(result.reason, "too large"));
        CHECK_INT(result.sites.nr, 0);
    }
    cenv_fd_close(fd);
    close_scene(&e);
}

static int cancel(void *ctx)
{
    (void)ctx;
    return 1;
}

static void test_scan_file__interrupted(void)
{
    struct scene e = open_scene();
    struct cenv_scan_result result;
    cenv_fd_close(make_file(&e, 8 << 20, "x", (8 << 20) - 1));
    e.task.poll = cancel;
    CHECK_INT(scan(&e, &result), CENV_ECANCELLED);
    CHECK_INT(result.sites.nr, 0);
    close_scene(&e);
}

int main(void)
{
    RUN(test_scan_file__across_blocks);
    RUN(test_scan_file__passes_over_holes);
    RUN(test_scan_file__interrupted);
    return check_report();
}
