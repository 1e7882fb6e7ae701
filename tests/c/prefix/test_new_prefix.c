/* SPDX-License-Identifier: BSD-3-Clause */
/* Building beside the destination: what is refused, what is kept, what killed runs leave. */
#include "base/task.h"
#include "os/raw_lock.h"
#include "os/sibling.h"
#include "prefix/new_prefix.h"

#include <dirent.h>
#include <sys/wait.h>
#include <time.h>

#include "base/alloc.h"
#include "check.h"
#include "scratch.h"

struct fixture {
    struct scratch s;
    struct cenv_task task;
    struct cenv_error err;
    struct cenv_newprefix dir;
    int rc;
};

static struct fixture fixture_new(void)
{
    struct fixture f = {.s = scratch_open(), .dir = CENV_NEWPREFIX_INIT};
    cenv_task_init(&f.task, NULL, NULL);
    return f;
}

static int fixture_open(struct fixture *f, const char *name)
{
    f->rc = cenv_newprefix_open(&f->dir, scratch_path(&f->s, name), true, &f->err);
    return f->rc = f->rc ? f->rc : cenv_newprefix_make(&f->dir, &f->err);
}

static void fixture_close(struct fixture *f)
{
    cenv_newprefix_close(&f->dir);
    cenv_error_release(&f->err);
    cenv_task_release(&f->task);
    scratch_close(&f->s);
}

/* Entries of a directory below the scratch, "." and ".." not counted; -1: not there. */
static int entries(const struct scratch *s, const char *name)
{
    DIR *dir = opendir(scratch_path(s, name));
    int nr = 0;
    if (!dir)
        return -1;
    for (struct dirent *e; (e = readdir(dir));)
        nr += strcmp(e->d_name, ".") && strcmp(e->d_name, "..");
    closedir(dir);
    return nr;
}

static void test_new_prefix__publishes_in_one_rename(void)
{
    struct fixture f = fixture_new();
    if (CHECK_INT(fixture_open(&f, "a/b/env"), 0)) {
        CHECK_STR(f.dir.path, scratch_path(&f.s, "a/b/env"));
        CHECK(strstr(f.dir.temp_path, "/a/b/.env.cenv-") != NULL);
        CHECK_INT(entries(&f.s, "a/b/env"), -1);
        mkdir(scratch_path(&f.s, "x"), 0755);
        scratch_file(&f.s, "x/f", "", 0644);
        CHECK_INT(cenv_newprefix_publish(&f.dir, 0755, &f.err), 0);
        CHECK_INT(entries(&f.s, "a/b/env"), 0); /* the lock is gone too */
        cenv_newprefix_close(&f.dir);
        CHECK_INT(entries(&f.s, "a/b/env"), 0);
        CHECK_INT(entries(&f.s, "a/b"), 1);
    }
    fixture_close(&f);
}

static void test_new_prefix__leaves_nothing_when_not_published(void)
{
    struct fixture f = fixture_new();
    CHECK_INT(fixture_open(&f, "a/b/env"), 0);
    scratch_file(&f.s, "a/beside", "", 0644); /* made meanwhile by somebody else */
    cenv_newprefix_close(&f.dir);
    CHECK_INT(entries(&f.s, "a/b"), -1);
    CHECK_INT(entries(&f.s, "a"), 1);
    fixture_close(&f);
}

/* A parent that was there stays, empty as it may be. */
static void test_new_prefix__keeps_the_parent_when_memory_is_out(void)
{
    int rc = CENV_ENOMEM;
    for (long nth = 1; rc != 0 && nth < 100; nth++) {
        struct fixture f = fixture_new();
        CHECK_INT(mkdirat(f.s.fd, "parent", 0755), 0);
        cenv_alloc_fail_nth(nth);
        rc = fixture_open(&f, "parent/new/env");
        cenv_alloc_fail_nth(0);
        cenv_newprefix_close(&f.dir);
        CHECK(rc == 0 || rc == CENV_ENOMEM);
        CHECK_INT(entries(&f.s, "parent"), 0);
        fixture_close(&f);
    }
    CHECK_INT(rc, 0);
}

static void test_new_prefix__keeps_the_mode_of_an_empty_directory(void)
{
    struct fixture f = fixture_new();
    struct stat st;
    mkdirat(f.s.fd, "env", 0700);
    fchmodat(f.s.fd, "env", 02750, 0);
    CHECK_INT(fixture_open(&f, "env"), 0);
    CHECK_INT(cenv_newprefix_publish(&f.dir, 0755, &f.err), 0);
    CHECK(fstatat(f.s.fd, "env", &st, 0) == 0 && (st.st_mode & 07777) == 02750);
    fixture_close(&f);
}

static void test_new_prefix__refuses(void)
{
    static const struct {
        const char *name, *says;
    } cases[] = {
        {"full", "the directory holds files"},
        {"env", "there is one already"},
        {"file", "it is a file"},
        {"link", "it is a link"},
        {"with:colon", "':'"},
        {"with\nnewline", "control character"},
    };
    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        struct fixture f = fixture_new();
        check_case(cases[i].name);
        mkdirat(f.s.fd, "full", 0755);
        scratch_file(&f.s, "full/f", "", 0644);
        mkdirat(f.s.fd, "env", 0755);
        mkdirat(f.s.fd, "env/conda-meta", 0755);
        scratch_file(&f.s, "file", "", 0644);
        CHECK(symlinkat("full", f.s.fd, "link") == 0);
        CHECK_INT(fixture_open(&f, cases[i].name), CENV_EPREFIX);
        CHECK(strstr(f.err.message, cases[i].says) != NULL);
        CHECK_INT(entries(&f.s, "."), 4);
        struct cenv_error err = CENV_ERROR_INIT;
        CHECK_INT(cenv_newprefix_check(scratch_path(&f.s, cases[i].name), -1, &err),
                  CENV_EPREFIX);
        fixture_close(&f);
    }
}

