/* SPDX-License-Identifier: BSD-3-Clause */
/* The registry of clones: entering, finding, changing and dropping entries. */
#include "store/clone_registry.h"

#include <errno.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/digest.h"
#include "codec/json.h"
#include "codec/shape.h"
#include "os/fs.h"
#include "os/fs_data.h"
#include "os/fs_where.h"
#include "os/lock.h"
#include "os/owner.h"
#include "store/fields.h"
#include "store/store_lock.h"

#define LOCK_PREFIX "clone-"

enum { ENTRY_MAX = 1 << 20, LOCK_NAME = sizeof(LOCK_PREFIX) + CENV_STORE_KEY };

int cenv_clone_registry_file(const char *path, char name[CENV_STORE_FILE],
                             struct cenv_error *err)
{
    return cenv_layout_file(cenv_str(path), name, err);
}

/* The lock of the process that clones to the path of an entry, from the name of its file. */
static void set_lock_name(const char *name, char lock[LOCK_NAME])
{
    snprintf(lock, LOCK_NAME, LOCK_PREFIX "%.*s", CENV_STORE_KEY - 1, name);
}

int cenv_clone_registry_claim(const struct cenv_store *store, const char *path,
                              struct cenv_lock **claim, struct cenv_task *task,
                              struct cenv_error *err)
{
    char name[CENV_STORE_FILE], lock[LOCK_NAME];
    int rc = cenv_clone_registry_file(path, name, err);
    if (rc < 0)
        return rc;
    set_lock_name(name, lock);
    rc = cenv_store_lock_take(store, lock, claim, task, err);
    /* Where it cannot be had, nothing can be entered either. */
    return cenv_layout_forgive_read_only(rc, err);
}

void cenv_clone_registry_unclaim(const struct cenv_store *store, const char *path,
                                 struct cenv_lock *claim, bool left)
{
    struct cenv_error ignored = CENV_ERROR_INIT;
    char name[CENV_STORE_FILE], lock[LOCK_NAME];
    if (left || cenv_clone_registry_file(path, name, &ignored) < 0) {
        cenv_lock_abandon(claim);
    } else if (claim) {
        set_lock_name(name, lock);
        cenv_store_lock_release(store, lock, claim);
    } else {
        cenv_lock_free(claim); /* its file stays for a sweep */
    }
    cenv_error_release(&ignored);
}

void cenv_clone_registry_let_go(const struct cenv_store *store, const char *name,
                                struct cenv_lock *claim)
{
    char lock[LOCK_NAME];
    set_lock_name(name, lock);
    if (claim)
        cenv_store_lock_release(store, lock, claim);
}

/* Without waiting: 0, 1 when somebody has it, or a status. */
static int try_claim(const struct cenv_store *store, const char *name,
                     struct cenv_lock **claim, struct cenv_error *err)
{
    char lock[LOCK_NAME];
    set_lock_name(name, lock);
    return cenv_store_lock_try(store, lock, claim, err);
}

int cenv_clone_registry_claim_vacant(const struct cenv_store *store, const char *name,
                                     struct cenv_lock **claim, struct cenv_error *err)
{
    int rc = try_claim(store, name, claim, err);
    if (rc == 0)
        rc = cenv_fs_exists(store->dirs[CENV_STORE_CLONES], name, err);
    if (rc != 0) {
        cenv_clone_registry_let_go(store, name, *claim);
        *claim = NULL;
    }
    return rc;
}

/* ---- writing ---- */

static int write_entry(const struct cenv_clone_entry *entry, struct cenv_buf *out,
                       struct cenv_error *err)
{
    struct cenv_json_writer w;
    cenv_json_writer_init(&w, out, 0);
    cenv_json_write_object(&w, NULL);
    cenv_fields_write_path(&w, "path", "path_hex", entry->path);
    cenv_fields_write_path(&w, "source", "source_hex", entry->source);
    if (entry->temp)
        cenv_fields_write_path(&w, "temp", "temp_hex", entry->temp);
    cenv_json_write_cstr(&w, "mode", entry->mode);
    cenv_fields_write_u64(&w, "dev", entry->dev);
    cenv_fields_write_u64(&w, "ino", entry->ino);
    if (entry->root_mode)
        cenv_json_write_u64(&w, "root_mode", entry->root_mode);
    if (entry->shown_ino) {
        cenv_fields_write_u64(&w, "shown_dev", entry->shown_dev);
        cenv_fields_write_u64(&w, "shown_ino", entry->shown_ino);
    }
    cenv_fields_write_owner(&w, &entry->owner);
    if (entry->provenance)
        cenv_json_write_cstr(&w, "origin", entry->provenance);
    if (entry->note)
        cenv_json_write_cstr(&w, "note", entry->note);
    cenv_json_write_end(&w);
    return cenv_json_writer_finish(&w, err);
}

