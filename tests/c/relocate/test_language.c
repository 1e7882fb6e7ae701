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
        {"etc/a.json", "", CENV_LANGUAGE_JSON},
        {"share/n.ipynb", "x", CENV_LANGUAGE_JSON},
        {"lib/a.pc", "{\"", CENV_LANGUAGE_WORDS},
        {"lib/a.cmake", "", CENV_LANGUAGE_WORDS},
        {"share/a.svg", "", CENV_LANGUAGE_XML},
        {"etc/state", " {\n \"a\": 1}", CENV_LANGUAGE_JSON},
        {"etc/state", "\xef\xbb\xbf[{", CENV_LANGUAGE_JSON},
        {"etc/a.toml", "[tool]\n", CENV_LANGUAGE_UNKNOWN},
        {"etc/a", "{'a': 1}", CENV_LANGUAGE_UNKNOWN},
        {"etc/fonts.conf", "<?xml version", CENV_LANGUAGE_XML},
        {"etc/a", "<a href", CENV_LANGUAGE_XML},
        {"etc/a", "< /tmp", CENV_LANGUAGE_UNKNOWN},
        {"bin/a", "#!/bin/sh\n", CENV_LANGUAGE_WORDS},
        {"bin/a", "#!/usr/bin/env bash\n", CENV_LANGUAGE_WORDS},
        {"bin/a", "#! /bin/zsh -f", CENV_LANGUAGE_WORDS},
        {"bin/a", "#!/usr/bin/python sh\n", CENV_LANGUAGE_UNKNOWN},
        {"bin/a", "#!", CENV_LANGUAGE_UNKNOWN},
        {"", "", CENV_LANGUAGE_UNKNOWN},
    };
    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        check_case(cases[i].text);
        CHECK_INT(cenv_language_of(cenv_str(cases[i].text), cenv_str(cases[i].path)),
                  cases[i].language);
    }
}

int main(void)
{
    RUN(test_language__of);
    return check_report();
}
