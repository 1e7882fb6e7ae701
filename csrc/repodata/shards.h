/* SPDX-License-Identifier: BSD-3-Clause */
/* A source of an index whose records are fetched by name: sharded repodata (CEP 16). */
#ifndef CENV_REPODATA_SHARDS_H
#define CENV_REPODATA_SHARDS_H

#include "cenv.h"
#include "net/network.h"
#include "repodata/parsed_cache.h"
#include "repodata/repodata.h"

/*
 * Shards are kept in the directory shards/ of the cache under their hash, as served, so each
 * comes over the network once, whatever channel or index names it. What was read stays in memory
 * as long as the source. Any number of threads may find and want at once; two that want the same
 * read it twice, and one of the two is kept.
 */
struct cenv_shards;

/* Reads the index file of `given`; `table` outlives it. Statuses as cenv_shard_index_read, and
 * CENV_EOS. */
int cenv_shards_open(struct cenv_shards **out, const struct cenv_index_source *given,
                     uint32_t channel_rank, const char *cache_dir,
                     struct cenv_spec_table *table, struct cenv_error *err);
void cenv_shards_free(struct cenv_shards *shards); /* NULL is fine */

/* As the functions of repodata.h with these names. */
size_t cenv_shards_nr_names(const struct cenv_shards *shards);
struct cenv_str cenv_shards_name(const struct cenv_shards *shards, size_t i);
const struct cenv_record_origin *cenv_shards_origin(const struct cenv_shards *shards);
struct cenv_str cenv_shards_relations(const struct cenv_shards *shards);

/* Entries of the shards read so far. */
size_t cenv_shards_nr_entries(const struct cenv_shards *shards);

/* Sets *found to the repodata of one name, NULL where there is none. False: it was not read
 * yet. */
bool cenv_shards_find(const struct cenv_shards *shards, struct cenv_str name,
                      const struct cenv_repodata **found);

/* Where the records of one name are kept once parsed; NULL: it has none, or it was not read
 * yet. */
struct cenv_parsed_cache *cenv_shards_parsed_cache(const struct cenv_shards *shards,
                                                   struct cenv_str name);

/*
 * Reads the shards of `names`, wherever one of `sources` (NULL ones are passed over) has them:
 * from the cache, all others at once from the network, which is opened when it is first needed.
 * CENV_EINTEGRITY and CENV_ECHANNEL name channel, package and URL; offline, what is missing.
 */
int cenv_shards_want(struct cenv_shards *const *sources, size_t nr_sources,
                     const struct cenv_str *names, size_t nr,
                     struct cenv_network *network, struct cenv_task *task,
                     struct cenv_error *err);

#endif
