/* SPDX-License-Identifier: BSD-3-Clause */
/* Loading what a request can reach: see problem.h. */
#include "solve/loader.h"

#include "base/alloc.h"

static int push(struct cenv_loader *l, void **block, size_t *alloc, size_t nr,
                size_t size)
{
    if (nr >= CENV_NONE - 1 || cenv_grow(block, alloc, nr, size) < 0)
        return cenv_error_oom(l->err);
    return 0;
}

/* The id of a name, new if need be; CENV_NONE after a failure. */
uint32_t cenv_loader_name(struct cenv_loader *l, struct cenv_str text)
{
    struct cenv_problem *p = l->p;
    uint32_t id = cenv_map_get(&p->name_ids, text);
    if (id != CENV_NONE)
        return id;
    void *names = p->names;
    if (push(l, &names, &p->alloc_names, p->nr_names, sizeof(*p->names)) < 0)
        return CENV_NONE;
    p->names = names;
    p->names[p->nr_names] = (struct cenv_name){.text = text};
    if (cenv_map_put(&p->name_ids, text, (uint32_t)p->nr_names) < 0) {
        cenv_error_oom(l->err);
        return CENV_NONE;
    }
    return (uint32_t)p->nr_names++;
}

uint32_t cenv_loader_add(struct cenv_loader *l, const struct cenv_spec *spec)
{
    struct cenv_problem *p = l->p;
    void *specs = p->specs;
    if (push(l, &specs, &p->alloc_specs, p->nr_specs, sizeof(*p->specs)) < 0)
        return CENV_NONE;
    p->specs = specs;
    p->specs[p->nr_specs] = *spec;
    p->specs[p->nr_specs].best = UINT32_MAX;
    p->specs[p->nr_specs].req[0] = p->specs[p->nr_specs].req[1] = CENV_NONE;
    return (uint32_t)p->nr_specs++;
}

/* There is a place for number `id` of the book. */
static int reach_book(struct cenv_loader *l, uint32_t id)
{
    struct cenv_problem *p = l->p;
    if (id < p->nr_by_book)
        return 0;
    size_t nr = 2 * (size_t)id + 64;
    uint32_t *by_book = cenv_reallocarray(p->by_book, nr, sizeof(*by_book));
    if (!by_book)
        return cenv_error_oom(l->err);
    memset(by_book + p->nr_by_book, 0xff, (nr - p->nr_by_book) * sizeof(*by_book));
    p->by_book = by_book;
    p->nr_by_book = nr;
    return 0;
}

/* The id of a spec of the book; CENV_NONE after a failure. */
static uint32_t booked_spec(struct cenv_loader *l, const struct cenv_booked *entry)
{
    struct cenv_problem *p = l->p;
    if (reach_book(l, entry->id) < 0)
        return CENV_NONE;
    uint32_t *id = &p->by_book[entry->id];
    if (*id != CENV_NONE)
        return *id;
    struct cenv_spec spec = {.text = entry->text,
                             .parsed = entry->parsed,
                             .bad = entry->bad,
                             .name = CENV_NONE};
    if (!spec.bad.len)
        spec.name = cenv_loader_name(l, spec.parsed.name);
    if (!l->err->status)
        *id = cenv_loader_add(l, &spec);
    return *id;
}

int cenv_loader_spec(struct cenv_loader *l, struct cenv_str text, uint32_t *id)
{
    const struct cenv_booked *entry =
        cenv_specbook_get(cenv_index_specbook(l->p->index), text, l->err);
    *id = entry ? booked_spec(l, entry) : CENV_NONE;
    return l->err->status;
}

/* A wish that is a record gets a spec of its own, which matches that record only. */
static int record_spec(struct cenv_loader *l, const struct cenv_wish *wish,
                       uint32_t *id)
{
    struct cenv_spec spec = {.text = wish->text, .record = wish->record};
    spec.name = cenv_loader_name(l, wish->record->name);
    *id = cenv_loader_add(l, &spec);
    return l->err->status;
}

