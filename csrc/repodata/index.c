/* SPDX-License-Identifier: BSD-3-Clause */
/* Opening repodata files as one index: see index.h. */
#include "repodata/index.h"

#include <stdint.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/pool.h"
#include "os/host.h"
#include "repodata/index_file.h"
#include "repodata/shards.h"

struct source {
    struct cenv_index_file file;
    struct cenv_str multichannel;
    struct cenv_parsed_cache cache;
};

struct cenv_index {
    struct cenv_channelnames *channel_names; /* in the arena; NULL: not told */
    struct source *sources;
    struct cenv_shards **shards; /* of the sources that have them, others NULL */
    size_t nr;
    struct cenv_arena arena;
    struct cenv_spec_table *table;
};

struct opening {
    struct cenv_index *index;
    const struct cenv_index_source *given;
    const char *cache_dir;
    struct cenv_task *task;
};

/* Channels rank by first appearance. */
static uint32_t rank_of(const struct cenv_index_source *given, size_t index)
{
    uint32_t rank = 0;
    for (size_t i = 0; i <= index; i++) {
        size_t k = 0;
        while (strcmp(given[k].channel_url, given[i].channel_url) != 0)
            k++;
        if (strcmp(given[i].channel_url, given[index].channel_url) == 0)
            return rank;
        rank += k == i;
    }
    return rank;
}

static int open_source(void *ctx, size_t i, unsigned thread, struct cenv_error *err)
{
    struct opening *o = ctx;
    struct source *source = &o->index->sources[i];
    (void)thread;
    if (o->given[i].shards)
        return cenv_shards_open(&o->index->shards[i], &o->given[i],
                                rank_of(o->given, i), o->cache_dir, o->index->table,
                                err);
    int rc = cenv_index_file_open(&source->file, &o->given[i], rank_of(o->given, i),
                                  o->cache_dir, o->task, err);
    if (rc < 0)
        return rc;
    return cenv_parsed_cache_init(&source->cache, &source->file, o->index->table, err);
}

static struct cenv_index *new_index(const struct cenv_index_source *given, size_t nr)
{
    struct cenv_index *index = cenv_calloc(1, sizeof(*index));
    if (!index)
        return NULL;
    index->sources = cenv_calloc(nr, sizeof(*index->sources));
    index->shards = cenv_calloc(nr, sizeof(struct cenv_shards *));
    index->nr = index->sources && index->shards ? nr : 0;
    index->table = cenv_calloc(1, sizeof(*index->table));
    bool failed = !index->sources || !index->shards || !index->table;
    if (index->table)
        cenv_spec_table_init(index->table);
    for (size_t i = 0; i < index->nr; i++) {
        index->sources[i].file = (struct cenv_index_file)CENV_INDEX_FILE_INIT;
        const char *multi = given[i].multichannel ? given[i].multichannel : "";
        index->sources[i].multichannel = cenv_arena_str(&index->arena, cenv_str(multi));
        failed |= !index->sources[i].multichannel.data;
    }
    if (!failed)
        return index;
    cenv_index_free(index);
    return NULL;
}

/* Counts the binary indices that were found and those that were not, and says why the first of
 * these was not. */
static void count_hits(const struct cenv_index *index, struct cenv_span *span)
{
    for (size_t i = 0; i < index->nr; i++) {
        const struct cenv_index_file *file = &index->sources[i].file;
        span->hits += file->hit;
        if (file->why && span->misses++ == 0)
            snprintf(span->miss_reason, sizeof(span->miss_reason), "%s", file->why);
    }
}

int cenv_index_open(struct cenv_index **out, const struct cenv_index_source *sources,
                    size_t nr, const char *cache_dir, struct cenv_task *task,
                    struct cenv_error *err)
{
    struct cenv_index *index = new_index(sources, nr);
    if (!index)
        return cenv_error_oom(err);
    struct opening opening = {
        .index = index, .given = sources, .cache_dir = cache_dir, .task = task};
    struct cenv_span span = cenv_span_begin(CENV_STAGE_PROCESS_INDICES, "");
    cenv_task_progress(task, CENV_STAGE_PROCESS_INDICES, 0);
    int rc = cenv_pool_run(cenv_host_cpus(), nr, open_source, &opening, task, err);
    if (rc == 0) {
        span.items = cenv_index_nr_records(index);
        count_hits(index, &span);
        cenv_span_end(task, &span);
        *out = index;
        index = NULL;
    }
    cenv_index_free(index);
    return rc;
}

