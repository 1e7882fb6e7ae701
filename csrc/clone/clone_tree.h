/* SPDX-License-Identifier: BSD-3-Clause */
/* Placing what a manifest describes into a directory: shared by clone and reset. */
#ifndef CENV_CLONE_CLONE_TREE_H
#define CENV_CLONE_CLONE_TREE_H

#include <stdatomic.h>

#include "base/digest.h"
#include "base/map.h"
#include "base/task.h"
#include "manifest/manifest.h"

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
    uint64_t files, relocated, bytes_copied, bytes_shared, fallbacks[CENV_FALLBACK_NR];
};

struct cenv_cloner {
    const struct cenv_manifest *m;
    struct cenv_task *task;
    struct cenv_forms forms;   /* of the clone's path */
    int src, dst;              /* both roots; borrowed */
    uint32_t mask;             /* mode bits new directories do not get at `dst` */
    enum cenv_place_mode mode; /* never AUTO */
    unsigned threads;
    atomic_uchar *made; /* by directory: 1 there, 2 failed */
    unsigned char
        *parent; /* by directory: has directories below, or files that come late */
    unsigned char *verbatim; /* by relocation: no room for the path, copied as it is */
    struct cenv_cloned *cloned; /* by relocation */
    atomic_bool changed;        /* the source is not what the manifest says */
    struct cenv_cloner_thread *thread[CENV_CLONER_THREADS];
};

/*
 * Prepares to place `m` (from the directory `src`) at `prefix`. CENV_EPREFIX before anything is made
 * when the path does not fit a package's binary, naming the file and both lengths.
 */
int cenv_cloner_init(struct cenv_cloner *c, const struct cenv_manifest *m, int src,
                     struct cenv_str prefix, unsigned threads, struct cenv_task *task,
                     struct cenv_error *err);
void cenv_cloner_release(struct cenv_cloner *c);

/* Everything, into the empty directory `dst`. */
int cenv_cloner_run(struct cenv_cloner *c, struct cenv_error *err);

/* One file that does not depend on others, from and into its directories' descriptors. */
int cenv_cloner_place(struct cenv_cloner *c, struct cenv_cloner_thread *t, int from,
                      int to, uint32_t file, struct cenv_error *err);

/* A file that tells what became of others, once they are there (cenv_cloned known). */
int cenv_cloner_place_late(struct cenv_cloner *c, struct cenv_cloner_thread *t,
                           uint32_t file, struct cenv_error *err);

/* Written rather than shared. */
static inline bool cenv_cloner_writes(const struct cenv_cloner *c,
                                      const struct cenv_mf_file *file)
{
    return file->reloc != CENV_NONE && !c->verbatim[file->reloc];
}

/* Gets the source's inode. A link to elsewhere is as immutable as an inode can be. */
static inline bool cenv_cloner_shares(const struct cenv_cloner *c,
                                      const struct cenv_mf_file *file)
{
    return c->mode == CENV_PLACE_HARDLINK && !(file->flags & CENV_MF_SENSITIVE) &&
           (file->type == CENV_MF_SYMLINK ? !file->skip : !cenv_cloner_writes(c, file));
}

/* CENV_EPREFIX: the source changed; notes it, so that the caller can try with a new manifest. */
int cenv_cloner_changed(struct cenv_cloner *c, uint32_t dir, const char *name,
                        struct cenv_error *err);

#endif
