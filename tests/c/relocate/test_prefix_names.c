/* SPDX-License-Identifier: BSD-3-Clause */
/* What an environment's files may call it, and what they may not. */
#include "relocate/prefix_names.h"

#include <unistd.h>

#include "check.h"
#include "os/fs.h"
#include "scratch.h"

static bool has_name(const struct cenv_prefix_names *names, const char *name)
{
    for (size_t i = 0; i < names->nr; i++)
        if (cenv_str_is(names->forms[i].of[CENV_ENC_UTF8], name))
            return true;
    return false;
}

/* Notes and scripts name it by links that lead to it; others name another directory. */
static void test_prefix_names__lead_to_the_environment(void)
{
    static const struct {
        const char *file, *text;
    } files[] = {
        {"env/conda-meta/pixi_env_prefix", "%s/by-pixi/conda-meta"},
        {"env/bin/activate", "x\nVIRTUAL_ENV=\"%s/by-venv\"\n"},
        {"env/pyvenv.cfg",
         "home = /usr\ncommand = /usr/bin/python -m venv %s/by-command\n"},
        {"env/bin/a", "#!%s/by-script/bin/python -s\n"},
        {"env/bin/b",
         "#!/bin/sh\n'''exec' %s/by-pip/bin/python \"$0\" \"$@\"\n' '''\n"},
        {"env/bin/c", "#!%s/elsewhere/bin/python\n"},
        {"env/bin/d", "#!%s/nowhere/bin/python\n"},
    };
    static const char *const links[] = {"by-pixi", "by-venv", "by-command", "by-script",
                                        "by-pip"};
    struct scratch s = scratch_open();
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_prefix_names names = {0};
    char root[512], text[1024], link[512];
    mkdirat(s.fd, "env", 0755);
    mkdirat(s.fd, "env/bin", 0755);
    mkdirat(s.fd, "env/conda-meta", 0755);
    mkdirat(s.fd, "elsewhere", 0755);
    for (size_t i = 0; i < CHECK_NR(links); i++)
        CHECK_INT(symlinkat("env", s.fd, links[i]), 0);
    for (size_t i = 0; i < CHECK_NR(files); i++) {
        char *at = strstr(files[i].text, "%s");
        snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - files[i].text),
                 files[i].text, s.path, at + 2);
        scratch_file(&s, files[i].file, text, 0755);
    }
    snprintf(root, sizeof(root), "%s/env", s.path);
    int fd = cenv_fs_open_root(root, &err);
    CHECK_INT(cenv_prefix_names_find(&names, fd, root, &err), 0);
    CHECK(has_name(&names, root));
    for (size_t i = 0; i < CHECK_NR(links); i++) {
        snprintf(link, sizeof(link), "%s/%s", s.path, links[i]);
        check_case(links[i]);
        CHECK(has_name(&names, link));
    }
    CHECK_INT(names.nr, 1 + CHECK_NR(links));
    for (size_t i = 1; i < names.nr; i++) /* longest first */
        CHECK(names.forms[i - 1].of[CENV_ENC_UTF8].len >=
              names.forms[i].of[CENV_ENC_UTF8].len);
    cenv_prefix_names_release(&names);
    cenv_fd_close(fd);
    scratch_close(&s);
}

int main(void)
{
    RUN(test_prefix_names__lead_to_the_environment);
    return check_report();
}
