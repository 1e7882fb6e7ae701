/* SPDX-License-Identifier: BSD-3-Clause */
/* Listing at the speed of getdents. */
#include "os/dir.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/alloc.h"

enum { BLOCK = 32 * 1024 };

/* What getdents64 fills in: the C library's own where an inode's number has 64 bits. */
_Static_assert(sizeof(((struct dirent *)0)->d_ino) == 8 &&
                   offsetof(struct dirent, d_reclen) == 16,
               "struct dirent is not the kernel's");

int cenv_dir_init(struct cenv_dir *dir, int fd)
{
    *dir = (struct cenv_dir){.fd = fd};
    if (lseek(fd, 0, SEEK_SET) < 0)
        return -errno;
    dir->block = cenv_malloc(BLOCK);
    return dir->block ? 0 : -ENOMEM;
}

void cenv_dir_release(struct cenv_dir *dir)
{
    cenv_free(dir->block);
    dir->block = NULL;
}

static int type_of_dirent(int fd, const struct dirent *at, enum cenv_file_type *type)
{
    struct cenv_stat st;
    switch (at->d_type) {
    case DT_REG:
        *type = CENV_FT_FILE;
        return 0;
    case DT_DIR:
        *type = CENV_FT_DIR;
        return 0;
    case DT_LNK:
        *type = CENV_FT_SYMLINK;
        return 0;
    case DT_CHR:
    case DT_BLK:
        *type = CENV_FT_DEVICE;
        return 0;
    case DT_UNKNOWN:
        break;
    default:
        *type = CENV_FT_OTHER;
        return 0;
    }
    int rc = cenv_raw_stat(fd, at->d_name, &st);
    *type = rc == 0 ? st.type : CENV_FT_OTHER;
    return rc;
}

static bool is_dots(const char *name)
{
    return name[0] == '.' && (!name[1] || (name[1] == '.' && !name[2]));
}

int cenv_dir_next(struct cenv_dir *dir, struct cenv_dirent *out)
{
    for (;;) {
        if (dir->pos >= dir->len) {
            long n = syscall(SYS_getdents64, dir->fd, dir->block, BLOCK);
            if (n <= 0)
                return n < 0 ? -errno : 0;
            dir->pos = 0;
            dir->len = (size_t)n;
        }
        const struct dirent *at = (const void *)((const char *)dir->block + dir->pos);
        dir->pos += at->d_reclen;
        if (is_dots(at->d_name))
            continue;
        *out = (struct cenv_dirent){at->d_name, strlen(at->d_name), at->d_ino, 0};
        int rc = type_of_dirent(dir->fd, at, &out->type);
        if (rc == -ENOENT) /* gone meanwhile */
            continue;
        return rc < 0 ? rc : 1;
    }
}
