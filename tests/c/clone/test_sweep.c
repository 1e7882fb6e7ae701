/* SPDX-License-Identifier: BSD-3-Clause */
/* What a sweep of a store takes. */
#include "check.h"
#include "storekit.h"

static void test_sweep__takes_only_clones_whose_owner_is_gone(void)
{
    struct storekit k = storekit_open();
    storekit_put_clone(&k, "live", true, false);
    storekit_put_clone(&k, "dead \xff", true, true);
    storekit_put_clone(&k, "kept", false, false);
    storekit_put_clone(&k, "replaced", true, true);
    CHECK_INT(renameat(k.s.fd, "replaced", k.s.fd, "moved"), 0);
    mkdirat(k.s.fd, "replaced", 0755); /* another directory by now */
    CHECK_INT(cenv_store_sweep(k.store, &k.task, &k.out, &k.err), 0);
    CHECK(cenv_fs_exists(k.s.fd, "live") && cenv_fs_exists(k.s.fd, "kept"));
    CHECK(cenv_fs_exists(k.s.fd, "replaced") && cenv_fs_exists(k.s.fd, "moved/f"));
    CHECK(!cenv_fs_exists(k.s.fd, "dead \xff"));
    CHECK(k.out.data && strstr(k.out.data, "dead") && !strstr(k.out.data, "live"));
    CHECK_INT(storekit_count(&k, CENV_STORE_CLONES), 2);
    scratch_file(&k.s, "store/v1/clones/junk.json", "{\"path_hex\":\"zz\"}", 0600);
    CHECK_INT(cenv_store_sweep(k.store, &k.task, &k.out, &k.err), 0);
    CHECK_INT(storekit_count(&k, CENV_STORE_CLONES), 2);
    storekit_close(&k);
}

int main(void)
{
    umask(022);
    RUN(test_sweep__takes_only_clones_whose_owner_is_gone);
    return check_report();
}
