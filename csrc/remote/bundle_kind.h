/* SPDX-License-Identifier: BSD-3-Clause */
/* A bundle as a remote: what is pushed goes into the file, what is pulled comes from it. */
#ifndef CENV_REMOTE_BUNDLE_KIND_H
#define CENV_REMOTE_BUNDLE_KIND_H

#include "remote/bundle.h"
#include "remote/kind.h"

extern const struct cenv_remote_kind cenv_bundle_kind; /* has no scheme, and no open */

/* The state of one; `bundle` is borrowed. NULL: out of memory. */
struct cenv_remote_state *cenv_bundle_kind_new(struct cenv_bundle *bundle);

#endif
