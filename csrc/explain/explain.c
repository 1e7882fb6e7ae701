/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Explanations: see explain.h.
 *
 * An unsatisfiable request is built again with the records that settings exclude and every requirement
 * kept apart. Names no channel has come first: they are mistakes, not conflicts. Else a minimal set
 * of what was asked for is found, then of the requirements in between, both by solves; the tree is
 * drawn from those alone. What to relax is tried out as well.
 */
#include "explain/explain.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/nearname.h"
#include "codec/json.h"
#include "explain/conflict_summary.h"
#include "explain/conflict_tree.h"
#include "explain/explain_absence.h"
#include "explain/explainer.h"
#include "explain/relax.h"
#include "explain/wording.h"
#include "solve/load.h"

enum { MAX_TEXT = 1 << 22, LONG_CORE = 400, LONG_TREE = 9, MAX_CONFLICTS = 3 };

static struct cenv_buf *const *bufs(struct cenv_explainer *e, struct cenv_buf *list[5])
{
    struct cenv_buf *all[] = {&e->conflict, &e->tree, &e->relax, &e->missing, &e->hint};
    memcpy(list, all, sizeof(all));
    return list;
}

static void quote_item(struct cenv_buf *list, struct cenv_str text)
{
    if (list->len)
        cenv_buf_putc(list, ',');
    cenv_json_quote(list, text);
}

/* ---- names that are nowhere ---- */

static bool is_missing(const struct cenv_problem *p, uint32_t i)
{
    const struct cenv_root *root = &p->roots[i];
    if (root->kind != CENV_ROOT_ENTRY || root->entry->kind == CENV_REQUEST_PINNED)
        return false;
    uint32_t name = p->specs[root->spec].name;
    struct cenv_dist dist;
    if (p->names[name].kind != CENV_NAME_PACKAGE || p->names[name].nr ||
        cenv_str_starts(p->names[name].text, CENV_STR("__")))
        return false;
    for (const struct cenv_skip *skip = p->skips.first; skip; skip = skip->next)
        if (cenv_dist_split(&dist, skip->fn) &&
            cenv_str_eq(dist.name, p->names[name].text))
            return false; /* there, but unusable */
    return true;
}

static void find_near(const struct cenv_explainer *e, struct cenv_str name,
                      struct cenv_nearname *near)
{
    cenv_nearname_init(near, name);
    for (size_t i = 0; i < cenv_index_nr_sources(e->p.index); i++) {
        for (size_t k = 0; k < cenv_index_nr_names(e->p.index, i); k++)
            cenv_nearname_offer(near, cenv_index_name(e->p.index, i, k));
    }
}

static void tell_missing(struct cenv_explainer *e, struct cenv_str name)
{
    struct cenv_nearname near;
    find_near(e, name, &near);
    cenv_buf_puts(&e->missing, e->missing.len ? ",{\"name\":" : "{\"name\":");
    cenv_json_quote(&e->missing, name);
    cenv_buf_puts(&e->missing, ",\"near\":[");
    for (size_t i = 0; i < near.nr; i++) {
        cenv_buf_puts(&e->missing, i ? "," : "");
        cenv_json_quote(&e->missing, near.best[i]);
        cenv_buf_puts(&e->hint, i             ? ", "
                                : e->hint.len ? "; did you mean "
                                              : "did you mean ");
        cenv_buf_add_str(&e->hint, near.best[i]);
    }
    cenv_buf_puts(&e->hint, near.nr ? "?" : "");
    cenv_buf_puts(&e->missing, "]}");
}

static uint32_t tell_all_missing(struct cenv_explainer *e)
{
    uint32_t nr = 0;
    for (uint32_t i = 0; i < e->p.in.nr_goals; i++) {
        if (!is_missing(&e->p, i))
            continue;
        struct cenv_buf text;
        cenv_buf_init(&text, MAX_TEXT);
        cenv_wording_print_root(&e->p, i, &text);
        quote_item(&e->conflict, cenv_buf_str(&text));
        cenv_buf_release(&text);
        struct cenv_str name = e->p.names[e->p.specs[e->p.roots[i].spec].name].text;
        cenv_buf_addf(&e->tree, "no channel has a package named %.*s\n",
                      CENV_STR_ARG(name));
        tell_missing(e, name);
        nr++;
    }
    return nr;
}

/* ---- what conflicts ---- */

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

/* "a and b cannot be installed together:"; the first conflict is the error's. */
static void tell_goals(struct cenv_explainer *e, const struct cenv_unsat_core *core)
{
    struct cenv_buf text;
    uint32_t told = 0, nr = count_told(e, core);
    cenv_buf_init(&text, MAX_TEXT);
    for (uint32_t i = 0; i < e->p.in.nr_goals; i++) {
        if (!core->goals[i] || is_told(e, core, i))
            continue;
        cenv_buf_clear(&text);
        cenv_wording_print_root(&e->p, i, &text);
        if (core == &e->core)
            quote_item(&e->conflict, cenv_buf_str(&text));
        if (told++)
            cenv_buf_puts(&e->tree, told == nr ? " and " : ", ");
        cenv_buf_add_str(&e->tree, cenv_buf_str(&text));
    }
    cenv_buf_puts(&e->tree, nr == 1 ? " cannot be installed:\n"
                                    : " cannot be installed together:\n");
    cenv_buf_release(&text);
}

