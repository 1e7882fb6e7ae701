/* SPDX-License-Identifier: BSD-3-Clause */
/* Reading an index whole: what its repodata hold, and every record that cannot be used. */
#include "base/arena.h"
#include "codec/json_writer.h"
#include "repodata/index.h"

struct count {
    uint64_t records, depends, bytes;
};

/* One source at a time. */
struct inspection {
    const struct cenv_index *index;
    size_t source;
    struct cenv_network *network; /* for shards */
    struct cenv_task *task;
    struct cenv_error *err;
};

static int count_record(void *ctx, struct cenv_record *record, struct cenv_error *err)
{
    struct count *count = ctx;

    (void)err;
    count->records++;
    count->depends += record->nr_depends;
    count->bytes += record->size;
    return 0;
}

/* The skipped records of one name, as members of the open array. */
static void write_skips(struct cenv_json_writer *w, const struct cenv_skips *skips)
{
    for (const struct cenv_skip *skip = skips->first; skip; skip = skip->next) {
        cenv_json_write_object(w, NULL);
        cenv_json_write_str(w, "fn", skip->fn);
        cenv_json_write_str(w, "reason", skip->reason);
        cenv_json_write_end(w);
    }
}

/* Counts the records of one name; what was parsed is let go, so memory stays small. */
static int read_name(const struct inspection *in, struct cenv_str name,
                     struct count *count, struct cenv_json_writer *w)
{
    struct cenv_arena arena = CENV_ARENA_INIT;
    struct cenv_skips skips = {NULL, NULL, 0};
    int rc = 0;

    if (!cenv_index_is_ready(in->index, name))
        rc = cenv_index_want(in->index, &name, 1, in->network, in->task, in->err);
    const struct cenv_repodata *rd = cenv_index_repodata(in->index, in->source, name);
    if (rc == 0 && rd)
        rc = cenv_repodata_records(rd, name, &arena, &skips, count_record, count,
                                   in->err);
    write_skips(w, &skips);
    cenv_arena_release(&arena);
    return rc;
}

/* Reads every name of a source, and writes the member "skipped". */
static int read_names(const struct inspection *in, struct count *count,
                      struct cenv_json_writer *w)
{
    size_t nr = cenv_index_nr_names(in->index, in->source);
    int rc = 0;

    cenv_json_write_array(w, "skipped");
    for (size_t i = 0; rc == 0 && i < nr; i++) {
        rc = read_name(in, cenv_index_name(in->index, in->source, i), count, w);
        if (rc == 0)
            rc = cenv_task_poll(in->task, in->err);
    }
    cenv_json_write_end(w);
    return rc;
}

static int inspect_source(const struct inspection *in, struct cenv_json_writer *w)
{
    const struct cenv_record_origin *origin = cenv_index_origin(in->index, in->source);
    struct count count = {0, 0, 0};

    cenv_json_write_object(w, NULL);
    cenv_json_write_str(w, "channel", origin->channel);
    cenv_json_write_str(w, "subdir", origin->subdir);
    cenv_json_write_str(w, "base_url", origin->base_url);
    cenv_json_write_u64(w, "names", cenv_index_nr_names(in->index, in->source));
    int rc = read_names(in, &count, w);
    cenv_json_write_u64(w, "entries", cenv_index_nr_entries(in->index, in->source));
    cenv_json_write_u64(w, "records", count.records);
    cenv_json_write_u64(w, "depends", count.depends);
    cenv_json_write_u64(w, "bytes", count.bytes);
    cenv_json_write_end(w);
    return rc;
}

int cenv_index_inspect(const struct cenv_index *index, struct cenv_task *task,
                       struct cenv_buf *out, struct cenv_error *err)
{
    struct cenv_network network = {.http = NULL};
    struct inspection in = {
        .index = index, .network = &network, .task = task, .err = err};
    struct cenv_json_writer w;
    int rc = 0;

    cenv_json_writer_init(&w, out, 0);
    cenv_json_write_array(&w, NULL);
    for (; rc == 0 && in.source < cenv_index_nr_sources(index); in.source++)
        rc = inspect_source(&in, &w);
    cenv_json_write_end(&w);
    cenv_network_close(&network);
    if (rc < 0)
        return rc;
    return cenv_json_writer_finish(&w, err);
}
