/* SPDX-License-Identifier: BSD-3-Clause */
/* Facts, opening, names and metadata of files: handles opened relative to a directory's. */
#include "os/raw_file.h"

#include <errno.h>
#include <io.h>
#include <string.h>

#include "os/windows/win.h"

enum { READABLE = FILE_GENERIC_READ, MODE_FILE = 0644, MODE_DIR = 0755 };

/* FileDispositionInfoEx, of Windows 10; not all headers have it. */
static const FILE_INFO_BY_HANDLE_CLASS DISPOSITION_EX = (FILE_INFO_BY_HANDLE_CLASS)21;

void cenv_fd_close(int fd)
{
    int saved = errno;
    if (fd >= 0)
        _close(fd);
    errno = saved;
}

int cenv_raw_close(int fd)
{
    return _close(fd) < 0 ? -errno : 0;
}

int cenv_raw_dup(int fd)
{
    HANDLE own = GetCurrentProcess(), copy;
    if (!DuplicateHandle(own, cenv_win_handle(fd), own, &copy, 0, FALSE,
                         DUPLICATE_SAME_ACCESS))
        return cenv_win_last_error();
    return cenv_win_fd(copy);
}

/* ---- facts ---- */

static int64_t ns_of(LARGE_INTEGER time)
{
    const int64_t from_1601_to_1970 = 116444736000000000; /* of 100 ns */
    return (time.QuadPart - from_1601_to_1970) * 100;
}

static LARGE_INTEGER time_of(int64_t ns)
{
    const int64_t from_1601_to_1970 = 116444736000000000;
    return (LARGE_INTEGER){.QuadPart = ns / 100 + from_1601_to_1970};
}

/* A junction leads elsewhere as a link does. */
static bool is_link(HANDLE handle)
{
    FILE_ATTRIBUTE_TAG_INFO tag;
    return GetFileInformationByHandleEx(handle, FileAttributeTagInfo, &tag,
                                        sizeof(tag)) &&
           (tag.FileAttributes & FILE_ATTRIBUTE_REPARSE_POINT) &&
           (tag.ReparseTag == IO_REPARSE_TAG_SYMLINK ||
            tag.ReparseTag == IO_REPARSE_TAG_MOUNT_POINT);
}

static enum cenv_file_type type_of(HANDLE handle, DWORD attributes)
{
    if ((attributes & FILE_ATTRIBUTE_REPARSE_POINT) && is_link(handle))
        return CENV_FT_SYMLINK;
    return attributes & FILE_ATTRIBUTE_DIRECTORY ? CENV_FT_DIR : CENV_FT_FILE;
}

/* Nobody owns files by number; permission to write is the one bit of a mode that there is. */
static int stat_handle(HANDLE handle, struct cenv_stat *out)
{
    BY_HANDLE_FILE_INFORMATION info;
    FILE_BASIC_INFO basic;
    FILE_STANDARD_INFO standard;
    if (GetFileType(handle) != FILE_TYPE_DISK) {
        *out = (struct cenv_stat){.type = CENV_FT_OTHER};
        return 0;
    }
    if (!GetFileInformationByHandle(handle, &info) ||
        !GetFileInformationByHandleEx(handle, FileBasicInfo, &basic, sizeof(basic)) ||
        !GetFileInformationByHandleEx(handle, FileStandardInfo, &standard,
                                      sizeof(standard)))
        return cenv_win_last_error();
    *out = (struct cenv_stat){
        .type = type_of(handle, info.dwFileAttributes),
        .nlink = info.nNumberOfLinks,
        .dev = info.dwVolumeSerialNumber,
        .ino = (uint64_t)info.nFileIndexHigh << 32 | info.nFileIndexLow,
        .size = (uint64_t)info.nFileSizeHigh << 32 | info.nFileSizeLow,
        .blocks = (uint64_t)standard.AllocationSize.QuadPart,
        .mtime_ns = ns_of(basic.LastWriteTime),
        .ctime_ns = ns_of(basic.ChangeTime),
    };
    out->mode = out->type == CENV_FT_FILE ? MODE_FILE : MODE_DIR;
    if (out->type == CENV_FT_FILE && (info.dwFileAttributes & FILE_ATTRIBUTE_READONLY))
        out->mode &= ~0222u;
    return 0;
}

