/* SPDX-License-Identifier: BSD-3-Clause */
/* Comparing an environment with its manifest; cenv.h has what users call, and what is found. */
#ifndef CENV_TEMPLATE_CHECK_H
#define CENV_TEMPLATE_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/task.h"
#include "codec/json_writer.h"

struct cenv_store;

/* The first four are the caller's, the last three the answer. */
struct cenv_check {
    const char *path;                 /* of the environment, with its links resolved */
    bool content;                     /* all files are read */
    int64_t since_ns;                 /* those that changed later are; 0: none */
    struct cenv_json_writer *altered; /* borrowed, an array open for what is found */
    bool known;                       /* there is a manifest, or nothing at the path */
    uint32_t checked;                 /* files */
    size_t nr_altered;                /* in the array */
};

/* Compares by the manifest of a template of `store`, or that of its last clone. */
int cenv_check_environment(struct cenv_check *check, const struct cenv_store *store,
                           struct cenv_task *task, struct cenv_error *err);

#endif