/* The tree; where it is long, what it comes down to, if that is one package. */
static int tell_tree(struct cenv_explainer *e, const struct cenv_unsat_core *core)
{
    uint32_t nr_lines;
    size_t len = e->tree.len;
    int rc = cenv_conflict_tree_print(&e->p, core, &e->tree, &nr_lines, e->err);
    if (rc < 0 || nr_lines <= LONG_TREE)
        return rc;
    size_t end = e->tree.len;
    rc = cenv_conflict_summary_print(&e->p, core, &e->tree, e->err);
    if (rc <= 0 || e->tree.failed)
        return rc < 0 ? rc : 0;
    memmove(e->tree.data + len, e->tree.data + end, e->tree.len - end + 1);
    e->tree.len -= end - len;
    return 0;
}

static int tell_why(struct cenv_explainer *e, const struct cenv_unsat_core *core)
{
    tell_goals(e, core);
    if (!core->hard && core->nr_reqs <= LONG_CORE)
        return tell_tree(e, core);
    cenv_buf_puts(
        &e->tree,
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

/* ---- the error ---- */

/* As many whole lines as the message holds; the detail has them all. */
static void set_message(struct cenv_explainer *e)
{
    struct cenv_str text = cenv_str_trim(cenv_buf_str(&e->tree));
    if (text.len < CENV_MESSAGE_MAX) {
        cenv_error_set(e->err, CENV_EUNSAT, "%.*s", CENV_STR_ARG(text));
        return;
    }
    struct cenv_str shown = cenv_str_slice(text, 0, CENV_MESSAGE_MAX - 16);
    shown.len = cenv_str_rfind(shown, '\n');
    cenv_error_set(e->err, CENV_EUNSAT, "%.*s\n...", CENV_STR_ARG(shown));
}

static void quote_lines(struct cenv_buf *out, struct cenv_str lines)
{
    lines = cenv_str_trim(lines);
    for (bool first = true; lines.len; first = false) {
        cenv_buf_puts(out, first ? "" : ",");
        cenv_json_quote(out, cenv_str_cut(&lines, '\n'));
    }
}

static int set_error(struct cenv_explainer *e)
{
    struct cenv_buf *list[5], detail;
    bool failed = false;
    bufs(e, list);
    for (int i = 0; i < 5; i++)
        failed |= list[i]->failed;
    cenv_buf_init(&detail, 4 * (size_t)MAX_TEXT);
    cenv_buf_puts(&detail, "{\"conflict\":[");
    cenv_buf_add_str(&detail, cenv_buf_str(&e->conflict));
    cenv_buf_puts(&detail, "],\"tree\":[");
    quote_lines(&detail, cenv_buf_str(&e->tree));
    cenv_buf_puts(&detail, "],\"relax\":[");
    cenv_buf_add_str(&detail, cenv_buf_str(&e->relax));
    cenv_buf_puts(&detail, "],\"not_found\":[");
    cenv_buf_add_str(&detail, cenv_buf_str(&e->missing));
    cenv_buf_puts(&detail, "]}");
    char *text = failed ? NULL : cenv_buf_detach(&detail);
    cenv_buf_release(&detail);
    if (!text)
        return cenv_error_oom(e->err);
    set_message(e);
    if (e->hint.len)
        cenv_error_hint(e->err, "%.*s", CENV_STR_ARG(cenv_buf_str(&e->hint)));
    cenv_free(e->err->detail);
    e->err->detail = text;
    return CENV_EUNSAT;
}

static int explain(struct cenv_explainer *e)
{
    if (tell_all_missing(e)) {
        if (!e->hint.len)
            cenv_buf_puts(&e->hint,
                          "check the spelling, or add the channel that has it");
        return set_error(e);
    }
    int rc = tell_conflicts(e);
    rc = rc < 0 ? rc : cenv_relax_tell(e);
    if (rc == 0 && e->p.request->explain.len)
        rc = cenv_explain_absence_refused(e);
    return rc < 0 ? rc : set_error(e);
}

int cenv_explain_unsat(const struct cenv_index *index,
                       const struct cenv_request *request, struct cenv_task *task,
                       struct cenv_error *err)
{
    struct cenv_explainer e = {.task = task, .err = err};
    struct cenv_buf *list[5];
    struct cenv_span span = cenv_span_begin("explain", "");
    bufs(&e, list);
    for (int i = 0; i < 5; i++)
        cenv_buf_init(list[i], MAX_TEXT);
    int rc =
        cenv_load_problem(&e.p, index, request, CENV_PROBLEM_TO_EXPLAIN, task, err);
    if (rc == 0)
        rc = explain(&e);
    for (int i = 0; i < 5; i++)
        cenv_buf_release(list[i]);
    cenv_arena_release(&e.arena);
    cenv_problem_release(&e.p);
    cenv_span_end(task, &span);
    return rc;
}
