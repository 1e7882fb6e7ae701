/* SPDX-License-Identifier: BSD-3-Clause */
/* Why a package is in a solution as it is: see explain_choice.h. */
#include "explain/explain_choice.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "explain/explain_absence.h"
#include "explain/reasons.h"
#include "explain/wording.h"
#include "solve/encode.h"
#include "solve/match.h"

enum { MAX_REASONS = 12, REASON_MAX = 1 << 16 };

struct choice {
    const struct cenv_problem *p;
    const struct cenv_solution *s;
    uint32_t name, place;
    struct cenv_sat *sat; /* hard encoding, made when first needed */
    bool *used;           /* by goal, then by name: assumed in the next solve */
    struct cenv_arena arena;
    struct cenv_buf *out;
    struct cenv_task *task;
    struct cenv_error *err;
};

static const struct cenv_candidate *chosen_of(const struct choice *w, uint32_t name)
{
    return cenv_problem_cand(w->p, name, w->s->choice[name]);
}

/* Of a made-up name, which is what was asked for, that alone. */
static void print_cand(const struct cenv_candidate *cand, struct cenv_buf *out)
{
    const struct cenv_record *r = cand->record;
    cenv_buf_add_str(out, r->name);
    if (cand->from != CENV_FROM_CONDITION)
        cenv_buf_addf(out, " %.*s %.*s", CENV_STR_ARG(r->version),
                      CENV_STR_ARG(r->build));
}

/* The first goal that asks for the name: its rank in the first level. */
static uint32_t goal_rank(const struct choice *w, uint32_t name)
{
    const struct cenv_instance *in = &w->p->in;
    uint32_t i = 0;
    while (i < in->nr_goals && !(in->goals[i].kind == CENV_GOAL_REQ &&
                                 !in->reqs[in->goals[i].value].limit &&
                                 in->reqs[in->goals[i].value].name == name))
        i++;
    return i;
}

/* The other name was decided before the one in question. */
static bool is_earlier(const struct choice *w, uint32_t other)
{
    if (other == w->name || w->s->choice[other] == CENV_ABSENT)
        return false;
    uint32_t a = w->s->level[other], b = w->s->level[w->name];
    if (a != b)
        return a < b;
    return a == 0 ? goal_rank(w, other) < goal_rank(w, w->name) : other < w->name;
}

/* None of the places of the run meets the requirement. */
static bool rules_out(const struct choice *w, const struct cenv_req *req,
                      struct cenv_run run)
{
    for (uint32_t place = run.from; place < run.to; place++)
        if (cenv_instance_allows(&w->p->in, req, place))
            return false;
    return true;
}

/* The first spec of the chosen candidate that none of the run meets. */
static const struct cenv_spec *excluding_spec(const struct choice *w,
                                              const struct cenv_candidate *by,
                                              struct cenv_run run, bool *limit)
{
    for (uint32_t i = 0; i < by->nr_depends + by->nr_constrains; i++) {
        const struct cenv_spec *spec = &w->p->specs[w->p->links[by->specs + i]];
        *limit = i >= by->nr_depends;
        if (spec->name == w->name && spec->req[*limit] != CENV_NONE &&
            rules_out(w, &w->p->in.reqs[spec->req[*limit]], run))
            return spec;
    }
    return NULL;
}

static bool tell_goal(const struct choice *w, struct cenv_run run, struct cenv_buf *out)
{
    const struct cenv_instance *in = &w->p->in;
    for (uint32_t i = 0; i < in->nr_goals; i++) {
        const struct cenv_req *req = &in->reqs[in->goals[i].value];
        if (in->goals[i].kind != CENV_GOAL_REQ || req->name != w->name ||
            !rules_out(w, req, run))
            continue;
        cenv_wording_print_goal(w->p, i, out);
        return true;
    }
    return false;
}

/* A requirement of what was decided before, if one rules the run out by itself. */
static bool tell_excluder(const struct choice *w, struct cenv_run run,
                          struct cenv_buf *out)
{
    bool limit;
    if (tell_goal(w, run, out))
        return true;
    for (uint32_t n = 0; n < w->p->in.nr_names; n++) {
        if (!is_earlier(w, n))
            continue;
        const struct cenv_spec *spec = excluding_spec(w, chosen_of(w, n), run, &limit);
        if (!spec)
            continue;
        print_cand(chosen_of(w, n), out);
        cenv_buf_addf(out, limit ? " allows only %.*s" : " needs %.*s",
                      CENV_STR_ARG(spec->text));
        return true;
    }
    return false;
}

