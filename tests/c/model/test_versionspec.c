/* SPDX-License-Identifier: BSD-3-Clause */
/* Version constraints (docs/design/solve.md 6.2, S1-S12; CEP 29). */
#include "model/versionspec.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "check.h"

static struct cenv_arena arena;

static bool parse(struct cenv_versionspec *spec, const char *text)
{
    struct cenv_error err = CENV_ERROR_INIT;
    bool ok =
        CHECK_INT(cenv_versionspec_parse(spec, cenv_str(text), &arena, NULL, &err), 0);

    if (!ok)
        fprintf(stderr, "    %s\n", err.message);
    cenv_error_release(&err);
    return ok;
}

static bool matches(const char *text, const char *version)
{
    static char label[128];
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_versionspec spec;
    struct cenv_version v;

    snprintf(label, sizeof(label), "%s of %s", version, text);
    check_case(label);
    if (!parse(&spec, text))
        return false;
    CHECK_INT(cenv_version_parse(&v, cenv_str(version), &arena, &err), 0);
    bool match = cenv_versionspec_match(&spec, &v);
    struct cenv_version_range range;
    if (cenv_versionspec_range(&spec, &range))
        CHECK_INT(cenv_version_in(&v, &range), match);
    return match;
}

/* Versions that match, `/`, versions that do not. */
static const struct {
    const char *spec, *versions;
} matching[] = {
    /* S1 */
    {"==1.7", "1.7.0 1.7 1.7.0.0 / 1.7.1 1.6"},
    {"<=1.7", "1.7.0 1.6 / 1.7.1"},
    {">=1.7", "1.7.0 1.7 1.8 / 1.6.7"},
    {"<1.7", "1.6 1.7a1 1.7.dev / 1.7.0 1.7"},
    {">1.7", "1.7.1 1.7.post / 1.7.0 1.7"},
    {">2013b", "2013k 2013b1 / 2013a 3.0.0"}, /* S2 */
    {"1.0.0*", "1.0 1 1.0.0.1 / 1.0.1"},      /* S3 */
    {"1.0*", "1.0 1.0.0 / 1.1"},
    {"2013a*", "2013ab 2013a / 2013b"},        /* S4 */
    {"1.2.3*", "1.2.3+4.5.6 1.2.3.9 / 1.2.4"}, /* S5 */
    {"1.2.3+4*", "1.2.3+4.5.6 / 1.2.3+5 1.2.3"},
    {"1.2.3+5*", "/ 1.2.3+4.5.6"},
    {"1.2.4+5*", "/ 1.2.3+4.5.6"},
    {">1.0.0a", "1.0.0 1.0.0.a / 1.0.0a 1.0.0_"}, /* S6 */
    {">1.0.0*", "1.0.0 1.0 1.0.0a / 0.9"}, /* as conda: the least of what begins so */
    /* S7 */
    {"^1\\.[5-8]\\.1$", "1.7.1 / 1.9.1"},
    {"^1\\.8.*$", "1.8 / 1.7.1"},
    {"^1.7.1$", "1.7.1"},
    {"^1\\.7\\.[0-9]+$", "1.7.1"},
    {"^[^1].*$", "/ 1.7.1"},
    {"^[0-9+]+\\.[0-9+]+\\.[0-9]+$", "1.7.1"},
    {"^(1|2),?(.*)$", "1.7.1 2 / 3"},
    {"1.*.1", "1.7.1 1.1.1 / 2.1.1"},
    {"1.6.*|^0.*$|1.7.1", "1.7.1 1.6.3 0.1 / 1.7.2"},
    {"1.6.*|^.*\\.7\\.1$|0.7.1", "1.7.1"},
    {"^0.*$|1.7.1", "1.7.1"},
    {"^$", "/ 1.7.1"},
    {"^.*$", "1.7.1"},
    {"1.7.*|^0.*$", "1.7.1"},
    {"1.6.*|^0.*$", "/ 1.7.1"},
    /* conda's test_match */
    {"1.7.*", "1.7.1 1.7 1.7a / 1.6 1.70"},
    {"!=1.5", "1.7.1 / 1.5.0"},
    {"1.7.*|1.8.*", "1.7.1 / 1.9"},
    {">1.7,<1.8", "1.7.1 / 1.7 1.8"},
    {">1.7.1,<1.8", "/ 1.7.1"},
    {"*", "1.7.1 0"},
    {"1.5.*|>1.7,<1.8", "1.7.1 1.5 / 1.6 1.7"},
    {"1.5.*|>1.7,<1.7.1", "/ 1.7.1"},
    {"1.7.0.post123+gabcdef9", "1.7.0.post123+gabcdef9 / 1.7.0.post123"},
    /* S9 */
    {"~=1.10", "1.11.0 1.10 / 1.9 2.0"},
    {"~=1.10.0", "1.10.3 / 1.11.0"},
    {"~=3.3.2", "3.3.2.0 3.3.3 / 3.4.0 3.3.1"},
    {"~=3.3.2|==2.2", "2.2.0 3.3.3 / 2.2.1"},
    {"~=1.2+local.3", "1.2+local.3 1.2+local.4 / 1.2 1.2+other"},
    /* S10, S11 */
    {"!=3.3.*", "3.4 3.4.1 / 3.3.1 3.3.0.0 3.3"},
    {"!=3.3", "3.3.1 / 3.3.0.0 3.3"},
    {">=2.7, !=3.0.*, !=3.1.*, !=3.2.*, !=3.3.*", "2.7.2 3.4 3.4a / 2.6.8 3.3.4 3.3"},
    {"=3.3", "3.3.1 3.3 / 3.4"},
    {"=3.3.*", "3.3.1 3.3 / 3.4"},
    {"=3.3*", "3.3.1 3.3 / 3.4"},
    {"3.3.*", "3.3.1 3.3 / 3.4"},
    {"==3.3.*", "3.3.1 3.3 / 3.4"}, /* CEP 29, and conda for records */
    {"!=3.3*", "3.4 / 3.3.1"},
    {">=3.3.*", "3.3 3.4 / 3.2 3.3a"},
    {"<3.3.*", "3.2 3.3a / 3.3"},
    {"<=3.3.*", "3.3 / 3.3.1"},
    {">3.3.*", "3.3.1 / 3.3"},
    {">=1.0.1*.vc11", "1.0.1a.vc11 1.0.1 / 1.0"},
    {"=1.*.1", "1.7.1 / 2.7.1"},
    {"!=1.*.1", "2.7.1 / 1.7.1"},
    /* docs/design/solve.md 2.2, real oddities */
    {"0.2.18|0.2.18.*.", "0.2.18 / 0.2.18.1 0.2.19"},
    {">=0.1.4, 0.2.0", "0.2.0 / 0.1.4 0.3"},
    {"==999999999999", "999999999999 / 1"},
    {">=1 !164.3095,<1!165", "1!164.3095 / 1!165 164.4"},
    {">= 1.8 , < 2.0", "1.8 / 2.0"},
    {">2.10*", "2.10 2.11 / 2.9"},
    {"*.*", "1.2 / 1"},
    {"1.2@x", "/ 1.2"}, /* exact text, which no version is */
    {"(1.5|((1.6|1.7),1.7),1.7|2.0)|2.1", "1.5 1.7 2.0 2.1 / 1.6"},
    {"(>=1,<2)|>3", "1.5 4 / 2.5 3"},
    {">=2,<1", "/ 1 1.5 2"},
    {"*,<2", "1 / 2"},
    {"1.7.1,!=1.7.1", "/ 1.7.1"},
};

