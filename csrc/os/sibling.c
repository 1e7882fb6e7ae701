/* SPDX-License-Identifier: BSD-3-Clause */
/* Directories beside what is being made: see sibling.h. */
#include "os/sibling.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "os/fs.h"
#include "os/fs_dir.h"
#include "os/fs_remove.h"
#include "os/pid.h"
#include "os/raw_lock.h"
#include "os/subvolume.h"

/* Where locks do not work, a sibling as old as this is nobody's. */
enum { ABANDONED_SECONDS = 7 * 24 * 3600, NEW_SECONDS = 120 };
/* The mode of one that its maker has given up: no other has it. */
enum { GIVEN_UP = 0500 };
enum { STEM_MAX = 180, HEAD_SIZE = STEM_MAX + 16 };

/* What the siblings of a name start with; room is left for the rest of one. */
static struct cenv_str set_head(const char *name, char head[HEAD_SIZE])
{
    size_t len = strlen(name);
    snprintf(head, HEAD_SIZE, ".%.*s.cenv", (int)(len < STEM_MAX ? len : STEM_MAX),
             name);
    return cenv_str(head);
}

char *cenv_sibling_name(const char *name)
{
    char head[HEAD_SIZE];
    set_head(name, head);
    return cenv_fs_unique_name(head);
}

bool cenv_sibling_is_of(const char *sibling, const char *name)
{
    char head[HEAD_SIZE];
    struct cenv_str start = set_head(name, head);
    return cenv_str_starts(cenv_str(sibling), start) && sibling[start.len] == '-' &&
           !strchr(sibling, '/');
}

static int open_made(int parent, const char *sibling)
{
    int fd = cenv_raw_open_dir(parent, sibling);
    if (fd >= 0)
        cenv_raw_lock_dir(fd); /* where it cannot work, age tells */
    else if (cenv_raw_rmdir(parent, sibling) < 0)
        cenv_fs_discard_tree(parent, sibling); /* a snapshot is not empty */
    return fd;
}

int cenv_raw_make_sibling(int parent, const char *sibling, unsigned mode)
{
    int rc = cenv_raw_mkdir(parent, sibling, mode);
    if (rc < 0)
        return rc;
    return open_made(parent, sibling);
}

int cenv_raw_snapshot_sibling(int parent, const char *sibling, int of)
{
    int rc = cenv_raw_subvolume_snapshot(of, parent, sibling);
    if (rc < 0)
        return rc;
    return open_made(parent, sibling);
}

static int64_t pid_of(const char *sibling)
{
    const char *at = strstr(sibling, ".cenv-");
    return at ? strtoll(at + strlen(".cenv-"), NULL, 10) : 0;
}

/* A snapshot has the times of its source: its file system knows when it was made. */
static int64_t age_of(int dir, const struct cenv_stat *st)
{
    struct cenv_subvolume_facts facts;
    int64_t made = st->mtime_ns / 1000000000;
    if (st->ino == CENV_SUBVOLUME_INODE && cenv_raw_subvolume_facts(dir, &facts) == 0)
        made = facts.made;
    return (int64_t)time(NULL) - made;
}

/*
 * Its maker locks it right after making it: until then its process tells, or its age, as where
 * processes have numbers of their own (containers). A lock shows that it lives, wherever it does.
 */
bool cenv_sibling_is_left(int parent, const char *sibling)
{
    struct cenv_stat st;
    int dir = cenv_raw_open_dir(parent, sibling);
    int raw = dir < 0 ? dir : cenv_raw_stat_fd(dir, &st);
    if (raw == 0)
        raw = cenv_raw_try_lock_dir(dir);
    int64_t age = raw < 0 && raw != -ENOTSUP ? -1 : age_of(dir, &st);
    cenv_fd_close(dir);
    if (raw == 0)
        return st.mode == GIVEN_UP || age > NEW_SECONDS ||
               cenv_pid_is_gone(pid_of(sibling));
    return age > ABANDONED_SECONDS;
}

void cenv_sibling_give_up(int fd)
{
    cenv_raw_chmod_fd(fd, GIVEN_UP);
}

void cenv_sibling_sweep(int parent, const char *name)
{
    struct cenv_listing list;
    int fd = cenv_raw_open_dir(parent, ".");
    if (fd >= 0 && cenv_listing_read(&list, fd, false) == 0) {
        for (size_t i = 0; i < list.nr; i++)
            if (list.entries[i].type == CENV_FT_DIR &&
                cenv_sibling_is_of(list.entries[i].name, name) &&
                cenv_sibling_is_left(parent, list.entries[i].name))
                cenv_fs_discard_tree(parent, list.entries[i].name);
        cenv_listing_release(&list);
    }
    cenv_fd_close(fd);
}
