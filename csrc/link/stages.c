/* SPDX-License-Identifier: BSD-3-Clause */
/* Stages from spans: those of several threads overlap, so intervals are united. */
#include "link/stages.h"

#include <stdlib.h>

static int by_start(const void *a, const void *b)
{
    const struct cenv_span *x = a, *y = b;

    return (x->start_ns > y->start_ns) - (x->start_ns < y->start_ns);
}

static void write_sum(struct cenv_json_writer *w, const struct cenv_span *spans,
                      size_t nr, enum cenv_stage stage)
{
    struct cenv_span sum = {.stage = stage};
    uint64_t busy = 0, until = 0;

    for (size_t i = 0; i < nr; i++) {
        const struct cenv_span *span = &spans[i];
        if (span->stage != stage)
            continue;
        uint64_t from = span->start_ns > until ? span->start_ns : until;
        if (span->end_ns > from) {
            busy += span->end_ns - from;
            until = span->end_ns;
        }
        sum.items += span->items;
        sum.bytes += span->bytes;
        sum.hits += span->hits;
        sum.misses += span->misses;
    }
    cenv_json_write_object(w, NULL);
    cenv_json_write_cstr(w, "name", cenv_stage_name(stage));
    cenv_json_write_seconds(w, "seconds", busy);
    cenv_json_write_u64(w, "items", sum.items);
    cenv_json_write_u64(w, "bytes", sum.bytes);
    cenv_json_write_u64(w, "hits", sum.hits);
    cenv_json_write_u64(w, "misses", sum.misses);
    cenv_json_write_end(w);
}

void cenv_stages_write(struct cenv_json_writer *w, const char *key,
                       struct cenv_task *task)
{
    bool seen[CENV_NR_STAGES] = {false};

    cenv_json_write_array(w, key);
    cenv_mutex_lock(&task->lock);
    if (task->nr_spans)
        qsort(task->spans, task->nr_spans, sizeof(*task->spans), by_start);
    for (size_t i = 0; i < task->nr_spans; i++) {
        enum cenv_stage stage = task->spans[i].stage;
        if (seen[stage])
            continue;
        seen[stage] = true;
        write_sum(w, task->spans, task->nr_spans, stage);
    }
    cenv_mutex_unlock(&task->lock);
    cenv_json_write_end(w);
}
