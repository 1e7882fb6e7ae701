/* SPDX-License-Identifier: BSD-3-Clause */
/* An environment that changes while it is cloned: stopped between two system calls, any of them. */
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "check.h"
#include "storekit.h"

enum { BIG = 300 * 1000, STEP = 43, FOUND = 3 };
enum how { IN_PLACE, REPLACED, CUT, LINKED, HOWS };

static struct storekit k;
static const char *const names[] = {"lib/copied", "bin/tool", "lib/plain"};
enum { NAMES = sizeof(names) / sizeof(names[0]) };
static int outcomes[2]; /* clones that show it as it was, and as it became */

/* ---- the environment ---- */

/* What a file holds, old (As) or new (Bs), and how many letters that are. */
struct text {
    struct cenv_buf buf;
    size_t as, bs;
};
static struct text texts[NAMES][2];
static struct text got; /* kept, as forks copy what was freed and is watched, too */

static void count_letters(struct text *text)
{
    text->as = text->bs = 0;
    for (size_t i = 0; i < text->buf.len; i++) {
        text->as += text->buf.data[i] == 'A';
        text->bs += text->buf.data[i] == 'B';
    }
}

/* The tool names its environment and is relocated. */
static void make_text(const char *name, char letter, struct text *out)
{
    size_t size = strcmp(name, "lib/plain") == 0 ? 5000 : BIG;
    struct cenv_buf *buf = &out->buf;
    cenv_buf_init(buf, 2 * BIG);
    if (strcmp(name, "bin/tool") == 0)
        cenv_buf_addf(buf, "#!%s/bin/sh\n", scratch_path(&k.s, "src"));
    while (buf->len < size) {
        cenv_buf_putc(buf, letter);
        if (buf->len % 1000 == 0 && strcmp(name, "bin/tool") == 0)
            cenv_buf_addf(buf, "\n%s/lib\n", scratch_path(&k.s, "src"));
    }
    count_letters(out);
}

/* Borrowed: the same for every attempt of a test. */
static const struct text *text_of(const char *name, bool new)
{
    size_t i = 0;
    while (strcmp(names[i], name) != 0)
        i++;
    return &texts[i][new];
}

/* What a file has become; it shares the bytes of its text. */
static struct text text_after(const char *name, enum how how)
{
    struct text text = *text_of(name, true);
    if (how == CUT) {
        text.buf.len = 1;
        count_letters(&text);
    }
    return text;
}

static void write_at(const char *path, const struct cenv_buf *text, int flags)
{
    int fd = openat(k.s.fd, path, O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0644);
    CHECK(fd >= 0 && write(fd, text->data, text->len) == (ssize_t)text->len);
    close(fd);
}

static void make_old(const char *name)
{
    static time_t second = 1000 * 1000 * 1000;
    struct timespec then[2] = {{.tv_sec = ++second}, {.tv_sec = second}};
    char path[64];
    snprintf(path, sizeof(path), "src/%s", name);
    write_at(path, &text_of(name, false)->buf, O_TRUNC);
    utimensat(k.s.fd, path, then, 0);
}

static void begin(void)
{
    k = storekit_open();
    cenv_buf_init(&got.buf, 2 * BIG);
    mkdirat(k.s.fd, "src", 0755);
    mkdirat(k.s.fd, "src/bin", 0755);
    mkdirat(k.s.fd, "src/lib", 0755);
    mkdirat(k.s.fd, "src/conda-meta", 0755);
    scratch_file(&k.s, "src/conda-meta/history", "", 0644);
    for (size_t i = 0; i < NAMES; i++) {
        make_text(names[i], 'A', &texts[i][false]);
        make_text(names[i], 'B', &texts[i][true]);
        make_old(names[i]);
    }
}

static void end(void)
{
    cenv_buf_release(&got.buf);
    for (size_t i = 0; i < NAMES; i++) {
        cenv_buf_release(&texts[i][false].buf);
        cenv_buf_release(&texts[i][true].buf);
    }
    storekit_close(&k);
}

static void change(const char *name, enum how how)
{
    char path[64];
    struct text text = text_after(name, how);
    snprintf(path, sizeof(path), "src/%s", name);
    if (how == LINKED) {
        unlinkat(k.s.fd, "other name", 0);
        CHECK_INT(linkat(k.s.fd, path, k.s.fd, "other name", 0), 0);
    } else if (how == REPLACED) {
        write_at("src/new", &text.buf, O_TRUNC);
        CHECK_INT(renameat(k.s.fd, "src/new", k.s.fd, path), 0);
    } else {
        write_at(path, &text.buf, how == CUT ? O_TRUNC : 0);
    }
}

