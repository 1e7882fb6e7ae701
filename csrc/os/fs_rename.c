/* SPDX-License-Identifier: BSD-3-Clause */
/* Renaming that never replaces: see fs_rename.h. */
#include "os/fs_rename.h"

#include <errno.h>

#include "os/raw_file.h"
#include "os/raw_rename.h"

/*
 * Where the file system knows no such renaming (NFS, some FUSE): a link is atomic for files; for
 * directories rename itself refuses a non-empty one, and an empty one in the way loses nothing.
 */
static int rename_checked(int from_dir, const char *from, int to_dir, const char *to)
{
    struct cenv_stat st;
    int rc = cenv_raw_stat(from_dir, from, &st);
    if (rc < 0)
        return rc;
    if (st.type != CENV_FT_DIR) {
        rc = cenv_raw_link(from_dir, from, to_dir, to);
        if (rc == 0)
            rc = cenv_raw_unlink(from_dir, from);
        return rc;
    }
    rc = cenv_raw_stat(to_dir, to, &st);
    if (rc != -ENOENT)
        return rc < 0 ? rc : -EEXIST;
    rc = cenv_raw_rename(from_dir, from, to_dir, to);
    return rc == -ENOTEMPTY ? -EEXIST : rc;
}

int cenv_raw_rename_noreplace(int from_dir, const char *from, int to_dir,
                              const char *to)
{
    int rc = cenv_raw_rename_excl(from_dir, from, to_dir, to);
    if (rc == -EINVAL || rc == -ENOSYS || rc == -ENOTSUP || rc == -EOPNOTSUPP)
        rc = rename_checked(from_dir, from, to_dir, to);
    return rc;
}
