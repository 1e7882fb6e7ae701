/* SPDX-License-Identifier: BSD-3-Clause */
/* Plans of synthetic packages: conflicts, links to directories, what cannot be. */
#include "base/digest.h"

#include "check.h"
#include "package.h"

static void test_plan__bad_metadata_is_refused(void)
{
    static const struct {
        const char *label, *paths, *link, *says;
    } cases[] = {
        {"too new", "{\"paths_version\":2,\"paths\":[]}", NULL, "too new"},
        {"mode",
         "{\"paths_version\":1,\"paths\":[{\"_path\":\"a\",\"file_mode\":\"odd\"}]}",
         NULL, "unknown file_mode 'odd'"},
        {"type",
         "{\"paths_version\":1,\"paths\":[{\"_path\":\"a\",\"path_type\":\"odd\"}]}",
         NULL, "unknown path_type 'odd'"},
        {"escape", "{\"paths_version\":1,\"paths\":[{\"_path\":\"../a\"}]}", NULL,
         "'../a'"},
        {"absolute", "{\"paths_version\":1,\"paths\":[{\"_path\":\"/a\"}]}", NULL,
         "'/a'"},
        {"missing", "{\"paths_version\":1,\"paths\":[{\"_path\":\"b\"}]}", NULL,
         "is missing"},
        {"size",
         "{\"paths_version\":1,\"paths\":[{\"_path\":\"a\",\"size_in_bytes\":9}]}",
         NULL, "another size"},
        {"not json", "{", NULL, "paths.json"},
        {"link.json", "{\"paths_version\":1,\"paths\":[]}",
         "{\"package_metadata_version\":2}", "link.json"},
    };
    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        struct scratch s = scratch_open();
        struct package p = package_begin(&s, "a", "1", "");
        check_case(cases[i].label);
        package_file(&p, "a", "x", 0644);
        struct cenv_link_package package = package_end(&p);
        package_info(&p, "paths.json", cases[i].paths);
        if (cases[i].link)
            package_info(&p, "link.json", cases[i].link);
        struct linked l = link_packages(&s, "env", "/D", &package, 1, plain_link);
        CHECK_INT(l.rc, CENV_EINTEGRITY);
        CHECK(strstr(l.err.message, cases[i].says) ||
              strstr(l.err.hint, cases[i].says));
        CHECK(strstr(l.err.message, "a-1-0") != NULL);
        CHECK_INT(rmdir(scratch_path(&s, "env")), 0);
        linked_release(&l);
        scratch_close(&s);
    }
}

static void test_plan__noarch_python_needs_python(void)
{
    static const struct {
        const char *label, *python, *point;
        int rc;
        const char *says;
    } cases[] = {
        {"no python", NULL, "c = n:m", CENV_ELINK, "no python"},
        {"escape", ",\"python_site_packages_path\":\"../out\"", "c = n:m", CENV_ELINK,
         "../out"},
        {"evil", "", "../evil = a:b", CENV_EINTEGRITY, "../evil"},
    };
    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        struct scratch s = scratch_open();
        struct package py, p = package_begin(&s, "n", "1", "");
        struct cenv_link_package packages[2];
        size_t nr = 0;
        char link[256];
        check_case(cases[i].label);
        if (cases[i].python)
            packages[nr++] = package_python(&py, &s, "3.13.1", cases[i].python);
        package_file(&p, "site-packages/n.py", "", 0644);
        packages[nr++] = package_end(&p);
        snprintf(link, sizeof(link),
                 "{\"package_metadata_version\":1,\"noarch\":{\"type\":\"python\","
                 "\"entry_points\":[\"%s\"]}}",
                 cases[i].point);
        package_info(&p, "link.json", link);
        struct linked l = link_packages(&s, "env", "/D", packages, nr, plain_link);
        CHECK_INT(l.rc, cases[i].rc);
        CHECK(strstr(l.err.message, cases[i].says) != NULL);
        CHECK_INT(rmdir(scratch_path(&s, "env")), 0);
        linked_release(&l);
        scratch_close(&s);
    }
}

