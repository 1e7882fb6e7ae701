/* SPDX-License-Identifier: BSD-3-Clause */
/* What a sweep of a store takes. */
#include <sys/mount.h>

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

/* One that cannot be removed is told of, and the others go. */
static void test_sweep__goes_on_after_what_it_cannot_remove(void)
{
    struct storekit k = storekit_open();
    char stuck[2][512];
    CHECK_INT(mkdirat(k.s.fd, "box", 0755), 0);
    for (int i = 0; i < 2; i++) {
        char name[16];
        snprintf(name, sizeof(name), "box/stuck%d", i);
        storekit_put_clone(&k, name, true, true);
        snprintf(stuck[i], sizeof(stuck[i]), "%s", scratch_path(&k.s, name));
        if (geteuid() == 0)
            CHECK_INT(mount(stuck[i], stuck[i], NULL, MS_BIND, NULL), 0);
    }
    for (char name[] = "dead0"; name[4] < '8'; name[4]++)
        storekit_put_clone(&k, name, true, true);
    CHECK_INT(fchmodat(k.s.fd, "box", 0555, 0), 0);
    CHECK_INT(cenv_store_sweep(k.store, &k.task, &k.out, &k.err), CENV_EOS);
    CHECK(strstr(k.err.message, "2 leftovers cannot be removed, the first: ") ==
          k.err.message);
    CHECK(strstr(k.err.message, "box/stuck") != NULL);
    CHECK_INT(storekit_count(&k, CENV_STORE_CLONES), 2);
    CHECK_INT(cenv_fs_exists(k.s.fd, "dead0", &k.err), 0);
    CHECK_INT(cenv_fs_exists(k.s.fd, "dead7", &k.err), 0);
    cenv_error_release(&k.err);
    for (int i = 0; i < 2 && geteuid() == 0; i++)
        CHECK_INT(umount2(stuck[i], MNT_DETACH), 0);
    CHECK_INT(fchmodat(k.s.fd, "box", 0755, 0), 0);
    CHECK_INT(cenv_store_sweep(k.store, &k.task, &k.out, &k.err), 0);
    CHECK_INT(storekit_count(&k, CENV_STORE_CLONES), 0);
    storekit_close(&k);
}

int main(void)
{
    umask(022);
    RUN(test_sweep__takes_only_clones_whose_owner_is_gone);
    RUN(test_sweep__leaves_clones_that_it_cannot_see);
    RUN(test_sweep__goes_on_after_what_it_cannot_remove);
    return check_report();
}
