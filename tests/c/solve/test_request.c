/* SPDX-License-Identifier: BSD-3-Clause */
/* Requests: what is read of them, what is refused, and that each spec is parsed once. */
#include "check.h"
#include "solve/request.h"

struct fixture {
    struct cenv_spec_table specs;
    struct cenv_arena arena;
    struct cenv_error err;
    struct cenv_request request;
};

static int parse(struct fixture *f, const char *json)
{
    *f = (struct fixture){.arena = CENV_ARENA_INIT, .err = CENV_ERROR_INIT};
    cenv_spec_table_init(&f->specs);
    return cenv_request_parse(&f->request, json, &f->specs, &f->arena, &f->err);
}

static void release(struct fixture *f)
{
    cenv_spec_table_release(&f->specs);
    cenv_arena_release(&f->arena);
    cenv_error_release(&f->err);
}

static bool is(struct cenv_str got, const char *want)
{
    if (cenv_str_is(got, want))
        return true;
    fprintf(stderr, "    got \"%.*s\", want \"%s\"\n", CENV_STR_ARG(got), want);
    return false;
}

static void test_request__lists_entries_in_order(void)
{
    static const struct {
        enum cenv_request_kind kind;
        const char *text, *name;
    } want[] = {
        {CENV_REQUEST_SPEC, "Python >=3", "python"},
        {CENV_REQUEST_SPEC, "numpy", "numpy"},
        {CENV_REQUEST_LOCKED, "zlib==1.2=h0", "zlib"},
        {CENV_REQUEST_PINNED, "numpy", "numpy"},
        {CENV_REQUEST_FAVORED, "xz 5", "xz"},
    };
    struct fixture f;
    int rc = parse(&f, "{\"favored\":[\"xz 5\"],\"pinned\":[\"numpy\"],\"locked\":[{"
                       "\"name\":\"zlib\",\"version\":\"1.2\",\"build\":\"h0\","
                       "\"build_number\":0}],\"specs\":[\" Python >=3 \",\"numpy\"],"
                       "\"add_pip\":true,\"explain\":null}");
    CHECK_INT(rc, 0);
    if (CHECK_INT(f.request.nr_entries, CHECK_NR(want)))
        for (size_t i = 0; i < CHECK_NR(want); i++) {
            const struct cenv_request_entry *entry = &f.request.entries[i];
            check_case(want[i].text);
            CHECK_INT(entry->kind, want[i].kind);
            CHECK(is(entry->text, want[i].text));
            CHECK(is(cenv_request_entry_name(entry), want[i].name));
            CHECK((entry->spec == NULL) == (entry->record != NULL));
        }
    check_case("");
    CHECK(f.request.entries[1].spec == f.request.entries[3].spec);
    CHECK_INT(f.specs.nr, 3);
    CHECK(f.request.add_pip);
    CHECK_INT(f.request.explain.len, 0);
    CHECK_INT(f.request.cutoffs.ms, INT64_MAX);
    release(&f);
}

static void test_request__takes_specs_without_a_name(void)
{
    static const char *const texts[] = {"*[track_features=mkl]",
                                        "mkl@",
                                        "*[build=x]",
                                        "* 1.0",
                                        "main::*[license=MIT]",
                                        "*[md5=0123456789abcdef0123456789abcdef]"};
    for (size_t i = 0; i < CHECK_NR(texts); i++) {
        struct fixture f;
        char json[128];
        check_case(texts[i]);
        snprintf(json, sizeof(json), "{\"specs\":[\"%s\"]}", texts[i]);
        if (CHECK_INT(parse(&f, json), 0))
            CHECK(is(f.request.entries[0].text, texts[i]));
        release(&f);
    }
}

