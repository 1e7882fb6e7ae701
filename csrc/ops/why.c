/* SPDX-License-Identifier: BSD-3-Clause */
/* Why a package is in a solution as it is: see cenv_explain_choice in solve.h. */
#include "ops/solve.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "ops/phrase.h"
#include "ops/whynot.h"

enum { MAX_REASONS = 12 };

struct why {
    const struct cenv_problem *p;
    const struct cenv_solution *s;
    uint32_t name, place;
    struct cenv_sat *sat; /* hard encoding, made when first needed */
    struct cenv_buf *out;
    struct cenv_task *task;
    struct cenv_error *err;
};

static const struct cenv_candidate *chosen(const struct why *w, uint32_t name)
{
    return cenv_problem_cand(w->p, name, w->s->choice[name]);
}

static void print_cand(const struct why *w, const struct cenv_candidate *cand)
{
    const struct cenv_record *r = cand->record;
    cenv_buf_addf(w->out, "%.*s %.*s %.*s", CENV_STR_ARG(r->name),
                  CENV_STR_ARG(r->version), CENV_STR_ARG(r->build));
}

/* Where an item's name stands in the first layer. */
static uint32_t item_rank(const struct why *w, uint32_t name)
{
    const struct cenv_instance *in = &w->p->in;
    uint32_t i = 0;
    while (i < in->nr_items && !(in->items[i].kind == CENV_ITEM_REQ &&
                                 !in->reqs[in->items[i].value].limit &&
                                 in->reqs[in->items[i].value].name == name))
        i++;
    return i;
}

/* Was decided before the name in question. */
static bool is_earlier(const struct why *w, uint32_t other)
{
    if (other == w->name || w->s->choice[other] == CENV_ABSENT)
        return false;
    uint32_t a = w->s->layer[other], b = w->s->layer[w->name];
    if (a != b)
        return a < b;
    return a == 0 ? item_rank(w, other) < item_rank(w, w->name) : other < w->name;
}

/* The first spec of the chosen candidate that the candidate `place` of the name does not meet. */
static const struct cenv_spec *excluding(const struct why *w,
                                         const struct cenv_candidate *by,
                                         uint32_t place, bool *limit)
{
    for (uint32_t i = 0; i < by->nr_depends + by->nr_constrains; i++) {
        const struct cenv_spec *spec = &w->p->specs[w->p->links[by->specs + i]];
        *limit = i >= by->nr_depends;
        if (spec->name == w->name && spec->req[*limit] != CENV_NONE &&
            !cenv_req_has(&w->p->in, &w->p->in.reqs[spec->req[*limit]], place))
            return spec;
    }
    return NULL;
}

static bool tell_item(const struct why *w, uint32_t place)
{
    const struct cenv_instance *in = &w->p->in;
    for (uint32_t i = 0; i < in->nr_items; i++) {
        const struct cenv_req *req = &in->reqs[in->items[i].value];
        if (in->items[i].kind != CENV_ITEM_REQ || req->name != w->name ||
            cenv_req_has(in, req, place))
            continue;
        cenv_asked_print(w->p, i, w->out);
        cenv_buf_puts(w->out, " is asked for");
        return true;
    }
    return false;
}

/* A requirement of what was decided before, if one rules the candidate out by itself. */
static bool tell_excluder(const struct why *w, uint32_t place)
{
    bool limit;
    if (tell_item(w, place))
        return true;
    for (uint32_t n = 0; n < w->p->in.nr_names; n++) {
        if (!is_earlier(w, n))
            continue;
        const struct cenv_spec *spec = excluding(w, chosen(w, n), place, &limit);
        if (!spec)
            continue;
        print_cand(w, chosen(w, n));
        cenv_buf_addf(w->out, limit ? " allows only %.*s" : " needs %.*s",
                      CENV_STR_ARG(spec->text));
        return true;
    }
    return false;
}

static int assume_place(struct why *w, uint32_t name, uint32_t place)
{
    const struct cenv_instance *in = &w->p->in;
    bool failed = cenv_sat_assume(w->sat, cenv_var_worse(in, name, place)) < 0;
    if (place + 1 < cenv_instance_size(in, name))
        failed |= cenv_sat_assume(w->sat, -cenv_var_worse(in, name, place + 1)) < 0;
    return failed ? cenv_error_oom(w->err) : 0;
}

static int new_solver(struct why *w)
{
    if (w->sat)
        return 0;
    w->sat = cenv_sat_new();
    return w->sat ? cenv_encode(&w->p->in, 0, w->sat, w->err) : cenv_error_oom(w->err);
}