struct cenv_candidate *cenv_loader_candidate(struct cenv_loader *l,
                                             const struct cenv_record *record)
{
    struct cenv_problem *p = l->p;
    void *cands = p->cands;
    if (push(l, &cands, &p->alloc_cands, p->nr_cands, sizeof(*p->cands)) < 0)
        return NULL;
    p->cands = cands;
    struct cenv_candidate *cand = &p->cands[p->nr_cands++];
    *cand = (struct cenv_candidate){.record = record, .source = l->source};
    return cand;
}

bool cenv_record_is_same(const struct cenv_record *a, const struct cenv_record *b)
{
    if (a->sha256.len && b->sha256.len)
        return cenv_str_eq(a->sha256, b->sha256);
    return cenv_str_eq(a->name, b->name) && cenv_str_eq(a->version, b->version) &&
           cenv_str_eq(a->build, b->build) &&
           (!a->subdir.len || !b->subdir.len || cenv_str_eq(a->subdir, b->subdir)) &&
           (!a->url.len || !b->url.len || cenv_str_eq(a->url, b->url));
}

/* Wishes on the name that are records: the source's own is taken, else the wish's. */
static int add_wished(struct cenv_loader *l, uint32_t first)
{
    const struct cenv_request *r = l->p->request;
    for (size_t i = 0; i < r->nr_wishes; i++) {
        const struct cenv_record *record = r->wishes[i].record;
        if (!record || !cenv_str_eq(record->name, l->p->names[l->name].text))
            continue;
        uint32_t c = first;
        while (c < l->p->nr_cands &&
               !cenv_record_is_same(l->p->cands[c].record, record))
            c++;
        l->source = CENV_SOURCE_REQUEST;
        if (c == l->p->nr_cands && !cenv_loader_candidate(l, record))
            return l->err->status;
    }
    return 0;
}

/* Whether the channel asked for is this candidate's; a multichannel stands for its members. */
static bool in_channel(const struct cenv_problem *p,
                       const struct cenv_channelmatch *channel,
                       const struct cenv_candidate *cand)
{
    return cenv_is_multichannel(p, channel, cand) ||
           cenv_channelmatch_test(channel, cand->record->channel,
                                  cand->record->channel_url);
}

/* The specs of the user for this name that ask for a channel all hold. */
static bool is_asked_channel(const struct cenv_loader *l,
                             const struct cenv_candidate *cand)
{
    const struct cenv_request *r = l->p->request;
    for (size_t i = 0; i < r->nr_wishes; i++) {
        const struct cenv_wish *wish = &r->wishes[i];
        if (wish->kind == CENV_WISH_FAVORED || wish->record || !wish->spec.more ||
            wish->spec.more->channel.kind == CENV_CHANNELMATCH_ANY ||
            !cenv_str_eq(wish->spec.name, cand->record->name))
            continue;
        if (!in_channel(l->p, &wish->spec.more->channel, cand))
            return false;
    }
    return true;
}

/*
 * Strict priority: of the channels that have the name at all, the first one (rattler: a channel the
 * user's spec rules out does not count, so that `chan::name` overrides the priority). The cutoff
 * does not count here: a newer package of the same name in a first channel still hides others.
 */
static void hide(struct cenv_loader *l, uint32_t first)
{
    const struct cenv_request *r = l->p->request;
    uint32_t best = UINT32_MAX;
    for (uint32_t c = first; c < l->p->nr_cands; c++) {
        const struct cenv_candidate *cand = &l->p->cands[c];
        if (cenv_is_indexed(cand) && cand->record->channel_rank < best &&
            is_asked_channel(l, cand))
            best = cand->record->channel_rank;
    }
    for (uint32_t c = first; c < l->p->nr_cands; c++) {
        struct cenv_candidate *cand = &l->p->cands[c];
        const struct cenv_record *record = cand->record;
        int64_t time = record->indexed_timestamp_ms ? record->indexed_timestamp_ms
                                                    : record->timestamp_ms;
        if (!cenv_is_indexed(cand))
            continue;
        if (r->priority == CENV_PRIORITY_STRICT && record->channel_rank > best)
            cand->hidden |= CENV_HIDDEN_STRICT;
        if (time > r->cutoff_ms)
            cand->hidden |= CENV_HIDDEN_CUTOFF;
    }
}

/* The virtual package of that name, as the machine has it. */
static const struct cenv_record *machine_record(const struct cenv_request *r,
                                                struct cenv_str name)
{
    for (size_t i = 0; i < r->nr_virtuals; i++)
        if (cenv_str_eq(r->virtuals[i].name, name))
            return &r->virtuals[i];
    return NULL;
}

