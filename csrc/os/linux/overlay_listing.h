/* SPDX-License-Identifier: BSD-3-Clause */
/* The listing of a directory that many layers have, made once for all programs of a view. */
#ifndef CENV_OS_LINUX_OVERLAY_LISTING_H
#define CENV_OS_LINUX_OVERLAY_LISTING_H

/* Programs do not expect descriptors from here on; a shell takes those from 10 on. */
enum { CENV_OVERLAY_HELD_FROM = 100 };

/*
 * Reads the directory `path`, whose names an overlay then keeps for as long as it is open, and
 * leaves it open: this process's programs get the descriptor. Nothing is told of a failure, which
 * costs time alone. Async-signal-safe.
 */
void cenv_overlay_hold_listing(const char *path);

#endif
