/* SPDX-License-Identifier: BSD-3-Clause */
/* The repodata of several channels and subdirs as one immutable index. */
#ifndef CENV_REPODATA_INDEX_H
#define CENV_REPODATA_INDEX_H

#include "cenv.h"
#include "model/channelnames.h"
#include "net/network.h"
#include "repodata/parsed_cache.h"
#include "repodata/repodata.h"

size_t cenv_index_nr_sources(const struct cenv_index *index);

/* The name of the multichannel source `i` was named by, or empty. Borrowed. */
struct cenv_str cenv_index_multichannel(const struct cenv_index *index, size_t i);

/* What names of channels mean, or NULL: nobody said (cenv_index_name_channels). */
const struct cenv_channelnames *
cenv_index_channel_names(const struct cenv_index *index);

/* The names that source `i` has, where its packages lie, and how many entries were read of it. */
size_t cenv_index_nr_names(const struct cenv_index *index, size_t i);
struct cenv_str cenv_index_name(const struct cenv_index *index, size_t i, size_t name);
const struct cenv_record_origin *cenv_index_origin(const struct cenv_index *index,
                                                   size_t i);
size_t cenv_index_nr_entries(const struct cenv_index *index, size_t i);

/* What source `i` says of its relations to other channels, as JSON, or empty. */
struct cenv_str cenv_index_relations_of(const struct cenv_index *index, size_t i);

/* The repodata in which source `i` has the records of `name`; NULL: it has none, or they are in a
 * shard that was not read yet. */
const struct cenv_repodata *cenv_index_repodata(const struct cenv_index *index,
                                                size_t i, struct cenv_str name);

/*
 * Some sources hold their records in shards, which are fetched by name. cenv_index_want brings
 * those of `names`, from the network where need be, which it opens then; cenv_index_is_ready:
 * there is nothing to bring. Statuses as cenv_shards_want.
 */
bool cenv_index_is_ready(const struct cenv_index *index, struct cenv_str name);
int cenv_index_want(const struct cenv_index *index, const struct cenv_str *names,
                    size_t nr, struct cenv_network *network, struct cenv_task *task,
                    struct cenv_error *err);

/* Where source `i` keeps the parsed records of `name` (NULL: it has none), and the table of all
 * specs. What a solve adds to them is there for the next one. */
struct cenv_parsed_cache *cenv_index_parsed_cache(const struct cenv_index *index,
                                                  size_t i, struct cenv_str name);
struct cenv_spec_table *cenv_index_spec_table(const struct cenv_index *index);

#endif