/* Virtual packages are there unasked, so constraints alone make them matter. */
static bool is_of_machine(const struct cenv_request *r, struct cenv_str name)
{
    return cenv_str_starts(name, CENV_STR("__")) && machine_record(r, name);
}

int cenv_loader_link(struct cenv_loader *l, uint32_t id, bool depends)
{
    struct cenv_problem *p = l->p;
    void *links = p->links;
    if (push(l, &links, &p->alloc_links, p->nr_links, sizeof(*p->links)) < 0)
        return l->err->status;
    p->links = links;
    p->links[p->nr_links++] = id;
    if (depends || is_of_machine(p->request, p->names[p->specs[id].name].text))
        p->names[p->specs[id].name].wanted = true;
    return 0;
}

static int depend(struct cenv_loader *l, uint32_t id, struct cenv_str *bad)
{
    if (!l->p->specs[id].bad.len)
        cenv_loader_link_special(l, id);
    *bad = l->p->specs[id].bad.len ? l->p->specs[id].bad : *bad;
    return l->err->status;
}

static int constrain(struct cenv_loader *l, uint32_t id, struct cenv_str *bad)
{
    if (l->p->specs[id].bad.len)
        *bad = l->p->specs[id].bad;
    else
        cenv_loader_link(l, id, false);
    return l->err->status;
}

int cenv_loader_depend(struct cenv_loader *l, struct cenv_str text,
                       struct cenv_str *bad)
{
    uint32_t id;
    return cenv_loader_spec(l, text, &id) < 0 ? l->err->status : depend(l, id, bad);
}

static bool wants_pip(const struct cenv_loader *l, const struct cenv_record *record)
{
    return l->p->request->add_pip && cenv_str_is(record->name, "python") &&
           (cenv_str_starts(record->version, CENV_STR("2.")) ||
            cenv_str_starts(record->version, CENV_STR("3.")));
}

/* The spec of the candidate's link `i`; CENV_NONE after a failure. */
static uint32_t link_of(struct cenv_loader *l, const struct cenv_candidate *cand,
                        uint32_t i)
{
    const struct cenv_shelved *s = cand->shelved;
    const struct cenv_record *r = cand->record;
    uint32_t id;
    if (s)
        return booked_spec(l, s->specs[s->names.links[s->names.first[cand->row] + i]]);
    cenv_loader_spec(
        l, i < r->nr_depends ? r->depends[i] : r->constrains[i - r->nr_depends], &id);
    return id;
}

/* Links the candidate to its specs; *bad tells why it cannot be used. */
static int link_specs(struct cenv_loader *l, struct cenv_candidate *cand,
                      struct cenv_str *bad)
{
    const struct cenv_record *record = cand->record;
    uint32_t i = 0, nr = record->nr_depends + record->nr_constrains;
    cand->specs = (uint32_t)l->p->nr_links;
    for (; i < record->nr_depends && !l->err->status; i++) {
        uint32_t id = link_of(l, cand, i);
        if (id != CENV_NONE)
            depend(l, id, bad);
    }
    if (wants_pip(l, record) && !l->err->status)
        cenv_loader_depend(l, CENV_STR("pip"), bad);
    cand->nr_depends = (uint32_t)l->p->nr_links - cand->specs;
    for (; i < nr && !l->err->status; i++) {
        uint32_t id = link_of(l, cand, i);
        if (id != CENV_NONE)
            constrain(l, id, bad);
    }
    cand->nr_constrains = (uint32_t)l->p->nr_links - cand->specs - cand->nr_depends;
    return l->err->status;
}

int cenv_loader_skip(struct cenv_loader *l, const struct cenv_record *record,
                     struct cenv_str reason)
{
    struct cenv_skips *skips = &l->p->skips;
    struct cenv_skip *skip = cenv_arena_calloc(&l->p->arena, 1, sizeof(*skip));
    if (!skip)
        return cenv_error_oom(l->err);
    *skip = (struct cenv_skip){.fn = record->fn, .reason = reason};
    if (skips->last)
        skips->last->next = skip;
    else
        skips->first = skip;
    skips->last = skip;
    skips->nr++;
    return 0;
}

