/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * See explain_absence.h. Of a refuted request everything is false in some way; so each version is
 * tried with as much of the request as can be kept, and what of that it cannot go with is told.
 */
#include "explain/explain_absence.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "explain/reasons.h"
#include "explain/wording.h"
#include "solve/encode.h"
#include "solve/load.h"
#include "solve/match.h"

enum { MAX_REASONS = 12, REASON_MAX = 1 << 16 };

/* ---- excluded ---- */

static void print_cands(const struct cenv_problem *p, const uint32_t *cands,
                        uint32_t nr, bool excluded, struct cenv_buf *out)
{
    const struct cenv_record *first = p->cands[cands[0]].record;
    cenv_buf_addf(out, excluded ? "  %.*s " : "  there is %.*s ",
                  CENV_STR_ARG(first->name));
    bool many = cenv_wording_print_versions(p, cands, nr, out) > 1;
    cenv_buf_puts(out, excluded ? " " : "");
    if (excluded)
        cenv_wording_print_exclusion(p, cands[0], p->cands[cands[0]].excluded, many,
                                     out);
    cenv_buf_putc(out, '\n');
}

static int tell_excluded(const struct cenv_problem *p,
                         const struct cenv_matchspec *spec, struct cenv_buf *out,
                         struct cenv_error *err)
{
    uint32_t name = cenv_problem_find(p, spec->name), first = p->in.first[name], nr = 0;
    uint32_t size = cenv_instance_size(&p->in, name);
    uint32_t *cands = cenv_reallocarray(NULL, size, sizeof(*cands));
    if (!cands)
        return cenv_error_oom(err);
    for (uint32_t reason = 1; reason <= (CENV_EXCLUDED_STRICT | CENV_EXCLUDED_CUTOFF);
         reason++) {
        uint32_t own = 0;
        for (uint32_t c = first; c < first + size; c++)
            if (p->cands[c].excluded == reason &&
                cenv_match_candidate(p, spec, &p->cands[c]))
                cands[own++] = c;
        if (own)
            print_cands(p, cands, own, true, out);
        nr += own;
    }
    for (uint32_t c = 0; !nr && c < size; c++)
        cands[c] = first + c;
    if (!nr && size)
        print_cands(p, cands, size, false, out);
    cenv_free(cands);
    return 0;
}

int cenv_explain_absence_excluded(const struct cenv_problem *p,
                                  const struct cenv_matchspec *spec,
                                  struct cenv_buf *out, struct cenv_task *task,
                                  struct cenv_error *err)
{
    struct cenv_problem full;
    int rc = cenv_load_problem(&full, p->index, p->request, CENV_PROBLEM_TO_EXPLAIN,
                               task, err);
    if (rc == 0)
        rc = tell_excluded(&full, spec, out, err);
    cenv_problem_release(&full);
    return rc;
}

/* ---- refused ---- */

struct refused {
    struct cenv_explainer *e;
    struct cenv_sat *sat;
    bool *keep; /* goals that go together */
    uint32_t name;
};

/* As much of the request as goes together, earlier goals first. */
static int find_keep(struct refused *r)
{
    const struct cenv_explainer *e = r->e;
    int rc = 0;
    for (uint32_t i = 0; rc >= 0 && i < e->p.in.nr_goals; i++) {
        r->keep[i] = true;
        rc = cenv_unsat_core_holds(&e->p.in, r->sat, r->keep, e->task, e->err);
        r->keep[i] = rc > 0;
    }
    return rc < 0 ? rc : 0;
}

/* A goal that none of the run meets by itself. */
static bool tell_goal(const struct refused *r, struct cenv_run run,
                      struct cenv_buf *out)
{
    const struct cenv_problem *p = &r->e->p;
    for (uint32_t i = 0; i < p->in.nr_goals; i++) {
        const struct cenv_goal *goal = &p->in.goals[i];
        const struct cenv_req *req = &p->in.reqs[goal->value];
        bool out_of_it = goal->kind == CENV_GOAL_REQ && req->name == r->name;
        for (uint32_t c = run.from; out_of_it && c < run.to; c++)
            out_of_it = !cenv_instance_allows(&p->in, req, c - p->in.first[r->name]);
        if (!out_of_it)
            continue;
        cenv_wording_print_goal(p, i, out);
        return true;
    }
    return false;
}

/* The goals that the last refutation used. */
static void tell_failed(const struct refused *r, struct cenv_buf *out)
{
    const struct cenv_problem *p = &r->e->p;
    bool any = false;
    for (uint32_t i = 0; i < p->in.nr_goals; i++)
        for (size_t k = 0; k < cenv_sat_nr_failed(r->sat); k++) {
            if (abs(cenv_sat_failed(r->sat, k)) != cenv_encode_goal(&p->in, i) ||
                p->roots[i].kind == CENV_ROOT_VIRTUAL)
                continue;
            cenv_buf_puts(out, any ? ", " : "cannot go with ");
            cenv_wording_print_root(p, i, out);
            any = true;
        }
    if (!any)
        cenv_buf_puts(out, "its own dependencies cannot be met");
}

