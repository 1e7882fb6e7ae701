/* SPDX-License-Identifier: BSD-3-Clause */
/* Paths of handles, as "C:/x" and "//server/x". */
#include "os/raw_path.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "os/raw_file.h"
#include "os/windows/win.h"

/* "\\\\?\\C:\\x" without its beginning, "\\\\?\\UNC\\server\\x" as "\\\\server\\x". */
static const WCHAR *without_prefix(WCHAR *path)
{
    if (wcsncmp(path, L"\\\\?\\UNC\\", 8) == 0) {
        path[6] = L'\\';
        return path + 6;
    }
    return wcsncmp(path, L"\\\\?\\", 4) == 0 ? path + 4 : path;
}

size_t cenv_raw_path_of(int fd, char *text, size_t size)
{
    WCHAR path[CENV_WIN_PATH_MAX];
    char whole[3 * CENV_WIN_PATH_MAX];
    DWORD n = fd == CENV_CWD ? GetCurrentDirectoryW(CENV_WIN_PATH_MAX, path)
                             : GetFinalPathNameByHandleW(cenv_win_handle(fd), path,
                                                         CENV_WIN_PATH_MAX, 0);
    text[0] = '\0';
    if (n == 0 || n >= CENV_WIN_PATH_MAX)
        return 0;
    const WCHAR *from = without_prefix(path);
    int len = cenv_win_narrow(from, wcslen(from), whole, sizeof(whole));
    if (len < 0)
        return 0;
    snprintf(text, size, "%s", whole);
    return strlen(text);
}

/* The kernel knows no "..": the path without its last component is opened. */
static int open_parent(int dirfd, const struct cenv_win_how *how, HANDLE *out)
{
    char path[3 * CENV_WIN_PATH_MAX];
    if (cenv_raw_path_of(dirfd, path, sizeof(path)) == 0)
        return -ENOENT;
    char *slash = strrchr(path, '/');
    if (slash && slash[1]) /* "C:/" is its own parent */
        slash[slash[-1] == ':' ? 1 : 0] = '\0';
    return cenv_win_open(CENV_CWD, path, how, out);
}

int cenv_raw_open_path(int dirfd, const char *name)
{
    struct cenv_win_how how = {FILE_READ_ATTRIBUTES, FILE_OPEN, 0, 0};
    HANDLE handle;
    int rc = strcmp(name, "..") == 0 ? open_parent(dirfd, &how, &handle)
                                     : cenv_win_open(dirfd, name, &how, &handle);
    if (rc < 0)
        return rc;
    return cenv_win_fd(handle);
}

int cenv_raw_is_mount(int fd)
{
    (void)fd;
    return 0;
}
