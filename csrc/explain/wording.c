/* SPDX-License-Identifier: BSD-3-Clause */
/* See wording.h. */
#include "explain/wording.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "explain/misfit.h"
#include "model/dist.h"
#include "model/version.h"

enum { MAX_NAMED = 4 };

static struct cenv_str name_text(const struct cenv_problem *p, uint32_t name)
{
    return p->names[name].text;
}

struct cenv_str cenv_wording_req_text(const struct cenv_problem *p, uint32_t req)
{
    return p->specs[p->req_spec[req]].text;
}

struct cenv_str cenv_wording_req_rest(const struct cenv_problem *p, uint32_t req)
{
    struct cenv_str text = cenv_wording_req_text(p, req);
    struct cenv_str name = name_text(p, p->in.reqs[req].name);
    if (!cenv_str_starts(text, name))
        return text;
    return cenv_str_trim(cenv_str_slice(text, name.len, text.len));
}

/* ---- versions ---- */

/* Oldest first; candidates of two channels may interleave. */
struct by_text {
    uint32_t text, cand;
};

static int by_age(const void *left, const void *right)
{
    const struct by_text *a = left, *b = right;
    return (a->text < b->text) - (a->text > b->text);
}

/* The candidates, one of each version, oldest first; returns how many. */
static uint32_t sort_versions(const struct cenv_problem *p, const uint32_t *cands,
                              uint32_t nr, struct by_text *sorted)
{
    uint32_t to = 0;
    for (uint32_t i = 0; i < nr; i++)
        sorted[i] = (struct by_text){p->cands[cands[i]].text, cands[i]};
    qsort(sorted, nr, sizeof(*sorted), by_age);
    for (uint32_t i = 0; i < nr; i++)
        if (!to || sorted[to - 1].text != sorted[i].text)
            sorted[to++] = sorted[i];
    return to;
}

uint32_t cenv_wording_print_versions(const struct cenv_problem *p,
                                     const uint32_t *cands, uint32_t nr,
                                     struct cenv_buf *out)
{
    struct by_text *sorted = cenv_reallocarray(NULL, nr, sizeof(*sorted));
    if (!sorted) {
        out->failed = CENV_BUF_NO_MEMORY;
        return 0;
    }
    uint32_t to = sort_versions(p, cands, nr, sorted);
    bool many = to > MAX_NAMED;
    for (uint32_t i = 0; i < to; i += many ? to - 1 : 1) {
        cenv_buf_puts(out, i == 0 ? "" : many ? " .. " : " | ");
        cenv_buf_add_str(out, p->cands[sorted[i].cand].record->version);
    }
    if (many)
        cenv_buf_addf(out, " (%lu versions)", (unsigned long)to);
    cenv_free(sorted);
    return to;
}

/* ---- what is asked ---- */

/* The date of a day since 1970 (Hinnant's civil_from_days). */
static void print_date(int64_t days, struct cenv_buf *out)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t doe = days - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;
    int64_t month = mp < 10 ? mp + 3 : mp - 9;
    cenv_buf_addf(out, "%04d-%02d-%02d", (int)(yoe + era * 400 + (month <= 2)),
                  (int)month, (int)(doy - (153 * mp + 2) / 5 + 1));
}

/* The last millisecond of a day is what its date alone means. */
static void print_moment(int64_t ms, struct cenv_buf *out)
{
    int64_t day = 86400000;
    print_date(ms / day, out);
    int seconds = (int)(ms % day / 1000);
    if (ms % day != day - 1)
        cenv_buf_addf(out, "T%02d:%02d:%02dZ", seconds / 3600, seconds / 60 % 60,
                      seconds % 60);
}

/* "exclude_newer=2021-12-12", of milliseconds their date and time; "exclude_newer" alone where
 * only packages or channels have a cutoff. */
static void print_cutoff(const struct cenv_cutoffs *cutoffs, struct cenv_buf *out)
{
    cenv_buf_puts(out, "exclude_newer");
    if (cutoffs->ms == INT64_MAX)
        return;
    cenv_buf_putc(out, '=');
    if (!cenv_str_ends(cutoffs->text, CENV_STR(" ms")) || cutoffs->ms < 0)
        cenv_buf_add_str(out, cutoffs->text);
    else
        print_moment(cutoffs->ms, out);
}

static void print_cutoff_of(const struct cenv_cutoffs *cutoffs,
                            const struct cenv_record *record, struct cenv_buf *out)
{
    int64_t ms = cenv_cutoffs_of(cutoffs, record);
    if (ms == cutoffs->ms)
        return print_cutoff(cutoffs, out);
    cenv_buf_puts(out, "exclude_newer=");
    print_moment(ms, out);
}

