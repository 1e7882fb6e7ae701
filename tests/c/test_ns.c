/* SPDX-License-Identifier: BSD-3-Clause */
/* Private views: what a program writes there vanishes; failures are told. */
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "io/ns.h"

static int run_in_view(const char *prefix, const char *script, struct cenv_error *err)
{
    const char *argv[] = {"sh", "-c", script, NULL};
    const char *envp[] = {"PATH=/usr/bin:/bin", NULL};
    struct cenv_view_command command = {
        .prefix = prefix,
        .program = "/bin/sh",
        .argv = argv,
        .envp = envp,
        .cwd = prefix,
        .stdio = {-1, -1, -1},
    };
    int pid = 0, status = 0;
    if (cenv_view_start(&command, &pid, err) < 0)
        return -1;
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* The directory's name has characters that mount options cannot hold. */
static char dir[] = "/tmp/cenv,ns:XXXXXX";

static void test_ns__writes_vanish(void)
{
    struct cenv_error err = CENV_ERROR_INIT;
    const char *change =
        "test \"$(cat kept)\" = old && echo new > kept && echo more > added && "
        "test \"$(cat kept)\" = new && exit 7";
    CHECK_INT(run_in_view(dir, change, &err), 7);
    CHECK_INT(run_in_view(dir, "test ! -e added && test \"$(cat kept)\" = old", &err),
              0);
    cenv_error_release(&err);
}

static void test_ns__refusal_has_a_reason(void)
{
    struct cenv_error err = CENV_ERROR_INIT;
    CHECK_INT(run_in_view(dir, "true", &err), -1);
    CHECK_INT(err.status, CENV_ELINK);
    CHECK(err.hint[0] != '\0');
    cenv_error_release(&err);
}

static void test_ns__missing_prefix(void)
{
    struct cenv_error err = CENV_ERROR_INIT;
    CHECK_INT(run_in_view("/no/such/prefix", "true", &err), -1);
    CHECK(err.status == CENV_EOS || err.status == CENV_ELINK);
    cenv_error_release(&err);
}

int main(void)
{
    struct cenv_buf reason;
    char file[64];
    cenv_buf_init(&reason, 4096);
    CHECK(mkdtemp(dir) != NULL);
    snprintf(file, sizeof(file), "%s/kept", dir);
    FILE *made = fopen(file, "w");
    CHECK(made && fputs("old", made) >= 0 && fclose(made) == 0);
    if (cenv_ns_works(dir, &reason))
        RUN(test_ns__writes_vanish);
    else if (CHECK(reason.len > 0))
        RUN(test_ns__refusal_has_a_reason);
    RUN(test_ns__missing_prefix);
    cenv_buf_release(&reason);
    CHECK(unlink(file) == 0 && rmdir(dir) == 0);
    return check_report();
}
