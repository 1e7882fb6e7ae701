/* SPDX-License-Identifier: BSD-3-Clause */
/* The registry of clones: entering, finding, changing and dropping entries. */
#include "store/clone_registry.h"

#include <errno.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/digest.h"
#include "codec/json.h"
#include "os/fs.h"
#include "store/fields.h"
#include "store/store_lock.h"

#define LOCK_PREFIX "clone-"

int cenv_clone_registry_file(const char *path, char name[CENV_CLONE_REGISTRY_FILE],
                             struct cenv_error *err)
{
    char key[CENV_STORE_KEY];
    int rc = cenv_layout_key(cenv_str(path), key, err);
    if (rc == 0)
        snprintf(name, CENV_CLONE_REGISTRY_FILE, "%s.json", key);
    return rc;
}

/* The lock of whoever clones to the path of an entry. */
static void claim_name(const char *name, char lock[CENV_CLONE_REGISTRY_FILE])
{
    snprintf(lock, CENV_CLONE_REGISTRY_FILE, LOCK_PREFIX "%.*s", CENV_STORE_KEY - 1,
             name);
}

int cenv_clone_registry_claim(const struct cenv_store *store, const char *path,
                              struct cenv_lock **claim, struct cenv_task *task,
                              struct cenv_error *err)
{
    char name[CENV_CLONE_REGISTRY_FILE], lock[CENV_CLONE_REGISTRY_FILE];
    int rc = cenv_clone_registry_file(path, name, err);
    if (rc < 0)
        return rc;
    claim_name(name, lock);
    rc = cenv_store_lock_take(store, lock, claim, task, err);
    if (rc == CENV_EOS && (err->os_errno == EROFS || err->os_errno == EACCES)) {
        cenv_error_release(err);
        rc = 0; /* nothing can be entered there either */
    }
    return rc;
}

void cenv_clone_registry_unclaim(const struct cenv_store *store, const char *path,
                                 struct cenv_lock *claim)
{
    struct cenv_error ignored = CENV_ERROR_INIT;
    char name[CENV_CLONE_REGISTRY_FILE], lock[CENV_CLONE_REGISTRY_FILE];
    if (claim && cenv_clone_registry_file(path, name, &ignored) == 0) {
        claim_name(name, lock);
        cenv_store_lock_release(store, lock, claim);
    }
    cenv_error_release(&ignored);
}

/* ---- writing ---- */

static struct cenv_json *as_json(const struct cenv_clone_entry *entry)
{
    struct cenv_json *doc = cenv_json_object();
    int rc = doc ? cenv_fields_set_path(doc, "path", "path_hex", entry->path) : -1;
    rc = rc ? rc : cenv_fields_set_path(doc, "source", "source_hex", entry->source);
    if (entry->temp)
        rc = rc ? rc : cenv_fields_set_path(doc, "temp", "temp_hex", entry->temp);
    rc = rc ? rc : cenv_json_set_cstr(doc, "mode", entry->mode);
    rc = rc ? rc : cenv_fields_set_u64(doc, "dev", entry->dev);
    rc = rc ? rc : cenv_fields_set_u64(doc, "ino", entry->ino);
    if (entry->root_mode)
        rc = rc ? rc : cenv_json_set_int(doc, "root_mode", entry->root_mode);
    if (entry->shown_ino) {
        rc = rc ? rc : cenv_fields_set_u64(doc, "shown_dev", entry->shown_dev);
        rc = rc ? rc : cenv_fields_set_u64(doc, "shown_ino", entry->shown_ino);
    }
    rc = rc ? rc : cenv_fields_set_owner(doc, &entry->owner);
    if (rc == 0)
        return doc;
    cenv_json_free(doc);
    return NULL;
}

int cenv_clone_provenance(const struct cenv_store *store, const char *path,
                          char **provenance, struct cenv_error *err)
{
    char name[CENV_CLONE_REGISTRY_FILE];
    struct cenv_json *doc = NULL;
    int rc = cenv_clone_registry_file(path, name, err);
    rc = rc ? rc
            : cenv_layout_load_json(store->dirs[CENV_STORE_CLONES], name, &doc, err);
    const char *text = rc == 0 ? cenv_json_get_cstr(doc, "origin") : NULL;
    if (text && !(*provenance = cenv_strdup(text)))
        rc = cenv_error_oom(err);
    cenv_json_free(doc);
    return rc ? rc : !text;
}

static int set_provenance(const struct cenv_store *store, struct cenv_json *doc,
                          const struct cenv_clone_entry *entry)
{
    struct cenv_error ignored = CENV_ERROR_INIT;
    char *before = NULL;
    if (!entry->provenance)
        cenv_clone_provenance(store, entry->path, &before, &ignored);
    const char *text = entry->provenance ? entry->provenance : before;
    int rc = text && *text ? cenv_json_set_cstr(doc, "origin", text) : 0;
    cenv_free(before);
    cenv_error_release(&ignored);
    return rc;
}

