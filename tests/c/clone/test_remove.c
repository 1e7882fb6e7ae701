/* SPDX-License-Identifier: BSD-3-Clause */
/* Removing clones while memory runs out. */
#include "base/alloc.h"
#include "clone_env.h"
#include "os/fs.h"

static struct cenv_store *store;

static void make_clone(const struct env *e)
{
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_task task;
    struct cenv_buf out;
    cenv_task_init(&task, NULL, NULL);
    cenv_buf_init(&out, 1 << 16);
    CHECK_INT(cenv_clone(store, e->src, e->dst, "{\"threads\": 1}", &task, &out, &err),
              0);
    cenv_buf_release(&out);
    cenv_task_release(&task);
    cenv_error_release(&err);
}

/* How many of the store's entries there are. */
static int clones_known(const struct env *e)
{
    return entries_of(scratch_path(&e->s, "store/v1/clones"));
}

static int remove_clone(const struct env *e, struct cenv_error *err)
{
    struct cenv_task task;
    cenv_task_init(&task, NULL, NULL);
    int rc = cenv_remove(store, e->dst, NULL, &task, err);
    cenv_task_release(&task);
    return rc;
}

/* It is gone and forgotten, or still there by its name, and goes the next time. */
static bool fail_removal(const struct env *e, long n, int before)
{
    struct cenv_error err = CENV_ERROR_INIT;
    make_clone(e);
    long live = cenv_alloc_live();
    cenv_alloc_fail_nth(n);
    int rc = remove_clone(e, &err);
    bool reached = !cenv_alloc_fail_nth(0);
    CHECK(rc == 0 || (reached && rc == CENV_ENOMEM));
    CHECK_INT(err.status, rc);
    cenv_error_release(&err);
    CHECK_INT(cenv_alloc_live(), live);
    CHECK_INT(cenv_fs_exists(e->s.fd, "clone", &err), rc < 0);
    CHECK_INT(entries_of(e->s.path), before + (rc < 0));
    CHECK_INT(cenv_fs_exists(e->s.fd, "clone/conda-meta", &err), rc < 0);
    if (rc < 0)
        CHECK_INT(remove_clone(e, &err), 0);
    CHECK_INT(entries_of(e->s.path), before);
    CHECK_INT(clones_known(e), 0);
    return reached;
}

static void test_remove__no_memory(void)
{
    struct env e = env_open();
    struct cenv_error err = CENV_ERROR_INIT;
    CHECK_INT(cenv_store_open(&store, scratch_path(&e.s, "store"), &err), 0);
    int before = entries_of(e.s.path);
    for (long n = 1; fail_removal(&e, n, before); n++)
        ;
    cenv_store_free(store);
    scratch_close(&e.s);
}

/* A clone is set aside as a whole, or stays. */
static void test_remove__aside_no_memory(void)
{
    struct env e = env_open();
    struct cenv_error err = CENV_ERROR_INIT;
    bool reached = true;
    CHECK_INT(cenv_store_open(&store, scratch_path(&e.s, "store"), &err), 0);
    make_clone(&e);
    int before = entries_of(e.s.path);
    for (long n = 1; reached; n++) {
        struct cenv_buf out;
        cenv_buf_init(&out, 4096);
        long live = cenv_alloc_live();
        cenv_alloc_fail_nth(n);
        int rc = cenv_clone_set_aside(store, e.dst, &out, &err);
        reached = !cenv_alloc_fail_nth(0);
        CHECK(rc == 0 || (reached && rc == CENV_ENOMEM));
        CHECK_INT(cenv_fs_exists(e.s.fd, "clone", &err), rc < 0);
        CHECK_INT(entries_of(e.s.path), before);
        if (rc == 0)
            CHECK_INT(rename(out.data, e.dst), 0);
        cenv_buf_release(&out);
        cenv_error_release(&err);
        CHECK_INT(cenv_alloc_live(), live);
    }
    check_installed(&e, e.dst);
    cenv_store_free(store);
    scratch_close(&e.s);
}

int main(void)
{
    umask(022);
    RUN(test_remove__no_memory);
    RUN(test_remove__aside_no_memory);
    clone_env_release();
    return check_report();
}
