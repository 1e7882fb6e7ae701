/* SPDX-License-Identifier: BSD-3-Clause */
/* What a check finds, and a repair mends. */
#include "os/fs_remove.h"
#include "templatekit.h"

static void test_check__finds_what_came_through_a_link(void)
{
    static const char *const kinds[] = {"size", "time", "mode", "content"};
    char want[128], since[64];
    for (size_t i = 0; i < CHECK_NR(kinds); i++) {
        struct timespec now;
        check_case(kinds[i]);
        templatekit_begin_built();
        CHECK_INT(templatekit_clone("clone", "{\"mode\":\"hardlink\"}"), 0);
        usleep(20000);
        clock_gettime(CLOCK_REALTIME, &now);
        snprintf(since, sizeof(since), "{\"since_us\":%lld}",
                 now.tv_sec * 1000000LL + now.tv_nsec / 1000);
        usleep(20000);
        CHECK(templatekit_finds("", ""));
        CHECK(templatekit_finds(since, ""));
        CHECK(templatekit_finds("{\"content\":true}", ""));
        CHECK(templatekit_repair_does("\"none\""));
        templatekit_alter(kinds[i]);
        snprintf(want, sizeof(want), "{\"path\":\"share/a/7\",\"what\":\"%s\"}",
                 kinds[i]);
        CHECK(templatekit_finds("", strcmp(kinds[i], "content") ? want : ""));
        CHECK(templatekit_finds(since, want));
        CHECK(templatekit_finds("{\"content\":true}", want));
        CHECK(templatekit_repair_does("\"built\""));
        CHECK(templatekit_finds("{\"content\":true}", ""));
        CHECK_INT(templatekit_clone("next", "{\"mode\":\"hardlink\"}"), 0);
        CHECK_STR(scratch_text(&k.s, "next/share/a/7"), "plain");
        templatekit_check_clean(1);
        storekit_close(&k);
    }
}

static void test_check__finds_what_was_done_to_the_template(void)
{
    char path[1300];
    templatekit_begin_built();
    snprintf(path, sizeof(path), "%s/share/a/7", prefix);
    unlink(path);
    CHECK(templatekit_finds("", "{\"path\":\"share/a/7\",\"what\":\"missing\"}"));
    CHECK_INT(symlink("6", path), 0);
    CHECK(templatekit_finds("", "{\"path\":\"share/a/7\",\"what\":\"type\"}"));
    CHECK(templatekit_repair_does("\"built\""));
    snprintf(path, sizeof(path), "%s/share/new.pyc", prefix);
    close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
    CHECK(templatekit_finds("", ""));
    snprintf(path, sizeof(path), "%s/share/new", prefix);
    close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
    CHECK(templatekit_finds("", "{\"path\":\"share/new\",\"what\":\"added\"}"));
    CHECK_INT(cenv_fs_remove_tree(CENV_CWD, prefix, &k.err), 0);
    CHECK(templatekit_finds("", "{\"path\":\"\",\"what\":\"missing\"}"));
    CHECK(templatekit_repair_does("\"built\""));
    CHECK(templatekit_finds("{\"content\":true}", ""));
    CHECK_INT(cenv_template_repair(k.store, "../x", "", &k.task, &k.out, &k.err),
              CENV_EUSAGE);
    cenv_error_release(&k.err);
    storekit_close(&k);
}

int main(void)
{
    umask(022);
    RUN(test_check__finds_what_came_through_a_link);
    RUN(test_check__finds_what_was_done_to_the_template);
    return check_report();
}
