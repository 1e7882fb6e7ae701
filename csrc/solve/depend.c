/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Extras (CEP 44) and conditional dependencies (CEP 43), expressed with names made up for them, so
 * that encoding, descent and explanations need not know them.
 *
 * "a[x]" has the candidates of "a"; each needs that very candidate of "a" and what its group x
 * depends on. "a[when=C]" has one candidate for every way in which C does not hold, as limits of
 * what C speaks of, and a last one that needs "a" itself. These names are decided last, when it is
 * known whether C holds (descent.c).
 */
#include "solve/loader.h"

#include "base/buf.h"

enum { MAX_WAYS = 64, MAX_NESTING = 16 };

/* A way: specs none of which holds. */
struct way {
    const uint32_t *specs;
    uint32_t nr;
};

struct ways {
    struct way *ways;
    uint32_t nr;
};

/* Recursive descent over a condition; `bad` says what is wrong with it. */
struct condition {
    struct cenv_loader *l;
    struct cenv_str text;
    size_t at;
    int depth;
    struct cenv_str bad;
};

static struct cenv_str join(struct cenv_loader *l, struct cenv_str a, const char *b,
                            struct cenv_str c, const char *d)
{
    struct cenv_buf text;
    cenv_buf_init(&text, 1 << 20);
    cenv_buf_add_str(&text, a);
    cenv_buf_puts(&text, b);
    cenv_buf_add_str(&text, c);
    cenv_buf_puts(&text, d);
    struct cenv_str own = {NULL, 0};
    if (!text.failed)
        own = cenv_arena_str(&l->p->arena, cenv_buf_str(&text));
    cenv_buf_release(&text);
    if (!own.data)
        cenv_error_oom(l->err);
    return own;
}

/* ---- extras ---- */

/* Links `name[extra]` for one extra of the spec. */
static int link_extra(struct cenv_loader *l, uint32_t id, struct cenv_str extra)
{
    struct cenv_spec spec = l->p->specs[id];
    struct cenv_str package = l->p->names[spec.name].text;
    struct cenv_str text = join(l, package, "[", extra, "]");
    struct cenv_str key = join(l, spec.text, "\n", extra, "");
    if (!text.data || !key.data)
        return l->err->status;
    uint32_t known = cenv_map_get(&l->p->spec_ids, key);
    if (known != CENV_NONE)
        return cenv_loader_link(l, known, true);
    uint32_t base = spec.name, name = cenv_loader_name(l, text);
    if (name == CENV_NONE)
        return l->err->status;
    l->p->names[name].kind = CENV_NAME_EXTRA;
    l->p->names[name].of = base;
    l->p->names[name].extra = extra;
    spec.name = name;
    known = cenv_loader_add(l, &spec);
    if (known == CENV_NONE || cenv_map_put(&l->p->spec_ids, key, known) < 0)
        return cenv_error_oom(l->err);
    return cenv_loader_link(l, known, true);
}

/* The record itself as a spec, so that an extra's candidate stands or falls with it. */
static int link_record(struct cenv_loader *l, uint32_t name,
                       const struct cenv_record *record)
{
    struct cenv_spec spec = {.record = record, .name = name};
    spec.text = join(l, record->name, "==", record->version, "");
    if (!spec.text.data)
        return l->err->status;
    uint32_t id = cenv_loader_add(l, &spec);
    return id == CENV_NONE ? l->err->status : cenv_loader_link(l, id, true);
}

static int link_group(struct cenv_loader *l, const struct cenv_record *record,
                      struct cenv_str extra, struct cenv_str *bad)
{
    for (uint32_t i = 0; i < record->nr_extras; i++)
        for (uint32_t k = 0; k < record->extras[i].nr_depends; k++)
            if (cenv_str_eq(record->extras[i].name, extra) &&
                cenv_loader_depend(l, record->extras[i].depends[k], bad) < 0)
                return l->err->status;
    return 0;
}

int cenv_loader_load_extra(struct cenv_loader *l, uint32_t id)
{
    struct cenv_problem *p = l->p;
    const struct cenv_name name = p->names[id], base = p->names[name.of];
    for (uint32_t i = 0; i < base.nr; i++) {
        struct cenv_candidate cand = p->cands[base.first + i];
        struct cenv_str bad = {NULL, 0};
        cand.specs = (uint32_t)p->nr_links;
        if (link_record(l, name.of, cand.record) < 0 ||
            link_group(l, cand.record, name.extra, &bad) < 0 ||
            (bad.len && cenv_loader_skip(l, cand.record, bad) < 0))
            return l->err->status;
        cand.nr_depends = (uint32_t)p->nr_links - cand.specs;
        cand.nr_constrains = 0;
        struct cenv_candidate *own =
            bad.len ? NULL : cenv_loader_candidate(l, cand.record);
        if (own)
            *own = cand;
        else if (!bad.len)
            return l->err->status;
    }
    return 0;
}

/* ---- conditions ---- */

static bool parse_either(struct condition *c, struct ways *out);