int cenv_raw_stat(int dirfd, const char *name, struct cenv_stat *out)
{
    struct cenv_win_how how = {FILE_READ_ATTRIBUTES, FILE_OPEN, FILE_OPEN_REPARSE_POINT,
                               0};
    HANDLE handle;
    int rc = cenv_win_open(dirfd, name, &how, &handle);
    if (rc < 0)
        return rc;
    rc = stat_handle(handle, out);
    CloseHandle(handle);
    return rc;
}

int cenv_raw_stat_fd(int fd, struct cenv_stat *out)
{
    return stat_handle(cenv_win_handle(fd), out);
}

int cenv_raw_is_dir(int dirfd, const char *name)
{
    struct cenv_win_how how = {FILE_READ_ATTRIBUTES, FILE_OPEN, FILE_DIRECTORY_FILE, 0};
    HANDLE handle;
    int rc = cenv_win_open(dirfd, name, &how, &handle);
    if (rc < 0)
        return cenv_raw_is_absent(rc) ? 0 : rc;
    CloseHandle(handle);
    return 1;
}

uint32_t cenv_fs_uid(void)
{
    return 0;
}

uint32_t cenv_fs_gid(void)
{
    return 0;
}

uint64_t cenv_raw_free_bytes(int dirfd)
{
    WCHAR path[CENV_WIN_PATH_MAX] = L".";
    ULARGE_INTEGER left;
    if (dirfd != CENV_CWD &&
        GetFinalPathNameByHandleW(cenv_win_handle(dirfd), path, CENV_WIN_PATH_MAX, 0) >=
            CENV_WIN_PATH_MAX)
        return 0;
    return GetDiskFreeSpaceExW(path, &left, NULL, NULL) ? left.QuadPart : 0;
}

/* ---- opening ---- */

static int open_fd(int dirfd, const char *name, const struct cenv_win_how *how)
{
    HANDLE handle;
    int rc = cenv_win_open(dirfd, name, how, &handle);
    if (rc < 0)
        return rc;
    return cenv_win_fd(handle);
}

static int open_dir(int dirfd, const char *name, ULONG options)
{
    struct cenv_win_how how = {READABLE | FILE_TRAVERSE, FILE_OPEN,
                               FILE_DIRECTORY_FILE | options, 0};
    int fd = open_fd(dirfd, name, &how);
    if (fd < 0 || !options || !is_link(cenv_win_handle(fd)))
        return fd;
    cenv_fd_close(fd);
    return -ELOOP;
}

int cenv_raw_open_root(const char *path)
{
    return open_dir(CENV_CWD, path, 0);
}

int cenv_raw_open_dir(int dirfd, const char *name)
{
    return open_dir(dirfd, name, FILE_OPEN_REPARSE_POINT);
}

static int open_regular(int dirfd, const char *name, ULONG options,
                        struct cenv_stat *st)
{
    struct cenv_stat own;
    struct cenv_stat *got = st ? st : &own;
    struct cenv_win_how how = {READABLE, FILE_OPEN, FILE_NON_DIRECTORY_FILE | options,
                               0};
    int fd = open_fd(dirfd, name, &how);
    if (fd < 0)
        return fd;
    int rc = cenv_raw_stat_fd(fd, got);
    if (rc == 0 && got->type != CENV_FT_FILE)
        rc = got->type == CENV_FT_SYMLINK ? -ELOOP : -EINVAL;
    if (rc == 0)
        return fd;
    cenv_fd_close(fd);
    return rc;
}

