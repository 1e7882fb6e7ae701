/* SPDX-License-Identifier: BSD-3-Clause */
/* Languages by name and by beginning. */
#include "relocate/language.h"

#include "relocate.h"

static void test_language__of(void)
{
    static const struct {
        const char *path, *text;
        enum cenv_language language;
    } cases[] = {
        {"bin/activate.fish", "", CENV_LANGUAGE_FISH},
        {"bin/activate.csh", "#!/bin/sh\n", CENV_LANGUAGE_CSH},
        {"bin/Activate.ps1", "<#\n", CENV_LANGUAGE_POWERSHELL},
        {"bin/a", "#!/usr/bin/env fish\n", CENV_LANGUAGE_FISH},
        {"bin/a", "#!/bin/tcsh -f\n", CENV_LANGUAGE_CSH},
        {"bin/a", "#!/usr/bin/pwsh\n", CENV_LANGUAGE_POWERSHELL},
        {"bin/activate.xsh", "", CENV_LANGUAGE_XONSH},
        {"bin/activate.nu", "", CENV_LANGUAGE_NUSHELL},
        {"bin/a", "#!/usr/bin/env xonsh\n", CENV_LANGUAGE_XONSH},
        {"etc/a.json", "", CENV_LANGUAGE_JSON},
        {"share/n.ipynb", "x", CENV_LANGUAGE_JSON},
        {"lib/a.pc", "{\"", CENV_LANGUAGE_SHELL},
        {"lib/a.cmake", "", CENV_LANGUAGE_CMAKE},
        {"share/a.svg", "", CENV_LANGUAGE_XML},
        {"etc/state", " {\n \"a\": 1}", CENV_LANGUAGE_JSON},
        {"etc/state", "\xef\xbb\xbf[{", CENV_LANGUAGE_JSON},
        {"etc/a.toml", "[tool]\n", CENV_LANGUAGE_UNKNOWN},
        {"etc/a", "{'a': 1}", CENV_LANGUAGE_UNKNOWN},
        {"etc/fonts.conf", "<?xml version", CENV_LANGUAGE_XML},
        {"etc/a", "<a href", CENV_LANGUAGE_XML},
        {"etc/a", "< /tmp", CENV_LANGUAGE_UNKNOWN},
        {"bin/a", "#!/bin/sh\n", CENV_LANGUAGE_SHELL},
        {"bin/a", "#!/usr/bin/env bash\n", CENV_LANGUAGE_SHELL},
        {"bin/a", "#! /bin/zsh -f", CENV_LANGUAGE_SHELL},
        {"bin/a", "#!/usr/bin/python sh\n", CENV_LANGUAGE_UNKNOWN},
        {"bin/activate", "# x", CENV_LANGUAGE_SHELL},
        {"bin/a", "#!/bin/sh\n'''exec' /t/bin/python\n", CENV_LANGUAGE_UNKNOWN},
        {"bin/a", "#!", CENV_LANGUAGE_UNKNOWN},
        {"", "", CENV_LANGUAGE_UNKNOWN},
    };
    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        check_case(cases[i].text);
        CHECK_INT(cenv_language_of(cenv_str(cases[i].text), cenv_str(cases[i].path)),
                  cases[i].language);
    }
}

static void test_language__quoting(void)
{
    static const struct {
        const char *text; /* the place is at "@" */
        enum cenv_quoting shell, cmake;
    } cases[] = {
        {"@", CENV_QUOTING_NONE, CENV_QUOTING_NONE},
        {"x=@", CENV_QUOTING_NONE, CENV_QUOTING_NONE},
        {"x='@'", CENV_QUOTING_SINGLE, CENV_QUOTING_NONE},
        {"x=\"@\"", CENV_QUOTING_DOUBLE, CENV_QUOTING_DOUBLE},
        {"x=\"a'@'\"", CENV_QUOTING_DOUBLE, CENV_QUOTING_DOUBLE},
        {"x='a\"@\"'", CENV_QUOTING_SINGLE, CENV_QUOTING_DOUBLE},
        {"x='a' @", CENV_QUOTING_NONE, CENV_QUOTING_NONE},
        {"x=\\\"@", CENV_QUOTING_NONE, CENV_QUOTING_NONE},
        {"x=\"\\\"@", CENV_QUOTING_DOUBLE, CENV_QUOTING_DOUBLE},
        {"x='\\'@", CENV_QUOTING_NONE, CENV_QUOTING_NONE},
        {"it's\n@", CENV_QUOTING_NONE, CENV_QUOTING_NONE},
        {"  # see @", CENV_QUOTING_UNKNOWN, CENV_QUOTING_UNKNOWN},
        {"#!@", CENV_QUOTING_UNKNOWN, CENV_QUOTING_UNKNOWN},
    };
    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        struct cenv_str text = cenv_str(cases[i].text);
        check_case(cases[i].text);
        CHECK_INT(
            cenv_language_quoting(CENV_LANGUAGE_SHELL, text, cenv_str_find(text, '@')),
            cases[i].shell);
        CHECK_INT(
            cenv_language_quoting(CENV_LANGUAGE_CMAKE, text, cenv_str_find(text, '@')),
            cases[i].cmake);
    }
    char far[4096];
    memset(far, 'x', sizeof(far));
    CHECK_INT(
        cenv_language_quoting(CENV_LANGUAGE_SHELL, cenv_str_n(far, sizeof(far)), 4000),
        CENV_QUOTING_UNKNOWN);
}

static void test_language__quoting_of_other_shells(void)
{
    static const struct {
        const char *text; /* the place is at "@" */
        enum cenv_quoting fish, csh, powershell;
    } cases[] = {
        {"set x @", CENV_QUOTING_NONE, CENV_QUOTING_NONE, CENV_QUOTING_NONE},
        {"x \"@\"", CENV_QUOTING_DOUBLE, CENV_QUOTING_DOUBLE, CENV_QUOTING_DOUBLE},
        {"x '@'", CENV_QUOTING_SINGLE, CENV_QUOTING_SINGLE, CENV_QUOTING_SINGLE},
        {"x 'a\\'@", CENV_QUOTING_SINGLE, CENV_QUOTING_NONE, CENV_QUOTING_NONE},
        {"x \"a\\\"@", CENV_QUOTING_DOUBLE, CENV_QUOTING_NONE, CENV_QUOTING_NONE},
        {"x \"a`\"@", CENV_QUOTING_NONE, CENV_QUOTING_NONE, CENV_QUOTING_DOUBLE},
        {"x 'a`'@", CENV_QUOTING_NONE, CENV_QUOTING_NONE, CENV_QUOTING_NONE},
        {"x \\\"@", CENV_QUOTING_NONE, CENV_QUOTING_NONE, CENV_QUOTING_DOUBLE},
        {"# @", CENV_QUOTING_UNKNOWN, CENV_QUOTING_UNKNOWN, CENV_QUOTING_UNKNOWN},
    };
    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        struct cenv_str text = cenv_str(cases[i].text);
        uint64_t at = cenv_str_find(text, '@');
        check_case(cases[i].text);
        CHECK_INT(cenv_language_quoting(CENV_LANGUAGE_FISH, text, at), cases[i].fish);
        CHECK_INT(cenv_language_quoting(CENV_LANGUAGE_CSH, text, at), cases[i].csh);
        CHECK_INT(cenv_language_quoting(CENV_LANGUAGE_POWERSHELL, text, at),
                  cases[i].powershell);
    }
}

int main(void)
{
    RUN(test_language__of);
    RUN(test_language__quoting);
    RUN(test_language__quoting_of_other_shells);
    return check_report();
}