/* ---- one clone, stopped ---- */

static int clone_once(const char *options, const char *name)
{
    int rc = cenv_clone(k.store, scratch_path(&k.s, "src"), scratch_path(&k.s, "clone"),
                        options, &k.task, &k.out, &k.err);
    char directory[8];
    snprintf(directory, sizeof(directory), "%.3s", name);
    bool told = rc == CENV_EPREFIX && strstr(k.err.message, directory);
    if (rc < 0 && !told)
        fprintf(stderr, "    %s\n", k.err.message);
    return rc == 0 ? 0 : told ? FOUND : 1;
}

/* Its exit status; *came tells whether there were so many system calls. */
static int change_at_call(int n, const char *options, const char *name, enum how how,
                          bool *came)
{
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        ptrace(PTRACE_TRACEME, 0, NULL, NULL);
        raise(SIGSTOP);
        _exit(clone_once(options, name));
    }
    waitpid(pid, &status, 0);
    for (int i = 0; i < 2 * n && !WIFEXITED(status); i++) { /* in and out of each */
        ptrace(PTRACE_SYSCALL, pid, NULL, NULL);
        waitpid(pid, &status, 0);
    }
    *came = !WIFEXITED(status);
    if (*came) {
        change(name, how);
        ptrace(PTRACE_DETACH, pid, NULL, NULL);
        waitpid(pid, &status, 0);
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* As it was or as it became, nothing between: in letters, since the paths are others. */
static void check_file(const char *name, bool changed, enum how how)
{
    char path[64];
    struct text is = text_after(name, how);
    const struct text *was = text_of(name, false);
    snprintf(path, sizeof(path), "clone/%s", name);
    cenv_buf_clear(&got.buf);
    CHECK_INT(cenv_fs_read_file(k.s.fd, path, &got.buf, &k.err), 0);
    count_letters(&got);
    bool old = got.as == was->as && got.bs == was->bs;
    bool new = changed &&got.as == is.as &&got.bs == is.bs;
    if (!CHECK(old || new))
        fprintf(stderr, "    %s: %zu A, %zu B\n", name, got.as, got.bs);
    if (changed)
        outcomes[new && !old]++;
}

static void try_all(const char *options, const char *name, enum how how, int step)
{
    bool came = true;
    for (int n = step; came; n += step) {
        int rc = change_at_call(n, options, name, how, &came);
        CHECK(rc == 0 || (rc == FOUND && how != LINKED));
        bool there = cenv_fs_exists(k.s.fd, "clone", &k.err) == 1;
        if (!CHECK_INT(there, rc == 0))
            fprintf(stderr, "    %s, %s, change %d at call %d\n", options, name, how,
                    n);
        for (size_t i = 0; there && i < NAMES; i++)
            check_file(names[i], came && strcmp(names[i], name) == 0, how);
        CHECK_INT(
            cenv_remove(k.store, scratch_path(&k.s, "clone"), NULL, &k.task, &k.err),
            0);
        make_old(name);
    }
}

static void test_change__is_never_half_cloned(void)
{
    begin();
    for (size_t i = 0; i < NAMES; i++)
        for (enum how how = 0; how < HOWS; how++)
            try_all("{\"mode\":\"copy\",\"threads\":1}", names[i], how,
                    i == 1 && how == IN_PLACE ? 1 : STEP);
    CHECK(outcomes[0] > 5); /* after it was copied */
    CHECK(outcomes[1] > 5); /* before, or a second attempt */
    end();
}

/* A shared file cannot be half of each; what is written for the clone alone could. */
static void test_change__of_linked_files(void)
{
    begin();
    for (enum how how = 0; how < HOWS; how++)
        try_all("{\"mode\":\"hardlink\",\"threads\":1}", "bin/tool", how, STEP);
    try_all("{\"mode\":\"hardlink\",\"threads\":1}", "lib/plain", REPLACED, STEP);
    end();
}

int main(void)
{
    umask(022);
    RUN(test_change__is_never_half_cloned);
    RUN(test_change__of_linked_files);
    return check_report();
}
