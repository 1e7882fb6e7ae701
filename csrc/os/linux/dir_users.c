/* SPDX-License-Identifier: BSD-3-Clause */
/* Uses of a directory as /proc tells them: see dir_users.h. */
#include "os/dir_users.h"

#include <errno.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/str.h"
#include "os/dir.h"
#include "os/fs_where.h"
#include "os/pid.h"
#include "os/raw_data.h"

enum { TEXT_MAX = 1 << 16, NS_MAX = 64 };

struct search {
    struct cenv_str path;  /* of the directory */
    struct cenv_str shown; /* the same as tables of mounts show it, blanks escaped */
    uint64_t since;
    char *text; /* TEXT_MAX bytes */
    char ns[NS_MAX];
    char *what;
    size_t size;
};

static int tell_use(const struct search *s, const char *pid, const char *how)
{
    snprintf(s->what, s->size, "process %s has it %s", pid, how);
    return 1;
}

/* ---- texts ---- */

static bool goes_on(char c)
{
    return cenv_is_alnum(c) || c == '.' || c == '_' || c == '-';
}

/* What was unlinked is in nobody's way, and shown with this behind it. */
static bool is_deleted(struct cenv_str text, size_t at)
{
    struct cenv_str rest = cenv_str_slice(text, at, text.len);
    return cenv_str_ends(cenv_str_cut(&rest, '\n'), CENV_STR(" (deleted)"));
}

static bool names_path(struct cenv_str text, struct cenv_str path)
{
    const char *end = text.data + text.len, *at = text.data;
    while ((at = cenv_find_bytes(at, (size_t)(end - at), path.data, path.len))) {
        at += path.len;
        if ((at == end || !goes_on(*at)) && !is_deleted(text, (size_t)(at - text.data)))
            return true;
    }
    return false;
}

/* A piece of a file ends where a line does, or has the end of the one before in front: 1 when a
 * file of a process names `path`, 0, or -errno. */
static int is_named_in(const struct search *s, int dir, const char *name,
                       struct cenv_str path)
{
    int fd = cenv_raw_open_file(dir, name, NULL), rc = fd < 0 ? fd : 0;
    size_t kept = 0;
    while (rc == 0) {
        int64_t n = cenv_raw_read(fd, s->text + kept, TEXT_MAX - kept);
        if (n <= 0) {
            rc = (int)n;
            break;
        }
        struct cenv_str text = cenv_str_n(s->text, kept + (size_t)n);
        rc = names_path(text, path);
        kept = text.len < path.len ? text.len : path.len;
        memmove(s->text, text.data + text.len - kept, kept);
    }
    cenv_fd_close(fd);
    return rc;
}

/* ---- one process ---- */

/* Where the path of what a link of /proc leads to is too long to be told. */
static int look_at_place(const struct search *s, int dir, const char *name)
{
    snprintf(s->text, TEXT_MAX, "/proc/self/fd/%d/%s", dir, name);
    int place = cenv_raw_open_root(s->text);
    if (place < 0)
        return place == -ENOTDIR ? 1 : place;
    int root = cenv_raw_open_root(s->path.data);
    int rc = root < 0 ? root : cenv_raw_is_inside(place, root);
    cenv_fd_close(root);
    cenv_fd_close(place);
    return rc;
}

static int look_at_link(const struct search *s, int dir, const char *name)
{
    int64_t n = cenv_raw_readlink(dir, name, s->text, TEXT_MAX);
    if (n == -ENAMETOOLONG)
        return look_at_place(s, dir, name);
    if (n < 0)
        return (int)n;
    struct cenv_str text = cenv_str_n(s->text, (size_t)n);
    return cenv_str_starts(text, s->path) && names_path(text, s->path);
}

static int look_at_files(const struct search *s, int process)
{
    struct cenv_dir dir;
    struct cenv_dirent entry;
    int fd = cenv_raw_open_dir(process, "fd");
    int rc = fd < 0 ? fd : cenv_dir_init(&dir, fd);
    if (rc == 0) {
        while (rc == 0 && (rc = cenv_dir_next(&dir, &entry)) == 1) {
            rc = look_at_link(s, fd, entry.name);
            if (rc == -ENOENT)
                rc = 0;
        }
        cenv_dir_release(&dir);
    }
    cenv_fd_close(fd);
    return rc;
}

/* Mounts of a namespace that is not ours. */
static int look_at_mounts(const struct search *s, int process)
{
    char ns[NS_MAX];
    int64_t n = cenv_raw_readlink(process, "ns/mnt", ns, sizeof(ns));
    if (n < 0)
        return (int)n;
    if (cenv_str_is(cenv_str_n(ns, (size_t)n), s->ns))
        return 0;
    return is_named_in(s, process, "mountinfo", s->shown);
}

struct place {
    const char *name, *how;
};

/* What a process that was started since then says of itself, and has mapped. */
static int look_at_texts(const struct search *s, int process, const char *pid)
{
    static const struct place places[] = {{"maps", "mapped"},
                                          {"cmdline", "among its arguments"},
                                          {"environ", "in its environment"}};
    int rc = 0;
    for (size_t i = 0; i < sizeof(places) / sizeof(*places) && rc == 0; i++)
        if ((rc = is_named_in(s, process, places[i].name, s->path)) == 1)
            return tell_use(s, pid, places[i].how);
    return rc;
}

