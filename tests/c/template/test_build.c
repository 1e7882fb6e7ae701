/* SPDX-License-Identifier: BSD-3-Clause */
/* Templates: built once however many ask, whole or not at all. */
#include <sys/mount.h>
#include <sys/resource.h>

#include "os/fs_remove.h"
#include "store/template_entry.h"
#include "templatekit.h"

static void test_build__is_built_once(void)
{
    char want[1200];
    templatekit_begin();
    CHECK_INT(templatekit_build("{\"specs\":[\"a\",\"b\"],\"channels\":[\"c\"]}"), 0);
    CHECK(templatekit_was_built());
    struct cenv_json *doc = templatekit_reply();
    const char *path = cenv_json_get_cstr(doc, "prefix");
    snprintf(want, sizeof(want), "#!%s/bin/sh\necho a\n", path);
    const char *got = templatekit_text("bin/a");
    CHECK(strcmp(got, want) == 0 ||
          strstr(got, path)); /* a long path takes another first line */
    CHECK(strstr(templatekit_text("conda-meta/history"), "linux-64::a-1-0"));
    CHECK(strstr(templatekit_text("../template.json"), "\"specs\":[\"a\",\"b\"]"));
    CHECK_INT(cenv_json_len(cenv_json_get(doc, "records")), 3);
    CHECK(cenv_json_get_int(doc, "size", 0) > 300);
    cenv_json_free(doc);
    CHECK_INT(templatekit_build("{\"specs\":[\"b >0\"]}"), 0);
    CHECK(!templatekit_was_built());
    CHECK_INT(cenv_verify(scratch_path(&k.s, "none"), &k.task, &k.out, &k.err),
              CENV_EOS);
    cenv_error_release(&k.err);
    templatekit_check_clean(1);
    storekit_close(&k);
}

static void test_build__owns_its_inodes_and_verifies(void)
{
    struct cenv_stat st;
    templatekit_begin();
    CHECK_INT(templatekit_build("{}"), 0);
    struct cenv_json *doc = templatekit_reply();
    char *path = cenv_strdup(cenv_json_get_cstr(doc, "prefix"));
    int fd = cenv_fs_open_root(path, &k.err);
    CHECK_INT(cenv_raw_stat(fd, "share/a/0", &st), 0);
    CHECK_INT(st.nlink, 1);
    cenv_fd_close(fd);
    cenv_buf_clear(&k.out);
    CHECK_INT(cenv_verify(path, &k.task, &k.out, &k.err), 0);
    CHECK(k.out.data && strncmp(k.out.data, "{\"ok\":true", 10) == 0);
    struct cenv_buf manifest;
    cenv_buf_init(&manifest, 4096);
    CHECK_INT(cenv_template_entry_of_prefix(k.store, path, &manifest, &k.err), 1);
    CHECK(manifest.data && cenv_fs_exists(CENV_CWD, manifest.data, &k.err) == 1);
    cenv_buf_release(&manifest);
    cenv_free(path);
    cenv_json_free(doc);
    storekit_close(&k);
}

static void test_build__rebuilds_in_one_step(void)
{
    struct cenv_stat old, new;
    templatekit_begin();
    CHECK_INT(templatekit_build("{}"), 0);
    CHECK_INT(cenv_raw_stat(k.store->dirs[CENV_STORE_TEMPLATES], ".", &old), 0);
    struct cenv_json *doc = templatekit_reply();
    cenv_raw_stat(CENV_CWD, cenv_json_get_cstr(doc, "prefix"), &old);
    CHECK_INT(templatekit_build("{\"rebuild\":true}"), 0);
    CHECK(templatekit_was_built());
    cenv_raw_stat(CENV_CWD, cenv_json_get_cstr(doc, "prefix"), &new);
    CHECK(!cenv_stat_same_file(&old, &new));
    cenv_json_free(doc);
    templatekit_check_clean(1);
    storekit_close(&k);
}

