/* SPDX-License-Identifier: BSD-3-Clause */
/* The file system with errors: the raw call, and what it says when it fails. */
#include "os/fs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "os/host.h"
#include "os/pid.h"
#include "os/raw_path.h"

/* What is left, for the reader of "No space left on device". */
static void hint_at_space(struct cenv_error *err, int dirfd)
{
    unsigned long long left = cenv_raw_free_bytes(dirfd) >> 20;
    cenv_error_hint(err, "make room there (%llu MiB are left) or choose another place",
                    left);
}

static bool is_full(int rc)
{
#ifdef EDQUOT
    if (rc == -EDQUOT)
        return true;
#endif
    return rc == -ENOSPC;
}

int cenv_fs_fail(struct cenv_error *err, int rc, int dirfd, const char *name,
                 const char *what)
{
    char path[CENV_ERRPATH_MAX] = "";
    if (rc == -ENOMEM)
        return cenv_error_oom(err);
    if (rc == -ECANCELED)
        return cenv_error_set(err, CENV_ECANCELLED, "interrupted");
    size_t n = name && name[0] == '/' ? 0 : cenv_raw_path_of(dirfd, path, sizeof(path));
    if (name)
        snprintf(path + n, sizeof(path) - n, "%s%s", n && path[n - 1] != '/' ? "/" : "",
                 name);
    cenv_error_os(err, -rc, path, "%s", what);
    if (is_full(rc))
        hint_at_space(err, dirfd);
    return err->status;
}

int cenv_fs_stat(int dirfd, const char *name, struct cenv_stat *out,
                 struct cenv_error *err)
{
    int rc = cenv_raw_stat(dirfd, name, out);
    return rc < 0 ? cenv_fs_fail(err, rc, dirfd, name, "cannot look at") : 0;
}

int cenv_fs_exists(int dirfd, const char *name, struct cenv_error *err)
{
    struct cenv_stat st;
    int rc = cenv_raw_stat(dirfd, name, &st);
    if (cenv_raw_is_absent(rc))
        return 0;
    return rc < 0 ? cenv_fs_fail(err, rc, dirfd, name, "cannot look at") : 1;
}

int cenv_fs_is_dir(const char *path, struct cenv_error *err)
{
    int is = cenv_raw_is_dir(CENV_CWD, path);
    return is < 0 ? cenv_fs_fail(err, is, CENV_CWD, path, "cannot look at") : is;
}

int cenv_fs_open_root(const char *path, struct cenv_error *err)
{
    int fd = cenv_raw_open_root(path);
    return fd < 0 ? cenv_fs_fail(err, fd, CENV_CWD, path, "cannot open directory") : fd;
}

int cenv_fs_open_dir(int dirfd, const char *name, struct cenv_error *err)
{
    int fd = cenv_raw_open_dir(dirfd, name);
    return fd < 0 ? cenv_fs_fail(err, fd, dirfd, name, "cannot open directory") : fd;
}

int cenv_fs_open_file(int dirfd, const char *name, struct cenv_stat *st,
                      struct cenv_error *err)
{
    int fd = cenv_raw_open_file(dirfd, name, st);
    return fd < 0 ? cenv_fs_fail(err, fd, dirfd, name, "cannot open") : fd;
}

int cenv_fs_open_named(const char *path, struct cenv_stat *st, struct cenv_error *err)
{
    int fd = cenv_raw_open_named(path, st);
    return fd < 0 ? cenv_fs_fail(err, fd, CENV_CWD, path, "cannot open") : fd;
}

int cenv_fs_create(int dirfd, const char *name, unsigned mode, struct cenv_error *err)
{
    int fd = cenv_raw_create(dirfd, name, mode);
    return fd < 0 ? cenv_fs_fail(err, fd, dirfd, name, "cannot create") : fd;
}

int cenv_fs_mkdir(int dirfd, const char *name, unsigned mode, struct cenv_error *err)
{
    int rc = cenv_raw_mkdir(dirfd, name, mode);
    return rc < 0 ? cenv_fs_fail(err, rc, dirfd, name, "cannot make directory") : 0;
}

int cenv_fs_mkdir_open(int dirfd, const char *name, unsigned mode,
                       struct cenv_error *err)
{
    int rc = cenv_fs_mkdir(dirfd, name, mode, err);
    if (rc == 0)
        rc = cenv_fs_open_dir(dirfd, name, err);
    return rc;
}

