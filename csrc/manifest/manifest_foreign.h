/* SPDX-License-Identifier: BSD-3-Clause */
/* The manifest of an environment that anybody may have made and changed. */
#ifndef CENV_MANIFEST_MANIFEST_FOREIGN_H
#define CENV_MANIFEST_MANIFEST_FOREIGN_H

#include "base/error.h"
#include "base/task.h"
#include "manifest/manifest.h"
#include "manifest/scan_file.h"

/* What is known of an environment before it is looked into; zero: nothing. All borrowed. */
struct cenv_manifest_hints {
    /* An earlier manifest, whose files are not scanned again where size, times, mode and inode are
     * the same. */
    const struct cenv_manifest *old;
    /* `old` is of the environment that this one was cloned from: it tells only of files that named
     * nothing there. */
    bool cloned;
    /* Tells of a file without a look into it: 1; 0 where it knows nothing; or a status. It is
     * called by threads. NULL: nobody knows. */
    int (*known)(void *ctx, const struct cenv_scan_target *what,
                 struct cenv_scan_result *result, struct cenv_error *err);
    void *ctx;
    bool shared; /* clones get inodes of it, which changes their ctime */
};

/*
 * The manifest of the environment at `path`, on which `root` is open, by any installer: by its
 * records, the extracted packages they name where these are still there and unaltered, and a search
 * for its names in everything else. CENV_EPREFIX: a device, an unreadable record. The caller frees
 * *out.
 */
int cenv_manifest_of_environment(struct cenv_manifest **out, int root, const char *path,
                                 const struct cenv_manifest_hints *hints,
                                 struct cenv_task *task, struct cenv_error *err);

#endif
