/* SPDX-License-Identifier: BSD-3-Clause */
/* relocate/shell_word: a word as sh reads it. */
#include "relocate/shell_word.h"

#include "check.h"

static void test_shell_word__is_read_as_sh_reads_it(void)
{
    static const struct {
        const char *text, *word; /* NULL: none */
    } cases[] = {
        {"/a/b", "/a/b"},
        {"/a b", "/a"},
        {"/a;b", "/a"},
        {"", ""},
        {"'/a b' c", "/a b"},
        {"\"/a b\"/c", "/a b/c"},
        {"/a\\ b\\'", "/a b'"},
        {"'it'\\''s'", "it's"},
        {"'it'\"'\"'s'", "it's"},
        {"\"\\$\\`\\\"\\\\\"", "$`\"\\"},
        {"\"a\\b\"", "a\\b"},
        {"'a\\b'", "a\\b"},
        {"a\\", "a\\"},
        {"'$x`y`'", "$x`y`"},
        {"$(x)", NULL},
        {"\"`x`\"", NULL},
        {"'a", NULL},
        {"\"a", NULL},
    };
    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        struct cenv_buf out;
        cenv_buf_init(&out, 64);
        check_case(cases[i].text);
        bool is_word = cenv_shell_word_read(cenv_str(cases[i].text), &out);
        CHECK_INT(is_word, cases[i].word != NULL);
        if (is_word && cases[i].word)
            CHECK(cenv_str_eq(cenv_buf_str(&out), cenv_str(cases[i].word)));
        cenv_buf_release(&out);
    }
}

int main(void)
{
    RUN(test_shell_word__is_read_as_sh_reads_it);
    return check_report();
}
