/* SPDX-License-Identifier: BSD-3-Clause */
/* Where a path really leads: by opening it and asking for the name. */
#include "os/fs_where.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "os/fs.h"
#include "os/path.h"
#include "os/raw_path.h"
#include "os/subvolume.h"

bool cenv_fs_path_of(int dirfd, const char *name, struct cenv_buf *out)
{
    if (!name || name[0] != '/') {
        size_t n;
        size_t room = 512;
        char *at;
        do { /* a result that fills the room may be cut: ask again with more */
            room *= 2;
            at = cenv_buf_reserve(out, room);
            if (!at)
                return false;
            n = cenv_raw_path_of(dirfd, at, room);
        } while (n + 1 >= room);
        out->len += n;
        if (name && n && at[n - 1] != '/')
            cenv_buf_putc(out, '/');
    }
    return !name || cenv_buf_puts(out, name);
}

/* By opening and asking for the name: one walk by the system, no buffer of a fixed size. */
char *cenv_fs_realpath(const char *path, struct cenv_error *err)
{
    int fd = cenv_raw_open_path(CENV_CWD, path);
    if (fd < 0) {
        cenv_fs_fail(err, fd, CENV_CWD, path, "cannot find");
        return NULL;
    }
    struct cenv_buf out;
    cenv_buf_init(&out, 1 << 20);
    if (!cenv_fs_path_of(fd, NULL, &out))
        cenv_error_oom(err);
    cenv_fd_close(fd);
    char *text = cenv_buf_detach(&out);
    cenv_buf_release(&out);
    return text;
}

char *cenv_fs_abspath(const char *path, struct cenv_error *err)
{
    struct cenv_str whole = cenv_str(path);
    struct cenv_str base = cenv_path_base(whole), parent = cenv_path_parent(whole);
    if (!cenv_path_is_name(base))
        return cenv_fs_realpath(path, err);
    char *name = cenv_memdup(base.data, base.len);
    char *dir = parent.len ? cenv_memdup(parent.data, parent.len) : cenv_strdup(".");
    char *real = dir ? cenv_fs_realpath(dir, err) : NULL;
    char *out = name && real ? cenv_path_join(real, name) : NULL;
    if (!out && (real || !dir))
        cenv_error_oom(err);
    cenv_free(name);
    cenv_free(dir);
    cenv_free(real);
    return out;
}

/* Upwards by "..": names on the way do not matter, and nothing can be renamed under our feet. */
static int climb_to(int fd, const struct cenv_stat *goal)
{
    struct cenv_stat now, last;
    int rc = cenv_raw_stat_fd(fd, &now);
    while (rc == 0 && !cenv_stat_same_file(&now, goal)) {
        int up = cenv_raw_open_path(fd, "..");
        rc = up < 0 ? up : 0;
        cenv_fd_close(fd);
        fd = up;
        last = now;
        if (rc == 0)
            rc = cenv_raw_stat_fd(fd, &now);
        if (rc == 0 && cenv_stat_same_file(&now, &last))
            break;
    }
    cenv_fd_close(fd);
    if (rc < 0)
        return rc;
    return cenv_stat_same_file(&now, goal);
}

int cenv_raw_is_inside(int fd, int root)
{
    struct cenv_stat goal;
    int rc = cenv_raw_stat_fd(root, &goal);
    if (rc < 0)
        return rc;
    int start = cenv_raw_dup(fd);
    if (start < 0)
        return start;
    return climb_to(start, &goal);
}

int cenv_raw_stat_lasting(int dirfd, const char *name, struct cenv_stat *out)
{
    const uint64_t no_device = (uint64_t)1 << 63;
    struct cenv_subvolume_facts facts;
    int rc = cenv_raw_stat(dirfd, name, out);
    if (rc < 0 || out->type != CENV_FT_DIR || out->ino != CENV_SUBVOLUME_INODE)
        return rc;
    int fd = cenv_raw_open_dir(dirfd, name);
    if (fd >= 0 && cenv_raw_subvolume_facts(fd, &facts) == 0)
        out->dev = facts.id | no_device;
    cenv_fd_close(fd);
    return 0;
}