int cenv_clone_registry_enter(const struct cenv_store *store,
                              const struct cenv_clone_entry *entry,
                              struct cenv_error *err)
{
    char name[CENV_CLONE_REGISTRY_FILE];
    struct cenv_buf text;
    int rc = cenv_clone_registry_file(entry->path, name, err);
    if (rc < 0)
        return rc;
    struct cenv_json *doc = as_json(entry);
    if (doc && set_provenance(store, doc, entry) < 0) {
        cenv_json_free(doc);
        doc = NULL;
    }
    cenv_buf_init(&text, 1 << 20);
    if (!doc || cenv_json_print(doc, 0, &text) < 0)
        rc = cenv_error_oom(err);
    else
        rc = cenv_fs_write_atomic(store->dirs[CENV_STORE_CLONES], name,
                                  cenv_buf_str(&text), 0600, err);
    cenv_buf_release(&text);
    cenv_json_free(doc);
    if (rc == CENV_EOS && (err->os_errno == EROFS || err->os_errno == EACCES)) {
        cenv_error_release(
            err); /* a store that we may only read sweeps and resets nothing */
        rc = 0;
    }
    return rc;
}

int cenv_clone_registry_forget(const struct cenv_store *store, const char *path,
                               struct cenv_error *err)
{
    char name[CENV_CLONE_REGISTRY_FILE];
    int clones = store->dirs[CENV_STORE_CLONES];
    int rc = cenv_clone_registry_file(path, name, err);
    if (rc < 0)
        return rc;
    rc = cenv_raw_unlink(clones, name);
    return rc < 0 && rc != -ENOENT
               ? cenv_fs_fail(err, rc, clones, name, "cannot remove")
               : 0;
}

/* ---- reading ---- */

void cenv_clone_registry_release(struct cenv_registered_clone *clone)
{
    cenv_free(clone->path);
    cenv_free(clone->source);
    cenv_free(clone->temp);
    cenv_free(clone->mode);
}

/* 0, or 1 when there is no such entry or it is not whole. */
int cenv_clone_registry_load(const struct cenv_store *store, const char *name,
                             struct cenv_registered_clone *out, struct cenv_error *err)
{
    struct cenv_json *doc = NULL;
    int rc = cenv_layout_load_json(store->dirs[CENV_STORE_CLONES], name, &doc, err);
    if (rc != 0)
        return rc;
    *out =
        (struct cenv_registered_clone){.path = cenv_fields_get_path(doc, "path_hex")};
    const char *mode = cenv_json_get_cstr(doc, "mode");
    out->source = cenv_fields_get_path(doc, "source_hex");
    out->temp =
        cenv_json_get(doc, "temp_hex") ? cenv_fields_get_path(doc, "temp_hex") : NULL;
    out->mode = cenv_strdup(mode ? mode : "copy");
    out->dev = cenv_fields_get_u64(doc, "dev");
    out->ino = cenv_fields_get_u64(doc, "ino");
    out->root_mode = (uint32_t)cenv_json_get_int(doc, "root_mode", 0) & 07777;
    out->shown_dev = cenv_fields_get_u64(doc, "shown_dev");
    out->shown_ino = cenv_fields_get_u64(doc, "shown_ino");
    cenv_fields_get_owner(doc, &out->owner);
    cenv_json_free(doc);
    if (out->path && out->source && out->mode)
        return 0;
    cenv_clone_registry_release(out);
    return 1;
}

static bool lies_at(const struct cenv_registered_clone *clone, const char *path)
{
    struct cenv_stat st;
    return cenv_raw_stat(CENV_CWD, path, &st) == 0 && st.type == CENV_FT_DIR &&
           ((st.dev == clone->dev && st.ino == clone->ino) ||
            (clone->shown_ino && st.dev == clone->shown_dev &&
             st.ino == clone->shown_ino));
}

bool cenv_clone_registry_is_there(const struct cenv_registered_clone *clone)
{
    return lies_at(clone, clone->path);
}

/* ---- forgetting what is removed ---- */

struct cenv_clone_mark {
    char name[CENV_CLONE_REGISTRY_FILE];
    struct cenv_registered_clone clone;
};