static void test_new_prefix__something_appears_meanwhile(void)
{
    struct fixture f = fixture_new();
    CHECK_INT(fixture_open(&f, "env"), 0);
    mkdirat(f.s.fd, "env", 0755);
    scratch_file(&f.s, "env/theirs", "", 0644);
    CHECK_INT(cenv_newprefix_publish(&f.dir, 0755, &f.err), CENV_EPREFIX);
    cenv_newprefix_close(&f.dir);
    CHECK_INT(entries(&f.s, "env"), 1);
    CHECK_INT(entries(&f.s, "."), 1);
    fixture_close(&f);
}

/* As killed runs leave them: nobody holds their lock. */
static void make_sibling(const struct scratch *s, const char *stem, pid_t pid,
                         time_t age)
{
    char name[64];
    struct timespec times[2] = {{time(NULL) - age, 0}, {time(NULL) - age, 0}};
    snprintf(name, sizeof(name), "%s.cenv-%d-0abc", stem, pid);
    mkdirat(s->fd, name, 0700);
    utimensat(s->fd, name, times, 0);
}

static bool has_sibling(const struct scratch *s, const char *stem, pid_t pid)
{
    char name[64];
    snprintf(name, sizeof(name), "%s.cenv-%d-0abc", stem, pid);
    return faccessat(s->fd, name, F_OK, 0) == 0;
}

static void test_new_prefix__sweeps_what_killed_runs_left(void)
{
    struct fixture f = fixture_new(), other = {.dir = CENV_NEWPREFIX_INIT};
    pid_t dead = fork(), lives = getpid();
    if (dead == 0)
        _exit(0);
    waitpid(dead, NULL, 0);
    make_sibling(&f.s, ".env", dead, 5);
    make_sibling(&f.s, ".env", 1, 1000);
    make_sibling(&f.s, ".env", lives, 5); /* its lock is about to be taken */
    make_sibling(&f.s, ".other", dead, 1000);
    char target[64];
    snprintf(target, sizeof(target), "%s/.env.cenv-%d-0abc", f.s.path, dead);
    CHECK(symlinkat(target, f.s.fd, "env") == 0);
    CHECK_INT(
        cenv_newprefix_open(&other.dir, scratch_path(&f.s, "env"), true, &other.err),
        0); /* a live one, in another's hands */
    CHECK_INT(cenv_newprefix_make(&other.dir, &other.err), 0);
    CHECK_INT(fixture_open(&f, "env"), 0);
    CHECK(!has_sibling(&f.s, ".env", dead));
    CHECK(!has_sibling(&f.s, ".env", 1));
    CHECK(has_sibling(&f.s, ".env", lives));
    CHECK(has_sibling(&f.s, ".other", dead));
    CHECK_INT(cenv_newprefix_publish(&other.dir, 0755, &other.err), 0);
    CHECK_INT(cenv_newprefix_publish(&f.dir, 0755, &f.err),
              CENV_EPREFIX); /* the first one won */
    cenv_newprefix_close(&other.dir);
    fixture_close(&f);
}

/* Link scripts are shown an unfinished directory at its place; a kill leaves it there. */
static void test_new_prefix__takes_away_what_scripts_were_shown(void)
{
    struct fixture f = fixture_new();
    mkdirat(f.s.fd, "env", 0755);
    scratch_file(&f.s, "env/half", "made", 0644);
    scratch_file(&f.s, "env/" CENV_NEWPREFIX_MARK, "", 0600);
    int maker = openat(f.s.fd, "env", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    CHECK_INT(cenv_raw_lock_dir(maker), 0);
    CHECK_INT(fixture_open(&f, "env"), CENV_EPREFIX); /* it lives */
    CHECK(scratch_has(&f.s, "env/half"));
    close(maker);
    cenv_error_release(&f.err);
    CHECK_INT(fixture_open(&f, "env"), 0);
    CHECK(!scratch_has(&f.s, "env"));
    fixture_close(&f);
}

/* Older than any grace, but its maker lives and holds the lock. */
static void test_new_prefix__leaves_what_is_in_the_making(void)
{
    struct fixture f = fixture_new();
    struct timespec long_ago[2] = {{1, 0}, {1, 0}};
    CHECK_INT(fixture_open(&f, "env"), 0);
    utimensat(AT_FDCWD, f.dir.temp_path, long_ago, 0);
    CHECK(!cenv_sibling_is_left(f.dir.parent, f.dir.temp));
    CHECK_INT(cenv_newprefix_publish(&f.dir, 0755, &f.err), 0);
    fixture_close(&f);
}

int main(void)
{
    RUN(test_new_prefix__publishes_in_one_rename);
    RUN(test_new_prefix__leaves_nothing_when_not_published);
    RUN(test_new_prefix__keeps_the_parent_when_memory_is_out);
    RUN(test_new_prefix__keeps_the_mode_of_an_empty_directory);
    RUN(test_new_prefix__refuses);
    RUN(test_new_prefix__something_appears_meanwhile);
    RUN(test_new_prefix__sweeps_what_killed_runs_left);
    RUN(test_new_prefix__takes_away_what_scripts_were_shown);
    RUN(test_new_prefix__leaves_what_is_in_the_making);
    return check_report();
}