int cenv_problem_complete(struct cenv_problem *p, struct cenv_candidate *cand,
                          struct cenv_error *err)
{
    if (!cand->shelved || cand->record->raw.data)
        return 0;
    struct cenv_record *full = cenv_arena_alloc(&p->arena, sizeof(*full));
    if (!full)
        return cenv_error_oom(err);
    int rc = cenv_repodata_complete(
        cenv_index_repodata(p->index, cand->source, cand->record->name), cand->record,
        &p->arena, full, err);
    cand->record = rc < 0 ? cand->record : full;
    return rc;
}

/* Wishes that single out records of this name may look at all of them. */
static int complete_wished(struct cenv_loader *l, struct cenv_str name, uint32_t first)
{
    const struct cenv_request *r = l->p->request;
    bool wished = false;
    for (size_t i = 0; i < r->nr_wishes; i++) {
        const struct cenv_wish *w = &r->wishes[i];
        bool singles =
            w->record || w->kind == CENV_WISH_FAVORED || w->kind == CENV_WISH_LOCKED;
        wished |=
            singles && cenv_str_eq(w->record ? w->record->name : w->spec.name, name);
    }
    int rc = 0;
    for (uint32_t c = first; rc == 0 && wished && c < l->p->nr_cands; c++)
        rc = cenv_problem_complete(l->p, &l->p->cands[c], l->err);
    return rc;
}

/* A favoured candidate is tried first; a locked one is there whatever the settings say. */
static void mark_wished(struct cenv_loader *l, struct cenv_candidate *cand)
{
    const struct cenv_request *r = l->p->request;
    for (size_t i = 0; i < r->nr_wishes; i++) {
        const struct cenv_wish *wish = &r->wishes[i];
        if (wish->kind != CENV_WISH_FAVORED && wish->kind != CENV_WISH_LOCKED)
            continue;
        bool hit = wish->record ? cenv_record_is_same(wish->record, cand->record)
                                : cenv_matchspec_match(&wish->spec, cand->record);
        cand->favored |= hit && wish->kind == CENV_WISH_FAVORED;
        if (hit && wish->kind == CENV_WISH_LOCKED)
            cand->hidden = CENV_SHOWN;
    }
}

/* Drops what is hidden (unless explaining) or cannot be used, and links the rest. */
static int link_candidates(struct cenv_loader *l, uint32_t first)
{
    struct cenv_problem *p = l->p;
    uint32_t to = first;
    for (uint32_t c = first; c < p->nr_cands; c++) {
        struct cenv_candidate cand = p->cands[c];
        struct cenv_str bad = {NULL, 0};
        mark_wished(l, &cand);
        if (cand.hidden && !p->explaining)
            continue;
        if (link_specs(l, &cand, &bad) < 0 ||
            (bad.len && cenv_loader_skip(l, cand.record, bad) < 0))
            return l->err->status;
        if (!bad.len)
            p->cands[to++] = cand;
    }
    p->nr_cands = to;
    return 0;
}

/* The shelf's skips count as this problem's. */
static int take_skips(struct cenv_loader *l, const struct cenv_skips *skips)
{
    for (const struct cenv_skip *s = skips->first; s; s = s->next) {
        const struct cenv_record record = {.fn = s->fn};
        if (cenv_loader_skip(l, &record, s->reason) < 0)
            return l->err->status;
    }
    return 0;
}

static int take_shelved(struct cenv_loader *l, const struct cenv_shelved *s)
{
    for (uint32_t i = 0; i < s->names.nr; i++) {
        struct cenv_candidate *cand = cenv_loader_candidate(l, &s->names.records[i]);
        if (!cand)
            return l->err->status;
        cand->shelved = s;
        cand->row = i;
    }
    return take_skips(l, &s->names.skips);
}

