/* SPDX-License-Identifier: BSD-3-Clause */
/* Subvolumes where the system has none: see subvolume.h. */
#include "os/subvolume.h"

#include <errno.h>
#include <string.h>

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

int cenv_raw_subvolume_open_up(int fd)
{
    (void)fd;
    return -ENOTSUP;
}

int cenv_raw_file_system_id(int fd, unsigned char id[CENV_FILE_SYSTEM_ID])
{
    struct cenv_stat st;
    int rc = cenv_raw_stat_fd(fd, &st);
    if (rc < 0)
        return rc;
    memset(id, 0, CENV_FILE_SYSTEM_ID);
    memcpy(id, &st.dev, sizeof(st.dev));
    return 0;
}

bool cenv_raw_is_one_file_system(int a, int b)
{
    unsigned char left[CENV_FILE_SYSTEM_ID], right[CENV_FILE_SYSTEM_ID];
    return cenv_raw_file_system_id(a, left) == 0 &&
           cenv_raw_file_system_id(b, right) == 0 &&
           memcmp(left, right, sizeof(left)) == 0;
}
