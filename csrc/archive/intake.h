/* SPDX-License-Identifier: BSD-3-Clause */
/* The templates of an archive on their way in: all of them come into the store, or none. */
#ifndef CENV_ARCHIVE_INTAKE_H
#define CENV_ARCHIVE_INTAKE_H

#include "archive/archive_head.h"
#include "base/arena.h"
#include "fetch/fetch_packages.h"
#include "solve/request.h"
#include "store/scratch.h"

/* One of them. */
struct cenv_intake_item {
    struct cenv_intake_item *next;
    unsigned n; /* its place in the archive, from 0 */
    const char *id;
    struct cenv_intake_request *requests; /* that led to it where it was made */
    bool made;  /* its entry is in the scratch directory (arrival.h) */
    bool kept;  /* <n>.src there is as it was exported; of formats 1 and 2 alone */
    bool taken; /* it was not in the store, and is now */
};

/* Zero-initialised but for what is said here. */
struct cenv_intake {
    struct cenv_store *store;
    struct cenv_scratch scratch;
    struct cenv_arena arena;
    struct cenv_request machine; /* only its virtual packages */
    struct cenv_fetch_options fetch;
    struct cenv_intake_item *items, **end; /* `end` is &items at first */
    unsigned nr;
    size_t nr_requests;
    struct cenv_task *task;
    struct cenv_error *err;
};

/* Notes the template of a head, the next of the archive. */
int cenv_intake_add(struct cenv_intake *intake, const struct cenv_archive_head *head,
                    struct cenv_intake_item **out);
/* Forgets them: the archive is read anew. */
void cenv_intake_clear(struct cenv_intake *intake);

/* Publishes what was made, and enters the requests. */
int cenv_intake_publish(struct cenv_intake *intake);
/* After a failure: what was published and entered goes. */
void cenv_intake_take_back(struct cenv_intake *intake);

/* Appends {"templates": [...], "seconds"}. */
int cenv_intake_reply(struct cenv_intake *intake, uint64_t start_ns,
                      struct cenv_buf *out);

#endif
