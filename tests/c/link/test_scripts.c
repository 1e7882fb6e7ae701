/* SPDX-License-Identifier: BSD-3-Clause */
/* Link scripts: where they run, and what stops them. */
#include "check.h"
#include "package.h"
#include "prefix/new_prefix.h"

static void test_scripts__run_at_the_final_path(void)
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
        "cat $PREFIX/lib/f && (pwd -P; realpath $PREFIX; echo $PWD) > $PREFIX/out\n"
        "echo $PREFIX $PKG_NAME $PKG_VERSION $PKG_BUILDNUM ${ROOT_PREFIX:+root} >> $PREFIX/out\n"
        "echo hello > $PREFIX/.messages.txt\n",
        0755);
    struct cenv_link_package package = package_end(&p);
    struct linked l = link_packages(&s, "env", target, &package, 1, plain_link);

    CHECK_INT(l.rc, 0);
    snprintf(want, sizeof(want), "%s/bin\n%s\n%s/bin\n%s a 1 3 root\n", target, target,
             target, target);
    CHECK_STR(scratch_text(&s, "env/out"), want);
    snprintf(want, sizeof(want), "pre %s\n", p.content);
    CHECK_STR(scratch_text(&s, "env/pre"), want);
    CHECK_STR(l.stats.messages, "hello\n");
    CHECK(!scratch_has(&s, "env/.messages.txt"));
    CHECK(!scratch_has(&s, "final"));
    CHECK(!scratch_has(&s, "env/" CENV_NEWPREFIX_MARK));
    CHECK(l.plan && l.plan->ran_scripts);
    linked_release(&l);
    scratch_close(&s);
}

/* conda reads post-link scripts in the activated environment. */
static void test_scripts__see_activation(void)
{
    struct scratch s = scratch_open();
    struct package p = package_begin(&s, "a", "1", "");
    char target[512];
    snprintf(target, sizeof(target), "%s/final", s.path);
    package_file(&p, "etc/conda/activate.d/b.sh", "export B=\"$A then b\"\n", 0644);
    package_file(&p, "etc/conda/activate.d/a.sh", "A=a; export A\n", 0644);
    package_file(&p, "bin/.a-post-link.sh",
                 "echo \"$A, $B\" > $PREFIX/out; cd /\n"
                 "[ \"$CONDA_DEFAULT_ENV\" = \"$PREFIX\" ] || exit 1\n",
                 0755);
    struct cenv_link_package package = package_end(&p);
    struct linked l = link_packages(&s, "env", target, &package, 1, plain_link);
    CHECK_INT(l.rc, 0);
    CHECK_STR(scratch_text(&s, "env/out"), "a, a then b\n");
    linked_release(&l);
    scratch_close(&s);
}

/* By files, in conda's order: they come before scripts, and a later one counts. */
static void test_scripts__see_variables_of_files(void)
{
    struct scratch s = scratch_open();
    struct package p = package_begin(&s, "a", "1", "");
    char target[512];
    snprintf(target, sizeof(target), "%s/final", s.path);
    package_file(&p, "etc/conda/env_vars.d/a.json",
                 "{\"one\": \"a\", \"TWO\": \"a b\", \"PATH\": \"/none\"}", 0644);
    package_file(&p, "etc/conda/env_vars.d/b.json",
                 "{\"TWO\": \"quote ' it\", \"SIX\": 6, \"YES\": true}", 0644);
    package_file(&p, "etc/conda/env_vars.d/c.json", "[]", 0644);
    package_file(&p, "etc/conda/activate.d/a.sh", "export THREE=$ONE$SIX\n", 0644);
    package_file(&p, "bin/.a-post-link.sh",
                 "echo \"$ONE, $TWO, $THREE, $YES, $PKG_NAME\" > $PREFIX/out\n", 0755);
    struct cenv_link_package package = package_end(&p);
    struct linked l = link_packages(&s, "env", target, &package, 1, plain_link);
    CHECK_INT(l.rc, 0);
    CHECK_STR(scratch_text(&s, "env/out"), "a, quote ' it, a6, True, a\n");
    if (CHECK_INT(l.stats.nr_warnings, 1))
        CHECK_STR(l.stats.warnings[0],
                  "etc/conda/env_vars.d/c.json: is no map of names to texts");
    linked_release(&l);
    scratch_close(&s);
}

/* What a pre-link script made gives way to the package's, as with conda. */
static void test_scripts__before_the_link_may_write(void)
{
    struct scratch s = scratch_open();
    struct package p = package_begin(&s, "a", "1", "");
    char target[512];
    snprintf(target, sizeof(target), "%s/final", s.path);
    package_file(
        &p, "bin/.a-pre-link.sh",
        "mkdir -p $PREFIX/share/own && echo old > $PREFIX/share/a\n"
        "echo kept > $PREFIX/share/own/file; ln -s own $PREFIX/share/l\n"
        "mkdir -p $PREFIX/share/d/e; touch $PREFIX/share/d/e/f $PREFIX/share/g\n",
        0755);
    package_file(&p, "share/d", "a file, too", 0644);
    package_file(&p, "share/g/h", "below", 0644);
    package_file(&p, "share/a", "new", 0644);
    package_file(&p, "share/l", "a file", 0644);
    struct cenv_link_package package = package_end(&p);
    struct linked l = link_packages(&s, "env", target, &package, 1, plain_link);
    CHECK_INT(l.rc, 0);
    CHECK_STR(scratch_text(&s, "env/share/a"), "new");
    CHECK_STR(scratch_text(&s, "env/share/l"), "a file");
    CHECK_STR(scratch_text(&s, "env/share/own/file"), "kept\n");
    CHECK_STR(scratch_text(&s, "env/share/d"), "a file, too");
    CHECK_STR(scratch_text(&s, "env/share/g/h"), "below");
    CHECK_INT(l.stats.nr_warnings, 4);
    linked_release(&l);
    scratch_close(&s);
}

static void test_scripts__failing_one_stops_the_link(void)
{
    struct scratch s = scratch_open();
    struct package p = package_begin(&s, "a", "1", "");
    char target[512];
    snprintf(target, sizeof(target), "%s/final", s.path);
    package_file(&p, "bin/.a-post-link.sh", "echo because >&2; exit 3\n", 0755);
    struct cenv_link_package package = package_end(&p);
    mkdirat(s.fd, "final", 0750);
    struct linked l = link_packages(&s, "env", target, &package, 1, plain_link);

    CHECK_INT(l.rc, CENV_ELINK);
    CHECK(strstr(l.err.message,
                 "post-link script of package a-1-0 failed (exit code 3): because"));
    CHECK(!scratch_has(&s, "env/conda-meta/history"));
    CHECK(S_ISDIR(scratch_stat(&s, "final").st_mode));
    CHECK_INT(scratch_stat(&s, "final").st_mode & 07777, 0750);
    linked_release(&l);

    struct cenv_link_options options = {.mode = CENV_PLACE_COPY, .no_scripts = true};
    l = link_packages(&s, "env2", target, &package, 1, options);
    CHECK_INT(l.rc, 0);
    linked_release(&l);
    scratch_close(&s);
}

int main(void)
{
    RUN(test_scripts__run_at_the_final_path);
    RUN(test_scripts__see_activation);
    RUN(test_scripts__see_variables_of_files);
    RUN(test_scripts__before_the_link_may_write);
    RUN(test_scripts__failing_one_stops_the_link);
    return check_report();
}
