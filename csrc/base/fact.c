/* SPDX-License-Identifier: BSD-3-Clause */
/* Rows of facts are copied as they are, and named only when somebody reads them: see fact.h. */
#include "base/fact.h"

#include <string.h>

static const struct cenv_fact_shape shapes[CENV_NR_FACTS] = {
    [CENV_FACT_SOURCE] = {"sources",
                          {"channel", "subdir"},
                          {"records", "names_read", "records_read"}},
    [CENV_FACT_SHARD] = {"shards", {"channel", "subdir"}, {"bytes", "nanoseconds"}},
    [CENV_FACT_NAME] = {"names",
                        {"name", "reached_through", "requirement"},
                        {"candidates", "variables", "clauses", "calls"}},
    [CENV_FACT_SPEC] = {"specs", {"spec"}, {"only_names", "only_candidates"}},
    [CENV_FACT_SOLVER] = {"solver",
                          {NULL},
                          {"variables", "clauses", "calls", "conflicts"}},
    [CENV_FACT_PACKAGE] = {"packages",
                           {"file", "origin", "cache", "reason"},
                           {"verify_ns", "download_ns", "download_bytes", "extract_ns",
                            "extract_bytes", "extract_files"}},
    [CENV_FACT_LINK] = {"links",
                        {"file"},
                        {"link_ns", "link_bytes", "link_files", "relocate_ns",
                         "relocate_bytes", "relocate_files", "compile_files",
                         "compile_new"}},
    [CENV_FACT_MODE] = {"modes",
                        {"mode", "reason"},
                        {"reflink", "hardlink", "copy", "fallbacks"}},
};

const struct cenv_fact_shape *cenv_fact_shape(unsigned kind)
{
    return kind < CENV_NR_FACTS ? &shapes[kind] : NULL;
}

/* What is kept of a text: up to the first NUL in it, which would end it anyway. */
static size_t length_of(struct cenv_str text)
{
    size_t len = text.len < CENV_FACT_TEXT_MAX ? text.len : CENV_FACT_TEXT_MAX;
    const char *nul = len ? memchr(text.data, '\0', len) : NULL;

    return nul ? (size_t)(nul - text.data) : len;
}

/* Makes room for the fact's row and counts what it has. */
static struct cenv_fact_row *make_row(struct cenv_facts *facts,
                                      const struct cenv_fact *fact, size_t *nr_texts,
                                      size_t *nr_numbers)
{
    const struct cenv_fact_shape *shape = &shapes[fact->kind];
    size_t texts = 0, numbers = 0, bytes = 0;

    for (; texts < CENV_FACT_TEXTS && shape->texts[texts]; texts++)
        bytes += length_of(fact->texts[texts]) + 1;
    while (numbers < CENV_FACT_NUMBERS && shape->numbers[numbers])
        numbers++;
    *nr_texts = texts;
    *nr_numbers = numbers;
    return cenv_arena_alloc(&facts->arena, sizeof(struct cenv_fact_row) +
                                               numbers * sizeof(uint64_t) + bytes);
}

static void append_row(struct cenv_facts *facts, struct cenv_fact_row *row)
{
    if (facts->last)
        facts->last->next = row;
    else
        facts->first = row;
    facts->last = row;
    facts->nr++;
}

void cenv_fact_add(struct cenv_facts *facts, const struct cenv_fact *fact)
{
    size_t texts, numbers;
    struct cenv_fact_row *row = facts->nr == CENV_FACT_ROWS_MAX
                                    ? NULL
                                    : make_row(facts, fact, &texts, &numbers);
    if (!row)
        return;
    char *at = (char *)&row->numbers[numbers];
    *row = (struct cenv_fact_row){.kind = fact->kind, .texts = at};
    memcpy(row->numbers, fact->numbers, numbers * sizeof(uint64_t));
    for (size_t i = 0; i < texts; i++) {
        size_t len = length_of(fact->texts[i]);
        if (len)
            memcpy(at, fact->texts[i].data, len);
        at[len] = '\0';
        at += len + 1;
    }
    append_row(facts, row);
}

void cenv_fact_release(struct cenv_facts *facts)
{
    cenv_arena_release(&facts->arena);
    *facts = (struct cenv_facts){.first = NULL};
}
