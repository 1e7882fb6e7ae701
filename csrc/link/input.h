/* SPDX-License-Identifier: BSD-3-Clause */
/* What a link takes, from the records and the specs of a request. */
#ifndef CENV_LINK_INPUT_H
#define CENV_LINK_INPUT_H

#include "base/arena.h"
#include "base/error.h"
#include "codec/json.h"
#include "link/plan_base.h"

struct cenv_store;

/*
 * CENV_ESPEC for records of two packages of one name: a list or a lock file may tell two, of which
 * an environment would hold a mix. The same package twice is no harm.
 */
int cenv_link_input_check(const struct cenv_json *records, struct cenv_error *err);

/* "name-version-build" of a record, in `arena`: the name of its file in a prefix. CENV_EINTEGRITY
 * where that is none. */
int cenv_link_input_dist(const struct cenv_json *record, struct cenv_arena *arena,
                         struct cenv_str *out, struct cenv_error *err);

/* Its build, which older records call otherwise. */
struct cenv_str cenv_link_input_build(const struct cenv_json *record);

/*
 * The packages of `records`, an array in link order, each with its sha256 and each in the store:
 * the caller fetched them and holds a lease. The list and all it points to lie in `arena`.
 */
int cenv_link_input_packages(const struct cenv_store *store,
                             const struct cenv_json *records, struct cenv_arena *arena,
                             struct cenv_link_package **out, size_t *nr,
                             struct cenv_error *err);

/* The texts of the array `specs`, or none of NULL, into `options`; borrowed from both. */
int cenv_link_input_specs(const struct cenv_json *specs, struct cenv_arena *arena,
                          struct cenv_link_options *options, struct cenv_error *err);

#endif
