/* SPDX-License-Identifier: BSD-3-Clause */
/* Dependency texts parsed once: see spec_table.h. */
#include "repodata/spec_table.h"

#include "base/alloc.h"

void cenv_spec_table_init(struct cenv_spec_table *table)
{
    *table = (struct cenv_spec_table){.arena = CENV_ARENA_INIT};
    cenv_mutex_init(&table->lock);
}

void cenv_spec_table_release(struct cenv_spec_table *table)
{
    cenv_mutex_destroy(&table->lock);
    cenv_map_release(&table->entries);
    cenv_free(table->by_id);
    cenv_arena_release(&table->arena);
}

static bool set_reason(struct cenv_spec_table *table, struct cenv_spec_entry *entry,
                       const char *reason, const char *hint)
{
    entry->bad = cenv_arena_str(&table->arena, cenv_str(reason));
    entry->hint = cenv_arena_str(&table->arena, cenv_str(hint));
    return entry->bad.data && entry->hint.data;
}

/* A malformed text is no error, but marked: it costs the records that have it. False: no
 * memory. */
static bool parse_entry(struct cenv_spec_table *table, struct cenv_spec_entry *entry)
{
    struct cenv_error bad = CENV_ERROR_INIT;
    int rc = cenv_matchspec_parse(&entry->parsed, entry->text, &table->arena, &bad);
    bool done = rc != CENV_ENOMEM;
    if (rc < 0 && done) {
        entry->parsed = (struct cenv_matchspec){0};
        done = set_reason(table, entry, bad.message, bad.hint);
    } else if (done && entry->parsed.name_is_glob) {
        done = set_reason(table, entry, "a dependency must name one package", "");
    }
    cenv_error_release(&bad);
    return done;
}

/* NULL when out of memory. */
static struct cenv_spec_entry *add_entry(struct cenv_spec_table *table,
                                         struct cenv_str text)
{
    struct cenv_spec_entry *entry = cenv_arena_calloc(&table->arena, 1, sizeof(*entry));
    void *by_id = table->by_id;
    if (!entry || table->nr >= CENV_NONE - 1 ||
        !cenv_grow(&by_id, &table->alloc, table->nr, sizeof(*table->by_id)))
        return NULL;
    table->by_id = by_id;
    entry->id = (uint32_t)table->nr;
    entry->text = cenv_arena_str(&table->arena, text);
    if (!entry->text.data || !parse_entry(table, entry) ||
        !cenv_map_put(&table->entries, entry->text, entry->id))
        return NULL;
    return table->by_id[table->nr++] = entry;
}

const struct cenv_spec_entry *cenv_spec_table_get(struct cenv_spec_table *table,
                                                  struct cenv_str text,
                                                  struct cenv_error *err)
{
    cenv_mutex_lock(&table->lock);
    uint32_t id = cenv_map_get(&table->entries, text);
    const struct cenv_spec_entry *entry =
        id == CENV_NONE ? add_entry(table, text) : table->by_id[id];
    cenv_mutex_unlock(&table->lock);
    if (!entry)
        cenv_error_oom(err);
    return entry;
}
