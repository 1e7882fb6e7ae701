/* SPDX-License-Identifier: BSD-3-Clause */
/* What kind of file system this is: its name is in statfs. */
#include "os/fs_facts.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/param.h>
#include <unistd.h>

#include "os/fs.h"

int cenv_fs_facts(int fd, struct cenv_fs_facts *out, struct cenv_error *err)
{
    struct statfs st;
    if (fstatfs(fd, &st) < 0)
        return cenv_fs_fail(err, -errno, fd, NULL, "cannot look at the file system of");
    *out = (struct cenv_fs_facts){
        .free_bytes = st.f_bavail * (uint64_t)st.f_bsize,
        .total_bytes = st.f_blocks * (uint64_t)st.f_bsize,
        .network = !(st.f_flags & MNT_LOCAL),
    };
    snprintf(out->type, sizeof(out->type), "%s", st.f_fstypename);
    return 0;
}

int cenv_raw_syncfs(int fd)
{
    int flags = SYNC_VOLUME_FULLSYNC | SYNC_VOLUME_WAIT;
    return fsync_volume_np(fd, flags) < 0 ? -errno : 0;
}
