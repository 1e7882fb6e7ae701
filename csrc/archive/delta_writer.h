/* SPDX-License-Identifier: BSD-3-Clause */
/* Writing deltas: contents into frames, each content once, and the table of contents. */
#ifndef CENV_ARCHIVE_DELTA_WRITER_H
#define CENV_ARCHIVE_DELTA_WRITER_H

#include "archive/delta.h"
#include "base/arena.h"
#include "base/intern.h"
#include "prefix/file_hash.h"

/* Where a content lies: in the n-th of the deltas that share it. */
struct cenv_delta_content {
    uint32_t delta;
    uint64_t at;
};

/* The contents of deltas that are written one after another. Zero-initialised: none. */
struct cenv_delta_contents {
    struct cenv_intern hashes;
    struct cenv_delta_content *places; /* by the hashes' ids */
    size_t alloc;
    struct cenv_delta_hash *deltas; /* those that are finished */
    size_t nr_deltas, alloc_deltas;
    struct cenv_file_hash hash;
};
void cenv_delta_contents_release(struct cenv_delta_contents *contents);

/* What is told of a delta that is finished. */
struct cenv_delta_facts {
    char sha256[CENV_DIGEST_HEX_MAX], toc_sha256[CENV_DIGEST_HEX_MAX];
    uint64_t size, toc;
};

enum { CENV_DELTA_BATCH = 4 }; /* frames that are compressed at once */

struct cenv_delta_writer {
    int fd; /* an empty file; borrowed */
    struct cenv_delta_contents *contents;
    int level;                             /* of zstd */
    struct cenv_buf raw[CENV_DELTA_BATCH]; /* frames to be compressed */
    unsigned nr_raw; /* those that are full, and the one that fills */
    struct cenv_buf packed[CENV_DELTA_BATCH];
    struct cenv_delta delta;
    size_t alloc_frames, alloc_others, alloc_entries;
    uint64_t begun;   /* bytes of content, those in `raw` included */
    uint64_t written; /* bytes of the file */
    uint64_t shared;  /* bytes of files whose content was there */
    struct cenv_digest *digest;
    struct cenv_arena arena;
    char *block;
    struct cenv_task *task;
    struct cenv_error *err;
};

/* Release it after a failure too. */
int cenv_delta_writer_open(struct cenv_delta_writer *w, int fd, int level,
                           struct cenv_delta_contents *contents, struct cenv_task *task,
                           struct cenv_error *err);
void cenv_delta_writer_release(struct cenv_delta_writer *w);

/* Adds a copy of the entry, texts included. */
int cenv_delta_writer_add(struct cenv_delta_writer *w,
                          const struct cenv_delta_entry *entry);

/* The same of a file, whose content is that of `fd`: size and place are set here. */
int cenv_delta_writer_add_file(struct cenv_delta_writer *w,
                               const struct cenv_delta_entry *entry, int fd);

/* Writes what is left and the table of contents. */
int cenv_delta_writer_finish(struct cenv_delta_writer *w, struct cenv_delta_facts *out);

#endif
