/* SPDX-License-Identifier: BSD-3-Clause */
/* A clone of a clone: made from the template where nobody changed either, else from the clone. */
#include "store/lease.h"
#include "templatekit.h"

/* Where the clones "from" is made of say they come from: the template, the clone itself. */
enum origin { TEMPLATE, ITSELF };

static const char *source_of_last(void)
{
    static char source[1200];
    struct cenv_json *doc = templatekit_reply();
    snprintf(source, sizeof(source), "%s", cenv_json_get_cstr(doc, "source"));
    cenv_json_free(doc);
    return source;
}

/* Clones "one" to "two", which must say that it comes from there. */
static bool comes_from(enum origin origin, const char *options)
{
    cenv_buf_clear(&k.out);
    char two[512];
    snprintf(two, sizeof(two), "%s", scratch_path(&k.s, "two"));
    if (!CHECK_INT(cenv_clone(k.store, scratch_path(&k.s, "one"), two, options, &k.task,
                              &k.out, &k.err),
                   0)) {
        fprintf(stderr, "    %s\n", k.err.message);
        return false;
    }
    return CHECK_STR(source_of_last(),
                     origin == TEMPLATE ? prefix : scratch_path(&k.s, "one"));
}

static void begin_cloned(const char *options)
{
    templatekit_begin_built();
    CHECK_INT(templatekit_clone("one", options), 0);
    CHECK_STR(source_of_last(), prefix);
}

/* ---- unaltered ---- */

static void test_clone_template__is_that_of_an_unaltered_clone(void)
{
    static const char *const modes[] = {"{\"mode\":\"hardlink\"}",
                                        "{\"mode\":\"copy\"}"};
    for (size_t i = 0; i < 2 * CHECK_NR(modes); i++) {
        struct cenv_stat ours, theirs;
        check_case(modes[i / 2]);
        begin_cloned(modes[i / 2]);
        comes_from(TEMPLATE, modes[i % 2]);
        char path[1300];
        snprintf(path, sizeof(path), "%s/share/a/7", prefix);
        CHECK_INT(cenv_raw_stat(CENV_CWD, path, &theirs), 0);
        CHECK_INT(cenv_raw_stat(k.s.fd, "two/share/a/7", &ours), 0);
        CHECK_INT(cenv_stat_same_file(&ours, &theirs), i % 2 == 0);
        snprintf(path, sizeof(path), "#!%s/bin/sh\necho a\n",
                 scratch_path(&k.s, "two"));
        CHECK_STR(scratch_text(&k.s, "two/bin/a"), path);
        storekit_close(&k);
    }
}

/* Also by a path with a link in it, and when it was put back. */
static void test_clone_template__is_found_however_the_clone_is_called(void)
{
    begin_cloned("{\"mode\":\"copy\"}");
    scratch_file(&k.s, "one/added", "", 0644);
    CHECK_INT(cenv_reset(k.store, scratch_path(&k.s, "one"), &k.task, &k.out, &k.err),
              0);
    comes_from(TEMPLATE, "");
    CHECK_INT(symlinkat("one", k.s.fd, "link"), 0);
    cenv_buf_clear(&k.out);
    char three[512];
    snprintf(three, sizeof(three), "%s", scratch_path(&k.s, "three"));
    CHECK_INT(cenv_clone(k.store, scratch_path(&k.s, "link"), three, "", &k.task,
                         &k.out, &k.err),
              0);
    CHECK_STR(source_of_last(), prefix);
    storekit_close(&k);
}

/* What the first clone tells of its request, its clone tells too, and a reset of that. */
static void test_clone_template__keeps_the_request(void)
{
    static const char options[] =
        "{\"mode\":\"hardlink\",\"provenance\":{\"specs\":[\"a >=1\"],\"was\":[\"a\"]}}";
    templatekit_begin();
    CHECK_INT(templatekit_build("{\"specs\":[\"a\"]}"), 0);
    struct cenv_json *doc = templatekit_reply();
    snprintf(prefix, sizeof(prefix), "%s", cenv_json_get_cstr(doc, "prefix"));
    cenv_json_free(doc);
    CHECK_INT(templatekit_clone("one", options), 0);
    comes_from(TEMPLATE, "{\"mode\":\"hardlink\"}");
    for (int i = 0; i < 2; i++) {
        CHECK(strstr(scratch_text(&k.s, "two/conda-meta/history"), "'a >=1'"));
        CHECK(strstr(scratch_text(&k.s, "two/conda-meta/a-1-0.json"),
                     "\"requested_spec\": \"a >=1\""));
        scratch_file(&k.s, "two/conda-meta/history", "other", 0644);
        CHECK_INT(
            cenv_reset(k.store, scratch_path(&k.s, "two"), &k.task, &k.out, &k.err), 0);
    }
    storekit_close(&k);
}

