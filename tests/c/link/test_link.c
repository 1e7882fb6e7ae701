/* SPDX-License-Identifier: BSD-3-Clause */
/* Links of synthetic packages: placeholders, times, modes, conflicts, records, scripts. */
#include "base/alloc.h"
#include "cenv.h"
#include "codec/json.h"
#include "link/plan_check.h"
#include "prefix/history.h"
#include "prefix/prefix_records.h"
#include "relocate/splice.h"

#include "check.h"
#include "package.h"

static const struct cenv_link_options plain = {.mode = CENV_PLACE_COPY, .threads = 2};

static struct stat stat_of(const struct scratch *s, const char *path)
{
    struct stat st = {0};
    if (fstatat(s->fd, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
        perror(path);
    return st;
}

static bool is_there(const struct scratch *s, const char *path)
{
    return faccessat(s->fd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* ---- prefixes in files (A01 - A10) ---- */

static void test_link__text_and_binary(void)
{
    static const char zeros[PLACEHOLDER_LEN] = {0};
    const char binary[] = "ab " PLACEHOLDER "/lib:" PLACEHOLDER "/bin\0Z";
    struct scratch s = scratch_open();
    struct package p = package_begin(&s, "a", "1", "");
    package_data(&p, "etc/x", "x=" PLACEHOLDER "/lib:" PLACEHOLDER "/bin",
                 2 + 2 * (PLACEHOLDER_LEN + 4) + 1, 0644, TEXT_KEYS);
    package_data(&p, "bin/x", binary, sizeof(binary) - 1, 0755, BINARY_KEYS);
    package_data(&p, "etc/none", "nothing here", 12, 0640, TEXT_KEYS);
    struct cenv_link_package package = package_end(&p);
    struct linked l = link_packages(&s, "env", "/short/D", &package, 1, plain);

    CHECK_INT(l.rc, 0);
    CHECK_STR(scratch_text(&s, "env/etc/x"), "x=/short/D/lib:/short/D/bin");
    const char *got = scratch_text(&s, "env/bin/x");
    const char want[] = "ab /short/D/lib:/short/D/bin";
    size_t pad = 2 * (PLACEHOLDER_LEN - 8) + 1;
    CHECK_MEM(got, want, sizeof(want) - 1);
    CHECK_MEM(got + sizeof(want) - 1, zeros, pad < sizeof(zeros) ? pad : sizeof(zeros));
    CHECK(got[sizeof(want) - 1 + pad] == 'Z');
    CHECK_INT(stat_of(&s, "env/bin/x").st_size, sizeof(binary) - 1);
    CHECK_INT(stat_of(&s, "env/etc/none").st_mtime, PACKAGE_TIME); /* not rewritten */
    CHECK_INT(stat_of(&s, "env/etc/none").st_mode & 07777, 0640);
    CHECK_INT(stat_of(&s, "env/etc/x").st_mtime, PACKAGE_TIME + 1);
    CHECK_INT(l.stats.relocated, 2);
    linked_release(&l);
    scratch_close(&s);
}

static void test_link__prefix_longer_than_placeholder(void)
{
    char equal[PLACEHOLDER_LEN + 1], longer[PLACEHOLDER_LEN + 2];
    const char *with = "q" PLACEHOLDER "/x", *without = "nothing to replace";
    struct {
        const char *target, *binary;
        int rc;
    } cases[] = {{equal, with, 0}, {longer, with, CENV_EPREFIX}, {longer, without, 0}};

    memset(equal, 'd', sizeof(equal));
    memset(longer, 'd', sizeof(longer));
    equal[0] = longer[0] = '/';
    equal[PLACEHOLDER_LEN] = longer[PLACEHOLDER_LEN + 1] = '\0';
    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        struct scratch s = scratch_open();
        struct package p = package_begin(&s, "a", "1", "");
        package_data(&p, "etc/t", PLACEHOLDER, PLACEHOLDER_LEN, 0644, TEXT_KEYS);
        package_data(&p, "lib/b", cases[i].binary, strlen(cases[i].binary) + 1, 0755,
                     BINARY_KEYS);
        struct cenv_link_package package = package_end(&p);
        struct linked l = link_packages(&s, "env", cases[i].target, &package, 1, plain);
        CHECK_INT(l.rc, cases[i].rc);
        if (cases[i].rc) {
            CHECK(strstr(l.err.message, "lib/b") != NULL);
            CHECK(strstr(l.err.message, "40") && strstr(l.err.message, "41"));
            CHECK(l.err.hint[0] != '\0');
            CHECK_INT(rmdir(scratch_path(&s, "env")), 0); /* nothing was created */
        } else {
            CHECK_STR(scratch_text(&s, "env/etc/t"), cases[i].target);
        }
        linked_release(&l);
        scratch_close(&s);
    }
}

static void test_link__legacy_package(void)
{
    struct scratch s = scratch_open();
    struct package p = package_begin(&s, "old", "1", "");
    char has_prefix[512], text[64] = "/opt/";
    for (int i = 1; i <= 3; i++)
        snprintf(text + strlen(text), 32, "anaconda%d", i);
    package_file(&p, "bin/plain", text, 0755);
    package_file(&p, "share/my file", "see " PLACEHOLDER, 0644);
    package_data(&p, "lib/b", PLACEHOLDER "/q\0", PLACEHOLDER_LEN + 3, 0644, "");
    package_file(&p, "etc/copied", "c", 0644);
    package_link(&p, "lib/link", "b", "");
    struct cenv_link_package package = package_end(&p);
    snprintf(has_prefix, sizeof(has_prefix),
             "# comment\nbin/plain\n" PLACEHOLDER
             " text \"share/my file\"\n" PLACEHOLDER " binary lib/b\n");
    package_info(&p, "has_prefix", has_prefix);
    package_info(&p, "no_link", "etc/copied\n");
    package_info(&p, "files",
                 "bin/plain\nshare/my file\nlib/b\netc/copied\nlib/link\n");
    unlink(scratch_path(&s, "pkgs/old/info/paths.json"));
    struct cenv_link_options options = {.mode = CENV_PLACE_HARDLINK};
    struct linked l = link_packages(&s, "env", "/D", &package, 1, options);

    CHECK_INT(l.rc, 0);
    CHECK_STR(scratch_text(&s, "env/bin/plain"), "/D");
    CHECK_STR(scratch_text(&s, "env/share/my file"), "see /D");
    CHECK_STR(scratch_text(&s, "env/lib/b"), "/D/q");
    CHECK_INT(stat_of(&s, "env/lib/b").st_size, PLACEHOLDER_LEN + 3);
    CHECK_INT(stat_of(&s, "env/etc/copied").st_nlink, 1);
    CHECK(S_ISLNK(stat_of(&s, "env/lib/link").st_mode));
    linked_release(&l);
    scratch_close(&s);
}

static void test_link__bad_metadata(void)
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
        struct linked l = link_packages(&s, "env", "/D", &package, 1, plain);
        CHECK_INT(l.rc, CENV_EINTEGRITY);
        CHECK(strstr(l.err.message, cases[i].says) ||
              strstr(l.err.hint, cases[i].says));
        CHECK(strstr(l.err.message, "a-1-0") != NULL);
        CHECK_INT(rmdir(scratch_path(&s, "env")), 0);
        linked_release(&l);
        scratch_close(&s);
    }
}

static void test_link__links_are_recreated_verbatim(void)
{
    struct scratch s = scratch_open();
    struct package p = package_begin(&s, "a", "1", "");
    package_file(&p, "lib/real", "r", 0644);
    package_link(&p, "lib/rel", "real", TEXT_KEYS ",\"offsets\":[]");
    package_link(&p, "lib/abs", "/etc/hostname", "");
    package_link(&p, "lib/gone", "nowhere", "");
    struct cenv_link_package package = package_end(&p);
    struct linked l = link_packages(&s, "env", "/D", &package, 1, plain);
    char target[64] = "";

    CHECK_INT(l.rc, 0);
    CHECK(readlinkat(s.fd, "env/lib/rel", target, 63) == 4 &&
          !strncmp(target, "real", 4));
    CHECK(readlinkat(s.fd, "env/lib/abs", target, 63) == 13 &&
          !strcmp(target, "/etc/hostname"));
    CHECK(is_there(&s, "env/lib/gone"));
    CHECK_INT(l.stats.nr_warnings, 1); /* the one out of the prefix */
    CHECK_INT(l.stats.symlinks, 3);
    linked_release(&l);
    scratch_close(&s);
}

/* ---- inodes, modes, times (C01 - C03) ---- */

static void test_link__modes_of_linking(void)
{
    static const struct {
        enum cenv_place_mode mode;
        bool own;
        unsigned nlink;
    } cases[] = {
        {CENV_PLACE_HARDLINK, false, 2}, {CENV_PLACE_HARDLINK, true, 1},
        {CENV_PLACE_COPY, false, 1},     {CENV_PLACE_AUTO, true, 1},
        {CENV_PLACE_REFLINK, false, 1},
    };
    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        struct scratch s = scratch_open();
        struct package p = package_begin(&s, "a", "1", "");
        package_file(&p, "lib/f", "content", 0555);
        package_data(&p, "lib/n", "content", 7, 0444, ",\"no_link\":true");
        package_data(&p, "bin/r", "#!/bin/sh\n" PLACEHOLDER, 10 + PLACEHOLDER_LEN, 0555,
                     TEXT_KEYS);
        struct cenv_link_package package = package_end(&p);
        struct cenv_link_options options = {.mode = cases[i].mode,
                                            .own_inodes = cases[i].own};
        struct linked l = link_packages(&s, "env", "/D", &package, 1, options);
        struct stat file = stat_of(&s, "env/lib/f"), copied = stat_of(&s, "env/lib/n");
        CHECK_INT(l.rc, 0);
        CHECK_INT(file.st_nlink, cases[i].nlink);
        CHECK_INT(copied.st_nlink, 1);
        CHECK_INT(file.st_mode & 07777, 0555);
        CHECK_INT(file.st_mtime, PACKAGE_TIME);
        CHECK_INT(copied.st_mode & 07777, 0444);
        CHECK_INT(copied.st_mtime, PACKAGE_TIME);
        CHECK_INT(stat_of(&s, "env/bin/r").st_mode & 07777, 0555);
        CHECK_STR(scratch_text(&s, "env/bin/r"), "#!/bin/sh\n/D");
        CHECK_INT(l.stats.hardlinked, cases[i].nlink - 1);
        linked_release(&l);
        scratch_close(&s);
    }
}

