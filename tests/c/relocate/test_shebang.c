/* SPDX-License-Identifier: BSD-3-Clause */
/* First lines of scripts in each of their forms. */
#include "relocate/shebang.h"

#include "check.h"

/* The last length that stays and the first that does not. */
static void test_shebang__entry_point_at_its_limit(void)
{
    char prefix[256];
    for (size_t exe = 123; exe <= 127; exe++) {
        struct cenv_buf out;
        cenv_buf_init(&out, 1024);
        memset(prefix, 'x', exe);
        memcpy(prefix + exe - 7, "/python", 7);
        prefix[0] = '/';
        cenv_shebang_render_entry(cenv_str_n(prefix, exe), &out);
        CHECK_INT(strncmp(out.data, "#!/bin/sh\n", 10) == 0, exe >= 125);
        CHECK_INT(out.data[out.len - 1], '\n');
        cenv_buf_release(&out);
    }
}

static void test_shebang__trampolines(void)
{
    static const struct {
        const char *script, *exe, *options;
        int style, len;
    } cases[] = {
        {"#!/bin/sh\n'''exec' \"/a b/python\" -s \"$0\" \"$@\" #'''\nrest",
         "/a b/python", " -s", CENV_SHEBANG_LINE, 50},
        {"#!/bin/sh\n'''exec' /a/python \"$0\" \"$@\"\n' '''\nimport re", "/a/python",
         "", CENV_SHEBANG_PIP, 44},
        {"#!/bin/sh\n'''exec' \"/a b/python\" \"$0\" \"$@\"\n' '''", "/a b/python", "",
         CENV_SHEBANG_PIP, 48},
        {"#!/bin/sh\n'''exec' \"$(dirname -- \"$0\")\"/'python' \"$0\" \"$@\"\n' '''\n",
         NULL, NULL, 0, 0},
        {"#!/bin/sh\n'''exec' '/a $b/python' \"$0\" \"$@\" #'''\n", "/a $b/python", "",
         CENV_SHEBANG_LINE, 48},
        {"#!/bin/sh\n'''exec' '/a'\"'\"'b/python' \"$0\" \"$@\" #'''\n", NULL, NULL, 0,
         0},
        {"#!/bin/sh\nexec /a/python \"$0\"\n", NULL, NULL, 0, 0},
        {"#!/bin/sh\n'''exec' /a/python", NULL, NULL, 0, 0},
    };
    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        enum cenv_shebang_style style = CENV_SHEBANG_NONE;
        struct cenv_str exe, options;
        size_t len = 0;
        check_case(cases[i].script);
        bool is = cenv_shebang_trampoline(cenv_str(cases[i].script), &style, &exe,
                                          &options, &len);
        if (!CHECK_INT(is, cases[i].exe != NULL) || !is)
            continue;
        CHECK_INT(style, cases[i].style);
        CHECK_INT(len, cases[i].len);
        CHECK(cenv_str_is(exe, cases[i].exe));
        CHECK(cenv_str_is(options, cases[i].options));
    }
}

static void test_shebang__tells_the_interpreter_of_either_form(void)
{
    static const struct {
        const char *script, *exe;
    } cases[] = {
        {"#!/a/bin/python -s\nimport os\n", "/a/bin/python"},
        {"#!/a/bin/python", "/a/bin/python"},
        {"#!/bin/sh\n'''exec' /a/python \"$0\" \"$@\"\n' '''\n", "/a/python"},
        {"import os\n", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        struct cenv_str exe;
        bool is = cenv_shebang_interpreter(cenv_str(cases[i].script), &exe);
        check_case(cases[i].script);
        if (CHECK_INT(is, cases[i].exe != NULL) && is)
            CHECK(cenv_str_is(exe, cases[i].exe));
    }
}

int main(void)
{
    RUN(test_shebang__entry_point_at_its_limit);
    RUN(test_shebang__trampolines);
    RUN(test_shebang__tells_the_interpreter_of_either_form);
    return check_report();
}