/* A store that may only be read sweeps and resets nothing. */
int cenv_clone_registry_enter(const struct cenv_store *store,
                              const struct cenv_clone_entry *entry,
                              struct cenv_error *err)
{
    char name[CENV_STORE_FILE];
    struct cenv_buf text;
    int rc = cenv_clone_registry_file(entry->path, name, err);
    if (rc < 0)
        return rc;
    cenv_buf_init(&text, ENTRY_MAX);
    rc = write_entry(entry, &text, err);
    if (rc == 0)
        rc = cenv_fs_write_atomic(store->dirs[CENV_STORE_CLONES], name,
                                  cenv_buf_str(&text), 0600, err);
    cenv_buf_release(&text);
    return cenv_layout_forgive_read_only(rc, err);
}

int cenv_clone_registry_forget(const struct cenv_store *store, const char *path,
                               struct cenv_error *err)
{
    char name[CENV_STORE_FILE];
    int clones = store->dirs[CENV_STORE_CLONES];
    int rc = cenv_clone_registry_file(path, name, err);
    if (rc < 0)
        return rc;
    int failed = cenv_raw_unlink(clones, name);
    if (failed < 0 && failed != -ENOENT)
        return cenv_fs_fail(err, failed, clones, name, "cannot remove");
    return 0;
}

/* ---- reading ---- */

static const struct cenv_shape_member entry_members[] = {
    {"path_hex", &cenv_shape_string, true},
    {"source_hex", &cenv_shape_string, true},
    {"temp_hex", &cenv_shape_string, false},
    {"mode", &cenv_shape_string, true},
    {"dev", &cenv_shape_string, true},
    {"ino", &cenv_shape_string, true},
    {"root_mode", &cenv_shape_number, false},
    {"shown_dev", &cenv_shape_string, false},
    {"shown_ino", &cenv_shape_string, false},
    {"owner", &cenv_fields_owner, true},
    {"origin", &cenv_shape_string, false},
    {"note", &cenv_shape_string, false},
    {NULL, NULL, false},
};
static const struct cenv_shape entry_shape = {CENV_JSON_OBJECT, entry_members, NULL};

/* A text into `arena`; NULL where there is none. */
static int read_text(const struct cenv_json *doc, const char *key,
                     struct cenv_arena *arena, const char **out, struct cenv_error *err)
{
    struct cenv_str text = cenv_json_get_str(doc, key);
    *out = text.data ? cenv_arena_str(arena, text).data : NULL;
    return text.data && !*out ? cenv_error_oom(err) : 0;
}

/* As cenv_clone_registry_load; texts are copied into `arena`, for the document goes. */
static int read_entry(const struct cenv_json *doc, struct cenv_arena *arena,
                      struct cenv_clone_entry *out, struct cenv_error *err)
{
    int rc = cenv_fields_read_path(doc, "path_hex", arena, &out->path, err);
    if (rc == 0)
        rc = cenv_fields_read_path(doc, "source_hex", arena, &out->source, err);
    if (rc == 0 && cenv_json_get(doc, "temp_hex"))
        rc = cenv_fields_read_path(doc, "temp_hex", arena, &out->temp, err);
    if (rc != 0)
        return rc;
    rc = read_text(doc, "mode", arena, &out->mode, err);
    if (rc == 0)
        rc = read_text(doc, "origin", arena, &out->provenance, err);
    if (rc == 0)
        rc = read_text(doc, "note", arena, &out->note, err);
    if (rc != 0)
        return rc;
    out->dev = cenv_fields_read_u64(doc, "dev");
    out->ino = cenv_fields_read_u64(doc, "ino");
    out->root_mode = (uint32_t)cenv_json_get_int(doc, "root_mode", 0) & 07777;
    out->shown_dev = cenv_fields_read_u64(doc, "shown_dev");
    out->shown_ino = cenv_fields_read_u64(doc, "shown_ino");
    cenv_fields_read_owner(doc, &out->owner);
    return 0;
}

