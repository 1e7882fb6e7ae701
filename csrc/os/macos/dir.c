/* SPDX-License-Identifier: BSD-3-Clause */
/* Listing by readdir. */
#include "os/dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <unistd.h>

/* readdir wants a descriptor of its own, with a place of its own in the directory. */
int cenv_dir_init(struct cenv_dir *dir, int fd)
{
    *dir = (struct cenv_dir){.fd = fd};
    int own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (own < 0)
        return -errno;
    dir->block = fdopendir(own);
    if (dir->block)
        return 0;
    int rc = -errno;
    cenv_fd_close(own);
    return rc;
}

void cenv_dir_release(struct cenv_dir *dir)
{
    if (dir->block)
        closedir(dir->block);
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
        errno = 0;
        const struct dirent *at = readdir(dir->block);
        if (!at)
            return -errno;
        if (is_dots(at->d_name))
            continue;
        *out = (struct cenv_dirent){at->d_name, at->d_namlen, at->d_ino, 0};
        int rc = type_of_dirent(dir->fd, at, &out->type);
        if (rc == -ENOENT) /* gone meanwhile */
            continue;
        return rc < 0 ? rc : 1;
    }
}
