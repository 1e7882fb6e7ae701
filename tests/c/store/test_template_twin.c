/* SPDX-License-Identifier: BSD-3-Clause */
/* Twins: there, with its template, or not; what has subvolumes, tests in Python have. */
#include "check.h"
#include "memorykit.h"
#include "os/fs_data.h"
#include "os/subvolume.h"
#include "store/store_lock.h"
#include "store/template_twin.h"

enum { SUM = 7 };

static int open_twin(struct storekit *s)
{
    struct cenv_template_twin twin = {.tree = -1};
    int rc =
        cenv_template_twin_open(s->store, MEMORYKIT_ID, SUM, &twin, &s->task, &s->err);
    CHECK((rc == 0) == (twin.tree >= 0));
    cenv_fd_close(twin.tree);
    return rc;
}

/* In a scratch directory: a plain directory in the place of the subvolume. */
static int publish_plain(struct storekit *s, const char *facts)
{
    struct cenv_scratch scratch;
    CHECK_INT(cenv_scratch_open(s->store, &scratch, &s->err), 0);
    cenv_fd_close(cenv_fs_open_beneath(scratch.fd, "t/tree", 0700, &s->err));
    int dir = cenv_fs_open_dir(scratch.fd, "t", &s->err);
    CHECK_INT(cenv_fs_write_new(dir, CENV_TWIN_FACTS, cenv_str(facts), 0600, &s->err),
              0);
    cenv_fd_close(dir);
    int rc =
        cenv_template_twin_publish(s->store, scratch.fd, "t", MEMORYKIT_ID, &s->err);
    cenv_scratch_close(s->store, &scratch);
    return rc;
}

static void test_template_twin__of_nonsense_is_none(void)
{
    struct memorykit k = memorykit_open();
    CHECK_INT(open_twin(&k.s), 1);
    CHECK_INT(publish_plain(&k.s, "nonsense"), 0);
    CHECK_INT(open_twin(&k.s), 1);
    CHECK_INT(
        publish_plain(
            &k.s, "cenv-tw and as many bytes as facts have, which is 64 in all, so."),
        0);
    CHECK_INT(open_twin(&k.s), 1);
    CHECK_INT(cenv_template_twin_bytes(k.s.store, MEMORYKIT_ID), 0);
    CHECK_INT(storekit_count(&k.s, CENV_STORE_TMP), 0); /* the first one went */
    storekit_close(&k.s);
}

static void test_template_twin__is_not_made_without_its_template(void)
{
    struct storekit s = storekit_open();
    CHECK_INT(open_twin(&s), 1);
    CHECK_INT(publish_plain(&s, "facts"), CENV_EOS);
    cenv_error_release(&s.err);
    CHECK_INT(storekit_count(&s, CENV_STORE_TEMPLATES), 0);
    storekit_close(&s);
}

/* Only a file system that has subvolumes tells of changes. */
static void test_template_twin__has_no_facts_where_none_are_told(void)
{
    struct storekit s = storekit_open();
    struct cenv_subvolume_facts facts;
    cenv_fd_close(cenv_fs_open_beneath(s.store->root, CENV_TWIN_TREE, 0700, &s.err));
    bool told = cenv_raw_subvolume_facts(s.store->root, &facts) == 0;
    CHECK_INT(cenv_template_twin_save(s.store->root, SUM, &s.task, &s.err),
              told ? 0 : CENV_EOS);
    cenv_error_release(&s.err);
    storekit_close(&s);
}

static void test_template_twin__has_one_maker_at_a_time(void)
{
    struct storekit s = storekit_open();
    struct cenv_lock *lock, *other;
    CHECK_INT(cenv_template_twin_lock(s.store, MEMORYKIT_ID, &lock, &s.task, &s.err),
              0);
    CHECK_INT(cenv_store_lock_try(s.store, "twin-" MEMORYKIT_ID, &other, &s.err), 1);
    cenv_template_twin_unlock(s.store, MEMORYKIT_ID, lock);
    CHECK_INT(cenv_store_lock_try(s.store, "twin-" MEMORYKIT_ID, &other, &s.err), 0);
    cenv_store_lock_release(s.store, "twin-" MEMORYKIT_ID, other);
    storekit_close(&s);
}

int main(void)
{
    RUN(test_template_twin__of_nonsense_is_none);
    RUN(test_template_twin__is_not_made_without_its_template);
    RUN(test_template_twin__has_no_facts_where_none_are_told);
    RUN(test_template_twin__has_one_maker_at_a_time);
    return check_report();
}
