/* SPDX-License-Identifier: BSD-3-Clause */
/* What cloning, making permanent and resetting report, as JSON; cenv.h has the keys. */
#ifndef CENV_CLONE_REPORT_H
#define CENV_CLONE_REPORT_H

#include "base/buf.h"
#include "clone/cloner.h"

/* A mode that "auto" did not take, and why: literals, mode NULL ends a list of them. */
struct cenv_clone_refusal {
    const char *mode, *reason;
};

enum { CENV_CLONE_REFUSALS_MAX = 4 };

struct cenv_clone_report {
    const char *path, *mode;
    const char *source; /* what it was made from; NULL: nothing new was made */
    struct cenv_clone_counts counts;
    /* Tells what was skipped or could not be relocated; NULL: nothing was. */
    const struct cenv_prepared_clone *prepared;
    struct cenv_str skipped;                  /* of struct cenv_copied, or empty */
    const struct cenv_clone_refusal *refused; /* NULL: none */
    uint64_t start_ns;
};

struct cenv_reset_counts {
    uint64_t removed, restored, checked;
    uint64_t disowned; /* directories that changed and are another user's; not told */
};

/* What resetting by a mode returns when only a new clone will do. */
enum { CENV_RESET_ANEW = 1 };

/* Appends it to `out`. CENV_ENOMEM: part of it may be there, the caller takes it back. */
int cenv_clone_report_write(const struct cenv_clone_report *report,
                            struct cenv_buf *out, struct cenv_error *err);

/* The same of a reset of the clone at `path`; `note`: its maker's, or NULL. */
int cenv_clone_report_reset(const char *path, const char *note,
                            const struct cenv_reset_counts *counts, uint64_t start_ns,
                            struct cenv_buf *out, struct cenv_error *err);

#endif
