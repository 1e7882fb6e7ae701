/* SPDX-License-Identifier: BSD-3-Clause */
/* Documents that fit a shape, and those that do not. */
#include "check.h"
#include "codec/shape.h"

static const struct cenv_shape_member item_members[] = {
    {"name", &cenv_shape_string, true},
    {"size", &cenv_shape_number, false},
    {NULL, NULL, false},
};
static const struct cenv_shape item = {CENV_JSON_OBJECT, item_members, NULL};
static const struct cenv_shape items = {CENV_JSON_ARRAY, NULL, &item};
static const struct cenv_shape_member members[] = {
    {"items", &items, true},
    {"words", &cenv_shape_strings, false},
    {NULL, NULL, false},
};
static const struct cenv_shape shape = {CENV_JSON_OBJECT, members, NULL};

static const struct {
    const char *text;
    bool fits;
} cases[] = {
    {"{\"items\": []}", true},
    {"{\"items\": [], \"words\": null}", true},
    {"{\"items\": [], \"words\": [\"a\", \"b\"], \"more\": [1]}", true},
    {"{\"items\": [{\"name\": \"a\"}, {\"name\": \"b\", \"size\": 1}]}", true},
    {"null", false},
    {"[]", false},
    {"\"items\"", false},
    {"{}", false},
    {"{\"items\": null}", false},
    {"{\"items\": {}}", false},
    {"{\"items\": [], \"words\": \"a\"}", false},
    {"{\"items\": [], \"words\": [\"a\", 1]}", false},
    {"{\"items\": [{\"name\": \"a\"}, {}]}", false},
    {"{\"items\": [{\"name\": null}]}", false},
    {"{\"items\": [{\"name\": \"a\", \"size\": \"1\"}]}", false},
    {"{\"items\": [[]]}", false},
};

static void test_shape__fits(void)
{
    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        struct cenv_error err = CENV_ERROR_INIT;
        struct cenv_json *doc = NULL;
        check_case(cases[i].text);
        CHECK_INT(cenv_json_parse(&doc, cenv_str(cases[i].text), "case", &err), 0);
        CHECK_INT(cenv_shape_fits(&shape, doc), cases[i].fits);
        cenv_json_free(doc);
    }
    CHECK(!cenv_shape_fits(&shape, NULL));
}

int main(void)
{
    RUN(test_shape__fits);
    return check_report();
}
