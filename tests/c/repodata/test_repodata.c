/* SPDX-License-Identifier: BSD-3-Clause */
/* Repodata: docs/design/solve.md 6.4, R1-R8, R15, R16, R18-R20, as tables of small files. */
#include "base/alloc.h"
#include "model/version.h"
#include "repodata_bench.h"

static void test_repodata__candidates(void)
{
    static const struct {
        const char *label, *json, *seen;
        size_t names, skips;
    } cases[] = {
        {"empty file", "", "", 0, 0},
        {"blank file", " \r\n", "", 0, 0},
        {"empty object", "{}", "", 0, 0},
        {"no packages", "{\"info\":{\"subdir\":\"linux-64\"}}", "", 0, 0},
        {"null sections", "{\"info\":null,\"packages\":null,\"removed\":null}", "", 0,
         0},
        {"byte order mark", "\xef\xbb\xbf{}", "", 0, 0},
        {"one", "{\"packages\":{\"a-1-0.tar.bz2\":" REC("a", "1", "0", "") "}}",
         "a-1-0.tar.bz2", 1, 0},
        {"twins",
         "{\"packages\":{\"a-1-0.tar.bz2\":" REC(
             "a", "1", "0",
             "") "},"
                 "\"packages.conda\":{\"a-1-0.conda\":" REC("a", "1", "0", "") "}}",
         "a-1-0.conda", 1, 0},
        {"suffix decides, not section",
         "{\"packages\":{\"a-1-0.conda\":" REC("a", "1", "0", "") "}}", "a-1-0.conda",
         1, 0},
        {"a twin that cannot be read gives way",
         "{\"packages\":{\"a-1-0.tar.bz2\":" REC(
             "a", "1", "0", "") "},"
                                "\"packages.conda\":{\"a-1-0.conda\":{\"depends\":1}}}",
         "a-1-0.tar.bz2", 1, 1},
        {"removed",
         "{\"packages\":{\"a-1-0.tar.bz2\":" REC("a", "1", "0", "") ",\"a-2-0.tar.bz2\":" REC(
             "a", "2", "0", "") "},\"removed\":[\"b-1-0.conda\",\"a-1-0.tar.bz2\"]}",
         "a-2-0.tar.bz2", 1, 0},
        {"names grouped and sorted, whatever the order of keys",
         "{\"packages\":{\"b-1-0.tar.bz2\":" REC("b", "1", "0", "") ",\"a-b-1-0.tar.bz2\":" REC(
             "a-b", "1", "0",
             "") ",\"a-2-0.tar.bz2\":" REC("a", "2", "0",
                                           "") ",\"b-0-0.tar.bz2\":" REC("b", "0", "0",
                                                                         "") ",\"a-1-0.tar.bz2\":" REC("a",
                                                                                                       "1",
                                                                                                       "0",
                                                                                                       "") "}}",
         "a-1-0.tar.bz2 a-2-0.tar.bz2 a-b-1-0.tar.bz2 b-0-0.tar.bz2 b-1-0.tar.bz2", 3,
         0},
        {"listed twice",
         "{\"packages\":{\"a-1-0.tar.bz2\":" REC(
             "a", "1", "0", "") ",\"a-1-0.tar.bz2\":" REC("a", "1", "0",
                                                          ",\"size\":7") "}}",
         "a-1-0.tar.bz2", 1, 0},
        {"in both sections",
         "{\"packages\":{\"a-1-0.conda\":" REC(
             "a", "1", "0", "") "},\"packages.conda\":{"
                                "\"a-1-0.conda\":" REC("a", "1", "0", "") "}}",
         "a-1-0.conda", 1, 0},
        {"v3 beside the old sections",
         "{\"packages\":{},\"repodata_version\":1,\"v3\":{\"conda\":{\"a-1-0\":" REC(
             "a", "1", "0",
             "") "},\"tar.bz2\":{\"a-1-0\":" REC("a", "1", "0",
                                                 "") ",\"b-1-0\":" REC("b", "1", "0",
                                                                       "") "},\"whl\":{\"c-1-0\":{}}}}",
         "a-1-0.conda b-1-0.tar.bz2", 2, 0},
        {"name in capitals",
         "{\"packages\":{\"A-1-0.conda\":" REC("A", "1", "0", "") "}}", "A-1-0.conda",
         1, 0},
        {"record_version 2 is skipped",
         "{\"packages\":{\"a-1-0.conda\":" REC(
             "a", "1", "0",
             ",\"record_version\":2") ",\"a-2-0.conda\":" REC("a", "2", "0",
                                                              ",\"record_version\":1") "}}",
         "a-2-0.conda", 1, 1},
        {"one malformed record costs one record",
         "{\"packages\":{\"a-1-0.conda\":{\"name\":\"a\",,},\"a-2-0.conda\":" REC(
             "a", "2", "0", "") ",\"a-3-0.conda\":null,\"a-4-0.conda\":[1]}}",
         "a-2-0.conda", 1, 3},
        {"file name and name differ",
         "{\"packages\":{\"a-1-0.conda\":" REC("b", "1", "0", "") "}}", "", 1, 1},
        {"neither .conda nor .tar.bz2",
         "{\"packages\":{\"a-1-0.whl\":" REC("a", "1", "0.whl", "") "}}", "", 1, 1},
        {"braces, brackets, quotes and backslashes in strings",
         "{\"packages\":{\"a-1-0.conda\":" REC(
             "a", "1", "0",
             ",\"summary\":\"}{[]\\\\\\\"} \\\\\",\"depends\":[\"]\",\"\\\"[\"]") ",\"a-2-0.conda\":" REC("a",
                                                                                                          "2",
                                                                                                          "0",
                                                                                                          "") "}}",
         "a-1-0.conda a-2-0.conda", 1, 0},
        {"escaped keys",
         "{\"p\\u0061ckages\":{\"\\u0061-1-0.conda\":{\"n\\u0061me\":\"\\u0061\"}}}",
         "a-1-0.conda", 1, 0},
        {"carriage returns and indents",
         "{\r\n  \"packages\" : {\r\n    \"a-1-0.conda\" : {\r\n\t\"name\" : \"a\" } } }\r\n",
         "a-1-0.conda", 1, 0},
        {"unknown sections are passed over",
         "{\"_mod\":\"x\",\"signatures\":{\"a\":{\"b\":[{}]}},\"n\":-1.5e3,\"packages\":{"
         "\"a-1-0.conda\":" REC("a", "1", "0", "") "}}",
         "a-1-0.conda", 1, 0},
        {"a bad version", "{\"packages\":{\"a-1..2-0.conda\":{}}}", "", 1, 1},
    };

    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        struct bench b;
        check_case(cases[i].label);
        if (CHECK_INT(load(&b, cases[i].json), 0)) {
            CHECK_STR(b.seen, cases[i].seen);
            CHECK_INT(cenv_repodata_nr_names(b.rd), cases[i].names);
            CHECK_INT(b.skips.nr, cases[i].skips);
        } else {
            fprintf(stderr, "    %s\n", b.err.message);
        }
        unload(&b);
    }
}

