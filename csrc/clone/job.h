/* SPDX-License-Identifier: BSD-3-Clause */
/* One clone on its way, as its mode sees it: what clone.c, the modes and the report share. */
#ifndef CENV_CLONE_JOB_H
#define CENV_CLONE_JOB_H

#include "clone/clone_source.h"
#include "clone/cloner.h"
#include "clone/report.h"
#include "prefix/new_prefix.h"
#include "store/template_twin.h"

struct cenv_clone_mode;

/* What is asked for; everything is borrowed. */
struct cenv_clone_options {
    const struct cenv_clone_mode *mode;
    unsigned threads; /* 0: as many as are of use */
    int64_t owner;    /* the process that the clone is swept after; 0: nobody's */
    /* Mode overlay: the mount namespace that was entered, or NULL. */
    const char *namespace;
    const char *provenance; /* see provenance.h; NULL or "": none */
    const char *note;       /* that a reset tells its caller; NULL or "": none */
    /* Bytes that all memories may take (0: none is used or made), and whether one is made for a
     * path that was never cloned to. */
    int64_t memory;
    bool remember;
};

/*
 * Filled in this order: what is asked for and the source, which is open; its manifest and whether
 * the path fits; the new directory; what the mode placed there. A mode may rely on all that comes
 * before the call that is made of it.
 */
struct cenv_clone_job {
    struct cenv_store *store; /* or NULL */
    const struct cenv_clone_options *options;
    const struct cenv_clone_source *source;
    const char *path; /* of the clone: absolute, clean */
    struct cenv_task *task;

    struct cenv_prepared_clone prepared;
    struct cenv_remembered remembered;
    struct cenv_template_twin twin; /* mode snapshot: as it was found, to be used */

    struct cenv_newprefix dst;
    struct cenv_stat root; /* of the new directory, lasting; ino 0: none yet */
    struct cenv_clone_refusal refused[CENV_CLONE_REFUSALS_MAX]; /* by mode auto */

    struct cenv_clone_result result;
    uint64_t made;          /* bytes that were written into a memory for it */
    struct cenv_stat shown; /* of what is mounted over the directory; ino 0: nothing */
};

/* How many threads place files: what was asked for, else one a processor, four at most. */
unsigned cenv_clone_job_threads(const struct cenv_clone_job *job);

#endif