/* A .pyc header: magic, flags, second, size. */
static void package_pyc(struct package *p, const char *path, uint32_t flags,
                        uint32_t second)
{
    unsigned char header[20] = {0x6f, 0x0d, 0x0d, 0x0a};
    for (int i = 0; i < 4; i++) {
        header[4 + i] = (unsigned char)(flags >> (8 * i));
        header[8 + i] = (unsigned char)(second >> (8 * i));
    }
    package_data(p, path, header, sizeof(header), 0644, "");
}

static void test_link__relocated_source_outdates_its_bytecode(void)
{
    struct scratch s = scratch_open();
    struct package p = package_begin(&s, "a", "1", "");
    const char *text = "P = '" PLACEHOLDER "'\n";
    package_data(&p, "lib/m.py", text, strlen(text), 0644, TEXT_KEYS);
    package_pyc(&p, "lib/__pycache__/m.cpython-312.pyc", 0, PACKAGE_TIME);
    package_pyc(&p, "lib/__pycache__/m.cpython-312.opt-1.pyc", 0, PACKAGE_TIME + 1);
    package_pyc(&p, "lib/__pycache__/m.cpython-312.opt-2.pyc", 3, 7);
    package_pyc(&p, "lib/__pycache__/mm.cpython-312.pyc", 0, PACKAGE_TIME + 2);
    package_pyc(&p, "lib/__pycache__/m.cpython-311.pyc", 1, 7); /* never checked */
    struct cenv_link_package package = package_end(&p);
    struct linked l = link_packages(&s, "env", "/D", &package, 1, plain);

    CHECK_INT(l.rc, 0);
    CHECK_INT(stat_of(&s, "env/lib/m.py").st_mtime, PACKAGE_TIME + 2);
    CHECK(is_there(&s, "env/lib/__pycache__/m.cpython-312.opt-2.pyc"));
    CHECK(!is_there(&s, "env/lib/__pycache__/m.cpython-311.pyc"));
    CHECK(strstr(scratch_text(&s, "env/conda-meta/a-1-0.json"), "m.cpython-311") ==
          NULL);
    CHECK_INT(l.stats.nr_warnings, 1);
    linked_release(&l);
    scratch_close(&s);
}

