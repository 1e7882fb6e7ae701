/* SPDX-License-Identifier: BSD-3-Clause */
/* Every record of the index is looked at once, and none is kept: see nameless.h. */
#include "solve/nameless.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "model/matchspec_print.h"
#include "solve/depend.h"
#include "solve/match.h"

/* Each name that matches brings all that it may need; each shard is a request to a server. */
enum { MAX_NAMES = 256, MAX_SHARDS = 2048, TEXT_MAX = 1 << 16 };

/* A name that has a record that matches. */
struct way {
    struct cenv_str name;
    /* The entry of the request on this name, or CENV_NONE. */
    uint32_t asked;
    /* The least of its records that match. */
    uint32_t rank, nr_depends;
};

struct search {
    struct cenv_problem *p;
    const struct cenv_matchspec *spec;
    struct cenv_str *names; /* of the index, each once */
    size_t nr_names, alloc_names;
    struct cenv_map seen;
    uint32_t source; /* being read */
    struct way now;  /* the name being read, as far as records matched */
    bool matched;
    struct way *ways;
    uint32_t nr_ways;
    struct cenv_error *err;
};

uint32_t cenv_nameless_add(struct cenv_problem *p, uint32_t entry,
                           struct cenv_error *err)
{
    struct cenv_spec spec = {.text = p->request->entries[entry].text};
    spec.name = cenv_problem_add_name(p, spec.text, err);
    if (spec.name == CENV_NONE)
        return CENV_NONE;
    p->names[spec.name].kind = CENV_NAME_NAMELESS;
    p->names[spec.name].of = entry;
    return cenv_problem_add_spec(p, &spec, err);
}

/* ---- the names of the index ---- */

static int add_name(struct search *s, struct cenv_str name)
{
    void *names = s->names;
    if (cenv_map_get(&s->seen, name) != CENV_NONE)
        return 0;
    if (!cenv_grow(&names, &s->alloc_names, s->nr_names, sizeof(*s->names)))
        return cenv_error_oom(s->err);
    s->names = names;
    s->names[s->nr_names++] = name;
    return cenv_map_put(&s->seen, name, 0) ? 0 : cenv_error_oom(s->err);
}

static int collect_names(struct search *s)
{
    const struct cenv_index *index = s->p->index;
    int rc = 0;
    for (size_t i = 0; i < cenv_index_nr_sources(index); i++)
        for (size_t k = 0; rc == 0 && k < cenv_index_nr_names(index, i); k++)
            rc = add_name(s, cenv_index_name(index, i, k));
    return rc;
}

static int refuse_shards(const struct search *s, size_t nr)
{
    cenv_error_set(s->err, CENV_ECHANNEL,
                   "'%.*s' names no package, and %zu shards would have to be fetched",
                   CENV_STR_ARG(s->spec->text), nr);
    return cenv_error_hint(s->err, "name the package, or set repodata_use_shards: "
                                   "false in .condarc");
}

/* Brings the shards of all names. */
static int bring_names(struct search *s, struct cenv_network *network)
{
    const struct cenv_index *index = s->p->index;
    struct cenv_str *wanted = cenv_calloc(s->nr_names + 1, sizeof(*wanted));
    size_t nr = 0;
    int rc = wanted ? 0 : cenv_error_oom(s->err);
    for (size_t i = 0; rc == 0 && i < s->nr_names; i++)
        if (!cenv_index_is_ready(index, s->names[i]))
            wanted[nr++] = s->names[i];
    if (nr > MAX_SHARDS)
        rc = refuse_shards(s, nr);
    if (rc == 0 && nr)
        rc = cenv_index_want(index, wanted, nr, network, s->p->task, s->err);
    cenv_free(wanted);
    return rc;
}

/* ---- those that match ---- */

static int visit_record(void *ctx, struct cenv_record *record, struct cenv_error *err)
{
    struct search *s = ctx;
    struct cenv_candidate cand = {.record = record, .from = s->source};
    bool ranked = s->p->request->priority != CENV_PRIORITY_DISABLED;
    uint32_t rank = ranked ? record->channel_rank : 0, nr = record->nr_depends;
    (void)err;
    if (!cenv_match_candidate(s->p, s->spec, &cand))
        return 0;
    bool less = rank < s->now.rank || (rank == s->now.rank && nr < s->now.nr_depends);
    if (!s->matched || less) {
        s->now.rank = rank;
        s->now.nr_depends = nr;
    }
    s->matched = true;
    return 0;
}

