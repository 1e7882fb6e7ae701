/* SPDX-License-Identifier: BSD-3-Clause */
/* Placing files: placeholders, modes, threads, relocation sites. */
#include "relocate/splice.h"

#include "check.h"
#include "package.h"

static void test_files__relocate_text_and_binary(void)
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
    struct linked l = link_packages(&s, "env", "/short/D", &package, 1, plain_link);

    CHECK_INT(l.rc, 0);
    CHECK_STR(scratch_text(&s, "env/etc/x"), "x=/short/D/lib:/short/D/bin");
    const char *got = scratch_text(&s, "env/bin/x");
    const char want[] = "ab /short/D/lib:/short/D/bin";
    size_t pad = 2 * (PLACEHOLDER_LEN - 8) + 1;
    CHECK_MEM(got, want, sizeof(want) - 1);
    CHECK_MEM(got + sizeof(want) - 1, zeros, pad < sizeof(zeros) ? pad : sizeof(zeros));
    CHECK(got[sizeof(want) - 1 + pad] == 'Z');
    CHECK_INT(scratch_stat(&s, "env/bin/x").st_size, sizeof(binary) - 1);
    CHECK_INT(scratch_stat(&s, "env/etc/none").st_mtime,
              PACKAGE_TIME); /* not rewritten */
    CHECK_INT(scratch_stat(&s, "env/etc/none").st_mode & 07777, 0640);
    CHECK_INT(scratch_stat(&s, "env/etc/x").st_mtime, PACKAGE_TIME + 1);
    CHECK_INT(l.stats.relocated, 2);
    linked_release(&l);
    scratch_close(&s);
}

static void test_files__links_are_recreated_verbatim(void)
{
    struct scratch s = scratch_open();
    struct package p = package_begin(&s, "a", "1", "");
    package_file(&p, "lib/real", "r", 0644);
    package_link(&p, "lib/rel", "real", TEXT_KEYS ",\"offsets\":[]");
    package_link(&p, "lib/abs", "/etc/hostname", "");
    package_link(&p, "lib/gone", "nowhere", "");
    struct cenv_link_package package = package_end(&p);
    struct linked l = link_packages(&s, "env", "/D", &package, 1, plain_link);
    char target[64] = "";

    CHECK_INT(l.rc, 0);
    CHECK(readlinkat(s.fd, "env/lib/rel", target, 63) == 4 &&
          !strncmp(target, "real", 4));
    CHECK(readlinkat(s.fd, "env/lib/abs", target, 63) == 13 &&
          !strcmp(target, "/etc/hostname"));
    CHECK(scratch_has(&s, "env/lib/gone"));
    CHECK_INT(l.stats.nr_warnings, 1); /* the one out of the prefix */
    CHECK_INT(l.stats.symlinks, 3);
    linked_release(&l);
    scratch_close(&s);
}

static void test_files__are_placed_in_every_mode(void)
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
        struct stat file = scratch_stat(&s, "env/lib/f"),
                    copied = scratch_stat(&s, "env/lib/n");
        CHECK_INT(l.rc, 0);
        CHECK_INT(file.st_nlink, cases[i].nlink);
        CHECK_INT(copied.st_nlink, 1);
        CHECK_INT(file.st_mode & 07777, 0555);
        CHECK_INT(file.st_mtime, PACKAGE_TIME);
        CHECK_INT(copied.st_mode & 07777, 0444);
        CHECK_INT(copied.st_mtime, PACKAGE_TIME);
        CHECK_INT(scratch_stat(&s, "env/bin/r").st_mode & 07777, 0555);
        CHECK_STR(scratch_text(&s, "env/bin/r"), "#!/bin/sh\n/D");
        CHECK_INT(l.stats.hardlinked, cases[i].nlink - 1);
        linked_release(&l);
        scratch_close(&s);
    }
}

static void test_files__many_files_are_the_same_on_any_number_of_threads(void)
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

static void test_files__sites_describe_the_linked_file(void)
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
    struct cenv_task task;
    struct cenv_buf out;

    cenv_task_init(&task, NULL, NULL);
    cenv_buf_init(&out, 4096);
    CHECK_INT(l.rc, 0);
    CHECK(!strncmp(scratch_text(&s, "env/bin/x"), "#!/bin/sh\n'''exec' \"", 20));
    if (CHECK(l.plan && l.plan->entries[0].sites)) {
        cenv_forms_init(&forms, CENV_STR("/D"), &l.err);
        CHECK_INT(cenv_splice_apply(l.plan->entries[0].sites,
                                    cenv_str(scratch_text(&s, "env/bin/x")), &forms,
                                    &task, &out, &l.err),
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
    RUN(test_files__relocate_text_and_binary);
    RUN(test_files__links_are_recreated_verbatim);
    RUN(test_files__are_placed_in_every_mode);
    RUN(test_files__many_files_are_the_same_on_any_number_of_threads);
    RUN(test_files__sites_describe_the_linked_file);
    return check_report();
}
