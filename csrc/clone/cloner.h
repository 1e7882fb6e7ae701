/* SPDX-License-Identifier: BSD-3-Clause */
/* A clone on its way into an open directory: what the threads that place its files share. */
#ifndef CENV_CLONE_CLONER_H
#define CENV_CLONE_CLONER_H

#include <stdatomic.h>

#include "base/digest.h"
#include "base/map.h"
#include "base/task.h"
#include "clone/prepared_clone.h"
#include "clone/remembered.h"
#include "os/fs.h"
#include "os/fs_place.h"

enum { CENV_CLONER_THREADS = 8, CENV_CLONER_PIECES = 64, CENV_CLONER_VALUE = 72 };
enum { CENV_CLONER_WINDOW = 1 << 18 };

/* Why a file was not shared as asked for; the names are those of the report. */
enum cenv_fallback {
    CENV_FALLBACK_XDEV,  /* another file system */
    CENV_FALLBACK_MLINK, /* the inode has as many links as it can */
    CENV_FALLBACK_PERM,  /* not the user's own (fs.protected_hardlinks) */
    CENV_FALLBACK_OTHER, /* the file system cannot */
    CENV_FALLBACK_NR
};

/* What was placed. */
struct cenv_clone_counts {
    uint64_t files, relocated, bytes_copied, bytes_shared;
    uint64_t remembered; /* of the relocated: had from a memory, not written */
    bool no_times;       /* the file system took none */
    uint64_t fallbacks[CENV_FALLBACK_NR];
};

/* What relocation made of a file, for the records that tell it. */
struct cenv_cloned {
    unsigned char sha256[CENV_SHA256_LEN];
    uint64_t size;
};

/* One thread's own: buffers and counts. */
struct cenv_cloner_thread {
    char *window; /* CENV_CLONER_WINDOW bytes of the source, from `from` to `to` */
    uint64_t from, to;
    struct cenv_digest *digest;
    struct cenv_str pieces[CENV_CLONER_PIECES];
    char values[CENV_CLONER_PIECES][CENV_CLONER_VALUE];
    unsigned nr_pieces, nr_values;
    struct cenv_dirs layer; /* of the memory, if there is one */
    struct cenv_clone_counts counts;
};

/* Where files go: an open, empty directory (borrowed), and how they get there. */
struct cenv_clone_target {
    int dst;
    uint32_t mask;             /* mode bits that new directories do not get there */
    enum cenv_place_mode mode; /* never AUTO */
    /* Only what is the same in every clone, in directories that the owner may write to. */
    bool common;
    /* Where relocated files are had from that are remembered; NULL: nowhere. */
    struct cenv_remembered *remembered;
    /* The caller's, by relocation and zeroed, to be told of every file that is written; NULL: only
     * what records of the clone need is known. */
    struct cenv_cloned *told;
};

struct cenv_cloner {
    /* The prepared clone's, which outlives the cloner. */
    const struct cenv_manifest *m;
    const struct cenv_forms *forms;
    const unsigned char *verbatim;
    int src;
    /* The target's. */
    int dst;
    uint32_t mask;
    enum cenv_place_mode mode;
    bool common;
    struct cenv_remembered *remembered; /* or NULL */
    bool tells;                         /* `cloned` is the target's, and tells of all */

    struct cenv_task *task;
    struct cenv_cloned *cloned; /* by relocation */
    atomic_bool changed;        /* the source is not what the manifest says */
    atomic_bool no_times;       /* the file system takes none */
    unsigned threads;
    struct cenv_cloner_thread *thread[CENV_CLONER_THREADS];
};

/* What a cloner leaves, also when it failed. */
struct cenv_clone_result {
    struct cenv_clone_counts counts;
    /* The source is not what the manifest says: a new manifest may help. */
    bool changed;
};

/* Ready for at most `threads` threads (1 to CENV_CLONER_THREADS); the caller finishes it. */
int cenv_cloner_init(struct cenv_cloner *c, const struct cenv_prepared_clone *prepared,
                     const struct cenv_clone_target *target, unsigned threads,
                     struct cenv_task *task, struct cenv_error *err);

/* Frees it, and tells what it did in `result` (NULL: nobody asks). Finishing twice is fine. */
void cenv_cloner_finish(struct cenv_cloner *c, struct cenv_clone_result *result);

/*
 * Sets CENV_EPREFIX, the source changed at the file `name` ("": itself) of the directory `dir`, and
 * notes it for the result.
 */
int cenv_cloner_set_changed(struct cenv_cloner *c, uint32_t dir, const char *name,
                            struct cenv_error *err);

/* 0 for a set_mtime that the file system refuses as it refuses every one, which is noted. */
static inline int cenv_cloner_forgive_time(struct cenv_cloner *c, int rc)
{
    if (!cenv_fs_takes_no_times(rc))
        return rc;
    atomic_store(&c->no_times, true);
    return 0;
}

/* Written rather than shared. */
static inline bool cenv_cloner_writes(const struct cenv_cloner *c,
                                      const struct cenv_mf_file *file)
{
    return file->reloc != CENV_NONE && !c->verbatim[file->reloc];
}

/* Differs from clone to clone: it names the prefix, tells of a file that does, or is one inode with
 * such a one. */
static inline bool cenv_cloner_is_own(const struct cenv_manifest *m,
                                      const struct cenv_mf_file *file)
{
    if (file->type == CENV_MF_SYMLINK)
        return file->skip != 0;
    return file->reloc != CENV_NONE || (file->flags & CENV_MF_DEPENDENT) ||
           (file->peer != CENV_NONE && m->files[file->peer].reloc != CENV_NONE);
}

/* One that a memory for clones of this mode has. Records are sensitive, too. */
static inline bool cenv_cloner_remembers(const struct cenv_cloner *c,
                                         const struct cenv_mf_file *file)
{
    return cenv_cloner_writes(c, file) && file->peer == CENV_NONE &&
           !(file->flags & CENV_MF_LEFT_OUT) &&
           !(c->mode == CENV_PLACE_HARDLINK && (file->flags & CENV_MF_SENSITIVE));
}

/*
 * Gets the source's inode. A link to elsewhere is as immutable as an inode can be. What names the
 * source never does, relocated or not: its ctime tells who wrote to it.
 */
static inline bool cenv_cloner_shares(const struct cenv_cloner *c,
                                      const struct cenv_mf_file *file)
{
    return c->mode == CENV_PLACE_HARDLINK && !(file->flags & CENV_MF_SENSITIVE) &&
           (file->type == CENV_MF_SYMLINK ? !file->skip : file->reloc == CENV_NONE);
}

#endif