/* A failed build leaves nothing, is not remembered, and says what is wrong. */
static void test_build__failed_build_leaves_nothing(void)
{
    char path[256];
    templatekit_begin();
    snprintf(path, sizeof(path), "store/v1/pkgs/bb/%s/content/info/paths.json",
             storekit_hash('b'));
    char *kept = strdup(scratch_text(&k.s, path));
    struct cenv_stat st;
    cenv_raw_stat(k.s.fd, path, &st);
    char *broken = strdup(kept);
    memset(broken, 'x', 10); /* as long as before, and as old: only linking sees it */
    scratch_file(&k.s, path, broken, 0644);
    cenv_raw_set_mtime(k.s.fd, path, st.mtime_ns);
    CHECK(templatekit_build("{}") < 0);
    CHECK(k.err.message[0]);
    cenv_error_release(&k.err);
    templatekit_check_clean(0);
    CHECK_INT(cenv_template_build(k.store, "{}", "{}", &k.task, &k.out, &k.err),
              CENV_EUSAGE);
    cenv_error_release(&k.err);
    CHECK_INT(cenv_template_build(k.store, "[", "{}", &k.task, &k.out, &k.err),
              CENV_EINTEGRITY);
    cenv_error_release(&k.err);
    scratch_file(&k.s, path, kept, 0644);
    cenv_raw_set_mtime(k.s.fd, path, st.mtime_ns);
    CHECK_INT(templatekit_build("{}"), 0);
    free(kept);
    free(broken);
    storekit_close(&k);
}

/* The id comes of the records: they may not depend on what the store had already. */
static void test_build__records_are_the_same_fetched_or_found(void)
{
    static const char index[] = "{\"name\":\"p\",\"version\":\"1\",\"build\":\"0\","
                                "\"build_number\":0,\"depends\":[],\"arch\":\"x86_64\","
                                "\"subdir\":\"linux-64\"}";
    static const char paths[] = "{\"paths_version\":1,\"paths\":[]}";
    struct cenv_pack_member members[] = {
        {.path = "info/index.json",
         .data = index,
         .len = sizeof(index) - 1,
         .mode = 0644},
        {.path = "info/paths.json",
         .data = paths,
         .len = sizeof(paths) - 1,
         .mode = 0644},
    };
    static const char *const extras[] = {
        "", ",\"license\":\"BSD\"",
        ",\"name\":\"p\",\"version\":\"1\",\"build\":\"0\","
        "\"depends\":[],\"fn\":\"p-1-0.conda\""};
    char sha256[CENV_DIGEST_HEX_MAX];
    struct cenv_buf archive;
    templatekit_begin();
    CHECK_INT(cenv_pack(scratch_path(&k.s, "p-1-0.conda"), members, 2, &k.task, &k.err),
              0);
    cenv_buf_init(&archive, 1 << 20);
    CHECK_INT(cenv_fs_read_file(k.s.fd, "p-1-0.conda", &archive, &k.err), 0);
    cenv_digest_sha256_hex(cenv_buf_str(&archive), sha256);
    for (size_t i = 0; i < 2 * CHECK_NR(extras); i++) {
        char *first = NULL;
        check_case(extras[i / 2]);
        snprintf(records, sizeof(records),
                 "[{\"url\":\"file://%s\",\"size\":%zu%s,\"sha256\":%s%s%s}]",
                 scratch_path(&k.s, "p-1-0.conda"), archive.len, extras[i / 2],
                 i % 2 ? "\"" : "", i % 2 ? sha256 : "null", i % 2 ? "\"" : "");
        for (int found = 0; found < 2; found++) {
            cenv_buf_clear(&k.out);
            CHECK_INT(
                cenv_fetch_packages(k.store, records, "{}", &k.task, &k.out, &k.err),
                0);
            if (!found)
                first = cenv_strdup(cenv_buf_str(&k.out).data);
        }
        CHECK_STR(k.out.data, first);
        cenv_free(first);
        cenv_buf_clear(&k.out);
        CHECK_INT(cenv_store_gc(k.store, 0, &k.task, &k.out, &k.err), 0);
    }
    cenv_buf_release(&archive);
    storekit_close(&k);
}

/* A misspelt option is told, with the one that was meant, and nothing is built. */
static void test_build__refuses_what_it_does_not_know(void)
{
    static const struct {
        const char *options, *message, *hint;
    } cases[] = {
        {"{\"rebuilt\":true}", "'rebuilt'", "'rebuild'"},
        {"{\"spec\":[\"a\"]}", "'spec'", "'specs'"},
        {"{\"transient\":1}", "true or false", ""},
        {"{\"key\":[]}", "a string", ""},
        {"[]", "an object", ""},
    };
    templatekit_begin();
    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        check_case(cases[i].options);
        CHECK_INT(cenv_template_build(k.store, records, cases[i].options, &k.task,
                                      &k.out, &k.err),
                  CENV_EUSAGE);
        CHECK(strstr(k.err.message, cases[i].message) != NULL);
        CHECK(strstr(k.err.hint, cases[i].hint) != NULL);
        cenv_error_release(&k.err);
    }
    templatekit_check_clean(0);
    storekit_close(&k);
}

