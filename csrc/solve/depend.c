/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Extras (CEP 44) and conditional dependencies (CEP 43), expressed with names made up for them,
 * so that encoding, search and explanations need not know them.
 *
 * "a[x]" has the candidates of "a"; each needs that very candidate of "a" and what its group x
 * depends on. "a[when=C]" has one candidate for every way in which C does not hold, as
 * constraints on what C speaks of, and a last one that needs "a" itself. These names are decided
 * last, when it is known whether C holds (search.c).
 */
#include "solve/depend.h"

#include "base/buf.h"
#include "model/condition.h"

enum { MAX_WAYS = 64 };

static struct cenv_str join_texts(struct cenv_problem *p, struct cenv_str a,
                                  const char *b, struct cenv_str c, const char *d,
                                  struct cenv_error *err)
{
    struct cenv_buf text;
    cenv_buf_init(&text, 1 << 20);
    cenv_buf_add_str(&text, a);
    cenv_buf_puts(&text, b);
    cenv_buf_add_str(&text, c);
    cenv_buf_puts(&text, d);
    struct cenv_str own = {NULL, 0};
    if (!text.failed)
        own = cenv_arena_str(&p->arena, cenv_buf_str(&text));
    cenv_buf_release(&text);
    if (!own.data)
        cenv_error_oom(err);
    return own;
}

int cenv_depend_on(struct cenv_problem *p, uint32_t spec, struct cenv_str *bad,
                   struct cenv_error *err)
{
    if (!p->specs[spec].bad.len)
        cenv_depend_link(p, spec, err);
    if (p->specs[spec].bad.len)
        *bad = p->specs[spec].bad;
    return err->status;
}

int cenv_depend_on_text(struct cenv_problem *p, struct cenv_str text,
                        struct cenv_str *bad, struct cenv_error *err)
{
    uint32_t spec = cenv_problem_add_text(p, text, err);
    return spec == CENV_NONE ? err->status : cenv_depend_on(p, spec, bad, err);
}

int cenv_depend_constrain(struct cenv_problem *p, uint32_t spec, struct cenv_str *bad,
                          struct cenv_error *err)
{
    if (!p->specs[spec].bad.len)
        return cenv_problem_add_link(p, spec, false, err);
    *bad = p->specs[spec].bad;
    return 0;
}

/* ---- extras ---- */

/* Links `name[extra]` for one extra of the spec. */
static int link_extra(struct cenv_problem *p, uint32_t id, struct cenv_str extra,
                      struct cenv_error *err)
{
    struct cenv_spec spec = p->specs[id];
    struct cenv_str package = p->names[spec.name].text;
    struct cenv_str text = join_texts(p, package, "[", extra, "]", err);
    struct cenv_str key = join_texts(p, spec.text, "\n", extra, "", err);
    if (!text.data || !key.data)
        return err->status;
    uint32_t known = cenv_map_get(&p->spec_ids, key);
    if (known != CENV_NONE)
        return cenv_problem_add_link(p, known, true, err);
    uint32_t base = spec.name, name = cenv_problem_add_name(p, text, err);
    if (name == CENV_NONE)
        return err->status;
    p->names[name].kind = CENV_NAME_EXTRA;
    p->names[name].of = base;
    p->names[name].extra = extra;
    spec.name = name;
    known = cenv_problem_add_spec(p, &spec, err);
    if (known == CENV_NONE || !cenv_map_put(&p->spec_ids, key, known))
        return cenv_error_oom(err);
    return cenv_problem_add_link(p, known, true, err);
}

/* The record itself as a spec, so that an extra's candidate stands or falls with it. */
static int link_record(struct cenv_problem *p, uint32_t name,
                       const struct cenv_record *record, struct cenv_error *err)
{
    struct cenv_spec spec = {.record = record, .name = name};
    spec.text = join_texts(p, record->name, "==", record->version, "", err);
    if (!spec.text.data)
        return err->status;
    uint32_t id = cenv_problem_add_spec(p, &spec, err);
    return id == CENV_NONE ? err->status : cenv_problem_add_link(p, id, true, err);
}