void cenv_index_free(struct cenv_index *index)
{
    if (!index)
        return;
    for (size_t i = 0; i < index->nr; i++) {
        cenv_parsed_cache_release(&index->sources[i].cache);
        cenv_index_file_release(&index->sources[i].file);
        cenv_shards_free(index->shards[i]);
    }
    if (index->table)
        cenv_spec_table_release(index->table);
    cenv_free(index->table);
    cenv_free(index->sources);
    cenv_free(index->shards);
    cenv_arena_release(&index->arena);
    cenv_free(index);
}

size_t cenv_index_nr_records(const struct cenv_index *index)
{
    size_t nr = 0;
    for (size_t i = 0; i < index->nr; i++)
        nr += cenv_index_nr_entries(index, i);
    return nr;
}

int cenv_index_name_channels(struct cenv_index *index, const char *json,
                             struct cenv_error *err)
{
    struct cenv_channelnames *names =
        cenv_arena_calloc(&index->arena, 1, sizeof(*names));
    int rc = names ? cenv_channelnames_parse(names, cenv_str(json), &index->arena, err)
                   : cenv_error_oom(err);
    if (rc == 0)
        index->channel_names = names;
    return rc;
}

const struct cenv_channelnames *cenv_index_channel_names(const struct cenv_index *index)
{
    return index->channel_names;
}

size_t cenv_index_nr_sources(const struct cenv_index *index)
{
    return index->nr;
}

struct cenv_str cenv_index_multichannel(const struct cenv_index *index, size_t i)
{
    return index->sources[i].multichannel;
}

/* ---- one source, whole or in shards ---- */

static const struct cenv_repodata *repodata_of(const struct cenv_index *index, size_t i)
{
    return index->sources[i].file.repodata;
}

size_t cenv_index_nr_names(const struct cenv_index *index, size_t i)
{
    return index->shards[i] ? cenv_shards_nr_names(index->shards[i])
                            : cenv_repodata_nr_names(repodata_of(index, i));
}

struct cenv_str cenv_index_name(const struct cenv_index *index, size_t i, size_t name)
{
    return index->shards[i] ? cenv_shards_name(index->shards[i], name)
                            : cenv_repodata_name(repodata_of(index, i), name);
}

const struct cenv_record_origin *cenv_index_origin(const struct cenv_index *index,
                                                   size_t i)
{
    return index->shards[i] ? cenv_shards_origin(index->shards[i])
                            : cenv_repodata_origin(repodata_of(index, i));
}

size_t cenv_index_nr_entries(const struct cenv_index *index, size_t i)
{
    return index->shards[i] ? cenv_shards_nr_entries(index->shards[i])
                            : cenv_repodata_nr_entries(repodata_of(index, i));
}

struct cenv_str cenv_index_relations_of(const struct cenv_index *index, size_t i)
{
    return index->shards[i] ? cenv_shards_relations(index->shards[i])
                            : cenv_repodata_relations(repodata_of(index, i));
}

const struct cenv_repodata *cenv_index_repodata(const struct cenv_index *index,
                                                size_t i, struct cenv_str name)
{
    const struct cenv_repodata *found = repodata_of(index, i);

    if (index->shards[i])
        cenv_shards_find(index->shards[i], name, &found);
    return found;
}

bool cenv_index_is_ready(const struct cenv_index *index, struct cenv_str name)
{
    const struct cenv_repodata *found;
    bool ready = true;

    for (size_t i = 0; i < index->nr; i++)
        ready &= !index->shards[i] || cenv_shards_find(index->shards[i], name, &found);
    return ready;
}

int cenv_index_want(const struct cenv_index *index, const struct cenv_str *names,
                    size_t nr, struct cenv_network *network, struct cenv_task *task,
                    struct cenv_error *err)
{
    return cenv_shards_want(index->shards, index->nr, names, nr, network, task, err);
}

struct cenv_parsed_cache *cenv_index_parsed_cache(const struct cenv_index *index,
                                                  size_t i, struct cenv_str name)
{
    return index->shards[i] ? cenv_shards_parsed_cache(index->shards[i], name)
                            : &index->sources[i].cache;
}

struct cenv_spec_table *cenv_index_spec_table(const struct cenv_index *index)
{
    return index->table;
}

void cenv_index_save(const struct cenv_index *index)
{
    for (size_t i = 0; i < index->nr; i++)
        if (!index->shards[i])
            cenv_parsed_cache_save(&index->sources[i].cache);
}
