/* SPDX-License-Identifier: BSD-3-Clause */
/* Bytecode from link to link, by way of the store. */
#include "base/digest.h"
#include "cenv.h"

#include "check.h"
#include "package.h"

static struct linked link_noarch(struct scratch *s, const char *dir,
                                 struct cenv_store *store, enum cenv_place_mode mode)
{
    char digest[CENV_DIGEST_HEX_MAX], extra[128];
    struct cenv_link_package packages[2];
    struct cenv_link_options options = {.store = store, .mode = mode};
    nftw(scratch_path(s, "pkgs"), scratch_rm, 32, FTW_DEPTH | FTW_PHYS);
    cenv_digest_sha256_hex(CENV_STR("any"), digest);
    snprintf(extra, sizeof(extra), ",\"sha256\":\"%s\"", digest);
    struct package py = package_begin(s, "python", "3.13.1", extra);
    package_file(&py, "bin/python3.13", fake_python, 0755);
    packages[0] = package_end(&py);
    struct package p = package_begin(s, "n", "1", extra);
    package_file(&p, "site-packages/n/__init__.py", "x = 1\n", 0644);
    package_file(&p, "site-packages/n/bad.py", "no python\n", 0644);
    package_data(&p, "site-packages/n/where.py", PLACEHOLDER, PLACEHOLDER_LEN, 0644,
                 TEXT_KEYS);
    packages[1] = package_end(&p);
    package_info(&p, "link.json",
                 "{\"package_metadata_version\":1,\"noarch\":{\"type\":\"python\"}}");
    return link_packages(s, dir, "/D", packages, 2, options);
}

static void test_bytecode__is_compiled_once(void)
{
    struct scratch s = scratch_open();
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_store *store = NULL;
    static const char *const dirs[] = {"one", "two", "three"};
    char path[128], one[65536];
    CHECK_INT(cenv_store_open(&store, scratch_path(&s, "store"), &err), 0);
    for (size_t i = 0; i < CHECK_NR(dirs); i++) {
        struct linked l = link_noarch(&s, dirs[i], store,
                                      i == 1 ? CENV_PLACE_HARDLINK : CENV_PLACE_COPY);
        check_case(dirs[i]);
        CHECK_INT(l.rc, 0);
        CHECK_INT(l.stats.compiled, 2);
        CHECK_INT(l.stats.nr_warnings, 0);
        snprintf(path, sizeof(path),
                 "%s/" SITE "n/__pycache__/__init__.cpython-313.pyc", dirs[i]);
        CHECK_STR(scratch_text(&s, path), "code of " SITE "n/__init__.py\n");
        CHECK_INT(scratch_stat(&s, path).st_nlink, i == 1 ? 2 : 1);
        snprintf(path, sizeof(path), "%s/" SITE "n/__pycache__/where.cpython-313.pyc",
                 dirs[i]);
        CHECK_STR(scratch_text(&s, path), "code of " SITE "n/where.py\n");
        snprintf(path, sizeof(path), "%s/" SITE "n/__pycache__/bad.cpython-313.pyc",
                 dirs[i]);
        CHECK(!scratch_has(&s, path));
        snprintf(path, sizeof(path), "%s/conda-meta/n-1-0.json", dirs[i]);
        if (i == 0)
            snprintf(one, sizeof(one), "%s", scratch_text(&s, path));
        CHECK(strstr(scratch_text(&s, path), "pyc_file") != NULL);
        CHECK(i != 2 || !strcmp(scratch_text(&s, path), one));
        linked_release(&l);
    }
    CHECK_STR(scratch_text(&s, "runs"),
              "run\nrun\nrun\n"); /* for the relocated file only */
    cenv_store_free(store);
    scratch_close(&s);
}

/* By as many interpreters as there are threads, each with its share. */
static void test_bytecode__of_many_sources_is_compiled_side_by_side(void)
{
    enum { NR = 100 };
    struct scratch s = scratch_open();
    struct cenv_link_package packages[2];
    struct cenv_link_options options = {.threads = 2};
    char path[64];

    struct package py = package_begin(&s, "python", "3.13.1", "");
    package_file(&py, "bin/python3.13", fake_python, 0755);
    packages[0] = package_end(&py);
    struct package p = package_begin(&s, "n", "1", "");
    for (int i = 0; i < NR; i++) {
        snprintf(path, sizeof(path), "site-packages/n/m%d.py", i);
        package_file(&p, path, "x = 1\n", 0644);
    }
    packages[1] = package_end(&p);
    package_info(&p, "link.json",
                 "{\"package_metadata_version\":1,\"noarch\":{\"type\":\"python\"}}");
    struct linked l = link_packages(&s, "env", "/D", packages, 2, options);
    CHECK_INT(l.rc, 0);
    CHECK_INT(l.stats.compiled, NR);
    CHECK_INT(l.stats.nr_warnings, 0);
    CHECK_STR(scratch_text(&s, "runs"), "run\nrun\n");
    CHECK(!scratch_has(&s, "env/.cenv-compile-list0"));
    CHECK(!scratch_has(&s, "env/.cenv-compile-list1"));
    linked_release(&l);
    scratch_close(&s);
}

/* `p` holds the record of what is returned. */
static struct cenv_link_package noarch(const struct scratch *s, const char *name,
                                       struct package *p)
{
    char digest[CENV_DIGEST_HEX_MAX], extra[128], path[64];

