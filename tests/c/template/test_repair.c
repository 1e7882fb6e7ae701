/* SPDX-License-Identifier: BSD-3-Clause */
/* Repairing a template. */
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

int main(void)
{
    umask(022);
    RUN(test_repair__clones_wait_for_it);
    return check_report();
}
