/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Names kept between solves: see parsed_cache.h.
 *
 * Of a million records a user's solves reach some thousands, so names are packed when they are
 * first used and not when repodata arrives: parsing everything costs more than many solves. The
 * file is written whole and renamed into place; of two processes that do so at once one loses
 * what it added, and finds it out when it next needs it. Opening the file reads its directory; a
 * block's sum is looked at when its name is.
 */
#include "repodata/parsed_cache.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/checksum.h"

enum { VERSION = 1, ORDER = 0x01020304 };

/* A file is written again when what is new is at least this part of it. */
enum { WORTH = 8 };

/* Blocks of all that a channel has would be about a quarter of its JSON. */
static const size_t FILE_MAX = (size_t)1 << 30;

static const char magic[8] = "cenv-nm";

/* Then rows sorted by number, then blocks. */
struct header {
    char magic[8];
    uint32_t version, order;
    uint64_t sum; /* of this with sum 0, and the rows */
    struct cenv_repodata_stamp stamp;
    uint32_t nr, zero;
};

struct row {
    uint64_t at, len, sum; /* of the block */
    uint32_t number, zero;
};

static uint64_t sum_of(struct header header, const struct row *rows)
{
    header.sum = 0;
    return cenv_checksum64(cenv_str_n((const char *)&header, sizeof(header))) ^
           cenv_checksum64(cenv_str_n((const char *)rows, header.nr * sizeof(*rows)));
}

/* ---- reading the file ---- */

/* The rows of a file made for this very repodata; NULL with *nr 0 when it is none. */
static const struct row *rows_of(struct cenv_str bytes,
                                 const struct cenv_repodata_stamp *stamp, uint32_t *nr)
{
    struct header h;
    *nr = 0;
    if (bytes.len < sizeof(h))
        return NULL;
    memcpy(&h, bytes.data, sizeof(h));
    const struct row *rows = (const void *)(bytes.data + sizeof(h));
    if (memcmp(h.magic, magic, sizeof(magic)) != 0 || h.version != VERSION ||
        h.order != ORDER || memcmp(&h.stamp, stamp, sizeof(*stamp)) != 0 ||
        h.nr > (bytes.len - sizeof(h)) / sizeof(*rows) || h.sum != sum_of(h, rows))
        return NULL;
    *nr = h.nr;
    return rows;
}

static int by_number(const void *left, const void *right)
{
    const struct row *a = left, *b = right;
    return (a->number > b->number) - (a->number < b->number);
}

/* The block of a row; NULL data when it is damaged. */
static struct cenv_str block_of(struct cenv_str bytes, const struct row *row)
{
    struct cenv_str block = {NULL, 0};
    if (row->at <= bytes.len && row->len <= bytes.len - row->at)
        block = cenv_str_n(bytes.data + row->at, row->len);
    if (block.data && cenv_checksum64(block) != row->sum)
        block.data = NULL;
    return block;
}

/* The block of a name; NULL data when the file has none that is whole. */
static struct cenv_str find_block(const struct cenv_parsed_cache *cache,
                                  uint32_t number, bool *there)
{
    const struct cenv_mapping *map = &cache->names;
    struct cenv_str bytes = cenv_str_n(map->data, map->len);
    const struct row key = {.number = number}, *row = NULL;
    if (cache->nr_rows)
        row = bsearch(&key, map->data + sizeof(struct header), cache->nr_rows,
                      sizeof(key), by_number);
    *there = row;
    return row ? block_of(bytes, row) : cenv_str_n(NULL, 0);
}

/* ---- adding a name ---- */

static void free_cached(struct cenv_cached_name *s)
{
    if (!s)
        return;
    cenv_parsed_name_release(&s->names);
    cenv_free(s->specs);
    cenv_free(s);
}

static int intern_specs(struct cenv_parsed_cache *cache, struct cenv_cached_name *s,
                        struct cenv_error *err)
{
    s->specs = cenv_reallocarray(NULL, s->names.nr_specs, sizeof(const void *));
    if (!s->specs)
        return cenv_error_oom(err);
    for (uint32_t i = 0; i < s->names.nr_specs; i++) {
        s->specs[i] = cenv_spec_table_get(cache->table, s->names.specs[i], err);
        if (!s->specs[i])
            return err->status;
    }
    return 0;
}