static void test_versionspec__match(void)
{
    for (size_t i = 0; i < CHECK_NR(matching); i++) {
        char *list = strdup(matching[i].versions), *save = NULL;
        bool want = true;

        for (char *v = strtok_r(list, " ", &save); v; v = strtok_r(NULL, " ", &save)) {
            if (*v == '/')
                want = false;
            else
                CHECK_INT(matches(matching[i].spec, v), want);
        }
        free(list);
    }
}

static const struct {
    const char *spec;
    size_t column;
    const char *because;
} errors[] = {
    /* S12 and the like */
    {"(1.5", 0, "never closed"},
    {"((1.5)", 0, "never closed"},
    {"1.5)", 3, "never opened"},
    {"1.5||1.6", 4, "a version is missing"},
    {"1.5,", 4, "a version is missing"},
    {",1.5", 0, "a version is missing"},
    {"1.5,|1.6", 4, "a version is missing"},
    {"()", 1, "a version is missing"},
    {"", 0, "a version is missing"},
    {"  ", 2, "a version is missing"},
    {"^1.5", 0, "ends with '$'"},
    {"1.5$", 0, "ends with '$'"},
    {"1.5|^1[5$", 9, "regular expression"},
    {"^", 0, "ends with '$'"},
    {"><2.4.5", 0, "an operator stands"},
    {"!!2.4.5", 0, "an operator stands"},
    {"!", 0, "an operator stands"},
    {"~", 0, "an operator stands"},
    {"==", 0, "an operator stands"},
    {"=", 0, "an operator stands"},
    {">=", 0, "an operator stands"},
    {"<=", 0, "an operator stands"},
    {"1.2|>=", 4, "an operator stands"},
    {"===3.3.2", 0, "an operator stands"},
    {"~=3.3.2.*", 0, "without '*'"},
    {"~=3", 0, "two parts"},
    {"~1.2", 0, "an operator stands"},
    {"!1.2", 0, "an operator stands"},
    {"c +, 0/|0 *", 0, "nothing follows '+'"},
    {"a[version=)|(", 0, "only letters"},
    {"a=)(=b", 0, "only letters"},
    {"1.2+", 0, "nothing follows '+'"},
    {"+1.2", 0, "nothing stands before '+'"},
    {"+1.2+", 0, "'+'"},
    {"++", 0, "'+'"},
    {">=1.8 1.9,<2", 6, "side by side"},
    {"(1.5)1.6", 5, "',' or '|' is missing"},
    {"(1.5 (1.6))", 5, "',' or '|' is missing"},
    {"^a$b", 3, "',' or '|' is missing"},
    {">=1.8,<2..0", 6, "a component is empty"},
};

