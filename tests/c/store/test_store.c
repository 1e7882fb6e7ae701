/* SPDX-License-Identifier: BSD-3-Clause */
/* The store: publishing, altered packages, requests, leases, gc, the sweep, and faults. */
#include <errno.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include "check.h"
#include "codec/json.h"
#include "store/clone_registry.h"
#include "store/known_hash.h"
#include "store/layout.h"
#include "store/package_entry.h"
#include "store/scratch.h"
#include "store/store_lock.h"
#include "store/template_entry.h"
#include "storekit.h"
#include "template/template_id.h"

static int find(struct storekit *k, const char *sha256, struct cenv_buf *why)
{
    cenv_buf_clear(&k->out);
    return cenv_package_entry_find(k->store, cenv_str(sha256), &k->out, why, &k->task,
                                   &k->err);
}

static size_t count(struct storekit *k, enum cenv_store_dir dir)
{
    struct cenv_listing list;
    size_t nr = 0;
    if (CHECK_INT(cenv_listing_read(&list, k->store->dirs[dir], false), 0))
        nr = list.nr;
    cenv_listing_release(&list);
    return nr;
}

static void test_store__opens_a_new_place_and_an_old_one(void)
{
    struct storekit k = storekit_open();
    struct cenv_store *again = NULL;
    CHECK_INT(cenv_store_open(&again, scratch_path(&k.s, "store"), &k.err), 0);
    CHECK_STR(again->path, scratch_path(&k.s, "store/v1"));
    cenv_store_free(again);
    CHECK(strncmp(scratch_text(&k.s, "store/CACHEDIR.TAG"),
                  "Signature: 8a477f597d28d172", 27) == 0);
    scratch_file(&k.s, "file", "", 0600);
    CHECK_INT(cenv_store_open(&again, scratch_path(&k.s, "file"), &k.err), CENV_EOS);
    CHECK(strstr(k.err.hint, "CENV_STORE") != NULL);
    storekit_close(&k);
}

static void test_store__publishes_once(void)
{
    struct storekit k = storekit_open();
    const char *hash = storekit_hash('a');
    CHECK_INT(find(&k, hash, NULL), 1);
    CHECK_INT(storekit_publish(k.store, hash, "one", false, &k.task, &k.err), 0);
    CHECK_INT(find(&k, hash, NULL), 0);
    CHECK(k.out.data && strstr(k.out.data, "/v1/pkgs/aa/aaaa"));
    char *content = cenv_strdup(k.out.data);
    CHECK_INT(storekit_publish(k.store, hash, "two", false, &k.task, &k.err), 0);
    CHECK_INT(find(&k, hash, NULL), 0);
    CHECK_STR(k.out.data, content); /* the first one stays */
    int dir = cenv_fs_open_root(content, &k.err);
    cenv_buf_clear(&k.out);
    CHECK_INT(cenv_fs_read_file(dir, "bin/x", &k.out, &k.err), 0);
    CHECK_STR(k.out.data, "one");
    cenv_fd_close(dir);
    cenv_free(content);
    cenv_buf_clear(&k.out);
    CHECK_INT(cenv_package_entry_record(k.store, cenv_str(hash), &k.out, &k.err), 0);
    CHECK_STR(k.out.data, "{\"name\":\"x\"}");
    CHECK_INT(count(&k, CENV_STORE_TMP), 0);
    storekit_close(&k);
}

static void test_store__refuses_what_is_no_hash(void)
{
    struct storekit k = storekit_open();
    static const char *const bad[] = {"", "../../../etc", "AB", "zz"};
    for (size_t i = 0; i < CHECK_NR(bad); i++) {
        check_case(bad[i]);
        CHECK_INT(find(&k, bad[i], NULL), CENV_EINTEGRITY);
        cenv_error_release(&k.err);
    }
    storekit_close(&k);
}

/* what was touched since is not used, and the next publication replaces it. */
static void test_store__sees_altered_packages(void)
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
        CHECK_INT(find(&k, hash, &why), 1);
        CHECK(why.data && strstr(why.data, i < 3 ? "bin/x" : "manifest") != NULL);
        CHECK_INT(storekit_publish(k.store, hash, "new", true, &k.task, &k.err), 0);
        CHECK_INT(find(&k, hash, NULL), 0);
        CHECK_STR(scratch_text(&k.s, strstr(path, "manifest") ? "none" : path),
                  strstr(path, "manifest") ? NULL : "new");
        CHECK_INT(count(&k, CENV_STORE_TMP), 0);
        cenv_buf_release(&why);
        storekit_close(&k);
    }
}

