/* SPDX-License-Identifier: BSD-3-Clause */
/* Loading names until nothing more is wanted: see load.h. */
#include "solve/load.h"

#include "base/alloc.h"
#include "solve/assemble.h"
#include "solve/depend.h"
#include "solve/feature.h"
#include "solve/match.h"
#include "solve/nameless.h"
#include "solve/order.h"

struct loader {
    struct cenv_problem *p;
    struct cenv_network network; /* for shards */
    struct cenv_error *err;
};

/* ---- the records of a name ---- */

/* Entries on the name that are records: what a source has is taken, else the record itself. */
static int add_requested(struct loader *l, struct cenv_str name, uint32_t first)
{
    struct cenv_problem *p = l->p;
    const struct cenv_request *r = p->request;
    for (size_t i = 0; i < r->nr_entries; i++) {
        const struct cenv_record *record = r->entries[i].record;
        if (!record || !cenv_str_eq(record->name, name))
            continue;
        uint32_t c = first;
        while (c < p->nr_cands &&
               !cenv_problem_is_same_record(p->cands[c].record, record))
            c++;
        if (c == p->nr_cands &&
            !cenv_problem_add_candidate(p, record, CENV_FROM_REQUEST, l->err))
            return l->err->status;
    }
    return 0;
}

/* Entries that single out records of this name may look at all of them. */
static int complete_requested(struct loader *l, struct cenv_str name, uint32_t first)
{
    const struct cenv_request *r = l->p->request;
    bool wished = false;
    for (size_t i = 0; i < r->nr_entries; i++) {
        const struct cenv_request_entry *w = &r->entries[i];
        bool singles = w->record || w->kind == CENV_REQUEST_FAVORED ||
                       w->kind == CENV_REQUEST_LOCKED;
        wished |= singles && cenv_str_eq(cenv_request_entry_name(w), name);
    }
    int rc = 0;
    for (uint32_t c = first; rc == 0 && wished && c < l->p->nr_cands; c++)
        rc = cenv_problem_complete(l->p, &l->p->cands[c], l->err);
    return rc;
}

/* What a cached name had to skip counts as skipped here. */
static int copy_skips(struct loader *l, const struct cenv_skips *skips)
{
    for (const struct cenv_skip *s = skips->first; s; s = s->next)
        if (cenv_problem_add_skip(l->p, s->fn, s->reason, l->err) < 0)
            return l->err->status;
    return 0;
}

static int add_cached(struct loader *l, const struct cenv_cached_name *s, uint32_t from)
{
    for (uint32_t i = 0; i < s->names.nr; i++) {
        struct cenv_candidate *cand =
            cenv_problem_add_candidate(l->p, &s->names.records[i], from, l->err);
        if (!cand)
            return l->err->status;
        cand->cached = s;
        cand->row = i;
    }
    return copy_skips(l, &s->names.skips);
}

