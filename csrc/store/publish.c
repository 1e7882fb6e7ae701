/* SPDX-License-Identifier: BSD-3-Clause */
/* Renames that put an entry in its place, or take it away; nothing in between is ever seen. */
#include "store/publish.h"

#include <errno.h>

#include "base/alloc.h"
#include "os/fs.h"
#include "os/fs_remove.h"
#include "os/fs_rename.h"
#include "os/fs_sync.h"
#include "os/raw_rename.h"
#include "store/scratch.h"

int cenv_publish_sync(const struct cenv_store *store, struct cenv_task *task,
                      struct cenv_error *err)
{
    return cenv_fs_sync(store->root, task, err);
}

/* 0 or -errno, as all below: in two steps where the file system has no exchange. */
static int exchange_by_hand(int from, const char *name, int to, const char *entry)
{
    char *aside = cenv_fs_unique_name(name);
    if (!aside)
        return -ENOMEM;
    int rc = cenv_raw_rename(to, entry, from, aside);
    bool was_there = rc == 0;
    if (was_there || rc == -ENOENT)
        rc = cenv_raw_rename_noreplace(from, name, to, entry);
    if (rc == 0 && was_there)
        rc = cenv_raw_rename(from, aside, from, name);
    cenv_free(aside);
    return rc;
}

static int exchange_entries(int from, const char *name, int to, const char *entry)
{
    int rc = cenv_raw_exchange(from, name, to, entry);
    if (rc == -EINVAL || rc == -ENOSYS || rc == -EOPNOTSUPP)
        return exchange_by_hand(from, name, to, entry);
    if (rc == -ENOENT)
        return cenv_raw_rename_noreplace(from, name, to, entry);
    return rc;
}

int cenv_publish_entry(int from, const char *name, int to, const char *entry,
                       bool replace, struct cenv_error *err)
{
    int failed = cenv_raw_rename_noreplace(from, name, to, entry);
    if (failed == -EEXIST)
        failed = replace ? exchange_entries(from, name, to, entry) : 0;
    if (failed < 0)
        return cenv_fs_fail(err, failed, to, entry, "cannot publish");
    return 0;
}

/* Name of what is withdrawn, in its scratch directory. */
#define GONE "gone"

static void remove_gone(struct cenv_scratch *scratch, struct cenv_task *task)
{
    struct cenv_error ignored = CENV_ERROR_INIT;
    scratch->hurried = !task || cenv_fs_remove_tree_polled(scratch->fd, GONE, NULL,
                                                           task, &ignored) < 0;
    cenv_error_release(&ignored);
}

int cenv_publish_withdraw(const struct cenv_store *store, int dirfd, const char *name,
                          struct cenv_task *task, struct cenv_error *err)
{
    struct cenv_scratch scratch;
    int rc = cenv_scratch_open(store, &scratch, err);
    if (rc < 0)
        return rc;
    int failed = cenv_raw_rename(dirfd, name, scratch.fd, GONE);
    if (failed < 0 && failed != -ENOENT)
        rc = cenv_fs_fail(err, failed, dirfd, name, "cannot remove");
    if (failed == 0)
        remove_gone(&scratch, task);
    cenv_scratch_close(store, &scratch);
    return rc;
}
