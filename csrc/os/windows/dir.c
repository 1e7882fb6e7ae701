/* SPDX-License-Identifier: BSD-3-Clause */
/* Listing by GetFileInformationByHandleEx, many entries a call. */
#include "os/dir.h"

#include <errno.h>
#include <stdalign.h>
#include <stdbool.h>

#include "base/alloc.h"
#include "os/windows/win.h"

enum { BLOCK = 32 * 1024, NAME_MAX_BYTES = 3 * 256 };

struct scan {
    alignas(8) char entries[BLOCK];
    char name[NAME_MAX_BYTES];
    bool begun;
};

int cenv_dir_init(struct cenv_dir *dir, int fd)
{
    *dir = (struct cenv_dir){.fd = fd};
    struct scan *scan = cenv_malloc(sizeof(*scan));
    if (!scan)
        return -ENOMEM;
    scan->begun = false;
    dir->block = scan;
    return 0;
}

void cenv_dir_release(struct cenv_dir *dir)
{
    cenv_free(dir->block);
    dir->block = NULL;
}

/* 1 with new entries, 0 at the end, -errno. */
static int read_block(struct cenv_dir *dir, struct scan *scan)
{
    FILE_INFO_BY_HANDLE_CLASS class =
        scan->begun ? FileIdBothDirectoryInfo : FileIdBothDirectoryRestartInfo;
    BOOL done = GetFileInformationByHandleEx(cenv_win_handle(dir->fd), class,
                                             scan->entries, sizeof(scan->entries));
    if (!done)
        return GetLastError() == ERROR_NO_MORE_FILES ? 0 : cenv_win_last_error();
    scan->begun = true;
    dir->pos = 0;
    dir->len = sizeof(scan->entries);
    return 1;
}

/* EaSize is the tag of a link or a junction. */
static enum cenv_file_type type_of(const FILE_ID_BOTH_DIR_INFO *at)
{
    if ((at->FileAttributes & FILE_ATTRIBUTE_REPARSE_POINT) &&
        (at->EaSize == IO_REPARSE_TAG_SYMLINK ||
         at->EaSize == IO_REPARSE_TAG_MOUNT_POINT))
        return CENV_FT_SYMLINK;
    return at->FileAttributes & FILE_ATTRIBUTE_DIRECTORY ? CENV_FT_DIR : CENV_FT_FILE;
}

static bool is_dots(const char *name)
{
    return name[0] == '.' && (!name[1] || (name[1] == '.' && !name[2]));
}

int cenv_dir_next(struct cenv_dir *dir, struct cenv_dirent *out)
{
    struct scan *scan = dir->block;
    for (;;) {
        if (dir->pos >= dir->len) {
            int rc = read_block(dir, scan);
            if (rc <= 0)
                return rc;
        }
        const FILE_ID_BOTH_DIR_INFO *at = (const void *)(scan->entries + dir->pos);
        dir->pos = at->NextEntryOffset ? dir->pos + at->NextEntryOffset : dir->len;
        int len = cenv_win_narrow(at->FileName, at->FileNameLength / sizeof(WCHAR),
                                  scan->name, sizeof(scan->name));
        if (len < 0)
            return -EILSEQ;
        if (is_dots(scan->name))
            continue;
        uint64_t ino = (uint64_t)at->FileId.QuadPart;
        *out = (struct cenv_dirent){scan->name, (size_t)len, ino, type_of(at)};
        return 1;
    }
}
