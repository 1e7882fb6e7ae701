/* SPDX-License-Identifier: BSD-3-Clause */
/* Bytes of open files: see raw_data.h. */
#include "os/raw_data.h"

#include <errno.h>

#include "os/windows/win.h"

enum { CHUNK_MAX = 1 << 30 };

static DWORD chunk_of(size_t len)
{
    return len < CHUNK_MAX ? (DWORD)len : CHUNK_MAX;
}

static OVERLAPPED place_of(uint64_t at)
{
    return (OVERLAPPED){.Offset = (DWORD)at, .OffsetHigh = (DWORD)(at >> 32)};
}

/* The end of a file and of a pipe is no error. */
static int64_t read_some(HANDLE file, void *data, size_t len, OVERLAPPED *place)
{
    DWORD n = 0;
    if (ReadFile(file, data, chunk_of(len), &n, place))
        return n;
    DWORD why = GetLastError();
    return why == ERROR_HANDLE_EOF || why == ERROR_BROKEN_PIPE ? 0
                                                               : cenv_win_errno(why);
}

int64_t cenv_raw_read(int fd, void *data, size_t len)
{
    return read_some(cenv_win_handle(fd), data, len, NULL);
}

/* Reading and writing at a place moves a file's own position: it is put back. */
static LARGE_INTEGER position_of(HANDLE file)
{
    LARGE_INTEGER at = {.QuadPart = 0};
    SetFilePointerEx(file, at, &at, FILE_CURRENT);
    return at;
}

int64_t cenv_raw_pread(int fd, void *data, size_t len, uint64_t at)
{
    HANDLE file = cenv_win_handle(fd);
    LARGE_INTEGER before = position_of(file);
    size_t done = 0;
    int64_t n = 1;
    while (done < len && n > 0) {
        OVERLAPPED place = place_of(at + done);
        n = read_some(file, (char *)data + done, len - done, &place);
        done += n > 0 ? (size_t)n : 0;
    }
    SetFilePointerEx(file, before, NULL, FILE_BEGIN);
    return n < 0 ? n : (int64_t)done;
}

/* at: NULL for the file's own position. */
static int write_all(HANDLE file, struct cenv_str data, const uint64_t *at)
{
    size_t done = 0;
    while (done < data.len) {
        DWORD n = 0;
        OVERLAPPED place = place_of(at ? *at + done : 0);
        if (!WriteFile(file, data.data + done, chunk_of(data.len - done), &n,
                       at ? &place : NULL))
            return cenv_win_last_error();
        if (n == 0)
            return -EIO;
        done += n;
    }
    return 0;
}

int cenv_raw_write(int fd, const void *data, size_t len)
{
    return write_all(cenv_win_handle(fd), (struct cenv_str){data, len}, NULL);
}

int cenv_raw_pwrite(int fd, const void *data, size_t len, uint64_t at)
{
    return cenv_raw_pwritev(fd, &(struct cenv_str){data, len}, 1, at);
}

int cenv_raw_writev(int fd, const struct cenv_str *pieces, size_t nr)
{
    int rc = 0;
    for (size_t i = 0; i < nr && rc == 0; i++)
        rc = write_all(cenv_win_handle(fd), pieces[i], NULL);
    return rc;
}

int cenv_raw_pwritev(int fd, const struct cenv_str *pieces, size_t nr, uint64_t at)
{
    HANDLE file = cenv_win_handle(fd);
    LARGE_INTEGER before = position_of(file);
    int rc = at > INT64_MAX ? -EFBIG : 0;
    for (size_t i = 0; i < nr && rc == 0; i++) {
        rc = write_all(file, pieces[i], &at);
        at += pieces[i].len;
    }
    SetFilePointerEx(file, before, NULL, FILE_BEGIN);
    return rc;
}

int cenv_raw_truncate(int fd, uint64_t size)
{
    FILE_END_OF_FILE_INFO end = {.EndOfFile.QuadPart = (LONGLONG)size};
    BOOL done = SetFileInformationByHandle(cenv_win_handle(fd), FileEndOfFileInfo, &end,
                                           sizeof(end));
    return done ? 0 : cenv_win_last_error();
}

int cenv_raw_map_fd(int fd, struct cenv_mapping *out)
{
    HANDLE file = cenv_win_handle(fd);
    LARGE_INTEGER size;
    if (!GetFileSizeEx(file, &size))
        return cenv_win_last_error();
    if ((uint64_t)size.QuadPart > SIZE_MAX / 2)
        return -EFBIG;
    if (size.QuadPart == 0) {
        *out = (struct cenv_mapping){"", 0};
        return 0;
    }
    HANDLE mapping = CreateFileMappingW(file, NULL, PAGE_READONLY, 0, 0, NULL);
    if (!mapping)
        return cenv_win_last_error();
    const void *data = MapViewOfFile(mapping, FILE_MAP_READ, 0, 0, 0);
    int rc = data ? 0 : cenv_win_last_error();
    CloseHandle(mapping); /* the view keeps it */
    if (data)
        *out = (struct cenv_mapping){data, (size_t)size.QuadPart};
    return rc;
}

void cenv_mapping_release(struct cenv_mapping *mapping)
{
    if (mapping->len)
        UnmapViewOfFile(mapping->data);
    *mapping = (struct cenv_mapping){NULL, 0};
}

/* Unlocking pages that are not locked takes them out of the working set. */
void cenv_raw_forget(const char *at, size_t len)
{
    if (len)
        VirtualUnlock((void *)(uintptr_t)at, len);
}
