/* SPDX-License-Identifier: BSD-3-Clause */
/* The file system that a descriptor is on: its kind, its room, and making it durable. */
#ifndef CENV_OS_FS_FACTS_H
#define CENV_OS_FS_FACTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct cenv_fs_facts {
    /* "ext4", "btrfs", "xfs", "tmpfs", "overlay", "apfs", "NTFS", ... or "0x<magic>" */
    char type[16];
    uint64_t free_bytes, total_bytes; /* free to this user */
    bool network; /* nfs, smb, fuse, 9p: locks and mtimes may be unreliable */
};
int cenv_fs_facts(int fd, struct cenv_fs_facts *out, struct cenv_error *err);

/* Durability: all of the file system a descriptor is on. */
int cenv_raw_syncfs(int fd);

#endif
