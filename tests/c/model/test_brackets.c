/* SPDX-License-Identifier: BSD-3-Clause */
/* model/brackets: the section of a spec, its pairs, its lists. */
#include "model/brackets.h"

#include "check.h"

static void test_brackets__finds_the_section(void)
{
    struct cenv_str text = CENV_STR("numpy[build='a[0]', md5=x] tail"), inside, after;
    const char *wrong = NULL, *at = NULL;
    CHECK(cenv_brackets_find(&text, &inside, &after, &wrong, &at));
    CHECK(cenv_str_is(text, "numpy"));
    CHECK(cenv_str_is(inside, "build='a[0]', md5=x"));
    CHECK(cenv_str_is(after, " tail"));

    text = CENV_STR("numpy >=1");
    CHECK(!cenv_brackets_find(&text, &inside, &after, &wrong, &at));
    CHECK(!wrong);
    text = CENV_STR("numpy[version=1");
    CHECK(!cenv_brackets_find(&text, &inside, &after, &wrong, &at));
    CHECK(wrong && at);
}

static void test_brackets__cuts_pairs(void)
{
    struct cenv_str inside = CENV_STR("version='>=1,<2' build=\"it's\", "
                                      "extras=[a, 'b'], optional");
    static const struct {
        const char *key, *value;
        bool has_value, is_list;
    } want[] = {
        {"version", ">=1,<2", true, false},
        {"build", "it's", true, false},
        {"extras", "a, 'b'", true, true},
        {"optional", "", false, false},
    };
    struct cenv_bracket pair;
    const char *wrong = NULL, *at = NULL;
    for (size_t i = 0; i < CHECK_NR(want); i++) {
        check_case(want[i].key);
        if (!CHECK_INT(cenv_brackets_next(&inside, &pair, &wrong, &at), 1))
            return;
        CHECK(cenv_str_is(pair.key, want[i].key));
        CHECK(cenv_str_is(pair.value, want[i].value));
        CHECK_INT(pair.has_value, want[i].has_value);
        CHECK_INT(pair.is_list, want[i].is_list);
    }
    CHECK_INT(cenv_brackets_next(&inside, &pair, &wrong, &at), 0);
}

static void test_brackets__refuses_what_has_no_key_or_end(void)
{
    static const char *const cases[] = {"=1", "a='b", "a=[b"};
    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        struct cenv_str inside = cenv_str(cases[i]);
        struct cenv_bracket pair;
        const char *wrong = NULL, *at = NULL;
        check_case(cases[i]);
        CHECK_INT(cenv_brackets_next(&inside, &pair, &wrong, &at), -1);
        CHECK(wrong && at);
    }
}

static void test_brackets__cuts_items(void)
{
    struct cenv_str list = CENV_STR("a, 'b' ,c"), item;
    CHECK_INT(cenv_brackets_item(&list, &item), 1);
    CHECK(cenv_str_is(item, "a"));
    CHECK_INT(cenv_brackets_item(&list, &item), 1);
    CHECK(cenv_str_is(item, "b"));
    CHECK_INT(cenv_brackets_item(&list, &item), 1);
    CHECK(cenv_str_is(item, "c"));
    CHECK_INT(cenv_brackets_item(&list, &item), 0);
    list = CENV_STR("a,,b");
    CHECK_INT(cenv_brackets_item(&list, &item), 1);
    CHECK_INT(cenv_brackets_item(&list, &item), -1);
}

static void test_brackets__quotes_with_what_the_value_lacks(void)
{
    CHECK_INT(cenv_brackets_quote(CENV_STR("it's")), '"');
    CHECK_INT(cenv_brackets_quote(CENV_STR("plain")), '\'');
}

int main(void)
{
    RUN(test_brackets__finds_the_section);
    RUN(test_brackets__cuts_pairs);
    RUN(test_brackets__refuses_what_has_no_key_or_end);
    RUN(test_brackets__cuts_items);
    RUN(test_brackets__quotes_with_what_the_value_lacks);
    return check_report();
}