    cenv_digest_sha256_hex(cenv_str(name), digest);
    snprintf(extra, sizeof(extra), ",\"sha256\":\"%s\"", digest);
    *p = package_begin(s, name, "3.13.1", extra);
    if (!strcmp(name, "python"))
        package_file(p, "bin/python3.13", fake_python, 0755);
    for (int i = 0; i < 20 && strcmp(name, "python") != 0; i++) {
        snprintf(path, sizeof(path), "site-packages/%s/m%d.py", name, i);
        package_file(p, path, "x = 1\n", 0644);
    }
    struct cenv_link_package ended = package_end(p);
    if (strcmp(name, "python") != 0)
        package_info(
            p, "link.json",
            "{\"package_metadata_version\":1,\"noarch\":{\"type\":\"python\"}}");
    return ended;
}

/* Of several packages side by side; whole, since nothing is compiled the second time. */
static void test_bytecode__of_all_packages_is_kept(void)
{
    static const char *const dirs[] = {"one", "two"};
    static const char *const names[] = {"python", "a", "b", "c"};
    struct scratch s = scratch_open();
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_store *store = NULL;
    CHECK_INT(cenv_store_open(&store, scratch_path(&s, "store"), &err), 0);
    for (size_t i = 0; i < CHECK_NR(dirs); i++) {
        struct cenv_link_options options = {.store = store, .threads = 3};
        struct cenv_link_package packages[CHECK_NR(names)];
        struct package made[CHECK_NR(names)];
        nftw(scratch_path(&s, "pkgs"), scratch_rm, 32, FTW_DEPTH | FTW_PHYS);
        for (size_t j = 0; j < CHECK_NR(names); j++)
            packages[j] = noarch(&s, names[j], &made[j]);
        struct linked l = link_packages(&s, dirs[i], "/D", packages, 4, options);
        CHECK_INT(l.rc, 0);
        CHECK_INT(l.stats.compiled, 60);
        CHECK_STR(scratch_text(&s, "runs"), "run\nrun\n"); /* of the first link */
        linked_release(&l);
    }
    CHECK_STR(scratch_text(&s, "two/" SITE "c/__pycache__/m19.cpython-313.pyc"),
              "code of " SITE "c/m19.py\n");
    cenv_store_free(store);
    scratch_close(&s);
}

/* A python that tells how many bytes of sources it was given. */
static const char weighing_python[] =
    "#!/bin/sh\n"
    "for list; do :; done\n"
    "echo $(cat $(cat $list) | wc -c) >> ../weights\n";

/* By size: every other source is large, and a turn each would give all of these to one. */
static void test_bytecode__shares_are_alike(void)
{
    enum { NR = 100, LARGE = 8000 };
    struct scratch s = scratch_open();
    struct cenv_link_package packages[2];
    struct cenv_link_options options = {.threads = 2};
    char path[64], large[LARGE + 1];
    unsigned weights[2] = {0};

    memset(large, '#', LARGE);
    large[LARGE] = '\0';
    struct package py = package_begin(&s, "python", "3.13.1", "");
    package_file(&py, "bin/python3.13", weighing_python, 0755);
    packages[0] = package_end(&py);
    struct package p = package_begin(&s, "n", "1", "");
    for (int i = 0; i < NR; i++) {
        snprintf(path, sizeof(path), "site-packages/n/m%02d.py", i);
        package_file(&p, path, i % 2 ? "x = 1\n" : large, 0644);
    }
    packages[1] = package_end(&p);
    package_info(&p, "link.json",
                 "{\"package_metadata_version\":1,\"noarch\":{\"type\":\"python\"}}");
    struct linked l = link_packages(&s, "env", "/D", packages, 2, options);
    CHECK_INT(l.rc, 0);
    CHECK_INT(sscanf(scratch_text(&s, "weights"), "%u %u", &weights[0], &weights[1]),
              2);
    CHECK_INT(weights[0] + weights[1], NR / 2 * (LARGE + 6));
    CHECK(weights[0] <= weights[1] + LARGE && weights[1] <= weights[0] + LARGE);
    linked_release(&l);
    scratch_close(&s);
}

static void test_bytecode__altered_is_compiled_again(void)
{
    struct scratch s = scratch_open();
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_store *store = NULL;
    CHECK_INT(cenv_store_open(&store, scratch_path(&s, "store"), &err), 0);
    struct linked l = link_noarch(&s, "one", store, CENV_PLACE_HARDLINK);
    linked_release(&l);
    l = link_noarch(&s, "two", store, CENV_PLACE_HARDLINK);
    linked_release(&l);
    /* two shares its inode with the store: somebody writes in place */
    scratch_file(&s, "two/" SITE "n/__pycache__/__init__.cpython-313.pyc", "spoiled",
                 0644);
    l = link_noarch(&s, "three", store, CENV_PLACE_HARDLINK);
    CHECK_INT(l.rc, 0);
    CHECK_STR(scratch_text(&s, "three/" SITE "n/__pycache__/__init__.cpython-313.pyc"),
              "code of " SITE "n/__init__.py\n");
    linked_release(&l);
    cenv_store_free(store);
    scratch_close(&s);
}

int main(void)
{
    RUN(test_bytecode__is_compiled_once);
    RUN(test_bytecode__of_many_sources_is_compiled_side_by_side);
    RUN(test_bytecode__of_all_packages_is_kept);
    RUN(test_bytecode__shares_are_alike);
    RUN(test_bytecode__altered_is_compiled_again);
    return check_report();
}
