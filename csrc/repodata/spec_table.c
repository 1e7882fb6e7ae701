/* SPDX-License-Identifier: BSD-3-Clause */
/* Dependency texts parsed once: see spec_table.h. */
#include "repodata/spec_table.h"

#include "base/alloc.h"

void cenv_specbook_init(struct cenv_specbook *book)
{
    *book = (struct cenv_specbook){.arena = CENV_ARENA_INIT};
    cenv_mutex_init(&book->lock);
}

void cenv_specbook_release(struct cenv_specbook *book)
{
    cenv_mutex_destroy(&book->lock);
    cenv_map_release(&book->entries);
    cenv_free(book->by_id);
    cenv_arena_release(&book->arena);
}

static int set_bad(struct cenv_specbook *book, struct cenv_booked *entry,
                   const char *reason)
{
    entry->bad = cenv_arena_str(&book->arena, cenv_str(reason));
    return entry->bad.data ? 0 : CENV_ENOMEM;
}

/* A malformed text is marked, not an error: it costs the records that have it. */
static int parse(struct cenv_specbook *book, struct cenv_booked *entry)
{
    struct cenv_error bad = CENV_ERROR_INIT;
    int rc = cenv_matchspec_parse(&entry->parsed, entry->text, &book->arena, &bad);
    if (rc < 0 && rc != CENV_ENOMEM)
        rc = set_bad(book, entry, bad.message);
    else if (rc == 0 && entry->parsed.name_is_glob)
        rc = set_bad(book, entry, "a dependency must name one package");
    cenv_error_release(&bad);
    return rc;
}

/* NULL when out of memory. */
static struct cenv_booked *add(struct cenv_specbook *book, struct cenv_str text)
{
    struct cenv_booked *entry = cenv_arena_calloc(&book->arena, 1, sizeof(*entry));
    void *by_id = book->by_id;
    if (!entry || book->nr >= CENV_NONE - 1 ||
        cenv_grow(&by_id, &book->alloc, book->nr, sizeof(*book->by_id)) < 0)
        return NULL;
    book->by_id = by_id;
    entry->id = (uint32_t)book->nr;
    entry->text = cenv_arena_str(&book->arena, text);
    if (!entry->text.data || parse(book, entry) < 0 ||
        cenv_map_put(&book->entries, entry->text, entry->id) < 0)
        return NULL;
    return book->by_id[book->nr++] = entry;
}

const struct cenv_booked *cenv_specbook_get(struct cenv_specbook *book,
                                            struct cenv_str text,
                                            struct cenv_error *err)
{
    cenv_mutex_lock(&book->lock);
    uint32_t id = cenv_map_get(&book->entries, text);
    const struct cenv_booked *entry =
        id == CENV_NONE ? add(book, text) : book->by_id[id];
    cenv_mutex_unlock(&book->lock);
    if (!entry)
        cenv_error_oom(err);
    return entry;
}
