/* SPDX-License-Identifier: BSD-3-Clause */
/* What explanations say of a problem's parts: versions, what is asked, what is lacking. */
#ifndef CENV_EXPLAIN_WORDING_H
#define CENV_EXPLAIN_WORDING_H

#include "base/buf.h"
#include "model/version.h"
#include "solve/problem.h"

/*
 * Appends "1.0 | 1.1 | 2.0" or, of many, "1.0 .. 2.0 (12 versions)", oldest first, of the
 * candidates cands[0 .. nr - 1] of one name. Returns how many versions that are.
 */
uint32_t cenv_wording_print_versions(const struct cenv_problem *p,
                                     const uint32_t *cands, uint32_t nr,
                                     struct cenv_buf *out);

/* Appends why no candidate of the requirement's name meets it: "no channel has x", "there is only
 * x 1.0", "x 2.0 is there, but only as build py39_0", ... */
void cenv_wording_print_lack(const struct cenv_problem *p, uint32_t req,
                             struct cenv_buf *out);

/* Appends how the user knows goal `i`: "python=3.13", "__glibc=2.17",
 * "channel_priority=strict". */
void cenv_wording_print_root(const struct cenv_problem *p, uint32_t i,
                             struct cenv_buf *out);

/* Appends what a reason of excluded candidates means: "is newer than exclude_newer=2021-12-12",
 * ... */
void cenv_wording_print_exclusion(const struct cenv_problem *p, uint32_t cand,
                                  uint32_t reason, bool many, struct cenv_buf *out);

/* Appends goal `i` as a statement: "python=3.13 is asked for", "this machine has __glibc 2.17",
 * ... */
void cenv_wording_print_goal(const struct cenv_problem *p, uint32_t i,
                             struct cenv_buf *out);

/* The text of a requirement, and what of it follows the name ("numpy >=1.20": ">=1.20"). */
struct cenv_str cenv_wording_req_text(const struct cenv_problem *p, uint32_t req);
struct cenv_str cenv_wording_req_rest(const struct cenv_problem *p, uint32_t req);

/* The first version that a requirement's text speaks of, and its text; false when there is
 * none. */
bool cenv_wording_req_version(const struct cenv_problem *p, uint32_t req,
                              struct cenv_str *text, struct cenv_version *out,
                              struct cenv_arena *arena);

#endif
