/* SPDX-License-Identifier: BSD-3-Clause */
/* Contents of files: reading whole, mapping, replacing in one step. */
#include "os/fs_data.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "os/fs.h"
#include "os/path.h"

/* One byte more than the size asked for, so that the end is seen without growing. */
static int read_all(int fd, uint64_t size, struct cenv_buf *out)
{
    uint64_t end = out->len + (size < SIZE_MAX / 2 ? size : SIZE_MAX / 2) + 1;
    for (;;) {
        char probe;
        size_t left = out->max - out->len;
        size_t want = end > out->len ? (size_t)(end - out->len) : 64 * 1024;
        want = want < left ? want : left;
        char *at = want ? cenv_buf_reserve(out, want) : &probe;
        if (!at)
            return -ENOMEM;
        int64_t n = cenv_raw_read(fd, at, want ? want : 1);
        if (n > 0 && !want)
            return -EFBIG;
        if (n <= 0)
            return (int)n;
        out->len += (size_t)n;
    }
}

int cenv_fs_read_fd(int fd, const char *name_for_errors, struct cenv_buf *out,
                    struct cenv_error *err)
{
    struct cenv_stat st;
    size_t before = out->len;
    int rc = cenv_raw_stat_fd(fd, &st);
    if (rc == 0)
        rc = read_all(fd, st.type == CENV_FT_FILE ? st.size : 4096, out);
    out->len = rc == 0 ? out->len : before;
    if (out->data)
        out->data[out->len] = '\0';
    if (rc == 0)
        return 0;
    if (rc == -EFBIG)
        return cenv_error_set(err, CENV_EFAIL,
                              "'%s' is larger than the %zu bytes allowed",
                              name_for_errors, out->max);
    return cenv_fs_fail(err, rc, CENV_CWD, name_for_errors, "cannot read");
}

int cenv_fs_read_file(int dirfd, const char *name, struct cenv_buf *out,
                      struct cenv_error *err)
{
    int fd = cenv_fs_open_file(dirfd, name, NULL, err);
    if (fd < 0)
        return fd;
    int rc = cenv_fs_read_fd(fd, name, out, err);
    cenv_fd_close(fd);
    return rc;
}

int cenv_fs_read_head(int dirfd, const char *name, char *head, size_t size,
                      struct cenv_str *out, struct cenv_error *err)
{
    int fd = cenv_raw_open_file(dirfd, name, NULL);
    *out = cenv_str_n(head, 0);
    if (cenv_raw_is_no_file(fd))
        return 0;
    int64_t n = fd < 0 ? fd : cenv_raw_pread(fd, head, size, 0);
    cenv_fd_close(fd);
    if (n < 0)
        return cenv_fs_fail(err, (int)n, dirfd, name, "cannot read");
    out->len = (size_t)n;
    return 0;
}

int cenv_fs_map_file(int dirfd, const char *name, struct cenv_mapping *out,
                     struct cenv_error *err)
{
    int fd = cenv_fs_open_file(dirfd, name, NULL, err);
    if (fd < 0)
        return fd;
    int rc = cenv_raw_map_fd(fd, out);
    cenv_fd_close(fd);
    return rc < 0 ? cenv_fs_fail(err, rc, dirfd, name, "cannot map") : 0;
}

static int write_new(int dirfd, const char *name, const struct cenv_str *pieces,
                     size_t nr, unsigned mode)
{
    int fd = cenv_raw_create(dirfd, name, mode);
    if (fd < 0)
        return fd;
    int rc = cenv_raw_writev(fd, pieces, nr);
    int closed = cenv_raw_close(fd);
    if (rc == 0)
        rc = closed;
    if (rc < 0)
        cenv_raw_unlink(dirfd, name);
    return rc;
}

int cenv_fs_write_pieces(int dirfd, const char *name, const struct cenv_str *pieces,
                         size_t nr, unsigned mode, struct cenv_error *err)
{
    int rc = write_new(dirfd, name, pieces, nr, mode);
    return rc < 0 ? cenv_fs_fail(err, rc, dirfd, name, "cannot write") : 0;
}

int cenv_fs_write_new(int dirfd, const char *name, struct cenv_str data, unsigned mode,
                      struct cenv_error *err)
{
    return cenv_fs_write_pieces(dirfd, name, &data, 1, mode, err);
}

/* "<directory of name>/.cenv-<pid>-<nonce>"; NULL when out of memory. */
static char *temp_beside(const char *name)
{
    struct cenv_str parent = cenv_path_parent(cenv_str(name));
    char *dir = cenv_memdup(parent.data, parent.len);
    char *unique = cenv_fs_unique_name(".cenv");
    char *temp = dir && unique ? cenv_path_join(dir, unique) : NULL;
    cenv_free(dir);
    cenv_free(unique);
    return temp;
}

int cenv_fs_write_atomic(int dirfd, const char *name, struct cenv_str data,
                         unsigned mode, struct cenv_error *err)
{
    char *temp = temp_beside(name);
    if (!temp)
        return cenv_error_oom(err);
    int rc = write_new(dirfd, temp, &data, 1, mode);
    if (rc == 0) {
        rc = cenv_raw_rename(dirfd, temp, dirfd, name);
        if (rc < 0)
            cenv_raw_unlink(dirfd, temp);
    }
    cenv_free(temp);
    return rc < 0 ? cenv_fs_fail(err, rc, dirfd, name, "cannot write") : 0;
}
