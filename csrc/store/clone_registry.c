/* SPDX-License-Identifier: BSD-3-Clause */
/* The registry of clones: what reset needs to know, and the sweep of those whose owner died. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/alloc.h"
#include "base/digest.h"
#include "clone/overlay.h"
#include "codec/json.h"
#include "os/fs.h"
#include "os/path.h"
#include "prefix/new_prefix.h"
#include "store/storedir.h"
#include "store/template_entry.h"

enum { NUMBER_MAX = 24, NAME_SIZE = CENV_STORE_KEY + 8, ON_ITS_WAY_SECONDS = 600 };

#define LOCK_PREFIX "clone-"

/* The "mode" of a directory that clones are made in. */
#define HOME_MODE "home"

static int entry_name(const char *path, char *name, struct cenv_error *err)
{
    char key[CENV_STORE_KEY];
    int rc = cenv_store_key(cenv_str(path), key, err);
    if (rc == 0)
        snprintf(name, NAME_SIZE, "%s.json", key);
    return rc;
}

/* The lock of whoever clones to the path of an entry. */
static void claim_name(const char *name, char lock[NAME_SIZE])
{
    snprintf(lock, NAME_SIZE, LOCK_PREFIX "%.*s", CENV_STORE_KEY - 1, name);
}

int cenv_clone_claim(const struct cenv_store *store, const char *path,
                     struct cenv_lock **claim, struct cenv_task *task,
                     struct cenv_error *err)
{
    char name[NAME_SIZE], lock[NAME_SIZE];
    int rc = entry_name(path, name, err);
    if (rc < 0)
        return rc;
    claim_name(name, lock);
    rc = cenv_store_lock(store, lock, claim, task, err);
    if (rc == CENV_EOS && (err->os_errno == EROFS || err->os_errno == EACCES)) {
        cenv_error_release(err);
        rc = 0; /* nothing can be entered there either */
    }
    return rc;
}

void cenv_clone_unclaim(const struct cenv_store *store, const char *path,
                        struct cenv_lock *claim)
{
    struct cenv_error ignored = CENV_ERROR_INIT;
    char name[NAME_SIZE], lock[NAME_SIZE];
    if (claim && entry_name(path, name, &ignored) == 0) {
        claim_name(name, lock);
        cenv_store_unlock(store, lock, claim);
    }
    cenv_error_release(&ignored);
}

/* ---- writing ---- */

/* Paths are bytes and JSON is UTF-8: the hex is what counts, the text is for people. */
static int set_path(struct cenv_json *doc, const char *key, const char *hex_key,
                    const char *path)
{
    static const char digits[] = "0123456789abcdef";
    struct cenv_buf hex;
    cenv_buf_init(&hex, 2 * strlen(path) + 1);
    for (const unsigned char *at = (const unsigned char *)path; *at; at++) {
        cenv_buf_putc(&hex, digits[*at >> 4]);
        cenv_buf_putc(&hex, digits[*at & 15]);
    }
    struct cenv_json *text = cenv_json_string(cenv_str(path));
    int rc = text ? cenv_json_set(doc, key, text) : 0;
    rc = rc ? rc : cenv_json_set_str(doc, hex_key, cenv_buf_str(&hex));
    cenv_buf_release(&hex);
    return rc;
}

/* Inodes may have 64 bits, JSON numbers have 53. */
static int set_u64(struct cenv_json *doc, const char *key, uint64_t value)
{
    char text[NUMBER_MAX];
    snprintf(text, sizeof(text), "%" PRIu64, value);
    return cenv_json_set_cstr(doc, key, text);
}

int cenv_store_set_owner(struct cenv_json *doc, const struct cenv_owner *owner)
{
    struct cenv_json *out = cenv_json_object();
    int rc = cenv_json_set_int(out, "pid", owner->pid);
    rc = rc ? rc : set_u64(out, "start", owner->start);
    rc = rc ? rc : set_u64(out, "pid_ns", owner->pid_ns);
    rc = rc ? rc : cenv_json_set_cstr(out, "boot_id", owner->boot_id);
    rc = rc ? rc : cenv_json_set_cstr(out, "host", owner->host);
    if (rc != 0) {
        cenv_json_free(out);
        return rc;
    }
    return cenv_json_set(doc, "owner", out);
}

