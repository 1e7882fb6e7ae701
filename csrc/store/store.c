/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The store: opening its directories. What is published is never written again, so readers need no
 * lock: an entry is renamed into place whole, or it is not there. Locks only keep two builders from
 * doing the same work twice (where a file system has none, they do, and one of them finds the entry
 * there), and a lease keeps gc from removing what is in use.
 */
#include <errno.h>

#include "base/alloc.h"
#include "cenv.h"
#include "os/fs.h"
#include "os/fs_beneath.h"
#include "os/fs_data.h"
#include "os/fs_where.h"
#include "store/layout.h"

enum { PATH_BYTES_MAX = 1 << 20 };

/* Backup programs and others know a cache by this file (bford.info/cachedir). */
static const char cachedir_tag[] =
    "Signature: 8a477f597d28d172789f06886806bc55\n"
    "# The store of cenv: all in it can be made again.\n";

static int open_dirs(struct cenv_store *store, struct cenv_error *err)
{
    for (int i = 0; i < CENV_STORE_NR_DIRS; i++) {
        const char *name = cenv_layout_name((enum cenv_store_dir)i);
        int made = cenv_raw_mkdir(store->root, name, 0755);
        int fd = cenv_raw_open_dir(store->root, name);
        if (fd < 0) {
            int failed = made < 0 && made != -EEXIST ? made : fd;
            return cenv_fs_fail(err, failed, store->root, name, "cannot use the store");
        }
        store->dirs[i] = fd;
    }
    return 0;
}

/* A store may be read-only: then its tag matters to nobody. */
static void write_tag(int top)
{
    struct cenv_error ignored = CENV_ERROR_INIT;
    if (cenv_fs_exists(top, "CACHEDIR.TAG", &ignored) == 0)
        cenv_fs_write_atomic(top, "CACHEDIR.TAG", cenv_str(cachedir_tag), 0644,
                             &ignored);
    cenv_error_release(&ignored);
}

static int set_path(struct cenv_store *store, struct cenv_error *err)
{
    struct cenv_buf real;
    cenv_buf_init(&real, PATH_BYTES_MAX);
    cenv_fs_path_of(store->root, NULL, &real);
    store->path = cenv_buf_detach(&real);
    cenv_buf_release(&real);
    return store->path ? 0 : cenv_error_oom(err);
}

static int open_root(struct cenv_store *store, const char *path, struct cenv_error *err)
{
    int is = cenv_fs_is_dir(path, err);
    if (is < 0 || (is == 0 && cenv_fs_mkdirs(CENV_CWD, path, 0755, err) < 0))
        return err->status;
    int top = cenv_fs_open_root(path, err);
    if (top < 0)
        return top;
    write_tag(top);
    store->root = cenv_raw_open_beneath(top, CENV_STR("v1"), 0755);
    int rc = 0;
    if (store->root < 0)
        rc = cenv_fs_fail(err, store->root, top, "v1", "cannot use the store");
    cenv_fd_close(top);
    if (rc == 0)
        rc = set_path(store, err);
    return rc;
}

int cenv_store_open(struct cenv_store **out, const char *path, struct cenv_error *err)
{
    struct cenv_store *store = cenv_calloc(1, sizeof(*store));
    if (!store)
        return cenv_error_oom(err);
    store->root = -1;
    for (int i = 0; i < CENV_STORE_NR_DIRS; i++)
        store->dirs[i] = -1;
    int rc = open_root(store, path, err);
    if (rc == 0)
        rc = open_dirs(store, err);
    if (rc == 0)
        *out = store;
    else
        cenv_store_free(store);
    if (rc == CENV_EOS)
        cenv_error_hint(err, "set CENV_STORE to a directory that can be written to");
    return rc;
}

void cenv_store_free(struct cenv_store *store)
{
    if (!store)
        return;
    for (int i = 0; i < CENV_STORE_NR_DIRS; i++)
        cenv_fd_close(store->dirs[i]);
    cenv_fd_close(store->root);
    cenv_free(store->path);
    cenv_free(store);
}
