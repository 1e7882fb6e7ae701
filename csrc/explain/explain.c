/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Explanations: see explain.h.
 *
 * An unsatisfiable request is built again with the records that settings exclude and every
 * requirement kept apart. Names that no channel has come first: they are mistakes, not conflicts.
 * Otherwise a minimal set of what was asked for is found, then of the requirements in between,
 * both by solves; the tree is drawn from those alone. What to relax is tried out as well.
 */
#include "explain/explain.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "explain/conflict_summary.h"
#include "explain/conflict_tree.h"
#include "explain/explain_absence.h"
#include "explain/explainer.h"
#include "explain/missing.h"
#include "explain/relax.h"
#include "explain/report.h"
#include "explain/wording.h"
#include "solve/load.h"

enum { MAX_TEXT = 1 << 22, LONG_CORE = 400, LONG_TREE = 9, MAX_CONFLICTS = 3 };

/* A spec with extras is several goals, of which the first speaks for all. */
static bool is_told(const struct cenv_explainer *e, const struct cenv_unsat_core *core,
                    uint32_t goal)
{
    for (uint32_t i = 0; i < goal; i++)
        if (core->goals[i] && e->p.roots[goal].entry &&
            e->p.roots[i].entry == e->p.roots[goal].entry)
            return true;
    return false;
}

static uint32_t count_told(const struct cenv_explainer *e,
                           const struct cenv_unsat_core *core)
{
    uint32_t nr = 0;
    for (uint32_t i = 0; i < e->p.in.nr_goals; i++)
        nr += core->goals[i] && !is_told(e, core, i);
    return nr;
}

/* "a and b cannot be installed together:". The first conflict is the one that the error names. */
static void tell_goals(struct cenv_explainer *e, const struct cenv_unsat_core *core)
{
    uint32_t told = 0, nr = count_told(e, core);
    for (uint32_t i = 0; i < e->p.in.nr_goals; i++) {
        if (!core->goals[i] || is_told(e, core, i))
            continue;
        if (core == &e->core)
            e->conflict[e->nr_conflict++] = i;
        if (told++)
            cenv_buf_puts(&e->text, told == nr ? " and " : ", ");
        cenv_wording_print_root(&e->p, i, &e->text);
    }
    cenv_buf_puts(&e->text, nr == 1 ? " cannot be installed:\n"
                                    : " cannot be installed together:\n");
}

/* Tells the tree; of a long one only what it comes down to, if that is one package. */
static int tell_tree(struct cenv_explainer *e, const struct cenv_unsat_core *core)
{
    uint32_t nr_lines;
    size_t len = e->text.len;
    int rc = cenv_conflict_tree_print(&e->p, core, &e->text, &nr_lines, e->err);
    if (rc < 0 || nr_lines <= LONG_TREE)
        return rc;
    size_t end = e->text.len;
    rc = cenv_conflict_summary_print(&e->p, core, &e->text, e->err);
    if (rc <= 0 || e->text.failed)
        return rc < 0 ? rc : 0;
    memmove(e->text.data + len, e->text.data + end, e->text.len - end + 1);
    e->text.len -= end - len;
    return 0;
}

static int tell_why(struct cenv_explainer *e, const struct cenv_unsat_core *core)
{
    tell_goals(e, core);
    if (!core->hard && core->nr_reqs <= LONG_CORE)
        return tell_tree(e, core);
    cenv_buf_puts(
        &e->text,
        "└─ every combination of versions was tried and ruled out, for no short reason\n");
    return 0;
}

/* The first conflict, then those among what it leaves, so that all mistakes are seen at once. */
static int tell_conflicts(struct cenv_explainer *e)
{
    struct cenv_unsat_core more, *core = &e->core;
    bool *among = cenv_arena_alloc(&e->arena, e->p.in.nr_goals * sizeof(*among));
    if (!among)
        return cenv_error_oom(e->err);
    memset(among, true, e->p.in.nr_goals * sizeof(*among));
    for (int nr = 0; nr < MAX_CONFLICTS; nr++, core = &more) {
        int rc =
            cenv_unsat_core_find(core, &e->p.in, among, &e->arena, e->task, e->err);
        if (rc == 0 && nr == 0)
            return cenv_error_set(e->err, CENV_EFAIL,
                                  "a refuted request was solved when explained");
        if (rc > 0)
            rc = tell_why(e, core) < 0 ? e->err->status : 1;
        if (rc <= 0 || core->hard)
            return rc < 0 ? rc : 0;
        for (uint32_t i = 0; i < e->p.in.nr_goals; i++)
            among[i] &= !core->goals[i] || e->p.roots[i].kind == CENV_ROOT_VIRTUAL;
    }
    return 0;
}

static int explain_problem(struct cenv_explainer *e)
{
    e->conflict = cenv_arena_calloc(&e->arena, e->p.in.nr_goals, sizeof(*e->conflict));
    int rc = e->conflict ? cenv_missing_find(e) : cenv_error_oom(e->err);
    if (rc < 0)
        return rc;
    if (!e->nr_missing) {
        rc = tell_conflicts(e);
        if (rc == 0)
            rc = cenv_relax_find(e);
        if (rc == 0 && e->p.request->explain.len)
            rc = cenv_explain_absence_refused(e);
    }
    if (rc < 0)
        return rc;
    return cenv_report_set_error(e);
}

int cenv_explain_unsat(const struct cenv_index *index,
                       const struct cenv_request *request, struct cenv_task *task,
                       struct cenv_error *err)
{
    struct cenv_explainer e = {.task = task, .err = err};
    struct cenv_span span = cenv_span_begin(CENV_STAGE_EXPLAIN, "");
    cenv_buf_init(&e.text, MAX_TEXT);
    int rc =
        cenv_load_problem(&e.p, index, request, CENV_PROBLEM_TO_EXPLAIN, task, err);
    if (rc == 0)
        rc = explain_problem(&e);
    cenv_buf_release(&e.text);
    cenv_arena_release(&e.arena);
    cenv_problem_release(&e.p);
    cenv_span_end(task, &span);
    return rc;
}
