/* SPDX-License-Identifier: BSD-3-Clause */
/* The records of a solution, in link order: see solution.h. */
#include "solve/solution.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "codec/json.h"
#include "solve/link_order.h"

enum { MAX_DEPTH = 8 };

/* The chosen names that are packages, numbered anew, and what they need of one another. */
struct chosen {
    const struct cenv_problem *p;
    const uint32_t *choice;
    uint32_t *names;  /* by new number */
    uint32_t *number; /* by name, or CENV_NONE */
    uint32_t *first, *edges, *order;
    bool *late;
    uint32_t nr, nr_edges;
    size_t alloc_edges;
    bool failed; /* sticky: out of memory */
};

static const struct cenv_candidate *cand_of(const struct chosen *s, uint32_t i)
{
    return cenv_problem_cand(s->p, s->names[i], s->choice[s->names[i]]);
}

static void collect_chosen(struct chosen *s)
{
    for (uint32_t n = 0; n < s->p->in.nr_names; n++) {
        s->number[n] = CENV_NONE;
        if (s->choice[n] == CENV_ABSENT || s->p->names[n].kind != CENV_NAME_PACKAGE ||
            cenv_problem_cand(s->p, n, s->choice[n])->from == CENV_FROM_VIRTUAL)
            continue;
        s->number[n] = s->nr;
        s->names[s->nr++] = n;
    }
}

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static void add_edge(struct chosen *s, uint32_t name)
{
    void *edges = s->edges;
    if (name == CENV_NONE || s->number[name] == CENV_NONE)
        return;
    s->failed |= !cenv_grow(&edges, &s->alloc_edges, s->nr_edges, sizeof(*s->edges));
    s->edges = edges;
    if (!s->failed)
        s->edges[s->nr_edges++] = s->number[name];
}

static bool is_noarch_python(const struct chosen *s, uint32_t name)
{
    return s->number[name] != CENV_NONE &&
           cenv_str_is(cand_of(s, s->number[name])->record->noarch, "python");
}

/* Adds what a candidate needs; of a made-up name, what its choice needs. The depth is bounded
 * since extras may ask for one another in a circle. */
static void add_needs(struct chosen *s, const struct cenv_candidate *cand,
                      uint32_t self, bool is_python, int depth)
{
    for (uint32_t k = 0; k < cand->nr_depends; k++) {
        uint32_t name = s->p->specs[s->p->links[cand->specs + k]].name;
        if (s->p->names[name].kind != CENV_NAME_PACKAGE) {
            if (s->choice[name] != CENV_ABSENT && depth < MAX_DEPTH)
                add_needs(s, cenv_problem_cand(s->p, name, s->choice[name]), self,
                          is_python, depth + 1);
        } else if (s->number[name] != self && !(is_python && is_noarch_python(s, name)))
            add_edge(s, name);
    }
}

/*
 * A noarch python package is linked with python's paths, so it needs python whether or not it
 * says so, and python's own need of one (pip) does not count.
 */
static void add_edges(struct chosen *s, uint32_t i, uint32_t python)
{
    const struct cenv_candidate *cand = cand_of(s, i);
    s->first[i] = s->nr_edges;
    s->late[i] = is_noarch_python(s, s->names[i]);
    add_needs(s, cand, i, s->names[i] == python, 0);
    if (s->late[i])
        add_edge(s, python);
    if (s->nr_edges > s->first[i])
        qsort(s->edges + s->first[i], s->nr_edges - s->first[i], sizeof(*s->edges),
              by_number);
}

static int order_chosen(struct chosen *s, struct cenv_error *err)
{
    uint32_t python = cenv_problem_find(s->p, CENV_STR("python"));
    collect_chosen(s);
    for (uint32_t i = 0; i < s->nr; i++)
        add_edges(s, i, python);
    if (s->failed)
        return cenv_error_oom(err);
    s->first[s->nr] = s->nr_edges;
    struct cenv_link_graph graph = {s->nr, s->first, s->edges, s->late};
    return cenv_link_order_sort(&graph, s->order, err);
}

