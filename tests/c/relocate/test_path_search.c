/* SPDX-License-Identifier: BSD-3-Clause */
/* A path in files of all kinds: which become sites, which are told of, which are other paths. */
#include "relocate/path_search.h"

#include "base/alloc.h"
#include "elf_file.h"
#include "relocate.h"
#include "relocate/splice.h"

/* A file found to name `t`, and what becomes of it at `d`. */
struct searched {
    struct cenv_sites sites;
    struct cenv_forms t, d;
    struct cenv_buf out; /* as it stands where it does not fit */
    const char *reason;
    int rc; /* of the splice */
};

static struct searched search(struct cenv_str data, const char *path, const char *t,
                              const char *d)
{
    struct searched s = {0};
    struct cenv_search_file file = {data, cenv_str(path)};
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_search_names names = {&s.t, 1};
    cenv_buf_init(&s.out, 1 << 24);
    CHECK_INT(cenv_forms_init(&s.t, cenv_str(t), &err), 0);
    CHECK_INT(cenv_forms_init(&s.d, cenv_str(d), &err), 0);
    CHECK_INT(cenv_path_search(&s.sites, &file, &names, &idle, &s.reason, &err), 0);
    CHECK(cenv_sites_within(&s.sites, data.len));
    bool found = s.sites.nr > 0 || s.reason;
    CHECK_INT(cenv_path_search_names(data, &names, &idle, &err), found);
    if (found)
        CHECK_INT(cenv_path_search_any(data, &names, &idle, &err), 1);
    s.rc = cenv_splice_apply(&s.sites, data, &s.d, &idle, &s.out, &err);
    if (s.rc < 0)
        cenv_buf_add_str(&s.out, data);
    cenv_error_release(&err);
    return s;
}

static void searched_release(struct searched *s)
{
    cenv_sites_release(&s->sites);
    cenv_forms_release(&s->t);
    cenv_forms_release(&s->d);
    cenv_buf_release(&s->out);
}

