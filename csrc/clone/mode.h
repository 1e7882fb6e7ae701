/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The modes of clones, one row each. To add a mode, write its functions (or take those of files)
 * and add a row in mode.c: the names that users may give, in C and Python, come from there.
 */
#ifndef CENV_CLONE_MODE_H
#define CENV_CLONE_MODE_H

#include "clone/job.h"
#include "clone/overlay.h"
#include "clone/report.h"
#include "prefix/copy_tree.h"
#include "prefix/new_prefix.h"
#include "store/clone_registry.h"

struct cenv_clone_mode {
    const char *name;             /* NULL: that of `placing` */
    enum cenv_place_mode placing; /* how a file that can be shared gets there */
    bool shows; /* relocated files as they lie in a layer, by a mount */

    /* Why "auto" is not to be this mode, should it work there, as far as can be told without
     * trying, or NULL; no such function: it never is. */
    const char *(*decline)(const struct cenv_clone_job *job);

    /* Why the mode cannot work there, as far as can be told without trying, or NULL. Asked once,
     * before the others; no such function: `decline` and `probe` tell. */
    const char *(*refuse)(const struct cenv_clone_job *job);

    /* Before anything is made: CENV_ELINK where the mode cannot work. NULL: it can. */
    int (*check)(const struct cenv_clone_job *job, struct cenv_error *err);

    /* By trying, in the new directory: the reason why it cannot work there, or NULL. What it found
     * on the way it may leave in the job. */
    const char *(*probe)(struct cenv_clone_job *job);

    /* Places all that the prepared clone describes; on failure nothing of it is left mounted. */
    int (*place)(struct cenv_clone_job *job, enum cenv_place_mode placing,
                 struct cenv_error *err);

    /* Shows the whole clone at its path; NULL: it is there since it was placed. */
    int (*publish)(struct cenv_clone_job *job, struct cenv_error *err);

    /* Takes back what was placed and cannot be published; NULL: closing the directory does. */
    void (*withdraw)(struct cenv_clone_job *job);

    /*
     * Puts a registered clone back to what its source is now. CENV_RESET_ANEW: only a new clone
     * will do, and nothing was done yet. `prepare_anew` then makes place for it, and appends the
     * mount namespace that its options have to name; `finish_anew` lets the old one go if there is
     * a new one, else shows it again. NULL where reset never says so.
     */
    int (*reset)(const struct cenv_clone_entry *clone, struct cenv_store *store,
                 enum cenv_place_mode placing, struct cenv_reset_counts *counts,
                 struct cenv_task *task, struct cenv_error *err);
    int (*prepare_anew)(const struct cenv_clone_entry *clone,
                        struct cenv_buf *namespace, struct cenv_overlay_kept *old,
                        struct cenv_error *err);
    void (*finish_anew)(const struct cenv_clone_entry *clone,
                        struct cenv_overlay_kept *old, bool made);

    /* Removes what lies at `path`; absent is fine. */
    int (*remove)(const char *path, struct cenv_error *err);

    /*
     * Makes a clone a directory of its own, with files placed by `placing`; NULL: it is one. What
     * it shows is written out beside `path` (the caller closes `to`), and then takes its place.
     */
    int (*write_out)(const char *path, struct cenv_newprefix *to,
                     struct cenv_copied *copied, struct cenv_task *task,
                     struct cenv_error *err);
    int (*show_written)(struct cenv_newprefix *to, struct cenv_error *err);
};

/* The mode of this name; NULL: there is none. */
const struct cenv_clone_mode *cenv_clone_mode_find(const char *name);

/* The same of a name that a user gave (NULL: no name at all); CENV_EUSAGE tells which there are. */
int cenv_clone_mode_parse(const char *name, const struct cenv_clone_mode **out,
                          struct cenv_error *err);

/* The mode of a clone whose entry says `name`: that of copies where it is not known here. */
const struct cenv_clone_mode *cenv_clone_mode_of_entry(const char *name);

/* As entries and reports have it. */
const char *cenv_clone_mode_text(const struct cenv_clone_mode *mode);

/*
 * The mode to make a clone in whose new directory is there: the one asked for, else for "auto" the
 * first that suits and works, with those before it in `refused` of the job. NULL with CENV_ELINK
 * and the reason where the one asked for does not.
 */
const struct cenv_clone_mode *cenv_clone_mode_choose(struct cenv_clone_job *job,
                                                     struct cenv_error *err);

#endif