static void test_store__remembers_requests(void)
{
    struct storekit k = storekit_open();
    CHECK_INT(cenv_request_find(k.store, "q", &k.out, &k.err), 1);
    CHECK_INT(k.out.len, 0);
    CHECK_INT(cenv_request_put(k.store, "q", "{\"id\":\"1\"}", &k.err), 0);
    CHECK_INT(cenv_request_find(k.store, "q", &k.out, &k.err), 0);
    CHECK_STR(k.out.data, "{\"id\":\"1\"}");
    CHECK_INT(cenv_request_put(k.store, "q", "{\"id\":", &k.err),
              0); /* as a crash leaves it */
    CHECK_INT(cenv_request_find(k.store, "q", &k.out, &k.err), 1);
    char hex[65];
    struct cenv_str url = CENV_STR("https://h/c/a-1-0.conda"), md5 = CENV_STR("d41d8c");
    CHECK(!cenv_known_hash_find(k.store, url, md5, 5, hex));
    CHECK_INT(cenv_known_hash_put(k.store, url, md5, 5, storekit_hash('c'), &k.err), 0);
    CHECK(cenv_known_hash_find(k.store, url, md5, 5, hex));
    CHECK_STR(hex, storekit_hash('c'));
    CHECK(!cenv_known_hash_find(k.store, url, md5, 6, hex));
    storekit_close(&k);
}

/* ---- ids ---- */

static char *id_of(const char *records, const char *key, const char *base)
{
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_json *doc = NULL;
    struct cenv_buf out;
    cenv_buf_init(&out, 1000);
    CHECK_INT(cenv_json_parse(&doc, cenv_str(records), "records", &err), 0);
    int rc = cenv_template_id_of_records(doc, key, base, &out, &err);
    cenv_json_free(doc);
    char *id = rc ? NULL : cenv_buf_detach(&out);
    cenv_buf_release(&out);
    cenv_error_release(&err);
    return id;
}

#define RECORD(name, hash, more) \
    "{\"name\":\"" name "\",\"sha256\":\"" hash hash hash hash "\"" more "}"
#define HASH_A "aaaaaaaaaaaaaaaa"
#define HASH_B "bbbbbbbbbbbbbbbb"

static void test_store__ids_tell_contents_not_origins(void)
{
    static const char one[] =
        "[" RECORD("a", HASH_A, "") "," RECORD("b", HASH_B, "") "]";
    static const struct {
        const char *label, *records, *key, *base;
        bool same;
    } cases[] = {
        {"order", "[" RECORD("b", HASH_B, "") "," RECORD("a", HASH_A, "") "]", NULL,
         NULL, true},
        {"origin",
         "[" RECORD("a", HASH_A, ",\"url\":\"https://x\",\"channel\":\"c\"") "," RECORD(
             "b", HASH_B, "") "]",
         NULL, NULL, true},
        {"record",
         "[" RECORD("a", HASH_A, ",\"depends\":[\"b\"]") "," RECORD("b", HASH_B,
                                                                    "") "]",
         NULL, NULL, false},
        {"hash", "[" RECORD("a", HASH_B, "") "," RECORD("b", HASH_B, "") "]", NULL,
         NULL, false},
        {"key", one, "k", NULL, false},
        {"base", one, NULL, "b", false},
        {"no hash", "[{\"name\":\"a\"}]", NULL, NULL, false},
    };
    char *id = id_of(one, NULL, NULL);
    CHECK(id && strlen(id) == 64);
    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        char *other = id_of(cases[i].records, cases[i].key, cases[i].base);
        check_case(cases[i].label);
        CHECK_INT(other && strcmp(other, id) == 0, cases[i].same);
        cenv_free(other);
    }
    cenv_free(id);
}

/* ---- templates by hand ---- */

static void put_template(struct storekit *k, const char *id, int64_t used, int size)
{
    char path[256], text[256];
    snprintf(path, sizeof(path), "store/v1/templates/%s", id);
    mkdirat(k->s.fd, path, 0755);
    snprintf(path, sizeof(path), "store/v1/templates/%s/prefix", id);
    mkdirat(k->s.fd, path, 0755);
    snprintf(path, sizeof(path), "store/v1/templates/%s/template.json", id);
    snprintf(text, sizeof(text),
             "{\"id\":\"%s\",\"size\":%d,\"specs\":[\"x\"],\"records\":[{},{}]}", id,
             size);
    scratch_file(&k->s, path, text, 0644);
    cenv_raw_set_mtime(k->s.fd, path, used * 1000000000);
}

