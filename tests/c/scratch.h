/* SPDX-License-Identifier: BSD-3-Clause */
/* A directory for one test, removed at its end. */
#ifndef SCRATCH_H
#define SCRATCH_H

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct scratch {
    char path[256]; /* absolute, links resolved */
    int fd;
};

__attribute__((unused)) static struct scratch scratch_open(void)
{
    struct scratch s;
    const char *tmp = getenv("TMPDIR");
    char name[128];
    snprintf(name, sizeof(name), "%s/cenv-test-XXXXXX", tmp && *tmp ? tmp : "/tmp");
    if (!mkdtemp(name) || !realpath(name, s.path)) {
        perror(name);
        exit(2);
    }
    s.fd = open(s.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return s;
}

__attribute__((unused)) static int scratch_rm(const char *path, const struct stat *st,
                                              int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

__attribute__((unused)) static void scratch_close(struct scratch *s)
{
    close(s->fd);
    nftw(s->path, scratch_rm, 32, FTW_DEPTH | FTW_PHYS);
}

/* The absolute path of `name` below it; from a ring of four, for use in one expression. */
__attribute__((unused)) static const char *scratch_path(const struct scratch *s,
                                                        const char *name)
{
    static char ring[4][1024];
    static unsigned turn;
    char *out = ring[turn++ % 4];
    snprintf(out, sizeof(ring[0]), "%s/%s", s->path, name);
    return out;
}

/* Writes a file below it with the given mode; its directory must be there. */
__attribute__((unused)) static void
scratch_file(const struct scratch *s, const char *name, const char *text, mode_t mode)
{
    int fd = openat(s->fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    size_t len = strlen(text);
    if (fd < 0 || write(fd, text, len) != (ssize_t)len || fchmod(fd, mode) < 0)
        perror(name);
    close(fd);
}

/* The content of a file below it, from a buffer reused by the next call; NULL: not there. */
__attribute__((unused)) static const char *scratch_text(const struct scratch *s,
                                                        const char *name)
{
    static char text[65536];
    int fd = openat(s->fd, name, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
    close(fd);
    text[n < 0 ? 0 : n] = '\0';
    return n < 0 ? NULL : text;
}

/* Of the entry itself, not of what a link leads to. */
__attribute__((unused)) static struct stat scratch_stat(const struct scratch *s,
                                                        const char *path)
{
    struct stat st = {0};
    if (fstatat(s->fd, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
        perror(path);
    return st;
}

__attribute__((unused)) static bool scratch_has(const struct scratch *s,
                                                const char *path)
{
    return faccessat(s->fd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

#endif
