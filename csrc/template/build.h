/* SPDX-License-Identifier: BSD-3-Clause */
/* The steps of building a template, shared by its two ways: in one call, and as a draft. */
#ifndef CENV_TEMPLATE_BUILD_H
#define CENV_TEMPLATE_BUILD_H

#include "base/buf.h"
#include "codec/json.h"
#include "link/link.h"
#include "store/scratch.h"
#include "template/build_options.h"

struct cenv_build {
    struct cenv_store *store;
    struct cenv_build_options options;
    struct cenv_json *records; /* in link order, each with sha256 */
    /* The description of the template this one is derived from, or NULL. */
    struct cenv_json *base;
    struct cenv_buf id;
    struct cenv_buf target; /* the prefix's final path */
    struct cenv_lease *lease;
    struct cenv_lock *lock; /* of its builder, while it is held */
    struct cenv_scratch scratch;
    uint64_t bytes; /* of all files, for template.json */
    uint64_t started_ns;
    struct cenv_task *task;
    struct cenv_error *err;
};

/*
 * Takes a lease, reads the input (see build_options.h), and finds the id, fetching where hashes are
 * not known. End after a failure too.
 */
int cenv_build_begin(struct cenv_build *build, struct cenv_store *store,
                     const char *records_json, const char *options_json,
                     struct cenv_task *task, struct cenv_error *err);
void cenv_build_end(struct cenv_build *build);

/* 0 it is there, 1 it is not, or a status. */
int cenv_build_is_there(struct cenv_build *build);

int cenv_build_lock(struct cenv_build *build);
void cenv_build_unlock(struct cenv_build *build);

/* Fetches the packages, completing the records. */
int cenv_build_fetch(struct cenv_build *build);

/* Links them into the empty directory `dir`; with `plan`, not NULL, the caller frees *plan. */
int cenv_build_link(struct cenv_build *build, const char *dir,
                    struct cenv_link_plan **plan);

/*
 * Fetches, links, describes and publishes, in the place of what is there. Hold the lock. `reply`
 * gets what cenv_build_reply says, before anything is published; NULL: it is not asked for.
 */
int cenv_build_make(struct cenv_build *build, struct cenv_buf *reply);

/*
 * Measures the environment `prefix` and writes template.json, which says that all of it is whole.
 */
int cenv_build_describe(struct cenv_build *build, int dir, int prefix);

/* Appends the reply of cenv_template_build. */
int cenv_build_reply(struct cenv_build *build, bool built, struct cenv_buf *out);

#endif