static void test_store__finds_templates(void)
{
    struct storekit k = storekit_open();
    struct cenv_buf manifest;
    char whole[65], other[65];
    snprintf(whole, sizeof(whole), "%s", storekit_hash('1'));
    snprintf(other, sizeof(other), "%s", storekit_hash('1'));
    other[63] = '2';
    put_template(&k, whole, 1000, 10);
    put_template(&k, storekit_hash('3'), 2000, 20);
    CHECK_INT(cenv_template_find(k.store, "11", &k.out, &k.err), 0);
    CHECK(k.out.data && strstr(k.out.data, "/prefix\"") && strstr(k.out.data, whole));
    put_template(&k, other, 1000, 10);
    CHECK_INT(cenv_template_find(k.store, "11", &k.out, &k.err), CENV_EUSAGE);
    cenv_error_release(&k.err);
    CHECK_INT(cenv_template_find(k.store, whole, &k.out, &k.err), 0);
    CHECK_INT(cenv_template_find(k.store, "4", &k.out, &k.err), 1);
    CHECK_INT(cenv_template_find(k.store, "../x", &k.out, &k.err), 1);
    CHECK_INT(cenv_template_find(k.store, "", &k.out, &k.err), 1);
    cenv_buf_clear(&k.out);
    CHECK_INT(cenv_template_list(k.store, &k.out, &k.err), 0);
    CHECK(k.out.data && strstr(k.out.data, "\"records\":2") != NULL);
    cenv_buf_init(&manifest, 4096);
    char prefix[512];
    snprintf(prefix, sizeof(prefix), "%s/templates/%s/prefix", k.store->path, whole);
    CHECK_INT(cenv_template_entry_of_prefix(k.store, prefix, &manifest), 1);
    CHECK(manifest.data && strstr(manifest.data, "/manifest"));
    prefix[strlen(prefix) - 1] = 'y';
    CHECK_INT(cenv_template_entry_of_prefix(k.store, prefix, &manifest), 0);
    CHECK_INT(cenv_template_entry_of_prefix(k.store, "/usr", &manifest), 0);
    cenv_buf_release(&manifest);
    CHECK_INT(cenv_template_remove(k.store, whole, &k.task, &k.err), 0);
    CHECK_INT(cenv_template_find(k.store, whole, &k.out, &k.err), 1);
    CHECK_INT(cenv_template_remove(k.store, whole, &k.task, &k.err), CENV_EUSAGE);
    storekit_close(&k);
}

static void test_store__gc_takes_the_longest_unused_first(void)
{
    struct storekit k = storekit_open();
    put_template(&k, storekit_hash('1'), 3000, 100);
    put_template(&k, storekit_hash('2'), 1000, 100);
    put_template(&k, storekit_hash('3'), 2000, 100);
    CHECK_INT(
        storekit_publish(k.store, storekit_hash('a'), "12345", false, &k.task, &k.err),
        0);
    CHECK_INT(cenv_store_gc(k.store, 120, &k.task, &k.out, &k.err), 0);
    CHECK_STR(k.out.data, "{\"removed\":2,\"bytes\":200,\"left\":105}");
    CHECK_INT(count(&k, CENV_STORE_TEMPLATES), 1);
    CHECK_INT(cenv_template_find(k.store, "1", &k.out, &k.err), 0);
    CHECK_INT(find(&k, storekit_hash('a'), NULL), 0);
    cenv_buf_clear(&k.out);
    CHECK_INT(cenv_store_gc(k.store, 0, &k.task, &k.out, &k.err), 0);
    CHECK_INT(count(&k, CENV_STORE_TEMPLATES), 0);
    CHECK_INT(find(&k, storekit_hash('a'), NULL), 1);
    storekit_close(&k);
}

