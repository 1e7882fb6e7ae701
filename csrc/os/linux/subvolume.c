/* SPDX-License-Identifier: BSD-3-Clause */
/* Subvolumes by the ioctls of btrfs; the library of btrfs-progs adds nothing to these. */
#include "os/subvolume.h"

#include <errno.h>
#include <linux/btrfs.h>
#include <string.h>
#include <sys/ioctl.h>

#include "os/raw_file.h"

/* The type of a request is the C library's own: int in musl. */
#ifdef __GLIBC__
typedef unsigned long ioctl_request;
#else
typedef int ioctl_request;
#endif

static int call_btrfs(int fd, unsigned long request, void *args)
{
    return ioctl(fd, (ioctl_request)request, args) < 0 ? -errno : 0;
}

/* False: it is too long for a name. */
static bool set_name(char *to, size_t size, const char *name)
{
    size_t len = strlen(name);
    if (len >= size)
        return false;
    memcpy(to, name, len + 1);
    return true;
}

static int call_with_name(int parent, unsigned long request, const char *name)
{
    struct btrfs_ioctl_vol_args args = {0};
    if (!set_name(args.name, sizeof(args.name), name))
        return -ENAMETOOLONG;
    return call_btrfs(parent, request, &args);
}

int cenv_raw_subvolume_facts(int fd, struct cenv_subvolume_facts *out)
{
    struct btrfs_ioctl_get_subvol_info_args args = {0};
    int rc = call_btrfs(fd, BTRFS_IOC_GET_SUBVOL_INFO, &args);
    if (rc == 0)
        *out = (struct cenv_subvolume_facts){.id = args.treeid,
                                             .changed = args.ctransid,
                                             .made = (int64_t)args.otime.sec};
    return rc;
}

int cenv_raw_subvolume_make(int parent, const char *name)
{
    return call_with_name(parent, BTRFS_IOC_SUBVOL_CREATE, name);
}

int cenv_raw_subvolume_snapshot(int of, int parent, const char *name)
{
    struct btrfs_ioctl_vol_args_v2 args = {.fd = of};
    if (!set_name(args.name, sizeof(args.name), name))
        return -ENAMETOOLONG;
    return call_btrfs(parent, BTRFS_IOC_SNAP_CREATE_V2, &args);
}

int cenv_raw_subvolume_remove(int parent, const char *name)
{
    return call_with_name(parent, BTRFS_IOC_SNAP_DESTROY, name);
}

int cenv_raw_subvolume_open_up(int fd)
{
    uint64_t flags = 0;
    return call_btrfs(fd, BTRFS_IOC_SUBVOL_SETFLAGS, &flags);
}

/* Of btrfs its own, which all subvolumes have; of others the device's number. */
int cenv_raw_file_system_id(int fd, unsigned char id[CENV_FILE_SYSTEM_ID])
{
    struct btrfs_ioctl_fs_info_args args = {0};
    struct cenv_stat st;
    int rc = cenv_raw_stat_fd(fd, &st);
    if (rc < 0)
        return rc;
    memset(id, 0, CENV_FILE_SYSTEM_ID);
    if (call_btrfs(fd, BTRFS_IOC_FS_INFO, &args) == 0)
        memcpy(id, args.fsid, CENV_FILE_SYSTEM_ID);
    else
        memcpy(id, &st.dev, sizeof(st.dev));
    return 0;
}

bool cenv_raw_is_one_file_system(int a, int b)
{
    unsigned char left[CENV_FILE_SYSTEM_ID], right[CENV_FILE_SYSTEM_ID];
    struct cenv_stat of_a, of_b;
    if (cenv_raw_stat_fd(a, &of_a) < 0 || cenv_raw_stat_fd(b, &of_b) < 0)
        return false;
    return of_a.dev == of_b.dev || (cenv_raw_file_system_id(a, left) == 0 &&
                                    cenv_raw_file_system_id(b, right) == 0 &&
                                    memcmp(left, right, sizeof(left)) == 0);
}