static void test_build__many_processes_build_one(void)
{
    enum { NR = 6 };
    pid_t pids[NR];
    int built = 0, fine = 0;
    templatekit_begin();
    for (int i = 0; i < NR; i++) {
        pids[i] = fork();
        if (pids[i] == 0)
            _exit(templatekit_build("{}") < 0 ? 9 : templatekit_was_built());
    }
    for (int i = 0; i < NR; i++) {
        int status = -1;
        waitpid(pids[i], &status, 0);
        fine += WIFEXITED(status) && WEXITSTATUS(status) <= 1;
        built += WIFEXITED(status) && WEXITSTATUS(status) == 1;
    }
    CHECK_INT(fine, NR);
    CHECK_INT(built, 1);
    templatekit_check_clean(1);
    storekit_close(&k);
}

/* A child that the killed one had just started, to sync, closes its copies of locks first of all;
 * a sweep before that passes over what they guard. */
static int sweep_until_clean(void)
{
    enum { TRIES = 2000, PAUSE_US = 1000 };
    for (int i = 0; i < TRIES; i++) {
        cenv_buf_clear(&k.out);
        CHECK_INT(cenv_store_sweep(k.store, &k.task, &k.out, &k.err), 0);
        if (templatekit_count(CENV_STORE_TMP) == 0)
            break;
        usleep(PAUSE_US);
    }
    return templatekit_count(CENV_STORE_TMP);
}

/* Killed at any moment; the next one succeeds, and a sweep finds all that is left. */
static void test_build__next_one_takes_over_from_the_killed(void)
{
    templatekit_begin();
    for (useconds_t delay = 0; delay < 24000; delay += 1500) {
        pid_t pid = fork();
        if (pid == 0)
            _exit(templatekit_build("{\"rebuild\":true}") < 0);
        usleep(delay);
        kill(pid, SIGKILL);
        CHECK_INT(templatekit_build("{}"), 0);
        waitpid(pid, NULL, 0);
        CHECK(strstr(templatekit_text("bin/b"), "echo b"));
        CHECK_INT(sweep_until_clean(), 0);
    }
    storekit_close(&k);
}

static int rebuild(void)
{
    return templatekit_build("{\"rebuild\":true}");
}

static void test_build__may_be_killed_at_any_system_call(void)
{
    enum { STEP = 61 };
    int n = 0;
    templatekit_begin();
    while (templatekit_kill_at_call(n += STEP, rebuild)) {
        cenv_buf_clear(&k.out);
        CHECK_INT(cenv_store_sweep(k.store, &k.task, &k.out, &k.err), 0);
        CHECK_INT(templatekit_count(CENV_STORE_TMP), 0);
        CHECK_INT(templatekit_build("{}"), 0);
        CHECK(strstr(templatekit_text("bin/b"), "echo b"));
    }
    CHECK(n > 5 * STEP);
    storekit_close(&k);
}

/* Too few descriptors, wherever that strikes, is an error with nothing left behind. */
static void test_build__runs_out_of_descriptors(void)
{
    struct rlimit old, few;
    int rc = -1;
    templatekit_begin();
    getrlimit(RLIMIT_NOFILE, &old);
    for (rlim_t extra = 0; rc != 0 && extra < 100; extra++) {
        struct cenv_error err = CENV_ERROR_INIT;
        int next = dup(0);
        close(next);
        few = (struct rlimit){(rlim_t)next + extra, old.rlim_max};
        setrlimit(RLIMIT_NOFILE, &few);
        cenv_buf_clear(&k.out);
        rc = cenv_template_build(k.store, records, "{}", &k.task, &k.out, &err);
        setrlimit(RLIMIT_NOFILE, &old);
        CHECK(rc == 0 || (err.status == rc && err.message[0]));
        CHECK_INT(templatekit_count(CENV_STORE_TMP), 0);
        CHECK_INT(templatekit_count(CENV_STORE_TEMPLATES), rc == 0);
        next = dup(0);
        CHECK_INT(next, few.rlim_cur - extra); /* none leaked */
        close(next);
        cenv_error_release(&err);
    }
    CHECK_INT(rc, 0);
    storekit_close(&k);
}