/* ---- noarch python (B04 - B06, C04) ---- */

static void test_link__noarch_python(void)
{
    struct scratch s = scratch_open();
    struct package py, p = package_begin(&s, "n", "1", "");
    struct cenv_link_package packages[2];
    packages[0] = package_python(
        &py, &s, "3.13.1",
        ",\"python_site_packages_path\":\"lib/python3.13t/site-packages\"");
    package_file(&p, "site-packages/n/__init__.py", "def main(): pass\n", 0644);
    package_file(&p, "python-scripts/tool", "#!/bin/sh\n", 0755);
    package_file(&p, "share/doc", "d", 0644);
    packages[1] = package_end(&p);
    package_info(&p, "link.json",
                 "{\"package_metadata_version\":1,\"noarch\":{\"type\":\"python\","
                 "\"entry_points\":[\"cmd = n:main\"]}}");
    struct linked l = link_packages(&s, "env", "/D", packages, 2, plain);

    CHECK_INT(l.rc, 0);
    CHECK(is_there(&s, "env/lib/python3.13t/site-packages/n/__init__.py"));
    CHECK(is_there(&s, "env/bin/tool") && is_there(&s, "env/share/doc"));
    const char *script = scratch_text(&s, "env/bin/cmd");
    CHECK(script && !strncmp(script, "#!/D/bin/python3.13\n# -*- coding", 32));
    CHECK_INT(stat_of(&s, "env/bin/cmd").st_mode & 07777, 0755);
    CHECK_INT(l.stats.compiled, 0);    /* that python does not run, ... */
    CHECK_INT(l.stats.nr_warnings, 1); /* which is said, and no failure */
    const char *record = scratch_text(&s, "env/conda-meta/n-1-0.json");
    CHECK(strstr(record, "lib/python3.13t/site-packages/n/__init__.py") != NULL);
    CHECK(strstr(record, "unix_python_entry_point") != NULL);
    CHECK(strstr(record, ".pyc") == NULL);
    CHECK(!is_there(&s, "env/.cenv-compile-list"));
    linked_release(&l);
    scratch_close(&s);
}