/* Takes the name from the file if that has it whole, else from the repodata. */
static int read_name(struct cenv_parsed_cache *cache, struct cenv_cached_name *s,
                     struct cenv_error *err)
{
    bool there;
    struct cenv_str block = find_block(cache, s->number, &there);
    int rc = 1;
    if (block.data)
        rc = cenv_parsed_name_unpack(&s->names, cache->rd, s->number, block);
    s->saved = rc == 0;
    s->damaged = there && rc == 1;
    if (rc == CENV_ENOMEM)
        return cenv_error_oom(err);
    return rc == 0 ? 0 : cenv_parsed_name_read(&s->names, cache->rd, s->number, err);
}

/* Adds the name, and returns the one that is there: that of another thread, if it was faster. */
static const struct cenv_cached_name *publish_name(struct cenv_parsed_cache *cache,
                                                   struct cenv_cached_name *s)
{
    cenv_mutex_lock(&cache->lock);
    struct cenv_cached_name *there = atomic_load(&cache->slots[s->number]);
    if (!there) {
        s->next = cache->all;
        cache->all = s;
        cache->nr_new += !s->saved;
        cache->damaged |= s->damaged;
        atomic_store(&cache->slots[s->number], s);
    }
    cenv_mutex_unlock(&cache->lock);
    if (there)
        free_cached(s);
    return there ? there : s;
}

int cenv_parsed_cache_get(struct cenv_parsed_cache *cache, struct cenv_str name,
                          const struct cenv_cached_name **out, struct cenv_error *err)
{
    size_t number = cenv_repodata_find(cache->rd, name);
    *out = number == SIZE_MAX ? NULL : atomic_load(&cache->slots[number]);
    if (number == SIZE_MAX || *out)
        return 0;
    struct cenv_cached_name *s = cenv_calloc(1, sizeof(*s));
    if (!s)
        return cenv_error_oom(err);
    s->number = (uint32_t)number;
    int rc = read_name(cache, s, err);
    if (rc == 0)
        rc = intern_specs(cache, s, err);
    if (rc < 0)
        free_cached(s);
    else
        *out = publish_name(cache, s);
    return rc;
}

/* ---- writing the file ---- */

struct writer {
    struct cenv_buf rows, blocks;
    uint32_t nr;
    bool failed; /* sticky: out of memory */
};

static void add_block(struct writer *w, uint32_t number, size_t from)
{
    struct cenv_str block = cenv_str_slice(cenv_buf_str(&w->blocks), from, SIZE_MAX);
    struct row row = {from, block.len, cenv_checksum64(block), number, 0};
    w->failed |= !cenv_buf_add(&w->rows, &row, sizeof(row));
    w->nr++;
}

/* Copies the blocks of the file as it is, but for names that are added anew. */
static void add_old_blocks(struct writer *w, const struct cenv_parsed_cache *cache,
                           struct cenv_str bytes)
{
    uint32_t nr;
    const struct row *rows = rows_of(bytes, &cache->file->stamp, &nr);
    size_t names = cenv_repodata_nr_names(cache->rd);
    for (uint32_t i = 0; i < nr; i++) {
        struct cenv_str block = block_of(bytes, &rows[i]);
        size_t from = w->blocks.len;
        if (!block.data || rows[i].number >= names)
            continue;
        const struct cenv_cached_name *s = atomic_load(&cache->slots[rows[i].number]);
        if (s && !s->saved)
            continue;
        w->failed |= !cenv_buf_add_str(&w->blocks, block);
        add_block(w, rows[i].number, from);
    }
}