static int look_at_process(const struct search *s, int process, const char *pid)
{
    static const struct place places[] = {{"exe", "as its program"},
                                          {"cwd", "as its directory"},
                                          {"root", "as its root"}};
    int rc = 0;
    for (size_t i = 0; i < sizeof(places) / sizeof(*places) && rc == 0; i++)
        if ((rc = look_at_link(s, process, places[i].name)) == 1)
            return tell_use(s, pid, places[i].how);
    if (rc == 0 && (rc = look_at_files(s, process)) == 1)
        return tell_use(s, pid, "open");
    if (rc == 0 && (rc = look_at_mounts(s, process)) == 1)
        return tell_use(s, pid, "mounted");
    return rc;
}

/* A thread of the kernel, or one that is over, shows no arguments, which are closed to nobody. */
static bool has_arguments(int process)
{
    char first;
    int fd = cenv_raw_open_file(process, "cmdline", NULL);
    int64_t n = fd < 0 ? 0 : cenv_raw_read(fd, &first, 1);
    cenv_fd_close(fd);
    return n > 0;
}

static bool is_started_since(const struct search *s, const char *pid)
{
    int64_t number = 0;
    for (const char *digit = pid; cenv_is_digit(*digit); digit++)
        number = 10 * number + (*digit - '0');
    return cenv_pid_start(number) >= s->since;
}

static bool is_closed(int rc)
{
    return rc == -EACCES || rc == -EPERM;
}

/* One that ends meanwhile is no more; a kernel's thread, or one that is over, has no program. When
 * it was started is asked late: for that the kernel adds up all that its threads did. */
static int look_at(const struct search *s, int proc, const char *pid)
{
    int process = cenv_raw_open_dir(proc, pid);
    int rc = process < 0 ? process : look_at_process(s, process, pid);
    bool is_new =
        process >= 0 && (rc == 0 || is_closed(rc)) && is_started_since(s, pid);
    if (rc == 0 && is_new)
        rc = look_at_texts(s, process, pid);
    if (is_closed(rc)) {
        rc = is_new && has_arguments(process);
        if (rc == 1)
            snprintf(s->what, s->size, "process %s cannot be looked into", pid);
    }
    cenv_fd_close(process);
    return rc == -ENOENT || rc == -ESRCH ? 0 : rc;
}

/* ---- all ---- */

static int look_at_all(const struct search *s, int proc)
{
    struct cenv_dir dir;
    struct cenv_dirent entry;
    int rc = cenv_dir_init(&dir, proc);
    if (rc < 0)
        return rc;
    while (rc == 0 && (rc = cenv_dir_next(&dir, &entry)) == 1)
        rc = cenv_is_digit(*entry.name) ? look_at(s, proc, entry.name) : 0;
    cenv_dir_release(&dir);
    return rc;
}

/* What every process of this namespace has: mounts, and sockets by their names. */
static int look_at_shared(const struct search *s, int proc)
{
    int rc = is_named_in(s, proc, "self/mountinfo", s->shown);
    if (rc == 1)
        return tell_use(s, "itself", "mounted");
    if (rc == 0 && (rc = is_named_in(s, proc, "self/net/unix", s->path)) == 1)
        snprintf(s->what, s->size, "a socket in it is open");
    return rc == -ENOENT ? 0 : rc; /* a system without such sockets */
}

/* Blanks and backslashes of a path as mountinfo writes them; 0 or -ENOMEM. */
static int escape_path(struct search *s, char **shown)
{
    size_t len = 0;
    *shown = cenv_malloc(4 * s->path.len + 1);
    if (!*shown)
        return -ENOMEM;
    for (size_t i = 0; i < s->path.len; i++) {
        char c = s->path.data[i];
        if (c == ' ' || c == '\t' || c == '\n' || c == '\\')
            len += (size_t)snprintf(*shown + len, 5, "\\%03o", (unsigned char)c);
        else
            (*shown)[len++] = c;
    }
    s->shown = cenv_str_n(*shown, len);
    return 0;
}

int cenv_raw_find_dir_user(const char *path, uint64_t since, char *what, size_t size)
{
    struct search s = {
        .path = cenv_str(path), .since = since, .what = what, .size = size};
    char *shown = NULL;
    int proc = cenv_raw_open_dir(CENV_CWD, "/proc");
    int rc = proc < 0 ? proc : escape_path(&s, &shown);
    s.text = rc == 0 ? cenv_malloc(TEXT_MAX) : NULL;
    if (rc == 0 && !s.text)
        rc = -ENOMEM;
    if (rc == 0)
        rc = (int)cenv_raw_readlink(proc, "self/ns/mnt", s.ns, sizeof(s.ns) - 1);
    if (rc >= 0)
        rc = look_at_shared(&s, proc);
    if (rc == 0)
        rc = look_at_all(&s, proc);
    cenv_free(s.text);
    cenv_free(shown);
    cenv_fd_close(proc);
    return rc;
}
