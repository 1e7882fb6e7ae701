/* SPDX-License-Identifier: BSD-3-Clause */
/* An exact copy of a tree: nothing relocated, modes, times, attributes and links kept. */
#ifndef CENV_PREFIX_COPY_TREE_H
#define CENV_PREFIX_COPY_TREE_H

#include "base/buf.h"
#include "base/error.h"
#include "base/task.h"

struct cenv_copied {
    uint64_t files, bytes_copied, bytes_shared; /* shared: by reflink */
    bool no_times;                              /* the file system took none */
    struct cenv_buf skipped; /* paths of FIFOs and sockets, a NUL behind each */
};

/*
 * Copies what lies in the directory `from` into the empty directory `to` (descriptors); `to` itself
 * gets time and attributes, not the mode. FIFOs and sockets are skipped, devices are an error. The
 * caller releases out->skipped, also after a failure.
 */
int cenv_copy_tree(int from, int to, struct cenv_copied *out, struct cenv_task *task,
                   struct cenv_error *err);

#endif