struct cenv_clone_mark *cenv_clone_registry_mark(const struct cenv_store *store,
                                                 const char *path, const char *at)
{
    struct cenv_error ignored = CENV_ERROR_INIT;
    struct cenv_clone_mark *mark = cenv_calloc(1, sizeof(*mark));
    bool known =
        mark && cenv_clone_registry_file(path, mark->name, &ignored) == 0 &&
        cenv_clone_registry_load(store, mark->name, &mark->clone, &ignored) == 0;
    cenv_error_release(&ignored);
    if (known && lies_at(&mark->clone, at))
        return mark;
    if (known)
        cenv_clone_registry_release(&mark->clone);
    cenv_free(mark);
    return NULL;
}

/* Inodes are used again at once, the name beside the destination never is. */
static bool is_same_clone(const struct cenv_registered_clone *a,
                          const struct cenv_registered_clone *b)
{
    return a->dev == b->dev && a->ino == b->ino && !a->temp == !b->temp &&
           (!a->temp || strcmp(a->temp, b->temp) == 0);
}

/* Whoever clones to the path meanwhile has entered, or will enter, a clone of its own. */
void cenv_clone_registry_forget_marked(const struct cenv_store *store,
                                       struct cenv_clone_mark *mark, bool removed)
{
    struct cenv_error ignored = CENV_ERROR_INIT;
    struct cenv_lock *claim = NULL;
    struct cenv_registered_clone now;
    char lock[CENV_CLONE_REGISTRY_FILE];
    if (!mark)
        return;
    claim_name(mark->name, lock);
    if (removed && cenv_store_lock_try(store, lock, &claim, &ignored) == 0 &&
        cenv_clone_registry_load(store, mark->name, &now, &ignored) == 0) {
        if (is_same_clone(&now, &mark->clone))
            cenv_raw_unlink(store->dirs[CENV_STORE_CLONES], mark->name);
        cenv_clone_registry_release(&now);
    }
    if (claim)
        cenv_store_lock_release(store, lock, claim);
    cenv_error_release(&ignored);
    cenv_clone_registry_release(&mark->clone);
    cenv_free(mark);
}

int cenv_clone_registry_find(const struct cenv_store *store, const char *path,
                             char **source, char **mode, struct cenv_error *err)
{
    char name[CENV_CLONE_REGISTRY_FILE];
    struct cenv_registered_clone clone;
    int rc = cenv_clone_registry_file(path, name, err);
    rc = rc ? rc : cenv_clone_registry_load(store, name, &clone, err);
    if (rc != 0)
        return rc;
    if (strcmp(clone.path, path) == 0 && cenv_clone_registry_is_there(&clone)) {
        *source = clone.source;
        *mode = clone.mode;
        clone.source = clone.mode = NULL;
    } else {
        rc = 1;
    }
    cenv_clone_registry_release(&clone);
    return rc;
}

/* What stays of an entry when something else of it changes. */
static struct cenv_clone_entry entry_of(const struct cenv_registered_clone *clone,
                                        const char *path)
{
    return (struct cenv_clone_entry){.path = path,
                                     .source = clone->source,
                                     .dev = clone->dev,
                                     .ino = clone->ino,
                                     .root_mode = clone->root_mode,
                                     .mode = clone->mode};
}

/* All of the entry but its owner stays, its time too: it tells what changed since the cloning. */
int cenv_clone_give(struct cenv_store *store, const char *path, int64_t pid,
                    struct cenv_error *err)
{
    char name[CENV_CLONE_REGISTRY_FILE];
    struct cenv_registered_clone clone = {0};
    struct cenv_stat st = {0};
    int rc = cenv_clone_registry_file(path, name, err);
    rc = rc ? rc : cenv_clone_registry_load(store, name, &clone, err);
    if (rc == 1 || (rc == 0 && !cenv_clone_registry_is_there(&clone)))
        rc = cenv_error_set(err, CENV_EUSAGE, "'%s' is no clone of %s", path,
                            store->path);
    rc = rc ? rc : cenv_fs_stat(store->dirs[CENV_STORE_CLONES], name, &st, err);
    struct cenv_clone_entry entry = entry_of(&clone, path);
    entry.shown_dev = clone.shown_dev;
    entry.shown_ino = clone.shown_ino;
    entry.temp = clone.temp;
    if (pid > 0)
        cenv_owner_of(pid, &entry.owner);
    rc = rc ? rc : cenv_clone_registry_enter(store, &entry, err);
    rc = rc ? rc : cenv_clone_registry_set_time(store, path, st.mtime_ns, err);
    cenv_clone_registry_release(&clone);
    return rc;
}

int cenv_clones_home(struct cenv_store *store, const char *path, int64_t pid,
                     struct cenv_error *err)
{
    struct cenv_clone_entry entry = {
        .path = path, .source = path, .mode = CENV_CLONES_HOME_MODE};
    struct cenv_stat st;
    if (pid <= 0)
        return cenv_clone_registry_forget(store, path, err);
    int rc = cenv_fs_stat(CENV_CWD, path, &st, err);
    entry.dev = st.dev;
    entry.ino = st.ino;
    cenv_owner_of(pid, &entry.owner);
    return rc ? rc : cenv_clone_registry_enter(store, &entry, err);
}