static void test_link__noarch_python_refused(void)
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
        struct linked l = link_packages(&s, "env", "/D", packages, nr, plain);
        CHECK_INT(l.rc, cases[i].rc);
        CHECK(strstr(l.err.message, cases[i].says) != NULL);
        CHECK_INT(rmdir(scratch_path(&s, "env")), 0);
        linked_release(&l);
        scratch_close(&s);
    }
}

/* ---- bytecode ---- */

/* Compiles as told, but for bad.py, and counts its runs beside the prefix. */
static const char fake_python[] =
    "#!/bin/sh\n"
    "echo run >> ../runs\n"
    "while read f; do case $f in */bad.py) continue;; esac\n"
    "b=${f##*/}; echo code of $f > ${f%/*}/__pycache__/${b%.py}.cpython-313.pyc\n"
    "done < .cenv-compile-list; exit 1\n";

#define SITE "lib/python3.13/site-packages/"

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

static void test_link__bytecode_is_compiled_once(void)
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
        CHECK_INT(stat_of(&s, path).st_nlink, i == 1 ? 2 : 1);
        snprintf(path, sizeof(path), "%s/" SITE "n/__pycache__/where.cpython-313.pyc",
                 dirs[i]);
        CHECK_STR(scratch_text(&s, path), "code of " SITE "n/where.py\n");
        snprintf(path, sizeof(path), "%s/" SITE "n/__pycache__/bad.cpython-313.pyc",
                 dirs[i]);
        CHECK(!is_there(&s, path));
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

static void test_link__altered_bytecode_is_compiled_again(void)
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

/* ---- conflicts (C06) ---- */