static void skip_blanks(struct condition *c)
{
    while (c->at < c->text.len && c->text.data[c->at] == ' ')
        c->at++;
}

/* The word is next, as a word: blanks, brackets or the end around it. */
static bool at_word(const struct condition *c, size_t at, const char *word)
{
    size_t len = strlen(word);
    struct cenv_str next = cenv_str_slice(c->text, at, at + len + 1);
    return cenv_str_starts(next, cenv_str(word)) &&
           (at == 0 || strchr(" )", c->text.data[at - 1])) &&
           (next.len == len || strchr(" (", next.data[len]));
}

static bool take_word(struct condition *c, const char *word)
{
    skip_blanks(c);
    if (!at_word(c, c->at, word))
        return false;
    c->at += strlen(word);
    return true;
}

static bool fail(struct condition *c, const char *reason)
{
    if (!c->bad.len)
        c->bad = join(c->l, CENV_STR("condition '"), "", c->text, reason);
    return false;
}

/* "Not ATOM" as a spec. */
static uint32_t negate(struct condition *c, struct cenv_str atom)
{
    uint32_t id;
    if (cenv_loader_spec(c->l, atom, &id) < 0)
        return CENV_NONE;
    struct cenv_spec spec = c->l->p->specs[id];
    if (spec.bad.len) {
        c->bad = spec.bad;
        return CENV_NONE;
    }
    spec.negated = true;
    spec.text = join(c->l, CENV_STR("not "), "", atom, "");
    return spec.text.data ? cenv_loader_add(c->l, &spec) : CENV_NONE;
}

static bool one_way(struct condition *c, uint32_t spec, struct ways *out)
{
    uint32_t *specs = cenv_arena_alloc(&c->l->p->arena, sizeof(*specs));
    struct way *way = cenv_arena_alloc(&c->l->p->arena, sizeof(*way));
    if (!specs || !way) {
        cenv_error_oom(c->l->err);
        return false;
    }
    *specs = spec;
    *way = (struct way){specs, 1};
    *out = (struct ways){way, 1};
    return true;
}

static bool parse_atom(struct condition *c, struct ways *out)
{
    skip_blanks(c);
    if (c->at < c->text.len && c->text.data[c->at] == '(') {
        c->at++;
        bool ok = ++c->depth <= MAX_NESTING ? parse_either(c, out)
                                            : fail(c, "' is nested too deep");
        c->depth--;
        skip_blanks(c);
        if (ok && (c->at == c->text.len || c->text.data[c->at++] != ')'))
            return fail(c, "' lacks a ')'");
        return ok;
    }
    size_t from = c->at;
    while (c->at < c->text.len && c->text.data[c->at] != ')' &&
           !at_word(c, c->at, "and") && !at_word(c, c->at, "or"))
        c->at++;
    struct cenv_str atom = cenv_str_trim(cenv_str_slice(c->text, from, c->at));
    uint32_t spec = atom.len ? negate(c, atom) : CENV_NONE;
    if (spec == CENV_NONE)
        return fail(c, "' lacks a spec");
    return one_way(c, spec, out);
}

static struct way *new_ways(struct condition *c, uint64_t nr)
{
    if (nr > MAX_WAYS) {
        fail(c, "' has too many alternatives");
        return NULL;
    }
    struct way *ways = cenv_arena_calloc(&c->l->p->arena, nr, sizeof(*ways));
    if (!ways)
        cenv_error_oom(c->l->err);
    return ways;
}

/* Not (a and b): the ways of a, and those of b. */
static bool add_ways(struct condition *c, struct ways *out, struct ways more)
{
    struct way *ways = new_ways(c, (uint64_t)out->nr + more.nr);
    if (!ways)
        return false;
    memcpy(ways, out->ways, out->nr * sizeof(*ways));
    memcpy(ways + out->nr, more.ways, more.nr * sizeof(*ways));
    *out = (struct ways){ways, out->nr + more.nr};
    return true;
}

static bool merge(struct condition *c, struct way a, struct way b, struct way *out)
{
    uint32_t *specs =
        cenv_arena_calloc(&c->l->p->arena, (size_t)a.nr + b.nr, sizeof(*specs));
    if (!specs) {
        cenv_error_oom(c->l->err);
        return false;
    }
    memcpy(specs, a.specs, a.nr * sizeof(*specs));
    memcpy(specs + a.nr, b.specs, b.nr * sizeof(*specs));
    *out = (struct way){specs, a.nr + b.nr};
    return true;
}

/* Not (a or b): each way of a together with each of b. */
static bool multiply_ways(struct condition *c, struct ways *out, struct ways more)
{
    struct way *ways = new_ways(c, (uint64_t)out->nr * more.nr);
    if (!ways)
        return false;
    for (uint32_t i = 0; i < out->nr * more.nr; i++)
        if (!merge(c, out->ways[i / more.nr], more.ways[i % more.nr], &ways[i]))
            return false;
    *out = (struct ways){ways, out->nr * more.nr};
    return true;
}