static void test_path_search__languages(void)
{
    /* T is /t/jos\xc3\xa9 e, D is "/d/\xc3\xa8 & f". */
    static const struct {
        const char *path, *text, *at_d; /* NULL: as it is, and told of */
    } cases[] = {
        {"a", "/t/jos\xc3\xa9 e/x", "/d/\xc3\xa8 & f/x"},
        {"a.json", "{\"p\": \"/t/jos\\u00e9 e/x\"}", "{\"p\": \"/d/\\u00e8 & f/x\"}"},
        {"a", "{\"p\": \"\\/t\\/jos\\u00e9 e\\/x\"}",
         "{\"p\": \"\\/d\\/\\u00e8 & f\\/x\"}"},
        {"a", "{\"p\": \"\\/t\\/jos\xc3\xa9 e\"}", "{\"p\": \"\\/d\\/\xc3\xa8 & f\"}"},
        {"a", "{\"p\": \"a\\n/t/jos\xc3\xa9 e\\nb\"}",
         "{\"p\": \"a\\n/d/\xc3\xa8 & f\\nb\"}"},
        {"a", "{\"p\": \"/t/jos\\u00E9 e\"}", NULL},
        {"a", "{\"p\": \"\\\\/t\\\\/jos\\\\u00e9 e\"}", NULL},
        {"a.py", "p = '/t/jos\\u00e9 e'", NULL},
        {"a.py", "p = b'/t/jos\\xc3\\xa9 e'", NULL},
        {"a", "file:///t/jos%C3%A9%20e/x", "file:///d/%C3%A8%20%26%20f/x"},
        {"a", "git+file:///t/jos%C3%A9%20e@1", "git+file:///d/%C3%A8%20%26%20f@1"},
        {"a", "git+file:///t/jos%C3%A9%20e#1", "git+file:///d/%C3%A8%20%26%20f#1"},
        {"a", "file://localhost/t/jos%C3%A9%20e",
         "file://localhost/d/%C3%A8%20%26%20f"},
        {"a", "file:/t/jos%C3%A9%20e", "file:/d/%C3%A8%20%26%20f"},
        {"a", "file:///t/jos%c3%a9%20e", NULL},
        {"a", "u=%2Ft%2Fjos%C3%A9%20e", NULL},
        {"a", "/t/jos%C3%A9%20e", NULL},
        {"a.xml", "<p>/t/jos\xc3\xa9 e</p>", "<p>/d/\xc3\xa8 &amp; f</p>"},
        {"a.xml", "<p>/t/jos&#233; e</p>", NULL},
        {"a.sh", "x=/t/jos\xc3\xa9\\ e/x\n", "x=/d/\xc3\xa8\\ \\&\\ f/x\n"},
        {"a.pc", "Libs: -L/t/jos\xc3\xa9\\ e\n", "Libs: -L/d/\xc3\xa8\\ \\&\\ f\n"},
        {"a.cmake", "set(X /t/jos\xc3\xa9\\ e)\n", "set(X /d/\xc3\xa8\\ \\&\\ f)\n"},
        {"a.sh", "x='/t/jos\xc3\xa9\\ e/x'\n", NULL},
        {"a", "x=/t/jos\xc3\xa9\\ e/x\n", NULL},
        {"a.sh", "x=$'/t/jos\\303\\251 e'\n", NULL},
        {"a", "Z:\\t\\jos\xc3\xa9 e\\x", NULL},
        {"a", "\\\\wsl.localhost\\Debian\\t\\jos\xc3\xa9 e\\x", NULL},
        {"a", "\\\\wsl$\\Debian\\t\\jos\xc3\xa9 e", NULL},
        {"a", "x\\t\\jos\xc3\xa9 e", "x\\t\\jos\xc3\xa9 e"},
        {"a", "\"Z:\\\\t\\\\jos\xc3\xa9 e\"", NULL},
        {"a", "/t/jos\xc3\xa9 e2", "/t/jos\xc3\xa9 e2"},
        {"a", "/t/jos\xc3\xa9 e\\ 2", "/t/jos\xc3\xa9 e\\ 2"},
        {"a", "/srv/t/jos\xc3\xa9 e", "/srv/t/jos\xc3\xa9 e"},
        {"a", "{\"\\/srv\\/t\\/jos\\u00e9 e\"}", "{\"\\/srv\\/t\\/jos\\u00e9 e\"}"},
    };
    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        struct cenv_str text = cenv_str(cases[i].text);
        struct searched s =
            search(text, cases[i].path, "/t/jos\xc3\xa9 e", "/d/\xc3\xa8 & f");
        check_case(cases[i].text);
        CHECK((s.reason != NULL) == (cases[i].at_d == NULL));
        CHECK_STR(s.out.data, cases[i].at_d ? cases[i].at_d : cases[i].text);
        searched_release(&s);
    }
}