static void test_store__a_lease_keeps_gc_out(void)
{
    struct storekit k = storekit_open();
    struct cenv_lease *lease, *other;
    put_template(&k, storekit_hash('1'), 1000, 100);
    CHECK_INT(cenv_lease_take(k.store, &lease, &k.err), 0);
    CHECK_INT(cenv_lease_take(k.store, &other, &k.err), 0);
    CHECK_INT(cenv_store_gc(k.store, 0, &k.task, &k.out, &k.err), CENV_EFAIL);
    CHECK(strstr(k.err.message, "in use") && k.err.hint[0]);
    cenv_error_release(&k.err);
    CHECK_INT(cenv_template_remove(k.store, storekit_hash('1'), &k.task, &k.err),
              CENV_EFAIL);
    cenv_error_release(&k.err);
    CHECK_INT(count(&k, CENV_STORE_TEMPLATES), 1);
    cenv_lease_free(lease);
    cenv_lease_free(other);
    CHECK_INT(cenv_store_gc(k.store, 0, &k.task, &k.out, &k.err), 0);
    storekit_close(&k);
}

/* ---- clones ---- */

static void put_clone(struct storekit *k, const char *name, bool owned, bool dead)
{
    struct cenv_stat st;
    char path[512];
    mkdirat(k->s.fd, name, 0755);
    snprintf(path, sizeof(path), "%s/f", name);
    scratch_file(&k->s, path, "x", 0444);
    snprintf(path, sizeof(path), "%s", scratch_path(&k->s, name));
    cenv_raw_stat(k->s.fd, name, &st);
    struct cenv_clone_entry entry = {.path = path,
                                     .source = "/template/prefix",
                                     .dev = st.dev,
                                     .ino = st.ino,
                                     .mode = "hardlink"};
    if (owned)
        cenv_owner_self(&entry.owner);
    if (dead)
        entry.owner.start++; /* its number is another process's now */
    CHECK_INT(cenv_clone_registry_enter(k->store, &entry, &k->err), 0);
}

static void test_store__sweeps_only_clones_whose_owner_is_gone(void)
{
    struct storekit k = storekit_open();
    struct cenv_arena arena = CENV_ARENA_INIT;
    struct cenv_clone_entry entry;
    put_clone(&k, "live", true, false);
    put_clone(&k, "dead \xff", true, true);
    put_clone(&k, "kept", false, false);
    put_clone(&k, "replaced", true, true);
    CHECK_INT(renameat(k.s.fd, "replaced", k.s.fd, "moved"), 0);
    mkdirat(k.s.fd, "replaced", 0755); /* another directory by now */
    CHECK_INT(cenv_clone_registry_find(k.store, scratch_path(&k.s, "live"), &arena,
                                       &entry, &k.err),
              0);
    CHECK_STR(entry.source, "/template/prefix");
    CHECK_STR(entry.mode, "hardlink");
    CHECK_INT(cenv_clone_registry_find(k.store, scratch_path(&k.s, "replaced"), &arena,
                                       &entry, &k.err),
              1);
    cenv_arena_release(&arena);
    CHECK_INT(cenv_store_sweep(k.store, &k.task, &k.out, &k.err), 0);
    CHECK(cenv_fs_exists(k.s.fd, "live") && cenv_fs_exists(k.s.fd, "kept"));
    CHECK(cenv_fs_exists(k.s.fd, "replaced") && cenv_fs_exists(k.s.fd, "moved/f"));
    CHECK(!cenv_fs_exists(k.s.fd, "dead \xff"));
    CHECK(k.out.data && strstr(k.out.data, "dead") && !strstr(k.out.data, "live"));
    CHECK_INT(count(&k, CENV_STORE_CLONES), 2);
    CHECK_INT(cenv_clone_registry_forget(k.store, scratch_path(&k.s, "live"), &k.err),
              0);
    CHECK_INT(cenv_clone_registry_forget(k.store, scratch_path(&k.s, "live"), &k.err),
              0);
    CHECK_INT(count(&k, CENV_STORE_CLONES), 1);
    scratch_file(&k.s, "store/v1/clones/junk.json", "{\"path_hex\":\"zz\"}", 0600);
    CHECK_INT(cenv_store_sweep(k.store, &k.task, &k.out, &k.err), 0);
    CHECK_INT(count(&k, CENV_STORE_CLONES), 1);
    storekit_close(&k);
}

/* ---- builders that die, builders that race ---- */

