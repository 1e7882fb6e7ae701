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
    static const char *const stay[] = {"live", "kept", "replaced", "moved/f"};
    for (size_t i = 0; i < CHECK_NR(stay); i++)
        CHECK_INT(cenv_fs_exists(k.s.fd, stay[i], &k.err), 1);
    CHECK_INT(cenv_fs_exists(k.s.fd, "dead \xff", &k.err), 0);
    CHECK(k.out.data && strstr(k.out.data, "dead") && !strstr(k.out.data, "live"));
    CHECK_INT(storekit_count(&k, CENV_STORE_CLONES), 2);
    scratch_file(&k.s, "store/v1/clones/junk.json", "{\"path_hex\":\"zz\"}", 0600);
    CHECK_INT(cenv_store_sweep(k.store, &k.task, &k.out, &k.err), 0);
    CHECK_INT(storekit_count(&k, CENV_STORE_CLONES), 2);
    storekit_close(&k);
}

/* A clone in a home that this user cannot look into, or on a server that is away. */
static void test_sweep__leaves_clones_that_it_cannot_see(void)
{
    struct storekit k = storekit_open();
    char path[300] = "/", name[CENV_STORE_FILE];
    const struct timespec past[2] = {{1000, 0}, {1000, 0}};
    memset(path + 1, 'x', sizeof(path) - 2);
    struct cenv_clone_entry clone = {
        .path = path, .source = "/s", .mode = "copy", .dev = 1, .ino = 2};
    CHECK_INT(cenv_clone_registry_enter(k.store, &clone, &k.err), 0);
    CHECK_INT(cenv_clone_registry_file(path, name, &k.err), 0);
    CHECK_INT(utimensat(k.store->dirs[CENV_STORE_CLONES], name, past, 0), 0);
    CHECK_INT(cenv_store_sweep(k.store, &k.task, &k.out, &k.err), 0);
    CHECK_INT(storekit_count(&k, CENV_STORE_CLONES), 1);
    storekit_close(&k);
}

int main(void)
{
    umask(022);
    RUN(test_sweep__takes_only_clones_whose_owner_is_gone);
    RUN(test_sweep__leaves_clones_that_it_cannot_see);
    return check_report();
}