static int mkdir_or_there(int dirfd, const char *path, unsigned mode)
{
    int rc = cenv_raw_mkdir(dirfd, path, mode);
    if (rc != -EEXIST)
        return rc;
    int is = cenv_raw_is_dir(dirfd, path);
    if (is < 0)
        return is;
    return is ? 0 : -ENOTDIR;
}

int cenv_fs_mkdirs(int dirfd, const char *path, unsigned mode, struct cenv_error *err)
{
    int rc = mkdir_or_there(dirfd, path, mode);
    if (rc != -ENOENT)
        return rc ? cenv_fs_fail(err, rc, dirfd, path, "cannot make directory") : 0;
    char *part = cenv_strdup(path);
    if (!part)
        return cenv_error_oom(err);
    rc = 0;
    for (char *at = part + 1; *part && *at && (rc == 0 || rc == -ENOENT); at++) {
        if (*at != '/')
            continue;
        *at = '\0';
        rc = mkdir_or_there(dirfd, part, mode);
        *at = '/';
    }
    if (rc == 0)
        rc = mkdir_or_there(dirfd, path, mode);
    cenv_free(part);
    return rc < 0 ? cenv_fs_fail(err, rc, dirfd, path, "cannot make directory") : 0;
}

char *cenv_fs_unique_name(const char *stem)
{
    uint64_t nonce = 0;
    struct cenv_buf name;
    if (!cenv_host_nonce(&nonce))
        nonce = cenv_clock_ns();
    cenv_buf_init(&name, strlen(stem) + 64);
    cenv_buf_addf(&name, "%s-%lld-%016llx", stem, (long long)cenv_pid_self(),
                  (unsigned long long)nonce);
    return cenv_buf_detach(&name);
}

int cenv_fs_mkdir_temp(int dirfd, const char *stem, char **name, struct cenv_error *err)
{
    int rc = -EEXIST;
    for (int tries = 0; rc == -EEXIST && tries < 16; tries++) {
        char *unique = cenv_fs_unique_name(stem);
        if (!unique)
            return cenv_error_oom(err);
        rc = cenv_raw_mkdir(dirfd, unique, 0700);
        if (rc == 0)
            *name = unique;
        else
            cenv_free(unique);
    }
    return rc < 0 ? cenv_fs_fail(err, rc, dirfd, stem, "cannot make directory") : 0;
}

int cenv_fs_rename(int from_dir, const char *from, int to_dir, const char *to,
                   struct cenv_error *err)
{
    int rc = cenv_raw_rename(from_dir, from, to_dir, to);
    return rc < 0 ? cenv_fs_fail(err, rc, to_dir, to, "cannot rename to") : 0;
}

int cenv_fs_unlink(int dirfd, const char *name, struct cenv_error *err)
{
    int rc = cenv_raw_unlink(dirfd, name);
    return rc < 0 ? cenv_fs_fail(err, rc, dirfd, name, "cannot remove") : 0;
}

int cenv_fs_symlink(const char *target, int dirfd, const char *name,
                    struct cenv_error *err)
{
    int rc = cenv_raw_symlink(target, dirfd, name);
    return rc < 0 ? cenv_fs_fail(err, rc, dirfd, name, "cannot make link") : 0;
}

int cenv_fs_readlink(int dirfd, const char *name, struct cenv_buf *out,
                     struct cenv_error *err)
{
    size_t room = 256;
    int64_t n;
    do { /* a result that fills the room may be cut: ask again with more */
        char *at = cenv_buf_reserve(out, room *= 2);
        if (!at)
            return cenv_error_oom(err);
        n = cenv_raw_readlink(dirfd, name, at, room - 1);
        if (n < 0)
            return cenv_fs_fail(err, (int)n, dirfd, name, "cannot read link");
        at[n] = '\0';
    } while ((size_t)n + 1 >= room);
    out->len += (size_t)n;
    return 0;
}

bool cenv_fs_blames_file(const struct cenv_error *err)
{
    int rc = -err->os_errno;
    if (err->status != CENV_EOS)
        return err->status != CENV_ENOMEM && err->status != CENV_ECANCELLED;
    return cenv_raw_is_absent(rc) || rc == -EISDIR || rc == -EACCES || rc == -EPERM ||
           rc == -ENAMETOOLONG;
}

bool cenv_fs_takes_no_times(int rc)
{
    return rc == -EINVAL || rc == -EPERM || rc == -EOPNOTSUPP || rc == -ENOSYS;
}