/* The whole of the candidate's record, in *full where it was partial; NULL with `err` set. */
static const struct cenv_record *complete_record(const struct cenv_problem *p,
                                                 const struct cenv_candidate *cand,
                                                 struct cenv_arena *arena,
                                                 struct cenv_record *full,
                                                 struct cenv_error *err)
{
    const struct cenv_record *record = cand->record;
    if (!cenv_repodata_is_partial(record))
        return record;
    int rc =
        cenv_repodata_complete(cenv_index_repodata(p->index, cand->from, record->name),
                               record, arena, full, err);
    return rc < 0 ? NULL : full;
}

/* What the file's name told, where the channel is silent or says null. */
static bool set_missing(struct cenv_json *object, const char *key, struct cenv_str text)
{
    return cenv_json_get_cstr(object, key) || cenv_json_set_str(object, key, text);
}

/* The channel of a package that lies elsewhere, as base_url says (CEP 15): its URL does not
 * tell. */
static bool set_channel_url(struct cenv_json *object, const struct cenv_record *record)
{
    struct cenv_str channel = record->channel_url;

    cenv_json_remove(object, "channel_url"); /* the word of a package */
    if (!channel.len ||
        (cenv_str_starts(record->url, channel) && record->url.data[channel.len] == '/'))
        return true;
    return cenv_json_set_str(object, "channel_url", channel);
}

/* The record as its channel has it, and where it is from. */
static int write_record(const struct cenv_record *record, struct cenv_json_writer *w,
                        struct cenv_error *err)
{
    struct cenv_json *object = NULL;
    int rc = cenv_json_parse(&object, record->raw, "the record", err);
    if (rc < 0)
        return cenv_error_prefix(err, "%.*s", CENV_STR_ARG(record->fn));
    bool done = cenv_json_set_str(object, "name", record->name);
    done &= set_missing(object, "version", record->version);
    done &= set_missing(object, "build", record->build);
    done &= cenv_json_set_str(object, "fn", record->fn);
    done &= cenv_json_set_str(object, "subdir", record->subdir);
    done &= cenv_json_set_str(object, "channel", record->channel);
    done &= cenv_json_set_str(object, "url", record->url);
    done &= set_channel_url(object, record);
    cenv_json_write_tree(w, NULL, object);
    cenv_json_free(object);
    return done ? 0 : cenv_error_oom(err);
}

static int write_records(const struct chosen *s, struct cenv_json_writer *w,
                         struct cenv_error *err)
{
    struct cenv_arena arena = CENV_ARENA_INIT;
    int rc = 0;
    cenv_json_write_array(w, "records");
    for (uint32_t i = 0; rc == 0 && i < s->nr; i++) {
        struct cenv_record full;
        const struct cenv_record *record =
            complete_record(s->p, cand_of(s, s->order[i]), &arena, &full, err);
        rc = record ? write_record(record, w, err) : err->status;
    }
    cenv_json_write_end(w);
    cenv_arena_release(&arena);
    return rc;
}

static bool allocate_chosen(struct chosen *s, size_t nr)
{
    s->names = cenv_reallocarray(NULL, nr, sizeof(*s->names));
    s->number = cenv_reallocarray(NULL, nr, sizeof(*s->number));
    s->first = cenv_reallocarray(NULL, nr + 1, sizeof(*s->first));
    s->order = cenv_reallocarray(NULL, nr, sizeof(*s->order));
    s->late = cenv_calloc(nr, sizeof(*s->late));
    return s->names && s->number && s->first && s->order && s->late;
}

int cenv_solution_write_records(const struct cenv_problem *p, const uint32_t *choice,
                                struct cenv_json_writer *w, struct cenv_error *err)
{
    struct chosen s = {.p = p, .choice = choice};
    int rc = allocate_chosen(&s, p->nr_names) ? 0 : cenv_error_oom(err);
    if (rc == 0)
        rc = order_chosen(&s, err);
    if (rc == 0)
        rc = write_records(&s, w, err);
    cenv_free(s.names);
    cenv_free(s.number);
    cenv_free(s.first);
    cenv_free(s.edges);
    cenv_free(s.order);
    cenv_free(s.late);
    return rc;
}