static int assume_items(struct why *w)
{
    const struct cenv_instance *in = &w->p->in;
    for (uint32_t i = 0; i < in->nr_items; i++)
        if (cenv_sat_assume(w->sat, cenv_var_item(in, i)) < 0)
            return cenv_error_oom(w->err);
    return 0;
}

/* Solves with the candidate and all that was decided before: 0 and the core, else 1 or a status. */
static int refute(struct why *w, uint32_t place)
{
    const struct cenv_instance *in = &w->p->in;
    int rc = new_solver(w);
    rc = rc < 0 ? rc : assume_items(w);
    for (uint32_t n = 0; rc == 0 && n < in->nr_names; n++)
        if (is_earlier(w, n))
            rc = assume_place(w, n, w->s->choice[n]);
    rc = rc < 0 ? rc : assume_place(w, w->name, place);
    return rc < 0 ? rc : cenv_sat_solve(w->sat, w->task, w->err);
}

static bool in_core(const struct why *w, uint32_t first, uint32_t end)
{
    for (size_t i = 0; i < cenv_sat_nr_failed(w->sat); i++) {
        uint32_t var = (uint32_t)abs(cenv_sat_failed(w->sat, i));
        if (first <= var && var < end)
            return true;
    }
    return false;
}

/* What of the core was asked for of other names, or decided before, each once. */
static void tell_core(const struct why *w)
{
    const struct cenv_instance *in = &w->p->in;
    const char *join = "cannot go with ";
    for (uint32_t i = 0; i < in->nr_items; i++) {
        uint32_t var = (uint32_t)cenv_var_item(in, i);
        if (!in_core(w, var, var + 1) || in->reqs[in->items[i].value].name == w->name)
            continue;
        cenv_buf_puts(w->out, join);
        cenv_asked_print(w->p, i, w->out);
        join = ", ";
    }
    for (uint32_t n = 0; n < in->nr_names; n++) {
        if (!is_earlier(w, n) || !in_core(w, in->first[n] + 1, in->first[n + 1] + 1))
            continue;
        cenv_buf_puts(w->out, join);
        print_cand(w, chosen(w, n));
        join = ", ";
    }
    if (join[0] != ',')
        cenv_buf_puts(w->out, "its own dependencies cannot be met");
}

/* The line of one better candidate; the next one is told when its reason differs. */
static int tell_better(struct why *w, uint32_t place)
{
    cenv_buf_puts(w->out, "  not ");
    print_cand(w, cenv_problem_cand(w->p, w->name, place));
    cenv_buf_puts(w->out, ": ");
    int rc = 0;
    if (!tell_excluder(w, place)) {
        rc = refute(w, place);
        if (rc == 0)
            tell_core(w);
        else if (rc > 0)
            rc = cenv_error_set(w->err, CENV_EFAIL,
                                "a better candidate was passed over");
    }
    cenv_buf_putc(w->out, '\n');
    return rc;
}

