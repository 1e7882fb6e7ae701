/* SPDX-License-Identifier: BSD-3-Clause */
/* Templates: built once whoever asks, whole or not at all, drafted, staged. */
#include <errno.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "check.h"
#include "codec/json.h"
#include "package.h"
#include "store/layout.h"
#include "store/package_entry.h"
#include "store/scratch.h"
#include "store/template_entry.h"
#include "storekit.h"

static struct storekit k;
static char records[8192];

/* A package of the given name in the store, as if it had been fetched. */
static void put_package(const char *name, const char *hash)
{
    struct cenv_scratch scratch;
    char dir[64], text[2048];
    struct package p = package_begin(&k.s, name, "1", "");
    CHECK_INT(cenv_scratch_open(k.store, &scratch, &k.err), 0);
    snprintf(p.dir, sizeof(p.dir), "store/v1/tmp/%s/e/content", scratch.name);
    snprintf(text, sizeof(text), "#!" PLACEHOLDER "/bin/sh\necho %s\n", name);
    snprintf(dir, sizeof(dir), "bin/%s", name);
    package_data(&p, dir, text, strlen(text), 0755, TEXT_KEYS);
    for (int i = 0; i < 30; i++) {
        snprintf(dir, sizeof(dir), "share/%s/%d", name, i);
        package_file(&p, dir, "plain", 0644);
    }
    package_end(&p);
    snprintf(text, sizeof(text), "{\"name\":\"%s\",\"version\":\"1\",\"build\":\"0\"}",
             name);
    package_info(&p, "index.json", text);
    CHECK_INT(storekit_describe(scratch.fd, "e", text, &k.task, &k.err), 0);
    CHECK_INT(cenv_package_entry_publish(k.store, cenv_str(hash), &scratch, "e", false,
                                         &k.err),
              0);
    cenv_scratch_close(k.store, &scratch);
    size_t n = strlen(records);
    snprintf(
        records + n, sizeof(records) - n,
        "%s{\"name\":\"%s\",\"version\":\"1\",\"build\":\"0\",\"build_number\":0,"
        "\"subdir\":\"linux-64\",\"channel\":\"c\",\"fn\":\"%s-1-0.conda\",\"depends\":[],"
        "\"url\":\"https://h.invalid/c/linux-64/%s-1-0.conda\",\"sha256\":\"%s\"}",
        n > 1 ? "," : "", name, name, name, hash);
}

static void begin(void)
{
    k = storekit_open();
    strcpy(records, "[");
    put_package("a", storekit_hash('a'));
    put_package("b", storekit_hash('b'));
    put_package("c", storekit_hash('c'));
    strcat(records, "]");
}

static int build(const char *meta)
{
    cenv_buf_clear(&k.out);
    int rc = cenv_template_build(k.store, records, meta, &k.task, &k.out, &k.err);
    if (rc < 0)
        fprintf(stderr, "    %s\n", k.err.message);
    return rc;
}

static struct cenv_json *reply(void)
{
    struct cenv_json *doc = NULL;
    CHECK_INT(cenv_json_parse(&doc, cenv_buf_str(&k.out), "reply", &k.err), 0);
    return doc;
}

static bool was_built(void)
{
    struct cenv_json *doc = reply();
    bool built = cenv_json_get_true(doc, "built");
    cenv_json_free(doc);
    return built;
}

/* Reads a file of the template the last reply told of; from a buffer of its own. */
static const char *template_text(const char *name)
{
    static struct cenv_buf text;
    struct cenv_json *doc = reply();
    char path[1024];
    snprintf(path, sizeof(path), "%s/%s", cenv_json_get_cstr(doc, "path"), name);
    cenv_json_free(doc);
    cenv_buf_release(&text);
    cenv_buf_init(&text, 1 << 20);
    cenv_fs_read_file(CENV_CWD, path, &text, &k.err);
    cenv_error_release(&k.err);
    static char kept[65536];
    snprintf(kept, sizeof(kept), "%s", cenv_buf_str(&text).data);
    cenv_buf_release(&text);
    return kept;
}

static size_t count(enum cenv_store_dir dir)
{
    struct cenv_listing list;
    size_t nr = 0;
    if (CHECK_INT(cenv_listing_read(&list, k.store->dirs[dir], false), 0))
        nr = list.nr;
    cenv_listing_release(&list);
    return nr;
}

static void check_clean(size_t templates)
{
    CHECK_INT(count(CENV_STORE_TEMPLATES), templates);
    CHECK_INT(count(CENV_STORE_TMP), 0);
    CHECK_INT(count(CENV_STORE_LOCKS), 0);
}