static int load_records(struct cenv_loader *l, struct cenv_str name)
{
    struct cenv_problem *p = l->p;
    for (size_t i = 0; i < cenv_index_nr_sources(p->index); i++) {
        const struct cenv_shelved *s = NULL;
        struct cenv_shelf *shelf = cenv_index_shelf(p->index, i, name);
        l->source = (uint32_t)i;
        int rc = shelf ? cenv_shelf_get(shelf, name, &s, l->err) : 0;
        if (rc == 0 && s)
            rc = take_shelved(l, s);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int load_package(struct cenv_loader *l, struct cenv_str name, uint32_t first)
{
    struct cenv_problem *p = l->p;
    const struct cenv_record *machine = machine_record(p->request, name);
    l->source = CENV_SOURCE_VIRTUAL;
    if (machine && !cenv_loader_candidate(l, machine))
        return l->err->status;
    int rc = machine ? 0 : load_records(l, name);
    rc = rc < 0 ? rc : complete_wished(l, name, first);
    rc = rc < 0 ? rc : add_wished(l, first);
    hide(l, first);
    return rc < 0 ? rc : link_candidates(l, first);
}

int cenv_loader_load(struct cenv_loader *l, uint32_t id)
{
    struct cenv_problem *p = l->p;
    struct cenv_name name = p->names[id];
    if (name.loaded)
        return 0;
    p->names[id].loaded = true;
    if (name.kind == CENV_NAME_EXTRA && cenv_loader_load(l, name.of) < 0)
        return l->err->status;
    uint32_t first = (uint32_t)p->nr_cands;
    l->name = id;
    int rc = name.kind == CENV_NAME_EXTRA  ? cenv_loader_load_extra(l, id)
             : name.kind == CENV_NAME_WHEN ? cenv_loader_load_when(l, id)
                                           : load_package(l, name.text, first);
    p->names[id].first = first;
    p->names[id].nr = (uint32_t)p->nr_cands - first;
    return rc;
}

static bool is_ready(const struct cenv_problem *p, const struct cenv_name *name)
{
    struct cenv_str package =
        name->kind == CENV_NAME_EXTRA ? p->names[name->of].text : name->text;
    return name->kind == CENV_NAME_WHEN || cenv_index_is_ready(p->index, package);
}

/* Of sources in shards: brings the records of all that is wanted by now, at once. */
static int bring_wanted(struct cenv_loader *l, struct cenv_task *task)
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
        names[nr++] =
            name->kind == CENV_NAME_EXTRA ? p->names[name->of].text : name->text;
    }
    int rc = nr ? cenv_index_want(p->index, names, nr, &l->network, task, l->err) : 0;
    cenv_free(names);
    return rc;
}

/* Loads every wanted name; loading one may want others, which wait where they must be brought. */
static int load_wanted(struct cenv_loader *l, struct cenv_task *task)
{
    struct cenv_problem *p = l->p;
    for (bool more = true; more;) {
        more = false;
        if (bring_wanted(l, task) < 0)
            return l->err->status;
        for (uint32_t id = 0; id < p->nr_names; id++) {
            if (!p->names[id].wanted || p->names[id].loaded)
                continue;
            more = true;
            int rc = cenv_task_poll(task, l->err);
            if (rc == 0 && !is_ready(p, &p->names[id]))
                continue;
            rc = rc < 0 ? rc : cenv_loader_load(l, id);
            if (rc < 0)
                return rc;
        }
    }
    return 0;
}

static void ask(struct cenv_problem *p, struct cenv_asked asked)
{
    p->asked[p->nr_asked++] = asked;
}

/* Asks for a wish, and in the same breath for its extras; a pin is a limit and wants nothing. */
static int ask_wish(struct cenv_loader *l, const struct cenv_wish *wish, uint32_t id)
{
    struct cenv_problem *p = l->p;
    size_t first = p->nr_links;
    if (wish->kind == CENV_WISH_PINNED) {
        ask(p, (struct cenv_asked){.kind = CENV_ASKED_WISH, .wish = wish, .spec = id});
        return 0;
    }
    if (cenv_loader_link_special(l, id) < 0)
        return l->err->status;
    if (p->specs[id].bad.len)
        return cenv_error_set(l->err, CENV_ESPEC, "%.*s: %.*s",
                              CENV_STR_ARG(wish->text), CENV_STR_ARG(p->specs[id].bad));
    for (size_t i = first; i < p->nr_links; i++)
        ask(p, (struct cenv_asked){
                   .kind = CENV_ASKED_WISH, .wish = wish, .spec = p->links[i]});
    p->nr_links = first;
    return 0;
}

