/* SPDX-License-Identifier: BSD-3-Clause */
/* Overlay clones while memory runs out: made, reset, made permanent and removed, or as before. */
#include <sys/wait.h>

#include "base/alloc.h"
#include "clone_env.h"
#include "os/fs.h"
#include "os/namespace.h"

static struct env e;
static struct cenv_store *store;
static struct cenv_task task;
static struct cenv_buf out;
static struct cenv_error err;
static char options[200];
static int entries; /* beside the clone, without it */

static int make(void)
{
    return cenv_clone(store, e.src, e.dst, options, &task, &out, &err);
}

static int put_back(void)
{
    return cenv_reset(store, e.dst, &task, &out, &err);
}

static int make_permanent(void)
{
    return cenv_materialize(store, e.dst, &task, &out, &err);
}

static int take_away(void)
{
    return cenv_overlay_remove(store, e.dst, &err);
}

static void forget_words(void)
{
    cenv_buf_release(&out);
    cenv_buf_init(&out, 1 << 16);
    cenv_error_release(&err);
    cenv_task_release(&task);
    cenv_task_init(&task, NULL, NULL);
}

/* The n-th allocation of it fails: false, there was none. */
static bool fail_nth(int (*work)(void), long n, int *rc)
{
    forget_words();
    long live = cenv_alloc_live();
    cenv_alloc_fail_nth(n);
    *rc = work();
    bool reached = !cenv_alloc_fail_nth(0);
    CHECK(*rc == 0 || (reached && *rc == CENV_ENOMEM));
    CHECK_INT(err.status, *rc);
    forget_words();
    CHECK_INT(cenv_alloc_live(), live);
    return reached;
}

static void check_there(bool there)
{
    CHECK_INT(cenv_fs_exists(e.s.fd, "clone", &err), there);
    CHECK_INT(entries_of(e.s.path), entries + there);
    if (there)
        check_installed(&e, e.dst);
}

/* Each step begins and ends with a whole overlay clone at its place. */
static void fail_everywhere(void)
{
    bool reached = true;
    int rc;
    for (long n = 1; reached; n++) {
        reached = fail_nth(make, n, &rc);
        check_there(rc == 0);
        if (rc == 0 && reached)
            CHECK_INT(take_away(), 0);
    }
    reached = true;
    for (long n = 1; reached; n++) {
        reached = fail_nth(put_back, n, &rc);
        if (rc < 0)
            CHECK_INT(put_back(), 0);
        check_there(true);
    }
    reached = true;
    for (long n = 1; reached; n++) {
        reached = fail_nth(make_permanent, n, &rc);
        check_there(true);
        if (rc == 0) {
            CHECK_INT(cenv_remove(store, e.dst, NULL, &task, &err), 0);
            CHECK_INT(make(), 0);
        }
    }
    reached = true;
    for (long n = 1; reached; n++) {
        reached = fail_nth(take_away, n, &rc);
        if (rc < 0)
            CHECK_INT(take_away(), 0);
        check_there(false);
        CHECK_INT(make(), 0);
    }
    CHECK_INT(take_away(), 0);
    check_there(false);
}

/* A process enters a namespace once, and stays. */
static int fail_in_namespace(void)
{
    struct cenv_buf name;
    cenv_buf_init(&name, 64);
    cenv_buf_init(&out, 1 << 16);
    cenv_task_init(&task, NULL, NULL);
    e = env_open();
    CHECK_INT(cenv_store_open(&store, scratch_path(&e.s, "store"), &err), 0);
    entries = entries_of(e.s.path);
    if (CHECK_INT(cenv_namespace_enter(&name, &err), 0)) {
        snprintf(options, sizeof(options),
                 "{\"mode\": \"overlay\", \"namespace\": \"%s\", \"threads\": 1}",
                 name.data);
        fail_everywhere();
    }
    forget_words();
    cenv_buf_release(&name);
    cenv_store_free(store);
    scratch_close(&e.s);
    clone_env_release();
    return check_failed;
}

static void test_overlay_clone__no_memory(void)
{
    int status = 0, pid = fork();
    if (pid == 0)
        _exit(fail_in_namespace() > 0);
    waitpid(pid, &status, 0);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void test_overlay_clone__needs_a_namespace(void)
{
    struct env plain = env_open();
    CHECK_INT(clone_to(plain.src, plain.dst, "overlay", &err), CENV_ELINK);
    CHECK(err.hint[0]);
    CHECK_INT(cenv_fs_exists(plain.s.fd, "clone", NULL), 0);
    cenv_error_release(&err);
    scratch_close(&plain.s);
}

int main(void)
{
    struct cenv_buf reason;
    cenv_buf_init(&reason, 4096);
    umask(022);
    if (cenv_ns_works("/tmp", &reason))
        RUN(test_overlay_clone__no_memory);
    RUN(test_overlay_clone__needs_a_namespace);
    cenv_buf_release(&reason);
    clone_env_release();
    return check_report();
}