static void test_template__is_built_once(void)
{
    char want[1200];
    begin();
    CHECK_INT(build("{\"specs\":[\"a\",\"b\"],\"channels\":[\"c\"]}"), 0);
    CHECK(was_built());
    struct cenv_json *doc = reply();
    const char *path = cenv_json_get_cstr(doc, "path");
    snprintf(want, sizeof(want), "#!%s/bin/sh\necho a\n", path);
    const char *got = template_text("bin/a");
    CHECK(strcmp(got, want) == 0 ||
          strstr(got, path)); /* a long path takes another first line */
    CHECK(strstr(template_text("conda-meta/history"), "linux-64::a-1-0"));
    CHECK(strstr(template_text("../template.json"), "\"specs\":[\"a\",\"b\"]"));
    CHECK_INT(cenv_json_len(cenv_json_get(doc, "records")), 3);
    CHECK(cenv_json_get_int(doc, "size", 0) > 300);
    cenv_json_free(doc);
    CHECK_INT(build("{\"specs\":[\"b >0\"]}"), 0);
    CHECK(!was_built());
    CHECK_INT(cenv_verify(scratch_path(&k.s, "none"), &k.task, &k.out, &k.err),
              CENV_EOS);
    cenv_error_release(&k.err);
    check_clean(1);
    storekit_close(&k);
}

static void test_template__owns_its_inodes_and_verifies(void)
{
    struct cenv_stat st;
    begin();
    CHECK_INT(build("{}"), 0);
    struct cenv_json *doc = reply();
    char *path = cenv_strdup(cenv_json_get_cstr(doc, "path"));
    int fd = cenv_fs_open_root(path, &k.err);
    CHECK_INT(cenv_raw_stat(fd, "share/a/0", &st), 0);
    CHECK_INT(st.nlink, 1);
    cenv_fd_close(fd);
    cenv_buf_clear(&k.out);
    CHECK_INT(cenv_verify(path, &k.task, &k.out, &k.err), 0);
    CHECK(k.out.data && strncmp(k.out.data, "{\"ok\":true", 10) == 0);
    struct cenv_buf manifest;
    cenv_buf_init(&manifest, 4096);
    CHECK_INT(cenv_template_entry_of_prefix(k.store, path, &manifest), 1);
    CHECK(manifest.data && cenv_fs_exists(CENV_CWD, manifest.data));
    cenv_buf_release(&manifest);
    cenv_free(path);
    cenv_json_free(doc);
    storekit_close(&k);
}

static void test_template__rebuilds_in_one_step(void)
{
    struct cenv_stat old, new;
    begin();
    CHECK_INT(build("{}"), 0);
    CHECK_INT(cenv_raw_stat(k.store->dirs[CENV_STORE_TEMPLATES], ".", &old), 0);
    struct cenv_json *doc = reply();
    cenv_raw_stat(CENV_CWD, cenv_json_get_cstr(doc, "path"), &old);
    CHECK_INT(build("{\"rebuild\":true}"), 0);
    CHECK(was_built());
    cenv_raw_stat(CENV_CWD, cenv_json_get_cstr(doc, "path"), &new);
    CHECK(!cenv_stat_same_file(&old, &new));
    cenv_json_free(doc);
    check_clean(1);
    storekit_close(&k);
}

/* A failed build leaves nothing, is not remembered, and says what is wrong. */
static void test_template__failed_build_leaves_nothing(void)
{
    char path[256];
    begin();
    snprintf(path, sizeof(path), "store/v1/pkgs/bb/%s/content/info/paths.json",
             storekit_hash('b'));
    char *kept = strdup(scratch_text(&k.s, path));
    struct cenv_stat st;
    cenv_raw_stat(k.s.fd, path, &st);
    char *broken = strdup(kept);
    memset(broken, 'x', 10); /* as long as before, and as old: only linking sees it */
    scratch_file(&k.s, path, broken, 0644);
    cenv_raw_set_mtime(k.s.fd, path, st.mtime_ns);
    CHECK(build("{}") < 0);
    CHECK(k.err.message[0]);
    cenv_error_release(&k.err);
    check_clean(0);
    CHECK_INT(cenv_template_build(k.store, "{}", "{}", &k.task, &k.out, &k.err),
              CENV_EUSAGE);
    cenv_error_release(&k.err);
    CHECK_INT(cenv_template_build(k.store, "[", "{}", &k.task, &k.out, &k.err),
              CENV_EINTEGRITY);
    cenv_error_release(&k.err);
    scratch_file(&k.s, path, kept, 0644);
    cenv_raw_set_mtime(k.s.fd, path, st.mtime_ns);
    CHECK_INT(build("{}"), 0);
    free(kept);
    free(broken);
    storekit_close(&k);
}