static int link_group(struct cenv_problem *p, const struct cenv_record *record,
                      struct cenv_str extra, struct cenv_str *bad,
                      struct cenv_error *err)
{
    for (uint32_t i = 0; i < record->nr_extras; i++)
        for (uint32_t k = 0; k < record->extras[i].nr_depends; k++)
            if (cenv_str_eq(record->extras[i].name, extra) &&
                cenv_depend_on_text(p, record->extras[i].depends[k], bad, err) < 0)
                return err->status;
    return 0;
}

int cenv_depend_load_extra(struct cenv_problem *p, uint32_t id, struct cenv_error *err)
{
    const struct cenv_name name = p->names[id], base = p->names[name.of];
    for (uint32_t i = 0; i < base.nr; i++) {
        struct cenv_candidate cand = p->cands[base.first + i];
        struct cenv_str bad = {NULL, 0};
        cand.specs = (uint32_t)p->nr_links;
        if (link_record(p, name.of, cand.record, err) < 0 ||
            link_group(p, cand.record, name.extra, &bad, err) < 0 ||
            (bad.len && cenv_problem_add_skip(p, cand.record->fn, bad, err) < 0))
            return err->status;
        cand.nr_depends = (uint32_t)p->nr_links - cand.specs;
        cand.nr_constrains = 0;
        struct cenv_candidate *own =
            bad.len ? NULL : cenv_problem_add_candidate(p, cand.record, cand.from, err);
        if (own)
            *own = cand;
        else if (!bad.len)
            return err->status;
    }
    return 0;
}

/* ---- conditions ---- */

/* A way in which a condition does not hold: negated specs, all of them met. */
struct way {
    const uint32_t *specs;
    uint32_t nr;
};

struct ways {
    struct way *ways;
    uint32_t nr;
};

/* Counts the ways in which the condition does not hold, up to MAX_WAYS + 1. */
static uint32_t count_ways(const struct cenv_condition *c)
{
    bool all = c->kind == CENV_CONDITION_AND;
    uint32_t nr = !all;
    for (const struct cenv_condition *part = c->first; part; part = part->next) {
        uint32_t own = count_ways(part);
        nr = all ? nr + own : nr * own;
        nr = nr <= MAX_WAYS ? nr : MAX_WAYS + 1;
    }
    return nr;
}

static bool new_ways(struct cenv_problem *p, struct ways *out, uint32_t nr,
                     struct cenv_error *err)
{
    *out = (struct ways){cenv_arena_calloc(&p->arena, nr, sizeof(*out->ways)), nr};
    if (!out->ways)
        cenv_error_oom(err);
    return out->ways;
}

static uint32_t *new_specs(struct cenv_problem *p, struct way *out, size_t nr,
                           struct cenv_error *err)
{
    uint32_t *specs = cenv_arena_calloc(&p->arena, nr, sizeof(*specs));
    *out = (struct way){specs, (uint32_t)nr};
    if (!specs)
        cenv_error_oom(err);
    return specs;
}

/* A spec does not hold in one way: whatever is installed does not match it. */
static bool negate_spec(struct cenv_problem *p, const struct cenv_matchspec *parsed,
                        struct ways *out, struct cenv_error *err)
{
    struct cenv_spec spec = {.parsed = *parsed, .negated = true};
    spec.text = join_texts(p, CENV_STR("not "), "", parsed->text, "", err);
    spec.name = cenv_problem_add_name(p, parsed->name, err);
    if (err->status || !new_ways(p, out, 1, err))
        return false;
    uint32_t *specs = new_specs(p, &out->ways[0], 1, err);
    if (!specs)
        return false;
    *specs = cenv_problem_add_spec(p, &spec, err);
    return *specs != CENV_NONE;
}

