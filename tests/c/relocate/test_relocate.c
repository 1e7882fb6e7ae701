/* SPDX-License-Identifier: BSD-3-Clause */
/* A text or binary at another prefix, in every encoding; first lines at their limits. */
#include "relocate.h"

#include "base/alloc.h"

static void test_relocate__text(void)
{
    static const struct {
        const char *name;
        struct cenv_str in, out;
    } cases[] = {
        {"several", LIT("x=" P "/lib:" P "/bin\n"), LIT("x=/d/lib:/d/bin\n")},
        {"none", LIT("nothing here\n"), LIT("nothing here\n")},
        {"empty", LIT(""), LIT("")},
        {"short", LIT("/opt"), LIT("/opt")},
        {"whole", LIT(P), LIT("/d")},
        {"glued", LIT(P P "x"), LIT("/d/dx")},
        {"nul", LIT("a\0" P "\0b"), LIT("a\0/d\0b")},
    };
    struct cenv_error err = CENV_ERROR_INIT;
    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        check_case(cases[i].name);
        const char *out = relocate(cases[i].in, "/d", false, &err);
        if (CHECK(out) && CHECK_INT(relocated.len, cases[i].out.len))
            CHECK_MEM(out, cases[i].out.data, cases[i].out.len);
    }
}

/* n(p - d) + what was there. */
static void test_relocate__binary(void)
{
#define PAD22 "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
    static const struct {
        const char *name;
        struct cenv_str in, out;
    } cases[] = {
        {"two in a string", LIT("ab " P "/lib:" P "/bin\0Z"),
         LIT("ab /d/lib:/d/bin" PAD22 PAD22 "\0Z")},
        {"newline", LIT(P "/x\n" P "y\0Z"), LIT("/d/x\n/dy" PAD22 PAD22 "\0Z")},
        {"end of file", LIT("\0" P "/x"), LIT("\0/d/x" PAD22)},
        {"at 0, back to back", LIT(P "\0" P "\0"), LIT("/d" PAD22 "\0/d" PAD22 "\0")},
        {"empty", LIT(""), LIT("")},
        {"smaller", LIT("/opt\0"), LIT("/opt\0")},
        {"untouched rest", LIT("a\0b\0" P "\0c\0d"), LIT("a\0b\0/d" PAD22 "\0c\0d")},
        {"shebang means nothing", LIT("#!" P "/x\0"), LIT("#!/d/x" PAD22 "\0")},
    };
    struct cenv_error err = CENV_ERROR_INIT;
    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        check_case(cases[i].name);
        const char *out = relocate(cases[i].in, "/d", true, &err);
        if (CHECK(out) && CHECK_INT(relocated.len, cases[i].out.len))
            CHECK_MEM(out, cases[i].out.data, cases[i].out.len);
    }
}

static void test_relocate__binary_room(void)
{
    struct cenv_error err = CENV_ERROR_INIT;
    static const char same[] = "/same/length/as_the_hold"; /* 24 */
    const char *out = relocate(CENV_STR("x" P "/y\0z"), same, true, &err);
    if (CHECK(out))
        CHECK_MEM(out, "x/same/length/as_the_hold/y\0z", 30);
    CHECK(!relocate(CENV_STR("x" P "/y\0z"), "/one/longer/than_the_hold", true, &err));
    CHECK_INT(err.status, CENV_EPREFIX);
    CHECK(strstr(err.message, "25") && strstr(err.message, "24"));
    CHECK_INT(relocated.len, 0);
    cenv_error_release(&err);
    CHECK(relocate(CENV_STR("x\0z"), "/one/longer/than_the_hold", true, &err));
    out = relocate(CENV_STR("x=" P), "/one/longer/than_the_hold", false, &err);
    CHECK_STR(out, "x=/one/longer/than_the_hold");
}

static void test_relocate__wide(void)
{
    static const char in[] = "ab" P "/lib\0cd", text[] = "ab/d/lib";
    for (unsigned i = 0; i < 4; i++) {
        unsigned width = i < 2 ? 2 : 4;
        bool big = i & 1;
        char file[256] = {0}, want[256] = {0};
        struct cenv_error err = CENV_ERROR_INIT;
        check_case(big ? "big" : "little");
        size_t len = widen(in, sizeof(in) - 1, width, big, file + width) + width;
        widen(text, sizeof(text) - 1, width, big, want + width);
        memcpy(want + len - 3 * width, file + len - 3 * width, 3 * width);
        const char *out = relocate(cenv_str_n(file, len), "/d", true, &err);
        if (CHECK(out) && CHECK_INT(relocated.len, len))
            CHECK_MEM(out, want, len);
        len = widen(P "!", sizeof(P), width, big, file);
        size_t got = widen("/d!", 3, width, big, want);
        out = relocate(cenv_str_n(file, len), "/d", false, &err);
        if (CHECK(out) && CHECK_INT(relocated.len, got))
            CHECK_MEM(out, want, got);
    }
}

static void test_relocate__wide_not_latin(void)
{
    /* Big-endian text: read as little-endian from the next byte it would be torn apart. */
    char file[256], want[256];
    struct cenv_error err = CENV_ERROR_INIT;
    size_t len = widen(P "/x", sizeof(P) + 1, 2, true, file);
    memcpy(want, "\0/\x26\x03\xd8\x3d\xde\x00\xdc\xff\0/\0x", 14);
    const char *out = relocate(cenv_str_n(file, len),
                               "/\xe2\x98\x83\xf0\x9f\x98\x80\xff", false, &err);
    if (CHECK(out) && CHECK_INT(relocated.len, 14))
        CHECK_MEM(out, want, 14);
}

