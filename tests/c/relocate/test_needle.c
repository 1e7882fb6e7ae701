/* SPDX-License-Identifier: BSD-3-Clause */
/* Every occurrence is found, in bytes made to be hard too; a search can be interrupted. */
#include "relocate/needle.h"

#include "base/alloc.h"
#include "relocate.h"

static int64_t find(struct cenv_str data, uint64_t from, struct cenv_str needle)
{
    struct cenv_error err = CENV_ERROR_INIT;
    uint64_t at = 0;
    return cenv_needle_find(data, from, needle, &idle, &at, &err) > 0 ? (int64_t)at
                                                                      : -1;
}

static void test_needle__places(void)
{
    static const struct {
        const char *name;
        struct cenv_str data, needle;
        uint64_t from;
        int64_t at;
    } cases[] = {
        {"first", LIT("/a/b"), LIT("/a"), 0, 0},
        {"last", LIT("xx/a"), LIT("/a"), 0, 2},
        {"behind from", LIT("/a/a"), LIT("/a"), 1, 2},
        {"at from", LIT("/a/a"), LIT("/a"), 2, 2},
        {"none", LIT("/b/c"), LIT("/a"), 0, -1},
        {"cut off", LIT("xx/tmp/en"), LIT("/tmp/env"), 0, -1},
        {"longer than all", LIT("/a"), LIT("/a/b"), 0, -1},
        {"empty data", LIT(""), LIT("/a"), 0, -1},
        {"empty needle", LIT("/a"), LIT(""), 0, -1},
        {"from behind all", LIT("/a"), LIT("/a"), 9, -1},
        {"zeros before it", LIT("\0\0\0\0/\0a"), LIT("\0/\0a"), 0, 3},
        {"ends in zeros", LIT("//\0a\0"), LIT("/\0a\0"), 0, 1},
        {"overlapping heads", LIT("/a/a/a/b"), LIT("/a/a/b"), 0, 2},
    };
    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        check_case(cases[i].name);
        CHECK_INT(find(cases[i].data, cases[i].from, cases[i].needle), cases[i].at);
    }
}

/* Compares nearly everywhere, with short and long needles, and finds what memmem finds. */
static void test_needle__bytes_made_to_be_hard(void)
{
    enum { LEN = 3 << 20 };
    char *data = cenv_malloc(LEN);
    static char needle[4096];
    if (!CHECK(data))
        return;
    for (size_t len = 2; len <= sizeof(needle); len = len * 2 + 1) {
        memset(data, 'a', LEN);
        memset(needle, 'a', len);
        needle[len - 1] = 'b';
        struct cenv_str all = cenv_str_n(data, LEN), text = cenv_str_n(needle, len);
        CHECK_INT(find(all, 0, text), -1);
        data[(1 << 20) + len / 2] = 'b'; /* a match across two slices */
        const char *want = cenv_find_bytes(data, LEN, needle, len);
        CHECK_INT(find(all, 0, text), want ? want - data : -1);
        data[LEN - 1] = 'b';
        CHECK_INT(find(all, 2 << 20, text), (int64_t)(LEN - len));
    }
    cenv_free(data);
}

static int cancel(void *ctx)
{
    (void)ctx;
    return 1;
}

static void test_needle__interrupted(void)
{
    struct cenv_error err = CENV_ERROR_INIT;
    char *data = cenv_calloc(1, 4 << 20);
    struct cenv_task task;
    uint64_t at;
    cenv_task_init(&task, cancel, NULL);
    if (CHECK(data))
        CHECK_INT(cenv_needle_find(cenv_str_n(data, 4 << 20), 0, CENV_STR("/a"), &task,
                                   &at, &err),
                  CENV_ECANCELLED);
    cenv_free(data);
    cenv_error_release(&err);
    cenv_task_release(&task);
}

int main(void)
{
    RUN(test_needle__places);
    RUN(test_needle__bytes_made_to_be_hard);
    RUN(test_needle__interrupted);
    return check_report();
}
