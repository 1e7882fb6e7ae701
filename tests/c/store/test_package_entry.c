/* SPDX-License-Identifier: BSD-3-Clause */
/* Packages as entries: published once, refused when altered, whole on a full disk. */
#include <errno.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include "check.h"
#include "store/package_entry.h"
#include "storekit.h"

static void test_package_entry__is_published_once(void)
{
    struct storekit k = storekit_open();
    const char *hash = storekit_hash('a');
    CHECK_INT(storekit_find(&k, hash, NULL), 1);
    CHECK_INT(storekit_publish(k.store, hash, "one", false, &k.task, &k.err), 0);
    CHECK_INT(storekit_find(&k, hash, NULL), 0);
    CHECK(k.out.data && strstr(k.out.data, "/v1/pkgs/aa/aaaa"));
    char *content = cenv_strdup(k.out.data);
    CHECK_INT(storekit_publish(k.store, hash, "two", false, &k.task, &k.err), 0);
    CHECK_INT(storekit_find(&k, hash, NULL), 0);
    CHECK_STR(k.out.data, content); /* the first one stays */
    int dir = cenv_fs_open_root(content, &k.err);
    cenv_buf_clear(&k.out);
    CHECK_INT(cenv_fs_read_file(dir, "bin/x", &k.out, &k.err), 0);
    CHECK_STR(k.out.data, "one");
    cenv_fd_close(dir);
    cenv_free(content);
    cenv_buf_clear(&k.out);
    CHECK_INT(cenv_package_entry_record(k.store, cenv_str(hash), &k.out, &k.err), 0);
    CHECK_STR(k.out.data, STOREKIT_RECORD);
    CHECK_INT(storekit_count(&k, CENV_STORE_TMP), 0);
    storekit_close(&k);
}

static void test_package_entry__has_a_manifest_to_read(void)
{
    struct storekit k = storekit_open();
    const char *hash = storekit_hash('a');
    struct cenv_package_manifest manifest;
    cenv_package_manifest_init(&manifest);
    CHECK_INT(
        cenv_package_entry_read_manifest(k.store, cenv_str(hash), &manifest, &k.err),
        CENV_EOS);
    cenv_error_release(&k.err);
    CHECK_INT(
        cenv_package_entry_read_manifest(k.store, CENV_STR("../x"), &manifest, &k.err),
        CENV_EINTEGRITY);
    cenv_error_release(&k.err);
    CHECK_INT(storekit_publish(k.store, hash, "one", false, &k.task, &k.err), 0);
    CHECK_INT(
        cenv_package_entry_read_manifest(k.store, cenv_str(hash), &manifest, &k.err),
        0);
    if (CHECK_INT(manifest.nr, 1))
        CHECK(cenv_str_is(manifest.entries[0].path, "bin/x"));
    cenv_package_manifest_release(&manifest);
    storekit_close(&k);
}

static void test_package_entry__says_what_it_was_made_of(void)
{
    struct storekit k = storekit_open();
    CHECK_INT(
        cenv_package_entry_write_kind(k.s.fd, "layer", CENV_STR("a-1-\"0"), &k.err), 0);
    CHECK_INT(cenv_fs_read_file(k.s.fd, CENV_PKG_RECORD, &k.out, &k.err), 0);
    CHECK_STR(k.out.data, "{\"layer\":\"a-1-\\\"0\"}");
    CHECK_INT(cenv_package_entry_write_kind(k.s.fd, "layer", CENV_STR("b"), &k.err),
              CENV_EOS);
    storekit_close(&k);
}

static void test_package_entry__refuses_what_is_no_hash(void)
{
    struct storekit k = storekit_open();
    static const char *const bad[] = {"", "../../../etc", "AB", "zz"};
    for (size_t i = 0; i < CHECK_NR(bad); i++) {
        check_case(bad[i]);
        CHECK_INT(storekit_find(&k, bad[i], NULL), CENV_EINTEGRITY);
        cenv_error_release(&k.err);
    }
    storekit_close(&k);
}