static void test_plan__later_package_wins_a_path(void)
{
    struct scratch s = scratch_open();
    struct package a = package_begin(&s, "a", "1", ""),
                   b = package_begin(&s, "b", "1", "");
    struct cenv_link_package packages[2];
    package_file(&a, "lib/same", "from a", 0644);
    packages[0] = package_end(&a);
    package_file(&b, "lib/same", "from b, longer", 0644);
    packages[1] = package_end(&b);
    struct linked l = link_packages(&s, "env", "/D", packages, 2, plain_link);
    char digest[CENV_DIGEST_HEX_MAX], want[128];

    CHECK_INT(l.rc, 0);
    CHECK_STR(scratch_text(&s, "env/lib/same"), "from b, longer");
    CHECK(l.stats.nr_warnings == 1 && strstr(l.stats.warnings[0], "lib/same") &&
          strstr(l.stats.warnings[0], "a-1-0") && strstr(l.stats.warnings[0], "b-1-0"));
    cenv_digest_sha256_hex(CENV_STR("from b, longer"), digest);
    snprintf(want, sizeof(want), "\"sha256_in_prefix\": \"%s\"", digest);
    CHECK(strstr(scratch_text(&s, "env/conda-meta/a-1-0.json"), want) != NULL);
    CHECK(strstr(scratch_text(&s, "env/conda-meta/b-1-0.json"), want) != NULL);
    linked_release(&l);
    scratch_close(&s);
}

static void test_plan__files_below_a_link_go_where_it_leads(void)
{
    struct scratch s = scratch_open();
    struct package a = package_begin(&s, "a", "1", ""),
                   b = package_begin(&s, "b", "1", "");
    struct cenv_link_package packages[2];
    package_file(&a, "usr/lib/one", "1", 0644);
    package_link(&a, "lib64", "usr/lib64", "");
    package_link(&a, "usr/lib64", "lib", "");
    packages[0] = package_end(&a);
    package_file(&b, "lib64/two", "2", 0644);
    package_file(&b, "lib64/sub/three", "3", 0644);
    package_file(&b, "lib64/one", "other", 0644);
    packages[1] = package_end(&b);
    struct linked l = link_packages(&s, "env", "/D", packages, 2, plain_link);

    CHECK_INT(l.rc, 0);
    CHECK_STR(scratch_text(&s, "env/usr/lib/two"), "2");
    CHECK_STR(scratch_text(&s, "env/usr/lib/sub/three"), "3");
    CHECK_STR(scratch_text(&s, "env/usr/lib/one"), "other");
    CHECK(S_ISLNK(scratch_stat(&s, "env/lib64").st_mode));
    CHECK(strstr(scratch_text(&s, "env/conda-meta/b-1-0.json"), "\"lib64/two\"") !=
          NULL);
    CHECK_INT(l.stats.nr_warnings, 1);
    linked_release(&l);
    scratch_close(&s);
}

/* Three packages in link order, and what lies there in the end; "d/" is an empty directory. */
static const struct {
    const char *label, *has[3][3], *there[4], *gone[3];
    unsigned warnings;
} nestings[] = {
    {"a file, then a directory", {{"x", "y"}, {"x/a"}}, {"x/a", "y"}, {0}, 1},
    {"a directory, then a file",
     {{"x/a", "x/b/c", "y"}, {"x"}},
     {"x", "y"},
     {"x/a", "x/b"},
     1},
    {"a directory, a file, a directory",
     {{"x/a"}, {"x"}, {"x/b"}},
     {"x/b"},
     {"x/a"},
     1},
    {"a file, a directory, a file", {{"x"}, {"x/a/b"}, {"x"}}, {"x"}, {"x/a"}, 2},
    {"one in the other", {{"x/a", "z"}, {"x/a/b"}, {"x"}}, {"x", "z"}, {"x/a"}, 1},
    {"a directory of a file that was one",
     {{"x/a"}, {"x"}, {"x/a/b"}},
     {"x/a/b"},
     {0},
     1},
    {"a name that only begins so",
     {{"x"}, {"xy/a"}, {"x.d/b"}},
     {"x", "xy/a", "x.d/b"},
     {0},
     0},
};