static int new_solver(struct choice *w)
{
    if (w->sat)
        return 0;
    w->sat = cenv_sat_new();
    return w->sat ? cenv_encode_instance(&w->p->in, 0, w->sat, w->err)
                  : cenv_error_oom(w->err);
}

static int assume_run(struct choice *w, uint32_t name, struct cenv_run run)
{
    const struct cenv_instance *in = &w->p->in;
    bool failed = !cenv_sat_assume(w->sat, cenv_encode_worse(in, name, run.from));
    if (run.to < cenv_instance_size(in, name))
        failed |= !cenv_sat_assume(w->sat, -cenv_encode_worse(in, name, run.to));
    return failed ? cenv_error_oom(w->err) : 0;
}

/* Solves with a place of the run, and the goals and decisions in use. */
static int solve_used(struct choice *w, struct cenv_run run)
{
    const struct cenv_instance *in = &w->p->in;
    int rc = new_solver(w);
    for (uint32_t i = 0; rc == 0 && i < in->nr_goals; i++)
        if (w->used[i] && !cenv_sat_assume(w->sat, cenv_encode_goal(in, i)))
            rc = cenv_error_oom(w->err);
    for (uint32_t n = 0; rc == 0 && n < in->nr_names; n++)
        if (w->used[in->nr_goals + n])
            rc = assume_run(w, n,
                            (struct cenv_run){w->s->choice[n], w->s->choice[n] + 1});
    if (rc == 0)
        rc = assume_run(w, w->name, run);
    if (rc < 0)
        return rc;
    return cenv_sat_solve(w->sat, w->task, w->err);
}

/* All goals; with `decided` what was decided before, too. */
static void use_all(struct choice *w, bool decided)
{
    for (uint32_t i = 0; i < w->p->in.nr_goals; i++)
        w->used[i] = true;
    for (uint32_t n = 0; n < w->p->in.nr_names; n++)
        w->used[w->p->in.nr_goals + n] = decided && is_earlier(w, n);
}

static bool has_failed(const struct choice *w, uint32_t first, uint32_t end)
{
    for (size_t i = 0; i < cenv_sat_nr_failed(w->sat); i++) {
        uint32_t var = (uint32_t)abs(cenv_sat_failed(w->sat, i));
        if (first <= var && var < end)
            return true;
    }
    return false;
}

/* Keeps of what was used only what the refutation needed. */
static void use_failed(struct choice *w)
{
    const struct cenv_instance *in = &w->p->in;
    for (uint32_t i = 0; i < in->nr_goals; i++) {
        uint32_t var = (uint32_t)cenv_encode_goal(in, i);
        w->used[i] &= has_failed(w, var, var + 1);
    }
    for (uint32_t n = 0; n < in->nr_names; n++)
        w->used[in->nr_goals + n] &=
            has_failed(w, in->first[n] + 1, in->first[n + 1] + 1);
}

/* Drops what is not needed, decisions before goals: 0, or a status. */
static int minimise_used(struct choice *w, struct cenv_run run)
{
    uint32_t all = w->p->in.nr_goals + w->p->in.nr_names;
    use_failed(w);
    for (uint32_t i = all; i-- > 0;) {
        if (!w->used[i])
            continue;
        w->used[i] = false;
        int rc = solve_used(w, run);
        if (rc < 0)
            return rc;
        if (rc == 0)
            use_failed(w);
        else
            w->used[i] = true;
    }
    return 0;
}

/* What cannot go with the run: goals of other names, and decisions. */
static void tell_used(const struct choice *w, struct cenv_buf *out)
{
    const struct cenv_instance *in = &w->p->in;
    const char *join = "cannot go with ";
    for (uint32_t i = 0; i < in->nr_goals; i++) {
        if (!w->used[i] || in->reqs[in->goals[i].value].name == w->name)
            continue;
        cenv_buf_puts(out, join);
        cenv_wording_print_root(w->p, i, out);
        join = ", ";
    }
    for (uint32_t n = 0; n < in->nr_names; n++) {
        if (!w->used[in->nr_goals + n])
            continue;
        cenv_buf_puts(out, join);
        print_cand(chosen_of(w, n), out);
        join = ", ";
    }
    if (join[0] != ',')
        cenv_buf_puts(out, "its own dependencies cannot be met");
}