int cenv_raw_open_file(int dirfd, const char *name, struct cenv_stat *st)
{
    return open_regular(dirfd, name, FILE_OPEN_REPARSE_POINT, st);
}

int cenv_raw_open_named(const char *path, struct cenv_stat *st)
{
    return open_regular(CENV_CWD, path, 0, st);
}

int cenv_raw_create(int dirfd, const char *name, unsigned mode)
{
    struct cenv_win_how how = {READABLE | FILE_GENERIC_WRITE | DELETE, FILE_CREATE,
                               FILE_NON_DIRECTORY_FILE,
                               mode & 0200 ? 0 : FILE_ATTRIBUTE_READONLY};
    return open_fd(dirfd, name, &how);
}

int cenv_raw_open_lock(int dirfd, const char *name, bool exclusive)
{
    struct cenv_win_how how = {READABLE | FILE_GENERIC_WRITE, FILE_OPEN_IF,
                               FILE_NON_DIRECTORY_FILE | FILE_OPEN_REPARSE_POINT, 0};
    int fd = open_fd(dirfd, name, &how);
    if (!exclusive && (fd == -EACCES || fd == -EROFS)) {
        how.access = READABLE;
        how.disposition = FILE_OPEN;
        fd = open_fd(dirfd, name, &how);
    }
    if (fd < 0 || !is_link(cenv_win_handle(fd)))
        return fd;
    cenv_fd_close(fd);
    return -ELOOP;
}

/* ---- directories and names ---- */

int cenv_raw_mkdir(int dirfd, const char *name, unsigned mode)
{
    struct cenv_win_how how = {FILE_LIST_DIRECTORY, FILE_CREATE, FILE_DIRECTORY_FILE,
                               0};
    HANDLE handle;
    (void)mode; /* who may write there is inherited */
    int rc = cenv_win_open(dirfd, name, &how, &handle);
    if (rc == 0)
        CloseHandle(handle);
    return rc;
}

static int set_name(int from_dir, const char *from, int to_dir, const char *to,
                    enum cenv_win_naming naming, ACCESS_MASK access)
{
    struct cenv_win_how how = {access, FILE_OPEN, FILE_OPEN_REPARSE_POINT, 0};
    HANDLE handle;
    int rc = cenv_win_open(from_dir, from, &how, &handle);
    if (rc < 0)
        return rc;
    rc = cenv_win_set_name(handle, to_dir, to, naming, naming == CENV_WIN_RENAME);
    CloseHandle(handle);
    return rc;
}

int cenv_raw_link(int from_dir, const char *from, int to_dir, const char *to)
{
    return set_name(from_dir, from, to_dir, to, CENV_WIN_LINK, FILE_WRITE_ATTRIBUTES);
}

int cenv_raw_rename(int from_dir, const char *from, int to_dir, const char *to)
{
    return set_name(from_dir, from, to_dir, to, CENV_WIN_RENAME, DELETE);
}

/* Not supported on Windows yet: most users may make no links there. */
int cenv_raw_symlink(const char *target, int dirfd, const char *name)
{
    (void)target, (void)dirfd, (void)name;
    return -ENOTSUP;
}

int64_t cenv_raw_readlink(int dirfd, const char *name, char *text, size_t size)
{
    (void)dirfd, (void)name, (void)text, (void)size;
    return -ENOTSUP;
}

static int set_read_only(HANDLE handle, bool read_only)
{
    FILE_BASIC_INFO info;
    if (!GetFileInformationByHandleEx(handle, FileBasicInfo, &info, sizeof(info)))
        return cenv_win_last_error();
    if (info.FileAttributes & FILE_ATTRIBUTE_DIRECTORY)
        return 0; /* on a directory it means something else */
    DWORD others = info.FileAttributes & ~(DWORD)FILE_ATTRIBUTE_READONLY;
    FILE_BASIC_INFO wanted = {
        .FileAttributes = read_only ? others | FILE_ATTRIBUTE_READONLY
                          : others  ? others
                                    : FILE_ATTRIBUTE_NORMAL,
    };
    if (wanted.FileAttributes == info.FileAttributes)
        return 0;
    BOOL done =
        SetFileInformationByHandle(handle, FileBasicInfo, &wanted, sizeof(wanted));
    return done ? 0 : cenv_win_last_error();
}

