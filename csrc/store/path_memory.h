/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The memory of a path: what was relocated for a clone of a template there, as it lies in the
 * clone. It is v1/templates/<id>/memory/<name>/{layer/,facts}, so that it goes with its template,
 * and is never written once it is published.
 */
#ifndef CENV_STORE_PATH_MEMORY_H
#define CENV_STORE_PATH_MEMORY_H

#include "base/digest.h"
#include "os/pid.h"
#include "os/raw_file.h"
#include "store/layout.h"

/* Names inside a memory: a directory with the files at their places, and what is known of them. */
#define CENV_MEMORY_LAYER "layer"
#define CENV_MEMORY_FACTS "facts"

/* Of the template's entry, the directory of its memories. */
#define CENV_MEMORY_DIR "memory"

/* One relocated file; ino 0: it is not among the remembered. */
struct cenv_memory_file {
    uint64_t ino, size;
    unsigned char sha256[CENV_SHA256_LEN];
};

/*
 * The head of "facts"; a cenv_memory_file for each relocation of the manifest follows. It is for
 * this boot of this machine alone: nothing is synced, so that a power cut may leave files empty
 * that were whole in memory.
 */
struct cenv_memory_head {
    char magic[8];
    uint32_t version, nr; /* of files */
    uint64_t sum;         /* of all but itself */
    uint64_t manifest;    /* the sum of the manifest that it was made by */
    uint64_t dev, ino;    /* of the template's prefix */
    uint64_t layer;       /* the inode of the layer */
    uint64_t device;      /* of the files */
    uint64_t bytes;       /* that it takes on the disk, about */
    char boot_id[CENV_PID_BOOT];
};

/* One that is open. */
struct cenv_path_memory {
    int layer;                     /* -1: there is none */
    struct cenv_memory_head *head; /* with `files` behind it, in one block */
    const struct cenv_memory_file *files;
};
#define CENV_PATH_MEMORY_INIT \
    { \
        .layer = -1 \
    }

/* "<key of the path>-<mode>": what clones of one mode remember serves that mode. */
enum { CENV_MEMORY_NAME = CENV_STORE_KEY + 24 };
int cenv_path_memory_name(const char *path, const char *mode,
                          char name[CENV_MEMORY_NAME], struct cenv_error *err);

/*
 * Opens the memory `name` of the template `id`, marking it as used: 0, 1 when there is none or what
 * lies there is not of this user, this boot, or not whole; or a status. The caller closes it.
 */
int cenv_path_memory_open(const struct cenv_store *store, const char *id,
                          const char *name, struct cenv_path_memory *out,
                          struct cenv_error *err);
void cenv_path_memory_close(struct cenv_path_memory *memory);

/*
 * A head with room for `nr` files, which the caller frees; NULL: no memory. Its caller fills all
 * that is of the template, and the files; saving it into the directory of the memory adds the rest.
 */
struct cenv_memory_head *cenv_path_memory_new_head(uint32_t nr);
struct cenv_memory_file *cenv_path_memory_files(struct cenv_memory_head *head);
int cenv_path_memory_save_head(int dir, struct cenv_memory_head *head,
                               struct cenv_error *err);

/* Puts `name_there` of the directory `from` in its place; one that is there already stays. */
int cenv_path_memory_publish(const struct cenv_store *store, int from,
                             const char *name_there, const char *id, const char *name,
                             struct cenv_error *err);

/* Takes it away, in one step; absent is fine. */
int cenv_path_memory_withdraw(const struct cenv_store *store, const char *id,
                              const char *name, struct cenv_task *task,
                              struct cenv_error *err);

/*
 * The same, unless a clone at its path may show the files as they lie there, as an overlay does, or
 * is being made: 1 then.
 */
int cenv_path_memory_withdraw_unused(const struct cenv_store *store, const char *id,
                                     const char *name, struct cenv_task *task,
                                     struct cenv_error *err);

/*
 * Whether a clone went to that path before, as far as a small table of the last ones knows, which
 * has it from now on. It never fails: not known.
 */
bool cenv_path_memory_has_seen(const struct cenv_store *store, const char *id,
                               const char *name);

#endif
