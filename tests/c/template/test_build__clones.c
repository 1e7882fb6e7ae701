/* SPDX-License-Identifier: BSD-3-Clause */
/* Clones of templates that are changed, killed and swept meanwhile. */
#include "os/fs_remove.h"
#include "templatekit.h"

static int nr_of_spans(enum cenv_stage stage)
{
    int nr = 0;
    for (size_t i = 0; i < k.task.nr_spans; i++)
        nr += k.task.spans[i].stage == stage;
    return nr;
}

/* Something came into it: the first clone looks again, the next one knows. */
static void test_build__changed_template_is_looked_into_once(void)
{
    char path[1300];
    templatekit_begin_built();
    CHECK_INT(templatekit_clone("one", ""), 0);
    CHECK_INT(nr_of_spans(CENV_STAGE_PROCESS_MANIFEST), 0);
    snprintf(path, sizeof(path), "%s/share/new", prefix);
    close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
    CHECK_INT(templatekit_clone("two", ""), 0);
    CHECK_INT(nr_of_spans(CENV_STAGE_PROCESS_MANIFEST), 1);
    CHECK_INT(templatekit_clone("three", ""), 0);
    CHECK_INT(nr_of_spans(CENV_STAGE_PROCESS_MANIFEST), 1);
    CHECK_INT(cenv_fs_exists(k.s.fd, "three/share/new", &k.err), 1);
    CHECK_INT(templatekit_build("{\"rebuild\":true}"), 0);
    CHECK_INT(templatekit_clone("four", ""), 0);
    CHECK_INT(cenv_fs_exists(k.s.fd, "four/share/new", &k.err), 0);
    storekit_close(&k);
}

/* A manifest that could not be read is no absent one: the template is not searched anew. */
static void test_build__clone_short_of_memory_believes_the_manifest(void)
{
    bool reached = true;
    templatekit_begin_built();
    for (long n = 1; reached && n < 3000; n += n < 300 ? 1 : 5) {
        cenv_alloc_fail_nth(n);
        int rc = templatekit_clone("short", "{\"threads\":1}");
        reached = !cenv_alloc_fail_nth(0);
        CHECK(rc == 0 || rc == CENV_ENOMEM);
        CHECK_INT(scratch_has(&k.s, "short"), rc == 0);
        cenv_error_release(&k.err);
        cenv_fs_discard_tree(k.s.fd, "short");
    }
    CHECK(!reached);
    CHECK_INT(nr_of_spans(CENV_STAGE_PROCESS_MANIFEST), 0);
    storekit_close(&k);
}

static int clone_killed(void)
{
    return templatekit_clone("deep/er/killed", "{\"threads\":1}");
}

static int count_entries(const char *name)
{
    struct cenv_listing list;
    int nr = 0, dir = cenv_raw_open_dir(k.s.fd, name);
    if (dir < 0 || cenv_listing_read(&list, dir, false) < 0)
        return 0;
    nr = (int)list.nr;
    cenv_listing_release(&list);
    cenv_fd_close(dir);
    return nr;
}

static bool sweep_leaves(int nr)
{
    cenv_buf_clear(&k.out);
    CHECK_INT(cenv_store_sweep(k.store, &k.task, &k.out, &k.err), 0);
    return CHECK_INT(count_entries("deep/er"), nr);
}

/* Absent or whole at any moment, the source untouched, and nothing left after the next sweep. */
static void test_build__clone_may_be_killed_at_any_system_call(void)
{
    enum { STEP = 13 };
    struct cenv_stat st;
    int n = 0;
    templatekit_begin_built();
    while (templatekit_kill_at_call(n += STEP, clone_killed)) {
        bool there = cenv_raw_stat(k.s.fd, "deep/er/killed", &st) == 0;
        if (n % 2 == 0 &&
            !there) { /* the next clone to the same place sweeps as well */
            CHECK_INT(clone_killed(), 0);
            CHECK_INT(count_entries("deep/er"), 1);
            there = true;
        }
        if (!sweep_leaves(there))
            break;
        if (there) {
            cenv_buf_clear(&k.out);
            CHECK_INT(cenv_verify(scratch_path(&k.s, "deep/er/killed"), &k.task, &k.out,
                                  &k.err),
                      0);
            CHECK(k.out.data && strncmp(k.out.data, "{\"ok\":true", 10) == 0);
            cenv_remove(k.store, scratch_path(&k.s, "deep/er/killed"), NULL, &k.task,
                        &k.err);
        }
    }
    CHECK(n > 20 * STEP);
    CHECK(templatekit_finds("{\"content\":true}", ""));
    storekit_close(&k);
}

/* A sweep takes nothing from a process that lives. */
static void test_build__clone_is_left_alone_while_it_is_made(void)
{
    int status, swept = 0;
    templatekit_begin_built();
    pid_t pid = fork();
    if (pid == 0) {
        for (int i = 0; i < 30; i++) {
            if (clone_killed() < 0) {
                fprintf(stderr, "    %s\n", k.err.message);
                _exit(1);
            }
            cenv_remove(k.store, scratch_path(&k.s, "deep/er/killed"), NULL, &k.task,
                        &k.err);
        }
        _exit(0);
    }
    while (waitpid(pid, &status, WNOHANG) == 0) {
        cenv_buf_clear(&k.out);
        CHECK_INT(cenv_store_sweep(k.store, &k.task, &k.out, &k.err), 0);
        swept += k.out.data && !strstr(k.out.data, "\"removed\":[]");
    }
    CHECK_INT(status, 0);
    CHECK_INT(swept, 0);
    storekit_close(&k);
}

int main(void)
{
    umask(022);
    RUN(test_build__changed_template_is_looked_into_once);
    RUN(test_build__clone_may_be_killed_at_any_system_call);
    RUN(test_build__clone_is_left_alone_while_it_is_made);
    RUN(test_build__clone_short_of_memory_believes_the_manifest);
    return check_report();
}