/* The id comes of the records: they may not depend on what the store had already. */
static void test_template__records_are_the_same_fetched_or_found(void)
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
    begin();
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

/* ---- many builders ---- */

static void test_template__many_processes_build_one(void)
{
    enum { NR = 6 };
    pid_t pids[NR];
    int built = 0, fine = 0;
    begin();
    for (int i = 0; i < NR; i++) {
        pids[i] = fork();
        if (pids[i] == 0)
            _exit(build("{}") < 0 ? 9 : was_built());
    }
    for (int i = 0; i < NR; i++) {
        int status = -1;
        waitpid(pids[i], &status, 0);
        fine += WIFEXITED(status) && WEXITSTATUS(status) <= 1;
        built += WIFEXITED(status) && WEXITSTATUS(status) == 1;
    }
    CHECK_INT(fine, NR);
    CHECK_INT(built, 1);
    check_clean(1);
    storekit_close(&k);
}

/* killed at any moment; the next one succeeds, and a sweep finds all that is left. */
static void test_template__next_one_takes_over_from_the_killed(void)
{
    begin();
    for (useconds_t delay = 0; delay < 24000; delay += 1500) {
        pid_t pid = fork();
        if (pid == 0)
            _exit(build("{\"rebuild\":true}") < 0);
        usleep(delay);
        kill(pid, SIGKILL);
        CHECK_INT(build("{}"), 0);
        waitpid(pid, NULL, 0);
        CHECK(strstr(template_text("bin/b"), "echo b"));
        cenv_buf_clear(&k.out);
        CHECK_INT(cenv_store_sweep(k.store, &k.task, &k.out, &k.err), 0);
        CHECK_INT(count(CENV_STORE_TMP), 0);
    }
    storekit_close(&k);
}

static int rebuild(void)
{
    return build("{\"rebuild\":true}");
}

/* Runs it under trace and kills it before its n-th system call; true when it came so far. */
static bool kill_at_call(int n, int (*run)(void))
{
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        ptrace(PTRACE_TRACEME, 0, NULL, NULL);
        raise(SIGSTOP);
        _exit(run() < 0);
    }
    waitpid(pid, &status, 0);
    for (int i = 0; i < 2 * n && !WIFEXITED(status); i++) { /* in and out of each */
        ptrace(PTRACE_SYSCALL, pid, NULL, NULL);
        waitpid(pid, &status, 0);
    }
    bool came = !WIFEXITED(status);
    if (came) {
        kill(pid, SIGKILL);
        waitpid(pid, &status, 0);
    } else {
        CHECK_INT(WEXITSTATUS(status), 0);
    }
    return came;
}

static void test_template__may_be_killed_at_any_system_call(void)
{
    enum { STEP = 61 };
    int n = 0;
    begin();
    while (kill_at_call(n += STEP, rebuild)) {
        cenv_buf_clear(&k.out);
        CHECK_INT(cenv_store_sweep(k.store, &k.task, &k.out, &k.err), 0);
        CHECK_INT(count(CENV_STORE_TMP), 0);
        CHECK_INT(build("{}"), 0);
        CHECK(strstr(template_text("bin/b"), "echo b"));
    }
    CHECK(n > 5 * STEP);
    storekit_close(&k);
}

/* Too few descriptors, wherever that strikes, is an error with nothing left behind. */
static void test_template__runs_out_of_descriptors(void)
{
    struct rlimit old, few;
    int rc = -1;
    begin();
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
        CHECK_INT(count(CENV_STORE_TMP), 0);
        CHECK_INT(count(CENV_STORE_TEMPLATES), rc == 0);
        next = dup(0);
        CHECK_INT(next, few.rlim_cur - extra); /* none leaked */
        close(next);
        cenv_error_release(&err);
    }
    CHECK_INT(rc, 0);
    storekit_close(&k);
}

