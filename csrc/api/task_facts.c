/* SPDX-License-Identifier: BSD-3-Clause */
/* The facts of a task as JSON, for the trace. */
#include <string.h>

#include "cenv.h"
#include "codec/json_writer.h"

static void write_row(struct cenv_json_writer *w, const struct cenv_fact_row *row)
{
    const struct cenv_fact_shape *shape = cenv_fact_shape(row->kind);
    const char *text = row->texts;

    cenv_json_write_object(w, NULL);
    for (size_t i = 0; i < CENV_FACT_TEXTS && shape->texts[i]; i++) {
        cenv_json_write_cstr(w, shape->texts[i], text);
        text += strlen(text) + 1;
    }
    for (size_t i = 0; i < CENV_FACT_NUMBERS && shape->numbers[i]; i++)
        cenv_json_write_u64(w, shape->numbers[i], row->numbers[i]);
    cenv_json_write_end(w);
}

int cenv_task_facts_json(struct cenv_task *task, struct cenv_buf *out,
                         struct cenv_error *err)
{
    struct cenv_json_writer w;

    cenv_json_writer_init(&w, out, 0);
    cenv_json_write_object(&w, NULL);
    cenv_mutex_lock(&task->lock);
    for (unsigned kind = 0; task->facts.nr && kind < CENV_NR_FACTS; kind++) {
        cenv_json_write_array(&w, cenv_fact_shape(kind)->name);
        for (const struct cenv_fact_row *row = task->facts.first; row; row = row->next)
            if (row->kind == kind)
                write_row(&w, row);
        cenv_json_write_end(&w);
    }
    cenv_mutex_unlock(&task->lock);
    cenv_json_write_end(&w);
    return cenv_json_writer_finish(&w, err);
}
