/* SPDX-License-Identifier: BSD-3-Clause */
/* Names that have records with `features`, in whatever source. */
#include "base/alloc.h"
#include "base/buf.h"
#include "base/task.h"
#include "cenv.h"
#include "check.h"
#include "os/path_system.h"

#define RECORD(fn, name, more) \
    "\"" fn ".conda\":{\"name\":\"" name "\",\"version\":\"1\",\"build\":\"0\"" more "}"
#define DATA(records) "{\"packages.conda\":{" records "}}"

static const char plain[] = DATA(RECORD("a-1-0", "a", "") "," RECORD("b-1-0", "b", ""));
static const char featured[] =
    DATA(RECORD("a-1-1", "a", ",\"features\":\"mkl\"") "," RECORD(
        "b-1-1", "b", ",\"features\":\" \"") "," RECORD("c-1-0", "c",
                                                        ",\"track_features\":\"mkl\""));

static struct cenv_index *open_both(void)
{
    struct cenv_index_source sources[] = {{.channel = "one",
                                           .channel_url = "https://h/one",
                                           .subdir = "noarch",
                                           .repodata_url = "https://h/one/noarch",
                                           .data = plain,
                                           .len = sizeof(plain) - 1},
                                          {.channel = "two",
                                           .channel_url = "https://h/two",
                                           .subdir = "noarch",
                                           .repodata_url = "https://h/two/noarch",
                                           .data = featured,
                                           .len = sizeof(featured) - 1}};
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_index *index = NULL;
    struct cenv_task task;

    cenv_task_init(&task, NULL, NULL);
    CHECK_INT(cenv_index_open(&index, sources, 2, NULL, &task, &err), 0);
    cenv_task_release(&task);
    return index;
}

static void test_featured__names_of_any_source(void)
{
    static const struct {
        const char *names, *found;
        int rc;
    } cases[] = {
        {"[\"a\"]", "[\"a\"]", 0},
        {"[\"b\",\"c\",\"unknown\"]", "[]", 0},
        {"[\"c\",\"a\",\"b\"]", "[\"a\"]", 0},
        {"[]", "[]", 0},
        {"[1,null,\"\",[\"a\"]]", "[]", 0},
        {"[\"a\"", "", CENV_EFAIL},
    };
    struct cenv_index *index = open_both();
    struct cenv_task task;

    cenv_task_init(&task, NULL, NULL);
    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        struct cenv_error err = CENV_ERROR_INIT;
        struct cenv_buf out;
        check_case(cases[i].names);
        cenv_buf_init(&out, 1 << 16);
        int rc = cenv_index_featured(index, cases[i].names, &task, &out, &err);
        CHECK_INT(rc < 0, cases[i].rc < 0);
        if (rc == 0)
            CHECK_STR(out.data, cases[i].found);
        cenv_buf_release(&out);
        cenv_error_release(&err);
    }
    cenv_task_release(&task);
    cenv_index_free(index);
}

static void test_featured__without_memory(void)
{
    struct cenv_index *index = open_both();
    size_t before = cenv_alloc_live();
    int rc = -1;

    for (unsigned n = 1; rc < 0 && n < 1000; n++) {
        struct cenv_error err = CENV_ERROR_INIT;
        struct cenv_task task;
        struct cenv_buf out;
        cenv_task_init(&task, NULL, NULL);
        cenv_buf_init(&out, 1 << 16);
        cenv_alloc_fail_nth(n);
        rc = cenv_index_featured(index, "[\"a\",\"b\"]", &task, &out, &err);
        cenv_alloc_fail_nth(0);
        if (rc == 0)
            CHECK_STR(out.data, "[\"a\"]");
        cenv_buf_release(&out);
        cenv_error_release(&err);
        cenv_task_release(&task);
        CHECK_INT(cenv_alloc_live(), before);
    }
    CHECK_INT(rc, 0);
    cenv_index_free(index);
}

int main(void)
{
    RUN(test_featured__names_of_any_source);
    RUN(test_featured__without_memory);
    return check_report();
}
