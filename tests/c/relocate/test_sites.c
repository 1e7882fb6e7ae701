/* SPDX-License-Identifier: BSD-3-Clause */
/* What a scan finds and refuses; what sites from a disk must be. */
#include "relocate/sites.h"

#include "base/alloc.h"
#include "relocate.h"

static void test_sites__refuses_what_is_no_placeholder(void)
{
    static char longest[CENV_PREFIX_MAX + 1];
    memset(longest, 'a', sizeof(longest));
    const struct {
        struct cenv_str placeholder;
        int rc;
    } cases[] = {
        {cenv_str_n(longest, CENV_PREFIX_MAX), 0},
        {cenv_str_n(longest, sizeof(longest)), CENV_EUSAGE},
        {cenv_str_n("/a\0b", 4), CENV_EUSAGE},
    };
    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        struct cenv_error err = CENV_ERROR_INIT;
        struct cenv_sites sites = {0};
        check_case(cases[i].rc ? "refused" : "taken");
        CHECK_INT(cenv_sites_scan(&sites, CENV_STR("text"), cases[i].placeholder,
                                  CENV_MODE_TEXT, &idle, &err),
                  cases[i].rc);
        cenv_sites_release(&sites);
        cenv_error_release(&err);
    }
}

/* A placeholder of one character: what it costs is bound to the size of the file. */
static void test_sites__bounded_by_the_size_of_the_file(void)
{
    enum { LEN = 1 << 20 };
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_sites sites = {0};
    char *data = cenv_malloc(LEN);
    if (!CHECK(data))
        return;
    memset(data, 'a', LEN);
    CHECK_INT(cenv_sites_scan(&sites, cenv_str_n(data, LEN), CENV_STR("a"),
                              CENV_MODE_BINARY, &idle, &err),
              CENV_EINTEGRITY);
    CHECK(strstr(err.message, "1048576 bytes"));
    CHECK_INT(sites.nr, 0);
    cenv_error_release(&err);
    for (size_t i = 0; i < LEN; i++)
        data[i] = i % 16 ? 'b' : 'a';
    CHECK_INT(cenv_sites_scan(&sites, cenv_str_n(data, LEN), CENV_STR("a"),
                              CENV_MODE_TEXT, &idle, &err),
              0);
    CHECK_INT(sites.nr, LEN / 16);
    cenv_sites_release(&sites);
    cenv_free(data);
}

/* Wide strings that begin at even and odd bytes in turn, all of one end: none is gone through twice. */
static void test_sites__ends_of_wide_strings(void)
{
    enum { LEN = 1 << 22, STEP = 33 };
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_sites sites = {0};
    char *data = cenv_malloc(LEN), wide[8];
    size_t len = widen("/abc", 4, 2, false, wide), nr = 0;
    if (!CHECK(data))
        return;
    memset(data, 'x', LEN);
    for (size_t at = 0; at + STEP < LEN - 4; at += STEP, nr++)
        memcpy(data + at, wide, len);
    memset(data + LEN - 4, 0, 4);
    CHECK_INT(cenv_sites_scan(&sites, cenv_str_n(data, LEN), CENV_STR("/abc"),
                              CENV_MODE_BINARY, &idle, &err),
              0);
    CHECK(sites.nr > 0 && sites.nr <= nr);
    for (size_t i = 0; i < sites.nr; i += 999)
        CHECK(sites.list[i].end >= LEN - 4 && sites.list[i].end <= LEN);
    cenv_sites_release(&sites);
    cenv_free(data);
}

static void test_sites__keep_what_zeros_prove(void)
{
    /* "/t" for a placeholder of 6 bytes: 4 zeros for each, beside the one that ends the string. */
    static const struct {
        const char *name;
        struct cenv_str data;
        uint32_t placeholder, slot; /* 0: dropped */
    } cases[] = {
        {"padded", LIT("/t/x\0\0\0\0\0z"), 6, 6},
        {"padded to the end", LIT("/t/x\0\0\0\0"), 6, 6},
        {"one short", LIT("/t/x\0\0\0\0z"), 6, 0},
        {"two in a string", LIT("/t:/t\0\0\0\0\0\0\0\0\0z"), 6, 6},
        {"two, padded for one", LIT("/t:/t\0\0\0\0\0z"), 6, 0},
        {"as long", LIT("/t/x\0z"), 2, 2},
        {"longer than it can be", LIT("/t/x\0z"), 1, 0},
        {"of any length", LIT("/t/x\0\0z"), 0, 2},
        {"of any length, no room", LIT("/t/x\0z"), 0, 0},
    };
    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        struct cenv_error err = CENV_ERROR_INIT;
        struct cenv_sites sites = {0};
        check_case(cases[i].name);
        CHECK_INT(cenv_sites_scan(&sites, cases[i].data, CENV_STR("/t"),
                                  CENV_MODE_BINARY, &idle, &err),
                  0);
        size_t nr = sites.nr, dropped = cenv_sites_keep_padded(&sites, cases[i].data,
                                                               cases[i].placeholder);
        CHECK_INT(dropped, cases[i].slot ? 0 : nr);
        CHECK_INT(sites.nr, nr - dropped);
        for (size_t k = 0; k < sites.nr; k++)
            CHECK_INT(sites.list[k].slot, cases[i].slot);
        CHECK(cenv_sites_within(&sites, cases[i].data.len));
        cenv_sites_release(&sites);
    }
}

/* What begins like a script, and is one line of any length, is a text like others. */
static void test_sites__first_lines_too_long_for_any_kernel(void)
{
    enum { LEN = 1 << 17 };
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_sites sites = {0};
    char *data = cenv_malloc(LEN);
    if (!CHECK(data))
        return;
    memset(data, 'x', LEN);
    memcpy(data, "#!/t", 4);
    CHECK_INT(cenv_sites_scan(&sites, cenv_str_n(data, LEN), CENV_STR("/t"),
                              CENV_MODE_TEXT, &idle, &err),
              0);
    CHECK(!sites.line && sites.style == CENV_SHEBANG_NONE);
    if (CHECK_INT(sites.nr, 1))
        CHECK_INT(sites.list[0].kind, CENV_SITE_TEXT);
    cenv_sites_release(&sites);
    cenv_free(data);
}

int main(void)
{
    RUN(test_sites__refuses_what_is_no_placeholder);
    RUN(test_sites__bounded_by_the_size_of_the_file);
    RUN(test_sites__ends_of_wide_strings);
    RUN(test_sites__first_lines_too_long_for_any_kernel);
    RUN(test_sites__keep_what_zeros_prove);
    return check_report();
}
