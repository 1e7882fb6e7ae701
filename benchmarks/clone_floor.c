/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The floor of a hard-linking clone: the system calls that no way around exists for, and nothing
 * else. Reads a plan made from a real clone (see clone.py), loads everything to be written into
 * memory, and then times mkdirat, linkat, symlinkat, and open + write + close.
 *
 *     clone_floor PLAN SOURCE CLONE THREADS DEST...      one DEST after the other: a line of stdout
 *                                                        with seconds, and those of processors
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct file {
    char kind; /* l: hard link, w: written, s: symlink */
    unsigned mode;
    char *name, *data;
    size_t len;
};

struct dir {
    char *path;
    struct file *files;
    size_t nr;
};

static struct dir *dirs;
static size_t nr_dirs;
static int source, dest;
static unsigned threads;

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static void load(struct file *file, const char *clone, const char *dir)
{
    char path[8192];
    struct stat st;
    snprintf(path, sizeof(path), "%s/%s/%s", clone, dir, file->name);
    int fd = open(path, O_RDONLY);
    if (fd < 0 || fstat(fd, &st) < 0)
        fail(path);
    file->len = (size_t)st.st_size;
    file->data = malloc(file->len + 1);
    if (read(fd, file->data, file->len) != st.st_size)
        fail(path);
    close(fd);
}

/* Lines: "d PATH", then its files: "l NAME", "s NAME TARGET", "w MODE NAME"; tabs between. */
static void read_plan(const char *path, const char *clone)
{
    char line[16384];
    FILE *plan = fopen(path, "r");
    if (!plan)
        fail(path);
    while (fgets(line, sizeof(line), plan)) {
        line[strcspn(line, "\n")] = '\0';
        char *a = strchr(line, '\t') + 1, *b = strchr(a, '\t');
        if (b)
            *b++ = '\0';
        if (line[0] == 'd') {
            dirs = realloc(dirs, (nr_dirs + 1) * sizeof(*dirs));
            dirs[nr_dirs++] = (struct dir){.path = strdup(a)};
            continue;
        }
        struct dir *dir = &dirs[nr_dirs - 1];
        dir->files = realloc(dir->files, (dir->nr + 1) * sizeof(*dir->files));
        struct file *file = &dir->files[dir->nr++];
        *file = (struct file){.kind = line[0], .name = strdup(line[0] == 'w' ? b : a)};
        if (line[0] == 's')
            file->data = strdup(b);
        if (line[0] == 'w') {
            file->mode = (unsigned)strtoul(a, NULL, 8);
            load(file, clone, dir->path);
        }
    }
    fclose(plan);
}

static void place(const struct file *file, int from, int to)
{
    if (file->kind == 'l' && linkat(from, file->name, to, file->name, 0) < 0)
        fail(file->name);
    if (file->kind == 's' && symlinkat(file->data, to, file->name) < 0)
        fail(file->name);
    if (file->kind != 'w')
        return;
    int fd = openat(to, file->name, O_WRONLY | O_CREAT | O_EXCL, file->mode);
    if (fd < 0 || write(fd, file->data, file->len) != (ssize_t)file->len ||
        close(fd) < 0)
        fail(file->name);
}

static void *fill(void *arg)
{
    for (size_t i = (size_t)arg; i < nr_dirs; i += threads) {
        const struct dir *dir = &dirs[i];
        if (dir->nr == 0)
            continue;
        int from = openat(source, dir->path, O_RDONLY | O_DIRECTORY);
        int to = openat(dest, dir->path, O_RDONLY | O_DIRECTORY);
        if (from < 0 || to < 0)
            fail(dir->path);
        for (size_t k = 0; k < dir->nr; k++)
            place(&dir->files[k], from, to);
        close(from);
        close(to);
    }
    return NULL;
}

static double now(clockid_t clock)
{
    struct timespec at;
    clock_gettime(clock, &at);
    return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

static void run(const char *path)
{
    pthread_t thread[16];
    double start = now(CLOCK_MONOTONIC), used = now(CLOCK_PROCESS_CPUTIME_ID);
    if (mkdir(path, 0755) < 0 || (dest = open(path, O_RDONLY | O_DIRECTORY)) < 0)
        fail(path);
    for (size_t i = 1; i < nr_dirs; i++)
        if (mkdirat(dest, dirs[i].path, 0755) < 0)
            fail(dirs[i].path);
    for (unsigned i = 1; i < threads; i++)
        pthread_create(&thread[i], NULL, fill, (void *)(size_t)i);
    fill((void *)0);
    for (unsigned i = 1; i < threads; i++)
        pthread_join(thread[i], NULL);
    close(dest);
    printf("%.6f %.6f\n", now(CLOCK_MONOTONIC) - start,
           now(CLOCK_PROCESS_CPUTIME_ID) - used);
}

int main(int argc, char **argv)
{
    if (argc < 6)
        return fprintf(stderr, "clone_floor PLAN SOURCE CLONE THREADS DEST...\n"), 2;
    read_plan(argv[1], argv[3]);
    source = open(argv[2], O_RDONLY | O_DIRECTORY);
    threads = (unsigned)atoi(argv[4]);
    for (int i = 5; i < argc; i++)
        run(argv[i]);
    return 0;
}