/* In the child: takes the lock and a scratch directory, fills it a little, says so, and waits for its death. */
static pid_t start_builder(struct storekit *k)
{
    int ends[2];
    char byte = 0;
    if (pipe(ends) < 0)
        return -1;
    pid_t pid = fork();
    if (pid == 0) {
        struct cenv_lock *lock;
        struct cenv_scratch scratch;
        int rc = cenv_store_lock_try(k->store, "template-1", &lock, &k->err);
        rc = rc ? rc : cenv_scratch_open(k->store, &scratch, &k->err);
        rc = rc ? rc
                : cenv_fs_write_new(scratch.fd, "half", CENV_STR("x"), 0644, &k->err);
        if (rc == 0)
            rc = (int)write(ends[1], "x", 1);
        pause();
        _exit(rc);
    }
    CHECK_INT(read(ends[0], &byte, 1), 1);
    close(ends[0]);
    close(ends[1]);
    return pid;
}

static void test_store__takes_over_from_a_killed_builder(void)
{
    struct storekit k = storekit_open();
    struct cenv_lock *lock;
    pid_t pid = start_builder(&k);
    CHECK_INT(cenv_store_lock_try(k.store, "template-1", &lock, &k.err), 1);
    cenv_buf_clear(&k.out);
    cenv_lock_holder(k.store->dirs[CENV_STORE_LOCKS], "template-1", &k.out);
    char want[64];
    snprintf(want, sizeof(want), "process %ld on ", (long)pid);
    CHECK(k.out.data && strncmp(k.out.data, want, strlen(want)) == 0);
    CHECK_INT(cenv_store_sweep(k.store, &k.task, &k.out, &k.err), 0);
    CHECK_INT(count(&k, CENV_STORE_TMP),
              2); /* its scratch directory and the lock of that: it lives */
    kill(pid, SIGKILL);
    CHECK_INT(cenv_store_lock_take(k.store, "template-1", &lock, &k.task, &k.err), 0);
    waitpid(pid, NULL, 0);
    cenv_buf_clear(&k.out);
    CHECK_INT(cenv_store_sweep(k.store, &k.task, &k.out, &k.err), 0);
    CHECK_STR(k.out.data, "{\"removed\":[],\"works\":1}");
    CHECK_INT(count(&k, CENV_STORE_TMP), 0);
    cenv_store_lock_release(k.store, "template-1", lock);
    CHECK_INT(count(&k, CENV_STORE_LOCKS), 0);
    storekit_close(&k);
}

static void test_store__two_processes_publish_one_entry(void)
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
        CHECK_INT(find(&k, storekit_hash((char)('0' + r)), NULL), 0);
    CHECK_INT(count(&k, CENV_STORE_TMP), 0);
    storekit_close(&k);
}

/* ---- faults ---- */

static int everything(struct storekit *k, struct cenv_error *err)
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

static void test_store__survives_failing_allocations(void)
{
    struct storekit k = storekit_open();
    int rc = 1;
    for (long n = 1; rc != 0 && n < 5000; n++) {
        struct cenv_error err = CENV_ERROR_INIT;
        put_template(&k, storekit_hash('1'), 1000, 100);
        put_clone(&k, "gone", true, true);
        cenv_buf_release(&k.out);
        long before = cenv_alloc_live();
        cenv_alloc_fail_nth(n);
        rc = everything(&k, &err);
        cenv_alloc_fail_nth(0);
        if (rc != 0 && rc != 1) /* a lookup that could not be made is a miss at most */
            CHECK_INT(rc, CENV_ENOMEM);
        cenv_buf_release(&k.out);
        CHECK_INT(cenv_alloc_live(), before);
        cenv_error_release(&err);
    }
    CHECK_INT(rc, 0);
    storekit_close(&k);
}

/* a full disk is told as such, and leaves the store as it was. */
static void test_store__says_when_the_disk_is_full(void)
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
    RUN(test_store__opens_a_new_place_and_an_old_one);
    RUN(test_store__publishes_once);
    RUN(test_store__refuses_what_is_no_hash);
    RUN(test_store__sees_altered_packages);
    RUN(test_store__remembers_requests);
    RUN(test_store__ids_tell_contents_not_origins);
    RUN(test_store__finds_templates);
    RUN(test_store__gc_takes_the_longest_unused_first);
    RUN(test_store__a_lease_keeps_gc_out);
    RUN(test_store__sweeps_only_clones_whose_owner_is_gone);
    RUN(test_store__takes_over_from_a_killed_builder);
    RUN(test_store__two_processes_publish_one_entry);
    RUN(test_store__survives_failing_allocations);
    RUN(test_store__says_when_the_disk_is_full);
    return check_report();
}