static void test_plan__later_of_file_and_directory_wins(void)
{
    for (size_t i = 0; i < CHECK_NR(nestings); i++) {
        static const char *const names[] = {"a", "b", "c"};
        struct scratch s = scratch_open();
        struct cenv_link_package packages[3];
        struct package made[3];
        check_case(nestings[i].label);
        for (int k = 0; k < 3; k++) {
            made[k] = package_begin(&s, names[k], "1", "");
            for (int n = 0; n < 3 && nestings[i].has[k][n]; n++)
                package_file(&made[k], nestings[i].has[k][n], names[k], 0644);
            packages[k] = package_end(&made[k]);
        }
        struct linked l = link_packages(&s, "env", "/D", packages, 3, plain_link);
        if (!CHECK_INT(l.rc, 0))
            fprintf(stderr, "    %s\n", l.err.message);
        char path[64], listed[64];
        for (int n = 0; n < 4 && nestings[i].there[n]; n++) {
            snprintf(path, sizeof(path), "env/%s", nestings[i].there[n]);
            CHECK(S_ISREG(scratch_stat(&s, path).st_mode));
        }
        for (int n = 0; n < 3 && nestings[i].gone[n]; n++) {
            snprintf(path, sizeof(path), "env/%s", nestings[i].gone[n]);
            CHECK(!scratch_has(&s, path));
            snprintf(listed, sizeof(listed), "\"%s\"", nestings[i].gone[n]);
            CHECK(!strstr(scratch_text(&s, "env/conda-meta/a-1-0.json"), listed));
        }
        CHECK_INT(l.stats.nr_warnings, nestings[i].warnings);
        for (size_t n = 0; n < l.stats.nr_warnings; n++)
            CHECK(strstr(l.stats.warnings[n], "the latter's is used"));
        linked_release(&l);
        scratch_close(&s);
    }
}

static void test_plan__refuses_conflicts(void)
{
    static const struct {
        const char *label, *link, *file_a, *file_b, *says;
    } cases[] = {
        {"conda-meta itself", NULL, "q", "conda-meta", "not its to write"},
        {"link outside", "../../etc", "d", "d/passwd", "leaves the prefix"},
        {"absolute link", "/etc", "d", "d/passwd", "leaves the prefix"},
        {"loop", "d", "d", "d/f", "loop"},
        {"history", NULL, "q", "conda-meta/history", "not its to write"},
        {"record", NULL, "q", "conda-meta/a-1-0.json", "not its to write"},
    };
    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        struct scratch s = scratch_open();
        struct package a = package_begin(&s, "a", "1", ""),
                       b = package_begin(&s, "b", "1", "");
        struct cenv_link_package packages[2];
        check_case(cases[i].label);
        if (cases[i].link)
            package_link(&a, cases[i].file_a, cases[i].link, "");
        else
            package_file(&a, cases[i].file_a, "1", 0644);
        packages[0] = package_end(&a);
        package_file(&b, cases[i].file_b, "2", 0644);
        packages[1] = package_end(&b);
        struct linked l = link_packages(&s, "env", "/D", packages, 2, plain_link);
        CHECK_INT(l.rc, CENV_ELINK);
        CHECK(strstr(l.err.message, cases[i].says) != NULL);
        CHECK_INT(rmdir(scratch_path(&s, "env")), 0);
        linked_release(&l);
        scratch_close(&s);
    }
}

int main(void)
{
    RUN(test_plan__bad_metadata_is_refused);
    RUN(test_plan__noarch_python_needs_python);
    RUN(test_plan__later_package_wins_a_path);
    RUN(test_plan__files_below_a_link_go_where_it_leads);
    RUN(test_plan__later_of_file_and_directory_wins);
    RUN(test_plan__refuses_conflicts);
    return check_report();
}
