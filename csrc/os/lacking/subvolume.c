/* SPDX-License-Identifier: BSD-3-Clause */
/* Subvolumes where the system has none: see subvolume.h. */
#include "os/subvolume.h"

#include <errno.h>

#include "os/raw_file.h"

int cenv_raw_subvolume_facts(int fd, struct cenv_subvolume_facts *out)
{
    (void)fd, (void)out;
    return -ENOTSUP;
}

int cenv_raw_subvolume_make(int parent, const char *name)
{
    (void)parent, (void)name;
    return -ENOTSUP;
}

int cenv_raw_subvolume_snapshot(int of, int parent, const char *name)
{
    (void)of, (void)parent, (void)name;
    return -ENOTSUP;
}

int cenv_raw_subvolume_remove(int parent, const char *name)
{
    (void)parent, (void)name;
    return -ENOTSUP;
}

bool cenv_raw_is_one_file_system(int a, int b)
{
    struct cenv_stat left, right;
    return cenv_raw_stat_fd(a, &left) == 0 && cenv_raw_stat_fd(b, &right) == 0 &&
           left.dev == right.dev;
}