static void test_template__read_only_store_serves(void)
{
    struct cenv_store *store;
    struct cenv_lease *lease;
    char where[512], clone[512];
    begin();
    CHECK_INT(build("{}"), 0);
    struct cenv_json *doc = reply();
    snprintf(where, sizeof(where), "%s", scratch_path(&k.s, "store"));
    snprintf(clone, sizeof(clone), "%s", scratch_path(&k.s, "clone"));
    if (geteuid() == 0 && mount(where, where, NULL, MS_BIND, NULL) == 0 &&
        mount(NULL, where, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL) == 0) {
        CHECK_INT(cenv_store_open(&store, where, &k.err), 0);
        CHECK_INT(cenv_lease_take(store, &lease, &k.err), 0);
        cenv_buf_clear(&k.out);
        CHECK_INT(cenv_template_build(store, records, "{}", &k.task, &k.out, &k.err),
                  0);
        CHECK(!was_built());
        CHECK_INT(cenv_clone(store, cenv_json_get_cstr(doc, "path"), clone,
                             "{\"mode\":\"copy\"}", &k.task, &k.out, &k.err),
                  0);
        CHECK_STR(k.err.message, "");
        CHECK(cenv_fs_exists(k.s.fd, "clone/bin/a"));
        cenv_lease_free(lease);
        cenv_store_free(store);
    }
    umount2(where, MNT_DETACH);
    cenv_json_free(doc);
    storekit_close(&k);
}

/* ---- drafts ---- */

static void test_draft__is_there_when_committed(void)
{
    struct cenv_draft *draft = NULL;
    const char *meta = "{\"key\":\"pip install x\"}";
    begin();
    CHECK_INT(build("{}"), 0);
    cenv_buf_clear(&k.out);
    CHECK_INT(cenv_draft_open(&draft, k.store, records, meta, &k.task, &k.out, &k.err),
              0);
    if (!CHECK(draft != NULL))
        return;
    struct cenv_json *doc = reply();
    char path[1024];
    snprintf(path, sizeof(path), "%s/added", cenv_json_get_cstr(doc, "path"));
    CHECK_INT(
        cenv_template_find(k.store, cenv_json_get_cstr(doc, "id"), &k.out, &k.err), 1);
    CHECK_INT(cenv_fs_write_new(CENV_CWD, path, CENV_STR("x"), 0644, &k.err), 0);
    cenv_buf_clear(&k.out);
    CHECK_INT(cenv_store_sweep(k.store, &k.task, &k.out, &k.err), 0); /* it is ours */
    cenv_buf_clear(&k.out);
    CHECK_INT(cenv_draft_commit(draft, &k.task, &k.out, &k.err), 0);
    CHECK(was_built());
    CHECK_STR(template_text("added"), "x");
    cenv_buf_clear(&k.out);
    CHECK_INT(
        cenv_template_find(k.store, cenv_json_get_cstr(doc, "id"), &k.out, &k.err), 0);
    cenv_buf_clear(&k.out);
    CHECK_INT(cenv_draft_open(&draft, k.store, records, meta, &k.task, &k.out, &k.err),
              0);
    CHECK(draft == NULL && !was_built());
    cenv_json_free(doc);
    check_clean(2);
    storekit_close(&k);
}

static void test_draft__killed_or_discarded_is_gone(void)
{
    struct cenv_draft *draft = NULL;
    begin();
    CHECK_INT(cenv_draft_open(&draft, k.store, records, "{\"key\":\"1\"}", &k.task,
                              &k.out, &k.err),
              0);
    cenv_draft_discard(draft);
    check_clean(0);
    for (int sweep = 0; sweep < 2; sweep++) {
        pid_t pid = fork();
        if (pid == 0) {
            cenv_draft_open(&draft, k.store, records, "{\"key\":\"1\"}", &k.task,
                            &k.out, &k.err);
            kill(getpid(), SIGKILL);
        }
        waitpid(pid, NULL, 0);
        CHECK_INT(count(CENV_STORE_TEMPLATES), 1);
        cenv_buf_clear(&k.out);
        if (sweep) {
            CHECK_INT(cenv_store_sweep(k.store, &k.task, &k.out, &k.err), 0);
            check_clean(0);
        } else {
            CHECK_INT(cenv_draft_open(&draft, k.store, records, "{\"key\":\"1\"}",
                                      &k.task, &k.out, &k.err),
                      0);
            CHECK(draft != NULL);
            cenv_draft_discard(draft);
        }
    }
    storekit_close(&k);
}

/* ---- staging ---- */

static int stage(const char *id, const char *directory)
{
    cenv_buf_clear(&k.out);
    int rc = cenv_template_mirror(k.store, id, directory, &k.task, &k.out, &k.err);
    if (rc < 0)
        fprintf(stderr, "    %s\n", k.err.message);
    return rc;
}

