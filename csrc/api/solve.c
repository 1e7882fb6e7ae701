/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The solve as a whole: what a request can reach is loaded as a problem of integers (load.c),
 * expressed as clauses (encode.c), and its best solution found level by level (search.c). An
 * unsatisfiable one is built again with all that settings exclude, to be explained (explain.c);
 * that happens once in a while, so the common way carries nothing for it.
 */
#include "cenv.h"

#include "base/alloc.h"
#include "codec/json_writer.h"
#include "explain/explain.h"
#include "explain/explain_choice.h"
#include "solve/dominate.h"
#include "solve/encode.h"
#include "solve/load.h"
#include "solve/solution.h"
#include "solve/solve_facts.h"

/* Encodes what is left of the problem without dominated candidates, which is *small. */
static int express_problem(const struct cenv_problem *p, struct cenv_undominated *small,
                           struct cenv_sat *sat, struct cenv_solve_effort *effort,
                           struct cenv_task *task, struct cenv_error *err)
{
    struct cenv_span span = cenv_span_begin(CENV_STAGE_EXPRESS, "");
    int rc = cenv_dominate_drop(small, &p->in, err);
    if (rc == 0)
        rc = cenv_encode_counted(&small->in, 0, sat, effort->clauses, err);
    if (rc == 0)
        cenv_solve_facts_count(effort, &small->in);
    span.items = small->in.nr_reqs;
    cenv_span_end(task, &span);
    return rc;
}

/* 1 and the best solution of `in`, 0 when there is none, or a status. */
static int search_instance(const struct cenv_instance *in, struct cenv_sat *sat,
                           struct cenv_solution *s, struct cenv_solve_effort *effort,
                           struct cenv_task *task, struct cenv_error *err)
{
    struct cenv_span span = cenv_span_begin(CENV_STAGE_SOLVE, "");
    cenv_task_progress(task, CENV_STAGE_SOLVE, 0);
    int rc = cenv_search_best(in, sat, s->choice, s->level, effort->calls, task, err);
    s->stats = cenv_sat_stats(sat);
    span.items = s->stats.solves;
    cenv_span_end(task, &span);
    return rc;
}

/* The same in terms of the whole problem. */
static int find_best(const struct cenv_problem *p, struct cenv_solution *s,
                     struct cenv_solve_effort *effort, struct cenv_task *task,
                     struct cenv_error *err)
{
    struct cenv_undominated small;
    struct cenv_sat *sat = cenv_sat_new();
    if (!sat)
        return cenv_error_oom(err);
    int rc = express_problem(p, &small, sat, effort, task, err);
    if (rc == 0)
        rc = search_instance(&small.in, sat, s, effort, task, err);
    if (rc > 0)
        cenv_dominate_expand(&small, &p->in, s->choice);
    cenv_dominate_release(&small);
    cenv_sat_free(sat);
    return rc;
}

static void write_stats(const struct cenv_problem *p, const struct cenv_solution *s,
                        struct cenv_json_writer *w)
{
    cenv_json_write_object(w, "stats");
    cenv_json_write_u64(w, "names", p->nr_names);
    cenv_json_write_u64(w, "records", p->nr_cands);
    cenv_json_write_u64(w, "requirements", p->in.nr_reqs);
    cenv_json_write_u64(w, "variables", s->stats.variables);
    cenv_json_write_u64(w, "clauses", s->stats.clauses);
    cenv_json_write_u64(w, "solves", s->stats.solves);
    cenv_json_write_u64(w, "conflicts", s->stats.conflicts);
    cenv_json_write_end(w);
}

/* Records that were reached and cannot be used. */
static void write_skipped(const struct cenv_problem *p, struct cenv_json_writer *w)
{
    cenv_json_write_array(w, "skipped");
    for (const struct cenv_skip *s = p->skips.first; s; s = s->next) {
        cenv_json_write_object(w, NULL);
        cenv_json_write_str(w, "fn", s->fn);
        cenv_json_write_str(w, "reason", s->reason);
        cenv_json_write_end(w);
    }
    cenv_json_write_end(w);
}

static int write_explanation(const struct cenv_problem *p,
                             const struct cenv_solution *s, struct cenv_json_writer *w,
                             struct cenv_task *task, struct cenv_error *err)
{
    struct cenv_buf text;
    cenv_buf_init(&text, 1 << 20);
    int rc = cenv_explain_choice(p, s, &text, task, err);
    if (rc == 0)
        cenv_json_write_str(w, "explanation", cenv_buf_str(&text));
    cenv_buf_release(&text);
    return rc;
}

/* The reply of cenv.h; after a failure `out` is as it was. */
static int write_reply(const struct cenv_problem *p, const struct cenv_solution *s,
                       struct cenv_buf *out, struct cenv_task *task,
                       struct cenv_error *err)
{
    struct cenv_json_writer w;
    size_t len = out->len;
    cenv_json_writer_init(&w, out, 0);
    cenv_json_write_object(&w, NULL);
    int rc = cenv_solution_write_records(p, s->choice, &w, err);
    if (rc == 0) {
        write_stats(p, s, &w);
        write_skipped(p, &w);
    }
    if (rc == 0 && p->request->explain.len)
        rc = write_explanation(p, s, &w, task, err);
    if (rc == 0) {
        cenv_json_write_end(&w);
        rc = cenv_json_writer_finish(&w, err);
    }
    if (rc < 0 && out->data)
        out->data[out->len = len] = '\0';
    return rc;
}

static int solve_problem(const struct cenv_problem *p, struct cenv_buf *out,
                         struct cenv_task *task, struct cenv_error *err)
{
    struct cenv_solution s = {0};
    struct cenv_solve_effort effort = {NULL, NULL, NULL};
    s.choice = cenv_reallocarray(NULL, p->nr_names, sizeof(*s.choice));
    s.level = cenv_reallocarray(NULL, p->nr_names, sizeof(*s.level));
    bool room = s.choice && s.level && cenv_solve_facts_begin(&effort, p->nr_names);
    int rc = room ? find_best(p, &s, &effort, task, err) : cenv_error_oom(err);
    if (rc >= 0)
        cenv_solve_facts_add(p, &effort, &s.stats, task);
    if (rc > 0)
        rc = write_reply(p, &s, out, task, err);
    else if (rc == 0)
        rc = CENV_EUNSAT;
    cenv_solve_facts_release(&effort);
    cenv_free(s.choice);
    cenv_free(s.level);
    return rc;
}

int cenv_solve(const struct cenv_index *index, const char *request_json,
               struct cenv_task *task, struct cenv_buf *out, struct cenv_error *err)
{
    struct cenv_arena arena = CENV_ARENA_INIT;
    struct cenv_request request;
    struct cenv_problem problem;
    int rc = cenv_request_parse(&request, request_json, cenv_index_spec_table(index),
                                &arena, err);
    if (rc == 0) {
        rc = cenv_load_problem(&problem, index, &request, 0, task, err);
        if (rc == 0)
            rc = solve_problem(&problem, out, task, err);
        cenv_problem_release(&problem);
        if (rc == CENV_EUNSAT)
            rc = cenv_explain_unsat(index, &request, task, err);
    }
    cenv_arena_release(&arena);
    return rc;
}
