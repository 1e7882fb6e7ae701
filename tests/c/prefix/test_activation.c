/* SPDX-License-Identifier: BSD-3-Clause */
/* What activation reads of an environment. */
#include "cenv.h"
#include "check.h"
#include "scratch.h"

static struct cenv_error err = CENV_ERROR_INIT;

/* The files' names, a line each, and their bytes. */
static void show_files(const struct cenv_buf *out, char *names, char *bytes)
{
    const char *at = out->data, *end = at + out->len;
    names[0] = bytes[0] = 0;
    while (at < end) {
        size_t size = strtoul(at + strlen(at) + 1, NULL, 10);
        strcat(strcat(names, at), "\n");
        at += strlen(at) + 1;
        at += strlen(at) + 1;
        strncat(bytes, at, size);
        at += size;
    }
}

static void make_environment(const struct scratch *s)
{
    static const char *const directories[] = {"conda-meta",
                                              "etc",
                                              "etc/conda",
                                              "etc/conda/env_vars.d",
                                              "etc/conda/activate.d",
                                              "etc/conda/activate.d/dir.sh"};
    for (size_t i = 0; i < CHECK_NR(directories); i++)
        mkdir(scratch_path(s, directories[i]), 0755);
    scratch_file(s, "etc/conda/activate.d/b.sh", "B", 0644);
    scratch_file(s, "etc/conda/activate.d/a.sh", "A", 0644);
    scratch_file(s, "etc/conda/activate.d/a.fish", "no", 0644);
    scratch_file(s, "etc/conda/env_vars.d/v.json", "{}", 0644);
    scratch_file(s, "conda-meta/state", "S", 0644);
    CHECK_INT(symlink("a.sh", scratch_path(s, "etc/conda/activate.d/c.sh")), 0);
    CHECK_INT(symlink("absent", scratch_path(s, "etc/conda/activate.d/d.sh")), 0);
}

static void test_activation__reads_what_conda_reads(void)
{
    struct scratch s = scratch_open();
    char names[1000], bytes[1000];
    struct cenv_buf out;
    cenv_buf_init(&out, 1 << 20);
    CHECK_INT(cenv_activation_read(s.path, &out, &err), 0);
    CHECK_INT(out.len, 0);
    make_environment(&s);
    CHECK_INT(cenv_activation_read(s.path, &out, &err), 0);
    show_files(&out, names, bytes);
    CHECK_STR(names, "etc/conda/env_vars.d/v.json\nconda-meta/state\n"
                     "etc/conda/activate.d/a.sh\netc/conda/activate.d/b.sh\n"
                     "etc/conda/activate.d/c.sh\n");
    CHECK_STR(bytes, "{}SABA");
    cenv_buf_release(&out);
    scratch_close(&s);
}

static void test_activation__bounds_each_file(void)
{
    struct scratch s = scratch_open();
    struct cenv_buf out;
    cenv_buf_init(&out, 1 << 20);
    make_environment(&s);
    CHECK_INT(truncate(scratch_path(&s, "conda-meta/state"), (1 << 20) + 1), 0);
    CHECK_INT(cenv_activation_read(s.path, &out, &err), CENV_EFAIL);
    CHECK(strstr(err.message, "conda-meta/state") != NULL);
    cenv_error_release(&err);
    cenv_buf_release(&out);
    scratch_close(&s);
}

int main(void)
{
    RUN(test_activation__reads_what_conda_reads);
    RUN(test_activation__bounds_each_file);
    return check_report();
}