/* Shells of which it depends on the other path how it is written. */
static void test_path_search__xonsh_and_nushell(void)
{
    static const struct {
        const char *path, *text, *t, *d, *at_d;
    } cases[] = {
        {"a.xsh", "x = '/t/e'", "/t/e", "/d/\xc3\xa8 'f'",
         "x = '/d/\\xe8 \\x27f\\x27'"},
        {"a.xsh", "x = \"/t/e/bin\"\n", "/t/e", "/d\n\"$",
         "x = \"/d\\x0a\\x22\\x24/bin\"\n"},
        {"a.xsh", "x = '\\'/t/e'", "/t/e", "/d'", "x = '\\'/d\\x27'"},
        {"a.xsh", "cd /t/e\n", "/t/e", "/d", "cd /d\n"},
        {"a.xsh", "#!xonsh\nb.fromhex('2f742fc3a9')", "/t/\xc3\xa9", "/d'",
         "#!xonsh\nb.fromhex('2f6427')"},
        {"a.xsh", "#!xonsh\nmap(chr, (47, 116, 39))", "/t'", "/d\xc3\xa8",
         "#!xonsh\nmap(chr, (47, 100, 232))"},
        {"a.nu", "let x = '/t/e'\n", "/t/e", "/d e", "let x = '/d e'\n"},
        {"a.nu", "let x = '/t/e'\n", "/t/e", "/d'#e", "let x = r##'/d'#e'##\n"},
        {"a.nu", "f r#'/t/e'#", "/t/e", "/d'#e", "f r##'/d'#e'##"},
        {"a.nu", "f r##'/t'#e'##", "/t'#e", "/d", "f r#'/d'#"},
        {"a.nu", "f \"/t/e/x\"", "/t/e", "/d\"\\", "f \"/d\\\"\\\\/x\""},
        {"a.nu", "f $'/t/e'", "/t/e", "/d", "f $'/d'"},
    };
    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        struct searched s =
            search(cenv_str(cases[i].text), cases[i].path, cases[i].t, cases[i].d);
        check_case(cases[i].text);
        CHECK(!s.reason);
        CHECK_STR(s.out.data, cases[i].at_d);
        searched_release(&s);
    }
}

static void test_path_search__quotes(void)
{
    static const struct {
        const char *path, *text, *at_d;
    } cases[] = {
        {"a.sh", "x='/t/it'\\''s e/x'", "x='/d\"$y/x'"},
        {"a.sh", "x='/t/it'\"'\"'s e/x'", "x='/d\"$y/x'"},
        {"a.sh", "x=\"/t/it's e/x\"", "x=\"/d\\\"\\$y/x\""},
        {"a.sh", "x=/t/it\\'s\\ e/x", "x=/d\\\"\\$y/x"},
        {"a.sh", "# /t/it's e/x", "# /d\"$y/x"},
        {"a.cmake", "set(X \"/t/it's e/x\")", "set(X \"/d\\\"\\$y/x\")"},
        {"a.py", "x = \"/t/it's e/x\"", "x = \"/d\"$y/x\""},
        {"a.py", "x = '/t/it\\'s e/x'", NULL},
        {"a.yaml", "x: '/t/it''s e/x'", NULL},
    };
    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        struct searched s =
            search(cenv_str(cases[i].text), cases[i].path, "/t/it's e", "/d\"$y");
        check_case(cases[i].text);
        CHECK((s.reason != NULL) == (cases[i].at_d == NULL));
        CHECK_STR(s.out.data, cases[i].at_d ? cases[i].at_d : cases[i].text);
        searched_release(&s);
    }
}

/* A path without anything to escape, in places where another one needs it. */
static void test_path_search__plain_path_in_languages(void)
{
    static const struct {
        const char *text, *at_d;
    } cases[] = {
        {"{\"a\": \"/t/e/x\"}", "{\"a\": \"/d \\\"&\\\"/x\"}"},
        {"<a>/t/e/x</a>", "<a>/d &quot;&amp;&quot;/x</a>"},
        {"see git+file:///t/e/x", "see git+file:///d%20%22%26%22/x"},
        {"sqlite:////t/e/x", "sqlite:////d \"&\"/x"},
        {"a /t/e/x", "a /d \"&\"/x"},
        {"#!/bin/sh\nx=/t/e y='/t/e' z=\"/t/e\" # '/t/e'\n",
         "#!/bin/sh\nx=/d\\ \\\"\\&\\\" y='/d \"&\"' z=\"/d \\\"&\\\"\" # '/d \"&\"'\n"},
        {"\033[1m/t/e\033[0m", "\033[1m/d \"&\"\033[0m"},
    };
    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        struct searched s = search(cenv_str(cases[i].text), "", "/t/e", "/d \"&\"");
        check_case(cases[i].text);
        CHECK(!s.reason);
        CHECK_STR(s.out.data, cases[i].at_d);
        searched_release(&s);
    }
}

