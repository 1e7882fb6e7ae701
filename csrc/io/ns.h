/* SPDX-License-Identifier: BSD-3-Clause */
/* Private views of the file system: mount namespaces and overlays (Linux). */
#ifndef CENV_IO_NS_H
#define CENV_IO_NS_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/error.h"

/*
 * Moves the calling process into a mount namespace of its own, whose mounts nobody else sees and
 * which ends with its last process. With CAP_SYS_ADMIN directly; else through a user namespace that
 * maps the user to itself, so that programs run as who they were; that needs a process with one
 * thread. CENV_ELINK with the reason and what to do where the machine refuses.
 */
int cenv_ns_enter(struct cenv_error *err);

/*
 * In a namespace of one's own: shows a writable overlay of the directory `prefix` at its own path.
 * What is written goes to the directories `upper` and `work` (one file system, not an overlay), or
 * with NULL to a tmpfs that vanishes with the namespace. The lower files are never written.
 */
int cenv_ns_overlay_self(const char *prefix, const char *upper, const char *work,
                         struct cenv_error *err);

/*
 * Tries in a child whether an overlay can be mounted over `directory`: true, or false with the
 * reason appended to `reason`. Leaves nothing behind.
 */
bool cenv_ns_works(const char *directory, struct cenv_buf *reason);

/* What a program run in a view gets; NULL-terminated lists; descriptors of -1 are inherited. */
struct cenv_view_command {
    const char *prefix;  /* shown as a private, writable copy at its own path */
    const char *program; /* path of the executable */
    const char *const *argv;
    const char *const *envp;
    const char *cwd; /* absolute */
    int stdio[3];
    bool new_session; /* setsid: subprocess's start_new_session */
};

/*
 * Starts a program in a throw-away view: fork, namespace, overlay, exec. Only async-signal-safe
 * calls in the child, so that any thread of any process may start one. Returns once the program
 * runs: *pid is the child's, to be waited for by the caller; failure to exec or to make the view is
 * an error here, and no child is left.
 */
int cenv_view_start(const struct cenv_view_command *command, int *pid,
                    struct cenv_error *err);

#endif
