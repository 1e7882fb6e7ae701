/* SPDX-License-Identifier: BSD-3-Clause */
/* Repairing a template. */
#include "os/fs_remove.h"
#include "store/template_entry.h"
#include "templatekit.h"

/* Clones that are on their way while it is built anew wait for it. */
static void test_repair__clones_wait_for_it(void)
{
    templatekit_begin_built();
    CHECK_INT(templatekit_clone("clone", "{\"mode\":\"hardlink\"}"), 0);
    pid_t pid = fork();
    if (pid == 0) {
        for (int i = 0; i < 5; i++) {
            templatekit_alter("size");
            if (!templatekit_repair_does("\"built\""))
                _exit(1);
            cenv_remove(k.store, scratch_path(&k.s, "clone"), NULL, &k.task, &k.err);
            if (templatekit_clone("clone", "{\"mode\":\"hardlink\"}") < 0)
                _exit(2);
        }
        _exit(0);
    }
    for (int i = 0; i < 100; i++) {
        char name[16];
        snprintf(name, sizeof(name), "c%d", i);
        if (!CHECK_INT(templatekit_clone(name, "{\"mode\":\"hardlink\"}"), 0)) {
            fprintf(stderr, "    %s\n", k.err.message);
            break;
        }
    }
    int status = -1;
    waitpid(pid, &status, 0);
    CHECK_INT(status, 0);
    storekit_close(&k);
}

/* ---- replaced while it is cloned ---- */

/* Builds it anew if nobody has its lock; the old one stays open in the clone, half of it gone. */
static bool replace_template(void)
{
    struct cenv_lock *lock = NULL;
    char old[1200], name[64];
    static int nr;
    if (cenv_template_entry_try_lock(k.store, template_id, &lock, &k.err) != 0)
        return false;
    cenv_template_entry_unlock(k.store, template_id, lock);
    snprintf(name, sizeof(name), "old%d", nr++);
    snprintf(old, sizeof(old), "%.*s", (int)(strlen(prefix) - strlen("/prefix")),
             prefix);
    CHECK_INT(rename(old, scratch_path(&k.s, name)), 0);
    snprintf(old, sizeof(old), "%s/prefix/share/a", name);
    CHECK_INT(cenv_fs_remove_tree(k.s.fd, old, &k.err), 0);
    CHECK_INT(templatekit_build("{}"), 0);
    return templatekit_was_built();
}

/* A clone that is stopped before its n-th system call, and each STEP-th after; how many came. */
static int replace_at_calls(int n, int times)
{
    enum { STEP = 40 };
    int status, replaced = 0;
    pid_t pid = fork();
    if (pid == 0) {
        ptrace(PTRACE_TRACEME, 0, NULL, NULL);
        raise(SIGSTOP);
        _exit(templatekit_clone("clone", "{\"mode\":\"hardlink\",\"threads\":1}") < 0);
    }
    waitpid(pid, &status, 0);
    for (int i = 1; !WIFEXITED(status); i++) {
        ptrace(PTRACE_SYSCALL, pid, NULL, NULL);
        waitpid(pid, &status, 0);
        bool due = i >= 2 * n && (i - 2 * n) % STEP == 0 && replaced < times;
        if (due && !WIFEXITED(status))
            replaced += replace_template();
    }
    CHECK_INT(WEXITSTATUS(status), 0);
    return replaced;
}

static void check_clone(void)
{
    char path[64];
    for (int i = 0; i < 30; i++) {
        snprintf(path, sizeof(path), "clone/share/a/%d", i);
        if (!CHECK_INT(cenv_fs_exists(k.s.fd, path, &k.err), 1))
            break;
    }
    CHECK_INT(cenv_remove(k.store, scratch_path(&k.s, "clone"), NULL, &k.task, &k.err),
              0);
}

/* Whatever a clone has seen of the old one, it is of the new one, whole. */
static void test_repair__at_any_moment_leaves_clones_whole(void)
{
    enum { STEP = 7 };
    int replaced = 0;
    templatekit_begin_built();
    for (int n = 1, came = 1; came; n += STEP) {
        came = replace_at_calls(n, 1);
        replaced += came;
        check_clone();
    }
    CHECK(replaced > 20);
    storekit_close(&k);
}

/* However often it is: the second attempt holds the builders off. */
static void test_repair__again_and_again_fails_no_clone(void)
{
    templatekit_begin_built();
    for (int n = 20; n < 100; n += 20) {
        CHECK(replace_at_calls(n, 8) >= 1);
        check_clone();
    }
    storekit_close(&k);
}

int main(void)
{
    umask(022);
    RUN(test_repair__at_any_moment_leaves_clones_whole);
    RUN(test_repair__again_and_again_fails_no_clone);
    RUN(test_repair__clones_wait_for_it);
    return check_report();
}