static void test_repodata__urls(void)
{
    static const struct {
        const char *label, *info, *directory, *url;
    } cases[] = {
        {"beside the file", "{}", "", "https://host/chan/linux-64/a-1-0.conda"},
        {"directory given", "{}", "https://mirror/c/linux-64/",
         "https://mirror/c/linux-64/a-1-0.conda"},
        {"relative", "{\"base_url\":\"pool/x/\"}", "",
         "https://host/chan/linux-64/pool/x/a-1-0.conda"},
        {"up", "{\"base_url\":\"../../pool\"}", "", "https://host/pool/a-1-0.conda"},
        {"from the root", "{\"base_url\":\"/pool\"}", "",
         "https://host/pool/a-1-0.conda"},
        {"absolute", "{\"base_url\":\"https://cdn/p\"}", "",
         "https://cdn/p/a-1-0.conda"},
        {"file", "{\"base_url\":\"../p\"}", "file:///srv/c/linux-64",
         "file:///srv/c/p/a-1-0.conda"},
    };

    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        struct cenv_repodata_source from = source;
        struct bench b;
        char json[256];
        check_case(cases[i].label);
        from.url = cenv_str(cases[i].directory);
        snprintf(json, sizeof(json),
                 "{\"repodata_version\":2,\"info\":%s,\"packages.conda\":"
                 "{\"a-1-0.conda\":" REC("a", "1", "0", "") "}}",
                 cases[i].info);
        if (CHECK_INT(load_n(&b, json, strlen(json), &from), 0))
            CHECK(is(b.last.url, cases[i].url));
        unload(&b);
    }
}

