/* SPDX-License-Identifier: BSD-3-Clause */
/* First lines in each form that installers write, and what only looks like one. */
#include "relocate/first_line.h"

#include "relocate.h"
#include "relocate/splice.h"

/* Sites of "/t" wherever it stands. */
static struct cenv_sites sites_in(struct cenv_str data)
{
    struct cenv_sites sites = {0};
    struct cenv_error err = CENV_ERROR_INIT;
    for (size_t at = 0; at + 2 <= data.len; at++) {
        struct cenv_site site = {.offset = at, .slot = 2, .have = 2};
        if (memcmp(data.data + at, "/t", 2) == 0)
            cenv_sites_add(&sites, &site, &err);
    }
    return sites;
}

static void test_first_line__forms(void)
{
    static const struct {
        const char *name, *script, *at_d;
        enum cenv_shebang_style style;
    } cases[] = {
        {"line", "#!/t/bin/py -s\nx = '/t'\n", "#!/d/bin/py -s\nx = '/d'\n",
         CENV_SHEBANG_LINE},
        {"conda's two", "#!/bin/sh\n'''exec' /t/bin/py \"$0\" \"$@\" #'''\nx\n",
         "#!/d/bin/py\nx\n", CENV_SHEBANG_LINE},
        {"pip's three", "#!/bin/sh\n'''exec' /t/bin/py \"$0\" \"$@\"\n' '''\nx /t\n",
         "#!/bin/sh\n'''exec' /d/bin/py \"$0\" \"$@\"\n' '''\nx /d\n",
         CENV_SHEBANG_PIP},
        {"of others", "#!/bin/sh\nexec /t/bin/py\n", "#!/bin/sh\nexec /d/bin/py\n",
         CENV_SHEBANG_NONE},
        {"no first line", "/t\n#!/t\n", "/d\n#!/d\n", CENV_SHEBANG_NONE},
    };
    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        struct cenv_str data = cenv_str(cases[i].script);
        struct cenv_sites sites = sites_in(data);
        struct cenv_error err = CENV_ERROR_INIT;
        struct cenv_forms d = {0};
        struct cenv_buf out;
        check_case(cases[i].name);
        cenv_buf_init(&out, 4096);
        CHECK_INT(cenv_forms_init(&d, CENV_STR("/d"), &err), 0);
        CHECK_INT(cenv_first_line_find(&sites, data, &err), 0);
        CHECK_INT(sites.style, cases[i].style);
        CHECK(cenv_sites_within(&sites, data.len));
        if (CHECK_INT(cenv_splice_apply(&sites, data, &d, &idle, &out, &err), 0))
            CHECK_STR(out.data, cases[i].at_d);
        cenv_buf_release(&out);
        cenv_forms_release(&d);
        cenv_sites_release(&sites);
    }
}

int main(void)
{
    RUN(test_first_line__forms);
    return check_report();
}
