/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The order of a name's candidates (docs/design/solve.md 3.1), in two steps: what a record says of
 * itself, then, among records that tie there, what their dependencies allow. The second step needs
 * to know what each dependency matches, which is worked out in between on the places of the first.
 *
 * `features` of old channels (a variant for users that have installed the feature) decide among
 * builds of one version when the request tracks the feature, as in conda, and among equal builds
 * when it says nothing of it: then the plain variant comes first.
 */
#include "solve/order.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "model/version.h"

static int by_number(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

/* Neighbouring candidates of one version text: a file lists the builds of a version together. */
struct stretch {
    const struct cenv_record *record;
    uint32_t first, end;
};

/* Newest version first; a record without a valid version is older than all. */
static int by_version(const void *left, const void *right)
{
    const struct cenv_record *a = ((const struct stretch *)left)->record;
    const struct cenv_record *b = ((const struct stretch *)right)->record;
    if (!a->parsed || !b->parsed)
        return (a->parsed == NULL) - (b->parsed == NULL);
    int order = cenv_version_cmp(b->parsed, a->parsed);
    return order ? order : cenv_str_cmp(b->parsed->text, a->parsed->text);
}

static bool same_version(const struct cenv_record *a, const struct cenv_record *b)
{
    if (!a->parsed || !b->parsed)
        return a->parsed == b->parsed;
    return cenv_version_eq(a->parsed, b->parsed);
}

static uint32_t find_stretches(const struct cenv_candidate *cands, uint32_t nr,
                               struct stretch *out)
{
    uint32_t to = 0;
    for (uint32_t i = 0; i < nr; i++)
        if (i && cenv_str_eq(cands[i - 1].record->version, cands[i].record->version))
            out[to - 1].end++;
        else
            out[to++] = (struct stretch){cands[i].record, i, i + 1};
    return to;
}

/* Sets version and text of each candidate; `room` holds `nr` stretches. */
static uint32_t rank_versions(struct cenv_candidate *cands, uint32_t nr,
                              struct stretch *room)
{
    uint32_t stretches = find_stretches(cands, nr, room), version = 0, text = 0;
    qsort(room, stretches, sizeof(*room), by_version);
    for (uint32_t i = 0; i < stretches; i++) {
        if (i > 0) {
            version += !same_version(room[i - 1].record, room[i].record);
            text += !cenv_str_eq(room[i - 1].record->version, room[i].record->version);
        }
        for (uint32_t c = room[i].first; c < room[i].end; c++) {
            cands[c].version = version;
            cands[c].text = text;
        }
    }
    return text + 1;
}

static bool is_noarch(const struct cenv_record *record)
{
    return record->noarch.len || cenv_str_is(record->subdir, "noarch");
}

/* Compares what records say of themselves, down to where dependencies decide. */
static int by_merit(const struct cenv_candidate *a, const struct cenv_candidate *b,
                    bool channel_last)
{
    const struct cenv_record *r = a->record, *s = b->record;
    int order = (a->excluded != 0) - (b->excluded != 0);
    order = order ? order : b->favored - a->favored;
    order = order ? order : (a->tracked < 0) - (b->tracked < 0);
    order = order ? order : (r->nr_track_features > 0) - (s->nr_track_features > 0);
    if (!channel_last)
        order = order ? order : by_number(r->channel_rank, s->channel_rank);
    order = order ? order : by_number(a->version, b->version);
    if (channel_last)
        order = order ? order : by_number(r->channel_rank, s->channel_rank);
    order = order ? order : (b->tracked > a->tracked) - (b->tracked < a->tracked);
    order = order ? order : by_number(s->build_number, r->build_number);
    order = order ? order : is_noarch(r) - is_noarch(s);
    return order ? order : (r->features.len > 0) - (s->features.len > 0);
}

/* Compares what is left when dependencies decide nothing. */
static int by_rest(const struct cenv_record *r, const struct cenv_record *s)
{
    int order =
        (s->timestamp_ms > r->timestamp_ms) - (s->timestamp_ms < r->timestamp_ms);
    order = order ? order : cenv_str_cmp(s->build, r->build);
    order = order ? order : cenv_str_cmp(r->fn, s->fn);
    order = order ? order : cenv_str_cmp(r->channel_url, s->channel_url);
    return order ? order : cenv_str_cmp(r->url, s->url);
}

static int compare_candidates(const struct cenv_candidate *a,
                              const struct cenv_candidate *b, bool channel_last)
{
    int order = by_merit(a, b, channel_last);
    return order ? order : by_rest(a->record, b->record);
}

static int channel_first(const void *a, const void *b)
{
    return compare_candidates(a, b, false);
}

static int channel_last(const void *a, const void *b)
{
    return compare_candidates(a, b, true);
}

static bool is_disabled(const struct cenv_problem *p)
{
    return p->request->priority == CENV_PRIORITY_DISABLED;
}

/* One package listed by two sources (a channel given twice) is one candidate. */
static uint32_t drop_repeated(struct cenv_candidate *cands, uint32_t nr, bool disabled)
{
    uint32_t to = nr > 0;
    for (uint32_t i = 1; i < nr; i++)
        if (compare_candidates(&cands[to - 1], &cands[i], disabled) != 0)
            cands[to++] = cands[i];
    return to;
}

bool cenv_order_names(struct cenv_problem *p)
{
    bool disabled = is_disabled(p);
    struct stretch *room = cenv_reallocarray(NULL, p->nr_cands, sizeof(*room));
    if (!room)
        return false;
    for (size_t n = 0; n < p->nr_names; n++) {
        struct cenv_name *name = &p->names[n];
        if (!name->nr)
            continue;
        struct cenv_candidate *cands = p->cands + name->first;
        name->nr_texts = rank_versions(cands, name->nr, room);
        qsort(cands, name->nr, sizeof(*cands), disabled ? channel_last : channel_first);
        name->nr = drop_repeated(cands, name->nr, disabled);
    }
    cenv_free(room);
    return true;
}

/* How good a version the specs of a candidate allow of one name; of several specs the worst
 * counts. */
struct allowance {
    struct cenv_str name;
    uint32_t best;
};

/* A tied candidate, and what it allows of the names that all of the tie depend on. */
struct tied {
    struct cenv_candidate cand;
    uint32_t before;
    const struct allowance *allows;
    uint32_t nr;
};

static int by_name(const void *left, const void *right)
{
    const struct allowance *a = left, *b = right;
    int order = cenv_str_cmp(a->name, b->name);
    return order ? order : by_number(b->best, a->best);
}

/* Lists a candidate's dependencies by name, each name once; returns how many. */
static uint32_t list_allowances(const struct cenv_problem *p,
                                const struct cenv_candidate *cand,
                                struct allowance *out)
{
    uint32_t nr = 0;
    for (uint32_t i = 0; i < cand->nr_depends; i++) {
        const struct cenv_spec *spec = &p->specs[p->links[cand->specs + i]];
        out[i] = (struct allowance){p->names[spec->name].text, spec->best};
    }
    if (cand->nr_depends)
        qsort(out, cand->nr_depends, sizeof(*out), by_name);
    for (uint32_t i = 0; i < cand->nr_depends; i++)
        if (!nr || !cenv_str_eq(out[nr - 1].name, out[i].name))
            out[nr++] = out[i];
    return nr;
}

/* Both lists sorted by name: keeps in `kept` what `other` has too; returns how many. */
static uint32_t keep_common(struct allowance *kept, uint32_t nr,
                            const struct allowance *other, uint32_t nr_other)
{
    uint32_t to = 0;
    for (uint32_t i = 0, k = 0; i < nr && k < nr_other;) {
        int order = cenv_str_cmp(kept[i].name, other[k].name);
        if (order == 0)
            kept[to++] = kept[i];
        i += order <= 0;
        k += order >= 0;
    }
    return to;
}

static int by_dependencies(const void *left, const void *right)
{
    const struct tied *a = left, *b = right;
    for (uint32_t i = 0; i < a->nr; i++)
        if (a->allows[i].best != b->allows[i].best)
            return by_number(a->allows[i].best, b->allows[i].best);
    return by_rest(a->cand.record, b->cand.record);
}

/* Orders cands[0 .. nr - 1], which tie on merit; `room` holds all their allowances. */
static void order_tie(const struct cenv_problem *p, struct tied *tied, uint32_t nr,
                      struct allowance *room)
{
    struct allowance *common = room;
    uint32_t nr_common = 0;
    struct allowance *at = room + tied[0].cand.nr_depends;
    for (uint32_t i = 0; i < nr; i++) {
        tied[i].nr = list_allowances(p, &tied[i].cand, at);
        tied[i].allows = at;
        if (i == 0)
            memcpy(common, at, tied[0].nr * sizeof(*at));
        nr_common = keep_common(common, i ? nr_common : tied[0].nr, at, tied[i].nr);
        at += tied[i].nr;
    }
    at = room + tied[0].cand.nr_depends;
    for (uint32_t i = 0; i < nr; i++) {
        uint32_t nr_own = tied[i].nr;
        tied[i].nr = keep_common(at, nr_own, common, nr_common);
        at += nr_own;
    }
    qsort(tied, nr, sizeof(*tied), by_dependencies);
}

/* Orders one tie in place; before[] follows the candidates. */
static bool order_group(struct cenv_problem *p, uint32_t first, uint32_t nr,
                        uint32_t *before)
{
    size_t room = p->cands[first].nr_depends;
    for (uint32_t i = 0; i < nr; i++)
        room += p->cands[first + i].nr_depends;
    struct tied *tied = cenv_reallocarray(NULL, nr, sizeof(*tied));
    struct allowance *allows = cenv_reallocarray(NULL, room, sizeof(*allows));
    bool failed = !tied || !allows;
    for (uint32_t i = 0; !failed && i < nr; i++)
        tied[i] =
            (struct tied){.cand = p->cands[first + i], .before = before[first + i]};
    if (!failed)
        order_tie(p, tied, nr, allows);
    for (uint32_t i = 0; !failed && i < nr; i++) {
        p->cands[first + i] = tied[i].cand;
        before[first + i] = tied[i].before;
    }
    cenv_free(tied);
    cenv_free(allows);
    return !failed;
}

bool cenv_order_ties(struct cenv_problem *p, uint32_t *before)
{
    bool disabled = is_disabled(p);
    for (size_t n = 0; n < p->nr_names; n++) {
        uint32_t first = p->names[n].first, end = first + p->names[n].nr;
        for (uint32_t c = first; c < end; c++)
            before[c] = c - first;
        for (uint32_t c = first, to; c < end; c = to) {
            for (to = c + 1;
                 to < end && !by_merit(&p->cands[c], &p->cands[to], disabled);)
                to++;
            if (to - c > 1 && !order_group(p, c, to - c, before))
                return false;
        }
    }
    return true;
}