/* Why no place of the run was chosen, all of which are better than the one that was. */
static int find_reason(struct choice *w, struct cenv_run run, struct cenv_buf *out)
{
    cenv_buf_clear(out);
    if (tell_excluder(w, run, out))
        return 0;
    use_all(w, true);
    int rc = solve_used(w, run);
    if (rc > 0)
        return cenv_error_set(w->err, CENV_EFAIL, "a better candidate was passed over");
    if (rc == 0)
        rc = minimise_used(w, run);
    if (rc == 0)
        tell_used(w, out);
    return rc;
}

/* The places of one version from `place` on that match the spec, in front of `end`. */
static struct cenv_run version_run(const struct choice *w,
                                   const struct cenv_matchspec *spec, uint32_t place,
                                   uint32_t end)
{
    const struct cenv_candidate *first = cenv_problem_cand(w->p, w->name, place);
    struct cenv_run run = {place, place + 1};
    while (run.to < end) {
        const struct cenv_candidate *next = cenv_problem_cand(w->p, w->name, run.to);
        if (next->text != first->text || !cenv_match_candidate(w->p, spec, next))
            break;
        run.to++;
    }
    return run;
}

/* Better candidates that match the spec, by versions. */
static int tell_better(struct choice *w, const struct cenv_matchspec *spec)
{
    struct cenv_reasons reasons;
    struct cenv_buf why;
    uint32_t first = w->p->in.first[w->name];
    bool begun = cenv_reasons_init(&reasons, w->p, w->name, MAX_REASONS, "  not ",
                                   w->out, &w->arena);
    int rc = begun ? 0 : cenv_error_oom(w->err);
    cenv_buf_init(&why, REASON_MAX);
    for (struct cenv_run run = {0, 0}; rc == 0 && run.from < w->place;
         run.from = run.to) {
        if (!cenv_match_candidate(w->p, spec,
                                  cenv_problem_cand(w->p, w->name, run.from))) {
            run.to = run.from + 1;
            continue;
        }
        run = version_run(w, spec, run.from, w->place);
        rc = find_reason(w, run, &why);
        if (cenv_problem_cand(w->p, w->name, run.from)->text ==
            chosen_of(w, w->name)->text)
            cenv_buf_puts(&why, " (other builds of it)");
        if (rc == 0 &&
            !cenv_reasons_add(&reasons, first + run.from, first + run.to, &why))
            break;
    }
    cenv_buf_release(&why);
    cenv_reasons_release(&reasons);
    return rc;
}

/* "  needed by pandas 2.3.3 py311_0 (numpy >=1.22.4, numpy <3)" */
static void tell_needers(const struct choice *w)
{
    for (uint32_t n = 0; n < w->p->in.nr_names; n++) {
        if (w->s->choice[n] == CENV_ABSENT)
            continue;
        const struct cenv_candidate *cand = chosen_of(w, n);
        bool told = false;
        for (uint32_t i = 0; i < cand->nr_depends; i++) {
            const struct cenv_spec *spec = &w->p->specs[w->p->links[cand->specs + i]];
            if (spec->name != w->name)
                continue;
            cenv_buf_puts(w->out, told ? ", " : "  needed by ");
            if (!told)
                print_cand(cand, w->out);
            cenv_buf_addf(w->out, "%s%.*s", told ? "" : " (", CENV_STR_ARG(spec->text));
            told = true;
        }
        cenv_buf_puts(w->out, told ? ")\n" : "");
    }
}

/* What a record has that puts it before another of its name (order.c). */
static const char *advantage(const struct choice *w,
                             const struct cenv_candidate *better,
                             const struct cenv_candidate *worse)
{
    const struct cenv_record *a = better->record, *b = worse->record;
    bool channel = a->channel_rank < b->channel_rank;
    bool newer = better->version < worse->version;
    if (better->favored && !worse->favored)
        return "it is favoured";
    if (better->tracked >= 0 && worse->tracked < 0)
        return "what is asked for rules out a feature of the other";
    if (!a->nr_track_features && b->nr_track_features)
        return "it has no track_features";
    if (channel && (!newer || w->p->request->priority != CENV_PRIORITY_DISABLED))
        return "its channel comes first";
    if (newer)
        return "it is newer";
    if (better->tracked > worse->tracked)
        return "what is asked for tracks its feature";
    if (a->build_number > b->build_number)
        return "its build number is higher";
    return "its dependencies are newer, or it was built later";
}

