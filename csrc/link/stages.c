/* SPDX-License-Identifier: BSD-3-Clause */
/* Stages from spans: those of several threads overlap, so intervals are united. */
#include "link/stages.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "codec/json.h"

static int by_start(const void *a, const void *b)
{
    const struct cenv_span *x = a, *y = b;

    return (x->start_ns > y->start_ns) - (x->start_ns < y->start_ns);
}

static struct cenv_json *sum_stage(const struct cenv_span *spans, size_t nr,
                                   enum cenv_stage stage)
{
    uint64_t busy = 0, until = 0, items = 0, bytes = 0, hits = 0, misses = 0;
    struct cenv_json *sum = cenv_json_object();

    for (size_t i = 0; i < nr; i++) {
        const struct cenv_span *span = &spans[i];
        if (span->stage != stage)
            continue;
        uint64_t from = span->start_ns > until ? span->start_ns : until;
        if (span->end_ns > from) {
            busy += span->end_ns - from;
            until = span->end_ns;
        }
        items += span->items;
        bytes += span->bytes;
        hits += span->hits;
        misses += span->misses;
    }
    int rc = cenv_json_set_cstr(sum, "name", cenv_stage_name(stage));
    rc = cenv_json_set(sum, "seconds", cenv_json_number((double)busy / 1e9)) | rc;
    rc = cenv_json_set_int(sum, "items", (int64_t)items) | rc;
    rc = cenv_json_set_int(sum, "bytes", (int64_t)bytes) | rc;
    rc = cenv_json_set_int(sum, "hits", (int64_t)hits) | rc;
    rc = cenv_json_set_int(sum, "misses", (int64_t)misses) | rc;
    if (rc == 0)
        return sum;
    cenv_json_free(sum);
    return NULL;
}

static bool seen_before(const struct cenv_span *spans, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (spans[i].stage == spans[at].stage)
            return true;
    return false;
}

struct cenv_json *cenv_stages_json(struct cenv_task *task)
{
    struct cenv_json *list = cenv_json_array();

    pthread_mutex_lock(&task->lock);
    if (task->nr_spans)
        qsort(task->spans, task->nr_spans, sizeof(*task->spans), by_start);
    for (size_t i = 0; list && i < task->nr_spans; i++) {
        if (seen_before(task->spans, i))
            continue;
        if (cenv_json_append(list, sum_stage(task->spans, task->nr_spans,
                                             task->spans[i].stage)) < 0) {
            cenv_json_free(list);
            list = NULL;
        }
    }
    pthread_mutex_unlock(&task->lock);
    return list;
}
