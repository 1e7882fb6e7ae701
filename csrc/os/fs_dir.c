/* SPDX-License-Identifier: BSD-3-Clause */
/* Directories as a whole: listings and walks. */
#include "os/fs_dir.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "os/fs.h"
#include "os/path.h"

enum { NAMED_MAX = 60 }; /* bytes of a path that a message quotes */

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

static int compare_names(const void *a, const void *b)
{
    const struct cenv_dirent *left = a, *right = b;
    return strcmp(left->name, right->name);
}

static int listing_add(struct cenv_listing *list, const struct cenv_dirent *entry)
{
    void *block = list->entries;
    if (!cenv_grow(&block, &list->alloc, list->nr, sizeof(*entry)))
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

/* The path would fill a screen: its beginning tells where to look. */
static int refuse_deep(const struct walk *walk, const char *why)
{
    struct cenv_str path = cenv_buf_str(&walk->path);
    cenv_error_set(walk->err, CENV_EFAIL, "'%.*s...' %s",
                   CENV_STR_ARG(cenv_str_slice(path, 0, NAMED_MAX)), why);
    return cenv_error_hint(walk->err, "remove it, or move it out of there");
}

static int walk_into(struct walk *walk, int parent, const char *name, int depth)
{
    if (depth >= CENV_WALK_DEPTH_MAX)
        return refuse_deep(walk, "is nested too deep: in over 400 directories");
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
    if (!cenv_buf_add(&walk->path, entry->name, entry->len))
        return cenv_error_oom(walk->err);
    if (walk->path.len > CENV_PATH_PACKAGE_MAX)
        return refuse_deep(walk, "is too long: a path of over 4,095 bytes");
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
    cenv_buf_init(&walk.path, CENV_PATH_PACKAGE_MAX + CENV_PATH_NAME_MAX + 2);
    int rc = walk_dir(&walk, dirfd, 0);
    cenv_buf_release(&walk.path);
    return rc;
}
