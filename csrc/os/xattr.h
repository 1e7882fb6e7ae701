/* SPDX-License-Identifier: BSD-3-Clause */
/* Extended attributes of files that users see. */
#ifndef CENV_OS_XATTR_H
#define CENV_OS_XATTR_H

#include <stdbool.h>

/* All names that the caller may read; ENOTSUP and EPERM are not errors. */
int cenv_raw_copy_xattrs(int from_fd, int to_fd);
/* Removes all that the caller may; 0 or -errno. */
int cenv_raw_clear_xattrs(int fd);
/* Whether there may be any, without opening it; links not followed. */
bool cenv_raw_has_xattrs(int dirfd, const char *name);
/* Whether what is made in the directory gets an access control list from it. */
bool cenv_raw_hands_down_acl(int dirfd);

#endif