/* ---- altered ---- */

static void set_time(const char *path, int64_t ns)
{
    CHECK_INT(cenv_raw_set_mtime(k.s.fd, path, ns), 0);
}

static int64_t time_of(const char *path)
{
    struct cenv_stat st;
    CHECK_INT(cenv_raw_stat(k.s.fd, path, &st), 0);
    return st.mtime_ns;
}

static void add_file(void)
{
    scratch_file(&k.s, "one/share/added", "new", 0644);
}

/* In every way but one that time tells: the ctime, of the directory and of the file. */
static void add_file_unseen(void)
{
    int64_t was = time_of("one/share/a");
    scratch_file(&k.s, "one/share/a/added", "new", 0644);
    set_time("one/share/a", was);
}

static void add_to_root_unseen(void)
{
    int64_t was = time_of("one");
    scratch_file(&k.s, "one/added", "new", 0644);
    set_time("one", was);
}

static void overwrite_unseen(void)
{
    int64_t was = time_of("one/bin/a");
    int fd = openat(k.s.fd, "one/bin/a", O_RDWR | O_CLOEXEC);
    CHECK_INT(pwrite(fd, "X", 1, 3), 1);
    close(fd);
    set_time("one/bin/a", was);
}

static void remove_file(void)
{
    CHECK_INT(unlinkat(k.s.fd, "one/share/b/3", 0), 0);
}

static void replace_file(void)
{
    int64_t was = time_of("one/share/a");
    scratch_file(&k.s, "one/share/new", "PLAIN", 0644);
    set_time("one/share/new", time_of("one/share/a/7"));
    CHECK_INT(renameat(k.s.fd, "one/share/new", k.s.fd, "one/share/a/7"), 0);
    set_time("one/share/a", was);
}

static void write_through_link(void)
{
    int fd = openat(k.s.fd, "one/share/a/7", O_RDWR | O_APPEND | O_CLOEXEC);
    CHECK_INT(write(fd, "more", 4), 4);
    close(fd);
}

static void close_directory(void)
{
    CHECK_INT(fchmodat(k.s.fd, "one/share/a", 0700, 0), 0);
}

static void edit_record(void)
{
    int64_t was = time_of("one/conda-meta/a-1-0.json");
    int fd = openat(k.s.fd, "one/conda-meta/a-1-0.json", O_RDWR | O_CLOEXEC);
    CHECK_INT(pwrite(fd, " ", 1, 1), 1);
    close(fd);
    set_time("one/conda-meta/a-1-0.json", was);
}

/* What was done, and a file and its text that the clone of the clone then must have, too. */
static const struct {
    const char *what;
    void (*alter)(void);
    const char *path, *text; /* NULL: it is not there; "": anything */
} alterations[] = {
    {"a file came", add_file, "two/share/added", "new"},
    {"a file came, and time was put back", add_file_unseen, "two/share/a/added", "new"},
    {"the same at the top", add_to_root_unseen, "two/added", "new"},
    {"a file went", remove_file, "two/share/b/3", NULL},
    {"a file was replaced, and times were put back", replace_file, "two/share/a/7",
     "PLAIN"},
    {"a file was written to, and its time was put back", overwrite_unseen, "two/bin/a",
     ""},
    {"a record was edited", edit_record, "two/conda-meta/a-1-0.json", ""},
    {"a directory has another mode", close_directory, "two/share/a/7", "plain"},
    {"a file was written to through a link", write_through_link, "two/share/a/7",
     "plainmore"},
};

/* A change within the tick of the clock in which the clone was made would not show by it. */
static void let_time_pass(void)
{
    nanosleep(&(struct timespec){0, 20 * 1000 * 1000}, NULL);
}

