/* SPDX-License-Identifier: BSD-3-Clause */
/* Opening repodata files as one index: see index.h. */
#include "ops/index.h"

#include <stdint.h>

#include "base/alloc.h"
#include "base/pool.h"
#include "io/archive.h"
#include "io/fs.h"
#include "io/host.h"

/* Largest repodata.json a .zst may unfold to: four times conda-forge's largest of 2026. */
static const size_t UNPACKED_MAX = (size_t)4 << 30;

struct source {
    struct cenv_mapping mapping;
    struct cenv_buf unpacked;
    struct cenv_repodata *repodata;
    struct cenv_str multichannel;
};

struct cenv_index {
    struct source *sources;
    size_t nr;
    struct cenv_arena arena;
};

struct opening {
    struct cenv_index *index;
    const struct cenv_index_source *given;
};

static bool is_zstd(struct cenv_str text)
{
    return cenv_str_starts(text, CENV_STR("\x28\xb5\x2f\xfd"));
}

/* The source's text: as given, mapped, or unpacked. */
static int load(struct source *source, const struct cenv_index_source *given, struct cenv_str *text,
                struct cenv_error *err)
{
    *text = cenv_str_n(given->data, given->len);
    if (!given->data) {
        int rc = cenv_fs_map_file(CENV_CWD, given->path, &source->mapping, err);
        if (rc < 0)
            return rc;
        *text = cenv_str_n(source->mapping.data, source->mapping.len);
    }
    if (!is_zstd(*text))
        return 0;
    int rc = cenv_decode(CENV_CODEC_ZSTD, *text, &source->unpacked, err);
    if (rc < 0)
        return cenv_error_prefix(err, "'%s'", given->path ? given->path : "repodata");
    *text = cenv_buf_str(&source->unpacked);
    cenv_mapping_release(&source->mapping);
    source->mapping = (struct cenv_mapping){ 0 };
    return 0;
}

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

static struct cenv_str dirname_of(const char *url)
{
    struct cenv_str text = cenv_str(url);
    return text.len ? cenv_str_slice(text, 0, cenv_str_rfind(text, '/')) : CENV_STR("");
}

static int open_source(void *ctx, size_t i, unsigned thread, struct cenv_error *err)
{
    struct opening *o = ctx;
    const struct cenv_index_source *given = &o->given[i];
    struct cenv_str text;
    (void)thread;
    int rc = load(&o->index->sources[i], given, &text, err);
    if (rc < 0)
        return rc;
    struct cenv_repodata_source source = {
        .file = cenv_str(given->path ? given->path : "repodata"),
        .subdir = cenv_str(given->subdir),
        .channel = cenv_str(given->channel),
        .channel_url = cenv_str(given->channel_url),
        .url = dirname_of(given->repodata_url),
        .channel_rank = rank_of(o->given, i),
    };
    return cenv_repodata_scan(&o->index->sources[i].repodata, text, &source, err);
}

static struct cenv_index *new_index(const struct cenv_index_source *given, size_t nr)
{
    struct cenv_index *index = cenv_calloc(1, sizeof(*index));
    if (!index)
        return NULL;
    index->sources = cenv_calloc(nr, sizeof(*index->sources));
    index->nr = index->sources ? nr : 0;
    bool failed = !index->sources;
    for (size_t i = 0; i < index->nr; i++) {
        const char *multi = given[i].multichannel ? given[i].multichannel : "";
        cenv_buf_init(&index->sources[i].unpacked, UNPACKED_MAX);
        index->sources[i].multichannel = cenv_arena_str(&index->arena, cenv_str(multi));
        failed |= !index->sources[i].multichannel.data;
    }
    if (!failed)
        return index;
    cenv_index_free(index);
    return NULL;
}

int cenv_index_open(struct cenv_index **out, const struct cenv_index_source *sources, size_t nr,
                    const char *cache_dir, struct cenv_task *task, struct cenv_error *err)
{
    (void)cache_dir;
    struct cenv_index *index = new_index(sources, nr);
    if (!index)
        return cenv_error_oom(err);
    struct opening opening = { .index = index, .given = sources };
    struct cenv_span span = cenv_span_begin("process indices", "");
    int rc = cenv_pool_run(cenv_host_cpus(), nr, open_source, &opening, task, err);
    if (rc == 0) {
        span.items = cenv_index_nr_records(index);
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
        cenv_repodata_free(index->sources[i].repodata);
        cenv_mapping_release(&index->sources[i].mapping);
        cenv_buf_release(&index->sources[i].unpacked);
    }
    cenv_free(index->sources);
    cenv_arena_release(&index->arena);
    cenv_free(index);
}

size_t cenv_index_nr_records(const struct cenv_index *index)
{
    size_t nr = 0;
    for (size_t i = 0; i < index->nr; i++)
        nr += cenv_repodata_nr_entries(index->sources[i].repodata);
    return nr;
}

size_t cenv_index_nr_sources(const struct cenv_index *index)
{
    return index->nr;
}

struct cenv_str cenv_index_multichannel(const struct cenv_index *index, size_t i)
{
    return index->sources[i].multichannel;
}

const struct cenv_repodata *cenv_index_repodata(const struct cenv_index *index, size_t i)
{
    return index->sources[i].repodata;
}