static void test_link__later_package_wins_a_path(void)
{
    struct scratch s = scratch_open();
    struct package a = package_begin(&s, "a", "1", ""),
                   b = package_begin(&s, "b", "1", "");
    struct cenv_link_package packages[2];
    package_file(&a, "lib/same", "from a", 0644);
    packages[0] = package_end(&a);
    package_file(&b, "lib/same", "from b, longer", 0644);
    packages[1] = package_end(&b);
    struct linked l = link_packages(&s, "env", "/D", packages, 2, plain);
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

static void test_link__files_below_a_link_go_where_it_leads(void)
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
    struct linked l = link_packages(&s, "env", "/D", packages, 2, plain);

    CHECK_INT(l.rc, 0);
    CHECK_STR(scratch_text(&s, "env/usr/lib/two"), "2");
    CHECK_STR(scratch_text(&s, "env/usr/lib/sub/three"), "3");
    CHECK_STR(scratch_text(&s, "env/usr/lib/one"), "other");
    CHECK(S_ISLNK(stat_of(&s, "env/lib64").st_mode));
    CHECK(strstr(scratch_text(&s, "env/conda-meta/b-1-0.json"), "\"lib64/two\"") !=
          NULL);
    CHECK_INT(l.stats.nr_warnings, 1);
    linked_release(&l);
    scratch_close(&s);
}

static void test_link__conflicts_that_cannot_be(void)
{
    static const struct {
        const char *label, *link, *file_a, *file_b, *says;
    } cases[] = {
        {"file and directory", NULL, "x", "x/y",
         "is a file in a-1-0 and a directory in b-1-0"},
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
        struct linked l = link_packages(&s, "env", "/D", packages, 2, plain);
        CHECK_INT(l.rc, CENV_ELINK);
        CHECK(strstr(l.err.message, cases[i].says) != NULL);
        CHECK_INT(rmdir(scratch_path(&s, "env")), 0);
        linked_release(&l);
        scratch_close(&s);
    }
}

static void test_link__case_only_difference(void)
{
    struct scratch s = scratch_open();
    struct package p = package_begin(&s, "a", "1", "");
    package_file(&p, "share/terminfo/n/Name", "1", 0644);
    package_file(&p, "share/terminfo/N/name", "2", 0644);
    struct cenv_link_package package = package_end(&p);
    struct linked l = link_packages(&s, "env", "/D", &package, 1, plain);
    struct cenv_error err = CENV_ERROR_INIT;

    CHECK_INT(l.rc, 0); /* this file system can tell */
    CHECK_INT(cenv_link_plan_check_case(l.plan, &err), CENV_ELINK);
    CHECK(strstr(err.message, "share/terminfo/n/Name") &&
          strstr(err.message, "N/name"));
    linked_release(&l);
    scratch_close(&s);
}

/* ---- records (C05) ---- */

