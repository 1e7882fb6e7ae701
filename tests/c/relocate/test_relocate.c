/* SPDX-License-Identifier: BSD-3-Clause */
/* Scan, splice and rebase of prefix sites; first lines at their limits. */
#include "check.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "cenv.h"
#include "relocate/relocate.h"

#define P "/opt/placehold_placehold" /* 24 bytes */
#define LIT(text) \
    { \
        text, sizeof(text) - 1 \
    }

static struct cenv_buf relocated;

/* The file at `prefix`, or NULL after a failure; valid until the next call. */
static const char *relocate(struct cenv_str data, const char *prefix, bool binary,
                            struct cenv_error *err)
{
    cenv_buf_release(&relocated);
    cenv_buf_init(&relocated, 1 << 24);
    if (cenv_relocate(data, CENV_STR(P), cenv_str(prefix), binary, &relocated, err) < 0)
        return NULL;
    return relocated.data ? relocated.data : "";
}

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

/* ASCII text widened. */
static size_t widen(const char *text, size_t len, unsigned width, bool big, char *out)
{
    memset(out, 0, len * width);
    for (size_t i = 0; i < len; i++)
        out[i * width + (big ? width - 1 : 0)] = text[i];
    return len * width;
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
         "#!/bin/sh\n'''exec' \"/d \\$e\\\"/bin/python\" \"$0\" \"$@\" #'''\n"},
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

/* B02, B05: the last length that stays and the first that does not. */
static void test_relocate__limits(void)
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
    for (size_t exe = 123; exe <= 127; exe++) {
        struct cenv_buf out;
        cenv_buf_init(&out, 1024);
        memset(prefix, 'x', exe);
        memcpy(prefix + exe - 7, "/python", 7);
        prefix[0] = '/';
        cenv_entry_shebang(cenv_str_n(prefix, exe), &out);
        CHECK_INT(strncmp(out.data, "#!/bin/sh\n", 10) == 0, exe >= 125);
        CHECK_INT(out.data[out.len - 1], '\n');
        cenv_buf_release(&out);
    }
}

static void test_relocate__trampolines(void)
{
    static const struct {
        const char *script, *exe, *options;
        int style, len;
    } cases[] = {
        {"#!/bin/sh\n'''exec' \"/a b/python\" -s \"$0\" \"$@\" #'''\nrest",
         "/a b/python", " -s", CENV_SHEBANG_LINE, 50},
        {"#!/bin/sh\n'''exec' /a/python \"$0\" \"$@\"\n' '''\nimport re", "/a/python",
         "", CENV_SHEBANG_PIP, 44},
        {"#!/bin/sh\n'''exec' \"/a b/python\" \"$0\" \"$@\"\n' '''", "/a b/python", "",
         CENV_SHEBANG_PIP, 48},
        {"#!/bin/sh\n'''exec' \"$(dirname -- \"$0\")\"/'python' \"$0\" \"$@\"\n' '''\n",
         NULL, NULL, 0, 0},
        {"#!/bin/sh\nexec /a/python \"$0\"\n", NULL, NULL, 0, 0},
        {"#!/bin/sh\n'''exec' /a/python", NULL, NULL, 0, 0},
    };
    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        enum cenv_shebang_style style = CENV_SHEBANG_NONE;
        struct cenv_str exe, options;
        size_t len = 0;
        check_case(cases[i].script);
        bool is = cenv_shebang_trampoline(cenv_str(cases[i].script), &style, &exe,
                                          &options, &len);
        if (!CHECK_INT(is, cases[i].exe != NULL) || !is)
            continue;
        CHECK_INT(style, cases[i].style);
        CHECK_INT(len, cases[i].len);
        CHECK(cenv_str_is(exe, cases[i].exe));
        CHECK(cenv_str_is(options, cases[i].options));
    }
}

/* Files made of pieces that matter, by a generator with a fixed seed. */
static uint32_t draw(uint64_t *seed, uint32_t below)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*seed >> 33) % below;
}

static size_t make_file(uint64_t *seed, char *file)
{
    static const struct cenv_str pieces[] = {LIT(P),
                                             LIT(P),
                                             LIT("\0"),
                                             LIT("\n"),
                                             LIT("/lib"),
                                             LIT(":"),
                                             LIT("\0\0\0"),
                                             LIT("abc"),
                                             LIT("/opt/place"),
                                             LIT("#!"),
                                             LIT("/bin/python3 -s"),
                                             LIT(" ")};
    size_t len = 0, nr = draw(seed, 14);
    for (size_t i = 0; i < nr; i++) {
        uint32_t kind = draw(seed, CHECK_NR(pieces) + 4);
        if (kind < CHECK_NR(pieces)) {
            memcpy(file + len, pieces[kind].data, pieces[kind].len);
            len += pieces[kind].len;
        } else {
            unsigned width = kind & 1 ? 2 : 4;
            len = (len + width - 1) / width * width;
            len += widen(P "/x", sizeof(P) + 1, width, kind & 2, file + len);
        }
    }
    return len;
}

