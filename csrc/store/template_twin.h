/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The twin of a template: a subvolume with what all clones of it have in common, of which snapshots
 * are taken. It is v1/templates/<id>/twin/{tree/,facts}, so that it goes with its template, and
 * nobody writes to it once it is published: what its file system says of its last change tells, and
 * after a change, that may have been but of times of access, the ctimes of all that is in it.
 */
#ifndef CENV_STORE_TEMPLATE_TWIN_H
#define CENV_STORE_TEMPLATE_TWIN_H

#include "os/lock.h"
#include "os/subvolume.h"
#include "store/layout.h"

/* Names inside the twin: the subvolume, and what is known of it. */
#define CENV_TWIN_TREE  "tree"
#define CENV_TWIN_FACTS "facts"

/* One that is open; `tree` is the caller's to close. */
struct cenv_template_twin {
    int tree; /* -1: none */
    struct cenv_subvolume_facts facts;
};

/*
 * Opens the twin of the template `id` that was made by the manifest of that sum: 1 when there is
 * none, or it was changed since, or is another user's or group's; or a status.
 */
int cenv_template_twin_open(const struct cenv_store *store, const char *id,
                            uint64_t manifest, struct cenv_template_twin *out,
                            struct cenv_task *task, struct cenv_error *err);

void cenv_template_twin_close(struct cenv_template_twin *twin);

/*
 * About what the twin of the template `id` takes on the disk, 0 where there is none: extents are
 * its template's, so that these are records of files and directories, and what is small enough to
 * lie in them.
 */
uint64_t cenv_template_twin_bytes(const struct cenv_store *store, const char *id);

/* Whether nothing changed it since it was made; to be asked behind a snapshot, too, for a removal
 * may have begun meanwhile. */
bool cenv_template_twin_is_unchanged(const struct cenv_template_twin *twin);

/* Writes the facts of what is in the directory `dir`, and on the disk. CENV_EOS: they are not told
 * by this kernel. */
int cenv_template_twin_save(int dir, uint64_t manifest, struct cenv_task *task,
                            struct cenv_error *err);

/* Puts `name` of the directory `from` in the place of the twin that is there, or of none. */
int cenv_template_twin_publish(const struct cenv_store *store, int from,
                               const char *name, const char *id,
                               struct cenv_error *err);

/* The lock of the one that makes it, whose file ends with it; see store_lock.h. */
int cenv_template_twin_lock(const struct cenv_store *store, const char *id,
                            struct cenv_lock **lock, struct cenv_task *task,
                            struct cenv_error *err);
void cenv_template_twin_unlock(const struct cenv_store *store, const char *id,
                               struct cenv_lock *lock);

#endif
