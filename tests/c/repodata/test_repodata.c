/* SPDX-License-Identifier: BSD-3-Clause */
/* Repodata: solve.md R1-R8, R15, R16, R18-R20 and A-64, as tables of small files. */
#include "repodata/repodata.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "check.h"
#include "model/version.h"

struct bench {
    struct cenv_repodata *rd;
    struct cenv_arena arena;
    struct cenv_skips skips;
    struct cenv_error err;
    char seen[4096]; /* "fn fn ...", in the order of the visit */
    struct cenv_record last;
    size_t nr;
    int rc;
};

static int note(void *ctx, struct cenv_record *record, struct cenv_error *err)
{
    struct bench *b = ctx;
    size_t len = strlen(b->seen);

    (void)err;
    snprintf(b->seen + len, sizeof(b->seen) - len, "%s%.*s", len ? " " : "",
             CENV_STR_ARG(record->fn));
    b->last = *record;
    b->nr++;
    return 0;
}

static const struct cenv_repodata_source source = {
    .file = {"some/repodata.json", 18},
    .subdir = {"linux-64", 8},
    .channel = {"chan", 4},
    .channel_url = {"https://host/chan", 17},
    .channel_rank = 3,
};

/* Scans `json` and visits every name. */
static int load_n(struct bench *b, const char *json, size_t len,
                  const struct cenv_repodata_source *from)
{
    memset(b, 0, sizeof(*b));
    b->rc = cenv_repodata_scan(&b->rd, cenv_str_n(json, len), from, &b->err);
    for (size_t i = 0; b->rc == 0 && i < cenv_repodata_nr_names(b->rd); i++)
        b->rc = cenv_repodata_records(b->rd, cenv_repodata_name(b->rd, i), &b->arena,
                                      &b->skips, note, b, &b->err);
    return b->rc;
}

static int load(struct bench *b, const char *json)
{
    return load_n(b, json, strlen(json), &source);
}

static void unload(struct bench *b)
{
    cenv_repodata_free(b->rd);
    cenv_arena_release(&b->arena);
    cenv_error_release(&b->err);
}

static bool is(struct cenv_str got, const char *want)
{
    if (cenv_str_is(got, want))
        return true;
    fprintf(stderr, "    got \"%.*s\", want \"%s\"\n", CENV_STR_ARG(got), want);
    return false;
}

#define REC(name, version, build, more) \
    "{\"name\":\"" name "\",\"version\":\"" version "\",\"build\":\"" build \
    "\",\"build_number\":0" more "}"

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