static void test_build__read_only_store_serves(void)
{
    struct cenv_store *store;
    struct cenv_lease *lease;
    char where[512], clone[512];
    templatekit_begin();
    CHECK_INT(templatekit_build("{}"), 0);
    struct cenv_json *doc = templatekit_reply();
    snprintf(where, sizeof(where), "%s", scratch_path(&k.s, "store"));
    snprintf(clone, sizeof(clone), "%s", scratch_path(&k.s, "clone"));
    if (geteuid() == 0 && mount(where, where, NULL, MS_BIND, NULL) == 0 &&
        mount(NULL, where, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL) == 0) {
        CHECK_INT(cenv_store_open(&store, where, &k.err), 0);
        CHECK_INT(cenv_lease_take(store, &lease, &k.err), 0);
        cenv_buf_clear(&k.out);
        CHECK_INT(cenv_template_build(store, records, "{}", &k.task, &k.out, &k.err),
                  0);
        CHECK(!templatekit_was_built());
        CHECK_INT(cenv_clone(store, cenv_json_get_cstr(doc, "prefix"), clone,
                             "{\"mode\":\"copy\"}", &k.task, &k.out, &k.err),
                  0);
        CHECK_INT(cenv_request_put(store, "asked", "{\"id\":\"1\"}", &k.err), 0);
        CHECK_STR(k.err.message, "");
        CHECK_INT(cenv_fs_exists(k.s.fd, "clone/bin/a", &k.err), 1);
        CHECK_INT(cenv_template_build(store, records, "{\"key\":\"new\"}", &k.task,
                                      &k.out, &k.err),
                  CENV_EOS);
        CHECK(strstr(k.err.hint, "CENV_STORE") != NULL);
        cenv_error_release(&k.err);
        cenv_lease_free(lease);
        cenv_store_free(store);
    }
    umount2(where, MNT_DETACH);
    cenv_json_free(doc);
    storekit_close(&k);
}

/* Whether the template is there says what the call says, and a failure leaves nothing. */
static bool build_short_of_memory(long n)
{
    cenv_alloc_fail_nth(n);
    cenv_buf_release(&k.out);
    int rc = cenv_template_build(k.store, records, "{}", &k.task, &k.out, &k.err);
    bool reached = !cenv_alloc_fail_nth(0);
    CHECK(rc == 0 || rc == CENV_ENOMEM);
    CHECK_INT(templatekit_count(CENV_STORE_TEMPLATES), rc == 0);
    CHECK_INT(k.out.len > 0, rc == 0);
    cenv_error_release(&k.err);
    cenv_fs_discard_tree(k.store->dirs[CENV_STORE_TEMPLATES], template_id);
    return reached;
}

/* Many of the allocations, and the last ones all: nothing can fail behind the publishing. */
static void test_build__is_told_or_not_there(void)
{
    long n = 1;
    templatekit_begin_built();
    cenv_fs_discard_tree(k.store->dirs[CENV_STORE_TEMPLATES], template_id);
    while (n < 9000 && build_short_of_memory(n))
        n += 1 + n / 20;
    CHECK(n > 100 && n < 9000);
    for (long last = n; n > last - last / 20 - 60; n--)
        build_short_of_memory(n);
    storekit_close(&k);
}

int main(void)
{
    umask(022);
    RUN(test_build__is_built_once);
    RUN(test_build__owns_its_inodes_and_verifies);
    RUN(test_build__rebuilds_in_one_step);
    RUN(test_build__failed_build_leaves_nothing);
    RUN(test_build__records_are_the_same_fetched_or_found);
    RUN(test_build__refuses_what_it_does_not_know);
    RUN(test_build__many_processes_build_one);
    RUN(test_build__next_one_takes_over_from_the_killed);
    RUN(test_build__may_be_killed_at_any_system_call);
    RUN(test_build__runs_out_of_descriptors);
    RUN(test_build__read_only_store_serves);
    RUN(test_build__is_told_or_not_there);
    return check_report();
}
