/* SPDX-License-Identifier: BSD-3-Clause */
/* The repodata of several channels and subdirs as one immutable index. */
#ifndef CENV_OPS_INDEX_H
#define CENV_OPS_INDEX_H

#include "cenv.h"
#include "model/repodata.h"
#include "ops/shelf.h"

size_t cenv_index_nr_sources(const struct cenv_index *index);

/* The name of the multichannel source `i` was named by, or empty. Borrowed. */
struct cenv_str cenv_index_multichannel(const struct cenv_index *index, size_t i);

const struct cenv_repodata *cenv_index_repodata(const struct cenv_index *index,
                                                size_t i);

/* The parsed names of source `i`, and the specs of all: what solves add, they add for the next. */
struct cenv_shelf *cenv_index_shelf(const struct cenv_index *index, size_t i);
struct cenv_specbook *cenv_index_specbook(const struct cenv_index *index);

/* Keeps for the next process what this one has parsed. */
void cenv_index_save(const struct cenv_index *index);

#endif
