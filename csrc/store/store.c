/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The store: directories, locks, leases, requests. What is published is never written again, so
 * readers need no lock: an entry is renamed into place whole, or it is not there. Locks only keep
 * two builders from doing the same work twice (where a file system has none, they do, and one of
 * them finds the entry there), and a lease keeps gc from removing what is in use.
 */
#include "store/store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/alloc.h"
#include "base/digest.h"
#include "codec/json.h"
#include "os/path.h"
#include "store/storedir.h"

static const char *const dir_names[CENV_STORE_NR_DIRS] = {
    [CENV_STORE_PKGS] = "pkgs",         [CENV_STORE_TEMPLATES] = "templates",
    [CENV_STORE_REQUESTS] = "requests", [CENV_STORE_MANIFESTS] = "manifests",
    [CENV_STORE_CLONES] = "clones",     [CENV_STORE_REPODATA] = "repodata",
    [CENV_STORE_LOCKS] = "locks",       [CENV_STORE_TMP] = "tmp",
};

/* Backup programs and others know a cache by this file (bford.info/cachedir). */
static const char cachedir_tag[] =
    "Signature: 8a477f597d28d172789f06886806bc55\n"
    "# The store of cenv: all in it can be made again.\n";

enum { JSON_MAX = 64 << 20, PATH_BYTES_MAX = 1 << 20 };

/* ---- opening ---- */

static int open_dirs(struct cenv_store *store, struct cenv_error *err)
{
    for (int i = 0; i < CENV_STORE_NR_DIRS; i++) {
        int made = cenv_raw_mkdir(store->root, dir_names[i], 0755);
        int fd = cenv_raw_open_dir(store->root, dir_names[i]);
        if (fd < 0) {
            int rc = made < 0 && made != -EEXIST ? made : fd;
            return cenv_fs_fail(err, rc, store->root, dir_names[i],
                                "cannot use the store");
        }
        store->dirs[i] = fd;
    }
    return 0;
}

/* A store may be read-only: then its tag matters to nobody. */
static void write_tag(int top)
{
    struct cenv_error ignored = CENV_ERROR_INIT;
    if (!cenv_fs_exists(top, "CACHEDIR.TAG"))
        cenv_fs_write_atomic(top, "CACHEDIR.TAG", cenv_str(cachedir_tag), 0644,
                             &ignored);
    cenv_error_release(&ignored);
}