static void test_versionspec__errors(void)
{
    for (size_t i = 0; i < CHECK_NR(errors); i++) {
        struct cenv_error err = CENV_ERROR_INIT;
        struct cenv_versionspec spec = {.root = NULL};
        size_t column = 99;

        check_case(errors[i].spec);
        CHECK_INT(cenv_versionspec_parse(&spec, cenv_str(errors[i].spec), &arena,
                                         &column, &err),
                  CENV_ESPEC);
        CHECK(!spec.root);
        CHECK_INT(column, errors[i].column);
        if (!CHECK(strstr(err.message, errors[i].because)))
            fprintf(stderr, "    %s\n", err.message);
        cenv_error_release(&err);
    }
}

static void test_versionspec__nul_is_no_end(void)
{
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_versionspec spec;

    CHECK_INT(
        cenv_versionspec_parse(&spec, cenv_str_n("(1.8)\0", 6), &arena, NULL, &err),
        CENV_ESPEC);
    cenv_error_release(&err);
    CHECK_INT(
        cenv_versionspec_parse(&spec, cenv_str_n("1.8\0|2", 6), &arena, NULL, &err),
        CENV_ESPEC);
    cenv_error_release(&err);
}

static void test_versionspec__depth_is_bounded(void)
{
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_versionspec spec;
    char text[80000];
    size_t column;

    memset(text, '(', sizeof(text));
    CHECK_INT(cenv_versionspec_parse(&spec, cenv_str_n(text, sizeof(text)), &arena,
                                     &column, &err),
              CENV_ESPEC);
    CHECK(strstr(err.message, "too deeply"));
    CHECK_INT(column, 32);
    cenv_error_release(&err);
}

static const struct {
    const char *spec, *conda, *parens;
} prints[] = {
    {"( (1.5|((1.6|1.7), 1.8), 1.9 |2.0))|2.1", "1.5|1.6|1.7,1.8,1.9|2.0|2.1", /* S8 */
     "1.5|(1.6|1.7),1.8,1.9|2.0|2.1"},
    {"1.7.1*", "1.7.1.*", NULL},
    {"1.7.1.*", "1.7.1.*", NULL},
    {"1.7.1*,1.8.1.*", "1.7.1.*,1.8.1.*", NULL},
    {" >= 1.8 , < 2 ", ">=1.8,<2", NULL},
    {"=1.10.*,!=1.10.2", "=1.10.*,!=1.10.2", NULL},
    {"*", "*", NULL},
    {"1.6.*|^.*\\.7\\.1$|0.7.1", "1.6.*|^.*\\.7\\.1$|0.7.1", NULL},
    {"(((1.5)))", "1.5", NULL},
    {"(1.5,1.6),1.7", "1.5,1.6,1.7", NULL},
    {"1.*.1", "1.*.1", NULL},
};

