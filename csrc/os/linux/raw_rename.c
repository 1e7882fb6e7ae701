/* SPDX-License-Identifier: BSD-3-Clause */
/* Renaming by renameat2. */
#include "os/raw_rename.h"

#include <errno.h>
#include <linux/fs.h>
#include <sys/syscall.h>
#include <unistd.h>

static int rename_flagged(int from_dir, const char *from, int to_dir, const char *to,
                          unsigned flags)
{
    long rc = syscall(SYS_renameat2, from_dir, from, to_dir, to, flags);
    return rc < 0 ? -errno : 0;
}

int cenv_raw_rename_excl(int from_dir, const char *from, int to_dir, const char *to)
{
    return rename_flagged(from_dir, from, to_dir, to, RENAME_NOREPLACE);
}

int cenv_raw_exchange(int a_dir, const char *a, int b_dir, const char *b)
{
    return rename_flagged(a_dir, a, b_dir, b, RENAME_EXCHANGE);
}