static int load_records(struct loader *l, struct cenv_str name)
{
    const struct cenv_index *index = l->p->index;
    for (size_t i = 0; i < cenv_index_nr_sources(index); i++) {
        const struct cenv_cached_name *s = NULL;
        struct cenv_parsed_cache *cache = cenv_index_parsed_cache(index, i, name);
        int rc = cache ? cenv_parsed_cache_get(cache, name, &s, l->err) : 0;
        if (rc == 0 && s)
            rc = add_cached(l, s, (uint32_t)i);
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* ---- what settings exclude ---- */

/* The channel that the entry asks for, or NULL. */
static const struct cenv_channelmatch *
channel_of(const struct cenv_request_entry *entry)
{
    const struct cenv_matchspec_more *more =
        entry->spec ? entry->spec->parsed.more : NULL;
    bool asks = more && more->channel.kind != CENV_CHANNELMATCH_ANY;
    return asks ? &more->channel : NULL;
}

/* The specs of the user for this name that ask for a channel all hold. */
static bool is_asked_channel(const struct cenv_problem *p,
                             const struct cenv_candidate *cand)
{
    const struct cenv_request *r = p->request;
    for (size_t i = 0; i < r->nr_entries; i++) {
        const struct cenv_request_entry *entry = &r->entries[i];
        const struct cenv_channelmatch *channel = channel_of(entry);
        if (entry->kind == CENV_REQUEST_FAVORED || !channel ||
            !cenv_str_eq(entry->spec->parsed.name, cand->record->name))
            continue;
        if (!cenv_problem_in_channel(p, channel, cand))
            return false;
    }
    return true;
}

/*
 * Strict priority: of the channels that have the name at all, the first one (rattler: a channel
 * the user's spec rules out does not count, so that `chan::name` overrides the priority). The
 * cutoff does not count here: a newer package of the same name in a first channel still excludes
 * others.
 */
static void exclude_candidates(struct cenv_problem *p, uint32_t first)
{
    const struct cenv_request *r = p->request;
    uint32_t best = UINT32_MAX;
    for (uint32_t c = first; c < p->nr_cands; c++) {
        const struct cenv_candidate *cand = &p->cands[c];
        if (cenv_problem_is_indexed(cand) && cand->record->channel_rank < best &&
            is_asked_channel(p, cand))
            best = cand->record->channel_rank;
    }
    for (uint32_t c = first; c < p->nr_cands; c++) {
        struct cenv_candidate *cand = &p->cands[c];
        const struct cenv_record *record = cand->record;
        if (!cenv_problem_is_indexed(cand))
            continue;
        if (r->priority == CENV_PRIORITY_STRICT && record->channel_rank > best)
            cand->excluded |= CENV_EXCLUDED_STRICT;
        if (cenv_cutoffs_exclude(&r->cutoffs, record))
            cand->excluded |= CENV_EXCLUDED_CUTOFF;
    }
}

/* A favoured candidate is tried first; a locked one is there whatever the settings say. */
static void mark_requested(const struct cenv_problem *p, struct cenv_candidate *cand)
{
    const struct cenv_request *r = p->request;
    for (size_t i = 0; i < r->nr_entries; i++) {
        const struct cenv_request_entry *entry = &r->entries[i];
        if (entry->kind != CENV_REQUEST_FAVORED && entry->kind != CENV_REQUEST_LOCKED)
            continue;
        bool hit = entry->record
                       ? cenv_problem_is_same_record(entry->record, cand->record)
                       : cenv_match_candidate(p, &entry->spec->parsed, cand);
        cand->favored |= hit && entry->kind == CENV_REQUEST_FAVORED;
        if (hit && entry->kind == CENV_REQUEST_LOCKED)
            cand->excluded = CENV_NOT_EXCLUDED;
    }
}

/* ---- what candidates need ---- */

static bool wants_pip(const struct cenv_problem *p, const struct cenv_record *record)
{
    return p->request->add_pip && cenv_str_is(record->name, "python") &&
           (cenv_str_starts(record->version, CENV_STR("2.")) ||
            cenv_str_starts(record->version, CENV_STR("3.")));
}

/* The spec of the candidate's link `i`; CENV_NONE after a failure. */
static uint32_t spec_of_link(struct loader *l, const struct cenv_candidate *cand,
                             uint32_t i)
{
    const struct cenv_cached_name *s = cand->cached;
    const struct cenv_record *r = cand->record;
    if (s)
        return cenv_problem_add_entry(
            l->p, s->specs[s->names.links[s->names.first[cand->row] + i]], l->err);
    return cenv_problem_add_text(
        l->p, i < r->nr_depends ? r->depends[i] : r->constrains[i - r->nr_depends],
        l->err);
}

/* Links the candidate to its specs; *bad tells why it cannot be used. */
static int link_specs(struct loader *l, struct cenv_candidate *cand,
                      struct cenv_str *bad)
{
    struct cenv_problem *p = l->p;
    const struct cenv_record *record = cand->record;
    uint32_t i = 0, nr = record->nr_depends + record->nr_constrains;
    cand->specs = (uint32_t)p->nr_links;
    for (; i < record->nr_depends && !l->err->status; i++) {
        uint32_t id = spec_of_link(l, cand, i);
        if (id != CENV_NONE)
            cenv_depend_on(p, id, bad, l->err);
    }
    if (wants_pip(p, record) && !l->err->status)
        cenv_depend_on_text(p, CENV_STR("pip"), bad, l->err);
    cand->nr_depends = (uint32_t)p->nr_links - cand->specs;
    for (; i < nr && !l->err->status; i++) {
        uint32_t id = spec_of_link(l, cand, i);
        if (id != CENV_NONE)
            cenv_depend_constrain(p, id, bad, l->err);
    }
    cand->nr_constrains = (uint32_t)p->nr_links - cand->specs - cand->nr_depends;
    return l->err->status;
}

/* Drops what is excluded (unless it is to be kept) or cannot be used, and links the rest. */
static int link_candidates(struct loader *l, uint32_t first)
{
    struct cenv_problem *p = l->p;
    uint32_t to = first;
    for (uint32_t c = first; c < p->nr_cands; c++) {
        struct cenv_candidate cand = p->cands[c];
        struct cenv_str bad = {NULL, 0};
        mark_requested(p, &cand);
        if (cand.excluded && !(p->flags & CENV_PROBLEM_KEEP_EXCLUDED))
            continue;
        if (link_specs(l, &cand, &bad) < 0 ||
            (bad.len && cenv_problem_add_skip(p, cand.record->fn, bad, l->err) < 0))
            return l->err->status;
        if (!bad.len)
            p->cands[to++] = cand;
    }
    p->nr_cands = to;
    return 0;
}

/* ---- names ---- */

static int load_package(struct loader *l, struct cenv_str name, uint32_t first)
{
    struct cenv_problem *p = l->p;
    const struct cenv_record *machine = cenv_request_virtual(p->request, name);
    int rc = 0;
    if (!machine)
        rc = load_records(l, name);
    else if (!cenv_problem_add_candidate(p, machine, CENV_FROM_VIRTUAL, l->err))
        rc = l->err->status;
    if (rc == 0)
        rc = complete_requested(l, name, first);
    if (rc == 0)
        rc = add_requested(l, name, first);
    if (rc < 0)
        return rc;
    exclude_candidates(p, first);
    return link_candidates(l, first);
}

/* Loads the candidates of a name, unless that is done. */
static int load_name(struct loader *l, uint32_t id)
{
    struct cenv_problem *p = l->p;
    struct cenv_name name = p->names[id];
    if (name.loaded)
        return 0;
    p->names[id].loaded = true;
    if (name.kind == CENV_NAME_EXTRA && load_name(l, name.of) < 0)
        return l->err->status;
    uint32_t first = (uint32_t)p->nr_cands;
    int rc;
    if (name.kind == CENV_NAME_EXTRA)
        rc = cenv_depend_load_extra(p, id, l->err);
    else if (name.kind == CENV_NAME_CONDITIONAL)
        rc = cenv_depend_load_conditional(p, id, l->err);
    else if (name.kind == CENV_NAME_NAMELESS)
        rc = cenv_nameless_load(p, id, &l->network, l->err);
    else
        rc = load_package(l, name.text, first);
    p->names[id].first = first;
    p->names[id].nr = (uint32_t)p->nr_cands - first;
    return rc;
}

/* The package that a name is of. */
static struct cenv_str package_of(const struct cenv_problem *p,
                                  const struct cenv_name *name)
{
    return name->kind == CENV_NAME_EXTRA ? p->names[name->of].text : name->text;
}

static bool is_ready(const struct cenv_problem *p, const struct cenv_name *name)
{
    return name->kind == CENV_NAME_CONDITIONAL || name->kind == CENV_NAME_NAMELESS ||
           cenv_index_is_ready(p->index, package_of(p, name));
}

/* Brings the shards of all names that are wanted by now, at once. */
static int bring_wanted(struct loader *l)
{
    struct cenv_problem *p = l->p;
    struct cenv_str *names = NULL;
    size_t nr = 0;
    for (uint32_t id = 0; id < p->nr_names; id++) {
        const struct cenv_name *name = &p->names[id];
        if (!name->wanted || name->loaded || is_ready(p, name))
            continue;
        if (!names)
            names = cenv_calloc(p->nr_names, sizeof(*names));
        if (!names)
            return cenv_error_oom(l->err);
        names[nr++] = package_of(p, name);
    }
    int rc = 0;
    if (nr)
        rc = cenv_index_want(p->index, names, nr, &l->network, p->task, l->err);
    cenv_free(names);
    return rc;
}

/* Loads every wanted name; loading one may want others, which wait where they must be brought. */
static int load_wanted(struct loader *l)
{
    struct cenv_problem *p = l->p;
    for (bool more = true; more;) {
        more = false;
        if (bring_wanted(l) < 0)
            return l->err->status;
        for (uint32_t id = 0; id < p->nr_names; id++) {
            if (!p->names[id].wanted || p->names[id].loaded)
                continue;
            more = true;
            int rc = cenv_task_poll(p->task, l->err);
            if (rc == 0 && is_ready(p, &p->names[id]))
                rc = load_name(l, id);
            if (rc < 0)
                return rc;
        }
    }
    return 0;
}

/* ---- roots ---- */

static void add_root(struct cenv_problem *p, struct cenv_root root)
{
    p->roots[p->nr_roots++] = root;
}

/* Asks for an entry, and thereby for its extras. A pin is a limit and wants no name. */
static int add_roots_of(struct loader *l, const struct cenv_request_entry *entry,
                        uint32_t id)
{
    struct cenv_problem *p = l->p;
    size_t first = p->nr_links;
    if (entry->kind == CENV_REQUEST_PINNED) {
        add_root(
            p, (struct cenv_root){.kind = CENV_ROOT_ENTRY, .entry = entry, .spec = id});
        return 0;
    }
    if (cenv_depend_link(p, id, l->err) < 0)
        return l->err->status;
    if (p->specs[id].bad.len)
        return cenv_error_set(l->err, CENV_ESPEC, "%.*s: %.*s",
                              CENV_STR_ARG(entry->text),
                              CENV_STR_ARG(p->specs[id].bad));
    for (size_t i = first; i < p->nr_links; i++)
        add_root(p, (struct cenv_root){
                        .kind = CENV_ROOT_ENTRY, .entry = entry, .spec = p->links[i]});
    p->nr_links = first;
    return 0;
}

static int add_nameless_root(struct loader *l, uint32_t entry)
{
    struct cenv_problem *p = l->p;
    size_t first = p->nr_links;
    uint32_t id = cenv_nameless_add(p, entry, l->err);
    if (id == CENV_NONE || cenv_depend_link(p, id, l->err) < 0)
        return l->err->status;
    p->nr_links = first;
    add_root(p, (struct cenv_root){.kind = CENV_ROOT_ENTRY,
                                   .entry = &p->request->entries[entry],
                                   .spec = id});
    return 0;
}

/* An entry that is a record gets a spec of its own, which matches that record only. */
static uint32_t spec_of_entry(struct loader *l, const struct cenv_request_entry *entry)
{
    if (!entry->record)
        return cenv_problem_add_entry(l->p, entry->spec, l->err);
    struct cenv_spec spec = {.text = entry->text, .record = entry->record};
    spec.name = cenv_problem_add_name(l->p, entry->record->name, l->err);
    return spec.name == CENV_NONE ? CENV_NONE
                                  : cenv_problem_add_spec(l->p, &spec, l->err);
}

/* Every entry but the favoured ones is asked for; specs and locks want their name. */
static int add_entry_roots(struct loader *l)
{
    const struct cenv_request *r = l->p->request;
    for (uint32_t i = 0; i < r->nr_entries; i++) {
        const struct cenv_request_entry *entry = &r->entries[i];
        if (entry->kind == CENV_REQUEST_FAVORED)
            continue;
        if (entry->spec && entry->spec->parsed.name_is_glob) {
            if (add_nameless_root(l, i) < 0)
                return l->err->status;
            continue;
        }
        uint32_t id = spec_of_entry(l, entry);
        if (id == CENV_NONE || add_roots_of(l, entry, id) < 0)
            return l->err->status;
    }
    return 0;
}

static int add_virtual_roots(struct loader *l)
{
    struct cenv_problem *p = l->p;
    const struct cenv_request *r = p->request;
    for (size_t i = 0; i < r->nr_virtuals; i++) {
        const struct cenv_record *record = &r->virtuals[i];
        uint32_t name = cenv_map_get(&p->name_ids, record->name);
        if (name == CENV_NONE || !p->names[name].loaded)
            continue;
        uint32_t id = cenv_problem_add_text(p, record->name, l->err);
        if (id == CENV_NONE)
            return l->err->status;
        add_root(p, (struct cenv_root){
                        .kind = CENV_ROOT_VIRTUAL, .machine = record, .spec = id});
    }
    return 0;
}

/* Settings that exclude candidates are asked for as such: an explanation may name them. */
static void add_setting_roots(struct cenv_problem *p)
{
    bool strict = false, cutoff = false;
    for (size_t c = 0; c < p->nr_cands; c++) {
        strict |= p->cands[c].excluded & CENV_EXCLUDED_STRICT;
        cutoff |= p->cands[c].excluded & CENV_EXCLUDED_CUTOFF;
    }
    if (strict)
        add_root(p, (struct cenv_root){.kind = CENV_ROOT_STRICT});
    if (cutoff)
        add_root(p, (struct cenv_root){.kind = CENV_ROOT_CUTOFF});
}

static size_t count_extras(const struct cenv_request_entry *entry)
{
    const struct cenv_matchspec_more *more =
        entry->spec ? entry->spec->parsed.more : NULL;
    return more ? more->extras.nr : 0;
}

static int load_request(struct loader *l)
{
    struct cenv_problem *p = l->p;
    const struct cenv_request *r = p->request;
    size_t most = r->nr_entries + r->nr_virtuals + 2;
    for (size_t i = 0; i < r->nr_entries; i++)
        most += count_extras(&r->entries[i]);
    p->roots = cenv_arena_calloc(&p->arena, most, sizeof(*p->roots));
    if (!p->roots)
        return cenv_error_oom(l->err);
    int rc = add_entry_roots(l);
    if (rc == 0)
        rc = load_wanted(l);
    if (rc == 0)
        rc = add_virtual_roots(l);
    if (rc == 0)
        add_setting_roots(p);
    return rc;
}

/* ---- from there to the instance ---- */

static int order_and_assemble(struct cenv_problem *p, struct cenv_error *err)
{
    uint32_t *before = cenv_reallocarray(NULL, p->nr_cands, sizeof(*before));
    bool done = before && cenv_order_ties(p, before);
    int rc = done ? cenv_task_poll(p->task, err) : cenv_error_oom(err);
    if (rc == 0 && !cenv_assemble_instance(p, before))
        rc = cenv_error_oom(err);
    cenv_free(before);
    return rc;
}

static int order_and_match(struct cenv_problem *p, struct cenv_error *err)
{
    return cenv_order_names(p) ? cenv_match_specs(p, err) : cenv_error_oom(err);
}

static int build_instance(struct cenv_problem *p, struct cenv_error *err)
{
    int rc = order_and_match(p, err);
    if (rc == 0)
        rc = cenv_feature_judge(p, err);
    if (rc > 0)
        rc = order_and_match(p, err);
    if (rc == 0)
        rc = cenv_task_poll(p->task, err);
    if (rc == 0)
        rc = order_and_assemble(p, err);
    return rc;
}

int cenv_load_problem(struct cenv_problem *out, const struct cenv_index *index,
                      const struct cenv_request *request, unsigned flags,
                      struct cenv_task *task, struct cenv_error *err)
{
    *out = (struct cenv_problem){
        .index = index, .request = request, .task = task, .flags = flags};
    struct loader loader = {.p = out, .err = err};
    struct cenv_span span = cenv_span_begin(CENV_STAGE_REDUCE, "");
    cenv_task_progress(task, CENV_STAGE_REDUCE, 0);
    int rc = load_request(&loader);
    if (rc == 0)
        rc = build_instance(out, err);
    cenv_network_close(&loader.network);
    span.items = out->nr_cands;
    cenv_span_end(task, &span);
    return rc;
}