static void test_repodata__record(void)
{
    static const char json[] =
        "{\"packages.conda\":{\"Foo-x-1.2-py_0.conda\":{\"arch\":null,\"build\":\"py_0\","
        "\"build_number\":4,\"constrains\":[\"b >1\"],\"depends\":[\"a\",\"c <2,>1\"],"
        "\"features\":\"mkl\",\"license\":\"BSD\",\"md5\":\"0123456789ABCDEF0123456789abcdef\","
        "\"name\":\"Foo-x\",\"noarch\":true,\"run_exports\":{\"weak\":[\"d\"]},"
        "\"sha256\":\"aa23456789abcdef0123456789abcdefaa23456789abcdef0123456789abcdef\","
        "\"size\":12,\"subdir\":\"noarch\",\"timestamp\":1600000000,\"version\":\"1.2\","
        "\"track_features\":[\"   foo   \",\" bar,baz \"],\"x\":\"\\u00e9\\ud83d\\ude00\","
        "\"indexed_timestamp\":1600000000123,\"extra_depends\":{\"all\":[\"e\"],\"no\":[]},"
        "\"flags\":[\"gpu:1\"],\"python_site_packages_path\":\"lib/py/site\","
        "\"legacy_bz2_md5\":\"ffffffffffffffffffffffffffffffff\",\"legacy_bz2_size\":9}}}";
    struct bench b;
    const struct cenv_record *r = &b.last;

    if (!CHECK_INT(load(&b, json), 0) || !CHECK_INT(b.nr, 1)) {
        if (b.skips.first)
            fprintf(stderr, "    %s\n", b.skips.first->reason.data);
        unload(&b);
        return;
    }
    CHECK(is(r->name, "foo-x"));
    CHECK(is(r->version, "1.2"));
    CHECK(r->parsed && is(r->parsed->text, "1.2"));
    CHECK(is(r->build, "py_0"));
    CHECK_INT(r->build_number, 4);
    CHECK(is(r->fn, "Foo-x-1.2-py_0.conda"));
    CHECK(is(r->subdir, "linux-64")); /* as conda: the file's, not the record's */
    CHECK(is(r->channel, "chan"));
    CHECK_INT(r->channel_rank, 3);
    CHECK(is(r->url, "https://host/chan/linux-64/Foo-x-1.2-py_0.conda"));
    CHECK(is(r->md5, "0123456789abcdef0123456789abcdef"));
    CHECK_INT(r->sha256.len, 64);
    CHECK_INT(r->size, 12);
    CHECK(is(r->legacy_bz2_md5, "ffffffffffffffffffffffffffffffff"));
    CHECK_INT(r->legacy_bz2_size, 9);
    CHECK_INT(r->timestamp_ms, 1600000000000);
    CHECK_INT(r->indexed_timestamp_ms, 1600000000123);
    CHECK(is(r->noarch, "generic"));
    CHECK(is(r->license, "BSD"));
    CHECK(is(r->features, "mkl"));
    CHECK(is(r->python_site_packages_path, "lib/py/site"));
    if (CHECK_INT(r->nr_depends, 2))
        CHECK(is(r->depends[0], "a") && is(r->depends[1], "c <2,>1"));
    if (CHECK_INT(r->nr_constrains, 1))
        CHECK(is(r->constrains[0], "b >1"));
    if (CHECK_INT(r->nr_track_features, 3))
        CHECK(is(r->track_features[0], "foo") && is(r->track_features[2], "baz"));
    if (CHECK_INT(r->nr_flags, 1))
        CHECK(is(r->flags[0], "gpu:1"));
    if (CHECK_INT(r->nr_extras, 2) && CHECK(is(r->extras[0].name, "all")))
        CHECK(r->extras[0].nr_depends == 1 && is(r->extras[0].depends[0], "e"));
    CHECK(r->raw.data[0] == '{' && r->raw.data[r->raw.len - 1] == '}');
    unload(&b);
}

static void test_repodata__fields(void)
{
    static const struct {
        const char *label, *fields; /* beside name, version, build, build_number */
        const char *skipped;        /* part of the reason, NULL: it is read */
    } cases[] = {
        {"depends null", ",\"depends\":null", NULL},
        {"depends a string", ",\"depends\":\"a\"", "expected a list"},
        {"depends of numbers", ",\"depends\":[1]", "expected a string"},
        {"track_features a string", ",\"track_features\":\"a, b\"", NULL},
        {"track_features empty", ",\"track_features\":\"\"", NULL},
        {"license odd", ",\"license\":[\"a\"],\"features\":[],\"license_family\":false",
         NULL},
        {"noarch false", ",\"noarch\":false", NULL},
        {"nulls", ",\"md5\":null,\"sha256\":null,\"size\":null,\"timestamp\":null",
         NULL},
        {"size a float", ",\"size\":1.0", NULL},
        {"size negative", ",\"size\":-1", "expected an integer"},
        {"size too large", ",\"size\":99999999999999999999999", "out of range"},
        {"timestamp with an exponent", ",\"timestamp\":1e400", "out of range"},
        {"build_number a string", ",\"build_number\":\"12\"", NULL},
        {"build_number text", ",\"build_number\":\"1x\"", "expected an integer"},
        {"md5 short", ",\"md5\":\"abc\"", "hash has the wrong length"},
        {"md5 no hex", ",\"md5\":\"zz23456789abcdef0123456789abcdef\"",
         "not hexadecimal"},
        {"site packages outside", ",\"python_site_packages_path\":\"a/../../b\"",
         "leaves"},
        {"site packages absolute", ",\"python_site_packages_path\":\"/a\"", "leaves"},
        {"half a pair", ",\"x\":\"\\ud800\"", "surrogate"},
        {"no UTF-8", ",\"x\":\"\xff\"", "UTF-8"},
        {"overlong UTF-8", ",\"x\":\"\xc0\xaf\"", "UTF-8"},
        {"control character", ",\"x\":\"\n\"", "control"},
        {"non-ASCII", ",\"license\":\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"", NULL},
        {"deep",
         ",\"x\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["
         "]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]",
         "deeply"},
    };

    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        struct bench b;
        char json[512];
        check_case(cases[i].label);
        snprintf(json, sizeof(json),
                 "{\"packages\":{\"a-1-0.conda\":{\"name\":\"a\","
                 "\"version\":\"1\",\"build\":\"0\"%s}}}",
                 cases[i].fields);
        if (!CHECK_INT(load(&b, json), 0))
            fprintf(stderr, "    %s\n", b.err.message);
        CHECK_INT(b.nr, cases[i].skipped ? 0 : 1);
        if (cases[i].skipped && CHECK_INT(b.skips.nr, 1) &&
            !CHECK(strstr(b.skips.first->reason.data, cases[i].skipped) != NULL))
            fprintf(stderr, "    %s\n", b.skips.first->reason.data);
        unload(&b);
    }
}

