/* SPDX-License-Identifier: BSD-3-Clause */
/* Running programs. */
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

#include "check.h"
#include "os/proc.h"
#include "scratch.h"

static struct cenv_error err = CENV_ERROR_INIT;
static struct cenv_task task;
static struct cenv_buf out;
static struct cenv_proc_status status;

static int run_sh(const char *script, size_t max)
{
    const char *const argv[] = {"sh", "-c", script, NULL};
    const char *const env[] = {"PATH=/usr/bin:/bin", "WHO=cenv", NULL};
    struct cenv_proc proc = {.argv = argv, .env = env, .cwd = "/"};
    cenv_buf_release(&out);
    cenv_buf_init(&out, max);
    return cenv_proc_run(&proc, &out, &status, &task, &err);
}

static void test_proc__takes_output_and_status(void)
{
    static const struct {
        const char *script, *output;
        int code, signal;
    } cases[] = {
        {"echo out; echo err >&2; exit 3", "out\nerr\n", 3, 0},
        {"pwd; echo $WHO $HOME.", "/\ncenv .\n", 0, 0},
        {"cat; echo eof", "eof\n", 0, 0},
        {"kill -TERM $$", "", 128 + SIGTERM, SIGTERM},
        {"exec >&- 2>&-; sleep 0.05; exit 7", "", 7, 0},
        {"(sleep 5 &) ; echo gone", "gone\n", 0, 0},
    };
    cenv_task_init(&task, NULL, NULL);
    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        check_case(cases[i].script);
        CHECK_INT(run_sh(cases[i].script, 4096), 0);
        CHECK_STR(cenv_buf_str(&out).data, cases[i].output);
        CHECK_INT(status.code, cases[i].code);
        CHECK_INT(status.signal, cases[i].signal);
    }
    cenv_task_release(&task);
}

static void test_proc__bounds_the_output(void)
{
    cenv_task_init(&task, NULL, NULL);
    CHECK_INT(
        run_sh("i=0; while [ $i -lt 20000 ]; do echo 0123456789; i=$((i+1)); done",
               1000),
        0);
    CHECK_INT(out.len, 1000);
    CHECK_INT(out.failed, 0);
    CHECK_INT(status.code, 0);
    cenv_task_release(&task);
}

static void test_proc__says_what_cannot_be_started(void)
{
    const char *const argv[] = {"/no/such/program", NULL};
    struct cenv_proc proc = {.argv = argv};
    cenv_task_init(&task, NULL, NULL);
    CHECK_INT(cenv_proc_run(&proc, &out, &status, &task, &err), CENV_EOS);
    CHECK_INT(err.os_errno, ENOENT);
    CHECK_STR(err.path, "/no/such/program");
    cenv_error_release(&err);
    cenv_task_release(&task);
}

static int stop_at_second(void *ctx)
{
    return ++*(int *)ctx > 1;
}

static void test_proc__is_killed_when_cancelled(void)
{
    int polls = 0;
    cenv_task_init(&task, stop_at_second, &polls);
    CHECK_INT(run_sh("sleep 60 & echo $!; wait", 100), CENV_ECANCELLED);
    pid_t grandchild = atoi(out.data ? out.data : "0");
    CHECK(grandchild > 1);
    for (int i = 0; i < 200 && kill(grandchild, 0) == 0; i++)
        usleep(5000); /* until its new parent has taken its status */
    CHECK(kill(grandchild, 0) < 0 || waitpid(grandchild, NULL, WNOHANG) != 0);
    cenv_error_release(&err);
    cenv_task_release(&task);
}

int main(void)
{
    RUN(test_proc__takes_output_and_status);
    RUN(test_proc__bounds_the_output);
    RUN(test_proc__says_what_cannot_be_started);
    RUN(test_proc__is_killed_when_cancelled);
    cenv_buf_release(&out);
    return check_report();
}