static void test_clone_template__is_not_that_of_an_altered_clone(void)
{
    for (size_t i = 0; i < CHECK_NR(alterations); i++) {
        check_case(alterations[i].what);
        begin_cloned("{\"mode\":\"hardlink\"}");
        let_time_pass();
        alterations[i].alter();
        comes_from(ITSELF, "{\"mode\":\"copy\"}");
        if (!alterations[i].text) {
            CHECK_INT(cenv_fs_exists(k.s.fd, alterations[i].path, &k.err), 0);
        } else if (*alterations[i].text) {
            CHECK_STR(scratch_text(&k.s, alterations[i].path), alterations[i].text);
        }
        storekit_close(&k);
    }
}

/* ---- the template ---- */

static void test_clone_template__may_be_gone(void)
{
    begin_cloned("{\"mode\":\"copy\"}");
    CHECK_INT(cenv_template_remove(k.store, template_id, &k.task, &k.err), 0);
    comes_from(ITSELF, "");
    storekit_close(&k);
}

/* What it has become, or what took its place, is not what was cloned. */
static void test_clone_template__must_be_what_it_was(void)
{
    char path[1300];
    begin_cloned("{\"mode\":\"copy\"}");
    snprintf(path, sizeof(path), "%s/share/b/4", prefix);
    int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
    CHECK_INT(write(fd, "more", 4), 4);
    close(fd);
    comes_from(ITSELF, "");
    storekit_close(&k);
    begin_cloned("{\"mode\":\"copy\"}");
    let_time_pass();
    CHECK_INT(templatekit_build("{\"rebuild\":true}"), 0);
    comes_from(ITSELF, "");
    storekit_close(&k);
}

/* Whether the clone is on its way: its directory lies beside its place. */
static bool is_being_placed(void)
{
    struct cenv_listing list;
    bool found = false;
    CHECK_INT(cenv_listing_read(&list, k.s.fd, false), 0);
    for (size_t i = 0; i < list.nr; i++)
        found |= strncmp(list.entries[i].name, ".two.cenv", 9) == 0;
    cenv_listing_release(&list);
    return found;
}

/* 1: gc has to wait; 0: not. */
static int is_leased(void)
{
    struct cenv_lock *lock = NULL;
    int rc = cenv_lease_try_exclusive(k.store, &lock, &k.err);
    cenv_lock_free(lock);
    return rc;
}

/* Stops a clone of the clone before its n-th system call; whether it had so many. */
static bool look_at_lease(int n, int *placed)
{
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        ptrace(PTRACE_TRACEME, 0, NULL, NULL);
        raise(SIGSTOP);
        _exit(!comes_from(TEMPLATE, "{\"threads\":1}"));
    }
    waitpid(pid, &status, 0);
    for (int i = 0; i < 2 * n && !WIFEXITED(status); i++) { /* in and out of each */
        ptrace(PTRACE_SYSCALL, pid, NULL, NULL);
        waitpid(pid, &status, 0);
    }
    bool came = !WIFEXITED(status);
    if (came && is_being_placed()) {
        CHECK_INT(is_leased(), 1);
        (*placed)++;
    }
    if (came) {
        ptrace(PTRACE_DETACH, pid, NULL, NULL);
        waitpid(pid, &status, 0);
    }
    CHECK_INT(status, 0);
    return came;
}

/* Its caller may have no lease, not knowing that a template will be cloned. */
static void test_clone_template__is_held_by_a_lease(void)
{
    enum { STEP = 29 };
    int placed = 0;
    bool came = true;
    begin_cloned("{\"mode\":\"copy\"}");
    for (int n = 1; came; n += STEP) {
        came = look_at_lease(n, &placed);
        CHECK_INT(
            cenv_remove(k.store, scratch_path(&k.s, "two"), NULL, &k.task, &k.err), 0);
    }
    CHECK(placed > 3);
    CHECK_INT(is_leased(), 0);
    storekit_close(&k);
}

int main(void)
{
    umask(022);
    RUN(test_clone_template__is_that_of_an_unaltered_clone);
    RUN(test_clone_template__is_found_however_the_clone_is_called);
    RUN(test_clone_template__keeps_the_request);
    RUN(test_clone_template__is_not_that_of_an_altered_clone);
    RUN(test_clone_template__may_be_gone);
    RUN(test_clone_template__must_be_what_it_was);
    RUN(test_clone_template__is_held_by_a_lease);
    return check_report();
}