static int open_root(struct cenv_store *store, const char *path, struct cenv_error *err)
{
    struct cenv_buf real;
    int rc = cenv_fs_is_dir(path) ? 0 : cenv_fs_mkdirs(CENV_CWD, path, 0755, err);
    int top = rc < 0 ? rc : cenv_fs_open_root(path, err);
    if (top < 0)
        return top;
    write_tag(top);
    store->root = cenv_raw_open_beneath(top, CENV_STR("v1"), 0755);
    if (store->root < 0)
        rc = cenv_fs_fail(err, store->root, top, "v1", "cannot use the store");
    cenv_fd_close(top);
    if (rc < 0)
        return rc;
    cenv_buf_init(&real, PATH_BYTES_MAX);
    cenv_fs_path_of(store->root, NULL, &real);
    store->path = cenv_buf_detach(&real);
    cenv_buf_release(&real);
    return store->path ? 0 : cenv_error_oom(err);
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

int cenv_store_dirfd(const struct cenv_store *store, enum cenv_store_dir dir)
{
    return store->dirs[dir];
}

const char *cenv_store_path(const struct cenv_store *store)
{
    return store->path;
}

int cenv_store_add_path(const struct cenv_store *store, enum cenv_store_dir dir,
                        const char *a, const char *b, struct cenv_buf *out)
{
    cenv_buf_addf(out, "%s/%s/%s", store->path, dir_names[dir], a);
    if (b)
        cenv_buf_addf(out, "/%s", b);
    return out->failed ? -1 : 0;
}

int cenv_store_key(struct cenv_str text, char *key, struct cenv_error *err)
{
    char hex[CENV_DIGEST_HEX_MAX];
    if (cenv_sha256_hex(text, hex) < 0)
        return cenv_error_oom(err);
    memcpy(key, hex, CENV_STORE_KEY - 1);
    key[CENV_STORE_KEY - 1] = '\0';
    return 0;
}

int cenv_store_sync(const struct cenv_store *store, struct cenv_error *err)
{
    int rc = cenv_raw_syncfs(store->root);
    return rc < 0 ? cenv_fs_fail(err, rc, store->root, NULL, "cannot sync") : 0;
}

void cenv_store_touch(int dirfd, const char *name)
{
    struct cenv_stat st;
    int64_t now = (int64_t)time(NULL);
    if (cenv_raw_stat(dirfd, name, &st) == 0 && st.mtime_ns / 1000000000 + 3600 < now)
        cenv_raw_set_mtime(dirfd, name, now * 1000000000);
}

int cenv_store_drop(const struct cenv_store *store, int dirfd, const char *name,
                    struct cenv_error *err)
{
    struct cenv_work work;
    int rc = cenv_work_open(store, &work, err);
    if (rc < 0)
        return rc;
    rc = cenv_raw_rename(dirfd, name, work.fd, "gone");
    if (rc < 0 && rc != -ENOENT)
        rc = cenv_fs_fail(err, rc, dirfd, name, "cannot remove");
    else
        rc = 0;
    cenv_work_close(store, &work);
    return rc;
}

/* ---- locks and leases ---- */

/* A file system that refuses to write still lets us read: building needs no lock we cannot have. */
static int lock_in(const struct cenv_store *store, const char *key, bool wait,
                   struct cenv_lock **lock, struct cenv_task *task,
                   struct cenv_error *err)
{
    struct cenv_buf text;
    int locks = store->dirs[CENV_STORE_LOCKS];
    *lock = NULL;
    cenv_buf_init(&text, 4096);
    int rc = cenv_owner_text(&text) < 0 ? cenv_error_oom(err) : 0;
    if (rc == 0 && wait)
        rc =
            cenv_lock_take(lock, locks, key, CENV_LOCK_EXCLUSIVE, text.data, task, err);
    else if (rc == 0)
        rc = cenv_lock_try(lock, locks, key, CENV_LOCK_EXCLUSIVE, text.data, err);
    cenv_buf_release(&text);
    return rc;
}

int cenv_store_lock(const struct cenv_store *store, const char *key,
                    struct cenv_lock **lock, struct cenv_task *task,
                    struct cenv_error *err)
{
    return lock_in(store, key, true, lock, task, err);
}

int cenv_store_try_lock(const struct cenv_store *store, const char *key,
                        struct cenv_lock **lock, struct cenv_error *err)
{
    return lock_in(store, key, false, lock, NULL, err);
}

void cenv_store_unlock(const struct cenv_store *store, const char *key,
                       struct cenv_lock *lock)
{
    cenv_lock_free_remove(lock, store->dirs[CENV_STORE_LOCKS], key);
}

int cenv_store_lock_holder(const struct cenv_store *store, const char *key,
                           struct cenv_buf *out)
{
    return cenv_lock_holder(store->dirs[CENV_STORE_LOCKS], key, out);
}

struct cenv_turn {
    const struct cenv_store *store;
    struct cenv_lock *lock;
    char name[sizeof("turn-") + CENV_STORE_KEY];
};

int cenv_turn_take(struct cenv_store *store, const char *key, struct cenv_turn **out,
                   struct cenv_task *task, struct cenv_error *err)
{
    char hex[CENV_STORE_KEY];
    int rc = cenv_store_key(cenv_str(key), hex, err);
    struct cenv_turn *turn = rc ? NULL : cenv_calloc(1, sizeof(*turn));
    if (!turn)
        return rc ? rc : cenv_error_oom(err);
    turn->store = store;
    snprintf(turn->name, sizeof(turn->name), "turn-%s", hex);
    rc = cenv_store_lock(store, turn->name, &turn->lock, task, err);
    if (rc == 0)
        *out = turn;
    else
        cenv_free(turn);
    return rc;
}

void cenv_turn_free(struct cenv_turn *turn)
{
    if (turn)
        cenv_store_unlock(turn->store, turn->name, turn->lock);
    cenv_free(turn);
}

/* Where we may not even make the file, nobody has made it: neither has gc. */
static bool is_read_only(const struct cenv_error *err)
{
    return err->os_errno == EROFS || err->os_errno == EACCES;
}

int cenv_lease_take(struct cenv_store *store, struct cenv_lease **out,
                    struct cenv_error *err)
{
    struct cenv_task task;
    struct cenv_lease *lease = cenv_calloc(1, sizeof(*lease));
    if (!lease)
        return cenv_error_oom(err);
    cenv_task_init(&task, NULL, NULL);
    int rc = cenv_lock_take(&lease->lock, store->root, "lease", CENV_LOCK_SHARED, NULL,
                            &task, err);
    cenv_task_release(&task);
    if (rc == CENV_EOS && is_read_only(err)) {
        cenv_error_release(err);
        rc = 0;
    }
    if (rc == 0)
        *out = lease;
    else
        cenv_free(lease);
    return rc;
}

void cenv_lease_free(struct cenv_lease *lease)
{
    if (lease)
        cenv_lock_free(lease->lock);
    cenv_free(lease);
}

int cenv_store_try_exclusive(const struct cenv_store *store, struct cenv_lock **lock,
                             struct cenv_error *err)
{
    return cenv_lock_try(lock, store->root, "lease", CENV_LOCK_EXCLUSIVE, NULL, err);
}

/* ---- small JSON files ---- */

int cenv_store_load_json(int dirfd, const char *name, struct cenv_json **out,
                         struct cenv_error *err)
{
    struct cenv_buf text;
    struct cenv_error bad = CENV_ERROR_INIT;
    cenv_buf_init(&text, JSON_MAX);
    int rc = cenv_fs_read_file(dirfd, name, &text, &bad);
    if (rc == 0)
        rc = cenv_json_parse(out, cenv_buf_str(&text), name, &bad);
    cenv_buf_release(&text);
    if (rc == CENV_ENOMEM)
        return cenv_error_move(err, &bad);
    cenv_error_release(&bad);
    return rc < 0 ? 1 : 0;
}

static int request_name(const char *request, char *name, size_t size,
                        struct cenv_error *err)
{
    char key[CENV_STORE_KEY];
    int rc = cenv_store_key(cenv_str(request), key, err);
    if (rc == 0)
        snprintf(name, size, "%s.json", key);
    return rc;
}

int cenv_request_put(struct cenv_store *store, const char *request,
                     const char *reply_json, struct cenv_error *err)
{
    char name[64];
    int rc = request_name(request, name, sizeof(name), err);
    if (rc < 0)
        return rc;
    return cenv_fs_write_atomic(store->dirs[CENV_STORE_REQUESTS], name,
                                cenv_str(reply_json), 0644, err);
}

/* Not synced when written: what is not whole after a power cut is as if it were not there. */
int cenv_request_find(struct cenv_store *store, const char *request,
                      struct cenv_buf *out, struct cenv_error *err)
{
    char name[64];
    struct cenv_json *reply = NULL;
    int dir = store->dirs[CENV_STORE_REQUESTS];
    int rc = request_name(request, name, sizeof(name), err);
    if (rc == 0)
        rc = cenv_store_load_json(dir, name, &reply, err);
    if (rc == 0 && cenv_json_print(reply, 0, out) < 0)
        rc = cenv_error_oom(err);
    if (rc == 0)
        cenv_store_touch(dir, name);
    cenv_json_free(reply);
    return rc;
}