/* What would become part of a path is refused before one is made. */
static void test_repodata__unsafe_names(void)
{
    static const char *const parts[] = {"../x", "a/b",  "a\\\\b", "a:b", "a\\u0000b",
                                        "a..b", "a\\n", "..",     "a b"};
    char json[1024], longest[400];

    for (size_t i = 0; i < CHECK_NR(parts) * 3; i++) {
        const char *part = parts[i % CHECK_NR(parts)];
        const char *fields[] = {"a", "1", "0"};
        struct bench b;
        check_case(part);
        fields[i / CHECK_NR(parts)] = part;
        snprintf(json, sizeof(json),
                 "{\"packages\":{\"%s-%s-%s.conda\":{\"name\":\"%s\","
                 "\"version\":\"%s\",\"build\":\"%s\"}}}",
                 fields[0], fields[1], fields[2], fields[0], fields[1], fields[2]);
        CHECK_INT(load(&b, json), 0);
        CHECK_INT(b.nr, 0);
        CHECK_INT(b.skips.nr, 1);
        unload(&b);
    }
    memset(longest, 'a', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    struct bench b;
    snprintf(json, sizeof(json), "{\"packages\":{\"%s-1-0.conda\":{}}}", longest);
    CHECK_INT(load(&b, json), 0);
    CHECK(b.nr == 0 && b.skips.nr == 1 &&
          strstr(b.skips.first->reason.data, "too long"));
    unload(&b);
}

static void test_repodata__twin_inherits(void)
{
    struct bench b;

    load(
        &b,
        "{\"packages\":{\"a-1-0.tar.bz2\":" REC("a", "1", "0", ",\"size\":5,\"md5\":\"00000000000000000000000000000001\"") "},\"packages.conda\":{\"a-1-0.conda\":" REC(
            "a", "1", "0", ",\"size\":4") "}}");
    CHECK_INT(b.nr, 1);
    CHECK_INT(b.last.size, 4);
    CHECK_INT(b.last.legacy_bz2_size, 5);
    CHECK(is(b.last.legacy_bz2_md5, "00000000000000000000000000000001"));
    unload(&b);
}

/* Every allocation fails in turn: a status, no leak, outputs untouched. */
static void test_repodata__no_memory(void)
{
    static const char json[] = "{\"packages\":{\"A-1-0.tar.bz2\":" REC(
        "A", "1", "0",
        ",\"depends\":[\"x\"]") "},\"v3\":{\"conda\":{\"b-1-0\":" REC("b", "1", "0",
                                                                      "") "}},\"removed\":[\"x\"]}";
    long alive = cenv_alloc_live();

    for (long n = 1; n < 200; n++) {
        struct bench b;
        cenv_alloc_fail_nth(n);
        int rc = load(&b, json);
        cenv_alloc_fail_nth(0);
        CHECK(rc == 0 ? b.nr == 2 : rc == CENV_ENOMEM);
        unload(&b);
        if (!CHECK_INT(cenv_alloc_live(), alive) || rc == 0)
            return;
    }
    CHECK(!"it never got through");
}

int main(void)
{
    RUN(test_repodata__candidates);
    RUN(test_repodata__urls);
    RUN(test_repodata__record);
    RUN(test_repodata__fields);
    RUN(test_repodata__unsafe_names);
    RUN(test_repodata__twin_inherits);
    RUN(test_repodata__no_memory);
    return check_report();
}
