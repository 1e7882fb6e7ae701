/* SPDX-License-Identifier: BSD-3-Clause */
/* The parts of a problem, and how they are added: see problem.h. */
#include "solve/problem.h"

#include "base/alloc.h"

/* Room for one more than `nr`. Ids are 32 bits wide and CENV_NONE is none. */
static int grow_array(void **block, size_t *alloc, size_t nr, size_t size,
                      struct cenv_error *err)
{
    if (nr >= CENV_NONE - 1 || !cenv_grow(block, alloc, nr, size))
        return cenv_error_oom(err);
    return 0;
}

uint32_t cenv_problem_add_name(struct cenv_problem *p, struct cenv_str text,
                               struct cenv_error *err)
{
    uint32_t id = cenv_map_get(&p->name_ids, text);
    if (id != CENV_NONE)
        return id;
    void *names = p->names;
    if (grow_array(&names, &p->alloc_names, p->nr_names, sizeof(*p->names), err) < 0)
        return CENV_NONE;
    p->names = names;
    p->names[p->nr_names] = (struct cenv_name){.text = text};
    if (!cenv_map_put(&p->name_ids, text, (uint32_t)p->nr_names)) {
        cenv_error_oom(err);
        return CENV_NONE;
    }
    return (uint32_t)p->nr_names++;
}

uint32_t cenv_problem_add_spec(struct cenv_problem *p, const struct cenv_spec *spec,
                               struct cenv_error *err)
{
    void *specs = p->specs;
    if (grow_array(&specs, &p->alloc_specs, p->nr_specs, sizeof(*p->specs), err) < 0)
        return CENV_NONE;
    p->specs = specs;
    p->specs[p->nr_specs] = *spec;
    p->specs[p->nr_specs].best = UINT32_MAX;
    p->specs[p->nr_specs].req[0] = p->specs[p->nr_specs].req[1] = CENV_NONE;
    return (uint32_t)p->nr_specs++;
}

/* There is a place for number `id` of the spec table. */
static int reach_entry(struct cenv_problem *p, uint32_t id, struct cenv_error *err)
{
    if (id < p->nr_by_entry)
        return 0;
    size_t nr = 2 * (size_t)id + 64;
    uint32_t *by_entry = cenv_reallocarray(p->by_entry, nr, sizeof(*by_entry));
    if (!by_entry)
        return cenv_error_oom(err);
    memset(by_entry + p->nr_by_entry, 0xff, (nr - p->nr_by_entry) * sizeof(*by_entry));
    p->by_entry = by_entry;
    p->nr_by_entry = nr;
    return 0;
}

uint32_t cenv_problem_add_entry(struct cenv_problem *p,
                                const struct cenv_spec_entry *entry,
                                struct cenv_error *err)
{
    if (reach_entry(p, entry->id, err) < 0)
        return CENV_NONE;
    uint32_t *id = &p->by_entry[entry->id];
    if (*id != CENV_NONE)
        return *id;
    struct cenv_spec spec = {.text = entry->text,
                             .parsed = entry->parsed,
                             .bad = entry->bad,
                             .name = CENV_NONE};
    if (!spec.bad.len)
        spec.name = cenv_problem_add_name(p, spec.parsed.name, err);
    if (!err->status)
        *id = cenv_problem_add_spec(p, &spec, err);
    return *id;
}

uint32_t cenv_problem_add_text(struct cenv_problem *p, struct cenv_str text,
                               struct cenv_error *err)
{
    const struct cenv_spec_entry *entry =
        cenv_spec_table_get(cenv_index_spec_table(p->index), text, err);
    return entry ? cenv_problem_add_entry(p, entry, err) : CENV_NONE;
}

struct cenv_candidate *cenv_problem_add_candidate(struct cenv_problem *p,
                                                  const struct cenv_record *record,
                                                  uint32_t from, struct cenv_error *err)
{
    void *cands = p->cands;
    if (grow_array(&cands, &p->alloc_cands, p->nr_cands, sizeof(*p->cands), err) < 0)
        return NULL;
    p->cands = cands;
    struct cenv_candidate *cand = &p->cands[p->nr_cands++];
    *cand = (struct cenv_candidate){.record = record, .from = from};
    return cand;
}

