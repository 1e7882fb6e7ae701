/* SPDX-License-Identifier: BSD-3-Clause */
/* A directory in use: by every way that a process can have one. */
#include "check.h"

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "os/dir_users.h"
#include "os/pid.h"
#include "scratch.h"

static struct scratch s;
static uint64_t since;

static int look(char what[128])
{
    return cenv_raw_find_dir_user(scratch_path(&s, "it"), since, what, 128);
}

/* ---- what a child does, which then waits ---- */

static void do_nothing(void)
{
}

static void enter(void)
{
    CHECK_INT(chdir(scratch_path(&s, "it/deep")), 0);
}

/* So deep that its path cannot be told, below the directory `name`. */
static void enter_depths(const char *name)
{
    char part[201];
    CHECK_INT(chdir(scratch_path(&s, name)), 0);
    memset(part, 'x', 200);
    part[200] = 0;
    for (int i = 0; i < 30; i++)
        if ((mkdir(part, 0700) < 0 && errno != EEXIST) || chdir(part) < 0)
            perror(part);
}

static void enter_deep(void)
{
    enter_depths("it/deep");
}

static void enter_deep_elsewhere(void)
{
    enter_depths("item");
}

static void open_file(void)
{
    openat(s.fd, "it/file", O_RDONLY | O_CLOEXEC);
}

static void map_file(void)
{
    int fd = openat(s.fd, "it/file", O_RDONLY | O_CLOEXEC);
    CHECK(mmap(NULL, 4, PROT_READ, MAP_PRIVATE, fd, 0) != MAP_FAILED);
    close(fd);
}

/* A name that goes on is another directory's. */
static void open_other(void)
{
    openat(s.fd, "item", O_RDONLY | O_CLOEXEC);
}

static void open_deleted(void)
{
    openat(s.fd, "it/gone", O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    unlinkat(s.fd, "it/gone", 0);
}

/* A shell that waits for input, which never comes. */
static void run_shell(char *argument, char *variable)
{
    char *argv[] = {"sh", "-c", "read line <&9", argument, NULL};
    char *variables[] = {variable, NULL};
    int never[2];
    if (pipe(never) == 0 && dup2(never[0], 9) == 9)
        execve("/bin/sh", argv, variables);
}

static void run_with_argument(void)
{
    char text[1100];
    snprintf(text, sizeof(text), "%s/x", scratch_path(&s, "it"));
    run_shell(text, NULL);
}

static void run_in_environment(void)
{
    char text[1100];
    snprintf(text, sizeof(text), "PATH=/bin:%s/bin:/usr/bin", scratch_path(&s, "it"));
    run_shell(NULL, text);
}

static void listen_there(void)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    snprintf(at.sun_path, sizeof(at.sun_path), "%s", scratch_path(&s, "it/socket"));
    CHECK_INT(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
}

/* Its end of the pipe is closed when it is where it should be, by exec at the latest. */
static pid_t start(void (*act)(void))
{
    int ready[2];
    char none;
    CHECK_INT(pipe2(ready, O_CLOEXEC), 0);
    pid_t pid = fork();
    if (pid == 0) {
        act();
        close(ready[1]);
        for (;;)
            pause();
    }
    close(ready[1]);
    CHECK_INT(read(ready[0], &none, 1), 0);
    close(ready[0]);
    return pid;
}

static void test_dir_users__is_found(void)
{
    static const struct {
        void (*act)(void);
        const char *how; /* NULL: no use */
    } cases[] = {
        {do_nothing, NULL},
        {open_other, NULL},
        {open_deleted, NULL},
        {enter, "as its directory"},
        {enter_deep, "as its directory"},
        {enter_deep_elsewhere, NULL},
        {open_file, "open"},
        {map_file, "mapped"},
        {run_with_argument, "among its arguments"},
        {run_in_environment, "in its environment"},
        {listen_there, "socket"},
    };
    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        char what[128] = "";
        check_case(cases[i].how);
        pid_t pid = start(cases[i].act);
        CHECK_INT(look(what), cases[i].how != NULL);
        if (cases[i].how && !CHECK(strstr(what, cases[i].how)))
            fprintf(stderr, "    %s\n", what);
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        unlinkat(s.fd, "it/socket", 0);
        CHECK_INT(look(what), 0);
    }
}

/* Only root may mount; elsewhere there is nothing to look at. */
static void test_dir_users__may_be_a_mount(void)
{
    char what[128];
    const char *there = scratch_path(&s, "it/deep"), *bound = scratch_path(&s, "item");
    if (mount("none", there, "tmpfs", 0, NULL) == 0) {
        CHECK_INT(look(what), 1);
        umount(there);
        CHECK_INT(look(what), 0);
    }
    if (mount(there, bound, NULL, MS_BIND, NULL) == 0) {
        CHECK_INT(look(what), 1);
        umount(bound);
        CHECK_INT(look(what), 0);
    }
}

/* A process from before has it neither mapped nor named, as far as that is looked for. */
static void test_dir_users__older_ones_have_open_what_they_use(void)
{
    char what[128];
    pid_t mapped = start(map_file), opened;
    since = cenv_pid_start(mapped) + 1;
    CHECK_INT(look(what), 0);
    opened = start(open_file);
    CHECK_INT(look(what), 1);
    kill(mapped, SIGKILL);
    kill(opened, SIGKILL);
    waitpid(mapped, NULL, 0);
    waitpid(opened, NULL, 0);
}

int main(void)
{
    s = scratch_open();
    since = cenv_pid_start(getpid());
    mkdirat(s.fd, "it", 0700);
    mkdirat(s.fd, "it/deep", 0700);
    mkdirat(s.fd, "item", 0700);
    scratch_file(&s, "it/file", "text", 0600);
    RUN(test_dir_users__is_found);
    RUN(test_dir_users__may_be_a_mount);
    RUN(test_dir_users__older_ones_have_open_what_they_use);
    scratch_close(&s);
    return check_report();
}