static void test_versionspec__print(void)
{
    for (size_t i = 0; i < CHECK_NR(prints); i++) {
        struct cenv_versionspec spec, again;
        struct cenv_buf out;
        const char *safe = prints[i].parens ? prints[i].parens : prints[i].conda;

        check_case(prints[i].spec);
        cenv_buf_init(&out, 1000);
        if (parse(&spec, prints[i].spec)) {
            cenv_versionspec_print(&spec, false, &out);
            CHECK_STR(out.data, prints[i].conda);
            cenv_buf_clear(&out);
            cenv_versionspec_print(&spec, true, &out);
            CHECK_STR(out.data, safe);
            if (parse(&again, safe)) {
                cenv_buf_clear(&out);
                cenv_versionspec_print(&again, true, &out);
                CHECK_STR(out.data, safe);
            }
        }
        cenv_buf_release(&out);
    }
}

static void test_versionspec__form(void)
{
    static const struct {
        const char *spec;
        enum cenv_versionspec_form form;
        const char *literal;
    } cases[] = {
        {"1.8", CENV_VERSIONSPEC_EXACT, "1.8"},
        {"==1.8", CENV_VERSIONSPEC_EXACT, "1.8"},
        {"1.8.*", CENV_VERSIONSPEC_FUZZY, "1.8"},
        {"=1.8", CENV_VERSIONSPEC_FUZZY, "1.8"},
        {"==1.8.*", CENV_VERSIONSPEC_FUZZY, "1.8"},
        {"1.8*", CENV_VERSIONSPEC_FUZZY, "1.8"},
        {"*", CENV_VERSIONSPEC_ANY, ""},
        {"!=1.8", CENV_VERSIONSPEC_OTHER, "1.8"},
        {"1.*.8", CENV_VERSIONSPEC_OTHER, "1.*.8"},
    };
    struct cenv_str literal;

    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        struct cenv_versionspec spec;

        check_case(cases[i].spec);
        if (parse(&spec, cases[i].spec)) {
            CHECK_INT(cenv_versionspec_form(&spec, &literal), cases[i].form);
            CHECK(cenv_str_is(literal, cases[i].literal));
        }
    }
    struct cenv_versionspec none = {.root = NULL};
    CHECK_INT(cenv_versionspec_form(&none, &literal), CENV_VERSIONSPEC_ANY);
}

static void test_versionspec__range(void)
{
    static const struct {
        const char *spec;
        bool is_range;
    } cases[] = {{">=1.8,<2", true}, {"1.8.*", true},      {"1.8", true},
                 {"*", true},        {"~=1.8.2", true},    {"!=1.8", false},
                 {"1.8|1.9", false}, {">=1,!=1.8", false}, {"^1.*$", false},
                 {"1.*.8", false},   {"*,>=1", true},      {">=1,(2|3)", false}};

    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        struct cenv_version_range range;
        struct cenv_versionspec spec;

        check_case(cases[i].spec);
        if (parse(&spec, cases[i].spec))
            CHECK_INT(cenv_versionspec_range(&spec, &range), cases[i].is_range);
    }
}

static void test_versionspec__out_of_memory(void)
{
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_versionspec spec = {.root = NULL};
    int failures = 0;

    for (long nth = 1; nth < 20; nth++) {
        struct cenv_arena own = CENV_ARENA_INIT;
        cenv_alloc_fail_nth(nth);
        int rc = cenv_versionspec_parse(
            &spec, CENV_STR(">= 1.8, < 2 | 1*|^(a{400}|b{400})$"), &own, NULL, &err);
        cenv_alloc_fail_nth(0);
        cenv_arena_release(&own);
        if (rc == 0)
            break;
        failures++;
        CHECK_INT(rc, CENV_ENOMEM);
        CHECK(!spec.root);
        cenv_error_release(&err);
    }
    CHECK(failures > 0 && failures < 19);
}

int main(void)
{
    RUN(test_versionspec__match);
    RUN(test_versionspec__errors);
    RUN(test_versionspec__nul_is_no_end);
    RUN(test_versionspec__depth_is_bounded);
    RUN(test_versionspec__print);
    RUN(test_versionspec__form);
    RUN(test_versionspec__range);
    RUN(test_versionspec__out_of_memory);
    cenv_arena_release(&arena);
    return check_report();
}
