/* SPDX-License-Identifier: BSD-3-Clause */
/* Placing a file in the mode asked for, and probing for what works. */
#include "os/fs_place.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "os/fs.h"
#include "os/raw_copy.h"
#include "os/raw_data.h"
#include "os/raw_extent.h"

static const char *const mode_names[] = {"auto", "reflink", "hardlink", "copy"};

const char *cenv_place_mode_name(enum cenv_place_mode mode)
{
    return mode_names[mode];
}

int cenv_place_mode_parse(const char *name)
{
    for (int i = 0; i < (int)(sizeof(mode_names) / sizeof(mode_names[0])); i++)
        if (strcmp(name, mode_names[i]) == 0)
            return i;
    return -1;
}

static bool wants_other_way(int rc, enum cenv_place_mode mode)
{
    if (mode == CENV_PLACE_HARDLINK)
        return rc == -EXDEV || rc == -EMLINK || rc == -EPERM || rc == -EOPNOTSUPP;
    return rc == -EOPNOTSUPP || rc == -EXDEV || rc == -EINVAL || rc == -ENOTTY ||
           rc == -ENOSYS || rc == -EPERM || rc == -ETXTBSY;
}

static int fill_file(int in, int out, const struct cenv_stat *st,
                     enum cenv_place_mode want, bool fallback,
                     enum cenv_place_mode *got, struct cenv_task *task)
{
    int rc = -EOPNOTSUPP;
    if (want == CENV_PLACE_REFLINK || want == CENV_PLACE_AUTO) {
        *got = CENV_PLACE_REFLINK;
        rc = st->size ? cenv_raw_reflink(in, out) : 0;
        if (rc == 0 || !wants_other_way(rc, CENV_PLACE_REFLINK) ||
            (want == CENV_PLACE_REFLINK && !fallback))
            return rc;
    }
    *got = CENV_PLACE_COPY;
    return cenv_raw_copy_data(in, out, st->size, task);
}

/* 0, or 1 where the file system takes no times. */
static int set_time(int out, int64_t mtime_ns)
{
    int rc = cenv_raw_set_mtime_fd(out, mtime_ns);
    return cenv_fs_takes_no_times(rc) ? 1 : rc;
}

static int place_copy(int in, const struct cenv_stat *st, int to_dir, const char *to,
                      enum cenv_place_mode want, bool fallback,
                      enum cenv_place_mode *got, struct cenv_task *task)
{
    int out = cenv_raw_create(to_dir, to, st->mode & 0700);
    if (out < 0)
        return out;
    int rc = fill_file(in, out, st, want, fallback, got, task);
    if (rc == 0)
        rc = cenv_raw_chmod_fd(out, st->mode);
    if (rc == 0)
        rc = set_time(out, st->mtime_ns);
    int closed = cenv_raw_close(out);
    if (rc >= 0 && closed < 0)
        rc = closed;
    if (rc < 0)
        cenv_raw_unlink(to_dir, to);
    return rc;
}

int cenv_raw_place(int from_dir, const char *from, const struct cenv_stat *st,
                   int to_dir, const char *to, enum cenv_place_mode want, bool fallback,
                   enum cenv_place_mode *got, struct cenv_task *task)
{
    struct cenv_stat own;
    if (want == CENV_PLACE_HARDLINK) {
        int rc = cenv_raw_link(from_dir, from, to_dir, to);
        *got = CENV_PLACE_HARDLINK;
        if (rc == 0 || !fallback || !wants_other_way(rc, CENV_PLACE_HARDLINK))
            return rc;
        want = CENV_PLACE_COPY;
    }
    int in = cenv_raw_open_file(from_dir, from, &own);
    if (in < 0)
        return in;
    int rc = place_copy(in, st ? st : &own, to_dir, to, want, fallback, got, task);
    cenv_fd_close(in);
    return rc;
}

/* Probing: the only way to know; statfs tells neither of reflink=0 nor of mount boundaries. */

static int probe_between(int from_dir, const char *from, int to_dir, const char *to,
                         enum cenv_place_mode mode)
{
    enum cenv_place_mode got;
    int fd = cenv_raw_create(from_dir, from, 0600);
    if (fd < 0)
        return 0;
    int rc = cenv_raw_write(fd, "cenv", 4);
    cenv_fd_close(fd);
    if (rc == 0)
        rc = cenv_raw_place(from_dir, from, NULL, to_dir, to, mode, false, &got, NULL);
    if (rc >= 0)
        cenv_raw_unlink(to_dir, to);
    cenv_raw_unlink(from_dir, from);
    return rc >= 0;
}

int cenv_fs_probe_link(int from_dir, int to_dir, enum cenv_place_mode mode)
{
    char *from = cenv_fs_unique_name(".cenv-probe");
    char *to = cenv_fs_unique_name(".cenv-probe");
    int works = from && to && probe_between(from_dir, from, to_dir, to, mode);
    cenv_free(from);
    cenv_free(to);
    return works;
}

int cenv_fs_probe_reflink(int dirfd)
{
    return cenv_fs_probe_link(dirfd, dirfd, CENV_PLACE_REFLINK);
}
