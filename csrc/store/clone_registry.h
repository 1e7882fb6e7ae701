/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The registry of clones, v1/clones/<key>.json: what reset and the sweep need to know of each. The
 * key is of the path, so that a path has one entry.
 */
#ifndef CENV_STORE_CLONE_REGISTRY_H
#define CENV_STORE_CLONE_REGISTRY_H

#include "os/lock.h"
#include "os/proc.h"
#include "store/layout.h"

/* The mode of the entry of a directory that clones are made in. */
#define CENV_CLONES_HOME_MODE "home"
/* The mode of the entry of a mirror: a store of copies on another file system. */
#define CENV_MIRROR_MODE "stage"

struct cenv_clone_entry {
    const char *path;              /* absolute */
    const char *source;            /* absolute: the prefix it was cloned from */
    uint64_t dev, ino;             /* of the directory at `path`; 0: not made yet */
    uint32_t root_mode;            /* permission bits it was given */
    struct cenv_owner owner;       /* pid 0: nobody's, never swept */
    const char *mode;              /* "reflink", "hardlink", "copy", "overlay" */
    uint64_t shown_dev, shown_ino; /* overlay: of what is mounted over the directory */
    const char *temp; /* its name beside `path` until it is whole, or NULL */
    /* See provenance.h; "": none, NULL: as it was entered before. */
    const char *provenance;
};

/* Enters it, replacing an entry of the same path. In a read-only store nothing is entered (0). */
int cenv_clone_registry_enter(const struct cenv_store *store,
                              const struct cenv_clone_entry *entry,
                              struct cenv_error *err);
int cenv_clone_registry_forget(const struct cenv_store *store, const char *path,
                               struct cenv_error *err);

/*
 * One process at a time clones to a path, so that an entry is of the clone that is there: claim waits
 * until nobody else does, as long as the process lives. Unclaim with the same path; NULL is fine.
 */
int cenv_clone_registry_claim(const struct cenv_store *store, const char *path,
                              struct cenv_lock **claim, struct cenv_task *task,
                              struct cenv_error *err);
void cenv_clone_registry_unclaim(const struct cenv_store *store, const char *path,
                                 struct cenv_lock *claim);

/*
 * For whoever removes a clone: mark, while it is there, the entry of the clone of `path` that lies
 * `at` (the same, or where it was set aside); NULL when it is none of the store. Forget then drops
 * the entry if the clone was `removed`, and another has not taken its place; it frees the mark.
 */
struct cenv_clone_mark;
struct cenv_clone_mark *cenv_clone_registry_mark(const struct cenv_store *store,
                                                 const char *path, const char *at);
void cenv_clone_registry_forget_marked(const struct cenv_store *store,
                                       struct cenv_clone_mark *mark, bool removed);

/* The overlay was mounted anew: enters what is shown at `path` now. The process that owns it. */
int cenv_clone_registry_set_shown(const struct cenv_store *store, const char *path,
                                  struct cenv_error *err);
int cenv_clone_registry_owner(const struct cenv_store *store, const char *path,
                              int64_t *pid, struct cenv_error *err);

/* The clone is nobody's from now on: no sweep takes it. `mode`: what it is now. */
int cenv_clone_registry_disown(const struct cenv_store *store, const char *path,
                               const char *source, const char *mode,
                               struct cenv_error *err);

/* 0 with *source and *mode (caller frees) when `path` is a registered clone, the very directory
 * that was registered; 1 when not. */
int cenv_clone_registry_find(const struct cenv_store *store, const char *path,
                             char **source, char **mode, struct cenv_error *err);

/* The permission bits that the clone itself was given: of its source, or of the empty directory that
 * it took the place of. 1 when they are not known. */
int cenv_clone_registry_root_mode(const struct cenv_store *store, const char *path,
                                  uint32_t *mode, struct cenv_error *err);

/* What it was entered with, for the caller to free; 0, or 1 when there is none. */
int cenv_clone_provenance(const struct cenv_store *store, const char *path,
                          char **provenance, struct cenv_error *err);

/* The time, in ns since 1970, after which a change in the clone is a change; set after a reset. */
int cenv_clone_registry_time(const struct cenv_store *store, const char *path,
                             int64_t *time_ns, struct cenv_error *err);
int cenv_clone_registry_set_time(const struct cenv_store *store, const char *path,
                                 int64_t time_ns, struct cenv_error *err);

/* ---- entries by their file ---- */

/* A buffer for the name of an entry's file in v1/clones. */
enum { CENV_CLONE_REGISTRY_FILE = CENV_STORE_KEY + 8 };

/* The name of the file of the entry of `path`. */
int cenv_clone_registry_file(const char *path, char name[CENV_CLONE_REGISTRY_FILE],
                             struct cenv_error *err);

/* An entry as it was read; release frees what it holds. */
struct cenv_registered_clone {
    char *path, *source, *mode;
    char *temp; /* or NULL */
    uint64_t dev, ino, shown_dev, shown_ino;
    uint32_t root_mode;
    struct cenv_owner owner;
};

/* Reads the entry in the file `name`; 1 when there is none, or it is not whole. */
int cenv_clone_registry_load(const struct cenv_store *store, const char *name,
                             struct cenv_registered_clone *out, struct cenv_error *err);
void cenv_clone_registry_release(struct cenv_registered_clone *clone);

/* Whether what lies at the path is the very directory that was entered. */
bool cenv_clone_registry_is_there(const struct cenv_registered_clone *clone);

/*
 * Removes an entry whose clone is gone, with the lock that a killed cloning left. An entry of a
 * path that is being cloned to right now stays: it is of another clone.
 */
void cenv_clone_registry_drop(const struct cenv_store *store, const char *name);

#endif
