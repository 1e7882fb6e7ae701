/* SPDX-License-Identifier: BSD-3-Clause */
/* What stands around a path, and makes it another one or not. */
#include "relocate/boundary.h"

#include "relocate.h"
#include "relocate/forms.h"

static void test_boundary__ends(void)
{
    static const struct {
        struct cenv_str behind;
        bool ends;
    } cases[] = {
        {LIT(""), true},       {LIT("/bin"), true},      {LIT("."), true},
        {LIT(". And"), true},  {LIT(":x"), true},        {LIT("\n"), true},
        {LIT("\""), true},     {LIT("\\n"), true},       {LIT("\\\""), true},
        {LIT("\\/bin"), true}, {LIT("%2Fbin"), true},    {LIT("%0A"), true},
        {LIT("%s"), true},     {LIT("&amp;"), true},     {LIT("\\u000a"), true},
        {LIT("\xa3"), true},   {LIT("2"), false},        {LIT("-old"), false},
        {LIT(".bak"), false},  {LIT("./x"), false},      {LIT("\\ 2"), false},
        {LIT("%202"), false},  {LIT("\xc3\xa9"), false}, {LIT("\\u00e9"), false},
        {LIT("\\-x"), false},  {LIT("%2Dx"), false},
    };
    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        check_case(cases[i].behind.data);
        CHECK(cenv_boundary_ends(cases[i].behind, 0, CENV_ENC_UTF8) == cases[i].ends);
    }
    CHECK(cenv_boundary_ends(CENV_STR("\0/"), 0, CENV_ENC_UTF16BE));
    CHECK(!cenv_boundary_ends(CENV_STR("2\0"), 0, CENV_ENC_UTF16LE));
}

static void test_boundary__begins(void)
{
    static const struct {
        const char *before;
        enum cenv_beginning begins;
    } cases[] = {
        {"", CENV_BEGINS_HERE},
        {"see ", CENV_BEGINS_HERE},
        {"PATH=", CENV_BEGINS_HERE},
        {"-I", CENV_BEGINS_HERE},
        {"say\\n", CENV_BEGINS_HERE},
        {"x\\\\n", CENV_BEGINS_HERE},
        {"a\\t", CENV_BEGINS_HERE},
        {"a\\u0020", CENV_BEGINS_HERE},
        {"x%3D", CENV_BEGINS_HERE},
        {"&quot;", CENV_BEGINS_HERE},
        {"\033[31m", CENV_BEGINS_HERE},
        {"\\033[1;31m", CENV_BEGINS_HERE},
        {"\\u001b[0m", CENV_BEGINS_HERE},
        {"$(DESTDIR)", CENV_BEGINS_HERE},
        {"Z:", CENV_BEGINS_HERE},
        {"sqlite:///", CENV_BEGINS_HERE},
        {"file://", CENV_BEGINS_IN_URL},
        {"git+file://", CENV_BEGINS_IN_URL},
        {"unix://", CENV_BEGINS_IN_URL},
        {"file:", CENV_BEGINS_IN_URL},
        {"jar:file:", CENV_BEGINS_IN_URL},
        {"file://localhost", CENV_BEGINS_IN_URL},
        {"file://my-host", CENV_BEGINS_IN_URL},
        {"x", CENV_BEGINS_PERHAPS},
        {"+", CENV_BEGINS_PERHAPS},
        {"/srv", CENV_BEGINS_NOT},
        {"..", CENV_BEGINS_PERHAPS},
        {"../", CENV_BEGINS_NOT},
        {"//", CENV_BEGINS_NOT},
        {"$ROOT", CENV_BEGINS_NOT},
        {"${ROOT}", CENV_BEGINS_NOT},
        {"$", CENV_BEGINS_NOT},
        {"https://example.org", CENV_BEGINS_NOT},
        {"file://host/srv", CENV_BEGINS_NOT},
        {"[31m", CENV_BEGINS_PERHAPS},
    };
    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        char text[64], wide[256];
        check_case(cases[i].before);
        size_t len = (size_t)snprintf(text, sizeof(text), "%s/t", cases[i].before);
        CHECK_INT(cenv_boundary_begins(cenv_str_n(text, len), len - 2, CENV_ENC_UTF8),
                  cases[i].begins);
        size_t got = widen(text, len, 2, false, wide);
        CHECK_INT(
            cenv_boundary_begins(cenv_str_n(wide, got), got - 4, CENV_ENC_UTF16LE),
            cases[i].begins);
    }
}

static void test_boundary__begins_escaped(void)
{
    static const struct {
        const char *before;
        bool begins;
    } cases[] = {
        {"", true},     {"\"", true},        {"file:\\/\\/", true}, {"%2F", true},
        {"//", true},   {"srv", false},      {"\\u00e9", false},    {".", false},
        {"%41", false}, {"\xc3\xa9", false},
    };
    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        check_case(cases[i].before);
        CHECK(cenv_boundary_begins_escaped(cenv_str(cases[i].before),
                                           strlen(cases[i].before)) == cases[i].begins);
    }
}

static void test_boundary__counts(void)
{
    static const struct {
        const char *name;
        struct cenv_str before;
        enum cenv_beginning counts;
    } cases[] = {
        {"nothing", LIT(""), CENV_BEGINS_NOT},
        {"a blank", LIT("x "), CENV_BEGINS_NOT},
        {"a byte", LIT("x\x08"), CENV_BEGINS_PERHAPS},
        {"msgpack", LIT("x\xa8"), CENV_BEGINS_PERHAPS},
        {"two bytes", LIT("\x08\0"), CENV_BEGINS_HERE},
        {"four bytes", LIT("X\x08\0\0\0"), CENV_BEGINS_HERE},
        {"four, the other way", LIT("\0\0\0\x08"), CENV_BEGINS_HERE},
        {"another number", LIT("X\x09\0\0\0"), CENV_BEGINS_NOT},
    };
    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        check_case(cases[i].name);
        CHECK_INT(cenv_boundary_counts(cases[i].before, cases[i].before.len, 8, 8),
                  cases[i].counts);
    }
    CHECK_INT(cenv_boundary_counts(CENV_STR("\xac\x02"), 2, 300, 300),
              CENV_BEGINS_HERE);
}

int main(void)
{
    RUN(test_boundary__ends);
    RUN(test_boundary__begins);
    RUN(test_boundary__begins_escaped);
    RUN(test_boundary__counts);
    return check_report();
}
