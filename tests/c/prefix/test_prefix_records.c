/* SPDX-License-Identifier: BSD-3-Clause */
/* conda-meta as conda, mamba and rattler write it. */
#include "prefix/prefix_records.h"

#include "check.h"
#include "prefix/history.h"
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
    struct cenv_prefix_records prefix;
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
    return cenv_prefix_records_read(&f->prefix, f->s.fd, f->s.path, &f->task, &f->err);
}

static void fixture_close(struct fixture *f)
{
    cenv_prefix_records_release(&f->prefix);
    cenv_error_release(&f->err);
    cenv_task_release(&f->task);
    scratch_close(&f->s);
}

static void test_prefix_records__reads_every_writers_records(void)
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
            cenv_prefix_records_find(&f.prefix, CENV_STR("pip"));
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
            cenv_prefix_records_find(&f.prefix, CENV_STR("zlib"));
        CHECK(cenv_str_is(zlib->source, "/pkgs/zlib"));
        CHECK_INT(zlib->nr_paths, 1);
        CHECK_INT(zlib->paths[0].type, CENV_PATH_SOFTLINK);
        CHECK_INT(zlib->paths[0].size, -1);
        CHECK_INT(f.prefix.nr_warnings, 1); /* ../../evil */
        CHECK(cenv_prefix_records_find(&f.prefix, CENV_STR("absent")) == NULL);
    }
    CHECK_INT(cenv_history_exists(f.s.fd, &f.err), 1);
    fixture_close(&f);
}

static void test_prefix_records__ill_named_record_is_left_out(void)
{
    struct fixture f;
    fixture_open(&f);
    scratch_file(&f.s, "conda-meta/zlib-1.3-h_1.json", mamba_zlib, 0644);
    CHECK_INT(fixture_read(&f), 0);
    CHECK_INT(f.prefix.nr, 0);
    CHECK_INT(f.prefix.nr_warnings, 1);
    CHECK_INT(cenv_history_exists(f.s.fd, &f.err), 0);
    fixture_close(&f);
}

/* What no package could say of a placeholder no record says either. */
static void test_prefix_records__placeholder_too_long_is_left_out(void)
{
    struct fixture f;
    struct cenv_buf text;
    cenv_buf_init(&text, 1 << 16);
    cenv_buf_puts(
        &text,
        "{\"name\": \"a\", \"version\": \"1\", \"build\": \"0\", \"files\": [\"x\"],"
        " \"paths_data\": {\"paths\": [{\"_path\": \"x\","
        " \"prefix_placeholder\": \"/");
    for (int i = 0; i < CENV_PREFIX_MAX; i++)
        cenv_buf_putc(&text, 'p');
    cenv_buf_puts(&text, "\"}]}}");
    fixture_open(&f);
    scratch_file(&f.s, "conda-meta/a-1-0.json", text.data, 0644);
    CHECK_INT(fixture_read(&f), 0);
    if (CHECK_INT(f.prefix.nr, 1) && CHECK_INT(f.prefix.records[0].nr_paths, 1))
        CHECK_INT(f.prefix.records[0].paths[0].placeholder.len, 0);
    if (CHECK_INT(f.prefix.nr_warnings, 1))
        CHECK(strstr(f.prefix.warnings[0].data, "a-1-0.json") &&
              strstr(f.prefix.warnings[0].data, "placeholder"));
    cenv_buf_release(&text);
    fixture_close(&f);
}

static void test_prefix_records__broken_record_is_one_clear_error(void)
{
    struct fixture f;
    fixture_open(&f);
    scratch_file(&f.s, "conda-meta/zlib-1.2-h_1.json", "{\"name\": ", 0644);
    CHECK_INT(fixture_read(&f), CENV_EPREFIX);
    CHECK(strstr(f.err.message, "zlib-1.2-h_1.json") != NULL);
    fixture_close(&f);
}

static void test_prefix_records__conda_meta_that_is_no_directory_is_refused(void)
{
    struct fixture f;
    fixture_open(&f);
    rmdir(scratch_path(&f.s, "conda-meta"));
    scratch_file(&f.s, "conda-meta", "", 0644);
    CHECK_INT(fixture_read(&f), CENV_EPREFIX);
    CHECK(strstr(f.err.message, "/conda-meta' is no directory"));
    fixture_close(&f);
}

static void test_prefix_records__no_conda_meta_is_no_records(void)
{
    struct fixture f;
    fixture_open(&f);
    rmdir(scratch_path(&f.s, "conda-meta"));
    CHECK_INT(fixture_read(&f), 0);
    CHECK_INT(f.prefix.nr, 0);
    fixture_close(&f);
}

int main(void)
{
    RUN(test_prefix_records__reads_every_writers_records);
    RUN(test_prefix_records__ill_named_record_is_left_out);
    RUN(test_prefix_records__placeholder_too_long_is_left_out);
    RUN(test_prefix_records__broken_record_is_one_clear_error);
    RUN(test_prefix_records__conda_meta_that_is_no_directory_is_refused);
    RUN(test_prefix_records__no_conda_meta_is_no_records);
    return check_report();
}
