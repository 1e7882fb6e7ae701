/* SPDX-License-Identifier: BSD-3-Clause */
/* A description of a template and what it refers to: as a remote has it, or as it is put there. */
#ifndef CENV_ARCHIVE_PUSHED_H
#define CENV_ARCHIVE_PUSHED_H

#include "archive/parcel.h"
#include "remote/remote.h"

/* What is asked is borrowed, and set by the caller, as is `text`, a buffer of CENV_PARCEL_MAX. */
struct cenv_pushed {
    struct cenv_remote *remote;
    const char *id;
    const struct cenv_json *doc; /* template.json */
    bool packages;               /* they are to lie there, too */
    struct cenv_task *task;
    struct cenv_error *err;
    struct cenv_buf text; /* the description */
    struct cenv_arena arena;
    struct cenv_parcel parcel;     /* what it says */
    struct cenv_remote_blob *refs; /* what it refers to: the delta first */
    struct cenv_remote_blob **list;
    size_t nr_refs;
};

/* Fetches a document; 1, 0 where there is none or it is nonsense, or a status. */
int cenv_pushed_find_document(struct cenv_pushed *pushed, const char *key,
                              struct cenv_buf *out);

/* Whether the remote has all of the template, and describes it as it is: 1, 0 or a status. */
int cenv_pushed_find(struct cenv_pushed *pushed);

/*
 * Whether a remote that just took the description does not give another: 1, 0 or a status. Another
 * machine's of the same template is as good, and who may write need not be one who may read.
 */
int cenv_pushed_confirm(struct cenv_pushed *pushed);

/* Reads the description in `text`: 1, 0 where it is none of this template, or a status. */
int cenv_pushed_read(struct cenv_pushed *pushed);

void cenv_pushed_release(struct cenv_pushed *pushed);

#endif