/* Better candidates, one of each version. */
static int tell_all_better(struct why *w)
{
    uint32_t told = 0;
    for (uint32_t place = 0; place < w->place; place++) {
        const struct cenv_candidate *cand = cenv_problem_cand(w->p, w->name, place);
        if (place > 0 && cand[-1].text == cand->text)
            continue;
        if (++told > MAX_REASONS) {
            cenv_buf_puts(w->out, "  ...\n");
            return 0;
        }
        int rc = tell_better(w, place);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static void tell_needers(const struct why *w)
{
    for (uint32_t n = 0; n < w->p->in.nr_names; n++) {
        if (w->s->choice[n] == CENV_ABSENT)
            continue;
        const struct cenv_candidate *cand = chosen(w, n);
        for (uint32_t i = 0; i < cand->nr_depends; i++) {
            const struct cenv_spec *spec = &w->p->specs[w->p->links[cand->specs + i]];
            if (spec->name != w->name)
                continue;
            cenv_buf_puts(w->out, "  needed by ");
            print_cand(w, cand);
            cenv_buf_addf(w->out, " (%.*s)\n", CENV_STR_ARG(spec->text));
        }
    }
}

/* What a record has that puts it before another of its name (order.c). */
static const char *advantage(const struct why *w, const struct cenv_candidate *better,
                             const struct cenv_candidate *worse)
{
    const struct cenv_record *a = better->record, *b = worse->record;
    bool channel = a->channel_rank < b->channel_rank;
    bool newer = better->version < worse->version;
    if (better->favored && !worse->favored)
        return "it is favoured";
    if (!a->nr_track_features && b->nr_track_features)
        return "it has no track_features";
    if (channel && (!newer || w->p->request->priority != CENV_PRIORITY_DISABLED))
        return "its channel comes first";
    if (newer)
        return "it is newer";
    if (a->build_number > b->build_number)
        return "its build number is higher";
    return "its dependencies are newer, or it was built later";
}

/* The candidate was passed over for a better one; could it have been had? */
static int tell_worse(struct why *w, uint32_t place)
{
    const struct cenv_candidate *own = chosen(w, w->name);
    const struct cenv_candidate *other = cenv_problem_cand(w->p, w->name, place);
    cenv_buf_puts(w->out, "  not ");
    print_cand(w, other);
    cenv_buf_addf(w->out, ": %.*s %.*s is preferred, %s",
                  CENV_STR_ARG(own->record->version), CENV_STR_ARG(own->record->build),
                  advantage(w, own, other));
    int rc = new_solver(w);
    rc = rc < 0 ? rc : assume_items(w);
    rc = rc < 0 ? rc : assume_place(w, w->name, place);
    rc = rc < 0 ? rc : cenv_sat_solve(w->sat, w->task, w->err);
    cenv_buf_puts(w->out, rc > 0 ? "; it can be had when asked for\n"
                                 : "; nor would it go with what is asked for\n");
    return rc < 0 ? rc : 0;
}

static int tell_choice(struct why *w, bool all)
{
    print_cand(w, cenv_problem_cand(w->p, w->name, w->place));
    uint32_t size = cenv_instance_size(&w->p->in, w->name);
    cenv_buf_addf(w->out, " was chosen, number %lu of %lu candidates\n",
                  (unsigned long)w->place + 1, (unsigned long)size);
    uint32_t item = item_rank(w, w->name);
    if (item < w->p->in.nr_items) {
        cenv_buf_puts(w->out, "  asked for as ");
        cenv_asked_print(w->p, item, w->out);
        cenv_buf_putc(w->out, '\n');
    }
    tell_needers(w);
    return all ? tell_all_better(w) : 0;
}

/* A text with more than a name: why what it matches is not what was chosen. */
static int tell_matching(struct why *w, const struct cenv_matchspec *spec)
{
    uint32_t size = cenv_instance_size(&w->p->in, w->name), place = 0;
    while (place < size &&
           !cenv_matchspec_match(spec, cenv_problem_cand(w->p, w->name, place)->record))
        place++;
    int rc = tell_choice(w, place == w->place);
    if (rc < 0 || place == w->place)
        return rc;
    if (place < size)
        return place < w->place ? tell_better(w, place) : tell_worse(w, place);
    cenv_buf_addf(w->out, "  no candidate is %.*s\n", CENV_STR_ARG(spec->text));
    return cenv_whynot_hidden(w->p, spec, w->out, w->task, w->err);
}

static bool is_known(const struct cenv_index *index, struct cenv_str name)
{
    for (size_t i = 0; i < cenv_index_nr_sources(index); i++)
        if (cenv_repodata_find(cenv_index_repodata(index, i), name) != SIZE_MAX)
            return true;
    return false;
}

/* The name is not in the solution. */
static int tell_absent(struct why *w, const struct cenv_matchspec *spec)
{
    bool known = w->name != CENV_NONE && w->p->names[w->name].loaded;
    cenv_buf_addf(w->out, "%.*s is not installed: ", CENV_STR_ARG(spec->name));
    if (known && w->p->names[w->name].nr)
        cenv_buf_puts(w->out, "nothing chosen needs it\n");
    else if (is_known(w->p->index, spec->name))
        cenv_buf_puts(w->out, "nothing asked for can need it\n");
    else
        cenv_buf_puts(w->out, "no channel has it\n");
    return 0;
}

int cenv_explain_choice(const struct cenv_problem *p,
                        const struct cenv_solution *solution, struct cenv_buf *out,
                        struct cenv_task *task, struct cenv_error *err)
{
    struct why w = {.p = p, .s = solution, .out = out, .task = task, .err = err};
    struct cenv_arena arena = CENV_ARENA_INIT;
    struct cenv_matchspec spec;
    int rc = cenv_matchspec_parse(&spec, p->request->explain, &arena, err);
    if (rc == 0) {
        w.name = cenv_problem_find(p, spec.name);
        w.place = w.name == CENV_NONE ? CENV_ABSENT : solution->choice[w.name];
        rc = w.place == CENV_ABSENT ? tell_absent(&w, &spec)
             : cenv_str_eq(cenv_str_trim(spec.text), spec.name)
                 ? tell_choice(&w, true)
                 : tell_matching(&w, &spec);
    }
    cenv_sat_free(w.sat);
    cenv_arena_release(&arena);
    return rc < 0 ? rc : out->failed ? cenv_error_oom(err) : 0;
}
