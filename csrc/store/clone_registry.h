/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The registry of clones, v1/clones/<key>.json: what reset and the sweep need to know of each. The
 * key is of the path, so that a path has one entry.
 */
#ifndef CENV_STORE_CLONE_REGISTRY_H
#define CENV_STORE_CLONE_REGISTRY_H

#include "base/arena.h"
#include "os/lock.h"
#include "os/owner.h"
#include "store/layout.h"

/* The mode of the entry of a directory that clones are made in. */
#define CENV_CLONES_HOME_MODE "home"
/* The mode of the entry of what is no clone, and forgotten when it is whole: its sibling. */
#define CENV_UNFINISHED_MODE "unfinished"
/* The mode of the entry of a mirror: a store of copies on another file system. */
#define CENV_MIRROR_MODE "stage"

/* Texts belong to the caller, or to the arena that it was loaded into. */
struct cenv_clone_entry {
    const char *path;   /* absolute */
    const char *source; /* absolute: the prefix it was cloned from */
    const char *temp;   /* its name beside `path` until it is whole, or NULL */
    /* "snapshot", "reflink", "hardlink", "copy", "overlay", or one of the above. */
    const char *mode;
    const char *provenance; /* see clone/provenance.h, or NULL */
    const char *note;       /* of its maker, for those that reset it, or NULL */
    /* Of the directory at `path`, as cenv_raw_stat_lasting tells them; 0: not made yet. */
    uint64_t dev, ino;
    uint64_t shown_dev, shown_ino; /* overlay: of what is mounted over the directory */
    uint32_t root_mode;            /* permission bits it was given; 0: not known */
    struct cenv_owner owner;       /* pid 0: nobody's, never swept */
};

/* Enters it, in the place of an entry of the same path. In a read-only store nothing is entered. */
int cenv_clone_registry_enter(const struct cenv_store *store,
                              const struct cenv_clone_entry *entry,
                              struct cenv_error *err);
int cenv_clone_registry_forget(const struct cenv_store *store, const char *path,
                               struct cenv_error *err);

/*
 * One process at a time clones to a path, so that an entry is of the clone that is there: claim
 * waits until nobody else does, as long as the process lives. Unclaim with the same path; NULL is
 * fine. With `left` the entry stays for a sweep, which is due as if this process had been killed.
 */
int cenv_clone_registry_claim(const struct cenv_store *store, const char *path,
                              struct cenv_lock **claim, struct cenv_task *task,
                              struct cenv_error *err);
void cenv_clone_registry_unclaim(const struct cenv_store *store, const char *path,
                                 struct cenv_lock *claim, bool left);

/*
 * Claims the path of the entry in the file `name`, without waiting, where it has no clone: 0, and 1
 * where it has one, or somebody clones to it. Let go with the same name.
 */
int cenv_clone_registry_claim_vacant(const struct cenv_store *store, const char *name,
                                     struct cenv_lock **claim, struct cenv_error *err);
void cenv_clone_registry_let_go(const struct cenv_store *store, const char *name,
                                struct cenv_lock *claim);

/*
 * Before a clone is removed: marks the entry of the clone of `path` that lies `at` (the same, or
 * where it was set aside); NULL when it is none of the store. Forget then drops the entry if the
 * clone was `removed`, and another has not taken its place; it frees the mark.
 */
struct cenv_clone_mark;
struct cenv_clone_mark *cenv_clone_registry_mark(const struct cenv_store *store,
                                                 const char *path, const char *at);
void cenv_clone_registry_forget_marked(const struct cenv_store *store,
                                       struct cenv_clone_mark *mark, bool removed);

/*
 * The entry of `path`, read into `arena`: 0 when what lies there is the very directory that was
 * entered, 1 when there is none, or another.
 */
int cenv_clone_registry_find(const struct cenv_store *store, const char *path,
                             struct cenv_arena *arena, struct cenv_clone_entry *out,
                             struct cenv_error *err);

/* The overlay was mounted anew: enters what is shown at its path now. */
int cenv_clone_registry_set_shown(const struct cenv_store *store,
                                  const struct cenv_clone_entry *clone,
                                  struct cenv_error *err);

/*
 * The clone is nobody's from now on: no sweep takes it. `mode`: what it is now; `dir`: the
 * directory that is about to be at its path, or -1 for the one that is there. The time stays: the
 * files that an overlay was written out to are all later, and what was changed is not known of any.
 */
int cenv_clone_registry_disown(const struct cenv_store *store,
                               const struct cenv_clone_entry *clone, const char *mode,
                               int dir, struct cenv_error *err);

/* The time, in ns since 1970, after which a change in the clone is a change; set after a reset. */
int cenv_clone_registry_time(const struct cenv_store *store, const char *path,
                             int64_t *time_ns, struct cenv_error *err);
int cenv_clone_registry_set_time(const struct cenv_store *store, const char *path,
                                 int64_t time_ns, struct cenv_error *err);

/* ---- entries by their file ---- */

/* The name of the file in v1/clones of the entry of `path`. */
int cenv_clone_registry_file(const char *path, char name[CENV_STORE_FILE],
                             struct cenv_error *err);

/* Reads the entry in the file `name` into `arena`; 1 when there is none, or it is not whole. */
int cenv_clone_registry_load(const struct cenv_store *store, const char *name,
                             struct cenv_arena *arena, struct cenv_clone_entry *out,
                             struct cenv_error *err);

/* Whether what lies at the path is the very directory that was entered: 1, 0, or a status where
 * that cannot be seen. */
int cenv_clone_registry_is_there(const struct cenv_clone_entry *clone,
                                 struct cenv_error *err);

/*
 * Removes an entry whose clone is gone, with the lock that a killed cloning left. An entry of a
 * path that is being cloned to right now stays: it is of another clone.
 */
void cenv_clone_registry_drop(const struct cenv_store *store, const char *name);

#endif