static void test_repodata__refuses(void)
{
    static const struct {
        const char *label, *json;
        int rc;
        const char *says;
    } cases[] = {
        {"truncated record", "{\"packages\":{\"a-1-0.conda\":{\"name\":\"a\"",
         CENV_EINTEGRITY, "some/repodata.json: byte 27 of 38: the text ends before"},
        {"truncated key", "{\"packages\":{\"a-1", CENV_EINTEGRITY,
         "byte 17 of 17: the text ends within a string"},
        {"truncated between records", "{\"packages\":{\"a-1-0.conda\":{},",
         CENV_EINTEGRITY, "byte 30 of 30"},
        {"truncated at the end", "{\"packages\":{}", CENV_EINTEGRITY, "byte 14 of 14"},
        {"an error page", "<html>", CENV_EINTEGRITY,
         "byte 0 of 6: repodata is a JSON object"},
        {"a list", "[]", CENV_EINTEGRITY, "repodata is a JSON object"},
        {"two objects", "{}{}", CENV_EINTEGRITY, "byte 2 of 4: something follows"},
        {"comma missing", "{\"packages\":{\"a-1-0.conda\":{}\"b-1-0.conda\":{}}}",
         CENV_EINTEGRITY, "byte 29 of 47: expected ',' or '}'"},
        {"packages a list", "{\"packages\":[]}", CENV_EINTEGRITY, "expected an object"},
        {"version 3", "{\"repodata_version\":3}", CENV_ECHANNEL, "repodata_version 3"},
        {"version 3 in info", "{\"info\":{\"repodata_version\":3}}", CENV_ECHANNEL,
         "repodata_version 3"},
        {"another subdir", "{\"info\":{\"subdir\":\"osx-64\"}}", CENV_ECHANNEL,
         "this is the repodata of osx-64, not of linux-64"},
        {"credentials", "{\"info\":{\"base_url\":\"https://u:p@host/x\"}}",
         CENV_ECHANNEL, "base_url has credentials"},
        {"token", "{\"info\":{\"base_url\":\"https://host/t/tk-1/x\"}}", CENV_ECHANNEL,
         "base_url has credentials"},
    };

    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        struct bench b;
        check_case(cases[i].label);
        CHECK_INT(load(&b, cases[i].json), cases[i].rc);
        if (!CHECK(strstr(b.err.message, cases[i].says) != NULL))
            fprintf(stderr, "    %s\n", b.err.message);
        CHECK(!strstr(b.err.message, "u:p") && !strstr(b.err.message, "tk-1"));
        CHECK(b.rd == NULL);
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

/* what would become part of a path is refused before one is made. */
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

/* Brackets and quotes at every offset of the 64-byte blocks, and in runs of backslashes. */
static void test_repodata__block_edges(void)
{
    char json[1024];

    for (int pad = 0; pad < 140; pad++)
        for (int slashes = 0; slashes < 6; slashes += 2) {
            struct bench b;
            snprintf(
                json, sizeof(json),
                "{\"packages\":{\"a-1-0.conda\":{\"x\":\"%*s%.*s\\\"}{\",\"y\":[{}]},"
                "\"b-1-0.conda\":{\"z\":\"%.*s\"}}}",
                pad, "", slashes, "\\\\\\\\\\\\", slashes, "\\\\\\\\\\\\");
            if (!CHECK_INT(load(&b, json), 0) || !CHECK_INT(b.nr, 2))
                fprintf(stderr, "    pad %d: %s\n", pad, b.err.message);
            unload(&b);
        }
}

/* Every prefix of a file is refused, or it is the whole; none is read beyond its end. */
static void test_repodata__truncated(void)
{
    static const char json[] =
        "{\"info\":{\"subdir\":\"linux-64\"},\"packages\":{\"a-1-0.conda\":" REC(
            "a", "1", "0",
            ",\"depends\":[\"b\\u00e9\"],\"size\":1") "},\"removed\":[\"x\"],\"repodata_version\":1}";

    for (size_t len = 1; len < sizeof(json) - 1; len++) {
        struct bench b;
        char *exact = cenv_memdup(json, len); /* sanitizers see its end */
        CHECK_INT(load_n(&b, exact, len, &source), CENV_EINTEGRITY);
        unload(&b);
        cenv_free(exact);
    }
}

static const char packable[] =
    "{\"info\":{\"subdir\":\"linux-64\",\"base_url\":\"../x\"},\"packages\":{"
    "\"a-1-0.tar.bz2\":" REC("a", "1", "0", "") ",\"B-1-0.conda\":" REC(
        "B", "1", "0",
        "") ",\"\\u0061-2-0.conda\":" REC("a", "2", "0",
                                          "") "},\"v3\":{\"conda\":{\"a-3-0\":" REC("a",
                                                                                    "3",
                                                                                    "0",
                                                                                    "") "}},\"removed\":[\"a-\\u0031-0.tar.bz2\"]}";

static const struct cenv_repodata_stamp stamp = {{1, 2, 3}};

static int read_packable(void *ctx, uint64_t at, char *out, size_t len)
{
    (void)ctx;
    if (at + len > sizeof(packable) - 1)
        return -1;
    memcpy(out, packable + at, len);
    return 0;
}

static int read_nothing(void *ctx, uint64_t at, char *out, size_t len)
{
    (void)ctx, (void)at, (void)out, (void)len;
    return -1;
}

static const struct cenv_repodata_bytes reader = {.read = read_packable,
                                                  .len = sizeof(packable) - 1};

/* Opens the packed index of `packable` and visits every name. */
static int load_packed(struct bench *b, struct cenv_str packed,
                       const struct cenv_repodata_stamp *when)
{
    memset(b, 0, sizeof(*b));
    b->rc = cenv_repodata_unpack(&b->rd, &reader, packed, when, &source, &b->err);
    for (size_t i = 0; b->rc == 0 && i < cenv_repodata_nr_names(b->rd); i++)
        b->rc = cenv_repodata_records(b->rd, cenv_repodata_name(b->rd, i), &b->arena,
                                      &b->skips, note, b, &b->err);
    return b->rc;
}

static void test_repodata__packed_is_the_same(void)
{
    static const char seen[] = "a-2-0.conda a-3-0.conda B-1-0.conda";
    struct cenv_buf packed;
    struct bench b, again;

    cenv_buf_init(&packed, 1 << 20);
    CHECK_INT(load(&b, packable), 0);
    CHECK_STR(b.seen, seen);
    CHECK_INT(cenv_repodata_pack(b.rd, &stamp, &packed, &b.err), 0);
    CHECK_INT(load_packed(&again, cenv_buf_str(&packed), &stamp), 0);
    CHECK_STR(again.seen, seen);
    CHECK(is(again.last.url, "https://host/chan/x/B-1-0.conda"));
    CHECK_INT(cenv_repodata_nr_entries(again.rd), 4);
    unload(&again);
    unload(&b);
    cenv_buf_release(&packed);
}

static void test_repodata__packed_file_is_gone(void)
{
    static const struct cenv_repodata_bytes gone = {.read = read_nothing,
                                                    .len = sizeof(packable) - 1};
    struct cenv_buf packed;
    struct cenv_repodata *rd = NULL;
    struct bench b;

    cenv_buf_init(&packed, 1 << 20);
    CHECK_INT(load(&b, packable), 0);
    CHECK_INT(cenv_repodata_pack(b.rd, &stamp, &packed, &b.err), 0);
    CHECK_INT(cenv_repodata_unpack(&rd, &gone, cenv_buf_str(&packed), &stamp, &source,
                                   &b.err),
              0);
    CHECK_INT(
        cenv_repodata_records(rd, CENV_STR("a"), &b.arena, NULL, note, &b, &b.err),
        CENV_EINTEGRITY);
    CHECK(strstr(b.err.message, "some/repodata.json: it cannot be read any more") !=
          NULL);
    cenv_repodata_free(rd);
    unload(&b);
    cenv_buf_release(&packed);
}

/* Every flipped bit, every length but the right one, another stamp: scan again. */
static void test_repodata__packed_is_checked(void)
{
    static const struct cenv_repodata_stamp other = {{1, 2, 4}};
    struct cenv_buf packed;
    struct bench b;

    cenv_buf_init(&packed, 1 << 20);
    CHECK_INT(load(&b, packable), 0);
    CHECK_INT(cenv_repodata_pack(b.rd, &stamp, &packed, &b.err), 0);
    unload(&b);
    CHECK_INT(load_packed(&b, cenv_buf_str(&packed), &other), 1);
    unload(&b);
    for (size_t len = 0; len < packed.len; len++) {
        char *exact = cenv_memdup(packed.data, len);
        CHECK_INT(load_packed(&b, cenv_str_n(exact, len), &stamp), 1);
        unload(&b);
        cenv_free(exact);
    }
    for (size_t bit = 0; bit < 8 * packed.len; bit++) {
        packed.data[bit / 8] = (char)(packed.data[bit / 8] ^ 1 << bit % 8);
        if (!CHECK_INT(load_packed(&b, cenv_buf_str(&packed), &stamp), 1))
            fprintf(stderr, "    bit %zu\n", bit);
        unload(&b);
        packed.data[bit / 8] = (char)(packed.data[bit / 8] ^ 1 << bit % 8);
    }
    cenv_buf_release(&packed);
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

/* ---- what has been passed is not needed again ---- */

static size_t passed_bytes;

static int spoil(void *ctx, const char *at, size_t len, struct cenv_error *err)
{
    (void)ctx, (void)err;
    passed_bytes += len;
    memset((char *)(uintptr_t)at, '#', len);
    return 0;
}

/* The binary index of `text`, whose bytes are spoilt once the scan says it is done with them. */
static struct cenv_buf pack_of(struct cenv_str text,
                               int (*passed)(void *ctx, const char *at, size_t len,
                                             struct cenv_error *err))
{
    const struct cenv_repodata_source source = {
        .file = CENV_STR("f"), .subdir = CENV_STR("linux-64"), .passed = passed};
    const struct cenv_repodata_stamp stamp = {{0}};
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_repodata *rd = NULL;
    struct cenv_buf out;

    cenv_buf_init(&out, 1 << 24);
    if (CHECK_INT(cenv_repodata_scan(&rd, text, &source, &err), 0))
        CHECK_INT(cenv_repodata_pack(rd, &stamp, &out, &err), 0);
    cenv_repodata_free(rd);
    return out;
}

static void test_repodata__lets_go_of_what_it_passed(void)
{
    struct cenv_buf text, whole, spoilt;

    cenv_buf_init(&text, 1 << 25);
    cenv_buf_puts(&text, "{\"packages.conda\":{");
    for (int i = 0; i < 20000; i++)
        cenv_buf_addf(&text, "%s\"%s%d-1-0.conda\":{\"x\":\"%0600d\"}", i ? "," : "",
                      i % 3 ? "p" : "Up", i / 5, i);
    cenv_buf_puts(&text, "},\"removed\":[\"p1-1-0.conda\"]}");
    whole = pack_of(cenv_buf_str(&text), NULL);
    spoilt = pack_of(cenv_buf_str(&text), spoil);
    CHECK(passed_bytes > 8 << 20 && passed_bytes < text.len);
    CHECK(whole.len > 0 && cenv_str_eq(cenv_buf_str(&whole), cenv_buf_str(&spoilt)));
    cenv_buf_release(&text);
    cenv_buf_release(&whole);
    cenv_buf_release(&spoilt);
}

int main(void)
{
    RUN(test_repodata__candidates);
    RUN(test_repodata__refuses);
    RUN(test_repodata__urls);
    RUN(test_repodata__record);
    RUN(test_repodata__fields);
    RUN(test_repodata__unsafe_names);
    RUN(test_repodata__twin_inherits);
    RUN(test_repodata__block_edges);
    RUN(test_repodata__truncated);
    RUN(test_repodata__packed_is_the_same);
    RUN(test_repodata__packed_file_is_gone);
    RUN(test_repodata__packed_is_checked);
    RUN(test_repodata__no_memory);
    RUN(test_repodata__lets_go_of_what_it_passed);
    return check_report();
}