static void test_stage__same_file_system_needs_none(void)
{
    begin();
    CHECK_INT(build("{}"), 0);
    struct cenv_json *doc = reply();
    CHECK_INT(stage(cenv_json_get_cstr(doc, "id"), k.s.path), 0);
    CHECK(k.out.data && strstr(k.out.data, "\"staged\":false"));
    CHECK(k.out.data && strstr(k.out.data, cenv_json_get_cstr(doc, "path")));
    cenv_buf_clear(&k.out);
    CHECK_INT(cenv_template_mirror(k.store, storekit_hash('9'), k.s.path, &k.task,
                                   &k.out, &k.err),
              CENV_EUSAGE);
    cenv_json_free(doc);
    storekit_close(&k);
}

static void test_stage__another_file_system_gets_a_private_copy(void)
{
    char name[128], expected[1200];
    begin();
    mkdirat(k.s.fd, "other", 0777);
    if (geteuid() != 0 ||
        mount("cenv", scratch_path(&k.s, "other"), "tmpfs", 0, "size=64m") < 0) {
        storekit_close(&k);
        return;
    }
    CHECK_INT(build("{}"), 0);
    struct cenv_json *doc = reply();
    char *id = cenv_strdup(cenv_json_get_cstr(doc, "id"));
    cenv_json_free(doc);
    snprintf(name, sizeof(name), "other/cenv-%u", geteuid());
    mkdirat(k.s.fd, name, 0755); /* somebody else may look into it */
    CHECK_INT(cenv_template_mirror(k.store, id, scratch_path(&k.s, "other"), &k.task,
                                   &k.out, &k.err),
              CENV_EFAIL);
    cenv_error_release(&k.err);
    unlinkat(k.s.fd, name, AT_REMOVEDIR);
    for (int twice = 0; twice < 2; twice++) {
        CHECK_INT(stage(id, scratch_path(&k.s, "other")), 0);
        CHECK(k.out.data && strstr(k.out.data, "\"staged\":true"));
        snprintf(expected, sizeof(expected), "%s/%s/v1/templates/%s/prefix", k.s.path,
                 name, id);
        CHECK(k.out.data && strstr(k.out.data, expected));
        CHECK(strstr(template_text("bin/a"), expected) ||
              strstr(template_text("bin/a"), "env"));
    }
    cenv_buf_clear(&k.out);
    CHECK_INT(cenv_verify(expected, &k.task, &k.out, &k.err), 0);
    CHECK(k.out.data && strncmp(k.out.data, "{\"ok\":true", 10) == 0);
    CHECK_INT(cenv_store_gc(k.store, 0, &k.task, &k.out, &k.err), 0);
    CHECK(!cenv_fs_exists(k.s.fd, name));
    umount2(scratch_path(&k.s, "other"), MNT_DETACH);
    cenv_free(id);
    storekit_close(&k);
}

/* ---- the guard ---- */

/* The only template's prefix, and its id. */
static char prefix[1200], template_id[80];

static void begin_guarded(void)
{
    begin();
    CHECK_INT(build("{}"), 0);
    struct cenv_json *doc = reply();
    snprintf(prefix, sizeof(prefix), "%s", cenv_json_get_cstr(doc, "path"));
    snprintf(template_id, sizeof(template_id), "%s", cenv_json_get_cstr(doc, "id"));
    cenv_json_free(doc);
}

static int clone_to(const char *name, const char *options)
{
    cenv_buf_clear(&k.out);
    return cenv_clone(k.store, prefix, scratch_path(&k.s, name), options, &k.task,
                      &k.out, &k.err);
}

static bool finds(const char *options, const char *want)
{
    char text[512];
    cenv_buf_clear(&k.out);
    CHECK_INT(cenv_template_check(k.store, prefix, options, &k.task, &k.out, &k.err),
              0);
    snprintf(text, sizeof(text), "\"altered\":[%s]", want);
    if (k.out.data && strstr(k.out.data, text))
        return true;
    fprintf(stderr, "    %s\n", k.out.data);
    return false;
}

static bool repair_does(const char *want)
{
    cenv_buf_clear(&k.out);
    CHECK_INT(cenv_template_repair(k.store, template_id, "{\"content\":true}", &k.task,
                                   &k.out, &k.err),
              0);
    return k.out.data && strstr(k.out.data, want);
}

