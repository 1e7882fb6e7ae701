/* SPDX-License-Identifier: BSD-3-Clause */
/* Processes by their numbers: see pid.h. What the kernel says in /proc. */
#include "os/pid.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"
#include "os/raw_data.h"
#include "os/raw_file.h"

int64_t cenv_pid_self(void)
{
    return getpid();
}

bool cenv_pid_is_gone(int64_t pid)
{
    return pid <= 0 || (kill((pid_t)pid, 0) < 0 && errno == ESRCH);
}

static struct cenv_str read_small(const char *path, char *text, size_t size)
{
    int fd = cenv_raw_open_file(CENV_CWD, path, NULL);
    int64_t n = fd < 0 ? 0 : cenv_raw_read(fd, text, size);
    cenv_fd_close(fd);
    return cenv_str_trim(cenv_str_n(text, n > 0 ? (size_t)n : 0));
}

/* Field 22, counted behind the name, which may hold blanks and brackets. */
uint64_t cenv_pid_start(int64_t pid)
{
    char path[64], text[1024];
    uint64_t value = 0;
    snprintf(path, sizeof(path), "/proc/%lld/stat", (long long)pid);
    struct cenv_str stat = read_small(path, text, sizeof(text));
    stat = cenv_str_slice(stat, cenv_str_rfind(stat, ')') + 2, stat.len);
    for (int field = 3; field < 22; field++)
        cenv_str_cut(&stat, ' ');
    struct cenv_str digits = cenv_str_cut(&stat, ' ');
    for (size_t i = 0; i < digits.len && digits.data[i] >= '0'; i++)
        value = value * 10 + (uint64_t)(digits.data[i] - '0');
    return value;
}

uint64_t cenv_pid_space(void)
{
    struct stat ns;
    return stat("/proc/self/ns/pid", &ns) == 0 ? ns.st_ino : 0;
}

void cenv_pid_boot(char *out, size_t size)
{
    char boot[64];
    struct cenv_str id =
        read_small("/proc/sys/kernel/random/boot_id", boot, sizeof(boot));
    snprintf(out, size, "%.*s", CENV_STR_ARG(id));
}
