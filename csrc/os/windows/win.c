/* SPDX-License-Identifier: BSD-3-Clause */
/* Names, handles and errors of Windows: see win.h. */
#include "os/windows/win.h"

#include <errno.h>
#include <fcntl.h>
#include <io.h>
#include <stdint.h>
#include <string.h>

HANDLE cenv_win_handle(int fd)
{
    return (HANDLE)_get_osfhandle(fd);
}

int cenv_win_fd(HANDLE handle)
{
    int fd = _open_osfhandle((intptr_t)handle, _O_BINARY | _O_NOINHERIT);
    if (fd >= 0)
        return fd;
    CloseHandle(handle);
    return -EMFILE;
}

static const struct {
    DWORD error;
    int number;
} errors[] = {
    {ERROR_FILE_NOT_FOUND, ENOENT},
    {ERROR_PATH_NOT_FOUND, ENOENT},
    {ERROR_BAD_NETPATH, ENOENT},
    {ERROR_INVALID_DRIVE, ENOENT},
    {ERROR_TOO_MANY_OPEN_FILES, EMFILE},
    {ERROR_ACCESS_DENIED, EACCES},
    {ERROR_SHARING_VIOLATION, EACCES},
    {ERROR_WRITE_PROTECT, EROFS},
    {ERROR_INVALID_HANDLE, EBADF},
    {ERROR_NOT_ENOUGH_MEMORY, ENOMEM},
    {ERROR_OUTOFMEMORY, ENOMEM},
    {ERROR_NO_SYSTEM_RESOURCES, ENOMEM},
    {ERROR_NOT_SAME_DEVICE, EXDEV},
    {ERROR_LOCK_VIOLATION, EWOULDBLOCK},
    {ERROR_IO_PENDING, EWOULDBLOCK},
    {ERROR_HANDLE_DISK_FULL, ENOSPC},
    {ERROR_DISK_FULL, ENOSPC},
    {1295 /* ERROR_DISK_QUOTA_EXCEEDED */, ENOSPC},
    {ERROR_NOT_SUPPORTED, ENOTSUP},
    {ERROR_INVALID_FUNCTION, ENOTSUP},
    {ERROR_CALL_NOT_IMPLEMENTED, ENOTSUP},
    {ERROR_FILE_EXISTS, EEXIST},
    {ERROR_ALREADY_EXISTS, EEXIST},
    {ERROR_INVALID_PARAMETER, EINVAL},
    {ERROR_INVALID_NAME, EINVAL},
    {ERROR_BAD_PATHNAME, EINVAL},
    {ERROR_FILENAME_EXCED_RANGE, ENAMETOOLONG},
    {ERROR_DIR_NOT_EMPTY, ENOTEMPTY},
    {ERROR_DIRECTORY, ENOTDIR},
    {ERROR_TOO_MANY_LINKS, EMLINK},
    {ERROR_FILE_TOO_LARGE, EFBIG},
    {ERROR_BROKEN_PIPE, EPIPE},
    {ERROR_PRIVILEGE_NOT_HELD, EPERM},
    {ERROR_CANT_RESOLVE_FILENAME, ELOOP},
};

int cenv_win_errno(DWORD error)
{
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
        if (errors[i].error == error)
            return -errors[i].number;
    return -EIO;
}

int cenv_win_last_error(void)
{
    return cenv_win_errno(GetLastError());
}

/* Three of them would become "access denied". */
int cenv_win_status(NTSTATUS status)
{
    switch ((ULONG)status) {
    case 0xC00000BA: /* STATUS_FILE_IS_A_DIRECTORY */
        return -EISDIR;
    case 0xC0000056: /* STATUS_DELETE_PENDING */
        return -ENOENT;
    case 0xC0000103: /* STATUS_NOT_A_DIRECTORY */
        return -ENOTDIR;
    default:
        return status >= 0 ? 0 : cenv_win_errno(RtlNtStatusToDosError(status));
    }
}

int cenv_win_wide(const char *text, WCHAR *out, size_t size)
{
    int n =
        MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, text, -1, out, (int)size);
    return n - 1;
}

int cenv_win_narrow(const WCHAR *text, size_t len, char *out, size_t size)
{
    int n = 0;
    if (len) {
        n = WideCharToMultiByte(CP_UTF8, WC_ERR_INVALID_CHARS, text, (int)len, out,
                                (int)size - 1, NULL, NULL);
        if (n == 0)
            return -1;
    }
    out[n] = '\0';
    for (char *at = out; (at = strchr(at, '\\')) != NULL; at++)
        *at = '/';
    return n;
}

/* ---- names as the kernel has them ---- */

struct kernel_name {
    HANDLE root; /* or NULL: the text is absolute */
    WCHAR text[CENV_WIN_PATH_MAX + 16];
    size_t len;
};

/* "/x" and "C:/x": never a name of one component, whatever a package calls its files. */
static bool is_absolute(const char *name)
{
    return name[0] == '/' || (name[0] && name[1] == ':' && name[2] == '/');
}

