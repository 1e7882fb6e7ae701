/* SPDX-License-Identifier: BSD-3-Clause */
/* Facts of the host that virtual packages are made of. */
#include "os/host.h"

#include "check.h"

static void test_host__facts(void)
{
    struct cenv_host host;
    char cuda[32];
    cenv_host_facts(&host);
    CHECK_STR(host.os, "linux");
    CHECK(host.kernel[0] && host.machine[0] && host.microarch[0]);
    if (strcmp(host.machine, "x86_64") == 0)
        CHECK(strcmp(host.microarch, "x86_64") == 0 ||
              (strncmp(host.microarch, "x86_64_v", 8) == 0 &&
               host.microarch[8] >= '2' && host.microarch[8] <= '4'));
    CHECK_STR(host.libc_family, "glibc");
    CHECK(strchr(host.libc_version, '.') != NULL);
    CHECK(cenv_host_cpus() >= 1);
    int has_cuda = cenv_host_cuda(cuda, sizeof(cuda));
    CHECK_INT(has_cuda, cuda[0] != '\0');
    int has_device = cenv_host_cuda_arch(cuda, sizeof(cuda));
    CHECK_INT(has_device, cuda[0] != '\0');
}

int main(void)
{
    RUN(test_host__facts);
    return check_report();
}
