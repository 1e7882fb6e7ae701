/* SPDX-License-Identifier: BSD-3-Clause */
/* Names whose records have `features`, by which conda's solver classic chooses among them. */
#include "base/arena.h"
#include "codec/json.h"
#include "codec/json_writer.h"
#include "repodata/index.h"

struct search {
    const struct cenv_index *index;
    struct cenv_network *network; /* for shards */
    struct cenv_task *task;
    struct cenv_error *err;
};

static int note_features(void *ctx, struct cenv_record *record, struct cenv_error *err)
{
    bool *found = ctx;

    (void)err;
    *found |= cenv_str_trim(record->features).len > 0;
    return 0;
}

/* Looks through the records of one name in one source; what was parsed is let go. */
static int search_source(const struct search *search, size_t source,
                         struct cenv_str name, bool *found)
{
    const struct cenv_repodata *rd = cenv_index_repodata(search->index, source, name);
    struct cenv_arena arena = CENV_ARENA_INIT;
    struct cenv_skips skips = {NULL, NULL, 0};
    int rc = 0;

    if (rd)
        rc = cenv_repodata_records(rd, name, &arena, &skips, note_features, found,
                                   search->err);
    cenv_arena_release(&arena);
    return rc;
}

static int search_name(const struct search *search, struct cenv_str name, bool *found)
{
    size_t nr = cenv_index_nr_sources(search->index);
    int rc = 0;

    if (!cenv_index_is_ready(search->index, name))
        rc = cenv_index_want(search->index, &name, 1, search->network, search->task,
                             search->err);
    for (size_t i = 0; rc == 0 && !*found && i < nr; i++)
        rc = search_source(search, i, name, found);
    if (rc == 0)
        rc = cenv_task_poll(search->task, search->err);
    return rc;
}

static int search_names(const struct search *search, const struct cenv_json *names,
                        struct cenv_json_writer *w)
{
    const struct cenv_json *item;
    int rc = 0;

    cenv_json_write_array(w, NULL);
    cenv_json_each(item, names)
    {
        struct cenv_str name = cenv_json_str(item);
        bool found = false;
        if (rc == 0 && name.len)
            rc = search_name(search, name, &found);
        if (rc == 0 && found)
            cenv_json_write_str(w, NULL, name);
    }
    cenv_json_write_end(w);
    return rc;
}

int cenv_index_featured(const struct cenv_index *index, const char *names_json,
                        struct cenv_task *task, struct cenv_buf *out,
                        struct cenv_error *err)
{
    struct cenv_network network = {.http = NULL};
    struct search search = {
        .index = index, .network = &network, .task = task, .err = err};
    struct cenv_json *names;
    struct cenv_json_writer w;
    int rc = cenv_json_parse(&names, cenv_str(names_json), "names", err);

    if (rc < 0)
        return rc;
    cenv_json_writer_init(&w, out, 0);
    rc = search_names(&search, names, &w);
    cenv_json_free(names);
    cenv_network_close(&network);
    if (rc < 0)
        return rc;
    return cenv_json_writer_finish(&w, err);
}