/* "a and b" does not hold in the ways of a, and in those of b. */
static bool add_ways(struct cenv_problem *p, struct ways *out, struct ways more,
                     struct cenv_error *err)
{
    struct ways all;
    if (!new_ways(p, &all, out->nr + more.nr, err))
        return false;
    memcpy(all.ways, out->ways, out->nr * sizeof(*all.ways));
    memcpy(all.ways + out->nr, more.ways, more.nr * sizeof(*all.ways));
    *out = all;
    return true;
}

static bool merge_ways(struct cenv_problem *p, struct way a, struct way b,
                       struct way *out, struct cenv_error *err)
{
    uint32_t *specs = new_specs(p, out, (size_t)a.nr + b.nr, err);
    if (!specs)
        return false;
    memcpy(specs, a.specs, a.nr * sizeof(*specs));
    memcpy(specs + a.nr, b.specs, b.nr * sizeof(*specs));
    return true;
}

/* "a or b" does not hold in each way of a together with each way of b. */
static bool multiply_ways(struct cenv_problem *p, struct ways *out, struct ways more,
                          struct cenv_error *err)
{
    struct ways all;
    if (!new_ways(p, &all, out->nr * more.nr, err))
        return false;
    for (uint32_t i = 0; i < all.nr; i++)
        if (!merge_ways(p, out->ways[i / more.nr], more.ways[i % more.nr], &all.ways[i],
                        err))
            return false;
    *out = all;
    return true;
}

/* All ways in which the condition does not hold, of which there are at most MAX_WAYS. */
static bool find_ways(struct cenv_problem *p, const struct cenv_condition *c,
                      struct ways *out, struct cenv_error *err)
{
    if (c->kind == CENV_CONDITION_SPEC)
        return negate_spec(p, &c->spec, out, err);
    bool ok = find_ways(p, c->first, out, err);
    for (const struct cenv_condition *part = c->first->next; ok && part;
         part = part->next) {
        struct ways more;
        ok = find_ways(p, part, &more, err) &&
             (c->kind == CENV_CONDITION_AND ? add_ways(p, out, more, err)
                                            : multiply_ways(p, out, more, err));
    }
    return ok;
}

/* Parses the condition of a spec; NULL with `err` or *bad set. */
static const struct cenv_condition *parse_condition(struct cenv_problem *p,
                                                    uint32_t spec, struct cenv_str *bad,
                                                    struct cenv_error *err)
{
    struct cenv_error own = CENV_ERROR_INIT;
    const struct cenv_condition *c;
    struct cenv_str text = p->specs[spec].parsed.more->when;
    if (cenv_condition_parse(&c, text, &p->arena, &own) == 0 &&
        count_ways(c) > MAX_WAYS) {
        cenv_error_set(&own, CENV_ESPEC, "condition '%.*s' has too many alternatives",
                       CENV_STR_ARG(text));
        c = NULL;
    }
    if (own.status == CENV_ESPEC)
        *bad = cenv_arena_str(&p->arena, cenv_str(own.message));
    if (own.status == CENV_ENOMEM || (own.status && !bad->data))
        cenv_error_oom(err);
    cenv_error_release(&own);
    return c;
}

/* The spec without its condition. */
static uint32_t add_unconditional(struct cenv_problem *p, uint32_t id,
                                  struct cenv_error *err)
{
    struct cenv_spec spec = p->specs[id];
    struct cenv_matchspec_more *more = cenv_arena_alloc(&p->arena, sizeof(*more));
    if (!more) {
        cenv_error_oom(err);
        return CENV_NONE;
    }
    *more = *spec.parsed.more;
    more->when = (struct cenv_str){NULL, 0};
    spec.parsed.more = more;
    return cenv_problem_add_spec(p, &spec, err);
}

