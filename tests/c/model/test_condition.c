/* SPDX-License-Identifier: BSD-3-Clause */
/* Conditions: what belongs to what, and what is refused. */
#include "check.h"

#include "base/buf.h"
#include "model/condition.h"

/* "and(a, or(b, c))" */
static void print_condition(const struct cenv_condition *c, struct cenv_buf *out)
{
    if (c->kind == CENV_CONDITION_SPEC) {
        cenv_buf_add_str(out, c->spec.text);
        return;
    }
    cenv_buf_puts(out, c->kind == CENV_CONDITION_AND ? "and(" : "or(");
    for (const struct cenv_condition *part = c->first; part; part = part->next) {
        cenv_buf_puts(out, part == c->first ? "" : ", ");
        print_condition(part, out);
    }
    cenv_buf_putc(out, ')');
}

static void test_condition__groups(void)
{
    static const struct {
        const char *text, *parts;
    } cases[] = {
        {"a", "a"},
        {"  python >=3.11  ", "python >=3.11"},
        {"(a)", "a"},
        {"a and b", "and(a, b)"},
        {"a and b and c", "and(a, b, c)"},
        {"a or b and c or d", "or(a, and(b, c), d)"},
        {"(a or b) and c", "and(or(a, b), c)"},
        {"a and(b)and c", "and(a, b, c)"},
        {"a and (b and c)", "and(a, and(b, c))"},
        {"android or sandor", "or(android, sandor)"},
        {"((((((((((((((((a))))))))))))))))", "a"},
    };
    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        struct cenv_arena arena = CENV_ARENA_INIT;
        struct cenv_error err = CENV_ERROR_INIT;
        const struct cenv_condition *c;
        struct cenv_buf text;
        check_case(cases[i].text);
        cenv_buf_init(&text, 1 << 10);
        if (CHECK_INT(cenv_condition_parse(&c, cenv_str(cases[i].text), &arena, &err),
                      0)) {
            print_condition(c, &text);
            CHECK_STR(text.data, cases[i].parts);
        }
        cenv_buf_release(&text);
        cenv_error_release(&err);
        cenv_arena_release(&arena);
    }
}

static void test_condition__refuses(void)
{
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"", "condition '' lacks a spec"},
        {"a and", "condition 'a and' lacks a spec"},
        {"or a", "condition 'or a' lacks a spec"},
        {"()", "condition '()' lacks a spec"},
        {"a and (and b)", "condition 'a and (and b)' lacks a spec"},
        {"and\n", "condition 'and\\x0a' lacks a spec"},
        {"(a and)", "condition '(a and)' lacks a spec"},
        {"(or b) and a", "condition '(or b) and a' lacks a spec"},
        {"(a", "condition '(a' lacks a ')'"},
        {"a[when=b]", "condition 'a[when=b]' holds a condition of its own"},
        {"a) or b", "condition 'a) or b' has something behind its end"},
        {"(((((((((((((((((a)))))))))))))))))",
         "condition '(((((((((((((((((a)))))))))))))))))' is nested too deep"},
        {"a and py*", "a dependency must name one package"},
    };
    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        struct cenv_arena arena = CENV_ARENA_INIT;
        struct cenv_error err = CENV_ERROR_INIT;
        const struct cenv_condition *c;
        check_case(cases[i].text);
        CHECK_INT(cenv_condition_parse(&c, cenv_str(cases[i].text), &arena, &err),
                  CENV_ESPEC);
        CHECK(!c);
        CHECK_STR(err.message, cases[i].message);
        cenv_error_release(&err);
        cenv_arena_release(&arena);
    }
}

/* The message is of the spec that is malformed. */
static void test_condition__names_the_bad_spec(void)
{
    struct cenv_arena arena = CENV_ARENA_INIT;
    struct cenv_error err = CENV_ERROR_INIT;
    const struct cenv_condition *c;
    CHECK_INT(cenv_condition_parse(&c, CENV_STR("a and python >=>3"), &arena, &err),
              CENV_ESPEC);
    CHECK(strstr(err.message, "python >=>3"));
    cenv_error_release(&err);
    cenv_arena_release(&arena);
}

int main(void)
{
    RUN(test_condition__groups);
    RUN(test_condition__refuses);
    RUN(test_condition__names_the_bad_spec);
    return check_report();
}
