/* SPDX-License-Identifier: BSD-3-Clause */
/* Mounting overlays of open directories. Async-signal-safe. */
#ifndef CENV_OS_LINUX_OVERLAY_MOUNT_H
#define CENV_OS_LINUX_OVERLAY_MOUNT_H

#include <stdbool.h>

enum {
    CENV_OVERLAY_MAX = 500, /* lower directories: the kernel's limit since Linux 6.7 */
    CENV_OVERLAY_NAMED = 220, /* before: their names fit the page that mount takes */
};

/*
 * Mounts an overlay over `target`: the directories `lower`, the uppermost first, `upper` and `work`
 * above them. 0, or -1 with errno: E2BIG for more layers than this kernel takes.
 */
int cenv_overlay_mount(const char *target, const int *lower, unsigned nr_lower,
                       int upper, int work);

/* Whether this kernel takes layers one after another, of which `lower` is tried: CENV_OVERLAY_MAX
 * of them, and not only CENV_OVERLAY_NAMED. Needs the power to mount. */
bool cenv_overlay_takes_each(int lower);

/* Mounts what fsmount or open_tree returned. As cenv_overlay_mount. */
int cenv_overlay_move(int mount, const char *target);

#endif