int cenv_clone_registry_load(const struct cenv_store *store, const char *name,
                             struct cenv_arena *arena, struct cenv_clone_entry *out,
                             struct cenv_error *err)
{
    struct cenv_json *doc = NULL;
    *out = (struct cenv_clone_entry){0};
    int rc = cenv_layout_load_json(store->dirs[CENV_STORE_CLONES], name, &entry_shape,
                                   &doc, err);
    if (rc == 0)
        rc = read_entry(doc, arena, out, err);
    cenv_json_free(doc);
    return rc;
}

/* The entry of a path; 1 when there is none. */
static int load_path(const struct cenv_store *store, const char *path,
                     struct cenv_arena *arena, struct cenv_clone_entry *out,
                     struct cenv_error *err)
{
    char name[CENV_STORE_FILE];
    int rc = cenv_clone_registry_file(path, name, err);
    if (rc == 0)
        rc = cenv_clone_registry_load(store, name, arena, out, err);
    return rc;
}

/* 1, 0, or a status where that is not known: of a clone in another user's home, say. */
static int lies_at(const struct cenv_clone_entry *clone, const char *path,
                   struct cenv_error *err)
{
    struct cenv_stat st;
    int raw = cenv_raw_stat_lasting(CENV_CWD, path, &st);
    if (raw < 0 && !cenv_raw_is_absent(raw))
        return cenv_fs_fail(err, raw, CENV_CWD, path, "cannot look at");
    if (raw < 0 || st.type != CENV_FT_DIR)
        return 0;
    return (st.dev == clone->dev && st.ino == clone->ino) ||
           (clone->shown_ino && st.dev == clone->shown_dev &&
            st.ino == clone->shown_ino);
}

int cenv_clone_registry_is_there(const struct cenv_clone_entry *clone,
                                 struct cenv_error *err)
{
    return lies_at(clone, clone->path, err);
}

int cenv_clone_registry_find(const struct cenv_store *store, const char *path,
                             struct cenv_arena *arena, struct cenv_clone_entry *out,
                             struct cenv_error *err)
{
    int rc = load_path(store, path, arena, out, err);
    if (rc != 0)
        return rc;
    if (strcmp(out->path, path) != 0)
        return 1;
    rc = cenv_clone_registry_is_there(out, err);
    return rc < 0 ? rc : !rc;
}

/* ---- changing ---- */

/* With the time of the entry that is there: it tells what changed since the cloning. */
static int enter_again(const struct cenv_store *store,
                       const struct cenv_clone_entry *entry, struct cenv_error *err)
{
    int64_t time_ns;
    int rc = cenv_clone_registry_time(store, entry->path, &time_ns, err);
    if (rc == 0)
        rc = cenv_clone_registry_enter(store, entry, err);
    if (rc == 0)
        rc = cenv_clone_registry_set_time(store, entry->path, time_ns, err);
    return rc;
}

int cenv_clone_set_owner(struct cenv_store *store, const char *path, int64_t pid,
                         struct cenv_error *err)
{
    struct cenv_arena arena = CENV_ARENA_INIT;
    struct cenv_clone_entry clone;
    int rc = cenv_clone_registry_find(store, path, &arena, &clone, err);
    if (rc == 1)
        rc = cenv_error_set(err, CENV_EUSAGE, "'%s' is no clone of %s", path,
                            store->path);
    if (rc == 0) {
        clone.owner = (struct cenv_owner){.pid = 0};
        if (pid > 0)
            cenv_owner_of(pid, &clone.owner);
        rc = enter_again(store, &clone, err);
    }
    cenv_arena_release(&arena);
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
    int raw = cenv_raw_stat_lasting(CENV_CWD, path, &st);
    if (raw < 0)
        return cenv_fs_fail(err, raw, CENV_CWD, path, "cannot look at");
    entry.dev = st.dev;
    entry.ino = st.ino;
    cenv_owner_of(pid, &entry.owner);
    return cenv_clone_registry_enter(store, &entry, err);
}

int cenv_clone_registry_set_shown(const struct cenv_store *store,
                                  const struct cenv_clone_entry *clone,
                                  struct cenv_error *err)
{
    struct cenv_clone_entry entry = *clone;
    struct cenv_stat st;
    int rc = cenv_fs_stat(CENV_CWD, clone->path, &st, err);
    if (rc < 0)
        return rc;
    entry.shown_dev = st.dev;
    entry.shown_ino = st.ino;
    return cenv_clone_registry_enter(store, &entry, err);
}

