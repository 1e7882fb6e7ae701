/* SPDX-License-Identifier: BSD-3-Clause */
/* Owners: telling who lives. */
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "os/owner.h"

static void test_owner__is_told_from_others(void)
{
    struct cenv_owner self, other;
    cenv_owner_self(&self);
    CHECK_INT(self.pid, getpid());
    CHECK(self.start > 0 && self.boot_id[0]);
    CHECK(cenv_owner_may_live(&self));
    other = self;
    other.start++; /* its number was given to another process */
    CHECK(!cenv_owner_may_live(&other));
    other = self;
    other.boot_id[0] ^= 1;
    CHECK(!cenv_owner_may_live(&other));
    other.host[0] ^= 1; /* another machine: no way to know */
    CHECK(cenv_owner_may_live(&other));
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    waitpid(pid, NULL, 0);
    other = self;
    other.pid = pid;
    CHECK(!cenv_owner_may_live(&other));
    other.pid_ns++; /* another container */
    CHECK(cenv_owner_may_live(&other));
}

int main(void)
{
    RUN(test_owner__is_told_from_others);
    return check_report();
}