/* Tells of what matches and is worse than the choice, and whether it could have been had. */
static int tell_worse(struct choice *w, const struct cenv_matchspec *spec,
                      uint32_t place)
{
    const struct cenv_candidate *own = chosen_of(w, w->name);
    struct cenv_run run =
        version_run(w, spec, place, cenv_instance_size(&w->p->in, w->name));
    cenv_buf_puts(w->out, "  not ");
    print_cand(cenv_problem_cand(w->p, w->name, place), w->out);
    cenv_buf_addf(w->out, ": %.*s %.*s is preferred, %s",
                  CENV_STR_ARG(own->record->version), CENV_STR_ARG(own->record->build),
                  advantage(w, own, cenv_problem_cand(w->p, w->name, place)));
    use_all(w, false);
    int rc = solve_used(w, run);
    if (rc > 0) {
        cenv_buf_puts(w->out, "; asked for, it can be had\n");
        return 0;
    }
    if (rc == 0)
        rc = minimise_used(w, run);
    cenv_buf_puts(w->out, "; and it ");
    tell_used(w, w->out);
    cenv_buf_putc(w->out, '\n');
    return rc;
}

static void tell_choice(const struct choice *w)
{
    print_cand(cenv_problem_cand(w->p, w->name, w->place), w->out);
    uint32_t size = cenv_instance_size(&w->p->in, w->name);
    cenv_buf_addf(w->out, " was chosen, number %lu of %lu candidates\n",
                  (unsigned long)w->place + 1, (unsigned long)size);
    uint32_t goal = goal_rank(w, w->name);
    if (goal < w->p->in.nr_goals) {
        cenv_buf_puts(w->out, "  asked for as ");
        cenv_wording_print_root(w->p, goal, w->out);
        cenv_buf_putc(w->out, '\n');
    }
    tell_needers(w);
}

/* Why what the spec matches is not what was chosen; of a name alone, all that is better. */
static int tell_matching(struct choice *w, const struct cenv_matchspec *spec)
{
    uint32_t size = cenv_instance_size(&w->p->in, w->name), place = 0;
    while (place < size &&
           !cenv_match_candidate(w->p, spec, cenv_problem_cand(w->p, w->name, place)))
        place++;
    tell_choice(w);
    if (place <= w->place)
        return tell_better(w, spec);
    if (place < size)
        return tell_worse(w, spec, place);
    cenv_buf_addf(w->out, "  no candidate is %.*s\n", CENV_STR_ARG(spec->text));
    return cenv_explain_absence_excluded(w->p, spec, w->out, w->task, w->err);
}

static bool is_known(const struct cenv_index *index, struct cenv_str name)
{
    for (size_t i = 0; i < cenv_index_nr_sources(index); i++)
        for (size_t k = 0; k < cenv_index_nr_names(index, i); k++)
            if (cenv_str_eq(cenv_index_name(index, i, k), name))
                return true;
    return false;
}

/* The name is not in the solution. */
static int tell_absent(struct choice *w, const struct cenv_matchspec *spec)
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
    struct choice w = {.p = p, .s = solution, .out = out, .task = task, .err = err};
    struct cenv_matchspec spec;
    int rc = cenv_matchspec_parse(&spec, p->request->explain, &w.arena, err);
    size_t used = (size_t)p->in.nr_goals + p->in.nr_names;
    w.used = cenv_arena_calloc(&w.arena, used, sizeof(*w.used));
    if (rc == 0 && !w.used)
        rc = cenv_error_oom(err);
    if (rc == 0) {
        w.name = cenv_problem_find(p, spec.name);
        w.place = w.name == CENV_NONE ? CENV_ABSENT : solution->choice[w.name];
        rc = w.place == CENV_ABSENT ? tell_absent(&w, &spec) : tell_matching(&w, &spec);
    }
    cenv_sat_free(w.sat);
    cenv_arena_release(&w.arena);
    if (rc == 0 && out->failed)
        rc = cenv_error_oom(err);
    return rc;
}
