/* SPDX-License-Identifier: BSD-3-Clause */
/* Renaming by renameatx_np. */
#include "os/raw_rename.h"

#include <errno.h>
#include <stdio.h>

static int rename_flagged(int from_dir, const char *from, int to_dir, const char *to,
                          unsigned flags)
{
    return renameatx_np(from_dir, from, to_dir, to, flags) < 0 ? -errno : 0;
}

int cenv_raw_rename_excl(int from_dir, const char *from, int to_dir, const char *to)
{
    return rename_flagged(from_dir, from, to_dir, to, RENAME_EXCL);
}

int cenv_raw_exchange(int a_dir, const char *a, int b_dir, const char *b)
{
    return rename_flagged(a_dir, a, b_dir, b, RENAME_SWAP);
}
