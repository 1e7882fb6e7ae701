/* SPDX-License-Identifier: BSD-3-Clause */
/* See reasons.h. */
#include "explain/reasons.h"

#include "explain/wording.h"

enum { REASON_MAX = 1 << 16 };

bool cenv_reasons_init(struct cenv_reasons *r, const struct cenv_problem *p,
                       uint32_t name, uint32_t max_lines, const char *head,
                       struct cenv_buf *out, struct cenv_arena *arena)
{
    *r =
        (struct cenv_reasons){.p = p, .out = out, .max_lines = max_lines, .head = head};
    cenv_buf_init(&r->last, REASON_MAX);
    r->cands = cenv_arena_calloc(arena, cenv_instance_size(&p->in, name) + 1,
                                 sizeof(*r->cands));
    return r->cands;
}

/* One build is told as such, several by their versions. */
static void print_last(struct cenv_reasons *r)
{
    if (!r->nr)
        return;
    const struct cenv_record *record = r->p->cands[r->cands[0]].record;
    cenv_buf_addf(r->out, "%s%.*s ", r->head, CENV_STR_ARG(record->name));
    if (r->nr == 1)
        cenv_buf_addf(r->out, "%.*s %.*s", CENV_STR_ARG(record->version),
                      CENV_STR_ARG(record->build));
    else
        cenv_wording_print_versions(r->p, r->cands, r->nr, r->out);
    cenv_buf_addf(r->out, ": %.*s\n", CENV_STR_ARG(cenv_buf_str(&r->last)));
    r->nr = 0;
    r->nr_lines++;
}

bool cenv_reasons_add(struct cenv_reasons *r, uint32_t from, uint32_t to,
                      const struct cenv_buf *why)
{
    r->out->failed |= why->failed & CENV_BUF_NO_MEMORY;
    if (!cenv_str_eq(cenv_buf_str(&r->last), cenv_buf_str(why))) {
        print_last(r);
        cenv_buf_clear(&r->last);
        cenv_buf_add_str(&r->last, cenv_buf_str(why));
    }
    if (r->nr_lines >= r->max_lines)
        return false;
    for (uint32_t c = from; c < to; c++)
        r->cands[r->nr++] = c;
    return true;
}

void cenv_reasons_release(struct cenv_reasons *r)
{
    print_last(r);
    if (r->nr_lines >= r->max_lines)
        cenv_buf_addf(r->out, "%s...\n", r->head);
    r->out->failed |= r->last.failed;
    cenv_buf_release(&r->last);
}
