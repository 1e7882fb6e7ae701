/* SPDX-License-Identifier: BSD-3-Clause */
/* Each directory is looked at once; those that no link leads to, nearly all, cost one open. */
#include "prefix/real_paths.h"

#include "base/alloc.h"
#include "base/error.h"
#include "os/fs.h"
#include "os/fs_beneath.h"
#include "os/fs_where.h"
#include "os/path.h"

enum { PATH_BYTES_MAX = 1 << 16 };

bool cenv_real_paths_init(struct cenv_real_paths *paths, int root,
                          struct cenv_arena *arena)
{
    *paths = (struct cenv_real_paths){.root = root, .arena = arena};
    cenv_buf_init(&paths->top, PATH_BYTES_MAX);
    bool known = cenv_fs_path_of(root, NULL, &paths->top);
    cenv_buf_putc(&paths->top, '/');
    return known && !paths->top.failed;
}

void cenv_real_paths_release(struct cenv_real_paths *paths)
{
    cenv_buf_release(&paths->top);
    cenv_map_release(&paths->known);
    cenv_free(paths->dirs);
}

/* The absolute path below the prefix, or the directory's own name when it leads elsewhere. */
static struct cenv_str strip_top(struct cenv_real_paths *paths, const char *real,
                                 struct cenv_str dir)
{
    struct cenv_str text = real ? cenv_str(real) : dir, top = cenv_buf_str(&paths->top);
    if (!real || !cenv_str_starts(text, top))
        return dir;
    return cenv_arena_str(paths->arena, cenv_str_slice(text, top.len, text.len));
}

/* A span without data is out of memory. */
static struct cenv_str resolve_dir(struct cenv_real_paths *paths, struct cenv_str dir)
{
    struct cenv_error ignored = CENV_ERROR_INIT;
    int fd = cenv_raw_open_beneath(paths->root, dir, 0);
    cenv_fd_close(fd);
    if (fd >= 0)
        return dir;
    struct cenv_buf full;
    cenv_buf_init(&full, PATH_BYTES_MAX);
    cenv_buf_add_str(&full, cenv_buf_str(&paths->top));
    cenv_buf_add_str(&full, dir);
    char *real = full.failed ? NULL : cenv_fs_realpath(full.data, &ignored);
    struct cenv_str found = {0};
    if (!full.failed && ignored.status != CENV_ENOMEM)
        found = strip_top(paths, real, dir);
    cenv_buf_release(&full);
    cenv_error_release(&ignored);
    cenv_free(real);
    return found;
}

static bool find_dir(struct cenv_real_paths *paths, struct cenv_str dir,
                     struct cenv_str *out)
{
    void *dirs = paths->dirs;
    uint32_t at = cenv_map_get(&paths->known, dir);
    if (at != CENV_NONE) {
        *out = paths->dirs[at];
        return true;
    }
    *out = resolve_dir(paths, dir);
    if (!out->data || !cenv_grow(&dirs, &paths->alloc, paths->nr, sizeof(*paths->dirs)))
        return false;
    paths->dirs = dirs;
    paths->dirs[paths->nr] = *out;
    return cenv_map_put(&paths->known, dir, (uint32_t)paths->nr++);
}

bool cenv_real_paths_find(struct cenv_real_paths *paths, struct cenv_str path,
                          struct cenv_str *real)
{
    struct cenv_str dir = cenv_path_parent(path), found;
    struct cenv_buf joined;
    *real = path;
    if (!dir.len)
        return true;
    if (!find_dir(paths, dir, &found))
        return false;
    if (cenv_str_eq(found, dir))
        return true;
    cenv_buf_init(&joined, PATH_BYTES_MAX);
    cenv_buf_addf(&joined, "%.*s%s%.*s", CENV_STR_ARG(found), found.len ? "/" : "",
                  CENV_STR_ARG(cenv_path_base(path)));
    if (!joined.failed)
        *real = cenv_arena_str(paths->arena, cenv_buf_str(&joined));
    bool done = !joined.failed && real->data;
    cenv_buf_release(&joined);
    return done;
}