/* What was touched since is not used, and the next publication replaces it. */
static void test_package_entry__is_seen_to_be_altered(void)
{
    static const struct {
        const char *label, *path, *text;
        mode_t mode;
    } cases[] = {
        {"other size", "content/bin/x", "longer", 0644},
        {"same size, later", "content/bin/x", "two", 0644},
        {"other mode", "content/bin/x", NULL, 0755},
        {"half a manifest", "manifest", "cenvpkg1", 0644},
        {"empty manifest", "manifest", "", 0644},
    };
    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        struct storekit k = storekit_open();
        struct cenv_buf why;
        char path[256];
        const char *hash = storekit_hash('b');
        check_case(cases[i].label);
        CHECK_INT(storekit_publish(k.store, hash, "one", false, &k.task, &k.err), 0);
        snprintf(path, sizeof(path), "store/v1/pkgs/bb/%s/%s", hash, cases[i].path);
        if (cases[i].text)
            scratch_file(&k.s, path, cases[i].text, cases[i].mode);
        else
            fchmodat(k.s.fd, path, cases[i].mode, 0);
        cenv_buf_init(&why, 4096);
        CHECK_INT(storekit_find(&k, hash, &why), 1);
        CHECK(why.data && strstr(why.data, i < 3 ? "bin/x" : "manifest") != NULL);
        CHECK_INT(storekit_publish(k.store, hash, "new", true, &k.task, &k.err), 0);
        CHECK_INT(storekit_find(&k, hash, NULL), 0);
        CHECK_STR(scratch_text(&k.s, strstr(path, "manifest") ? "none" : path),
                  strstr(path, "manifest") ? NULL : "new");
        CHECK_INT(storekit_count(&k, CENV_STORE_TMP), 0);
        cenv_buf_release(&why);
        storekit_close(&k);
    }
}

static void test_package_entry__is_published_by_many_processes(void)
{
    enum { RACERS = 4, ROUNDS = 10 };
    struct storekit k = storekit_open();
    pid_t pids[RACERS];
    for (int i = 0; i < RACERS; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            int rc = 0;
            for (char r = 0; r < ROUNDS && rc == 0; r++)
                rc = storekit_publish(k.store, storekit_hash((char)('0' + r)), "same",
                                      i % 2, &k.task, &k.err);
            if (rc)
                fprintf(stderr, "%s\n", k.err.message);
            _exit(rc ? 1 : 0);
        }
    }
    for (int i = 0; i < RACERS; i++) {
        int status = -1;
        waitpid(pids[i], &status, 0);
        CHECK_INT(status, 0);
    }
    for (char r = 0; r < ROUNDS; r++)
        CHECK_INT(storekit_find(&k, storekit_hash((char)('0' + r)), NULL), 0);
    CHECK_INT(storekit_count(&k, CENV_STORE_TMP), 0);
    storekit_close(&k);
}

/* A full disk is told as such, and leaves the store as it was. */
static void test_package_entry__says_when_the_disk_is_full(void)
{
    static char big[3 << 20];
    struct scratch s = scratch_open();
    if (geteuid() != 0 || mount("cenv", s.path, "tmpfs", 0, "size=1m") < 0) {
        scratch_close(&s);
        return;
    }
    struct cenv_store *store;
    struct cenv_task task;
    struct cenv_error err = CENV_ERROR_INIT;
    memset(big, 'x', sizeof(big) - 1);
    cenv_task_init(&task, NULL, NULL);
    CHECK_INT(cenv_store_open(&store, scratch_path(&s, "store"), &err), 0);
    CHECK_INT(storekit_publish(store, storekit_hash('e'), big, false, &task, &err),
              CENV_EOS);
    CHECK_INT(err.os_errno, ENOSPC);
    CHECK(err.path[0] && err.hint[0]);
    cenv_error_release(&err);
    CHECK_INT(storekit_publish(store, storekit_hash('e'), "small", false, &task, &err),
              0);
    CHECK_INT(cenv_package_entry_find(store, cenv_str(storekit_hash('e')), NULL, NULL,
                                      &task, &err),
              0);
    cenv_store_free(store);
    cenv_task_release(&task);
    cenv_error_release(&err);
    umount2(s.path, MNT_DETACH);
    scratch_close(&s);
}

int main(void)
{
    umask(022);
    RUN(test_package_entry__is_published_once);
    RUN(test_package_entry__has_a_manifest_to_read);
    RUN(test_package_entry__says_what_it_was_made_of);
    RUN(test_package_entry__refuses_what_is_no_hash);
    RUN(test_package_entry__is_seen_to_be_altered);
    RUN(test_package_entry__is_published_by_many_processes);
    RUN(test_package_entry__says_when_the_disk_is_full);
    return check_report();
}
