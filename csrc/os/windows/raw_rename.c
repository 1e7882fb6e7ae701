/* SPDX-License-Identifier: BSD-3-Clause */
/* Renaming that never replaces is what Windows does unless told otherwise. */
#include "os/raw_rename.h"

#include <errno.h>

#include "os/windows/win.h"

int cenv_raw_rename_excl(int from_dir, const char *from, int to_dir, const char *to)
{
    struct cenv_win_how how = {DELETE, FILE_OPEN, FILE_OPEN_REPARSE_POINT, 0};
    HANDLE handle;
    int rc = cenv_win_open(from_dir, from, &how, &handle);
    if (rc < 0)
        return rc;
    rc = cenv_win_set_name(handle, to_dir, to, CENV_WIN_RENAME, false);
    CloseHandle(handle);
    return rc;
}

/* Windows has no such call. */
int cenv_raw_exchange(int a_dir, const char *a, int b_dir, const char *b)
{
    (void)a_dir, (void)a, (void)b_dir, (void)b;
    return -ENOTSUP;
}