static void test_link__records_and_history(void)
{
    struct scratch s = scratch_open();
    struct package p = package_begin(&s, "a", "1.5",
                                     ",\"license\":\"X\",\"new_key\":[1,{\"k\":null}]");
    struct cenv_str specs[] = {CENV_STR("chan::A >=1"), CENV_STR("b")};
    package_data(&p, "etc/t", PLACEHOLDER, PLACEHOLDER_LEN, 0644,
                 TEXT_KEYS ",\"no_link\":true");
    package_file(&p, "lib/f", "f", 0644);
    struct cenv_link_package package = package_end(&p);
    struct cenv_link_options options = {.mode = CENV_PLACE_HARDLINK,
                                        .specs = specs,
                                        .nr_specs = 2,
                                        .cmd = "cenv create -p /D"};
    struct linked l = link_packages(&s, "env", "/D", &package, 1, options);
    struct cenv_prefix prefix = {0};
    char digest[CENV_DIGEST_HEX_MAX];
    int fd = openat(s.fd, "env", O_RDONLY | O_DIRECTORY);

    CHECK_INT(l.rc, 0);
    CHECK(cenv_prefix_is_environment(fd));
    cenv_digest_sha256_hex(CENV_STR("/D"), digest);
    if (CHECK_INT(cenv_prefix_read(&prefix, fd, "env", &l.task, &l.err), 0) &&
        CHECK_INT(prefix.nr, 1)) {
        const struct cenv_prefix_record *record = &prefix.records[0];
        const struct cenv_json *doc = record->doc;
        CHECK_STR(record->file.data, "a-1.5-0.json");
        CHECK_STR(cenv_json_get_cstr(doc, "url"),
                  "https://host/chan/linux-64/a-1.5-0.conda");
        CHECK_STR(cenv_json_get_cstr(doc, "channel"), "https://host/chan/linux-64");
        CHECK_STR(cenv_json_get_cstr(doc, "fn"), "a-1.5-0.conda");
        CHECK_STR(cenv_json_get_cstr(doc, "requested_spec"), "chan::A >=1");
        CHECK_INT(cenv_json_len(cenv_json_get(doc, "requested_specs")), 1);
        CHECK_INT(cenv_json_len(cenv_json_get(doc, "new_key")), 2);
        CHECK_INT(cenv_json_get_int(cenv_json_get(doc, "link"), "type", 0), 1);
        CHECK_STR(cenv_json_get_cstr(cenv_json_get(doc, "link"), "source"), p.content);
        CHECK_INT(cenv_json_len(cenv_json_get(doc, "files")), 2);
        CHECK_INT(record->nr_paths, 2);
        CHECK(cenv_str_is(record->paths[0].sha256_in_prefix, digest));
        CHECK(cenv_str_is(record->paths[0].placeholder, PLACEHOLDER));
        CHECK(record->paths[0].no_link && record->paths[0].size == PLACEHOLDER_LEN);
        CHECK(cenv_str_eq(record->paths[1].sha256_in_prefix, record->paths[1].sha256));
        CHECK(strstr(record->text.data, "secret") == NULL &&
              strstr(record->text.data, "pw") == NULL);
        CHECK(strncmp(record->text.data, "{\n  \"name\": \"a\",\n", 17) == 0);
    }
    CHECK_STR(
        scratch_text(&s, "env/conda-meta/history"),
        "==> 2023-11-14 22:13:20 <==\n# cmd: cenv create -p /D\n# conda version: 3.8.0\n"
        "+chan/linux-64::a-1.5-0\n# update specs: ['chan::A >=1', 'b']\n");
    CHECK_STR(scratch_text(&s, "env/conda-meta/created_at"), "1700000000.0");
    cenv_prefix_release(&prefix);
    close(fd);
    linked_release(&l);
    scratch_close(&s);
}

/* ---- scripts (C07) ---- */

static void test_link__scripts_run_at_the_final_path(void)
{
    struct scratch s = scratch_open();
    struct package p = package_begin(&s, "a", "1", "");
    char target[512], want[1024];
    snprintf(target, sizeof(target), "%s/final", s.path);
    package_file(&p, "lib/f", "f", 0644);
    package_file(&p, "bin/.a-pre-link.sh", "echo pre $SOURCE_DIR > $PREFIX/pre\n",
                 0755);
    package_file(
        &p, "bin/.a-post-link.sh",
        "cat $PREFIX/lib/f && pwd > $PREFIX/out\n"
        "echo $PREFIX $PKG_NAME $PKG_VERSION $PKG_BUILDNUM ${ROOT_PREFIX:+root} >> $PREFIX/out\n"
        "echo hello > $PREFIX/.messages.txt\n",
        0755);
    struct cenv_link_package package = package_end(&p);
    struct linked l = link_packages(&s, "env", target, &package, 1, plain);

    CHECK_INT(l.rc, 0);
    snprintf(want, sizeof(want), "%s/env/bin\n%s a 1 3 root\n", s.path, target);
    CHECK_STR(scratch_text(&s, "env/out"), want);
    snprintf(want, sizeof(want), "pre %s\n", p.content);
    CHECK_STR(scratch_text(&s, "env/pre"), want);
    CHECK_STR(l.stats.messages, "hello\n");
    CHECK(!is_there(&s, "env/.messages.txt"));
    CHECK(!is_there(&s, "final"));
    CHECK(l.plan && l.plan->ran_scripts);
    linked_release(&l);
    scratch_close(&s);
}

