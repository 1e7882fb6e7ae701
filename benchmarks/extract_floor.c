/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The floor of an extraction: a bare loop that decodes a .conda and writes its files, on one
 * thread. It hashes nothing, checks nothing and keeps no list; packages of conda-build's shape
 * only (sizes in local headers, ustar names or pax paths).
 *
 *     extract_floor PACKAGE DEST
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <zstd.h>

enum { RECORD = 512 };

static ZSTD_DCtx *decoder;
static ZSTD_inBuffer in;
static char block[128 << 10];
static size_t at, len;
static int dest, parent = -1;
static char parent_path[4096];

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static size_t fill(void)
{
    while (at == len && in.pos < in.size) {
        ZSTD_outBuffer out = {block, sizeof(block), 0};
        if (ZSTD_isError(ZSTD_decompressStream(decoder, &out, &in)))
            fail("zstd");
        at = 0;
        len = out.pos;
    }
    return len - at;
}

/* The next `size` bytes, to `to` or, unless it is -1, to `fd`. */
static int take(char *to, int fd, size_t size)
{
    while (size) {
        size_t part = fill();
        if (part == 0)
            return 0;
        part = part < size ? part : size;
        if (to)
            memcpy(to, block + at, part), to += part;
        if (fd >= 0 && write(fd, block + at, part) != (ssize_t)part)
            fail("write");
        at += part;
        size -= part;
    }
    return 1;
}

static void make_dirs(char *path)
{
    for (char *slash = path; (slash = strchr(slash, '/')); slash++) {
        *slash = '\0';
        mkdirat(dest, path, 0777);
        *slash = '/';
    }
}

/* The name of `path` in its directory, which is opened when it is another than before. */
static const char *enter(char *path)
{
    char *name = strrchr(path, '/');
    if (!name)
        return strcpy(parent_path, "."), path;
    *name = '\0';
    if (parent < 0 || strcmp(parent_path, path) != 0) {
        *name = '/';
        make_dirs(path);
        *name = '\0';
        if (parent >= 0)
            close(parent);
        strcpy(parent_path, path);
        parent = openat(dest, path, O_RDONLY | O_DIRECTORY);
    }
    return name + 1;
}

/* GNU's or pax's long names are left to the caller's choice of packages, but for pax "path". */
static void write_member(const char *header, char *path, size_t size)
{
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT},
                                {.tv_sec = strtol(header + 136, NULL, 8)}};
    const char *name = enter(path);
    int dir = strcmp(parent_path, ".") == 0 ? dest : parent;
    if (header[156] == '2') {
        if (symlinkat(header + 157, dir, name) < 0)
            fail(path);
        return;
    }
    int mode = (int)strtol(header + 100, NULL, 8) & 0777;
    int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL, mode);
    if (fd < 0)
        fail(path);
    take(NULL, fd, size);
    futimens(fd, times);
    close(fd);
}

static void read_pax(char *pax, size_t size, char *path)
{
    char *key = memmem(pax, size, " path=", 6);
    if (key)
        memcpy(path, key + 6, strcspn(key + 6, "\n")),
            path[strcspn(key + 6, "\n")] = '\0';
}

static void read_tar(void)
{
    char header[RECORD], path[4096] = "", pax[8192];
    while (take(header, -1, RECORD) && header[0]) {
        size_t size = strtoul(header + 124, NULL, 8), padding = -size % RECORD;
        if (header[156] == 'x') {
            take(pax, -1, size);
            read_pax(pax, size, path);
        } else {
            if (!path[0])
                snprintf(path, sizeof(path), "%.155s%s%.100s", header + 345,
                         header[345] ? "/" : "", header);
            if (header[156] != '5')
                write_member(header, path, size);
            path[0] = '\0';
        }
        take(pax, -1, padding);
    }
    while (fill())
        at = len;
}

static uint32_t get(const char *from, int bytes)
{
    uint32_t value = 0;
    memcpy(&value, from, (size_t)bytes);
    return value;
}

int main(int argc, char **argv)
{
    struct stat st;
    int fd = argc == 3 ? open(argv[1], O_RDONLY) : -1;
    if (fd < 0 || fstat(fd, &st) < 0 || mkdir(argv[2], 0777) < 0)
        fail("extract_floor PACKAGE DEST");
    dest = open(argv[2], O_RDONLY | O_DIRECTORY);
    const char *zip = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    decoder = ZSTD_createDCtx();
    for (size_t where = 0; get(zip + where, 4) == 0x04034b50;) {
        size_t name = get(zip + where + 26, 2), extra = get(zip + where + 28, 2);
        uint64_t size = get(zip + where + 18, 4);
        if (size == UINT32_MAX)
            memcpy(&size, zip + where + 30 + name + 12, sizeof(size));
        in = (ZSTD_inBuffer){zip + where + 30 + name + extra, size, 0};
        if (memmem(zip + where + 30, name, ".tar.zst", 8))
            read_tar();
        where += 30 + name + extra + size;
    }
    return 0;
}