/* Nothing in them moves: another length leaves them alone, an equal one replaces what is sure. */
static void test_path_search__files_that_count(void)
{
    static const struct {
        const char *name;
        struct cenv_str data;
        bool equal; /* an equal length is replaced */
    } cases[] = {
        {"pickle 4", LIT("\x80\x04\x95\x10\0\0\0\0\0\0\0\x8c\x06/t/e/x\x94."), true},
        {"pickle 2, name behind", LIT("\x80\x02X\x04\0\0\0/t/eq\x01."), true},
        {"record", LIT("\x06\0\0\0/t/e/x\x06\0\0\0/t/e/y\0\0\0\0"), true},
        {"C strings of nobody", LIT("ab\0/t/e/lib\0\0\0\0\0\0cd\0"), true},
        {"fixed width", LIT("/t/e/a\0\0\0\0/t/e/b\0\0\0\0"), true},
        {"not an ELF file", LIT("\177ELF\0\0/t/e/lib\0\0\0"), true},
        {"UTF-16", LIT("\1\0/\0t\0/\0e\0/\0x\0\0\0"), true},
        {"UTF-32, other order", LIT("\1\0\0\0\0\0\0/\0\0\0t\0\0\0/\0\0\0e\0\0\0\0"),
         true},
        {"msgpack", LIT("\x81\xa4path\xa6/t/e/x"), true},
        {"bencode", LIT("d4:path6:/t/e/xe"), true},
        {"ar of texts", LIT("!<arch>\na/  0  0  0  644  6         `\n/t/e/x"), true},
        {"length that reads as a letter", LIT("\x80\0L/t/e/x\x94"), false},
        {"escaped in a binary", LIT("\0\"\\/t\\/e\"\0/t/e\0"), false},
        {"SQLite",
         LIT("SQLite format 3\0"
             "12/t/e34"),
         false},
        {"ZIP", LIT("PK\3\4\0\0/t/e/x"), false},
        {"cpio of texts", LIT("070707000/t/e/x"), false},
    };
    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        static const char *const at[] = {"/d", "/longer/one", "/d/f"};
        for (size_t k = 0; k < CHECK_NR(at); k++) {
            struct searched s = search(cases[i].data, "", "/t/e", at[k]);
            bool equal = strlen(at[k]) == 4;
            check_case(cases[i].name);
            CHECK(s.reason || s.sites.nr); /* told of either way */
            CHECK((s.reason == NULL) == cases[i].equal);
            CHECK(s.rc < 0 || equal || s.sites.nr == 0);
            if (CHECK_INT(s.out.len, cases[i].data.len))
                CHECK((memcmp(s.out.data, cases[i].data.data, s.out.len) == 0) ==
                      !(equal && cases[i].equal));
            searched_release(&s);
        }
    }
}

static void test_path_search__tar_is_sealed(void)
{
    char tar[1024] = "share/a";
    memcpy(tar + 257, "ustar", 5);
    memcpy(tar + 512, "see /t/e/x\n", 11);
    struct searched s = search(cenv_str_n(tar, sizeof(tar)), "", "/t/e", "/d/f");
    CHECK(s.reason && strstr(s.reason, "tar"));
    CHECK_INT(s.sites.nr, 0);
    searched_release(&s);
}