struct cenv_candidate *cenv_depend_add_way(struct cenv_problem *p, uint32_t name,
                                           struct cenv_str text, uint64_t merit,
                                           struct cenv_error *err)
{
    struct cenv_record *record = cenv_arena_calloc(&p->arena, 1, sizeof(*record));
    if (!record) {
        cenv_error_oom(err);
        return NULL;
    }
    record->name = p->names[name].text;
    record->version = text;
    record->build = CENV_STR("0");
    record->build_number = merit;
    struct cenv_candidate *cand =
        cenv_problem_add_candidate(p, record, CENV_FROM_CONDITION, err);
    if (cand)
        cand->specs = (uint32_t)p->nr_links;
    return cand;
}

/* The last candidate, which needs what the condition stands before. */
static int add_dependent(struct cenv_problem *p, uint32_t name, struct cenv_error *err)
{
    uint32_t plain = add_unconditional(p, p->names[name].of, err);
    struct cenv_candidate *cand = NULL;
    if (plain != CENV_NONE)
        cand = cenv_depend_add_way(p, name, CENV_STR("0"), 0, err);
    if (!cand || cenv_depend_link(p, plain, err) < 0)
        return err->status;
    cand->nr_depends = (uint32_t)p->nr_links - cand->specs;
    return 0;
}

int cenv_depend_load_conditional(struct cenv_problem *p, uint32_t name,
                                 struct cenv_error *err)
{
    struct ways ways;
    if (!find_ways(p, p->names[name].condition, &ways, err))
        return err->status;
    for (uint32_t i = 0; i < ways.nr; i++) {
        struct cenv_candidate *cand =
            cenv_depend_add_way(p, name, CENV_STR("0"), (uint64_t)ways.nr - i, err);
        if (!cand)
            return err->status;
        cand->nr_constrains = ways.ways[i].nr;
        for (uint32_t k = 0; k < ways.ways[i].nr; k++)
            if (cenv_problem_add_link(p, ways.ways[i].specs[k], false, err) < 0)
                return err->status;
    }
    return add_dependent(p, name, err);
}

/* Adds the name made up for a conditional spec, and a spec that all its candidates satisfy. */
static uint32_t add_conditional(struct cenv_problem *p, uint32_t id,
                                struct cenv_str key, struct cenv_error *err)
{
    struct cenv_str text = p->specs[id].text;
    const struct cenv_condition *condition =
        parse_condition(p, id, &p->specs[id].bad, err);
    if (!condition)
        return CENV_NONE;
    struct cenv_spec spec = {.text = text, .name = cenv_problem_add_name(p, text, err)};
    if (spec.name == CENV_NONE)
        return CENV_NONE;
    p->names[spec.name].kind = CENV_NAME_CONDITIONAL;
    p->names[spec.name].of = id;
    p->names[spec.name].condition = condition;
    uint32_t made = cenv_problem_add_spec(p, &spec, err);
    if (made != CENV_NONE && !cenv_map_put(&p->spec_ids, key, made))
        cenv_error_oom(err);
    return made;
}

static int link_condition(struct cenv_problem *p, uint32_t id, struct cenv_error *err)
{
    struct cenv_str key =
        join_texts(p, p->specs[id].text, "\n", CENV_STR("when"), "", err);
    if (!key.data)
        return err->status;
    uint32_t known = cenv_map_get(&p->spec_ids, key);
    if (known == CENV_NONE)
        known = add_conditional(p, id, key, err);
    if (known == CENV_NONE || err->status)
        return err->status;
    return cenv_problem_add_link(p, known, true, err);
}

int cenv_depend_link(struct cenv_problem *p, uint32_t id, struct cenv_error *err)
{
    const struct cenv_matchspec_more *more = p->specs[id].parsed.more;
    if (more && more->when.len)
        return link_condition(p, id, err);
    int rc = cenv_problem_add_link(p, id, true, err);
    for (uint32_t i = 0; more && rc == 0 && i < more->extras.nr; i++)
        rc = link_extra(p, id, more->extras.items[i], err);
    return rc;
}