/* Every wish but the favoured ones is asked for; specs and locks want their name. */
static int ask_wishes(struct cenv_loader *l)
{
    const struct cenv_request *r = l->p->request;
    for (size_t i = 0; i < r->nr_wishes; i++) {
        const struct cenv_wish *wish = &r->wishes[i];
        uint32_t id;
        if (wish->kind == CENV_WISH_FAVORED)
            continue;
        int rc = wish->record ? record_spec(l, wish, &id)
                              : cenv_loader_spec(l, wish->text, &id);
        rc = rc < 0 ? rc : ask_wish(l, wish, id);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int ask_machine(struct cenv_loader *l)
{
    const struct cenv_request *r = l->p->request;
    for (size_t i = 0; i < r->nr_virtuals; i++) {
        const struct cenv_record *record = &r->virtuals[i];
        uint32_t id, name = cenv_map_get(&l->p->name_ids, record->name);
        if (name == CENV_NONE || !l->p->names[name].loaded)
            continue;
        int rc = cenv_loader_spec(l, record->name, &id);
        if (rc < 0)
            return rc;
        ask(l->p, (struct cenv_asked){
                      .kind = CENV_ASKED_VIRTUAL, .machine = record, .spec = id});
    }
    return 0;
}

/* Settings that hide candidates are asked for as such: an explanation may name them. */
static void ask_settings(struct cenv_problem *p)
{
    bool strict = false, cutoff = false;
    for (size_t c = 0; c < p->nr_cands; c++) {
        strict |= p->cands[c].hidden & CENV_HIDDEN_STRICT;
        cutoff |= p->cands[c].hidden & CENV_HIDDEN_CUTOFF;
    }
    if (strict)
        ask(p, (struct cenv_asked){.kind = CENV_ASKED_STRICT});
    if (cutoff)
        ask(p, (struct cenv_asked){.kind = CENV_ASKED_CUTOFF});
}

static int reduce(struct cenv_loader *l, struct cenv_task *task)
{
    const struct cenv_request *r = l->p->request;
    size_t most = r->nr_wishes + r->nr_virtuals + 2;
    for (size_t i = 0; i < r->nr_wishes; i++)
        most += r->wishes[i].spec.more ? r->wishes[i].spec.more->extras.nr : 0;
    l->p->asked = cenv_arena_calloc(&l->p->arena, most, sizeof(*l->p->asked));
    if (!l->p->asked)
        return cenv_error_oom(l->err);
    int rc = ask_wishes(l);
    rc = rc < 0 ? rc : load_wanted(l, task);
    rc = rc < 0 ? rc : ask_machine(l);
    ask_settings(l->p);
    return rc;
}

static int order_and_match(struct cenv_problem *p, struct cenv_error *err)
{
    int rc = cenv_order_names(p);
    rc = rc < 0 ? rc : cenv_match_specs(p, err);
    rc = rc < 0 ? rc : cenv_task_poll(p->task, err);
    if (rc < 0)
        return rc;
    uint32_t *before = cenv_reallocarray(NULL, p->nr_cands, sizeof(*before));
    if (!before)
        return CENV_ENOMEM;
    rc = cenv_order_ties(p, before);
    rc = rc < 0 ? rc : cenv_task_poll(p->task, err);
    rc = rc < 0 ? rc : cenv_assemble(p, before);
    cenv_free(before);
    return rc;
}

int cenv_problem_init(struct cenv_problem *out, const struct cenv_index *index,
                      const struct cenv_request *request, bool explaining,
                      struct cenv_task *task, struct cenv_error *err)
{
    *out = (struct cenv_problem){
        .index = index, .request = request, .task = task, .explaining = explaining};
    struct cenv_loader loader = {.p = out, .err = err};
    struct cenv_span span = cenv_span_begin("reduce", "");
    int rc = reduce(&loader, task);
    if (rc == 0)
        rc = order_and_match(out, err);
    if (rc == CENV_ENOMEM && !err->status)
        cenv_error_oom(err);
    cenv_network_close(&loader.network);
    span.items = out->nr_cands;
    cenv_span_end(task, &span);
    return rc;
}

void cenv_problem_release(struct cenv_problem *p)
{
    cenv_map_release(&p->name_ids);
    cenv_map_release(&p->spec_ids);
    cenv_free(p->by_book);
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