/* The name goes at once, as POSIX has it; before Windows 10 it goes with the last handle. */
static int dispose(HANDLE handle)
{
    ULONG now = 0x1 | 0x2 | 0x10; /* delete, POSIX semantics, also when read-only */
    FILE_DISPOSITION_INFO later = {TRUE};
    if (SetFileInformationByHandle(handle, DISPOSITION_EX, &now, sizeof(now)))
        return 0;
    if (GetLastError() == ERROR_DIR_NOT_EMPTY)
        return -ENOTEMPTY;
    int rc = set_read_only(handle, false);
    if (rc == 0 &&
        !SetFileInformationByHandle(handle, FileDispositionInfo, &later, sizeof(later)))
        rc = cenv_win_last_error();
    return rc;
}

static int remove_name(int dirfd, const char *name, ULONG options)
{
    struct cenv_win_how how = {DELETE | FILE_READ_ATTRIBUTES | FILE_WRITE_ATTRIBUTES,
                               FILE_OPEN, FILE_OPEN_REPARSE_POINT | options, 0};
    struct cenv_stat st;
    HANDLE handle;
    int rc = cenv_win_open(dirfd, name, &how, &handle);
    if (rc < 0)
        return rc;
    rc = stat_handle(handle, &st);
    if (rc == 0 && !options && st.type == CENV_FT_DIR)
        rc = -EISDIR;
    if (rc == 0)
        rc = dispose(handle);
    CloseHandle(handle);
    return rc;
}

int cenv_raw_unlink(int dirfd, const char *name)
{
    return remove_name(dirfd, name, 0);
}

int cenv_raw_rmdir(int dirfd, const char *name)
{
    return remove_name(dirfd, name, FILE_DIRECTORY_FILE);
}

/* ---- metadata ---- */

static int set_mtime(HANDLE handle, int64_t mtime_ns)
{
    FILE_BASIC_INFO info = {.LastWriteTime = time_of(mtime_ns),
                            .LastAccessTime = time_of(mtime_ns)};
    BOOL done = SetFileInformationByHandle(handle, FileBasicInfo, &info, sizeof(info));
    return done ? 0 : cenv_win_last_error();
}

static int open_metadata(int dirfd, const char *name, HANDLE *out)
{
    struct cenv_win_how how = {FILE_READ_ATTRIBUTES | FILE_WRITE_ATTRIBUTES, FILE_OPEN,
                               FILE_OPEN_REPARSE_POINT, 0};
    return cenv_win_open(dirfd, name, &how, out);
}

int cenv_raw_chmod(int dirfd, const char *name, unsigned mode)
{
    HANDLE handle;
    int rc = open_metadata(dirfd, name, &handle);
    if (rc < 0)
        return rc;
    rc = is_link(handle) ? -EOPNOTSUPP : set_read_only(handle, !(mode & 0200));
    CloseHandle(handle);
    return rc;
}

int cenv_raw_chmod_fd(int fd, unsigned mode)
{
    return set_read_only(cenv_win_handle(fd), !(mode & 0200));
}

int cenv_raw_set_mtime(int dirfd, const char *name, int64_t mtime_ns)
{
    HANDLE handle;
    int rc = open_metadata(dirfd, name, &handle);
    if (rc < 0)
        return rc;
    rc = set_mtime(handle, mtime_ns);
    CloseHandle(handle);
    return rc;
}

int cenv_raw_set_mtime_fd(int fd, int64_t mtime_ns)
{
    return set_mtime(cenv_win_handle(fd), mtime_ns);
}
