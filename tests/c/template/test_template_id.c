/* SPDX-License-Identifier: BSD-3-Clause */
/* Ids of templates. */
#include "base/alloc.h"
#include "check.h"
#include "template/template_id.h"

static char *id_of(const char *records, const char *key, const char *base)
{
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_json *doc = NULL;
    struct cenv_buf out;
    cenv_buf_init(&out, 1000);
    CHECK_INT(cenv_json_parse(&doc, cenv_str(records), "records", &err), 0);
    int rc = cenv_template_id_of_records(doc, key, base, &out, &err);
    cenv_json_free(doc);
    char *id = rc ? NULL : cenv_buf_detach(&out);
    cenv_buf_release(&out);
    cenv_error_release(&err);
    return id;
}

#define RECORD(name, hash, more) \
    "{\"name\":\"" name "\",\"sha256\":\"" hash hash hash hash "\"" more "}"
#define HASH_A "aaaaaaaaaaaaaaaa"
#define HASH_B "bbbbbbbbbbbbbbbb"

static void test_template_id__tells_contents_not_origins(void)
{
    static const char one[] =
        "[" RECORD("a", HASH_A, "") "," RECORD("b", HASH_B, "") "]";
    static const struct {
        const char *label, *records, *key, *base;
        bool same;
    } cases[] = {
        {"order", "[" RECORD("b", HASH_B, "") "," RECORD("a", HASH_A, "") "]", NULL,
         NULL, true},
        {"origin",
         "[" RECORD("a", HASH_A, ",\"url\":\"https://x\",\"channel\":\"c\"") "," RECORD(
             "b", HASH_B, "") "]",
         NULL, NULL, true},
        {"what it does not need",
         "[" RECORD("a", HASH_A, ",\"timestamp\":1,\"depends\":[]") "," RECORD(
             "b", HASH_B, ",\"license\":\"x\"") "]",
         NULL, NULL, true},
        {"record",
         "[" RECORD("a", HASH_A, ",\"depends\":[\"b\"]") "," RECORD("b", HASH_B,
                                                                    "") "]",
         NULL, NULL, false},
        {"hash", "[" RECORD("a", HASH_B, "") "," RECORD("b", HASH_B, "") "]", NULL,
         NULL, false},
        {"key", one, "k", NULL, false},
        {"base", one, NULL, "b", false},
        {"no hash", "[{\"name\":\"a\"}]", NULL, NULL, false},
    };
    char *id = id_of(one, NULL, NULL);
    CHECK(id && strlen(id) == 64);
    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        char *other = id_of(cases[i].records, cases[i].key, cases[i].base);
        check_case(cases[i].label);
        CHECK_INT(other && strcmp(other, id) == 0, cases[i].same);
        cenv_free(other);
    }
    cenv_free(id);
}

int main(void)
{
    RUN(test_template_id__tells_contents_not_origins);
    return check_report();
}
