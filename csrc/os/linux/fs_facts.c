/* SPDX-License-Identifier: BSD-3-Clause */
/* What kind of file system this is: by its number in statfs. */
#include "os/fs_facts.h"

#include <errno.h>
#include <stdio.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "os/fs.h"

/* Magic numbers of statfs(2) and linux/magic.h; network: what others may change behind us. */
static const struct {
    unsigned long magic;
    const char *name;
    bool network;
} kinds[] = {
    {0xEF53, "ext4", false},        {0x9123683E, "btrfs", false},
    {0x58465342, "xfs", false},     {0x01021994, "tmpfs", false},
    {0x794C7630, "overlay", false}, {0x2FC12FC1, "zfs", false},
    {0xF2F52010, "f2fs", false},    {0xCA451A4E, "bcachefs", false},
    {0x6969, "nfs", true},          {0xFF534D42, "cifs", true},
    {0xFE534D42, "smb2", true},     {0x65735546, "fuse", true},
    {0x01021997, "9p", true},       {0x00C36400, "ceph", true},
    {0x0BD00BD0, "lustre", true},   {0x47504653, "gpfs", true},
    {0x4D44, "vfat", false},        {0x2011BAB0, "exfat", false},
    {0x5346544E, "ntfs", false},    {0x858458F6, "ramfs", false},
    {0x6A656A63, "virtiofs", true},
};

int cenv_fs_facts(int fd, struct cenv_fs_facts *out, struct cenv_error *err)
{
    struct statfs st;
    if (fstatfs(fd, &st) < 0)
        return cenv_fs_fail(err, -errno, fd, NULL, "cannot look at the file system of");
    struct cenv_fs_facts facts = {
        .free_bytes = (uint64_t)st.f_bavail * (uint64_t)st.f_bsize,
        .total_bytes = (uint64_t)st.f_blocks * (uint64_t)st.f_bsize,
    };
    unsigned long magic = (unsigned long)st.f_type & 0xFFFFFFFF;
    snprintf(facts.type, sizeof(facts.type), "0x%lx", magic);
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (kinds[i].magic != magic)
            continue;
        snprintf(facts.type, sizeof(facts.type), "%s", kinds[i].name);
        facts.network = kinds[i].network;
    }
    *out = facts;
    return 0;
}

int cenv_raw_syncfs(int fd)
{
    return syncfs(fd) < 0 ? -errno : 0;
}