static int name_below(struct kernel_name *out, int dirfd, const char *name)
{
    if (strpbrk(name, ":\\"))
        return -EINVAL;
    int n = cenv_win_wide(name, out->text, CENV_WIN_PATH_MAX);
    if (n < 0)
        return -EINVAL;
    for (int i = 0; i < n; i++)
        if (out->text[i] == L'/')
            out->text[i] = L'\\';
    while (n > 0 && out->text[n - 1] == L'\\')
        n--;
    out->root = cenv_win_handle(dirfd);
    out->len = n == 1 && out->text[0] == L'.' ? 0 : (size_t)n;
    return 0;
}

/* "C:\\x" as "\\??\\C:\\x", "\\\\server\\x" as "\\??\\UNC\\server\\x". */
static int name_anywhere(struct kernel_name *out, const char *name)
{
    WCHAR wide[CENV_WIN_PATH_MAX], full[CENV_WIN_PATH_MAX];
    if (cenv_win_wide(name, wide, CENV_WIN_PATH_MAX) < 0)
        return -EINVAL;
    DWORD n = GetFullPathNameW(wide, CENV_WIN_PATH_MAX, full, NULL);
    if (n == 0)
        return cenv_win_last_error();
    if (n >= CENV_WIN_PATH_MAX)
        return -ENAMETOOLONG;
    bool unc = wcsncmp(full, L"\\\\", 2) == 0,
         long_form = wcsncmp(full, L"\\\\?\\", 4) == 0;
    const WCHAR *rest = long_form ? full + 4 : unc ? full + 2 : full;
    const WCHAR *start = unc && !long_form ? L"\\??\\UNC\\" : L"\\??\\";
    size_t start_len = wcslen(start), rest_len = n - (size_t)(rest - full);
    memcpy(out->text, start, start_len * sizeof(WCHAR));
    memcpy(out->text + start_len, rest, rest_len * sizeof(WCHAR));
    out->len = start_len + rest_len;
    out->root = NULL;
    return 0;
}

static int name_of(struct kernel_name *out, int dirfd, const char *name)
{
    if (dirfd >= 0 && !is_absolute(name))
        return name_below(out, dirfd, name);
    return name_anywhere(out, name);
}

int cenv_win_open(int dirfd, const char *name, const struct cenv_win_how *how,
                  HANDLE *out)
{
    struct kernel_name at;
    int rc = name_of(&at, dirfd, name);
    if (rc < 0)
        return rc;
    USHORT bytes = (USHORT)(at.len * sizeof(WCHAR));
    UNICODE_STRING text = {bytes, bytes, at.text};
    OBJECT_ATTRIBUTES object;
    IO_STATUS_BLOCK io;
    InitializeObjectAttributes(&object, &text, OBJ_CASE_INSENSITIVE, at.root, NULL);
    ULONG share = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;
    return cenv_win_status(NtCreateFile(
        out, how->access | SYNCHRONIZE, &object, &io, NULL,
        how->attributes ? how->attributes : FILE_ATTRIBUTE_NORMAL, share,
        how->disposition, how->options | FILE_SYNCHRONOUS_IO_NONALERT, NULL, 0));
}

/* FILE_RENAME_INFORMATION, FILE_LINK_INFORMATION and their newer forms, which have flags. */
struct naming {
    ULONG replace; /* or flags */
    HANDLE root;
    ULONG bytes;
    WCHAR text[CENV_WIN_PATH_MAX + 16];
};

/* FILE_INFORMATION_CLASS, not all of which the headers have. */
enum { RENAME = 10, LINK = 11, RENAME_EX = 65, REPLACE = 1, POSIX_SEMANTICS = 2 };

static NTSTATUS set_naming(HANDLE file, struct naming *naming, int class, ULONG replace)
{
    IO_STATUS_BLOCK io;
    naming->replace = replace;
    ULONG size = (ULONG)offsetof(struct naming, text) + naming->bytes;
    if (size < sizeof(FILE_RENAME_INFORMATION)) /* padding counts */
        size = sizeof(FILE_RENAME_INFORMATION);
    return NtSetInformationFile(file, &io, naming, size,
                                (FILE_INFORMATION_CLASS) class);
}

/* Only the newer form replaces a file that is open. */
int cenv_win_set_name(HANDLE file, int to_dir, const char *to,
                      enum cenv_win_naming naming, bool replace)
{
    struct kernel_name at;
    struct naming info;
    int rc = name_of(&at, to_dir, to);
    if (rc < 0)
        return rc;
    info.root = at.root;
    info.bytes = (ULONG)(at.len * sizeof(WCHAR));
    memcpy(info.text, at.text, info.bytes);
    if (naming == CENV_WIN_LINK)
        return cenv_win_status(set_naming(file, &info, LINK, replace));
    if (replace && set_naming(file, &info, RENAME_EX, REPLACE | POSIX_SEMANTICS) >= 0)
        return 0;
    return cenv_win_status(set_naming(file, &info, RENAME, replace));
}
