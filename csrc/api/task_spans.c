/* SPDX-License-Identifier: BSD-3-Clause */
/* The spans of a task as JSON, for the trace. */
#include "cenv.h"
#include "codec/json_writer.h"

static void write_span(struct cenv_json_writer *w, const struct cenv_span *span)
{
    cenv_json_write_object(w, NULL);
    cenv_json_write_cstr(w, "stage", cenv_stage_name(span->stage));
    cenv_json_write_cstr(w, "what", span->what);
    cenv_json_write_seconds(w, "start", span->start_ns);
    cenv_json_write_seconds(w, "end", span->end_ns);
    cenv_json_write_u64(w, "thread", span->thread);
    cenv_json_write_u64(w, "items", span->items);
    cenv_json_write_u64(w, "bytes", span->bytes);
    cenv_json_write_u64(w, "hits", span->hits);
    cenv_json_write_u64(w, "misses", span->misses);
    cenv_json_write_cstr(w, "reason", span->miss_reason);
    cenv_json_write_end(w);
}

int cenv_task_spans_json(struct cenv_task *task, struct cenv_buf *out,
                         struct cenv_error *err)
{
    struct cenv_json_writer w;
    cenv_json_writer_init(&w, out, 0);
    cenv_json_write_array(&w, NULL);
    cenv_mutex_lock(&task->lock);
    for (size_t i = 0; i < task->nr_spans; i++)
        write_span(&w, &task->spans[i]);
    cenv_mutex_unlock(&task->lock);
    cenv_json_write_end(&w);
    return cenv_json_writer_finish(&w, err);
}