static void test_link__failing_script(void)
{
    struct scratch s = scratch_open();
    struct package p = package_begin(&s, "a", "1", "");
    char target[512];
    snprintf(target, sizeof(target), "%s/final", s.path);
    package_file(&p, "bin/.a-post-link.sh", "echo because >&2; exit 3\n", 0755);
    struct cenv_link_package package = package_end(&p);
    mkdirat(s.fd, "final", 0750);
    struct linked l = link_packages(&s, "env", target, &package, 1, plain);

    CHECK_INT(l.rc, CENV_ELINK);
    CHECK(strstr(l.err.message,
                 "post-link script of package a-1-0 failed (exit code 3): because"));
    CHECK(!is_there(&s, "env/conda-meta/history"));
    CHECK(S_ISDIR(stat_of(&s, "final").st_mode));
    CHECK_INT(stat_of(&s, "final").st_mode & 07777, 0750);
    linked_release(&l);

    struct cenv_link_options options = {.mode = CENV_PLACE_COPY, .no_scripts = true};
    l = link_packages(&s, "env2", target, &package, 1, options);
    CHECK_INT(l.rc, 0);
    linked_release(&l);
    scratch_close(&s);
}

/* ---- cancelling, threads, sites ---- */

static int cancel_now(void *ctx)
{
    (void)ctx;
    return 1;
}

static void test_link__cancel(void)
{
    struct scratch s = scratch_open();
    struct package p = package_begin(&s, "a", "1", "");
    package_file(&p, "lib/f", "f", 0644);
    struct cenv_link_package package = package_end(&p);
    struct cenv_link_options options = {.target_prefix = "/D"};
    struct cenv_link_stats stats = {0};
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_task task;

    cenv_task_init(&task, cancel_now, NULL);
    mkdirat(s.fd, "env", 0755);
    CHECK_INT(cenv_link(scratch_path(&s, "env"), &package, 1, &options, NULL, &stats,
                        &task, &err),
              CENV_ECANCELLED);
    CHECK(!is_there(&s, "env/conda-meta/history"));
    cenv_task_release(&task);
    scratch_close(&s);
}

static void test_link__many_files_are_the_same_on_any_number_of_threads(void)
{
    struct scratch s = scratch_open();
    struct package p = package_begin(&s, "a", "1", "");
    struct linked l[2];
    char path[64], text[128], was[65536];
    for (int i = 0; i < 600; i++) {
        snprintf(path, sizeof(path), "d%d/s%d/f%d", i % 7, i % 3, i);
        snprintf(text, sizeof(text), "%d " PLACEHOLDER "\n", i);
        package_data(&p, path, text, strlen(text), 0644, i % 2 ? TEXT_KEYS : "");
    }
    struct cenv_link_package package = package_end(&p);
    for (unsigned i = 0; i < 2; i++) {
        struct cenv_link_options options = {.mode = CENV_PLACE_COPY,
                                            .threads = 1 + 3 * i};
        l[i] = link_packages(&s, i ? "four" : "one", "/D", &package, 1, options);
        CHECK_INT(l[i].rc, 0);
        CHECK_INT(l[i].stats.relocated, 300);
        CHECK_INT(l[i].stats.copied, 300);
        CHECK_INT(l[i].stats.directories, 7 * 3 + 7 + 1);
    }
    snprintf(was, sizeof(was), "%s", scratch_text(&s, "one/conda-meta/a-1-0.json"));
    CHECK_STR(scratch_text(&s, "four/conda-meta/a-1-0.json"), was);
    CHECK_STR(scratch_text(&s, "four/d4/s2/f599"), "599 /D\n");
    linked_release(&l[0]);
    linked_release(&l[1]);
    scratch_close(&s);
}

/* Everything a link can meet, in few files. */
static size_t mixed_packages(const struct scratch *s, struct package *made,
                             struct cenv_link_package *out)
{
    made[0] = package_begin(s, "python", "3.13.1", "");
    package_file(&made[0], "bin/python3.13", fake_python, 0755);
    package_link(&made[0], "lib64", "lib", "");
    package_data(&made[0], "lib/b", PLACEHOLDER "/x\0y", PLACEHOLDER_LEN + 4, 0755,
                 BINARY_KEYS);
    out[0] = package_end(&made[0]);
    made[1] = package_begin(s, "n", "1", "");
    package_file(&made[1], "site-packages/n.py", "x = 1\n", 0644);
    package_file(&made[1], "lib64/c", "c", 0644);
    package_data(&made[1], "share/t", PLACEHOLDER, PLACEHOLDER_LEN, 0644, TEXT_KEYS);
    out[1] = package_end(&made[1]);
    package_info(&made[1], "link.json",
                 "{\"package_metadata_version\":1,\"noarch\":{\"type\":\"python\","
                 "\"entry_points\":[\"cmd = n:x\"]}}");
    return 2;
}