/* Packs what the file lacks. The cache is locked. */
static void add_new_blocks(struct writer *w, const struct cenv_parsed_cache *cache)
{
    for (const struct cenv_cached_name *s = cache->all; s; s = s->next) {
        size_t from = w->blocks.len;
        int rc = s->saved ? 1 : cenv_parsed_name_pack(&s->names, &w->blocks);
        w->failed |= rc < 0;
        if (rc == 0)
            add_block(w, s->number, from);
    }
}

static void assemble_file(struct writer *w, const struct cenv_parsed_cache *cache,
                          struct cenv_buf *out)
{
    struct header h = {
        .version = VERSION, .order = ORDER, .stamp = cache->file->stamp, .nr = w->nr};
    struct row *rows = (void *)w->rows.data;
    memcpy(h.magic, magic, sizeof(magic));
    for (uint32_t i = 0; i < w->nr; i++)
        rows[i].at += sizeof(h) + w->nr * sizeof(*rows);
    qsort(rows, w->nr, sizeof(*rows), by_number);
    h.sum = sum_of(h, rows);
    cenv_buf_add(out, &h, sizeof(h));
    cenv_buf_add_str(out, cenv_buf_str(&w->rows));
    cenv_buf_add_str(out, cenv_buf_str(&w->blocks));
}

static void mark_saved(struct cenv_parsed_cache *cache)
{
    for (struct cenv_cached_name *s = cache->all; s; s = s->next)
        s->saved = true;
}

/* Writes the file again if that is worth it; `old` is the file as it is. The cache is locked. */
static void write_names(struct cenv_parsed_cache *cache, struct cenv_str old)
{
    struct writer w = {.nr = 0};
    struct cenv_buf out;
    cenv_buf_init(&w.rows, FILE_MAX);
    cenv_buf_init(&w.blocks, FILE_MAX);
    cenv_buf_init(&out, 2 * FILE_MAX);
    add_new_blocks(&w, cache);
    size_t new_len = w.blocks.len;
    if (new_len && (cache->damaged || new_len >= old.len / WORTH)) {
        add_old_blocks(&w, cache, old);
        if (!w.failed && w.nr)
            assemble_file(&w, cache, &out);
        if (!w.failed && !out.failed &&
            cenv_index_file_save_names(cache->file, cenv_buf_str(&out)))
            mark_saved(cache);
    }
    cache->nr_new = 0;
    cenv_buf_release(&out);
    cenv_buf_release(&w.rows);
    cenv_buf_release(&w.blocks);
}

void cenv_parsed_cache_save(struct cenv_parsed_cache *cache)
{
    struct cenv_mapping old = {NULL, 0};
    if (cache->file->dir < 0 || !cenv_mutex_try(&cache->lock))
        return;
    if (cache->nr_new) {
        cenv_index_file_map_names(cache->file, &old);
        write_names(cache, cenv_str_n(old.data, old.len));
        cenv_mapping_release(&old);
    }
    cenv_mutex_unlock(&cache->lock);
}

/* ---- life ---- */

int cenv_parsed_cache_init(struct cenv_parsed_cache *cache,
                           struct cenv_index_file *file, struct cenv_spec_table *table,
                           struct cenv_error *err)
{
    size_t nr = cenv_repodata_nr_names(file->repodata);
    *cache =
        (struct cenv_parsed_cache){.rd = file->repodata, .table = table, .file = file};
    cache->slots = cenv_calloc(nr, sizeof(*cache->slots));
    if (!cache->slots)
        return cenv_error_oom(err);
    cenv_mutex_init(&cache->lock);
    if (file->dir >= 0 && cenv_index_file_map_names(file, &cache->names))
        rows_of(cenv_str_n(cache->names.data, cache->names.len), &file->stamp,
                &cache->nr_rows);
    return 0;
}

void cenv_parsed_cache_release(struct cenv_parsed_cache *cache)
{
    if (!cache->slots)
        return;
    while (cache->all) {
        struct cenv_cached_name *s = cache->all;
        cache->all = s->next;
        free_cached(s);
    }
    cenv_free(cache->slots);
    cenv_mapping_release(&cache->names);
    cenv_mutex_destroy(&cache->lock);
    *cache = (struct cenv_parsed_cache){0};
}
