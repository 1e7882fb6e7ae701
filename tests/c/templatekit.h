/* SPDX-License-Identifier: BSD-3-Clause */
/* Templates of three small packages, for tests of all that is done with templates. */
#ifndef TEMPLATEKIT_H
#define TEMPLATEKIT_H

#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "check.h"
#include "codec/json.h"
#include "package.h"
#include "storekit.h"

/* One test at a time has them. `records` are those of the packages, as JSON. */
__attribute__((unused)) static struct storekit k;
__attribute__((unused)) static char records[8192];

/* The only template's prefix, and its id. */
__attribute__((unused)) static char prefix[1200], template_id[80];

/* A package of the given name in the store, as if it had been fetched. */
__attribute__((unused)) static void templatekit_put_package(const char *name,
                                                            const char *hash)
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

/* A store that has the packages a, b and c. */
__attribute__((unused)) static void templatekit_begin(void)
{
    k = storekit_open();
    strcpy(records, "[");
    templatekit_put_package("a", storekit_hash('a'));
    templatekit_put_package("b", storekit_hash('b'));
    templatekit_put_package("c", storekit_hash('c'));
    strcat(records, "]");
}

/* 0 or a status, told on stderr; the reply in k.out. */
__attribute__((unused)) static int templatekit_build(const char *meta)
{
    cenv_buf_release(&k.out);
    int rc = cenv_template_build(k.store, records, meta, &k.task, &k.out, &k.err);
    if (rc < 0)
        fprintf(stderr, "    %s\n", k.err.message);
    return rc;
}

__attribute__((unused)) static struct cenv_json *templatekit_reply(void)
{
    struct cenv_json *doc = NULL;
    CHECK_INT(cenv_json_parse(&doc, cenv_buf_str(&k.out), "reply", &k.err), 0);
    return doc;
}

__attribute__((unused)) static bool templatekit_was_built(void)
{
    struct cenv_json *doc = templatekit_reply();
    bool built = cenv_json_get_true(doc, "built");
    cenv_json_free(doc);
    return built;
}

/* Reads a file of the template the last reply told of; from a buffer of its own. */
__attribute__((unused)) static const char *templatekit_text(const char *name)
{
    static struct cenv_buf text;
    struct cenv_json *doc = templatekit_reply();
    char path[1024];
    snprintf(path, sizeof(path), "%s/%s", cenv_json_get_cstr(doc, "prefix"), name);
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

__attribute__((unused)) static size_t templatekit_count(enum cenv_store_dir dir)
{
    struct cenv_listing list;
    size_t nr = 0;
    if (CHECK_INT(cenv_listing_read(&list, k.store->dirs[dir], false), 0))
        nr = list.nr;
    cenv_listing_release(&list);
    return nr;
}

__attribute__((unused)) static void templatekit_check_clean(size_t templates)
{
    CHECK_INT(templatekit_count(CENV_STORE_TEMPLATES), templates);
    CHECK_INT(templatekit_count(CENV_STORE_TMP), 0);
    CHECK_INT(templatekit_count(CENV_STORE_LOCKS), 0);
}

/* The same, and the template of all three. */
__attribute__((unused)) static void templatekit_begin_built(void)
{
    templatekit_begin();
    CHECK_INT(templatekit_build("{}"), 0);
    struct cenv_json *doc = templatekit_reply();
    snprintf(prefix, sizeof(prefix), "%s", cenv_json_get_cstr(doc, "prefix"));
    snprintf(template_id, sizeof(template_id), "%s", cenv_json_get_cstr(doc, "id"));
    cenv_json_free(doc);
}

/* Clones it to `name`, beside the store. */
__attribute__((unused)) static int templatekit_clone(const char *name,
                                                     const char *options)
{
    cenv_buf_release(&k.out);
    return cenv_clone(k.store, prefix, scratch_path(&k.s, name), options, &k.task,
                      &k.out, &k.err);
}

/* Whether a check of it finds just `want`, findings as JSON. */
__attribute__((unused)) static bool templatekit_finds(const char *options,
                                                      const char *want)
{
    char text[512];
    cenv_buf_release(&k.out);
    CHECK_INT(cenv_template_check(k.store, prefix, options, &k.task, &k.out, &k.err),
              0);
    snprintf(text, sizeof(text), "\"altered\":[%s]", want);
    if (k.out.data && strstr(k.out.data, text))
        return true;
    fprintf(stderr, "    %s\n", k.out.data);
    return false;
}

/* Whether a repair of it says `want`. */
__attribute__((unused)) static bool templatekit_repair_does(const char *want)
{
    cenv_buf_release(&k.out);
    CHECK_INT(cenv_template_repair(k.store, template_id, "{\"content\":true}", &k.task,
                                   &k.out, &k.err),
              0);
    return k.out.data && strstr(k.out.data, want);
}

/* Alters a file of "clone": its "size", "time", "mode" or "content". */
__attribute__((unused)) static void templatekit_alter(const char *what)
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

/* Runs it under trace and kills it before its n-th system call; true when it came so far. */
__attribute__((unused)) static bool templatekit_kill_at_call(int n, int (*run)(void))
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

/* Options of an export that name the template. */
__attribute__((unused)) static char exported[200];

__attribute__((unused)) static void begin_export(void)
{
    templatekit_begin_built();
    snprintf(exported, sizeof(exported), "{\"ids\":[\"%s\"],\"replace\":true}",
             template_id);
}

__attribute__((unused)) static int export_to(const char *file)
{
    cenv_buf_release(&k.out);
    return cenv_template_export(k.store, scratch_path(&k.s, file), exported, &k.task,
                                &k.out, &k.err);
}

#endif