static void alter(const char *what)
{
    char path[64] = "clone/share/a/7";
    struct cenv_stat st;
    struct timespec later = {1, 0};
    cenv_raw_stat(k.s.fd, path, &st);
    int fd = openat(k.s.fd, path, O_RDWR | O_APPEND | O_CLOEXEC);
    if (strcmp(what, "size") == 0) {
        CHECK_INT(write(fd, "more", 4), 4);
    } else if (strcmp(what, "time") == 0) {
        CHECK_INT(futimens(fd, (struct timespec[]){later, later}), 0);
    } else if (strcmp(what, "mode") == 0) {
        CHECK_INT(fchmod(fd, 0600), 0);
    } else if (strcmp(what, "content") == 0) {
        CHECK_INT(ftruncate(fd, 0), 0);
        CHECK_INT(write(fd, "PLAIN", 5), 5);
        cenv_raw_set_mtime_fd(fd, st.mtime_ns);
    }
    close(fd);
}

static void test_guard__finds_what_came_through_a_link(void)
{
    static const char *const kinds[] = {"size", "time", "mode", "content"};
    char want[128], since[64];
    for (size_t i = 0; i < CHECK_NR(kinds); i++) {
        struct timespec now;
        check_case(kinds[i]);
        begin_guarded();
        CHECK_INT(clone_to("clone", "{\"mode\":\"hardlink\"}"), 0);
        usleep(20000);
        clock_gettime(CLOCK_REALTIME, &now);
        snprintf(since, sizeof(since), "{\"since_us\":%lld}",
                 now.tv_sec * 1000000LL + now.tv_nsec / 1000);
        usleep(20000);
        CHECK(finds("", ""));
        CHECK(finds(since, ""));
        CHECK(finds("{\"content\":true}", ""));
        CHECK(repair_does("\"none\""));
        alter(kinds[i]);
        snprintf(want, sizeof(want), "{\"path\":\"share/a/7\",\"what\":\"%s\"}",
                 kinds[i]);
        CHECK(finds("", strcmp(kinds[i], "content") ? want : ""));
        CHECK(finds(since, want));
        CHECK(finds("{\"content\":true}", want));
        CHECK(repair_does("\"built\""));
        CHECK(finds("{\"content\":true}", ""));
        CHECK_INT(clone_to("next", "{\"mode\":\"hardlink\"}"), 0);
        CHECK_STR(scratch_text(&k.s, "next/share/a/7"), "plain");
        check_clean(1);
        storekit_close(&k);
    }
}

static void test_guard__finds_what_was_done_to_the_template(void)
{
    char path[1300];
    begin_guarded();
    snprintf(path, sizeof(path), "%s/share/a/7", prefix);
    unlink(path);
    CHECK(finds("", "{\"path\":\"share/a/7\",\"what\":\"missing\"}"));
    CHECK_INT(symlink("6", path), 0);
    CHECK(finds("", "{\"path\":\"share/a/7\",\"what\":\"type\"}"));
    CHECK(repair_does("\"built\""));
    snprintf(path, sizeof(path), "%s/share/new.pyc", prefix);
    close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
    CHECK(finds("", ""));
    snprintf(path, sizeof(path), "%s/share/new", prefix);
    close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
    CHECK(finds("", "{\"path\":\"share/new\",\"what\":\"added\"}"));
    CHECK_INT(cenv_fs_remove_tree(CENV_CWD, prefix, &k.err), 0);
    CHECK(finds("", "{\"path\":\"\",\"what\":\"missing\"}"));
    CHECK(repair_does("\"built\""));
    CHECK(finds("{\"content\":true}", ""));
    CHECK_INT(cenv_template_repair(k.store, "../x", "", &k.task, &k.out, &k.err),
              CENV_EUSAGE);
    cenv_error_release(&k.err);
    storekit_close(&k);
}

static int nr_of_spans(enum cenv_stage stage)
{
    int nr = 0;
    for (size_t i = 0; i < k.task.nr_spans; i++)
        nr += k.task.spans[i].stage == stage;
    return nr;
}

/* Something came into it: the first clone looks again, the next one knows. */
static void test_clone__looks_once_into_a_changed_template(void)
{
    char path[1300];
    begin_guarded();
    CHECK_INT(clone_to("one", ""), 0);
    CHECK_INT(nr_of_spans(CENV_STAGE_PROCESS_MANIFEST), 0);
    snprintf(path, sizeof(path), "%s/share/new", prefix);
    close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
    CHECK_INT(clone_to("two", ""), 0);
    CHECK_INT(nr_of_spans(CENV_STAGE_PROCESS_MANIFEST), 1);
    CHECK_INT(clone_to("three", ""), 0);
    CHECK_INT(nr_of_spans(CENV_STAGE_PROCESS_MANIFEST), 1);
    CHECK(cenv_fs_exists(k.s.fd, "three/share/new"));
    CHECK_INT(build("{\"rebuild\":true}"), 0);
    CHECK_INT(clone_to("four", ""), 0);
    CHECK(!cenv_fs_exists(k.s.fd, "four/share/new"));
    storekit_close(&k);
}

