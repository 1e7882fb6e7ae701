/* SPDX-License-Identifier: BSD-3-Clause */
/* Links of synthetic packages as a whole: noarch, cancellation, memory. */
#include "base/alloc.h"

#include "check.h"
#include "package.h"

static void test_link__takes_packages_without_paths_json(void)
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
    CHECK_INT(scratch_stat(&s, "env/lib/b").st_size, PLACEHOLDER_LEN + 3);
    CHECK_INT(scratch_stat(&s, "env/etc/copied").st_nlink, 1);
    CHECK(S_ISLNK(scratch_stat(&s, "env/lib/link").st_mode));
    linked_release(&l);
    scratch_close(&s);
}

/* In each list of a package, before anything is made. */
static void test_link__refuses_a_placeholder_too_long(void)
{
    for (int old = 0; old < 2; old++) {
        struct scratch s = scratch_open();
        struct package p = package_begin(&s, "a", "1", "");
        struct cenv_buf text;
        cenv_buf_init(&text, 1 << 16);
        cenv_buf_puts(
            &text, old ? "/" : ",\"file_mode\":\"binary\",\"prefix_placeholder\":\"/");
        for (int i = 0; i < CENV_PREFIX_MAX; i++)
            cenv_buf_putc(&text, 'p');
        cenv_buf_puts(&text, old ? " binary x\n" : "\"");
        check_case(old ? "has_prefix" : "paths.json");
        package_data(&p, "x", "pp", 2, 0644, old ? "" : text.data);
        struct cenv_link_package package = package_end(&p);
        if (old) {
            package_info(&p, "has_prefix", text.data);
            package_info(&p, "files", "x\n");
            unlink(scratch_path(&s, "pkgs/a/info/paths.json"));
        }
        struct linked l = link_packages(&s, "env", "/D", &package, 1, plain_link);
        CHECK_INT(l.rc, CENV_EINTEGRITY);
        CHECK(strstr(l.err.message, "more than 4096 bytes") &&
              strstr(l.err.message, "'x'"));
        cenv_buf_release(&text);
        linked_release(&l);
        scratch_close(&s);
    }
}

static void test_link__puts_noarch_python_in_site_packages(void)
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
    struct linked l = link_packages(&s, "env", "/D", packages, 2, plain_link);

    CHECK_INT(l.rc, 0);
    CHECK(scratch_has(&s, "env/lib/python3.13t/site-packages/n/__init__.py"));
    CHECK(scratch_has(&s, "env/bin/tool") && scratch_has(&s, "env/share/doc"));
    const char *script = scratch_text(&s, "env/bin/cmd");
    CHECK(script && !strncmp(script, "#!/D/bin/python3.13\n# -*- coding", 32));
    CHECK_INT(scratch_stat(&s, "env/bin/cmd").st_mode & 07777, 0755);
    CHECK_INT(l.stats.compiled, 0);    /* that python does not run, ... */
    CHECK_INT(l.stats.nr_warnings, 1); /* which is said, and no failure */
    const char *record = scratch_text(&s, "env/conda-meta/n-1-0.json");
    CHECK(strstr(record, "lib/python3.13t/site-packages/n/__init__.py") != NULL);
    CHECK(strstr(record, "unix_python_entry_point") != NULL);
    CHECK(strstr(record, ".pyc") == NULL);
    CHECK(!scratch_has(&s, "env/.cenv-compile-list0"));
    linked_release(&l);
    scratch_close(&s);
}

static int cancel_now(void *ctx)
{
    (void)ctx;
    return 1;
}

static void test_link__stops_when_cancelled(void)
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
    CHECK(!scratch_has(&s, "env/conda-meta/history"));
    cenv_task_release(&task);
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
        CHECK_INT(scratch_has(&s, dir), rc == 0);
        linked_release(&l);
        CHECK_INT(cenv_alloc_live(), before);
    }
    CHECK_INT(rc, 0);
    CHECK(n > 50);
    scratch_close(&s);
}

int main(void)
{
    RUN(test_link__takes_packages_without_paths_json);
    RUN(test_link__refuses_a_placeholder_too_long);
    RUN(test_link__puts_noarch_python_in_site_packages);
    RUN(test_link__stops_when_cancelled);
    RUN(test_link__any_allocation_may_fail);
    return check_report();
}
