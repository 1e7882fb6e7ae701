/* SPDX-License-Identifier: BSD-3-Clause */
/* Scratch directories, and those that are left over. */
#include <signal.h>
#include <sys/wait.h>

#include "check.h"
#include "store/scratch.h"
#include "store/sweep_list.h"
#include "storekit.h"

/* A child that fills a scratch directory a little, and waits for its death. */
static pid_t start_worker(struct storekit *k)
{
    int ends[2];
    char byte = 0;
    if (pipe(ends) < 0)
        return -1;
    pid_t pid = fork();
    if (pid == 0) {
        struct cenv_scratch scratch;
        int rc = cenv_scratch_open(k->store, &scratch, &k->err);
        if (rc == 0)
            rc = cenv_fs_write_new(scratch.fd, "half", CENV_STR("x"), 0644, &k->err);
        if (rc == 0)
            rc = (int)write(ends[1], "x", 1);
        pause();
        _exit(rc);
    }
    CHECK_INT(read(ends[0], &byte, 1), 1);
    close(ends[0]);
    close(ends[1]);
    return pid;
}

static uint64_t sweep(struct storekit *k, bool look)
{
    struct cenv_sweep sweep = {.store = k->store, .task = &k->task, .look = look};
    cenv_buf_clear(&k->out);
    cenv_json_writer_init(&sweep.list, &k->out, 0);
    cenv_json_write_array(&sweep.list, NULL);
    CHECK_INT(cenv_scratch_sweep(&sweep, &k->err), 0);
    cenv_json_write_end(&sweep.list);
    CHECK_INT(cenv_json_writer_finish(&sweep.list, &k->err), 0);
    return sweep.removed;
}

static void test_scratch__goes_with_all_that_is_in_it(void)
{
    struct storekit k = storekit_open();
    struct cenv_scratch scratch;
    CHECK_INT(cenv_scratch_open(k.store, &scratch, &k.err), 0);
    CHECK_INT(cenv_fs_mkdir(scratch.fd, "d", 0555, &k.err), 0);
    CHECK_INT(cenv_fs_write_new(scratch.fd, "f", CENV_STR("x"), 0644, &k.err), 0);
    CHECK_INT(storekit_count(&k, CENV_STORE_TMP), 2); /* and its lock */
    cenv_scratch_close(k.store, &scratch);
    CHECK_INT(storekit_count(&k, CENV_STORE_TMP), 0);
    storekit_close(&k);
}

static void test_scratch__is_swept_when_its_owner_is_killed(void)
{
    struct storekit k = storekit_open();
    pid_t pid = start_worker(&k);
    CHECK_INT(sweep(&k, false), 0);
    CHECK_INT(storekit_count(&k, CENV_STORE_TMP), 2); /* it lives */
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    CHECK_INT(sweep(&k, true), 1);
    CHECK(strstr(k.out.data, "{\"what\":\"work\",\"path\":\"") != NULL);
    CHECK(strstr(k.out.data, "/v1/tmp/work-") || strstr(k.out.data, "/v1/tmp/"));
    CHECK_INT(storekit_count(&k, CENV_STORE_TMP), 2); /* looking takes nothing */
    CHECK_INT(sweep(&k, false), 1);
    CHECK_STR(k.out.data, "[]");
    CHECK_INT(storekit_count(&k, CENV_STORE_TMP), 0);
    storekit_close(&k);
}

static void test_scratch__lock_without_its_directory_is_swept(void)
{
    struct storekit k = storekit_open();
    scratch_file(&k.s, "store/v1/tmp/x.lock", "", 0600);
    CHECK_INT(sweep(&k, false), 0);
    CHECK_INT(storekit_count(&k, CENV_STORE_TMP), 0);
    storekit_close(&k);
}

int main(void)
{
    umask(022);
    RUN(test_scratch__goes_with_all_that_is_in_it);
    RUN(test_scratch__is_swept_when_its_owner_is_killed);
    RUN(test_scratch__lock_without_its_directory_is_swept);
    return check_report();
}
