/* SPDX-License-Identifier: BSD-3-Clause */
/* Paths as bytes. */
#include "base/alloc.h"
#include "check.h"
#include "os/path.h"

static void check_span(struct cenv_str got, const char *want)
{
    CHECK_INT(got.len, strlen(want));
    CHECK_MEM(got.data, want, strlen(want));
}

static void test_path__join(void)
{
    static const struct {
        const char *a, *b, *want;
    } cases[] = {
        {"a", "b", "a/b"}, {"a/", "b", "a/b"}, {"", "b", "b"},
        {"a", "/b", "/b"}, {"/", "b", "/b"},
    };
    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        char *got = cenv_path_join(cases[i].a, cases[i].b);
        check_case(cases[i].want);
        CHECK_STR(got, cases[i].want);
        cenv_free(got);
    }
}

static void test_path__parent_and_base(void)
{
    static const struct {
        const char *path, *parent, *base;
    } cases[] = {
        {"a/b", "a", "b"},  {"b", "", "b"},     {"/b", "/", "b"},
        {"a/b/", "a", "b"}, {"a//b", "a", "b"}, {"/a/b/c", "/a/b", "c"},
        {"/", "/", ""},
    };
    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        check_case(cases[i].path);
        check_span(cenv_path_parent(cenv_str(cases[i].path)), cases[i].parent);
        check_span(cenv_path_base(cenv_str(cases[i].path)), cases[i].base);
    }
}

static void test_path__clean(void)
{
    static const char *const cases[][2] = {
        {"/a/./b//c/..", "/a/b"},
        {"..", ".."},
        {"../a", "../a"},
        {"a/../..", ".."},
        {"", "."},
        {"/..", "/"},
        {"a/..", "."},
        {"/a/../../b", "/b"},
        {"../../x/..", "../.."},
        {"a/b/../../c", "c"},
        {"./", "."},
    };
    struct cenv_buf out;
    cenv_buf_init(&out, 4096);
    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        check_case(cases[i][0]);
        cenv_buf_clear(&out);
        CHECK(cenv_path_clean(cenv_str(cases[i][0]), &out));
        CHECK_STR(out.data, cases[i][1]);
    }
    cenv_buf_release(&out);
}

static void test_path__relative(void)
{
    static const char *const cases[][3] = {
        {"/a/b", "/a/c/d", "../c/d"},
        {"/a", "/a", "."},
        {"/a/b", "/a", ".."},
        {"/a", "/a/b", "b"},
        {"/", "/a", "a"},
        {"/a/b", "/", "../.."},
        {"/ab", "/a", "../a"},
        {"/a/bc", "/a/bd", "../bd"},
    };
    struct cenv_buf out;
    cenv_buf_init(&out, 4096);
    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        check_case(cases[i][2]);
        cenv_buf_clear(&out);
        CHECK(cenv_path_relative(cenv_str(cases[i][0]), cenv_str(cases[i][1]), &out));
        CHECK_STR(out.data, cases[i][2]);
    }
    cenv_buf_release(&out);
}

static void test_path__inside(void)
{
    CHECK(cenv_path_is_inside(CENV_STR("/a/b"), CENV_STR("/a")));
    CHECK(cenv_path_is_inside(CENV_STR("/a"), CENV_STR("/a")));
    CHECK(cenv_path_is_inside(CENV_STR("/a"), CENV_STR("/")));
    CHECK(!cenv_path_is_inside(CENV_STR("/ab"), CENV_STR("/a")));
    CHECK(!cenv_path_is_inside(CENV_STR("/"), CENV_STR("/a")));
}

static void test_path__refuses_what_packages_must_not_name(void)
{
    static const char *const bad[] = {"",    "/a", "a/../b", "..",   "a//b", "./a",
                                      "a/.", "a/", "a\nb",   "\x7f", "a/..", "."};
    static const char *const good[] = {"a",       "a/b",     "a b",
                                       "..a/b..", ".hidden", "\xc3\xa9"};
    for (size_t i = 0; i < CHECK_NR(bad); i++) {
        check_case(bad[i]);
        CHECK(cenv_path_refused(cenv_str(bad[i])) != NULL);
    }
    for (size_t i = 0; i < CHECK_NR(good); i++) {
        check_case(good[i]);
        CHECK(cenv_path_refused(cenv_str(good[i])) == NULL);
    }
    CHECK(cenv_path_refused(cenv_str_n("a\0b", 3)) != NULL);
    char name[300];
    memset(name, 'x', sizeof(name));
    CHECK(cenv_path_refused(cenv_str_n(name, 255)) == NULL);
    CHECK(cenv_path_refused(cenv_str_n(name, 256)) != NULL);
    char deep[2 * CENV_PATH_DEPTH_MAX + 2];
    for (size_t i = 0; i < sizeof(deep); i++)
        deep[i] = i % 2 ? '/' : 'a';
    size_t most = 2 * CENV_PATH_DEPTH_MAX - 1; /* "a/a/.../a" */
    CHECK_INT(cenv_path_depth(cenv_str_n(deep, most)), CENV_PATH_DEPTH_MAX);
    CHECK(cenv_path_refused(cenv_str_n(deep, most)) == NULL);
    CHECK_STR(cenv_path_refused(cenv_str_n(deep, most + 2)), "is nested too deeply");
}

static void test_path__normalise(void)
{
    static const char *const cases[][2] = {
        {"./a", "a"}, {"a//b/", "a/b"}, {"./", ""},   {"a/./b", "a/b"},
        {".", ""},    {"a/..", NULL},   {"/a", NULL}, {"a\tb", NULL},
    };
    struct cenv_buf out;
    cenv_buf_init(&out, 4096);
    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        check_case(cases[i][0]);
        cenv_buf_clear(&out);
        cenv_buf_puts(&out, "kept:");
        const char *why = cenv_path_normalise(cenv_str(cases[i][0]), &out);
        CHECK((why == NULL) == (cases[i][1] != NULL));
        CHECK_STR(out.data + 5, cases[i][1] ? cases[i][1] : "");
    }
    cenv_buf_release(&out);
}

static void test_path__links_stay(void)
{
    static const struct {
        const char *path, *target;
        bool stays;
    } cases[] = {
        {"lib/a", "b", true},
        {"lib/a", "../bin/b", true},
        {"lib/a", "../../b", false},
        {"a", "..", false},
        {"a", "/etc/passwd", false},
        {"a/b/c", "../../x/../../y", false},
        {"a/b/c", "../../x/../y", true},
        {"a", "", false},
    };
    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        check_case(cases[i].target);
        CHECK_INT(
            cenv_path_link_stays(cenv_str(cases[i].path), cenv_str(cases[i].target)),
            cases[i].stays);
    }
}

int main(void)
{
    RUN(test_path__join);
    RUN(test_path__parent_and_base);
    RUN(test_path__clean);
    RUN(test_path__relative);
    RUN(test_path__inside);
    RUN(test_path__refuses_what_packages_must_not_name);
    RUN(test_path__normalise);
    RUN(test_path__links_stay);
    return check_report();
}
