/* SPDX-License-Identifier: BSD-3-Clause */
/* Variables that activation sets: what counts, and what is told instead. */
#include "check.h"
#include "prefix/env_vars.h"
#include "scratch.h"

static struct scratch s;

static void begin(void)
{
    s = scratch_open();
    mkdirat(s.fd, "conda-meta", 0755);
    mkdirat(s.fd, "etc", 0755);
    mkdirat(s.fd, "etc/conda", 0755);
    mkdirat(s.fd, "etc/conda/env_vars.d", 0755);
}

/* The variables as JSON, " | " and what was told. */
static bool are(const char *want)
{
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_env_vars vars;
    struct cenv_buf text;
    cenv_buf_init(&text, 1 << 20);
    CHECK_INT(cenv_env_vars_read(&vars, s.fd, &err), 0);
    cenv_json_print(vars.set, 0, &text);
    cenv_buf_puts(&text, " | ");
    for (size_t i = 0; i < vars.told.len; i++)
        cenv_buf_putc(&text, vars.told.data[i] ? vars.told.data[i] : '\n');
    bool same = CHECK_STR(text.data, want);
    cenv_buf_release(&text);
    cenv_env_vars_release(&vars);
    cenv_error_release(&err);
    return same;
}

static void test_env_vars__none(void)
{
    s = scratch_open();
    are("{} | ");
    mkdirat(s.fd, "etc", 0755);
    scratch_file(&s, "etc/conda", "a file", 0644);
    are("{} | ");
    scratch_close(&s);
}

static void test_env_vars__come_from_packages_then_from_the_environment(void)
{
    begin();
    scratch_file(&s, "etc/conda/env_vars.d/b", "{\"A\":\"2\",\"b\":\"2\",\"C\":\"2\"}",
                 0644);
    scratch_file(&s, "etc/conda/env_vars.d/a.json", "{\"A\":\"1\",\"D\":\"1\"}", 0644);
    are("{\"A\":\"2\",\"D\":\"1\",\"B\":\"2\",\"C\":\"2\"} | ");
    scratch_file(&s, "conda-meta/state",
                 "{\"env_vars\":{\"A\":\"3\",\"C\":\"***unset***\",\"PATH\":\"x\"}}",
                 0644);
    are("{\"A\":\"3\",\"D\":\"1\",\"B\":\"2\"} | ");
    scratch_file(&s, "conda-meta/state", "{}", 0644);
    are("{\"A\":\"2\",\"D\":\"1\",\"B\":\"2\",\"C\":\"2\"} | ");
    scratch_close(&s);
}

static void test_env_vars__that_cannot_be_are_told(void)
{
    begin();
    scratch_file(&s, "etc/conda/env_vars.d/a",
                 "{\"A\":null,\"B\":[],\"C=\":\"1\",\"\":\"1\"}", 0644);
    mkdirat(s.fd, "etc/conda/env_vars.d/b", 0755);
    CHECK_INT(symlinkat("/etc/passwd", s.fd, "etc/conda/env_vars.d/c"), 0);
    scratch_file(&s, "etc/conda/env_vars.d/d", "\"text\"", 0644);
    scratch_file(&s, "etc/conda/env_vars.d/e", "{\"E\":1.5,\"F\":false}", 0644);
    scratch_file(&s, "conda-meta/state", "{\"env_vars\":3}", 0644);
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_env_vars vars;
    CHECK_INT(cenv_env_vars_read(&vars, s.fd, &err), 0);
    static const char *const wanted[] = {
        "etc/conda/env_vars.d/a: A: is not a text",
        "etc/conda/env_vars.d/a: B: is not a text",
        "etc/conda/env_vars.d/a: C=: cannot be the name of a variable",
        "etc/conda/env_vars.d/a: cannot be the name of a variable",
        "etc/conda/env_vars.d/b: ",
        "etc/conda/env_vars.d/c: ",
        "etc/conda/env_vars.d/d: is no map of names to texts",
        "conda-meta/state: is no map of names to texts",
    };
    struct cenv_str told = cenv_buf_str(&vars.told);
    for (size_t i = 0; i < CHECK_NR(wanted); i++) {
        struct cenv_str line = cenv_str_cut(&told, '\0');
        check_case(wanted[i]);
        CHECK(cenv_str_starts(line, cenv_str(wanted[i])));
    }
    CHECK_INT(told.len, 0);
    CHECK_STR(cenv_json_get_cstr(vars.set, "E"), "1.5");
    CHECK_STR(cenv_json_get_cstr(vars.set, "F"), "False");
    CHECK_INT(cenv_json_len(vars.set), 2);
    cenv_env_vars_release(&vars);
    scratch_close(&s);
}

static void test_env_vars__are_bounded(void)
{
    begin();
    struct cenv_buf text;
    cenv_buf_init(&text, 2 << 20);
    cenv_buf_putc(&text, '{');
    for (int i = 0; i <= CENV_ENV_VARS_MAX; i++)
        cenv_buf_addf(&text, "%s\"V%d\":\"\"", i ? "," : "", i);
    cenv_buf_puts(&text, "}");
    scratch_file(&s, "etc/conda/env_vars.d/a", text.data, 0644);
    are("{} | etc/conda/env_vars.d/a: makes too many variables\n");
    while (text.len <= CENV_ENV_VARS_FILE_MAX)
        cenv_buf_putc(&text, ' ');
    scratch_file(&s, "etc/conda/env_vars.d/a", text.data, 0644);
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_env_vars vars;
    CHECK_INT(cenv_env_vars_read(&vars, s.fd, &err), 0);
    CHECK(vars.told.data &&
          strncmp(vars.told.data, "etc/conda/env_vars.d/a: ", 24) == 0);
    CHECK(vars.told.data && !strstr(vars.told.data, "too many variables"));
    cenv_env_vars_release(&vars);
    cenv_buf_release(&text);
    scratch_close(&s);
}

int main(void)
{
    RUN(test_env_vars__none);
    RUN(test_env_vars__come_from_packages_then_from_the_environment);
    RUN(test_env_vars__that_cannot_be_are_told);
    RUN(test_env_vars__are_bounded);
    return check_report();
}