static struct cenv_json *as_json(const struct cenv_clone_entry *entry)
{
    struct cenv_json *doc = cenv_json_object();
    int rc = doc ? set_path(doc, "path", "path_hex", entry->path) : -1;
    rc = rc ? rc : set_path(doc, "source", "source_hex", entry->source);
    if (entry->temp)
        rc = rc ? rc : set_path(doc, "temp", "temp_hex", entry->temp);
    rc = rc ? rc : cenv_json_set_cstr(doc, "mode", entry->mode);
    rc = rc ? rc : set_u64(doc, "dev", entry->dev);
    rc = rc ? rc : set_u64(doc, "ino", entry->ino);
    if (entry->root_mode)
        rc = rc ? rc : cenv_json_set_int(doc, "root_mode", entry->root_mode);
    if (entry->shown_ino) {
        rc = rc ? rc : set_u64(doc, "shown_dev", entry->shown_dev);
        rc = rc ? rc : set_u64(doc, "shown_ino", entry->shown_ino);
    }
    rc = rc ? rc : cenv_store_set_owner(doc, &entry->owner);
    if (rc == 0)
        return doc;
    cenv_json_free(doc);
    return NULL;
}

int cenv_clone_origin(const struct cenv_store *store, const char *path, char **origin,
                      struct cenv_error *err)
{
    char name[NAME_SIZE];
    struct cenv_json *doc = NULL;
    int rc = entry_name(path, name, err);
    rc =
        rc ? rc : cenv_store_load_json(store->dirs[CENV_STORE_CLONES], name, &doc, err);
    const char *text = rc == 0 ? cenv_json_get_cstr(doc, "origin") : NULL;
    if (text && !(*origin = cenv_strdup(text)))
        rc = cenv_error_oom(err);
    cenv_json_free(doc);
    return rc ? rc : !text;
}

static int set_origin(const struct cenv_store *store, struct cenv_json *doc,
                      const struct cenv_clone_entry *entry)
{
    struct cenv_error ignored = CENV_ERROR_INIT;
    char *before = NULL;
    if (!entry->origin)
        cenv_clone_origin(store, entry->path, &before, &ignored);
    const char *text = entry->origin ? entry->origin : before;
    int rc = text && *text ? cenv_json_set_cstr(doc, "origin", text) : 0;
    cenv_free(before);
    cenv_error_release(&ignored);
    return rc;
}

