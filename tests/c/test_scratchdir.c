/* SPDX-License-Identifier: BSD-3-Clause */
/* Building beside the destination: what is refused, what is kept, what killed runs leave. */
#include "ops/scratchdir.h"

#include <dirent.h>
#include <time.h>

#include "check.h"
#include "scratch.h"

struct fixture {
    struct scratch s;
    struct cenv_task task;
    struct cenv_error err;
    struct cenv_scratchdir dir;
    int rc;
};

static struct fixture fixture_new(void)
{
    struct fixture f = {.s = scratch_open(), .dir = {.parent = -1}};
    cenv_task_init(&f.task, NULL, NULL);
    return f;
}

static int fixture_open(struct fixture *f, const char *name)
{
    return f->rc = cenv_scratchdir_open(&f->dir, scratch_path(&f->s, name), &f->task,
                                        &f->err);
}

static void fixture_close(struct fixture *f)
{
    cenv_scratchdir_close(&f->dir);
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

static void test_scratchdir__publishes_in_one_rename(void)
{
    struct fixture f = fixture_new();
    if (CHECK_INT(fixture_open(&f, "a/b/env"), 0)) {
        CHECK_STR(f.dir.final, scratch_path(&f.s, "a/b/env"));
        CHECK(strstr(f.dir.path, "/a/b/.env.cenv-") != NULL);
        CHECK_INT(entries(&f.s, "a/b/env"), -1);
        mkdir(scratch_path(&f.s, "x"), 0755);
        scratch_file(&f.s, "x/f", "", 0644);
        CHECK_INT(cenv_scratchdir_publish(&f.dir, &f.err), 0);
        CHECK_INT(entries(&f.s, "a/b/env"), 0); /* the lock is gone too */
        cenv_scratchdir_close(&f.dir);
        CHECK_INT(entries(&f.s, "a/b/env"), 0);
        CHECK_INT(entries(&f.s, "a/b"), 1);
    }
    fixture_close(&f);
}

static void test_scratchdir__leaves_nothing_when_not_published(void)
{
    struct fixture f = fixture_new();
    CHECK_INT(fixture_open(&f, "a/b/env"), 0);
    scratch_file(&f.s, "a/beside", "", 0644); /* made meanwhile by somebody else */
    cenv_scratchdir_close(&f.dir);
    CHECK_INT(entries(&f.s, "a/b"), -1);
    CHECK_INT(entries(&f.s, "a"), 1);
    fixture_close(&f);
}

static void test_scratchdir__keeps_the_mode_of_an_empty_directory(void)
{
    struct fixture f = fixture_new();
    struct stat st;
    mkdirat(f.s.fd, "env", 0700);
    fchmodat(f.s.fd, "env", 02750, 0);
    CHECK_INT(fixture_open(&f, "env"), 0);
    CHECK_INT(cenv_scratchdir_publish(&f.dir, &f.err), 0);
    CHECK(fstatat(f.s.fd, "env", &st, 0) == 0 && (st.st_mode & 07777) == 02750);
    fixture_close(&f);
}

static void test_scratchdir__refuses(void)
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
        CHECK_INT(cenv_scratchdir_check(scratch_path(&f.s, cases[i].name), &err),
                  CENV_EPREFIX);
        fixture_close(&f);
    }
}

static void test_scratchdir__something_appears_meanwhile(void)
{
    struct fixture f = fixture_new();
    CHECK_INT(fixture_open(&f, "env"), 0);
    mkdirat(f.s.fd, "env", 0755);
    scratch_file(&f.s, "env/theirs", "", 0644);
    CHECK_INT(cenv_scratchdir_publish(&f.dir, &f.err), CENV_EPREFIX);
    cenv_scratchdir_close(&f.dir);
    CHECK_INT(entries(&f.s, "env"), 1);
    CHECK_INT(entries(&f.s, "."), 1);
    fixture_close(&f);
}

static void make_sibling(const struct scratch *s, const char *name, time_t age)
{
    char lock[256];
    struct timespec times[2] = {{time(NULL) - age, 0}, {time(NULL) - age, 0}};
    mkdirat(s->fd, name, 0700);
    if (age == 0) {
        snprintf(lock, sizeof(lock), "%s/.cenv-lock", name);
        scratch_file(s, lock, "", 0600);
    }
    utimensat(s->fd, name, times, 0);
}

static void test_scratchdir__sweeps_what_killed_runs_left(void)
{
    struct fixture f = fixture_new(), other;
    make_sibling(&f.s, ".env.cenv-1-dead", 0);
    make_sibling(&f.s, ".env.cenv-2-old", 1000);
    make_sibling(&f.s, ".env.cenv-3-new", 5); /* its lock is about to be made */
    make_sibling(&f.s, ".other.cenv-4-dead", 0);
    CHECK(symlinkat(scratch_path(&f.s, ".env.cenv-1-dead"), f.s.fd, "env") == 0);
    other = (struct fixture){.dir = {.parent = -1}};
    cenv_task_init(&other.task, NULL, NULL);
    other.rc = cenv_scratchdir_open(&other.dir, scratch_path(&f.s, "env"), &other.task,
                                    &other.err);
    CHECK_INT(other.rc, 0); /* a live one, in another's hands */
    CHECK_INT(fixture_open(&f, "env"), 0);
    CHECK_INT(entries(&f.s, "."), 4); /* new, other, two live */
    CHECK_INT(entries(&f.s, ".env.cenv-3-new"), 0);
    CHECK_INT(entries(&f.s, ".other.cenv-4-dead"), 1);
    CHECK_INT(cenv_scratchdir_publish(&other.dir, &other.err), 0);
    CHECK_INT(cenv_scratchdir_publish(&f.dir, &f.err),
              CENV_EPREFIX); /* the first one won */
    cenv_scratchdir_close(&other.dir);
    cenv_task_release(&other.task);
    fixture_close(&f);
}

int main(void)
{
    RUN(test_scratchdir__publishes_in_one_rename);
    RUN(test_scratchdir__leaves_nothing_when_not_published);
    RUN(test_scratchdir__keeps_the_mode_of_an_empty_directory);
    RUN(test_scratchdir__refuses);
    RUN(test_scratchdir__something_appears_meanwhile);
    RUN(test_scratchdir__sweeps_what_killed_runs_left);
    return check_report();
}