int cenv_clone_registry_disown(const struct cenv_store *store,
                               const struct cenv_clone_entry *clone, const char *mode,
                               int dir, struct cenv_error *err)
{
    struct cenv_clone_entry entry = *clone;
    struct cenv_stat st;
    int raw = dir < 0 ? cenv_raw_stat_lasting(CENV_CWD, clone->path, &st)
                      : cenv_raw_stat_lasting(dir, ".", &st);
    if (raw < 0)
        return cenv_fs_fail(err, raw, CENV_CWD, clone->path, "cannot look at");
    entry.mode = mode;
    entry.dev = st.dev;
    entry.ino = st.ino;
    entry.shown_dev = entry.shown_ino = 0;
    entry.owner = (struct cenv_owner){.pid = 0};
    return enter_again(store, &entry, err);
}

/* The entry's own modification time: written right before the clone was there. */
int cenv_clone_registry_time(const struct cenv_store *store, const char *path,
                             int64_t *time_ns, struct cenv_error *err)
{
    char name[CENV_STORE_FILE];
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
    char name[CENV_STORE_FILE];
    int clones = store->dirs[CENV_STORE_CLONES];
    int rc = cenv_clone_registry_file(path, name, err);
    if (rc < 0)
        return rc;
    int failed = cenv_raw_set_mtime(clones, name, time_ns);
    if (failed < 0 && !cenv_fs_takes_no_times(failed)) /* then a reset looks at more */
        return cenv_fs_fail(err, failed, clones, name, "cannot set the time of");
    return 0;
}

/* ---- forgetting what is removed ---- */

struct cenv_clone_mark {
    char name[CENV_STORE_FILE];
    struct cenv_arena arena;
    struct cenv_clone_entry clone;
};

static void free_mark(struct cenv_clone_mark *mark)
{
    if (mark)
        cenv_arena_release(&mark->arena);
    cenv_free(mark);
}

struct cenv_clone_mark *cenv_clone_registry_mark(const struct cenv_store *store,
                                                 const char *path, const char *at)
{
    struct cenv_error ignored = CENV_ERROR_INIT;
    struct cenv_clone_mark *mark = cenv_calloc(1, sizeof(*mark));
    bool known = mark && cenv_clone_registry_file(path, mark->name, &ignored) == 0 &&
                 cenv_clone_registry_load(store, mark->name, &mark->arena, &mark->clone,
                                          &ignored) == 0;
    known = known && lies_at(&mark->clone, at, &ignored) == 1;
    cenv_error_release(&ignored);
    if (known)
        return mark;
    free_mark(mark);
    return NULL;
}

/* Inodes are used again at once, the name beside the destination never is. */
static bool is_same_clone(const struct cenv_clone_entry *a,
                          const struct cenv_clone_entry *b)
{
    return a->dev == b->dev && a->ino == b->ino && !a->temp == !b->temp &&
           (!a->temp || strcmp(a->temp, b->temp) == 0);
}

/* A process that clones to the path meanwhile has entered, or will enter, a clone of its own. */
static void drop_marked(const struct cenv_store *store, struct cenv_clone_mark *mark)
{
    struct cenv_error ignored = CENV_ERROR_INIT;
    struct cenv_lock *claim = NULL;
    struct cenv_clone_entry now;
    if (try_claim(store, mark->name, &claim, &ignored) == 0 &&
        cenv_clone_registry_load(store, mark->name, &mark->arena, &now, &ignored) ==
            0 &&
        is_same_clone(&now, &mark->clone))
        cenv_raw_unlink(store->dirs[CENV_STORE_CLONES], mark->name);
    cenv_clone_registry_let_go(store, mark->name, claim);
    cenv_error_release(&ignored);
}

void cenv_clone_registry_forget_marked(const struct cenv_store *store,
                                       struct cenv_clone_mark *mark, bool removed)
{
    if (mark && removed)
        drop_marked(store, mark);
    free_mark(mark);
}

/* With the lock that a killed cloning left; one on its way has entered another clone by now. */
void cenv_clone_registry_drop(const struct cenv_store *store, const char *name)
{
    struct cenv_error ignored = CENV_ERROR_INIT;
    struct cenv_lock *claim = NULL;
    int rc = try_claim(store, name, &claim, &ignored);
    if (rc <= 0 && ignored.status != CENV_ENOMEM)
        cenv_raw_unlink(store->dirs[CENV_STORE_CLONES], name);
    cenv_clone_registry_let_go(store, name, claim);
    cenv_error_release(&ignored);
}