static int clone_killed(void)
{
    return clone_to("deep/er/killed", "{\"threads\":1}");
}

static int entries(const char *name)
{
    struct cenv_listing list;
    int nr = 0, dir = cenv_raw_open_dir(k.s.fd, name);
    if (dir < 0 || cenv_listing_read(&list, dir, false) < 0)
        return 0;
    nr = (int)list.nr;
    cenv_listing_release(&list);
    cenv_fd_close(dir);
    return nr;
}

static bool sweep_leaves(int nr)
{
    cenv_buf_clear(&k.out);
    CHECK_INT(cenv_store_sweep(k.store, &k.task, &k.out, &k.err), 0);
    return CHECK_INT(entries("deep/er"), nr);
}

/* Absent or whole at any moment, the source untouched, and nothing left after the next sweep. */
static void test_clone__may_be_killed_at_any_system_call(void)
{
    enum { STEP = 13 };
    struct cenv_stat st;
    int n = 0;
    begin_guarded();
    while (kill_at_call(n += STEP, clone_killed)) {
        bool there = cenv_raw_stat(k.s.fd, "deep/er/killed", &st) == 0;
        if (n % 2 == 0 &&
            !there) { /* the next clone to the same place sweeps as well */
            CHECK_INT(clone_killed(), 0);
            CHECK_INT(entries("deep/er"), 1);
            there = true;
        }
        if (!sweep_leaves(there))
            break;
        if (there) {
            cenv_buf_clear(&k.out);
            CHECK_INT(cenv_verify(scratch_path(&k.s, "deep/er/killed"), &k.task, &k.out,
                                  &k.err),
                      0);
            CHECK(k.out.data && strncmp(k.out.data, "{\"ok\":true", 10) == 0);
            cenv_remove(k.store, scratch_path(&k.s, "deep/er/killed"), NULL, &k.task,
                        &k.err);
        }
    }
    CHECK(n > 20 * STEP);
    CHECK(finds("{\"content\":true}", ""));
    storekit_close(&k);
}

/* A sweep takes nothing from a process that lives. */
static void test_clone__is_left_alone_while_it_is_made(void)
{
    int status, swept = 0;
    begin_guarded();
    pid_t pid = fork();
    if (pid == 0) {
        for (int i = 0; i < 30; i++) {
            if (clone_killed() < 0) {
                fprintf(stderr, "    %s\n", k.err.message);
                _exit(1);
            }
            cenv_remove(k.store, scratch_path(&k.s, "deep/er/killed"), NULL, &k.task,
                        &k.err);
        }
        _exit(0);
    }
    while (waitpid(pid, &status, WNOHANG) == 0) {
        cenv_buf_clear(&k.out);
        CHECK_INT(cenv_store_sweep(k.store, &k.task, &k.out, &k.err), 0);
        swept += k.out.data && !strstr(k.out.data, "\"removed\":[]");
    }
    CHECK_INT(status, 0);
    CHECK_INT(swept, 0);
    storekit_close(&k);
}

/* Clones that are on their way while it is built anew wait for it. */
static void test_clone__waits_for_a_repair(void)
{
    begin_guarded();
    CHECK_INT(clone_to("clone", "{\"mode\":\"hardlink\"}"), 0);
    pid_t pid = fork();
    if (pid == 0) {
        for (int i = 0; i < 5; i++) {
            alter("size");
            if (!repair_does("\"built\""))
                _exit(1);
            cenv_remove(k.store, scratch_path(&k.s, "clone"), NULL, &k.task, &k.err);
            if (clone_to("clone", "{\"mode\":\"hardlink\"}") < 0)
                _exit(2);
        }
        _exit(0);
    }
    for (int i = 0; i < 100; i++) {
        char name[16];
        snprintf(name, sizeof(name), "c%d", i);
        if (!CHECK_INT(clone_to(name, "{\"mode\":\"hardlink\"}"), 0)) {
            fprintf(stderr, "    %s\n", k.err.message);
            break;
        }
    }
    int status = -1;
    waitpid(pid, &status, 0);
    CHECK_INT(status, 0);
    storekit_close(&k);
}

/* ---- carried to another store ---- */

static char carried[200]; /* options that name the template */

static int export_to(const char *file)
{
    cenv_buf_clear(&k.out);
    return cenv_template_export(k.store, scratch_path(&k.s, file), carried, &k.task,
                                &k.out, &k.err);
}

