/* SPDX-License-Identifier: BSD-3-Clause */
/* What kind of file system this is: as the volume says. */
#include "os/fs_facts.h"

#include <errno.h>

#include "os/fs.h"
#include "os/windows/win.h"

/* The room of the volume at the directory's path; what cannot be told stays 0. */
static void find_room(HANDLE file, struct cenv_fs_facts *out)
{
    WCHAR path[CENV_WIN_PATH_MAX];
    ULARGE_INTEGER left, total;
    DWORD n = GetFinalPathNameByHandleW(file, path, CENV_WIN_PATH_MAX, 0);
    if (n == 0 || n >= CENV_WIN_PATH_MAX ||
        !GetDiskFreeSpaceExW(path, &left, &total, NULL))
        return;
    out->free_bytes = left.QuadPart;
    out->total_bytes = total.QuadPart;
}

int cenv_fs_facts(int fd, struct cenv_fs_facts *out, struct cenv_error *err)
{
    HANDLE file = cenv_win_handle(fd);
    WCHAR type[sizeof(out->type)];
    FILE_REMOTE_PROTOCOL_INFO remote;
    if (!GetVolumeInformationByHandleW(file, NULL, 0, NULL, NULL, NULL, type,
                                       sizeof(type) / sizeof(type[0])))
        return cenv_fs_fail(err, cenv_win_last_error(), fd, NULL,
                            "cannot look at the file system of");
    *out = (struct cenv_fs_facts){
        .network = GetFileInformationByHandleEx(file, FileRemoteProtocolInfo, &remote,
                                                sizeof(remote)),
    };
    cenv_win_narrow(type, wcslen(type), out->type, sizeof(out->type));
    find_room(file, out);
    return 0;
}

/* Not supported on Windows yet: only administrators may flush a volume. */
int cenv_raw_syncfs(int fd)
{
    (void)fd;
    return -ENOTSUP;
}
