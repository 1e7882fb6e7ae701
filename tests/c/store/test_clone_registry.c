/* SPDX-License-Identifier: BSD-3-Clause */
/* The registry of clones. */
#include "base/alloc.h"
#include "check.h"
#include "store/clone_registry.h"
#include "storekit.h"

static void test_clone_registry__finds_the_very_directory(void)
{
    struct storekit k = storekit_open();
    struct cenv_arena arena = CENV_ARENA_INIT;
    struct cenv_clone_entry entry;
    storekit_put_clone(&k, "live \xff", true, false);
    storekit_put_clone(&k, "replaced", true, false);
    CHECK_INT(renameat(k.s.fd, "replaced", k.s.fd, "moved"), 0);
    mkdirat(k.s.fd, "replaced", 0755); /* another directory by now */
    CHECK_INT(cenv_clone_registry_find(k.store, scratch_path(&k.s, "live \xff"), &arena,
                                       &entry, &k.err),
              0);
    CHECK_STR(entry.path, scratch_path(&k.s, "live \xff"));
    CHECK_STR(entry.source, "/template/prefix");
    CHECK_STR(entry.mode, "hardlink");
    CHECK_INT(entry.owner.pid, getpid());
    CHECK_INT(cenv_clone_registry_find(k.store, scratch_path(&k.s, "replaced"), &arena,
                                       &entry, &k.err),
              1);
    CHECK_INT(cenv_clone_registry_find(k.store, scratch_path(&k.s, "none"), &arena,
                                       &entry, &k.err),
              1);
    cenv_arena_release(&arena);
    storekit_close(&k);
}

static void test_clone_registry__forgets_what_is_known_or_not(void)
{
    struct storekit k = storekit_open();
    storekit_put_clone(&k, "one", true, false);
    for (int twice = 0; twice < 2; twice++) {
        CHECK_INT(
            cenv_clone_registry_forget(k.store, scratch_path(&k.s, "one"), &k.err), 0);
        CHECK_INT(storekit_count(&k, CENV_STORE_CLONES), 0);
    }
    storekit_close(&k);
}

/* All facts that one may have. */
static struct cenv_clone_entry full_entry(struct storekit *k, const char *name)
{
    struct cenv_stat st = {0};
    mkdirat(k->s.fd, name, 0755);
    cenv_raw_stat(k->s.fd, name, &st);
    struct cenv_clone_entry entry = {.path = scratch_path(&k->s, name),
                                     .source = "/template/prefix",
                                     .temp = ".full.cenv-1-2",
                                     .mode = "overlay",
                                     .provenance = "{\"specs\":[\"x\"]}",
                                     .note = "{\"a\":\"b\"}",
                                     .dev = st.dev,
                                     .ino = st.ino,
                                     .shown_dev = UINT64_MAX,
                                     .shown_ino = UINT64_MAX - 1,
                                     .root_mode = 02750};
    cenv_owner_self(&entry.owner);
    return entry;
}

static void check_kept(const struct cenv_clone_entry *got,
                       const struct cenv_clone_entry *want)
{
    CHECK_STR(got->path, want->path);
    CHECK_STR(got->source, want->source);
    CHECK_STR(got->temp, want->temp);
    CHECK_STR(got->provenance, want->provenance);
    CHECK_STR(got->note, want->note);
    CHECK_INT(got->dev, want->dev);
    CHECK_INT(got->ino, want->ino);
    CHECK_INT(got->root_mode, want->root_mode);
}

/* What changes one fact of an entry loses no other. */
static void test_clone_registry__changes_one_fact_at_a_time(void)
{
    struct storekit k = storekit_open();
    struct cenv_arena arena = CENV_ARENA_INIT;
    struct cenv_clone_entry got, want = full_entry(&k, "full");
    char *path = cenv_strdup(want.path);
    want.path = path;
    CHECK_INT(cenv_clone_registry_enter(k.store, &want, &k.err), 0);
    CHECK_INT(cenv_clone_registry_find(k.store, path, &arena, &got, &k.err), 0);
    check_kept(&got, &want);
    CHECK(got.shown_dev == want.shown_dev && got.shown_ino == want.shown_ino);
    CHECK_INT(got.owner.start, want.owner.start);
    CHECK_INT(cenv_clone_registry_set_shown(k.store, &got, &k.err), 0);
    CHECK_INT(cenv_clone_registry_find(k.store, path, &arena, &got, &k.err), 0);
    check_kept(&got, &want);
    CHECK(got.shown_dev == want.dev && got.shown_ino == want.ino);
    CHECK_INT(got.owner.pid, getpid());
    CHECK_INT(cenv_clone_set_owner(k.store, path, 1, &k.err), 0);
    CHECK_INT(cenv_clone_registry_find(k.store, path, &arena, &got, &k.err), 0);
    check_kept(&got, &want);
    CHECK_STR(got.mode, "overlay");
    CHECK_INT(got.owner.pid, 1);
    CHECK_INT(cenv_clone_registry_disown(k.store, &got, "copy", -1, &k.err), 0);
    CHECK_INT(cenv_clone_registry_find(k.store, path, &arena, &got, &k.err), 0);
    check_kept(&got, &want);
    CHECK_STR(got.mode, "copy");
    CHECK_INT(got.owner.pid, 0);
    CHECK_INT(got.shown_ino, 0);
    cenv_free(path);
    cenv_arena_release(&arena);
    storekit_close(&k);
}

static void test_clone_registry__gives_no_clone_of_another_store(void)
{
    struct storekit k = storekit_open();
    CHECK_INT(cenv_clone_set_owner(k.store, scratch_path(&k.s, "none"), 1, &k.err),
              CENV_EUSAGE);
    CHECK(strstr(k.err.message, "is no clone of") != NULL);
    storekit_close(&k);
}

/* A damaged entry is none; no memory to read one is an error, for a sweep drops what is damaged. */
static void test_clone_registry__tells_damage_from_no_memory(void)
{
    struct storekit k = storekit_open();
    struct cenv_arena arena = CENV_ARENA_INIT;
    struct cenv_clone_entry got;
    char *path = cenv_strdup(scratch_path(&k.s, "one"));
    int rc = -1;
    storekit_put_clone(&k, "one", true, false);
    for (long n = 1; rc != 0 && n < 1000; n++) {
        struct cenv_error err = CENV_ERROR_INIT;
        cenv_alloc_fail_nth(n);
        rc = cenv_clone_registry_find(k.store, path, &arena, &got, &err);
        cenv_alloc_fail_nth(0);
        CHECK(rc == 0 || rc == CENV_ENOMEM);
        cenv_error_release(&err);
    }
    CHECK_INT(rc, 0);
    scratch_file(&k.s, "store/v1/clones/junk.json", "{\"path_hex\":\"zz\"}", 0600);
    CHECK_INT(cenv_clone_registry_load(k.store, "junk.json", &arena, &got, &k.err), 1);
    cenv_free(path);
    cenv_arena_release(&arena);
    storekit_close(&k);
}

int main(void)
{
    umask(022);
    RUN(test_clone_registry__finds_the_very_directory);
    RUN(test_clone_registry__forgets_what_is_known_or_not);
    RUN(test_clone_registry__changes_one_fact_at_a_time);
    RUN(test_clone_registry__gives_no_clone_of_another_store);
    RUN(test_clone_registry__tells_damage_from_no_memory);
    return check_report();
}