/* splice at T, rebase, splice at D == splice at D, whatever T did to the file. */
static void test_relocate__through_a_template(void)
{
    static const char *const prefixes[] = {"/d", "/same/length/as_the_hold",
                                           "/with space/in", "/t/e/m/p/l"};
    static const char tail[] =
        "/a/path/that/is/much/too/long/for/the/first/line/of/any/script/whatever/the/kernel/may/"
        "say/about/it/in/the/end/of/days";
    uint64_t seed = 7;
    for (int round = 0; round < 4000; round++) {
        char file[4096] = "";
        size_t len = make_file(&seed, file);
        enum cenv_file_mode mode = round & 1 ? CENV_MODE_BINARY : CENV_MODE_TEXT;
        const char *at_t = mode == CENV_MODE_TEXT && draw(&seed, 3) == 0
                               ? tail
                               : prefixes[draw(&seed, 4)];
        struct cenv_error err = CENV_ERROR_INIT;
        struct cenv_sites sites = {0};
        struct cenv_forms t = {0}, d = {0};
        struct cenv_buf template, clone;
        const char *at_d = prefixes[draw(&seed, 4)];
        cenv_buf_init(&template, 1 << 20);
        cenv_buf_init(&clone, 1 << 20);
        CHECK_INT(cenv_forms_init(&t, cenv_str(at_t), &err), 0);
        CHECK_INT(cenv_forms_init(&d, cenv_str(at_d), &err), 0);
        struct cenv_str data = cenv_str_n(file, len);
        CHECK_INT(cenv_sites_scan(&sites, data, CENV_STR(P), mode, &err), 0);
        CHECK_INT(cenv_sites_splice(&sites, data, &t, &template, &err), 0);
        CHECK_INT(cenv_sites_size(&sites, &t, len), template.len);
        CHECK_INT(cenv_sites_rebase(&sites, &t, &err), 0);
        CHECK_INT(cenv_sites_size(&sites, &d, template.len),
                  relocate(data, at_d, mode == CENV_MODE_BINARY, &err) ? relocated.len
                                                                       : 0);
        CHECK_INT(cenv_sites_splice(&sites, cenv_buf_str(&template), &d, &clone, &err),
                  0);
        if (CHECK_INT(clone.len, relocated.len))
            CHECK_MEM(clone.data, relocated.data, clone.len);
        cenv_sites_release(&sites);
        cenv_forms_release(&t);
        cenv_forms_release(&d);
        cenv_buf_release(&template);
        cenv_buf_release(&clone);
    }
}

static void test_relocate__entry_through_a_template(void)
{
    char far[200];
    memset(far, 'f', sizeof(far) - 1);
    far[0] = '/';
    far[199] = 0;
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_sites sites = {0};
    struct cenv_forms t, d;
    struct cenv_buf template, clone;
    cenv_buf_init(&template, 4096);
    cenv_buf_init(&clone, 4096);
    CHECK_INT(cenv_forms_init(&t, cenv_str(far), &err), 0);
    CHECK_INT(cenv_forms_init(&d, CENV_STR("/d"), &err), 0);
    CHECK_INT(cenv_sites_entry(&sites, &t, "bin/python3.12", &err), 0);
    cenv_buf_addf(&template, "%s/bin/python3.12", far);
    struct cenv_buf script;
    cenv_buf_init(&script, 4096);
    cenv_entry_shebang(cenv_buf_str(&template), &script);
    cenv_buf_puts(&script, "import re\n");
    CHECK_INT(cenv_sites_splice(&sites, cenv_buf_str(&script), &d, &clone, &err), 0);
    CHECK_STR(clone.data, "#!/d/bin/python3.12\nimport re\n");
    cenv_sites_release(&sites);
    cenv_forms_release(&t);
    cenv_forms_release(&d);
    cenv_buf_release(&template);
    cenv_buf_release(&script);
    cenv_buf_release(&clone);
}

static void test_relocate__bad_sites(void)
{
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_forms d;
    struct cenv_buf out;
    cenv_buf_init(&out, 4096);
    CHECK_INT(cenv_forms_init(&d, CENV_STR("/d"), &err), 0);
    struct cenv_site list[] = {{.offset = 90, .slot = 24, .have = 24},
                               {.offset = 0, .slot = 24, .have = 99},
                               {.offset = 0, .encoding = 77},
                               {.end = 99, .slot = 24, .kind = CENV_SITE_BINARY},
                               {.slot = 1, .kind = CENV_SITE_SHEBANG}};
    for (size_t i = 0; i < CHECK_NR(list); i++) {
        struct cenv_sites sites = {.list = &list[i], .nr = 1};
        CHECK_INT(cenv_sites_splice(&sites, CENV_STR("short"), &d, &out, &err),
                  CENV_EINTEGRITY);
        CHECK_INT(out.len, 0);
        cenv_error_release(&err);
    }
    cenv_forms_release(&d);
    cenv_buf_release(&out);
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
    RUN(test_relocate__limits);
    RUN(test_relocate__trampolines);
    RUN(test_relocate__through_a_template);
    RUN(test_relocate__entry_through_a_template);
    RUN(test_relocate__bad_sites);
    RUN(test_relocate__no_memory);
    cenv_buf_release(&relocated);
    return check_report();
}
