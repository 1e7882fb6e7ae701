/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Specs of the request that name no package ("*[track_features=x]", "*[sha256=...]").
 *
 * As in conda's classic solver one package that matches is installed, of whatever name. Such a spec
 * becomes a name made up for it, with a candidate for each name that has a record that matches;
 * the candidate needs that name. They are tried in this order: names that are asked for besides, in
 * the user's order; the first channel's, unless channel_priority is disabled; those with the fewest
 * dependencies; by name.
 */
#ifndef CENV_SOLVE_NAMELESS_H
#define CENV_SOLVE_NAMELESS_H

#include "net/network.h"
#include "solve/problem.h"

/* A spec on the name made up for number `entry` of the request, which all its candidates meet.
 * CENV_NONE with `err` set when out of memory. */
uint32_t cenv_nameless_add(struct cenv_problem *p, uint32_t entry,
                           struct cenv_error *err);

/*
 * Adds the candidates of that name, having read all records of the index, of shards through
 * `network`. CENV_ESPEC: too many names match; CENV_ECHANNEL: an index of shards has too many; or a
 * status as cenv_repodata_records and cenv_index_want.
 */
int cenv_nameless_load(struct cenv_problem *p, uint32_t name,
                       struct cenv_network *network, struct cenv_error *err);

#endif