static void test_request__refuses(void)
{
    static const struct {
        const char *json;
        int rc;
        const char *message, *hint;
    } cases[] = {
        {"", CENV_EINTEGRITY, "the solve request", ""},
        {"7", CENV_EUSAGE, "the options of solve must be an object", ""},
        {"{\"spec\":[]}", CENV_EUSAGE, "solve has no option 'spec'",
         "did you mean 'specs'?"},
        {"{\"specs\":\"a\"}", CENV_EUSAGE, "'specs' of solve must be a list", ""},
        {"{\"specs\":[{}]}", CENV_EUSAGE, "specs must be a list of specs", ""},
        {"{\"locked\":[7]}", CENV_EUSAGE, "locked must be a list of specs or records",
         ""},
        {"{\"specs\":[\"num*\"]}", CENV_ESPEC, "'num*' does not name one package", ""},
        {"{\"specs\":[\"*\"]}", CENV_ESPEC, "'*' does not name one package", ""},
        {"{\"specs\":[\"[build=x]\"]}", CENV_ESPEC, "a package name is missing",
         "write * for a package of any name"},
        {"{\"specs\":[\"num*[build=x]\"]}", CENV_ESPEC,
         "'num*[build=x]' does not name one package", ""},
        {"{\"pinned\":[\"*[build=x]\"]}", CENV_ESPEC,
         "'*[build=x]' does not name one package", ""},
        {"{\"locked\":[\"*[build=x]\"]}", CENV_ESPEC,
         "'*[build=x]' does not name one package", ""},
        {"{\"favored\":[\"mkl@\"]}", CENV_ESPEC, "'mkl@' does not name one package",
         ""},
        {"{\"specs\":[\"a >=\"]}", CENV_ESPEC, "a >=", ""},
        {"{\"specs\":[\"a[buildx=0]\"]}", CENV_ESPEC, "buildx",
         "extras of a package are written"},
        {"{\"add_pip\":1}", CENV_EUSAGE, "'add_pip' of solve must be true or false",
         ""},
        {"{\"channel_priority\":\"odd\"}", CENV_EUSAGE, "not 'odd'", ""},
        {"{\"virtual_packages\":[[\"__x\"]]}", CENV_EUSAGE,
         "a list of [name, version, build]", ""},
        {"{\"virtual_packages\":[[\"__x\",\"!\"]]}", CENV_ESPEC, "virtual package __x",
         ""},
    };
    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        struct fixture f;
        check_case(cases[i].json);
        CHECK_INT(parse(&f, cases[i].json), cases[i].rc);
        if (!CHECK(strstr(f.err.message, cases[i].message)) ||
            !CHECK(strstr(f.err.hint, cases[i].hint)))
            fprintf(stderr, "    %s (%s)\n", f.err.message, f.err.hint);
        release(&f);
    }
}

static void test_request__reads_times(void)
{
    static const struct {
        const char *json;
        int64_t ms;
        const char *text;
    } cases[] = {
        {"{\"exclude_newer\":1500}", 1500, "1500 ms"},
        {"{\"exclude_newer\":null}", INT64_MAX, ""},
        {"{\"exclude_newer\":\"1970-01-01\"}", 86399999, "1970-01-01"},
        {"{\"exclude_newer\":\"2000-02-29\"}", 951868799999, "2000-02-29"},
        {"{\"exclude_newer\":\"2021-12-12T10:20\"}", 1639304400000, "2021-12-12T10:20"},
        {"{\"exclude_newer\":\"2021-12-12T10:20:30.5Z\"}", 1639304430500,
         "2021-12-12T10:20:30.5Z"},
        {"{\"exclude_newer\":\"2021-13-01\"}", -1, ""},
        {"{\"exclude_newer\":\"2021-12-12T25:00\"}", -1, ""},
        {"{\"exclude_newer\":\"2021-12-12x\"}", -1, ""},
        {"{\"exclude_newer\":\"\"}", -1, ""},
        {"{\"exclude_newer\":[]}", -1, ""},
    };
    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        struct fixture f;
        check_case(cases[i].json);
        CHECK_INT(parse(&f, cases[i].json), cases[i].ms < 0 ? CENV_EUSAGE : 0);
        if (cases[i].ms >= 0) {
            CHECK_INT(f.request.cutoffs.ms, cases[i].ms);
            CHECK(is(f.request.cutoffs.text, cases[i].text));
        }
        release(&f);
    }
}

static void test_request__finds_virtual_packages(void)
{
    struct fixture f;
    CHECK_INT(parse(&f, "{\"virtual_packages\":[[\"__unix\",\"0\",\"0\"],"
                        "[\"__glibc\",\"2.36\",null]]}"),
              0);
    const struct cenv_record *glibc =
        cenv_request_virtual(&f.request, CENV_STR("__glibc"));
    if (CHECK(glibc)) {
        CHECK(is(glibc->version, "2.36"));
        CHECK(is(glibc->build, "0"));
    }
    CHECK(!cenv_request_virtual(&f.request, CENV_STR("__osx")));
    release(&f);
}

int main(void)
{
    RUN(test_request__lists_entries_in_order);
    RUN(test_request__takes_specs_without_a_name);
    RUN(test_request__refuses);
    RUN(test_request__reads_times);
    RUN(test_request__finds_virtual_packages);
    return check_report();
}
