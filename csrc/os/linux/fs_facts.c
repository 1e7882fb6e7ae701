/* SPDX-License-Identifier: BSD-3-Clause */
/* What kind of file system this is, and where a path really leads. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/alloc.h"
#include "os/fs.h"
#include "os/path.h"

/* Magic numbers of statfs(2) and linux/magic.h; network: what others may change behind us. */
static const struct {
    unsigned long magic;
    const char *name;
    bool network;
} kinds[] = {
    {0xEF53, "ext4", false},        {0x9123683E, "btrfs", false},
    {0x58465342, "xfs", false},     {0x01021994, "tmpfs", false},
    {0x794C7630, "overlay", false}, {0x2FC12FC1, "zfs", false},
    {0xF2F52010, "f2fs", false},    {0xCA451A4E, "bcachefs", false},
    {0x6969, "nfs", true},          {0xFF534D42, "cifs", true},
    {0xFE534D42, "smb2", true},     {0x65735546, "fuse", true},
    {0x01021997, "9p", true},       {0x00C36400, "ceph", true},
    {0x0BD00BD0, "lustre", true},   {0x47504653, "gpfs", true},
    {0x4D44, "vfat", false},        {0x2011BAB0, "exfat", false},
    {0x5346544E, "ntfs", false},    {0x858458F6, "ramfs", false},
    {0x6A656A63, "virtiofs", true},
};

int cenv_fs_facts(int fd, struct cenv_fs_facts *out, struct cenv_error *err)
{
    struct statfs st;
    if (fstatfs(fd, &st) < 0)
        return cenv_fs_fail(err, -errno, fd, NULL, "cannot look at the file system of");
    struct cenv_fs_facts facts = {
        .free_bytes = (uint64_t)st.f_bavail * (uint64_t)st.f_bsize,
        .total_bytes = (uint64_t)st.f_blocks * (uint64_t)st.f_bsize,
    };
    unsigned long magic = (unsigned long)st.f_type & 0xFFFFFFFF;
    snprintf(facts.type, sizeof(facts.type), "0x%lx", magic);
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (kinds[i].magic != magic)
            continue;
        snprintf(facts.type, sizeof(facts.type), "%s", kinds[i].name);
        facts.network = kinds[i].network;
    }
    *out = facts;
    return 0;
}

/* By opening and asking for the name: one walk by the kernel, no buffer of a fixed size. */
char *cenv_fs_realpath(const char *path, struct cenv_error *err)
{
    int fd = open(path, O_PATH | O_CLOEXEC);
    if (fd < 0) {
        cenv_fs_fail(err, -errno, CENV_CWD, path, "cannot find");
        return NULL;
    }
    struct cenv_buf out;
    cenv_buf_init(&out, 1 << 20);
    if (cenv_fs_path_of(fd, NULL, &out) < 0)
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
        int up = openat(fd, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
        rc = up < 0 ? -errno : 0;
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
