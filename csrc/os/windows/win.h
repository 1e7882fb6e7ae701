/* SPDX-License-Identifier: BSD-3-Clause */
/* Names, handles and errors of Windows as this room has them: UTF-8, descriptors, -errno. */
#ifndef CENV_OS_WIN_H
#define CENV_OS_WIN_H

#include <stdbool.h>
#include <stddef.h>
#include <windows.h>
#include <winternl.h>

/* Wide characters that a path may have here, all in all. */
enum { CENV_WIN_PATH_MAX = 4096 };

/* The handle behind a descriptor, borrowed. */
HANDLE cenv_win_handle(int fd);
/* A descriptor for `handle`, which it takes over, closing it where that fails: or -errno. */
int cenv_win_fd(HANDLE handle);

/* -errno for GetLastError(), and for what calls of the kernel say. */
int cenv_win_last_error(void);
int cenv_win_errno(DWORD error);
int cenv_win_status(NTSTATUS status);

/* UTF-8 to UTF-16, a NUL behind: the length, or -1 when it is no UTF-8 or too long. */
int cenv_win_wide(const char *text, WCHAR *out, size_t size);
/* UTF-16 to UTF-8 with "/" for "\\", a NUL behind: the length, or -1. */
int cenv_win_narrow(const WCHAR *text, size_t len, char *out, size_t size);

/* How to open: access, disposition and options as NtCreateFile has them. */
struct cenv_win_how {
    ACCESS_MASK access;
    ULONG disposition; /* FILE_OPEN, FILE_CREATE, FILE_OPEN_IF */
    ULONG options;     /* FILE_OPEN_REPARSE_POINT: the last component is not followed */
    ULONG attributes;  /* of a new file */
};

/*
 * Opens `name` below `dirfd`, or anywhere when that is negative (CENV_CWD) or the name absolute
 * ("/x", "C:/x"): 0 or -errno. A relative name may hold neither ":" (streams) nor "\": -EINVAL.
 */
int cenv_win_open(int dirfd, const char *name, const struct cenv_win_how *how,
                  HANDLE *out);

/* Gives an open file a name, the only one or one more; EEXIST unless `replace`. */
enum cenv_win_naming { CENV_WIN_RENAME, CENV_WIN_LINK };
int cenv_win_set_name(HANDLE file, int to_dir, const char *to,
                      enum cenv_win_naming naming, bool replace);

#endif
