/* SPDX-License-Identifier: BSD-3-Clause */
/* Subvolumes of btrfs: trees that are copied as a whole by one call, however much is in them. */
#ifndef CENV_OS_SUBVOLUME_H
#define CENV_OS_SUBVOLUME_H

#include <stdbool.h>
#include <stdint.h>

/* The inode of the root of every one; other directories of btrfs never have it. */
enum { CENV_SUBVOLUME_INODE = 256 };

/*
 * A subvolume is a directory with a device number of its own. All calls return 0 or -errno, and
 * fail with one of -ENOTTY, -EINVAL and -ENOTSUP where there are none.
 */
struct cenv_subvolume_facts {
    uint64_t id;      /* in its file system, never used again */
    uint64_t changed; /* the transaction that changed it, or what lies in it, last */
    int64_t made;     /* seconds since 1970; of a snapshot its own */
};

/* -ENOTTY: of a kernel that does not tell them (before 4.18), too. */
int cenv_raw_subvolume_facts(int fd, struct cenv_subvolume_facts *out);

/* Makes an empty one, of the mode that mkdir gives. */
int cenv_raw_subvolume_make(int parent, const char *name);

/*
 * Makes a writable snapshot of the subvolume `of`, whose inodes, owners and times it has; what was
 * written to it is on the disk then. -EPERM: it is another user's; -EXDEV: of another file system.
 */
int cenv_raw_subvolume_snapshot(int of, int parent, const char *name);

/*
 * Removes a subvolume with all that is in it. -EPERM where only root may do that (no mount option
 * user_subvol_rm_allowed): then it goes as any directory, file by file. -ENOTEMPTY: another
 * subvolume lies in it.
 */
int cenv_raw_subvolume_remove(int parent, const char *name);

/* What tells the file system that `fd` is on from others; 0 or -errno. */
enum { CENV_FILE_SYSTEM_ID = 16 };
int cenv_raw_file_system_id(int fd, unsigned char id[CENV_FILE_SYSTEM_ID]);

/* Lets its owner write to one that is read-only; nothing where it is not. */
int cenv_raw_subvolume_open_up(int fd);

/* Whether both are on one file system, be it in subvolumes of different device numbers. */
bool cenv_raw_is_one_file_system(int a, int b);

#endif
