/* SPDX-License-Identifier: BSD-3-Clause */
/* Room for memories: the longest unused go, and none that a clone shows. */
#include "check.h"
#include "memorykit.h"
#include "store/memory_room.h"

enum { BYTES = MEMORYKIT_BYTES };

static void enter_clone(struct memorykit *k, const char *path)
{
    struct cenv_clone_entry entry = {.path = path, .source = "/", .mode = "overlay"};
    CHECK_INT(cenv_clone_registry_enter(k->s.store, &entry, &k->s.err), 0);
}

static int make_room(struct memorykit *k, uint64_t bytes, uint64_t max_bytes)
{
    return cenv_memory_room_make(k->s.store, bytes, max_bytes, &k->s.task, &k->s.err);
}

static void test_memory_room__is_made_of_the_longest_unused(void)
{
    struct memorykit k = memorykit_open();
    struct cenv_lock *claim;
    const char *const paths[] = {"/shown", "/a", "/b", "/c"};
    for (size_t i = 0; i < CHECK_NR(paths); i++)
        memorykit_make(&k, paths[i], "overlay");
    enter_clone(&k, "/shown");
    memorykit_make(&k, "/a", "overlay");
    CHECK(memorykit_is_there(&k)); /* which is a use */
    CHECK_INT(make_room(&k, BYTES, 5 * BYTES), 0);
    CHECK_INT(make_room(&k, 6 * BYTES, 5 * BYTES), 1);
    memorykit_make(&k, "/b", "overlay");
    CHECK_INT(make_room(&k, 2 * BYTES, 5 * BYTES), 0); /* one too many: /b */
    CHECK(!memorykit_is_there(&k));
    memorykit_make(&k, "/a", "overlay");
    CHECK_INT(cenv_clone_registry_claim(k.s.store, "/c", &claim, &k.s.task, &k.s.err),
              0);
    CHECK_INT(make_room(&k, BYTES, BYTES), 1); /* of two that are in use none goes */
    CHECK(!memorykit_is_there(&k));
    cenv_clone_registry_unclaim(k.s.store, "/c", claim, false);
    CHECK_INT(make_room(&k, BYTES, 2 * BYTES), 0);
    CHECK_INT(cenv_path_memory_name("/shown", "overlay", k.name, &k.s.err), 0);
    CHECK(memorykit_is_there(&k));
    CHECK_INT(cenv_clone_registry_forget(k.s.store, "/shown", &k.s.err), 0);
    CHECK_INT(make_room(&k, BYTES, BYTES), 0);
    CHECK(!memorykit_is_there(&k));
    storekit_close(&k.s);
}

static void test_memory_room__without_memory_for_it_is_none(void)
{
    struct memorykit k = memorykit_open();
    bool reached = true;
    for (long n = 1; reached; n++) {
        memorykit_make(&k, "/a", "hardlink");
        cenv_alloc_fail_nth(n);
        int rc = make_room(&k, BYTES, BYTES);
        reached = !cenv_alloc_fail_nth(0);
        CHECK(rc == 0 || (reached && rc == CENV_ENOMEM));
        if (rc == 0)
            CHECK(!memorykit_is_there(&k));
        cenv_error_release(&k.s.err);
    }
    storekit_close(&k.s);
}

int main(void)
{
    RUN(test_memory_room__is_made_of_the_longest_unused);
    RUN(test_memory_room__without_memory_for_it_is_none);
    return check_report();
}
