/* SPDX-License-Identifier: BSD-3-Clause */
/* Directories beside what is being made. */
#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "base/alloc.h"
#include "check.h"
#include "os/fs.h"
#include "os/fs_dir.h"
#include "os/sibling.h"
#include "scratch.h"

static void test_sibling__is_known_by_its_name(void)
{
    char *name = cenv_sibling_name("env");
    CHECK(cenv_sibling_is_of(name, "env"));
    CHECK(!cenv_sibling_is_of(name, "en"));
    CHECK(!cenv_sibling_is_of(name, "env2"));
    CHECK(!cenv_sibling_is_of("Documents", "env"));
    CHECK(!cenv_sibling_is_of(".env.cenv-1-2/../../x", "env"));
    cenv_free(name);
}

static void test_sibling__has_room_in_a_name(void)
{
    char longest[256];
    memset(longest, 'x', 255);
    longest[255] = '\0';
    char *name = cenv_sibling_name(longest);
    CHECK(strlen(name) <= 255);
    CHECK(cenv_sibling_is_of(name, longest));
    cenv_free(name);
}

static int count(int dir)
{
    struct cenv_listing list;
    int nr = -1;
    if (CHECK_INT(cenv_listing_read(&list, dir, false), 0))
        nr = (int)list.nr;
    cenv_listing_release(&list);
    return nr;
}

static void test_sibling__that_cannot_be_opened_goes(void)
{
    struct scratch s = scratch_open();
    struct rlimit had, few;
    char *name = cenv_sibling_name("env");
    CHECK_INT(getrlimit(RLIMIT_NOFILE, &had), 0);
    few = (struct rlimit){.rlim_cur = 0, .rlim_max = had.rlim_max};
    CHECK_INT(setrlimit(RLIMIT_NOFILE, &few), 0);
    CHECK_INT(cenv_raw_make_sibling(s.fd, name, 0755), -EMFILE);
    CHECK_INT(setrlimit(RLIMIT_NOFILE, &had), 0);
    CHECK_INT(count(s.fd), 0);
    cenv_free(name);
    scratch_close(&s);
}

/* A child that makes one, and is killed. */
static void leave_sibling(struct scratch *s)
{
    pid_t child = fork();
    if (child == 0) {
        char *name = cenv_sibling_name("env");
        cenv_raw_make_sibling(s->fd, name, 0755);
        raise(SIGKILL);
    }
    CHECK_INT(waitpid(child, NULL, 0), child);
}

static void test_sibling__of_the_dead_is_swept(void)
{
    struct scratch s = scratch_open();
    struct cenv_error err = CENV_ERROR_INIT;
    char *mine = cenv_sibling_name("env");
    int fd = cenv_raw_make_sibling(s.fd, mine, 0755);
    CHECK(fd >= 0);
    CHECK_INT(mkdirat(s.fd, ".env.cenvelope", 0755), 0);
    CHECK_INT(mkdirat(s.fd, "other", 0755), 0);
    leave_sibling(&s);
    CHECK(!cenv_sibling_is_left(s.fd, mine));
    cenv_sibling_sweep(s.fd, "env");
    CHECK_INT(cenv_fs_exists(s.fd, mine, &err), 1);
    CHECK_INT(cenv_fs_exists(s.fd, ".env.cenvelope", &err), 1);
    CHECK_INT(count(s.fd), 3);
    cenv_fd_close(fd);
    cenv_free(mine);
    scratch_close(&s);
}

int main(void)
{
    RUN(test_sibling__is_known_by_its_name);
    RUN(test_sibling__has_room_in_a_name);
    RUN(test_sibling__that_cannot_be_opened_goes);
    RUN(test_sibling__of_the_dead_is_swept);
    return check_report();
}