static int import_from(struct cenv_store *store, const char *file)
{
    cenv_buf_clear(&k.out);
    return cenv_template_import(store, scratch_path(&k.s, file), "{}", &k.task, &k.out,
                                &k.err);
}

/* Whole or not at all: `rc` is the outcome, `file` what must be there only then. */
static void check_carried(int rc, int dir, const char *file)
{
    struct cenv_listing list;
    CHECK_INT(cenv_listing_read(&list, dir, false), 0);
    CHECK_INT((int)list.nr, rc == 0);
    for (size_t i = 0; rc == 0 && file && i < list.nr; i++)
        CHECK_STR(list.entries[i].name, file);
    cenv_listing_release(&list);
}

static void test_carry__no_memory_and_damage(void)
{
    struct cenv_store *other = NULL;
    struct stat st;
    int rc = -1;
    begin();
    CHECK_INT(build("{\"specs\":[\"a\"]}"), 0);
    struct cenv_json *doc = reply();
    snprintf(carried, sizeof(carried), "{\"ids\":[\"%s\"],\"replace\":true}",
             cenv_json_get_cstr(doc, "id"));
    cenv_json_free(doc);
    CHECK_INT(mkdirat(k.s.fd, "out", 0755), 0);
    int out = cenv_raw_open_dir(k.s.fd, "out");
    for (long n = 1; n < 9000 && rc < 0; n += 1 + n / 9) {
        cenv_alloc_fail_nth(n);
        rc = export_to("out/archive");
        cenv_alloc_fail_nth(0);
        if (!CHECK(rc == 0 || rc == CENV_ENOMEM))
            fprintf(stderr, "    %s\n", k.err.message);
        check_carried(rc, out, "archive");
        cenv_error_release(&k.err);
    }
    CHECK_INT(rc, 0);
    CHECK_INT(cenv_store_open(&other, scratch_path(&k.s, "other"), &k.err), 0);
    int templates = other->dirs[CENV_STORE_TEMPLATES];
    CHECK_INT(fstatat(out, "archive", &st, 0), 0);
    for (off_t cut = 0; cut < st.st_size; cut += st.st_size / 7 + 1) {
        CHECK_INT(export_to("out/archive"), 0);
        CHECK_INT(truncate(scratch_path(&k.s, "out/archive"), cut), 0);
        CHECK_INT(import_from(other, "out/archive"), CENV_EINTEGRITY);
        check_carried(-1, templates, NULL);
        cenv_error_release(&k.err);
    }
    CHECK_INT(export_to("out/archive"), 0);
    rc = -1;
    for (long n = 1; n < 9000 && rc < 0; n += 1 + n / 9) {
        cenv_alloc_fail_nth(n);
        rc = import_from(other, "out/archive");
        cenv_alloc_fail_nth(0);
        /* Its readers take a buffer that could not grow for a damaged archive. */
        CHECK(rc == 0 || rc == CENV_ENOMEM || rc == CENV_EINTEGRITY || rc == CENV_EOS);
        check_carried(rc, templates, NULL);
        cenv_error_release(&k.err);
    }
    CHECK_INT(rc, 0);
    cenv_store_free(other);
    cenv_fd_close(out);
    storekit_close(&k);
}

int main(void)
{
    umask(022);
    RUN(test_template__is_built_once);
    RUN(test_template__owns_its_inodes_and_verifies);
    RUN(test_template__rebuilds_in_one_step);
    RUN(test_template__failed_build_leaves_nothing);
    RUN(test_template__records_are_the_same_fetched_or_found);
    RUN(test_template__many_processes_build_one);
    RUN(test_template__next_one_takes_over_from_the_killed);
    RUN(test_template__may_be_killed_at_any_system_call);
    RUN(test_template__runs_out_of_descriptors);
    RUN(test_template__read_only_store_serves);
    RUN(test_draft__is_there_when_committed);
    RUN(test_draft__killed_or_discarded_is_gone);
    RUN(test_guard__finds_what_came_through_a_link);
    RUN(test_guard__finds_what_was_done_to_the_template);
    RUN(test_clone__looks_once_into_a_changed_template);
    RUN(test_clone__may_be_killed_at_any_system_call);
    RUN(test_clone__is_left_alone_while_it_is_made);
    RUN(test_clone__waits_for_a_repair);
    RUN(test_stage__same_file_system_needs_none);
    RUN(test_stage__another_file_system_gets_a_private_copy);
    RUN(test_carry__no_memory_and_damage);
    return check_report();
}