static int load_of(const struct cenv_store *store, const char *path,
                   struct cenv_registered_clone *clone, struct cenv_error *err)
{
    char name[CENV_CLONE_REGISTRY_FILE];
    int rc = cenv_clone_registry_file(path, name, err);
    rc = rc ? rc : cenv_clone_registry_load(store, name, clone, err);
    return rc <= 0 ? rc
                   : cenv_error_set(err, CENV_EPREFIX,
                                    "'%s' is not a clone that the store knows", path);
}

int cenv_clone_registry_set_shown(const struct cenv_store *store, const char *path,
                                  struct cenv_error *err)
{
    struct cenv_registered_clone clone;
    struct cenv_stat st;
    int rc = load_of(store, path, &clone, err);
    if (rc < 0)
        return rc;
    rc = cenv_fs_stat(CENV_CWD, path, &st, err);
    struct cenv_clone_entry entry = entry_of(&clone, path);
    entry.owner = clone.owner;
    entry.shown_dev = st.dev;
    entry.shown_ino = st.ino;
    rc = rc ? rc : cenv_clone_registry_enter(store, &entry, err);
    cenv_clone_registry_release(&clone);
    return rc;
}

int cenv_clone_registry_owner(const struct cenv_store *store, const char *path,
                              int64_t *pid, struct cenv_error *err)
{
    struct cenv_registered_clone clone;
    int rc = load_of(store, path, &clone, err);
    if (rc < 0)
        return rc;
    *pid = clone.owner.pid;
    cenv_clone_registry_release(&clone);
    return 0;
}

int cenv_clone_registry_disown(const struct cenv_store *store, const char *path,
                               const char *source, const char *mode,
                               struct cenv_error *err)
{
    struct cenv_stat st;
    int rc = cenv_fs_stat(CENV_CWD, path, &st, err);
    struct cenv_clone_entry entry = {
        .path = path, .source = source, .dev = st.dev, .ino = st.ino, .mode = mode};
    return rc < 0 ? rc : cenv_clone_registry_enter(store, &entry, err);
}

int cenv_clone_registry_root_mode(const struct cenv_store *store, const char *path,
                                  uint32_t *mode, struct cenv_error *err)
{
    char name[CENV_CLONE_REGISTRY_FILE];
    struct cenv_registered_clone clone;
    int rc = cenv_clone_registry_file(path, name, err);
    rc = rc ? rc : cenv_clone_registry_load(store, name, &clone, err);
    if (rc != 0)
        return rc;
    rc = clone.root_mode ? 0 : 1;
    if (rc == 0)
        *mode = clone.root_mode;
    cenv_clone_registry_release(&clone);
    return rc;
}

/* The entry's own modification time: written right before the clone was there. */
int cenv_clone_registry_time(const struct cenv_store *store, const char *path,
                             int64_t *time_ns, struct cenv_error *err)
{
    char name[CENV_CLONE_REGISTRY_FILE];
    struct cenv_stat st;
    int rc = cenv_clone_registry_file(path, name, err);
    if (rc == 0)
        rc = cenv_fs_stat(store->dirs[CENV_STORE_CLONES], name, &st, err);
    if (rc == 0)
        *time_ns = st.mtime_ns;
    return rc;
}

int cenv_clone_registry_set_time(const struct cenv_store *store, const char *path,
                                 int64_t time_ns, struct cenv_error *err)
{
    char name[CENV_CLONE_REGISTRY_FILE];
    int clones = store->dirs[CENV_STORE_CLONES];
    int rc = cenv_clone_registry_file(path, name, err);
    if (rc < 0)
        return rc;
    rc = cenv_raw_set_mtime(clones, name, time_ns);
    return rc < 0 ? cenv_fs_fail(err, rc, clones, name, "cannot set the time of") : 0;
}

/* With the lock that a killed cloning left; one on its way has entered another clone by now. */
void cenv_clone_registry_drop(const struct cenv_store *store, const char *name)
{
    struct cenv_error ignored = CENV_ERROR_INIT;
    struct cenv_lock *claim = NULL;
    char lock[CENV_CLONE_REGISTRY_FILE];
    claim_name(name, lock);
    int rc = cenv_store_lock_try(store, lock, &claim, &ignored);
    if (rc <= 0)
        cenv_raw_unlink(store->dirs[CENV_STORE_CLONES], name);
    if (claim)
        cenv_store_lock_release(store, lock, claim);
    cenv_error_release(&ignored);
}