static bool parse_both(struct condition *c, struct ways *out)
{
    bool ok = parse_atom(c, out);
    while (ok && take_word(c, "and")) {
        struct ways more;
        ok = parse_atom(c, &more) && add_ways(c, out, more);
    }
    return ok;
}

static bool parse_either(struct condition *c, struct ways *out)
{
    bool ok = parse_both(c, out);
    while (ok && take_word(c, "or")) {
        struct ways more;
        ok = parse_both(c, &more) && multiply_ways(c, out, more);
    }
    return ok;
}

/* All ways in which the condition does not hold; false with c->bad, or out of memory. */
static bool parse_condition(struct condition *c, struct ways *out)
{
    if (!parse_either(c, out))
        return false;
    skip_blanks(c);
    return c->at == c->text.len || fail(c, "' has something behind its end");
}

/* The spec without its condition. */
static uint32_t unconditional(struct cenv_loader *l, uint32_t id)
{
    struct cenv_spec spec = l->p->specs[id];
    struct cenv_matchspec_more *more = cenv_arena_alloc(&l->p->arena, sizeof(*more));
    if (!more) {
        cenv_error_oom(l->err);
        return CENV_NONE;
    }
    *more = *spec.parsed.more;
    more->when = (struct cenv_str){NULL, 0};
    spec.parsed.more = more;
    return cenv_loader_add(l, &spec);
}

/* A candidate of a conditional name; the first one made is the best. */
static struct cenv_candidate *new_way(struct cenv_loader *l, uint32_t name,
                                      uint64_t merit)
{
    struct cenv_record *record = cenv_arena_calloc(&l->p->arena, 1, sizeof(*record));
    if (!record) {
        cenv_error_oom(l->err);
        return NULL;
    }
    record->name = l->p->names[name].text;
    record->version = record->build = CENV_STR("0");
    record->build_number = merit;
    l->source = CENV_SOURCE_CONDITION;
    struct cenv_candidate *cand = cenv_loader_candidate(l, record);
    if (cand)
        cand->specs = (uint32_t)l->p->nr_links;
    return cand;
}

int cenv_loader_load_when(struct cenv_loader *l, uint32_t name)
{
    uint32_t id = l->p->names[name].of;
    struct condition c = {.l = l, .text = l->p->specs[id].parsed.more->when};
    struct ways ways;
    if (!parse_condition(&c, &ways))
        return l->err->status ? l->err->status : cenv_error_oom(l->err);
    for (uint32_t i = 0; i < ways.nr; i++) {
        struct cenv_candidate *cand = new_way(l, name, (uint64_t)ways.nr - i);
        if (!cand)
            return l->err->status;
        cand->nr_constrains = ways.ways[i].nr;
        for (uint32_t k = 0; k < ways.ways[i].nr; k++)
            if (cenv_loader_link(l, ways.ways[i].specs[k], false) < 0)
                return l->err->status;
    }
    uint32_t plain = unconditional(l, id);
    struct cenv_candidate *cand = plain == CENV_NONE ? NULL : new_way(l, name, 0);
    if (!cand || cenv_loader_link_special(l, plain) < 0)
        return l->err->status;
    cand->nr_depends = (uint32_t)l->p->nr_links - cand->specs;
    return 0;
}

/* Links the name made up for a conditional spec, which all its candidates satisfy. */
static int link_condition(struct cenv_loader *l, uint32_t id)
{
    struct cenv_str text = l->p->specs[id].text;
    struct cenv_str key = join(l, text, "\n", CENV_STR("when"), "");
    if (!key.data)
        return l->err->status;
    uint32_t known = cenv_map_get(&l->p->spec_ids, key);
    if (known != CENV_NONE)
        return cenv_loader_link(l, known, true);
    struct condition c = {.l = l, .text = l->p->specs[id].parsed.more->when};
    struct ways ways;
    if (!parse_condition(&c, &ways)) {
        l->p->specs[id].bad = c.bad;
        return l->err->status;
    }
    struct cenv_spec spec = {.text = text, .name = cenv_loader_name(l, text)};
    if (spec.name == CENV_NONE)
        return l->err->status;
    l->p->names[spec.name].kind = CENV_NAME_WHEN;
    l->p->names[spec.name].of = id;
    known = cenv_loader_add(l, &spec);
    if (known == CENV_NONE || cenv_map_put(&l->p->spec_ids, key, known) < 0)
        return cenv_error_oom(l->err);
    return cenv_loader_link(l, known, true);
}

int cenv_loader_link_special(struct cenv_loader *l, uint32_t id)
{
    const struct cenv_matchspec_more *more = l->p->specs[id].parsed.more;
    if (more && more->when.len)
        return link_condition(l, id);
    int rc = cenv_loader_link(l, id, true);
    for (uint32_t i = 0; more && rc == 0 && i < more->extras.nr; i++)
        rc = link_extra(l, id, more->extras.items[i]);
    return rc;
}
