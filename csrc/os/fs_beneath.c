/* SPDX-License-Identifier: BSD-3-Clause */
/* Opening below a root: one component at a time, no link followed. */
#include "os/fs_beneath.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "os/fs.h"
#include "os/path.h"

/* One component; NUL-terminated in a buffer of its own. Counts in *made. */
static int open_component(int dirfd, struct cenv_str name, unsigned mkdir_mode,
                          uint64_t *made)
{
    char text[CENV_PATH_NAME_MAX + 1];
    if (name.len > CENV_PATH_NAME_MAX)
        return -ENAMETOOLONG;
    if (!cenv_path_is_name(name))
        return -EINVAL;
    memcpy(text, name.data, name.len);
    text[name.len] = '\0';
    int fd = cenv_raw_open_dir(dirfd, text);
    if (fd == -ENOENT && mkdir_mode) {
        int rc = cenv_raw_mkdir(dirfd, text, mkdir_mode);
        *made += rc == 0;
        fd = rc < 0 && rc != -EEXIST ? rc : cenv_raw_open_dir(dirfd, text);
    }
    return fd;
}

int cenv_raw_open_beneath(int root, struct cenv_str path, unsigned mkdir_mode)
{
    int fd = cenv_raw_dup(root);
    uint64_t made = 0;
    if (cenv_str_is(path, "."))
        return fd;
    while (fd >= 0 && path.len) {
        struct cenv_str name = cenv_str_cut(&path, '/');
        int next = open_component(fd, name, mkdir_mode, &made);
        cenv_fd_close(fd);
        fd = next;
    }
    return fd;
}

int cenv_fs_open_beneath(int root, const char *path, unsigned mkdir_mode,
                         struct cenv_error *err)
{
    int fd = cenv_raw_open_beneath(root, cenv_str(path), mkdir_mode);
    return fd < 0 ? cenv_fs_fail(err, fd, root, path, "cannot open directory") : fd;
}

struct cenv_dirs_level {
    size_t end; /* path[0..end) names this directory */
    int fd;
};

void cenv_dirs_init(struct cenv_dirs *dirs, int root)
{
    *dirs = (struct cenv_dirs){.root = root};
}

static void drop_levels(struct cenv_dirs *dirs, size_t keep)
{
    while (dirs->nr > keep)
        cenv_fd_close(dirs->levels[--dirs->nr].fd);
    dirs->len = keep ? dirs->levels[keep - 1].end : 0;
}

void cenv_dirs_release(struct cenv_dirs *dirs)
{
    drop_levels(dirs, 0);
    cenv_free(dirs->path);
    cenv_free(dirs->levels);
    cenv_dirs_init(dirs, dirs->root);
}

/* How many of the open directories lie on the way to `path`. */
static size_t shared_levels(const struct cenv_dirs *dirs, struct cenv_str path)
{
    size_t nr = 0;
    while (nr < dirs->nr) {
        size_t end = dirs->levels[nr].end;
        if (end > path.len || (end < path.len && path.data[end] != '/') ||
            memcmp(dirs->path, path.data, end) != 0)
            break;
        nr++;
    }
    return nr;
}

static int reserve_level(struct cenv_dirs *dirs, size_t path_len)
{
    void *levels = dirs->levels;
    if (!cenv_grow(&levels, &dirs->alloc_levels, dirs->nr, sizeof(*dirs->levels)))
        return -ENOMEM;
    dirs->levels = levels;
    if (dirs->alloc < path_len) {
        char *grown = cenv_realloc(dirs->path, path_len + 256);
        if (!grown)
            return -ENOMEM;
        dirs->path = grown;
        dirs->alloc = path_len + 256;
    }
    return 0;
}

static int push_level(struct cenv_dirs *dirs, struct cenv_str path, unsigned mkdir_mode)
{
    size_t from = dirs->nr ? dirs->len + 1 : 0;
    struct cenv_str rest = cenv_str_slice(path, from, path.len);
    struct cenv_str name = cenv_str_cut(&rest, '/');
    int rc = reserve_level(dirs, path.len);
    if (rc < 0)
        return rc;
    int parent = dirs->nr ? dirs->levels[dirs->nr - 1].fd : dirs->root;
    int fd = open_component(parent, name, mkdir_mode, &dirs->made);
    if (fd < 0)
        return fd;
    dirs->len = from + name.len;
    memcpy(dirs->path, path.data, dirs->len);
    dirs->levels[dirs->nr++] = (struct cenv_dirs_level){dirs->len, fd};
    return 0;
}

int cenv_dirs_get(struct cenv_dirs *dirs, struct cenv_str path, unsigned mkdir_mode)
{
    drop_levels(dirs, shared_levels(dirs, path));
    while (dirs->len < path.len) {
        int rc = push_level(dirs, path, mkdir_mode);
        if (rc < 0)
            return rc;
    }
    return dirs->nr ? dirs->levels[dirs->nr - 1].fd : dirs->root;
}

int cenv_dirs_parent(struct cenv_dirs *dirs, struct cenv_str path, unsigned mkdir_mode,
                     struct cenv_str *name)
{
    *name = cenv_path_base(path);
    return cenv_dirs_get(dirs, cenv_path_parent(path), mkdir_mode);
}
