/* SPDX-License-Identifier: BSD-3-Clause */
/* conda-meta as conda, mamba and rattler write it, and history. */
#include "prefix/prefix_records.h"

#include "check.h"
#include "scratch.h"

static const char conda_pip[] =
    "{\n  \"name\": \"pip\", \"version\": \"23.0\", \"build\": \"pyhd8ed1ab_0\", \"noarch\": \"python\",\n"
    "  \"files\": [\"lib/python3.11/site-packages/pip/a.py\", \"bin/pip\",\n"
    "    \"lib/python3.11/site-packages/pip/__pycache__/a.cpython-311.pyc\"],\n"
    "  \"link\": {\"source\": \"/pkgs/pip\", \"type\": 1}, \"unknown_key\": {\"kept\": [1]},\n"
    "  \"paths_data\": {\"paths_version\": 1, \"paths\": [\n"
    "    {\"_path\": \"site-packages/pip/a.py\", \"path_type\": \"hardlink\", \"sha256\": \"aa\",\n"
    "     \"sha256_in_prefix\": \"bb\", \"size_in_bytes\": 7, \"file_mode\": \"text\",\n"
    "     \"prefix_placeholder\": \"/opt/p\"},\n"
    "    {\"_path\": \"lib/python3.11/site-packages/pip/__pycache__/a.cpython-311.pyc\",\n"
    "     \"path_type\": \"pyc_file\"},\n"
    "    {\"_path\": \"bin/pip\", \"path_type\": \"unix_python_entry_point\", \"no_link\": true}]}}";

static const char mamba_zlib[] =
    "{\"name\": \"zlib\", \"version\": \"1.2\", \"build\": \"h_1\",\n"
    " \"extracted_package_dir\": \"/pkgs/zlib\", \"files\": [\"lib/libz.so\", \"../../evil\"],\n"
    " \"paths_data\": {\"paths_version\": 1, \"paths\": [\n"
    "  {\"_path\": \"lib/libz.so\", \"path_type\": \"softlink\", \"sha256_in_prefix\": \"cc\"}]}}";

static const char python[] =
    "{\"name\": \"python\", \"version\": \"3.11.2\", \"build\": \"h_cpython\","
    " \"files\": [\"bin/python\"], \"paths_data\": {\"paths\": []}}";

struct fixture {
    struct scratch s;
    struct cenv_prefix prefix;
    struct cenv_task task;
    struct cenv_error err;
};

static void fixture_open(struct fixture *f)
{
    *f = (struct fixture){.s = scratch_open()};
    cenv_task_init(&f->task, NULL, NULL);
    mkdirat(f->s.fd, "conda-meta", 0755);
}

static int fixture_read(struct fixture *f)
{
    return cenv_prefix_read(&f->prefix, f->s.fd, f->s.path, &f->task, &f->err);
}

static void fixture_close(struct fixture *f)
{
    cenv_prefix_release(&f->prefix);
    cenv_error_release(&f->err);
    cenv_task_release(&f->task);
    scratch_close(&f->s);
}

static void test_prefix__reads_every_writers_records(void)
{
    struct fixture f;
    fixture_open(&f);
    scratch_file(&f.s, "conda-meta/pip-23.0-pyhd8ed1ab_0.json", conda_pip, 0644);
    scratch_file(&f.s, "conda-meta/zlib-1.2-h_1.json", mamba_zlib, 0644);
    scratch_file(&f.s, "conda-meta/python-3.11.2-h_cpython.json", python, 0644);
    scratch_file(&f.s, "conda-meta/._pip-23.0-pyhd8ed1ab_0.json", "no json", 0644);
    scratch_file(&f.s, "conda-meta/history", "", 0644);
    if (CHECK_INT(fixture_read(&f), 0) && CHECK_INT(f.prefix.nr, 3)) {
        const struct cenv_prefix_record *pip =
            cenv_prefix_find(&f.prefix, CENV_STR("pip"));
        CHECK(cenv_str_is(f.prefix.site_packages, "lib/python3.11/site-packages"));
        CHECK_INT(pip->nr_paths, 3);
        CHECK(cenv_str_is(pip->source, "/pkgs/pip"));
        CHECK(cenv_str_is(pip->paths[0].path, "lib/python3.11/site-packages/pip/a.py"));
        CHECK(cenv_str_is(pip->paths[0].recorded, "site-packages/pip/a.py"));
        CHECK(cenv_str_is(pip->paths[0].sha256_in_prefix, "bb"));
        CHECK(cenv_str_is(pip->paths[0].placeholder, "/opt/p"));
        CHECK_INT(pip->paths[0].file_mode, CENV_MODE_TEXT);
        CHECK_INT(pip->paths[0].size, 7);
        CHECK_INT(pip->paths[1].type, CENV_PATH_ENTRY_POINT);
        CHECK(pip->paths[1].no_link);
        CHECK_INT(pip->paths[2].type, CENV_PATH_PYC);
        const struct cenv_prefix_record *zlib =
            cenv_prefix_find(&f.prefix, CENV_STR("zlib"));
        CHECK(cenv_str_is(zlib->source, "/pkgs/zlib"));
        CHECK_INT(zlib->nr_paths, 1);
        CHECK_INT(zlib->paths[0].type, CENV_PATH_SOFTLINK);
        CHECK_INT(zlib->paths[0].size, -1);
        CHECK_INT(f.prefix.nr_warnings, 1); /* ../../evil */
        CHECK(cenv_prefix_find(&f.prefix, CENV_STR("absent")) == NULL);
    }
    CHECK(cenv_prefix_is_environment(f.s.fd));
    fixture_close(&f);
}

