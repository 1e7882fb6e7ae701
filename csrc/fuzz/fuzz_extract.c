/* SPDX-License-Identifier: BSD-3-Clause */
/* Any bytes as a package: described, or refused with a reason that names the file. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cenv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A directory entry with the right end, leading to the bytes in memory. */
static char *link_name(int fd, int format)
{
    char target[64], *name = NULL;

    snprintf(target, sizeof(target), "/proc/%d/fd/%d", (int)getpid(), fd);
    if (asprintf(&name, "/tmp/cenv-fuzz-%d%s", (int)getpid(),
                 format ? ".tar.bz2" : ".conda") < 0 ||
        symlink(target, name) < 0)
        abort();
    return name;
}

static void describe(const char *name)
{
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_task task;
    struct cenv_buf out;

    cenv_task_init(&task, NULL, NULL);
    cenv_buf_init(&out, 1 << 26);
    int rc = cenv_package_info(name, &task, &out, &err);
    if (rc == 0 ? out.len == 0
                : rc != CENV_EINTEGRITY || !strstr(err.message, "cenv-fuzz"))
        abort();
    cenv_buf_release(&out);
    cenv_task_release(&task);
    cenv_error_release(&err);
}

/* The first byte picks the format. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int fd = memfd_create("package", MFD_CLOEXEC);

    if (fd < 0 || (size > 1 && write(fd, data + 1, size - 1) != (ssize_t)(size - 1)))
        abort();
    char *name = link_name(fd, size && data[0] & 1);
    describe(name);
    unlink(name);
    free(name);
    close(fd);
    return 0;
}
