/* SPDX-License-Identifier: BSD-3-Clause */
/* Directories: listing at the speed of getdents, walking, and opening without following links. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/alloc.h"
#include "os/fs.h"
#include "os/path.h"

enum { BLOCK = 32 * 1024, WALK_DEPTH_MAX = 400 };

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

static int type_of_dirent(int fd, const struct dirent64 *at, enum cenv_file_type *type)
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
        const struct dirent64 *at = (const void *)(dir->block + dir->pos);
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

int cenv_raw_is_empty_dir(int dirfd)
{
    struct cenv_dir dir;
    struct cenv_dirent entry;
    int rc = cenv_dir_init(&dir, dirfd);
    if (rc == 0)
        rc = cenv_dir_next(&dir, &entry);
    cenv_dir_release(&dir);
    if (rc < 0)
        return rc;
    return rc == 0;
}

/* A whole listing. */

static int compare_names(const void *a, const void *b)
{
    const struct cenv_dirent *left = a, *right = b;
    return strcmp(left->name, right->name);
}

static int listing_add(struct cenv_listing *list, const struct cenv_dirent *entry)
{
    void *block = list->entries;
    if (cenv_grow(&block, &list->alloc, list->nr, sizeof(*entry)) < 0)
        return -ENOMEM;
    list->entries = block;
    struct cenv_str name =
        cenv_arena_str(&list->names, cenv_str_n(entry->name, entry->len));
    if (!name.data)
        return -ENOMEM;
    list->entries[list->nr] = *entry;
    list->entries[list->nr++].name = name.data;
    return 0;
}

int cenv_listing_read(struct cenv_listing *list, int fd, bool sorted)
{
    struct cenv_dir dir;
    struct cenv_dirent entry;
    *list = (struct cenv_listing){.names = CENV_ARENA_INIT};
    int rc = cenv_dir_init(&dir, fd);
    while (rc == 0 && (rc = cenv_dir_next(&dir, &entry)) > 0)
        rc = listing_add(list, &entry);
    cenv_dir_release(&dir);
    if (rc < 0)
        cenv_listing_release(list);
    else if (sorted && list->nr > 1)
        qsort(list->entries, list->nr, sizeof(*list->entries), compare_names);
    return rc;
}

void cenv_listing_release(struct cenv_listing *list)
{
    cenv_free(list->entries);
    cenv_arena_release(&list->names);
    *list = (struct cenv_listing){.names = CENV_ARENA_INIT};
}

/* Walking. */

struct walk {
    bool sorted;
    cenv_walk_fn visit;
    void *ctx;
    struct cenv_task *task;
    struct cenv_error *err;
    struct cenv_buf path;
};

static int walk_dir(struct walk *walk, int fd, int depth);

static int walk_into(struct walk *walk, int parent, const char *name, int depth)
{
    if (depth >= WALK_DEPTH_MAX)
        return cenv_error_set(walk->err, CENV_EFAIL, "'%s' is nested too deep",
                              walk->path.data);
    int fd = cenv_fs_open_dir(parent, name, walk->err);
    if (fd < 0)
        return fd;
    int rc = walk_dir(walk, fd, depth + 1);
    cenv_fd_close(fd);
    return rc;
}

static int walk_entry(struct walk *walk, int fd, const struct cenv_dirent *entry,
                      int depth)
{
    size_t before = walk->path.len;
    if (before)
        cenv_buf_putc(&walk->path, '/');
    if (cenv_buf_add(&walk->path, entry->name, entry->len) < 0)
        return cenv_error_oom(walk->err);
    struct cenv_walk_entry now = {cenv_buf_str(&walk->path), *entry, fd};
    int rc = walk->visit(walk->ctx, &now, walk->err);
    if (rc == 0 && entry->type == CENV_FT_DIR)
        rc = walk_into(walk, fd, entry->name, depth);
    walk->path.len = before;
    return rc == CENV_WALK_SKIP ? 0 : rc;
}

static int walk_dir(struct walk *walk, int fd, int depth)
{
    struct cenv_listing list;
    int rc = cenv_listing_read(&list, fd, walk->sorted);
    if (rc < 0)
        return cenv_fs_fail(walk->err, rc, fd, NULL, "cannot list directory");
    rc = cenv_task_poll(walk->task, walk->err);
    for (size_t i = 0; i < list.nr && rc == 0; i++)
        rc = walk_entry(walk, fd, &list.entries[i], depth);
    cenv_listing_release(&list);
    return rc;
}

int cenv_fs_walk(int dirfd, bool sorted, cenv_walk_fn visit, void *ctx,
                 struct cenv_task *task, struct cenv_error *err)
{
    struct walk walk = {sorted, visit, ctx, task, err, {0}};
    cenv_buf_init(&walk.path, WALK_DEPTH_MAX * (CENV_PATH_NAME_MAX + 1));
    int rc = walk_dir(&walk, dirfd, 0);
    cenv_buf_release(&walk.path);
    return rc;
}

/* Opening below a root. */

/* One component; NUL-terminated in a buffer of its own. */
static int open_component(int dirfd, struct cenv_str name, unsigned mkdir_mode)
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
        fd = rc < 0 && rc != -EEXIST ? rc : cenv_raw_open_dir(dirfd, text);
    }
    return fd;
}

int cenv_raw_open_beneath(int root, struct cenv_str path, unsigned mkdir_mode)
{
    int fd = cenv_raw_dup(root);
    if (cenv_str_is(path, "."))
        return fd;
    while (fd >= 0 && path.len) {
        struct cenv_str name = cenv_str_cut(&path, '/');
        int next = open_component(fd, name, mkdir_mode);
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
    if (cenv_grow(&levels, &dirs->alloc_levels, dirs->nr, sizeof(*dirs->levels)) < 0)
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
    int fd = open_component(parent, name, mkdir_mode);
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

/* Network file systems lock byte ranges instead, and want the file open for writing. */
static int lock_dir(int fd, int how)
{
    int rc;
    do
        rc = flock(fd, how);
    while (rc < 0 && errno == EINTR);
    if (rc == 0 || errno == EWOULDBLOCK)
        return rc == 0 ? 0 : -EWOULDBLOCK;
    return -ENOTSUP;
}

int cenv_raw_lock_dir(int fd)
{
    return lock_dir(fd, LOCK_EX);
}

int cenv_raw_try_lock_dir(int fd)
{
    return lock_dir(fd, LOCK_EX | LOCK_NB);
}