static int try_with_kept(struct refused *r, struct cenv_run run)
{
    const struct cenv_explainer *e = r->e;
    const struct cenv_instance *in = &e->p.in;
    uint32_t first = in->first[r->name], end = in->first[r->name + 1];
    bool failed =
        !cenv_sat_assume(r->sat, cenv_encode_worse(in, r->name, run.from - first));
    if (run.to < end)
        failed |=
            !cenv_sat_assume(r->sat, -cenv_encode_worse(in, r->name, run.to - first));
    if (failed)
        return cenv_error_oom(e->err);
    return cenv_unsat_core_holds(in, r->sat, r->keep, e->task, e->err);
}

static int find_reason(struct refused *r, struct cenv_run run, struct cenv_buf *out)
{
    int rc = 0;
    cenv_buf_clear(out);
    if (r->e->p.cands[run.from].excluded) {
        cenv_wording_print_exclusion(&r->e->p, run.from,
                                     r->e->p.cands[run.from].excluded,
                                     run.to - run.from > 1, out);
    } else if (!tell_goal(r, run, out)) {
        rc = try_with_kept(r, run);
        if (rc > 0)
            cenv_buf_puts(out, "could be installed but for the conflict");
        else if (rc == 0)
            tell_failed(r, out);
    }
    return rc < 0 ? rc : 0;
}

/* Candidates from c on of one version, excluded alike, that match. */
static struct cenv_run next_run(const struct refused *r,
                                const struct cenv_matchspec *spec, uint32_t c)
{
    const struct cenv_candidate *cands = r->e->p.cands;
    struct cenv_run run = {c, c + 1};
    while (run.to < r->e->p.in.first[r->name + 1] &&
           cands[run.to].text == cands[c].text &&
           cands[run.to].excluded == cands[c].excluded &&
           cenv_match_candidate(&r->e->p, spec, &cands[run.to]))
        run.to++;
    return run;
}

/* What matches, version by version. */
static int tell_versions(struct refused *r, const struct cenv_matchspec *spec)
{
    struct cenv_explainer *e = r->e;
    struct cenv_reasons reasons;
    struct cenv_buf why;
    bool told = false, more = true;
    bool begun = cenv_reasons_init(&reasons, &e->p, r->name, MAX_REASONS, "  ",
                                   &e->text, &e->arena);
    int rc = begun ? find_keep(r) : cenv_error_oom(e->err);
    cenv_buf_init(&why, REASON_MAX);
    for (uint32_t c = e->p.in.first[r->name];
         rc == 0 && more && c < e->p.in.first[r->name + 1];) {
        struct cenv_run run = {c, c + 1};
        if (cenv_match_candidate(&e->p, spec, &e->p.cands[c])) {
            run = next_run(r, spec, c);
            rc = find_reason(r, run, &why);
            more = cenv_reasons_add(&reasons, run.from, run.to, &why);
            told = true;
        }
        c = run.to;
    }
    cenv_buf_release(&why);
    cenv_reasons_release(&reasons);
    if (rc == 0 && !told)
        cenv_buf_addf(&e->text, "  no candidate is %.*s\n", CENV_STR_ARG(spec->text));
    return rc;
}

static int tell_refused(struct refused *r, const struct cenv_matchspec *spec)
{
    struct cenv_explainer *e = r->e;
    r->name = cenv_problem_find(&e->p, spec->name);
    if (r->name == CENV_NONE || !e->p.names[r->name].loaded) {
        cenv_buf_addf(&e->text, "  nothing asked for can need %.*s\n",
                      CENV_STR_ARG(spec->name));
        return 0;
    }
    r->sat = cenv_sat_new();
    r->keep = cenv_arena_calloc(&e->arena, e->p.in.nr_goals + 1, sizeof(*r->keep));
    if (!r->sat || !r->keep)
        return cenv_error_oom(e->err);
    int rc = cenv_encode_instance(&e->p.in, 0, r->sat, e->err);
    if (rc < 0)
        return rc;
    return tell_versions(r, spec);
}

int cenv_explain_absence_refused(struct cenv_explainer *e)
{
    struct refused r = {.e = e};
    struct cenv_matchspec spec;
    int rc = cenv_matchspec_parse(&spec, e->p.request->explain, &e->arena, e->err);
    if (rc == 0) {
        cenv_buf_addf(&e->text, "%.*s, beside that:\n",
                      CENV_STR_ARG(e->p.request->explain));
        rc = tell_refused(&r, &spec);
    }
    cenv_sat_free(r.sat);
    return rc;
}