/* Big endian text whose second path, shifted by a byte, is an aligned little endian one. */
static void test_relocate__wide_in_both_orders(void)
{
    char data[8 * sizeof(P)];
    size_t len = 0;
    struct cenv_error err = CENV_ERROR_INIT;
    data[len++] = 'o';
    len += widen(P, strlen(P), 2, true, data + len);
    data[len++] = ' ';
    data[len++] = 'a';
    len += widen(P, strlen(P), 2, true, data + len);
    data[len++] = '\0';
    if (CHECK(relocate(cenv_str_n(data, len), "/d", true, &err)))
        CHECK_INT(relocated.len, len);
    cenv_error_release(&err);
}

static void test_relocate__shebang(void)
{
    char d125[126], d99[100];
    memset(d125, 'x', 125);
    memset(d99, 'y', 99);
    d125[0] = d99[0] = '/';
    d125[125] = d99[99] = 0;
    struct {
        const char *in, *prefix, *out;
    } cases[] = {
        {"#!" P "/bin/python3.12 -s\nx " P "\n", "/d",
         "#!/d/bin/python3.12 -s\nx /d\n"},
        {"#!" P "/bin/sh", "/d", "#!/d/bin/sh"},
        {"#! " P "/bin/sh\n", "/d", "#! /d/bin/sh\n"},
        {"#!" P "/bin/python3.12 -s -E\np=" P "\n", "/d e",
         "#!/bin/sh\n'''exec' \"/d e/bin/python3.12\" -s -E \"$0\" \"$@\" #'''\np=/d e\n"},
        {"#!" P "/bin/perl -w\n" P, "/d e", "#!/usr/bin/env perl -w\n/d e"},
        {"#!/bin/sh\nexec " P "/bin/x\n", "/d e", "#!/bin/sh\nexec /d e/bin/x\n"},
        {"#!/usr/bin/env -S " P "/x\n", "/d e", "#!/usr/bin/env -S /d e/x\n"},
        {"x\n#!" P "/bin/perl\n", "/d e", "x\n#!/d e/bin/perl\n"},
        {"#!" P "/bin/python\n", "/d$e\"`", "#!/d$e\"`/bin/python\n"},
        {"#!" P "/bin/python\n", "/d $e\"",
         "#!/bin/sh\n'''exec' '/d $e\"/bin/python' \"$0\" \"$@\" #'''\n"},
        {"#!" P "/bin/python\n", "/d `'\\",
         "#!/bin/sh\n'''exec' '/d `'\"'\"''\"\\\\\"'/bin/python' \"$0\" \"$@\" #'''\n"},
        {"#!" P "/bin/python\n", "/d \"\\",
         "#!/bin/sh\n'''exec' \"/d \\\"\\\\/bin/python\" \"$0\" \"$@\" #'''\n"},
        {"#!" P "/my\\ bin/python3.13t\n", "/d",
         "#!/bin/sh\n'''exec' \"/d/my bin/python3.13t\" \"$0\" \"$@\" #'''\n"},
    };
    struct cenv_error err = CENV_ERROR_INIT;
    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        check_case(cases[i].in);
        CHECK_STR(relocate(cenv_str(cases[i].in), cases[i].prefix, false, &err),
                  cases[i].out);
    }
}

/* The last length that stays and the first that does not. */
static void test_relocate__first_line_at_its_limit(void)
{
    struct cenv_error err = CENV_ERROR_INIT;
    char prefix[256];
    for (size_t line = 126; line <= 129; line++) {
        size_t len = line - strlen("#!/bin/python");
        memset(prefix, 'x', len);
        prefix[0] = '/';
        prefix[len] = 0;
        const char *out =
            relocate(CENV_STR("#!" P "/bin/python\n"), prefix, false, &err);
        CHECK_INT(strncmp(out, "#!/bin/sh\n'''exec' \"/xxx", 24) == 0, line > 127);
        CHECK_INT(strcspn(out, "\n") <= 127, line <= 127 || out[2] == '/');
    }
}

static void test_relocate__no_memory(void)
{
    struct cenv_str data = CENV_STR("#!" P "/bin/python -s\nx=" P ":" P "\n");
    for (long n = 1; n < 40; n++) {
        struct cenv_error err = CENV_ERROR_INIT;
        cenv_buf_release(&relocated);
        long live = cenv_alloc_live();
        cenv_alloc_fail_nth(n);
        bool ok = relocate(data, "/some where", false, &err) != NULL;
        cenv_alloc_fail_nth(0);
        CHECK(ok || err.status == CENV_ENOMEM);
        cenv_buf_release(&relocated);
        CHECK_INT(cenv_alloc_live(), live);
        cenv_error_release(&err);
    }
}

int main(void)
{
    RUN(test_relocate__text);
    RUN(test_relocate__binary);
    RUN(test_relocate__binary_room);
    RUN(test_relocate__wide);
    RUN(test_relocate__wide_not_latin);
    RUN(test_relocate__wide_in_both_orders);
    RUN(test_relocate__shebang);
    RUN(test_relocate__first_line_at_its_limit);
    RUN(test_relocate__no_memory);
    cenv_buf_release(&relocated);
    return check_report();
}
