/* SPDX-License-Identifier: BSD-3-Clause */
/* Memories of paths: whole or none, and never without their template. */
#include "check.h"
#include "memorykit.h"
#include "os/raw_data.h"

/* Changes one byte of the facts. */
static void spoil(struct memorykit *k, size_t at)
{
    struct cenv_buf path;
    char byte;
    cenv_buf_init(&path, 4096);
    cenv_buf_addf(&path, MEMORYKIT_ID "/" CENV_MEMORY_DIR "/%s/" CENV_MEMORY_FACTS,
                  k->name);
    int fd =
        cenv_raw_open_lock(k->s.store->dirs[CENV_STORE_TEMPLATES], path.data, true);
    CHECK_INT(cenv_raw_pread(fd, &byte, 1, at), 1);
    byte ^= 1;
    CHECK_INT(cenv_raw_pwrite(fd, &byte, 1, at), 0);
    cenv_fd_close(fd);
    cenv_buf_release(&path);
}

static void test_path_memory__is_whole_or_none(void)
{
    struct memorykit k = memorykit_open();
    struct cenv_stat before, after;
    CHECK(!memorykit_is_there(&k));
    memorykit_make(&k, "/a", "hardlink");
    for (size_t at = 0; at < sizeof(struct cenv_memory_head) + 8; at++) {
        check_case("a byte of the facts");
        spoil(&k, at);
        CHECK(!memorykit_is_there(&k));
        spoil(&k, at);
    }
    CHECK(memorykit_is_there(&k));
    memorykit_make(&k, "/a", "hardlink"); /* what is there stays */
    CHECK(memorykit_is_there(&k));
    CHECK_INT(
        cenv_path_memory_withdraw(k.s.store, MEMORYKIT_ID, k.name, &k.s.task, &k.s.err),
        0);
    CHECK(!memorykit_is_there(&k));
    CHECK_INT(storekit_count(&k.s, CENV_STORE_TMP), 0);
    /* Of nothing, which every clone to a new path asks for, nothing is made. */
    CHECK_INT(cenv_raw_stat_fd(k.s.store->dirs[CENV_STORE_TMP], &before), 0);
    CHECK_INT(
        cenv_path_memory_withdraw(k.s.store, MEMORYKIT_ID, k.name, &k.s.task, &k.s.err),
        0);
    CHECK_INT(cenv_raw_stat_fd(k.s.store->dirs[CENV_STORE_TMP], &after), 0);
    CHECK_INT(after.ctime_ns, before.ctime_ns);
    storekit_close(&k.s);
}

static void test_path_memory__without_its_template_is_not_made(void)
{
    struct memorykit k = memorykit_open();
    struct cenv_store *store = k.s.store;
    int templates = store->dirs[CENV_STORE_TEMPLATES];
    CHECK(!cenv_path_memory_has_seen(store, MEMORYKIT_ID, k.name));
    CHECK(cenv_path_memory_has_seen(store, MEMORYKIT_ID, k.name));
    CHECK(!cenv_path_memory_has_seen(store, MEMORYKIT_ID, "another"));
    CHECK(cenv_path_memory_has_seen(store, MEMORYKIT_ID, "another"));
    CHECK_INT(
        cenv_publish_withdraw(store, templates, MEMORYKIT_ID, &k.s.task, &k.s.err), 0);
    CHECK(!cenv_path_memory_has_seen(store, MEMORYKIT_ID, k.name));
    CHECK(!memorykit_is_there(&k));
    CHECK_INT(storekit_count(&k.s, CENV_STORE_TEMPLATES), 0);
    storekit_close(&k.s);
}

int main(void)
{
    RUN(test_path_memory__is_whole_or_none);
    RUN(test_path_memory__without_its_template_is_not_made);
    return check_report();
}