/* The loader's own paths move, to a shorter prefix; with one more elsewhere nothing does. */
static void test_path_search__elf(void)
{
    struct elf_file elf =
        elf_file(true, false, "$ORIGIN:/t/e/lib:/t/e/lib64", "libx.so");
    struct cenv_str data = cenv_str_n(elf.data, elf.len);
    struct searched s = search(data, "lib/x.so", "/t/e", "/d");
    CHECK(!s.reason);
    if (CHECK_INT(s.rc, 0) && CHECK_INT(s.out.len, elf.len)) {
        CHECK_MEM(s.out.data + elf.runpath, "$ORIGIN:/d/lib:/d/lib64\0\0\0\0\0", 28);
        CHECK_MEM(s.out.data, elf.data, elf.runpath);
    }
    searched_release(&s);
    s = search(data, "lib/x.so", "/t/e", "/longer");
    CHECK_INT(s.rc, CENV_EPREFIX);
    searched_release(&s);
    memcpy(elf.data + elf.len - 10, "\0/t/e/x\0", 8);
    s = search(data, "lib/x.so", "/t/e", "/d");
    CHECK_INT(s.rc, CENV_EPREFIX);
    searched_release(&s);
    s = search(data, "lib/x.so", "/t/e", "/d/f");
    CHECK_INT(s.rc, 0);
    CHECK(memmem(s.out.data, s.out.len, "/d/f/lib:/d/f/lib64", 19) != NULL);
    CHECK(memmem(s.out.data, s.out.len, "\0/d/f/x\0", 8) != NULL);
    searched_release(&s);
}

/* ---- files of packages ---- */

static void test_path_search__binaries_of_packages(void)
{
    /* T has 4 bytes, the placeholder 10: six zeros for each. */
#define SIX "\0\0\0\0\0\0"
    static const struct {
        const char *name;
        struct cenv_str data, at_d;
        uint32_t placeholder;
        bool told;
    } cases[] = {
        {"padded", LIT("a\0/t/e/lib\0" SIX "z"), LIT("a\0/longer/lib\0\0\0\0z"), 10,
         false},
        {"own path", LIT("a\0/t/e/lib\0" SIX "z\0/t/e/own\0tail"),
         LIT("a\0/longer/lib\0\0\0\0z\0/t/e/own\0tail"), 10, true},
        {"another", LIT("a\0/t/e/lib\0" SIX "z\0/t/e-data/own\0" SIX),
         LIT("a\0/longer/lib\0\0\0\0z\0/t/e-data/own\0" SIX), 10, false},
        {"two in one", LIT("/t/e:/t/e\0" SIX SIX "z"), LIT("/longer:/longer\0" SIX "z"),
         10, false},
        {"two, room for one", LIT("/t/e:/t/e\0" SIX "z"), LIT("/t/e:/t/e\0" SIX "z"),
         10, true},
        {"any length, no room", LIT("/t/e/x\0z"), LIT("/t/e/x\0z"), 0, true},
        {"as long as it", LIT("/t/e/x\0z"), LIT("/t/e/x\0z"), 4, false},
    };
    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        struct cenv_error err = CENV_ERROR_INIT;
        struct cenv_search_package package = {CENV_MODE_BINARY, cases[i].placeholder};
        struct cenv_sites sites = {0};
        struct cenv_forms t = {0}, d = {0};
        struct cenv_search_names names = {&t, 1};
        struct cenv_buf out;
        const char *reason = NULL;
        check_case(cases[i].name);
        cenv_buf_init(&out, 4096);
        CHECK_INT(cenv_forms_init(&t, CENV_STR("/t/e"), &err), 0);
        CHECK_INT(cenv_forms_init(&d, CENV_STR("/longer"), &err), 0);
        CHECK_INT(cenv_path_search_package(&sites, cases[i].data, &package, &names,
                                           &idle, &reason, &err),
                  0);
        CHECK((reason != NULL) == cases[i].told);
        CHECK(cenv_sites_within(&sites, cases[i].data.len));
        if (cenv_splice_check_room(&sites, &d, &err) < 0) {
            CHECK_INT(cases[i].placeholder, 4);
        } else if (CHECK_INT(
                       cenv_splice_apply(&sites, cases[i].data, &d, &idle, &out, &err),
                       0) &&
                   CHECK_INT(out.len, cases[i].at_d.len)) {
            CHECK_MEM(out.data, cases[i].at_d.data, out.len);
        }
        cenv_error_release(&err);
        cenv_buf_release(&out);
        cenv_forms_release(&t);
        cenv_forms_release(&d);
        cenv_sites_release(&sites);
    }
}

