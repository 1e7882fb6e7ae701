/* SPDX-License-Identifier: BSD-3-Clause */
/* Making room in a store. */
#include "base/alloc.h"
#include "check.h"
#include "storekit.h"

static void test_gc__takes_the_longest_unused_first(void)
{
    struct storekit k = storekit_open();
    storekit_put_template(&k, storekit_hash('1'), 3000, 100);
    storekit_put_template(&k, storekit_hash('2'), 1000, 100);
    storekit_put_template(&k, storekit_hash('3'), 2000, 100);
    CHECK_INT(
        storekit_publish(k.store, storekit_hash('a'), "12345", false, &k.task, &k.err),
        0);
    CHECK_INT(cenv_store_gc(k.store, 120, &k.task, &k.out, &k.err), 0);
    CHECK_STR(k.out.data, "{\"removed\":2,\"bytes\":200,\"left\":105}");
    CHECK_INT(storekit_count(&k, CENV_STORE_TEMPLATES), 1);
    CHECK_INT(cenv_template_find(k.store, "1", &k.out, &k.err), 0);
    CHECK_INT(storekit_find(&k, storekit_hash('a'), NULL), 0);
    cenv_buf_clear(&k.out);
    CHECK_INT(cenv_store_gc(k.store, 0, &k.task, &k.out, &k.err), 0);
    CHECK_INT(storekit_count(&k, CENV_STORE_TEMPLATES), 0);
    CHECK_INT(storekit_find(&k, storekit_hash('a'), NULL), 1);
    storekit_close(&k);
}

static void test_gc__is_kept_out_by_a_lease(void)
{
    struct storekit k = storekit_open();
    struct cenv_lease *lease, *other;
    storekit_put_template(&k, storekit_hash('1'), 1000, 100);
    CHECK_INT(cenv_lease_take(k.store, &lease, &k.err), 0);
    CHECK_INT(cenv_lease_take(k.store, &other, &k.err), 0);
    CHECK_INT(cenv_store_gc(k.store, 0, &k.task, &k.out, &k.err), CENV_EFAIL);
    CHECK(strstr(k.err.message, "in use") && k.err.hint[0]);
    cenv_error_release(&k.err);
    CHECK_INT(cenv_template_remove(k.store, storekit_hash('1'), &k.task, &k.err),
              CENV_EFAIL);
    cenv_error_release(&k.err);
    CHECK_INT(storekit_count(&k, CENV_STORE_TEMPLATES), 1);
    cenv_lease_free(lease);
    cenv_lease_free(other);
    CHECK_INT(cenv_store_gc(k.store, 0, &k.task, &k.out, &k.err), 0);
    storekit_close(&k);
}

static int use_and_collect(struct storekit *k, struct cenv_error *err)
{
    struct cenv_lease *lease = NULL;
    const char *hash = storekit_hash('d');
    int rc = cenv_lease_take(k->store, &lease, err);
    rc = rc ? rc : storekit_publish(k->store, hash, "one", true, &k->task, err);
    cenv_buf_clear(&k->out);
    if (rc == 0)
        rc = cenv_package_entry_find(k->store, cenv_str(hash), &k->out, NULL, &k->task,
                                     err);
    rc = rc ? rc : cenv_request_put(k->store, "q", "{\"a\":[1,2]}", err);
    rc = rc ? rc : cenv_request_find(k->store, "q", &k->out, err);
    rc = rc ? rc : cenv_template_list(k->store, &k->out, err);
    rc = rc ? rc : cenv_store_sweep(k->store, &k->task, &k->out, err);
    cenv_lease_free(lease);
    return rc ? rc : cenv_store_gc(k->store, 0, &k->task, &k->out, err);
}

static void test_gc__of_a_used_store_survives_failing_allocations(void)
{
    struct storekit k = storekit_open();
    int fine = 0;
    /* Some failures do no harm: it is over when many in a row did none. */
    for (long n = 1; fine < 50 && n < 5000; n++) {
        struct cenv_error err = CENV_ERROR_INIT;
        storekit_put_template(&k, storekit_hash('1'), 1000, 100);
        storekit_put_clone(&k, "gone", true, true);
        cenv_buf_release(&k.out);
        long before = cenv_alloc_live();
        cenv_alloc_fail_nth(n);
        int rc = use_and_collect(&k, &err);
        cenv_alloc_fail_nth(0);
        fine = rc == 0 ? fine + 1 : 0;
        if (rc != 0 && rc != 1) /* a lookup that could not be made is a miss at most */
            CHECK_INT(rc, CENV_ENOMEM);
        cenv_buf_release(&k.out);
        CHECK_INT(cenv_alloc_live(), before);
        cenv_error_release(&err);
    }
    CHECK_INT(fine, 50);
    storekit_close(&k);
}

int main(void)
{
    umask(022);
    RUN(test_gc__takes_the_longest_unused_first);
    RUN(test_gc__is_kept_out_by_a_lease);
    RUN(test_gc__of_a_used_store_survives_failing_allocations);
    return check_report();
}
