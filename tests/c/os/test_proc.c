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

/* Talks with `sh -c script` by three pipes. */
static int talk_with(const char *script, struct cenv_proc_talk *talk)
{
    static const int pipes[3] = {CENV_PROC_PIPE, CENV_PROC_PIPE, CENV_PROC_PIPE};
    const char *const argv[] = {"/bin/sh", "-c", script, NULL};
    struct cenv_proc proc = {.argv = argv, .cwd = "/", .new_session = true};
    struct cenv_proc_streams streams;
    int pid, rc = cenv_proc_streams_open(&streams, pipes, &err);
    if (rc == 0)
        rc = cenv_proc_start(&proc, &streams, &pid, &err);
    if (rc == 0) {
        cenv_proc_streams_hand_over(&streams);
        rc = cenv_proc_follow(pid, &streams, talk, &status, &task, &err);
    }
    for (int i = 0; i < 3; i++)
        CHECK_INT(rc == 0 ? streams.ours[i] : -1, -1);
    return rc;
}

static void test_proc__gives_input_and_takes_both_outputs(void)
{
    struct cenv_buf said[2];
    struct cenv_proc_talk talk = {
        .input = CENV_STR("in"), .said = {&said[0], &said[1]}, .timeout_ms = -1};
    cenv_buf_init(&said[0], 100);
    cenv_buf_init(&said[1], 100);
    cenv_task_init(&task, NULL, NULL);
    CHECK_INT(talk_with("cat; echo err >&2; (sleep 0.1; echo late) & exit 3", &talk),
              0);
    CHECK_STR(cenv_buf_str(&said[0]).data, "inlate\n");
    CHECK_STR(cenv_buf_str(&said[1]).data, "err\n");
    CHECK_INT(status.code, 3);
    CHECK(!talk.timed_out);
    cenv_task_release(&task);
    cenv_buf_release(&said[0]);
    cenv_buf_release(&said[1]);
}

static void test_proc__survives_who_does_not_listen(void)
{
    static char input[1 << 20];
    struct cenv_proc_talk talk = {.input = {input, sizeof(input)}, .timeout_ms = -1};
    cenv_task_init(&task, NULL, NULL);
    CHECK_INT(talk_with("exec <&-; sleep 0.05; exit 4", &talk), 0);
    CHECK_INT(status.code, 4);
    cenv_task_release(&task);
}

static void test_proc__ends_a_group_for_time_and_size(void)
{
    static const struct {
        const char *script;
        int timeout_ms, rc;
        bool timed_out;
    } cases[] = {
        {"sleep 60 & wait", 50, 0, true},
        {"yes", 50, 0, true},
        {"sleep 60", 0, 0, true},
        {"yes", -1, CENV_EFAIL, false},
    };
    cenv_task_init(&task, NULL, NULL);
    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        struct cenv_buf said;
        struct cenv_proc_talk talk = {.said = {&said, NULL},
                                      .timeout_ms = cases[i].timeout_ms};
        cenv_buf_init(&said, cases[i].rc ? 1000 : (size_t)1 << 30);
        check_case(cases[i].script);
        CHECK_INT(talk_with(cases[i].script, &talk), cases[i].rc);
        CHECK_INT(talk.timed_out, cases[i].timed_out);
        CHECK_INT(status.signal, SIGKILL);
        cenv_error_release(&err);
        cenv_buf_release(&said);
    }
    cenv_task_release(&task);
}

static void test_proc__passes_on_no_other_descriptor(void)
{
    struct cenv_buf said;
    struct cenv_proc_talk talk = {.said = {&said, NULL}, .timeout_ms = -1};
    int fd = dup(1); /* not close-on-exec */
    cenv_buf_init(&said, 1000);
    cenv_task_init(&task, NULL, NULL);
    CHECK(fd > 2);
    CHECK_INT(talk_with("ls /proc/self/fd | wc -l", &talk), 0);
    CHECK_INT(atoi(cenv_buf_str(&said).data), 4); /* one is ls's own */
    close(fd);
    cenv_task_release(&task);
    cenv_buf_release(&said);
}

static void test_proc__names_a_directory_that_is_not_there(void)
{
    const char *const argv[] = {"/bin/true", NULL};
    struct cenv_proc proc = {.argv = argv, .cwd = "/no/such/directory"};
    cenv_task_init(&task, NULL, NULL);
    CHECK_INT(cenv_proc_run(&proc, &out, &status, &task, &err), CENV_EOS);
    CHECK_STR(err.path, "/no/such/directory");
    cenv_error_release(&err);
    cenv_task_release(&task);
}

static void test_proc__is_found_along_path(void)
{
    struct scratch s = scratch_open();
    char path[1024];
    struct cenv_buf found;
    scratch_file(&s, "tool", "#!/bin/sh\n", 0755);
    scratch_file(&s, "text", "text\n", 0644);
    snprintf(path, sizeof(path), "/no/such:%s:/bin", s.path);
    cenv_buf_init(&found, 4096);
    CHECK_INT(cenv_proc_find("tool", path, &found), 0);
    CHECK_STR(found.data, scratch_path(&s, "tool"));
    cenv_buf_clear(&found);
    CHECK_INT(cenv_proc_find("text", path, &found), 1);
    CHECK_INT(cenv_proc_find("", path, &found), 1);
    CHECK_INT(found.len, 0);
    CHECK_INT(cenv_proc_find("/bin/sh", "", &found), 0);
    CHECK_STR(found.data, "/bin/sh");
    cenv_buf_release(&found);
    scratch_close(&s);
}

int main(void)
{
    RUN(test_proc__gives_input_and_takes_both_outputs);
    RUN(test_proc__survives_who_does_not_listen);
    RUN(test_proc__ends_a_group_for_time_and_size);
    RUN(test_proc__passes_on_no_other_descriptor);
    RUN(test_proc__names_a_directory_that_is_not_there);
    RUN(test_proc__is_found_along_path);
    RUN(test_proc__takes_output_and_status);
    RUN(test_proc__bounds_the_output);
    RUN(test_proc__says_what_cannot_be_started);
    RUN(test_proc__is_killed_when_cancelled);
    cenv_buf_release(&out);
    return check_report();
}
