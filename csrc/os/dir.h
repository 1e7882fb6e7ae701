/* SPDX-License-Identifier: BSD-3-Clause */
/* What is in an open directory, as fast as the system can tell. */
#ifndef CENV_OS_DIR_H
#define CENV_OS_DIR_H

#include <stddef.h>
#include <stdint.h>

#include "os/raw_file.h"

/*
 * `type` is always known, "." and ".." never appear, order is the file system's. `name` is valid
 * until the next call. Entries made or removed meanwhile may or may not appear.
 */
struct cenv_dirent {
    const char *name;
    size_t len;
    uint64_t ino;
    enum cenv_file_type type;
};
struct cenv_dir {
    int fd;
    void *block; /* what was read and not yet given out */
    size_t pos, len;
};
/* `fd` is borrowed and rewound; 0, -ENOMEM or -errno. */
int cenv_dir_init(struct cenv_dir *dir, int fd);
void cenv_dir_release(struct cenv_dir *dir);
/* 1, 0 at the end, -errno. */
int cenv_dir_next(struct cenv_dir *dir, struct cenv_dirent *out);

#endif