static void test_path_search__texts_of_packages(void)
{
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_search_package package = {CENV_MODE_TEXT, 0};
    struct cenv_str text = CENV_STR("./t/e/x file:///t/e {\\/t\\/e} /t/e2\n");
    struct cenv_sites sites = {0};
    struct cenv_forms t = {0}, d = {0};
    struct cenv_search_names names = {&t, 1};
    struct cenv_buf out;
    const char *reason = NULL;
    cenv_buf_init(&out, 4096);
    CHECK_INT(cenv_forms_init(&t, CENV_STR("/t/e"), &err), 0);
    CHECK_INT(cenv_forms_init(&d, CENV_STR("/d f"), &err), 0);
    CHECK_INT(
        cenv_path_search_package(&sites, text, &package, &names, &idle, &reason, &err),
        0);
    CHECK_INT(cenv_splice_apply(&sites, text, &d, &idle, &out, &err), 0);
    CHECK_STR(out.data, "./d f/x file:///d f {\\/t\\/e} /t/e2\n");
    cenv_buf_release(&out);
    cenv_forms_release(&t);
    cenv_forms_release(&d);
    cenv_sites_release(&sites);
}

/* ---- limits ---- */

static void test_path_search__named_too_often(void)
{
    enum { LEN = 1 << 20 };
    char *data = cenv_malloc(LEN);
    if (!CHECK(data))
        return;
    for (size_t i = 0; i < LEN; i++)
        data[i] = "/t\n"[i % 3];
    struct searched s = search(cenv_str_n(data, LEN), "", "/t", "/d");
    CHECK(s.reason && strstr(s.reason, "too often"));
    CHECK_INT(s.sites.nr, 0);
    searched_release(&s);
    cenv_free(data);
}

static void test_path_search__no_memory(void)
{
    struct cenv_str data = CENV_STR("#!/t/e/bin/python\n/t/e /t/e file:///t/e\n");
    struct cenv_search_file file = {data, CENV_STR("bin/x")};
    struct cenv_forms t = {0};
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_search_names names = {&t, 1};
    CHECK_INT(cenv_forms_init(&t, CENV_STR("/t/e"), &err), 0);
    for (long n = 1; n < 10; n++) {
        struct cenv_sites sites = {0};
        const char *reason = NULL;
        long live = cenv_alloc_live();
        cenv_alloc_fail_nth(n);
        int rc = cenv_path_search(&sites, &file, &names, &idle, &reason, &err);
        cenv_alloc_fail_nth(0);
        CHECK(rc == 0 || rc == CENV_ENOMEM);
        cenv_sites_release(&sites);
        CHECK_INT(cenv_alloc_live(), live);
        cenv_error_release(&err);
    }
    cenv_forms_release(&t);
}

/* A path that lies across two blocks is in what the second repeats of the first. */
static void test_path_search__overlap(void)
{
    static const char text[] = "x\\ud83d\\ude00\\/\\ud83d\\ude00y";
    struct cenv_forms t = {0};
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_search_names names = {&t, 1};
    CHECK_INT(cenv_forms_init(&t, CENV_STR("\xf0\x9f\x98\x80/\xf0\x9f\x98\x80"), &err),
              0);
    CHECK(cenv_path_search_overlap(&names) >= sizeof(text));
    CHECK_INT(cenv_path_search_any(cenv_str(text), &names, &idle, &err), 1);
    cenv_forms_release(&t);
}

int main(void)
{
    RUN(test_path_search__languages);
    RUN(test_path_search__xonsh_and_nushell);
    RUN(test_path_search__quotes);
    RUN(test_path_search__plain_path_in_languages);
    RUN(test_path_search__files_that_count);
    RUN(test_path_search__tar_is_sealed);
    RUN(test_path_search__elf);
    RUN(test_path_search__binaries_of_packages);
    RUN(test_path_search__texts_of_packages);
    RUN(test_path_search__named_too_often);
    RUN(test_path_search__no_memory);
    RUN(test_path_search__overlap);
    return check_report();
}
