/* SPDX-License-Identifier: BSD-3-Clause */
/* Entry points: what is accepted, what is refused, and the script. */
#include "package/entry_points.h"

#include "check.h"

static void test_entry_points__parse_accepts(void)
{
    static const struct {
        const char *text, *command, *module, *func;
    } cases[] = {
        {"cmd = pkg.mod:main", "cmd", "pkg.mod", "main"},
        {"cmd=pkg:Class.main", "cmd", "pkg", "Class.main"},
        {"  my-cmd.exe  =  a_b :  f ", "my-cmd.exe", "a_b", "f"},
        {"q = \"q:main\"", "q", "q", "main"},
        {"'q' = 'q.r:main'", "q", "q.r", "main"},
        {"\"q = q:main\"", "q", "q", "main"},
        {"f2py3.12 = numpy.f2py.f2py2e:main", "f2py3.12", "numpy.f2py.f2py2e", "main"},
        {"z\xc3\xa9 = \xc3\xa9t\xc3\xa9:f", "z\xc3\xa9", "\xc3\xa9t\xc3\xa9", "f"},
    };
    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        struct cenv_entry_point point = {0};
        struct cenv_error err = CENV_ERROR_INIT;
        check_case(cases[i].text);
        if (CHECK_INT(cenv_entry_point_parse(&point, cenv_str(cases[i].text), &err),
                      0)) {
            CHECK(cenv_str_is(point.command, cases[i].command));
            CHECK(cenv_str_is(point.module, cases[i].module));
            CHECK(cenv_str_is(point.func, cases[i].func));
        }
    }
}

static void test_entry_points__parse_refuses(void)
{
    static const char *const cases[] = {
        "",
        "cmd",
        "cmd = mod",
        "cmd mod:f",
        "= m:f",
        "cmd = :f",
        "cmd = m:",
        "../evil = a:b",
        "a/b = m:f",
        "a\\b = m:f",
        ".hidden = m:f",
        ".. = m:f",
        "x = m:f; import os",
        "x = m; import os:f",
        "x = m:f()",
        "x = 1m:f",
        "x = m..n:f",
        "x = m:f.",
        "x = class:f",
        "x = m:lambda",
        "x\ny = m:f",
        "x = m:f\nimport os",
        "x = m :f g",
        "x = \"m:f",
        "x = \"m:f'",
        "x = \"\"m:f\"\"",
        "x = \"",
        "\"",
        "x = \"m\":\"f\"",
        "x\x7f = m:f",
    };
    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        struct cenv_entry_point point = {0};
        struct cenv_error err = CENV_ERROR_INIT;
        check_case(cases[i]);
        CHECK_INT(cenv_entry_point_parse(&point, cenv_str(cases[i]), &err),
                  CENV_EINTEGRITY);
        CHECK(strstr(err.message, "entry point '") == err.message);
        CHECK(point.command.data == NULL);
    }
}

static void test_entry_points__render_is_condas_text(void)
{
    struct cenv_entry_point point;
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_buf out;

    cenv_buf_init(&out, 4096);
    cenv_entry_point_parse(&point, CENV_STR("cmd = pkg.mod:Class.main"), &err);
    cenv_entry_point_render(&point, CENV_STR("/env/bin/python3.12"), &out);
    CHECK_STR(
        out.data,
        "#!/env/bin/python3.12\n"
        "# -*- coding: utf-8 -*-\n"
        "import re\n"
        "import sys\n"
        "\n"
        "from pkg.mod import Class\n"
        "\n"
        "if __name__ == '__main__':\n"
        "    sys.argv[0] = re.sub(r'(-script\\.pyw?|\\.exe)?$', '', sys.argv[0])\n"
        "    sys.exit(Class.main())\n");
    cenv_buf_release(&out);
}

int main(void)
{
    RUN(test_entry_points__parse_accepts);
    RUN(test_entry_points__parse_refuses);
    RUN(test_entry_points__render_is_condas_text);
    return check_report();
}
