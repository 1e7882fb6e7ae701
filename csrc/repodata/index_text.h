/* SPDX-License-Identifier: BSD-3-Clause */
/* The text of a compressed repodata, unpacked into a file, so that no process holds all of it. */
#ifndef CENV_REPODATA_INDEX_TEXT_H
#define CENV_REPODATA_INDEX_TEXT_H

#include "base/task.h"
#include "os/raw_data.h"
#include "os/raw_file.h"

/* A file that is being made in `dir`, under a scratch name until it is published. */
struct cenv_index_text {
    int dir, fd; /* -1: none is there */
    char *scratch;
    uint64_t sum;
};
#define CENV_INDEX_TEXT_INIT \
    { \
        .dir = -1, .fd = -1 \
    }

/*
 * Decompresses a mapped .zst of at most `max` bytes into a new file of `dir`, one thread
 * decompressing and this one writing, and maps it. 0; 1: it cannot be written (no space,
 * read-only), or CENV_EINTEGRITY, CENV_ENOMEM, CENV_ECANCELLED. The caller releases *text in any
 * case.
 */
int cenv_index_text_unpack(struct cenv_index_text *text, int dir, const char *name,
                           struct cenv_str packed, size_t max, struct cenv_mapping *out,
                           struct cenv_task *task, struct cenv_error *err);

/* Renames it to `name`; *st is what it then looks like. False: that cannot be. */
bool cenv_index_text_publish(struct cenv_index_text *text, const char *name,
                             struct cenv_stat *st);

/* Removes the file unless it was published. */
void cenv_index_text_release(struct cenv_index_text *text);

/* The sum of such a file's bytes. */
uint64_t cenv_index_text_sum(struct cenv_str bytes);

#endif