static void test_link__any_allocation_may_fail(void)
{
    struct scratch s = scratch_open();
    struct package made[2];
    struct cenv_link_package packages[2];
    size_t nr = mixed_packages(&s, made, packages);
    struct cenv_link_options options = {.keep_sites = true, .threads = 1};
    int rc = CENV_ENOMEM;
    long n = 0, before = cenv_alloc_live();
    char dir[32];
    while (rc != 0 && n < 5000) {
        n++;
        snprintf(dir, sizeof(dir), "env%ld", n);
        cenv_alloc_fail_nth(n);
        struct linked l = link_packages(&s, dir, "/D", packages, nr, options);
        cenv_alloc_fail_nth(0);
        rc = l.rc;
        if (rc != 0 && !CHECK_INT(rc, CENV_ENOMEM))
            fprintf(stderr, "    allocation %ld: %s\n", n, l.err.message);
        snprintf(dir, sizeof(dir), "env%ld/conda-meta/history", n);
        CHECK_INT(is_there(&s, dir), rc == 0);
        linked_release(&l);
        CHECK_INT(cenv_alloc_live(), before);
    }
    CHECK_INT(rc, 0);
    CHECK(n > 50);
    scratch_close(&s);
}

static void test_link__sites_describe_the_linked_file(void)
{
    struct scratch s = scratch_open();
    struct package p = package_begin(&s, "a", "1", "");
    const char *text = "#!" PLACEHOLDER "/bin/python3.12 -s\nP = '" PLACEHOLDER "'\n";
    package_data(&p, "bin/x", text, strlen(text), 0755, TEXT_KEYS);
    struct cenv_link_package package = package_end(&p);
    struct cenv_link_options options = {.keep_sites = true};
    char deep[200] = "/";
    memset(deep + 1, 'x', 150);
    struct linked l = link_packages(&s, "env", deep, &package, 1, options);
    struct cenv_forms forms = {0};
    struct cenv_buf out;

    cenv_buf_init(&out, 4096);
    CHECK_INT(l.rc, 0);
    CHECK(!strncmp(scratch_text(&s, "env/bin/x"), "#!/bin/sh\n'''exec' \"", 20));
    if (CHECK(l.plan && l.plan->entries[0].sites)) {
        cenv_forms_init(&forms, CENV_STR("/D"), &l.err);
        CHECK_INT(cenv_splice_apply(l.plan->entries[0].sites,
                                    cenv_str(scratch_text(&s, "env/bin/x")), &forms,
                                    &out, &l.err),
                  0);
        CHECK_STR(out.data, "#!/D/bin/python3.12 -s\nP = '/D'\n"); /* B09 */
    }
    cenv_forms_release(&forms);
    cenv_buf_release(&out);
    linked_release(&l);
    scratch_close(&s);
}

int main(void)
{
    RUN(test_link__text_and_binary);
    RUN(test_link__prefix_longer_than_placeholder);
    RUN(test_link__legacy_package);
    RUN(test_link__bad_metadata);
    RUN(test_link__links_are_recreated_verbatim);
    RUN(test_link__modes_of_linking);
    RUN(test_link__relocated_source_outdates_its_bytecode);
    RUN(test_link__noarch_python);
    RUN(test_link__noarch_python_refused);
    RUN(test_link__bytecode_is_compiled_once);
    RUN(test_link__altered_bytecode_is_compiled_again);
    RUN(test_link__later_package_wins_a_path);
    RUN(test_link__files_below_a_link_go_where_it_leads);
    RUN(test_link__conflicts_that_cannot_be);
    RUN(test_link__case_only_difference);
    RUN(test_link__records_and_history);
    RUN(test_link__scripts_run_at_the_final_path);
    RUN(test_link__failing_script);
    RUN(test_link__cancel);
    RUN(test_link__many_files_are_the_same_on_any_number_of_threads);
    RUN(test_link__any_allocation_may_fail);
    RUN(test_link__sites_describe_the_linked_file);
    return check_report();
}
