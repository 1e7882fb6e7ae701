/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What was relocated for an earlier clone of the same template at the same path, which a clone has
 * from there instead of writing it: a second source of relocated files.
 */
#ifndef CENV_CLONE_REMEMBERED_H
#define CENV_CLONE_REMEMBERED_H

#include <stdatomic.h>

#include "base/map.h"
#include "clone/clone_source.h"
#include "os/fs_beneath.h"
#include "store/path_memory.h"
#include "store/template_entry.h"

/* Any number of threads may place files from it. */
struct cenv_remembered {
    struct cenv_path_memory memory;
    const struct cenv_store *store;    /* borrowed; NULL: there can be none */
    const struct cenv_manifest *m;     /* borrowed, as long as there is one */
    char id[CENV_TEMPLATE_ID_LEN + 1]; /* of the template */
    char name[CENV_MEMORY_NAME];
    uint32_t uid; /* whose files they are, our own */
    /* A file is not what was remembered: all of it goes when it is closed. */
    atomic_bool altered;
};
#define CENV_REMEMBERED_INIT \
    { \
        .memory = CENV_PATH_MEMORY_INIT \
    }

/*
 * Finds what is remembered for clones of `source`, whose manifest is there, at `path` in the mode
 * of that name: 0, 1 when there is nothing (what is of another manifest is taken away), or a
 * status. The store (or NULL) and the source must outlive `out`, which is initialised, and which
 * the caller closes in any case. Where the mode shows what lies there, the caller has claimed the
 * path.
 */
int cenv_remembered_find(struct cenv_remembered *out, const struct cenv_store *store,
                         const struct cenv_clone_source *source, const char *path,
                         const char *mode, struct cenv_error *err);
void cenv_remembered_close(struct cenv_remembered *remembered);

/* The same of the memory whose id and name are set; what is of another manifest stays. */
int cenv_remembered_open(struct cenv_remembered *out, const struct cenv_store *store,
                         const struct cenv_manifest *m, struct cenv_error *err);

static inline bool cenv_remembered_is_there(const struct cenv_remembered *remembered)
{
    return remembered->memory.layer >= 0;
}

/* What it has of a relocation; NULL: nothing, or one of its files turned out to be altered. */
const struct cenv_memory_file *
cenv_remembered_get(const struct cenv_remembered *remembered, uint32_t reloc);

/* Whether these are the facts of what it has of a relocation, as they were remembered. */
bool cenv_remembered_is_same(const struct cenv_remembered *remembered, uint32_t reloc,
                             const struct cenv_stat *st);

/* The facts of a relocated file in the layer that `dirs` is of; 0 or -errno. */
int cenv_remembered_stat(struct cenv_dirs *dirs, const struct cenv_manifest *m,
                         uint32_t reloc, struct cenv_stat *out);

/* Looks at every file, for those that show them as they lie there: 0, 1 when one is altered. */
int cenv_remembered_check(struct cenv_remembered *remembered, unsigned threads,
                          struct cenv_task *task, struct cenv_error *err);

#endif