void cenv_wording_print_root(const struct cenv_problem *p, uint32_t i,
                             struct cenv_buf *out)
{
    const struct cenv_root *root = &p->roots[i];
    if (root->kind == CENV_ROOT_ENTRY)
        cenv_buf_add_str(out, root->entry->text);
    else if (root->kind == CENV_ROOT_VIRTUAL)
        cenv_buf_addf(out, "%.*s=%.*s", CENV_STR_ARG(root->machine->name),
                      CENV_STR_ARG(root->machine->version));
    else if (root->kind == CENV_ROOT_STRICT)
        cenv_buf_puts(out, "channel_priority=strict");
    else
        print_cutoff(&p->request->cutoffs, out);
}

void cenv_wording_print_exclusion(const struct cenv_problem *p, uint32_t cand,
                                  uint32_t reason, bool many, struct cenv_buf *out)
{
    if (reason & CENV_EXCLUDED_CUTOFF) {
        cenv_buf_puts(out, many ? "are newer than " : "is newer than ");
        print_cutoff_of(&p->request->cutoffs, p->cands[cand].record, out);
    } else {
        cenv_buf_addf(out, "of %.*s %s hidden by strict channel priority",
                      CENV_STR_ARG(p->cands[cand].record->channel),
                      many ? "are" : "is");
    }
}

static const char *verb_of(const struct cenv_request_entry *entry)
{
    return entry->kind == CENV_REQUEST_LOCKED   ? "is locked"
           : entry->kind == CENV_REQUEST_PINNED ? "is pinned"
                                                : "is asked for";
}

void cenv_wording_print_goal(const struct cenv_problem *p, uint32_t i,
                             struct cenv_buf *out)
{
    const struct cenv_root *root = &p->roots[i];
    if (root->kind == CENV_ROOT_VIRTUAL) {
        cenv_buf_addf(out, "this machine has %.*s %.*s",
                      CENV_STR_ARG(root->machine->name),
                      CENV_STR_ARG(root->machine->version));
        return;
    }
    cenv_wording_print_root(p, i, out);
    cenv_buf_addf(out, " %s", root->entry ? verb_of(root->entry) : "is set");
}

/* ---- what is lacking ---- */

/* Why the only records of a name cannot be used, as far as the loader knows. */
static const struct cenv_skip *skip_of(const struct cenv_problem *p,
                                       struct cenv_str name)
{
    struct cenv_dist dist;
    for (const struct cenv_skip *skip = p->skips.first; skip; skip = skip->next)
        if (cenv_dist_split(&dist, skip->fn) && cenv_str_eq(dist.name, name))
            return skip;
    return NULL;
}

static void print_absence(const struct cenv_problem *p, uint32_t name,
                          struct cenv_buf *out)
{
    struct cenv_str text = name_text(p, name);
    const struct cenv_skip *skip = skip_of(p, text);
    if (cenv_str_starts(text, CENV_STR("__")))
        cenv_buf_addf(out, "this machine has no %.*s", CENV_STR_ARG(text));
    else if (skip)
        cenv_buf_addf(out, "%.*s cannot be used: %.*s", CENV_STR_ARG(skip->fn),
                      CENV_STR_ARG(skip->reason));
    else
        cenv_buf_addf(out, "no channel has %.*s", CENV_STR_ARG(text));
}

/* A requirement nobody meets, and the candidates of its name. */
struct lack {
    const struct cenv_problem *p;
    uint32_t req;
    const struct cenv_matchspec *spec;
    struct cenv_str name;
    uint32_t first, end;
    uint32_t *cands; /* room for all of them */
};

/* The candidates of the version asked for, whatever else is wrong with them. */
static uint32_t of_version(struct lack *l)
{
    const struct cenv_versionspec *version = &l->spec->version;
    uint32_t nr = 0;
    for (uint32_t c = l->first; c < l->end; c++) {
        const struct cenv_record *record = l->p->cands[c].record;
        if (!version->root ||
            (record->parsed && cenv_versionspec_match(version, record->parsed)))
            l->cands[nr++] = c;
    }
    return nr;
}

static bool is_repeated(const struct lack *l, uint32_t i, enum cenv_misfit field)
{
    char room[2][CENV_MISFIT_ROOM];
    struct cenv_str value =
        cenv_misfit_value(field, l->p->cands[l->cands[i]].record, room[0]);
    for (uint32_t k = 0; k < i; k++)
        if (cenv_str_eq(
                cenv_misfit_value(field, l->p->cands[l->cands[k]].record, room[1]),
                value))
            return true;
    return false;
}