/* Reads the records of a name from all sources. */
static int read_name(struct search *s)
{
    const struct cenv_index *index = s->p->index;
    struct cenv_arena arena = CENV_ARENA_INIT;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < cenv_index_nr_sources(index); i++) {
        const struct cenv_repodata *rd = cenv_index_repodata(index, i, s->now.name);
        s->source = (uint32_t)i;
        if (rd)
            rc = cenv_repodata_records(rd, s->now.name, &arena, NULL, visit_record, s,
                                       s->err);
    }
    cenv_arena_release(&arena);
    return rc;
}

static uint32_t find_asked(const struct cenv_request *r, struct cenv_str name)
{
    for (uint32_t i = 0; i < r->nr_entries; i++) {
        const struct cenv_request_entry *entry = &r->entries[i];
        bool wants =
            entry->kind == CENV_REQUEST_SPEC || entry->kind == CENV_REQUEST_LOCKED;
        if (wants && cenv_str_eq(cenv_request_entry_name(entry), name))
            return i;
    }
    return CENV_NONE;
}

static int refuse_names(const struct search *s)
{
    cenv_error_set(
        s->err, CENV_ESPEC,
        "'%.*s' names no package, and packages of more than %d names match it",
        CENV_STR_ARG(s->spec->text), MAX_NAMES);
    return cenv_error_hint(s->err, "name the package, or say more of it");
}

static int find_ways(struct search *s)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < s->nr_names; i++) {
        s->now = (struct way){.name = s->names[i]};
        s->matched = false;
        rc = read_name(s);
        if (rc == 0 && i % 64 == 0)
            rc = cenv_task_poll(s->p->task, s->err);
        if (rc < 0 || !s->matched)
            continue;
        if (s->nr_ways == MAX_NAMES)
            return refuse_names(s);
        s->now.asked = find_asked(s->p->request, s->now.name);
        s->ways[s->nr_ways++] = s->now;
    }
    return rc;
}

static int by_worth(const void *left, const void *right)
{
    const struct way *a = left, *b = right;
    int order = (a->asked > b->asked) - (a->asked < b->asked);
    order = order ? order : (a->rank > b->rank) - (a->rank < b->rank);
    order = order ? order
                  : (a->nr_depends > b->nr_depends) - (a->nr_depends < b->nr_depends);
    return order ? order : cenv_str_cmp(a->name, b->name);
}

/* ---- what comes of them ---- */

/* "mkl[track_features=x]": what the spec says, of one name. */
static uint32_t add_named(struct search *s, struct cenv_str name)
{
    struct cenv_problem *p = s->p;
    struct cenv_spec spec = {.parsed = *s->spec};
    struct cenv_buf text;
    spec.parsed.name = name;
    spec.parsed.name_is_glob = false;
    cenv_buf_init(&text, TEXT_MAX);
    cenv_matchspec_print(&spec.parsed, &text);
    if (!text.failed)
        spec.text = spec.parsed.text = cenv_arena_str(&p->arena, cenv_buf_str(&text));
    cenv_buf_release(&text);
    if (!spec.text.data) {
        cenv_error_oom(s->err);
        return CENV_NONE;
    }
    spec.name = cenv_problem_add_name(p, name, s->err);
    return spec.name == CENV_NONE ? CENV_NONE : cenv_problem_add_spec(p, &spec, s->err);
}

static int add_ways(struct search *s, uint32_t name)
{
    struct cenv_problem *p = s->p;
    for (uint32_t i = 0; i < s->nr_ways; i++) {
        uint32_t spec = add_named(s, s->ways[i].name);
        struct cenv_candidate *cand = NULL;
        if (spec != CENV_NONE)
            cand = cenv_depend_add_way(p, name, s->ways[i].name,
                                       (uint64_t)s->nr_ways - i, s->err);
        if (!cand || cenv_depend_link(p, spec, s->err) < 0)
            return s->err->status;
        cand->nr_depends = (uint32_t)p->nr_links - cand->specs;
    }
    return 0;
}

int cenv_nameless_load(struct cenv_problem *p, uint32_t name,
                       struct cenv_network *network, struct cenv_error *err)
{
    const struct cenv_request_entry *entry = &p->request->entries[p->names[name].of];
    struct search s = {.p = p, .spec = &entry->spec->parsed, .err = err};
    int rc = collect_names(&s);
    s.ways = cenv_calloc(MAX_NAMES, sizeof(*s.ways));
    if (rc == 0 && !s.ways)
        rc = cenv_error_oom(err);
    if (rc == 0)
        rc = bring_names(&s, network);
    if (rc == 0)
        rc = find_ways(&s);
    if (rc == 0 && s.nr_ways)
        qsort(s.ways, s.nr_ways, sizeof(*s.ways), by_worth);
    if (rc == 0)
        rc = add_ways(&s, name);
    cenv_map_release(&s.seen);
    cenv_free(s.names);
    cenv_free(s.ways);
    return rc;
}