int cenv_clone_register(const struct cenv_store *store,
                        const struct cenv_clone_entry *entry, struct cenv_error *err)
{
    char name[NAME_SIZE];
    struct cenv_buf text;
    int rc = entry_name(entry->path, name, err);
    if (rc < 0)
        return rc;
    struct cenv_json *doc = as_json(entry);
    if (doc && set_origin(store, doc, entry) < 0) {
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

int cenv_clone_forget(const struct cenv_store *store, const char *path,
                      struct cenv_error *err)
{
    char name[NAME_SIZE];
    int clones = store->dirs[CENV_STORE_CLONES];
    int rc = entry_name(path, name, err);
    if (rc < 0)
        return rc;
    rc = cenv_raw_unlink(clones, name);
    return rc < 0 && rc != -ENOENT
               ? cenv_fs_fail(err, rc, clones, name, "cannot remove")
               : 0;
}

/* ---- reading ---- */

struct clone {
    char *path, *source, *mode;
    char *temp; /* or NULL */
    uint64_t dev, ino, shown_dev, shown_ino;
    uint32_t root_mode;
    struct cenv_owner owner;
};

static void clone_release(struct clone *clone)
{
    cenv_free(clone->path);
    cenv_free(clone->source);
    cenv_free(clone->temp);
    cenv_free(clone->mode);
}

static char *get_path(const struct cenv_json *doc, const char *hex_key)
{
    struct cenv_str hex = cenv_json_get_str(doc, hex_key);
    size_t len = hex.len / 2;
    char *path = cenv_malloc(len + 1);
    if (path && (!len || !cenv_unhex(hex, (unsigned char *)path, len))) {
        cenv_free(path);
        return NULL;
    }
    if (path)
        path[len] = '\0';
    return path;
}

static uint64_t get_u64(const struct cenv_json *doc, const char *key)
{
    const char *text = cenv_json_get_cstr(doc, key);
    return text ? strtoull(text, NULL, 10) : 0;
}

static void get_text(const struct cenv_json *doc, const char *key, char *out,
                     size_t size)
{
    const char *text = cenv_json_get_cstr(doc, key);
    snprintf(out, size, "%s", text ? text : "");
}

void cenv_store_get_owner(const struct cenv_json *doc, struct cenv_owner *out)
{
    doc = cenv_json_get(doc, "owner");
    *out = (struct cenv_owner){.pid = cenv_json_get_int(doc, "pid", 0)};
    out->start = get_u64(doc, "start");
    out->pid_ns = get_u64(doc, "pid_ns");
    get_text(doc, "boot_id", out->boot_id, sizeof(out->boot_id));
    get_text(doc, "host", out->host, sizeof(out->host));
}

/* 0, or 1 when there is no such entry or it is not whole. */
static int load(const struct cenv_store *store, const char *name, struct clone *out,
                struct cenv_error *err)
{
    struct cenv_json *doc = NULL;
    int rc = cenv_store_load_json(store->dirs[CENV_STORE_CLONES], name, &doc, err);
    if (rc != 0)
        return rc;
    *out = (struct clone){.path = get_path(doc, "path_hex")};
    const char *mode = cenv_json_get_cstr(doc, "mode");
    out->source = get_path(doc, "source_hex");
    out->temp = cenv_json_get(doc, "temp_hex") ? get_path(doc, "temp_hex") : NULL;
    out->mode = cenv_strdup(mode ? mode : "copy");
    out->dev = get_u64(doc, "dev");
    out->ino = get_u64(doc, "ino");
    out->root_mode = (uint32_t)cenv_json_get_int(doc, "root_mode", 0) & 07777;
    out->shown_dev = get_u64(doc, "shown_dev");
    out->shown_ino = get_u64(doc, "shown_ino");
    cenv_store_get_owner(doc, &out->owner);
    cenv_json_free(doc);
    if (out->path && out->source && out->mode)
        return 0;
    clone_release(out);
    return 1;
}

static bool lies_at(const struct clone *clone, const char *path)
{
    struct cenv_stat st;
    return cenv_raw_stat(CENV_CWD, path, &st) == 0 && st.type == CENV_FT_DIR &&
           ((st.dev == clone->dev && st.ino == clone->ino) ||
            (clone->shown_ino && st.dev == clone->shown_dev &&
             st.ino == clone->shown_ino));
}

static bool is_still_it(const struct clone *clone)
{
    return lies_at(clone, clone->path);
}

/* ---- forgetting what is removed ---- */

struct cenv_clone_mark {
    char name[NAME_SIZE];
    struct clone clone;
};

struct cenv_clone_mark *cenv_clone_mark(const struct cenv_store *store,
                                        const char *path, const char *at)
{
    struct cenv_error ignored = CENV_ERROR_INIT;
    struct cenv_clone_mark *mark = cenv_calloc(1, sizeof(*mark));
    bool known = mark && entry_name(path, mark->name, &ignored) == 0 &&
                 load(store, mark->name, &mark->clone, &ignored) == 0;
    cenv_error_release(&ignored);
    if (known && lies_at(&mark->clone, at))
        return mark;
    if (known)
        clone_release(&mark->clone);
    cenv_free(mark);
    return NULL;
}

/* Inodes are used again at once, the name beside the destination never is. */
static bool is_same_clone(const struct clone *a, const struct clone *b)
{
    return a->dev == b->dev && a->ino == b->ino && !a->temp == !b->temp &&
           (!a->temp || strcmp(a->temp, b->temp) == 0);
}

/* Whoever clones to the path meanwhile has entered, or will enter, a clone of its own. */
void cenv_clone_forget_marked(const struct cenv_store *store,
                              struct cenv_clone_mark *mark, bool removed)
{
    struct cenv_error ignored = CENV_ERROR_INIT;
    struct cenv_lock *claim = NULL;
    struct clone now;
    char lock[NAME_SIZE];
    if (!mark)
        return;
    claim_name(mark->name, lock);
    if (removed && cenv_store_try_lock(store, lock, &claim, &ignored) == 0 &&
        load(store, mark->name, &now, &ignored) == 0) {
        if (is_same_clone(&now, &mark->clone))
            cenv_raw_unlink(store->dirs[CENV_STORE_CLONES], mark->name);
        clone_release(&now);
    }
    if (claim)
        cenv_store_unlock(store, lock, claim);
    cenv_error_release(&ignored);
    clone_release(&mark->clone);
    cenv_free(mark);
}

int cenv_remove(struct cenv_store *store, const char *path, const char *clone,
                struct cenv_task *task, struct cenv_error *err)
{
    int rc = cenv_task_poll(task, err);
    if (rc < 0)
        return rc;
    struct cenv_clone_mark *mark =
        store ? cenv_clone_mark(store, clone ? clone : path, path) : NULL;
    rc = cenv_fs_remove_tree(CENV_CWD, path, err);
    cenv_clone_forget_marked(store, mark, rc == 0);
    return rc;
}

int cenv_overlay_remove(struct cenv_store *store, const char *path,
                        struct cenv_error *err)
{
    struct cenv_clone_mark *mark = store ? cenv_clone_mark(store, path, path) : NULL;
    int rc = cenv_overlay_unmount(path, err);
    rc = rc < 0 ? rc : cenv_fs_remove_tree(CENV_CWD, path, err);
    cenv_clone_forget_marked(store, mark, rc == 0);
    return rc;
}

int cenv_clone_find(const struct cenv_store *store, const char *path, char **source,
                    char **mode, struct cenv_error *err)
{
    char name[NAME_SIZE];
    struct clone clone;
    int rc = entry_name(path, name, err);
    rc = rc ? rc : load(store, name, &clone, err);
    if (rc != 0)
        return rc;
    if (strcmp(clone.path, path) == 0 && is_still_it(&clone)) {
        *source = clone.source;
        *mode = clone.mode;
        clone.source = clone.mode = NULL;
    } else {
        rc = 1;
    }
    clone_release(&clone);
    return rc;
}

/* What stays of an entry when something else of it changes. */
static struct cenv_clone_entry entry_of(const struct clone *clone, const char *path)
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
    char name[NAME_SIZE];
    struct clone clone = {0};
    struct cenv_stat st = {0};
    int rc = entry_name(path, name, err);
    rc = rc ? rc : load(store, name, &clone, err);
    if (rc == 1 || (rc == 0 && !is_still_it(&clone)))
        rc = cenv_error_set(err, CENV_EUSAGE, "'%s' is no clone of %s", path,
                            store->path);
    rc = rc ? rc : cenv_fs_stat(store->dirs[CENV_STORE_CLONES], name, &st, err);
    struct cenv_clone_entry entry = entry_of(&clone, path);
    entry.shown_dev = clone.shown_dev;
    entry.shown_ino = clone.shown_ino;
    entry.temp = clone.temp;
    if (pid > 0)
        cenv_owner_of(pid, &entry.owner);
    rc = rc ? rc : cenv_clone_register(store, &entry, err);
    rc = rc ? rc : cenv_clone_set_time(store, path, st.mtime_ns, err);
    clone_release(&clone);
    return rc;
}

int cenv_clones_home(struct cenv_store *store, const char *path, int64_t pid,
                     struct cenv_error *err)
{
    struct cenv_clone_entry entry = {.path = path, .source = path, .mode = HOME_MODE};
    struct cenv_stat st;
    if (pid <= 0)
        return cenv_clone_forget(store, path, err);
    int rc = cenv_fs_stat(CENV_CWD, path, &st, err);
    entry.dev = st.dev;
    entry.ino = st.ino;
    cenv_owner_of(pid, &entry.owner);
    return rc ? rc : cenv_clone_register(store, &entry, err);
}

static int load_of(const struct cenv_store *store, const char *path,
                   struct clone *clone, struct cenv_error *err)
{
    char name[NAME_SIZE];
    int rc = entry_name(path, name, err);
    rc = rc ? rc : load(store, name, clone, err);
    return rc <= 0 ? rc
                   : cenv_error_set(err, CENV_EPREFIX,
                                    "'%s' is not a clone that the store knows", path);
}

int cenv_clone_shown(const struct cenv_store *store, const char *path,
                     struct cenv_error *err)
{
    struct clone clone;
    struct cenv_stat st;
    int rc = load_of(store, path, &clone, err);
    if (rc < 0)
        return rc;
    rc = cenv_fs_stat(CENV_CWD, path, &st, err);
    struct cenv_clone_entry entry = entry_of(&clone, path);
    entry.owner = clone.owner;
    entry.shown_dev = st.dev;
    entry.shown_ino = st.ino;
    rc = rc ? rc : cenv_clone_register(store, &entry, err);
    clone_release(&clone);
    return rc;
}

int cenv_clone_owner(const struct cenv_store *store, const char *path, int64_t *pid,
                     struct cenv_error *err)
{
    struct clone clone;
    int rc = load_of(store, path, &clone, err);
    if (rc < 0)
        return rc;
    *pid = clone.owner.pid;
    clone_release(&clone);
    return 0;
}

int cenv_clone_release(const struct cenv_store *store, const char *path,
                       const char *source, const char *mode, struct cenv_error *err)
{
    struct cenv_stat st;
    int rc = cenv_fs_stat(CENV_CWD, path, &st, err);
    struct cenv_clone_entry entry = {
        .path = path, .source = source, .dev = st.dev, .ino = st.ino, .mode = mode};
    return rc < 0 ? rc : cenv_clone_register(store, &entry, err);
}

int cenv_clone_root_mode(const struct cenv_store *store, const char *path,
                         uint32_t *mode, struct cenv_error *err)
{
    char name[NAME_SIZE];
    struct clone clone;
    int rc = entry_name(path, name, err);
    rc = rc ? rc : load(store, name, &clone, err);
    if (rc != 0)
        return rc;
    rc = clone.root_mode ? 0 : 1;
    if (rc == 0)
        *mode = clone.root_mode;
    clone_release(&clone);
    return rc;
}

/* The entry's own modification time: written right before the clone was there. */
int cenv_clone_time(const struct cenv_store *store, const char *path, int64_t *time_ns,
                    struct cenv_error *err)
{
    char name[NAME_SIZE];
    struct cenv_stat st;
    int rc = entry_name(path, name, err);
    if (rc == 0)
        rc = cenv_fs_stat(store->dirs[CENV_STORE_CLONES], name, &st, err);
    if (rc == 0)
        *time_ns = st.mtime_ns;
    return rc;
}

int cenv_clone_set_time(const struct cenv_store *store, const char *path,
                        int64_t time_ns, struct cenv_error *err)
{
    char name[NAME_SIZE];
    int clones = store->dirs[CENV_STORE_CLONES];
    int rc = entry_name(path, name, err);
    if (rc < 0)
        return rc;
    rc = cenv_raw_set_mtime(clones, name, time_ns);
    return rc < 0 ? cenv_fs_fail(err, rc, clones, name, "cannot set the time of") : 0;
}

/* ---- the sweep ---- */

int cenv_sweep_note(struct cenv_sweep *sweep, const char *what, struct cenv_str dir,
                    const char *name, struct cenv_error *err)
{
    struct cenv_buf path, *out = &sweep->list;
    cenv_buf_init(&path, 1 << 20);
    cenv_buf_addf(&path, "%.*s%s%s", CENV_STR_ARG(dir), *name ? "/" : "", name);
    cenv_buf_puts(out, sweep->nr++ ? "," : "");
    if (sweep->look)
        cenv_buf_addf(out, "{\"what\":\"%s\",\"path\":", what);
    cenv_json_quote(out, cenv_buf_str(&path));
    cenv_buf_puts(out, sweep->look ? "}" : "");
    bool failed = path.failed || out->failed;
    cenv_buf_release(&path);
    return failed ? cenv_error_oom(err) : 0;
}

int cenv_sweep_note_in(struct cenv_sweep *sweep, enum cenv_store_dir dir,
                       const char *name, struct cenv_error *err)
{
    struct cenv_buf path;
    cenv_buf_init(&path, 1 << 20);
    int rc = cenv_store_add_path(sweep->store, dir, name, NULL, &path) < 0
                 ? cenv_error_oom(err)
                 : cenv_sweep_note(sweep, dir == CENV_STORE_TMP ? "work" : "template",
                                   cenv_buf_str(&path), "", err);
    cenv_buf_release(&path);
    return rc;
}

/* A clone is entered before it is renamed into place: what is not there yet may be on its way. */
static bool is_past(const struct cenv_store *store, const char *name)
{
    struct cenv_stat st;
    return cenv_raw_stat(store->dirs[CENV_STORE_CLONES], name, &st) == 0 &&
           st.mtime_ns / 1000000000 + ON_ITS_WAY_SECONDS < (int64_t)time(NULL);
}

enum half { NONE, REMOVED, HELD };

/* A half-made clone beside its place: an enum half, or a status. Its maker may just be dying. */
static int remove_half(const struct clone *clone, bool look, struct cenv_error *err)
{
    struct cenv_stat st;
    struct cenv_str parent = cenv_path_parent(cenv_str(clone->path));
    char *path = clone->temp && !strchr(clone->temp, '/')
                     ? cenv_memdup(parent.data, parent.len)
                     : NULL;
    int dir = path ? cenv_raw_open_dir(CENV_CWD, path) : -1, rc = NONE;
    if (dir >= 0 && cenv_raw_stat(dir, clone->temp, &st) == 0 &&
        st.type == CENV_FT_DIR &&
        (!clone->ino || (st.dev == clone->dev && st.ino == clone->ino)))
        rc = cenv_newprefix_is_left(dir, clone->temp) ? REMOVED : HELD;
    if (rc == REMOVED && !look && cenv_fs_remove_tree(dir, clone->temp, err) < 0)
        rc = err->status;
    cenv_fd_close(dir);
    cenv_free(path);
    return rc;
}

int cenv_clone_sweep_unfinished(const struct cenv_store *store, const char *path,
                                struct cenv_error *err)
{
    char name[NAME_SIZE];
    struct clone clone;
    int rc = entry_name(path, name, err);
    rc = rc ? rc : load(store, name, &clone, err);
    if (rc != 0)
        return rc < 0 ? rc : 0;
    rc = strcmp(clone.path, path) == 0 ? remove_half(&clone, false, err) : 0;
    if (rc == REMOVED)
        cenv_raw_unlink(store->dirs[CENV_STORE_CLONES], name);
    clone_release(&clone);
    return rc < 0 ? rc : 0;
}

/* The name it was made under is in its entry: there a sweep finds it, should nobody remove it. */
int cenv_clone_set_aside(struct cenv_store *store, const char *path,
                         struct cenv_buf *out, struct cenv_error *err)
{
    char name[NAME_SIZE];
    struct clone clone = {0};
    int rc = entry_name(path, name, err);
    rc = rc ? rc : load(store, name, &clone, err);
    if (rc < 0)
        return rc;
    bool known = rc == 0 && clone.temp && is_still_it(&clone);
    char *temp =
        known ? cenv_strdup(clone.temp) : cenv_fs_unique_name(".cenv-removed.cenv");
    clone_release(&clone);
    struct cenv_str parent = cenv_path_parent(cenv_str(path));
    size_t before = out->len;
    cenv_buf_addf(out, "%.*s/%s", CENV_STR_ARG(parent), temp ? temp : "");
    rc = !temp || out->failed
             ? cenv_error_oom(err)
             : cenv_fs_rename(CENV_CWD, path, CENV_CWD, out->data + before, err);
    if (rc < 0)
        out->len = before;
    cenv_free(temp);
    return rc;
}

/* What killed clonings left: ".<name>.cenv-<pid>-<nonce>". */
static int remove_unfinished(struct cenv_sweep *sweep, const char *home,
                             struct cenv_error *err)
{
    struct cenv_listing names;
    int rc = 0, dir = cenv_raw_open_dir(CENV_CWD, home);
    if (dir < 0 || cenv_listing_read(&names, dir, true) < 0) {
        cenv_fd_close(dir);
        return 0;
    }
    for (size_t i = 0; i < names.nr && rc == 0; i++) {
        const char *name = names.entries[i].name;
        if (name[0] != '.' || !strstr(name, ".cenv-"))
            continue;
        rc = sweep->look
                 ? cenv_sweep_note(sweep, "unfinished", cenv_str(home), name, err)
                 : cenv_fs_remove_tree(dir, name, err);
    }
    cenv_listing_release(&names);
    cenv_fd_close(dir);
    if (rc == 0 && !sweep->look)
        cenv_raw_rmdir(CENV_CWD, home);
    return rc;
}

/* 1 removed, 0 stays (a home with clones in it), or a status. */
static int remove_orphan(struct cenv_sweep *sweep, const struct clone *clone,
                         struct cenv_error *err)
{
    int rc;
    if (strcmp(clone->mode, HOME_MODE) == 0) {
        rc = remove_unfinished(sweep, clone->path, err);
        return rc < 0 ? rc : 0;
    }
    if (sweep->look)
        return 1;
    rc = strcmp(clone->mode, CENV_OVERLAY_MODE) == 0
             ? cenv_overlay_remove(NULL, clone->path, err)
             : cenv_fs_remove_tree(CENV_CWD, clone->path, err);
    return rc < 0 ? rc : 1;
}

/* A sweep tells of the clone; who looks is told what lies there. */
static int note_half(struct cenv_sweep *sweep, const struct clone *clone,
                     struct cenv_error *err)
{
    struct cenv_str path = cenv_str(clone->path);
    return sweep->look ? cenv_sweep_note(sweep, "unfinished", cenv_path_parent(path),
                                         clone->temp, err)
                       : cenv_sweep_note(sweep, "unfinished", path, "", err);
}

/* With the lock that a killed cloning left; one on its way has entered another clone by now. */
static void drop_entry(const struct cenv_store *store, const char *name)
{
    struct cenv_error ignored = CENV_ERROR_INIT;
    struct cenv_lock *claim = NULL;
    char lock[NAME_SIZE];
    claim_name(name, lock);
    int rc = cenv_store_try_lock(store, lock, &claim, &ignored);
    if (rc <= 0)
        cenv_raw_unlink(store->dirs[CENV_STORE_CLONES], name);
    if (claim)
        cenv_store_unlock(store, lock, claim);
    cenv_error_release(&ignored);
}

/*
 * The registry is ours, and dev and inode say that it is still the directory we made: one that was
 * put in its place since stays. An entry without owner lives as long as its directory.
 */
static int sweep_clone(struct cenv_sweep *sweep, const char *name,
                       struct cenv_error *err)
{
    struct clone clone;
    const struct cenv_store *store = sweep->store;
    int rc = load(store, name, &clone, err);
    if (rc < 0)
        return rc;
    if (rc == 1) { /* not whole; those with a dot are just being written */
        if (!sweep->look && (name[0] != '.' || is_past(store, name)))
            cenv_raw_unlink(store->dirs[CENV_STORE_CLONES], name);
        return 0;
    }
    bool there = is_still_it(&clone);
    bool orphan = clone.owner.pid > 0 && !cenv_owner_may_live(&clone.owner);
    rc = NONE;
    if (there && orphan) {
        rc = remove_orphan(sweep, &clone, err);
        if (rc == 1)
            rc = cenv_sweep_note(sweep, "clone", cenv_str(clone.path), "", err);
        there = false;
    } else if (!there) {
        rc = remove_half(&clone, sweep->look, err);
        orphan = (orphan && rc != HELD) || rc == REMOVED;
        if (rc == REMOVED)
            rc = note_half(sweep, &clone, err);
    }
    if (rc >= 0 && rc != HELD && !there && !sweep->look &&
        (orphan || is_past(store, name)))
        drop_entry(store, name);
    clone_release(&clone);
    return rc < 0 ? rc : 0;
}

static int sweep_clones(struct cenv_sweep *sweep, struct cenv_error *err)
{
    struct cenv_listing names;
    int clones = sweep->store->dirs[CENV_STORE_CLONES];
    int rc = cenv_listing_read(&names, clones, true);
    if (rc < 0)
        return cenv_fs_fail(err, rc, clones, NULL, "cannot list");
    for (size_t i = 0; i < names.nr && rc == 0; i++) {
        rc = cenv_task_poll(sweep->task, err);
        if (rc == 0 && names.entries[i].type == CENV_FT_FILE)
            rc = sweep_clone(sweep, names.entries[i].name, err);
    }
    cenv_listing_release(&names);
    return rc;
}

/* A stage whose own users hold a lease stays. */
static int drop_stage(const struct cenv_store *store, const char *name,
                      uint64_t *removed, struct cenv_error *err)
{
    struct clone clone;
    struct cenv_lock *lease = NULL;
    struct cenv_store *stage = NULL;
    int rc = load(store, name, &clone, err);
    if (rc != 0)
        return rc < 0 ? rc : 0;
    if (strcmp(clone.mode, CENV_STAGE_MODE) == 0 && is_still_it(&clone)) {
        rc = cenv_store_open(&stage, clone.path, err);
        rc = rc ? rc : cenv_store_try_exclusive(stage, &lease, err);
        if (rc == 0) {
            rc = cenv_fs_remove_tree(CENV_CWD, clone.path, err);
            cenv_raw_unlink(store->dirs[CENV_STORE_CLONES], name);
            *removed += rc == 0;
        }
        cenv_lock_free(lease);
        cenv_store_free(stage);
    }
    clone_release(&clone);
    return rc < 0 ? rc : 0;
}

int cenv_store_drop_stages(const struct cenv_store *store, uint64_t *removed,
                           struct cenv_task *task, struct cenv_error *err)
{
    struct cenv_listing names;
    int clones = store->dirs[CENV_STORE_CLONES];
    int rc = cenv_listing_read(&names, clones, true);
    if (rc < 0)
        return cenv_fs_fail(err, rc, clones, NULL, "cannot list");
    for (size_t i = 0; i < names.nr && rc == 0; i++) {
        rc = cenv_task_poll(task, err);
        rc = rc ? rc : drop_stage(store, names.entries[i].name, removed, err);
    }
    cenv_listing_release(&names);
    return rc;
}

static int sweep_all(struct cenv_sweep *sweep, struct cenv_error *err)
{
    int rc = sweep_clones(sweep, err);
    rc = rc ? rc : cenv_template_sweep(sweep, err);
    return rc ? rc : cenv_work_sweep(sweep, err);
}

int cenv_store_sweep(struct cenv_store *store, struct cenv_task *task,
                     struct cenv_buf *out, struct cenv_error *err)
{
    struct cenv_sweep sweep = {.store = store, .task = task};
    cenv_buf_init(&sweep.list, out->max);
    int rc = sweep_all(&sweep, err);
    if (rc == 0 && cenv_buf_addf(out, "{\"removed\":[%s],\"works\":%llu}",
                                 cenv_buf_str(&sweep.list).data,
                                 (unsigned long long)sweep.removed) < 0)
        rc = cenv_error_oom(err);
    cenv_buf_release(&sweep.list);
    return rc;
}

int cenv_store_orphans(struct cenv_store *store, struct cenv_task *task,
                       struct cenv_buf *out, struct cenv_error *err)
{
    struct cenv_sweep sweep = {.store = store, .task = task, .look = true};
    cenv_buf_init(&sweep.list, out->max);
    int rc = sweep_all(&sweep, err);
    if (rc == 0 && cenv_buf_addf(out, "[%s]", cenv_buf_str(&sweep.list).data) < 0)
        rc = cenv_error_oom(err);
    cenv_buf_release(&sweep.list);
    return rc;
}
