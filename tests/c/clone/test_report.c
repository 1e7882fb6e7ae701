/* SPDX-License-Identifier: BSD-3-Clause */
/* Reports: every key, every reason of a fallback, and nothing of one when memory runs out. */
#include "check.h"

#include "base/alloc.h"
#include "clone/report.h"
#include "codec/json.h"

static const struct cenv_clone_report report = {
    .path = "/a \"clone\"",
    .mode = "copy",
    .counts = {.files = 1,
               .relocated = 2,
               .remembered = 3,
               .bytes_copied = UINT64_MAX,
               .bytes_shared = 4,
               .fallbacks = {[CENV_FALLBACK_XDEV] = 5, [CENV_FALLBACK_PERM] = 6}},
    .skipped = {"p\0d/q", 6},
};

/* All but "seconds", which is another each time. */
static void check_report_text(const char *text, const char *before, const char *after)
{
    CHECK(strncmp(text, before, strlen(before)) == 0);
    const char *rest = strchr(text + strlen(before), ',');
    CHECK_STR(rest ? rest : "", after);
}

static void test_report__of_a_clone(void)
{
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_buf out;
    cenv_buf_init(&out, 1 << 16);
    CHECK_INT(cenv_clone_report_write(&report, &out, &err), 0);
    check_report_text(
        out.data,
        "{\"prefix\":\"/a \\\"clone\\\"\",\"mode\":\"copy\",\"files\":1,\"relocated\":2,"
        "\"remembered\":3,"
        "\"bytes_copied\":18446744073709551615,\"bytes_shared\":4,\"seconds\":",
        ",\"fallbacks\":{\"another file system\":5,\"not permitted\":6},"
        "\"passed_over\":{},"
        "\"skipped\":[{\"path\":\"p\",\"reason\":\"a FIFO or socket\"},"
        "{\"path\":\"d/q\",\"reason\":\"a FIFO or socket\"}],\"unrelocatable\":[],\"notices\":[]}");
    cenv_buf_release(&out);
}

static void test_report__of_a_reset(void)
{
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_reset_counts counts = {.removed = 1, .restored = 2, .checked = 3};
    struct cenv_buf out;
    cenv_buf_init(&out, 1 << 16);
    CHECK_INT(cenv_clone_report_reset("/c", NULL, &counts, 0, &out, &err), 0);
    struct cenv_json *doc = NULL;
    CHECK_INT(cenv_json_parse(&doc, cenv_buf_str(&out), "the report", &err), 0);
    CHECK_STR(cenv_json_get_cstr(doc, "prefix"), "/c");
    CHECK_INT(cenv_json_get_int(doc, "removed", 0), 1);
    CHECK_INT(cenv_json_get_int(doc, "restored", 0), 2);
    CHECK_INT(cenv_json_get_int(doc, "checked", 0), 3);
    CHECK_INT(cenv_json_type(cenv_json_get(doc, "seconds")), CENV_JSON_NUMBER);
    cenv_json_free(doc);
    cenv_buf_release(&out);
}

static void test_report__no_memory(void)
{
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_buf out;
    cenv_buf_init(&out, 1 << 16);
    cenv_alloc_fail_nth(1);
    CHECK_INT(cenv_clone_report_write(&report, &out, &err), CENV_ENOMEM);
    cenv_alloc_fail_nth(0);
    cenv_error_release(&err);
    cenv_buf_release(&out);
}

int main(void)
{
    RUN(test_report__of_a_clone);
    RUN(test_report__of_a_reset);
    RUN(test_report__no_memory);
    return check_report();
}
