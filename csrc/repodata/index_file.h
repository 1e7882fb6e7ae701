/* SPDX-License-Identifier: BSD-3-Clause */
/* One repodata file of an index: mapped or unpacked, scanned or known from its binary index. */
#ifndef CENV_REPODATA_INDEX_FILE_H
#define CENV_REPODATA_INDEX_FILE_H

#include "cenv.h"
#include "os/raw_data.h"
#include "repodata/binary_index.h"

enum { CENV_INDEX_KEY_MAX = 48 };

struct cenv_index_file {
    struct cenv_mapping text, packed; /* the source, its binary index */
    struct cenv_buf unpacked;         /* the text of a .zst that has no cache */
    int fd; /* of a text that is read record by record; else -1 */
    struct cenv_repodata *repodata;
    bool hit;        /* it is from the binary index */
    const char *why; /* why it is not: a literal, or NULL where none was looked for */
    int dir;         /* where its binary index lies; -1: it has none */
    char names[CENV_INDEX_KEY_MAX];   /* the file of its parsed names in there */
    struct cenv_repodata_stamp stamp; /* of its binary index */
};
#define CENV_INDEX_FILE_INIT \
    { \
        .fd = -1, .dir = -1 \
    }

/*
 * Opens what `source` names. With `cache_dir` (or NULL) a large file's binary index is looked for
 * there, and kept there after a scan, with the text of a .zst beside it; what cannot be kept (no
 * space, read-only) is no failure. Statuses as cenv_repodata_scan, CENV_EOS and CENV_ECANCELLED.
 */
int cenv_index_file_open(struct cenv_index_file *file,
                         const struct cenv_index_source *source, uint32_t channel_rank,
                         const char *cache_dir, struct cenv_task *task,
                         struct cenv_error *err);
void cenv_index_file_release(struct cenv_index_file *file);

/* The file of parsed names (parsed_cache.h) beside a binary index: maps it, or puts another in
 * its place. False: that cannot be. */
bool cenv_index_file_map_names(const struct cenv_index_file *file,
                               struct cenv_mapping *out);
bool cenv_index_file_save_names(const struct cenv_index_file *file,
                                struct cenv_str data);

#endif
