/* SPDX-License-Identifier: BSD-3-Clause */
/* Private views of the file system: mount namespaces and overlays (Linux). */
#ifndef CENV_OS_NAMESPACE_H
#define CENV_OS_NAMESPACE_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/error.h"

/*
 * Moves the calling process into a mount namespace of its own, whose mounts nobody else sees and
 * which ends with its last process. With CAP_SYS_ADMIN directly; else through a user namespace that
 * maps the user to itself, so that programs run as who they were, and in which the process may do
 * no more than before: the calls below take up what mounting needs while they last. A process with
 * several threads is refused: the others would stay behind. CENV_ELINK with the reason and what to
 * do where the machine refuses.
 */
int cenv_ns_enter(struct cenv_error *err);

/* Appends the name of the mount namespace the process is in: "mnt:[4026531841]". */
int cenv_ns_name(struct cenv_buf *out, struct cenv_error *err);

/*
 * In a user namespace exec takes the power to mount from everybody but root. `share` lets the
 * programs that this process starts keep it; such a program calls `settle` early, which leaves the
 * power to itself alone and unused until one of these calls needs it. As root both do nothing.
 */
int cenv_ns_share(struct cenv_error *err);
int cenv_ns_settle(struct cenv_error *err);

/*
 * Mounts, in a namespace of one's own. tmpfs: an empty one over `target`. overlay: the directories
 * `lower`, the uppermost first; what is written goes to `upper`; `work` lies beside it. These are
 * descriptors, opened in this namespace: paths may hold what mount options cannot.
 */
int cenv_ns_mount_tmpfs(const char *target, struct cenv_error *err);
int cenv_ns_mount_overlay(const char *target, const int *lower, unsigned nr_lower,
                          int upper, int work, struct cenv_error *err);

/*
 * Takes the topmost mount at `target` away when it is a file system of `type` ("overlay", "tmpfs"):
 * at once for new users, for those inside when they leave. 1: nothing of the kind is mounted there.
 */
int cenv_ns_unmount(const char *target, const char *type, struct cenv_error *err);

/*
 * The same for one that may be wanted again: *kept can be mounted, at the same or another place, or
 * closed. -1 where the system cannot (before Linux 5.2), and nothing is kept.
 */
int cenv_ns_set_aside(const char *target, const char *type, int *kept,
                      struct cenv_error *err);
int cenv_ns_mount_kept(int kept, const char *target, struct cenv_error *err);

/*
 * What a view shows at `target`: `lower` on top of each other, the uppermost first; none: what
 * lies there. `listed` are directories in it, by their paths, that most programs list: merging
 * their names takes 1 us a layer, so that it is done once, and programs get the directories open,
 * which keeps what was merged. Borrowed.
 */
struct cenv_ns_shown {
    const char *target;
    const char *const *lower;
    unsigned nr_lower;
    const char *const *listed;
    unsigned nr_listed;
};

/*
 * In a namespace of one's own: shows a writable overlay. What is written goes to the directories
 * `upper` and `work` (one file system, not an overlay), or with NULL to a tmpfs that vanishes with
 * the namespace. The lower files are never written.
 */
int cenv_ns_show(const struct cenv_ns_shown *shown, const char *upper, const char *work,
                 struct cenv_error *err);

/* Tries all of it in a child, so that a refusal leaves this process as it was: 0 or CENV_ELINK. */
int cenv_ns_try(const char *directory, struct cenv_error *err);

/*
 * Tries in a child whether an overlay can be mounted over `directory`: true, or false with the
 * reason appended to `reason`. Leaves nothing behind.
 */
bool cenv_ns_works(const char *directory, struct cenv_buf *reason);

/* Whether an overlay has up to 500 lower directories here, the kernel's limit since Linux 6.7, and
 * not 220: tried in a child, with `directory`. */
bool cenv_ns_takes_many(const char *directory);

/* What an overlay takes for "not there, whatever lies below": a device 0/0, for any user (5.8). */
int cenv_raw_whiteout(int dirfd, const char *name);

/* What a program run in a view gets; NULL-terminated lists; descriptors of -1 are inherited. */
struct cenv_view_command {
    struct cenv_ns_shown shown; /* to it alone, and writable */
    /* Path of the executable, or its name, looked for in the view on the PATH that it gets. */
    const char *program;
    const char *const *argv;
    const char *const *envp;
    const char *cwd; /* absolute */
    int stdio[3];
    bool new_session; /* setsid: subprocess's start_new_session */
};

/*
 * Starts a program in a throw-away view: vfork, namespace, overlay, exec. Only async-signal-safe
 * calls in the child, so that any thread of any process may start one. Returns once the program
 * runs: *pid is the child's, to be waited for by the caller; failure to exec or to make the view is
 * an error here, and no child is left.
 */
int cenv_view_start(const struct cenv_view_command *command, int *pid,
                    struct cenv_error *err);

#endif