/* "numpy 1.5.1 is there, but only as build py27_0, py33_0", or "but only with license MIT". */
static void print_others(const struct lack *l, uint32_t nr, enum cenv_misfit field,
                         struct cenv_buf *out)
{
    char room[CENV_MISFIT_ROOM];
    uint32_t told = 0, more = 0;
    cenv_buf_addf(out, "%.*s ", CENV_STR_ARG(l->name));
    uint32_t versions = cenv_wording_print_versions(l->p, l->cands, nr, out);
    cenv_buf_addf(out, " %s there, but only %s ", versions > 1 ? "are" : "is",
                  cenv_misfit_lead(field));
    for (uint32_t i = 0; i < nr; i++) {
        const struct cenv_record *record = l->p->cands[l->cands[i]].record;
        if (is_repeated(l, i, field))
            continue;
        if (told == MAX_NAMED) {
            more++;
            continue;
        }
        cenv_buf_puts(out, told++ ? ", " : "");
        cenv_buf_add_str(out, cenv_misfit_value(field, record, room));
    }
    if (more)
        cenv_buf_addf(out, " and %lu others", (unsigned long)more);
}

bool cenv_wording_req_version(const struct cenv_problem *p, uint32_t req,
                              struct cenv_str *text, struct cenv_version *out,
                              struct cenv_arena *arena)
{
    struct cenv_str rest = cenv_wording_req_rest(p, req);
    struct cenv_error err = CENV_ERROR_INIT;
    size_t from = 0, to;
    while (from < rest.len && (rest.data[from] < '0' || rest.data[from] > '9'))
        from++;
    for (to = from; to < rest.len && !strchr(",|= ]*'\"", rest.data[to]);)
        to++;
    while (to > from && rest.data[to - 1] == '.')
        to--;
    *text = cenv_str_slice(rest, from, to);
    bool ok = text->len && cenv_version_parse(out, *text, arena, &err) == 0;
    cenv_error_release(&err);
    return ok;
}

/* ", nearest are 3.11.15 and 3.12.0": of many versions those next to the one asked for. */
static void print_nearest(const struct lack *l, struct cenv_buf *out)
{
    struct cenv_arena arena = CENV_ARENA_INIT;
    struct cenv_version wanted;
    struct cenv_str text;
    const struct cenv_record *below = NULL, *above = NULL;
    bool known = cenv_wording_req_version(l->p, l->req, &text, &wanted, &arena);
    for (uint32_t c = l->first; known && c < l->end; c++) {
        const struct cenv_record *record = l->p->cands[c].record;
        if (!record->parsed)
            continue;
        bool older = cenv_version_cmp(record->parsed, &wanted) < 0;
        const struct cenv_record **side = older ? &below : &above;
        if (!*side || (cenv_version_cmp(record->parsed, (*side)->parsed) > 0) == older)
            *side = record;
    }
    if (below && above)
        cenv_buf_addf(out, ", nearest are %.*s and %.*s", CENV_STR_ARG(below->version),
                      CENV_STR_ARG(above->version));
    cenv_arena_release(&arena);
}

static void print_there_is(struct lack *l, struct cenv_buf *out)
{
    const struct cenv_candidate *first = &l->p->cands[l->first];
    uint32_t nr = of_version(l);
    if (first->from == CENV_FROM_VIRTUAL) {
        cenv_buf_addf(out, "this machine has %.*s %.*s", CENV_STR_ARG(l->name),
                      CENV_STR_ARG(first->record->version));
        if (nr)
            cenv_buf_addf(out, " %.*s", CENV_STR_ARG(first->record->build));
        return;
    }
    enum cenv_misfit field =
        nr ? cenv_misfit_find(l->p, l->spec, l->cands, &nr) : CENV_NR_MISFITS;
    if (field < CENV_NR_MISFITS) {
        print_others(l, nr, field, out);
        return;
    }
    nr = 0;
    for (uint32_t c = l->first; c < l->end; c++)
        l->cands[nr++] = c;
    cenv_buf_addf(out, "there is only %.*s ", CENV_STR_ARG(l->name));
    if (cenv_wording_print_versions(l->p, l->cands, nr, out) > MAX_NAMED)
        print_nearest(l, out);
}

void cenv_wording_print_lack(const struct cenv_problem *p, uint32_t req,
                             struct cenv_buf *out)
{
    uint32_t name = p->in.reqs[req].name;
    struct lack l = {.p = p,
                     .req = req,
                     .spec = &p->specs[p->req_spec[req]].parsed,
                     .name = name_text(p, name),
                     .first = p->in.first[name],
                     .end = p->in.first[name + 1]};
    if (l.first == l.end) {
        print_absence(p, name, out);
        return;
    }
    l.cands = cenv_reallocarray(NULL, l.end - l.first, sizeof(*l.cands));
    if (l.cands)
        print_there_is(&l, out);
    out->failed |= !l.cands;
    cenv_free(l.cands);
}