static void test_prefix__ill_named_record_is_left_out(void)
{
    struct fixture f;
    fixture_open(&f);
    scratch_file(&f.s, "conda-meta/zlib-1.3-h_1.json", mamba_zlib, 0644);
    CHECK_INT(fixture_read(&f), 0);
    CHECK_INT(f.prefix.nr, 0);
    CHECK_INT(f.prefix.nr_warnings, 1);
    CHECK(!cenv_prefix_is_environment(f.s.fd));
    fixture_close(&f);
}

static void test_prefix__broken_record_is_one_clear_error(void)
{
    struct fixture f;
    fixture_open(&f);
    scratch_file(&f.s, "conda-meta/zlib-1.2-h_1.json", "{\"name\": ", 0644);
    CHECK_INT(fixture_read(&f), CENV_EPREFIX);
    CHECK(strstr(f.err.message, "zlib-1.2-h_1.json") != NULL);
    fixture_close(&f);
}

static void test_prefix__no_conda_meta_is_no_records(void)
{
    struct fixture f;
    fixture_open(&f);
    rmdir(scratch_path(&f.s, "conda-meta"));
    CHECK_INT(fixture_read(&f), 0);
    CHECK_INT(f.prefix.nr, 0);
    fixture_close(&f);
}

static void test_prefix__site_packages(void)
{
    static const struct {
        const char *version, *build, *path;
        int rc;
        const char *want;
    } cases[] = {
        {"3.12.1", "h1_0_cpython", "", 0, "lib/python3.12/site-packages"},
        {"3.9", "0", "", 0, "lib/python3.9/site-packages"},
        {"2.7.18", "0", "", 0, "lib/python2.7/site-packages"},
        {"3.13.0", "h9_0_cp313t", "", 0, "lib/python3.13t/site-packages"},
        {"3.13.0", "0", "lib/python3.13t/site-packages", 0,
         "lib/python3.13t/site-packages"},
        {"3.13.0", "0", "../outside", CENV_ELINK, ""},
        {"3.13.0", "0", "/absolute", CENV_ELINK, ""},
        {"3", "0", "", CENV_ELINK, ""},
    };
    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        struct cenv_error err = CENV_ERROR_INIT;
        struct cenv_buf out;
        cenv_buf_init(&out, 256);
        check_case(cases[i].want);
        CHECK_INT(cenv_prefix_site_packages(cenv_str(cases[i].version),
                                            cenv_str(cases[i].build),
                                            cenv_str(cases[i].path), &out, &err),
                  cases[i].rc);
        CHECK_STR(out.data ? out.data : "", cases[i].want);
        cenv_buf_release(&out);
    }
}

static void test_prefix__history_block(void)
{
    struct cenv_str dists[] = {CENV_STR("c/noarch::b-1-0"),
                               CENV_STR("c/linux-64::a-2-0")};
    struct cenv_str specs[] = {CENV_STR("python=3.12"), CENV_STR("a[md5='x']"),
                               CENV_STR("b'\"\\")};
    struct cenv_history_block block = {.time = 951782400 + 3661, /* a leap day */
                                       .cmd = "cenv create\n==> evil",
                                       .dists = dists,
                                       .nr_dists = 2,
                                       .specs = specs,
                                       .nr_specs = 3};
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_buf out;

    cenv_buf_init(&out, 4096);
    CHECK_INT(cenv_history_format(&block, &out, &err), 0);
    CHECK_STR(out.data,
              "==> 2000-02-29 01:01:01 <==\n"
              "# cmd: cenv create ==> evil\n"
              "# conda version: 3.8.0\n"
              "+c/linux-64::a-2-0\n"
              "+c/noarch::b-1-0\n"
              "# update specs: ['python=3.12', \"a[md5='x']\", 'b\\'\"\\\\']\n");
    cenv_buf_release(&out);
}

int main(void)
{
    RUN(test_prefix__reads_every_writers_records);
    RUN(test_prefix__ill_named_record_is_left_out);
    RUN(test_prefix__broken_record_is_one_clear_error);
    RUN(test_prefix__no_conda_meta_is_no_records);
    RUN(test_prefix__site_packages);
    RUN(test_prefix__history_block);
    return check_report();
}