/* Virtual packages are there unasked, so constraints alone make them matter. */
static bool is_of_machine(const struct cenv_request *r, struct cenv_str name)
{
    return cenv_str_starts(name, CENV_STR("__")) && cenv_request_virtual(r, name);
}

int cenv_problem_add_link(struct cenv_problem *p, uint32_t spec, bool depends,
                          struct cenv_error *err)
{
    void *links = p->links;
    if (grow_array(&links, &p->alloc_links, p->nr_links, sizeof(*p->links), err) < 0)
        return err->status;
    p->links = links;
    p->links[p->nr_links++] = spec;
    struct cenv_name *name = &p->names[p->specs[spec].name];
    if (depends || is_of_machine(p->request, name->text))
        name->wanted = true;
    return 0;
}

int cenv_problem_add_skip(struct cenv_problem *p, struct cenv_str fn,
                          struct cenv_str reason, struct cenv_error *err)
{
    struct cenv_skip *skip = cenv_arena_calloc(&p->arena, 1, sizeof(*skip));
    if (!skip)
        return cenv_error_oom(err);
    *skip = (struct cenv_skip){.fn = fn, .reason = reason};
    if (p->skips.last)
        p->skips.last->next = skip;
    else
        p->skips.first = skip;
    p->skips.last = skip;
    p->skips.nr++;
    return 0;
}

int cenv_problem_complete(struct cenv_problem *p, struct cenv_candidate *cand,
                          struct cenv_error *err)
{
    if (!cenv_repodata_is_partial(cand->record))
        return 0;
    struct cenv_record *full = cenv_arena_alloc(&p->arena, sizeof(*full));
    if (!full)
        return cenv_error_oom(err);
    int rc = cenv_repodata_complete(
        cenv_index_repodata(p->index, cand->from, cand->record->name), cand->record,
        &p->arena, full, err);
    cand->record = rc < 0 ? cand->record : full;
    return rc;
}

/* The channel is the name of the multichannel to which the candidate's source belongs. */
static bool is_multichannel(const struct cenv_problem *p,
                            const struct cenv_channelmatch *channel,
                            const struct cenv_candidate *cand)
{
    return cenv_problem_is_indexed(cand) && channel->kind == CENV_CHANNELMATCH_NAME &&
           cenv_str_eq(cenv_index_multichannel(p->index, cand->from), channel->text);
}

bool cenv_problem_in_channel(const struct cenv_problem *p,
                             const struct cenv_channelmatch *channel,
                             const struct cenv_candidate *cand)
{
    const struct cenv_channelnames *names = cenv_index_channel_names(p->index);
    const struct cenv_record *record = cand->record;
    if (is_multichannel(p, channel, cand))
        return true;
    return names
               ? cenv_channelnames_test(names, channel, record->channel,
                                        record->channel_url)
               : cenv_channelmatch_test(channel, record->channel, record->channel_url);
}

bool cenv_problem_is_same_record(const struct cenv_record *a,
                                 const struct cenv_record *b)
{
    if (a->sha256.len && b->sha256.len)
        return cenv_str_eq(a->sha256, b->sha256);
    return cenv_str_eq(a->name, b->name) && cenv_str_eq(a->version, b->version) &&
           cenv_str_eq(a->build, b->build) &&
           (!a->subdir.len || !b->subdir.len || cenv_str_eq(a->subdir, b->subdir)) &&
           (!a->url.len || !b->url.len || cenv_str_eq(a->url, b->url));
}

void cenv_problem_release(struct cenv_problem *p)
{
    cenv_map_release(&p->name_ids);
    cenv_map_release(&p->spec_ids);
    cenv_free(p->by_entry);
    cenv_free(p->names);
    cenv_free(p->specs);
    cenv_free(p->cands);
    cenv_free(p->links);
    cenv_free(p->req_spec);
    cenv_free(p->in.reqs);
    cenv_free(p->in.runs);
    cenv_free(p->in.edges);
    cenv_arena_release(&p->arena);
    *p = (struct cenv_problem){0};
}

uint32_t cenv_problem_find(const struct cenv_problem *p, struct cenv_str name)
{
    uint32_t lo = 0, hi = (uint32_t)p->nr_names;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (cenv_str_cmp(p->names[mid].text, name) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < p->nr_names && cenv_str_eq(p->names[lo].text, name) ? lo : CENV_NONE;
}
