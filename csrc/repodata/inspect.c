/* SPDX-License-Identifier: BSD-3-Clause */
/* Reading an index whole: what its repodata hold, and every record that cannot be used. */
#include "base/arena.h"
#include "codec/json.h"
#include "repodata/index.h"

struct count {
    uint64_t records, depends, bytes;
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

static void print_member(struct cenv_buf *out, const char *key, struct cenv_str text)
{
    cenv_buf_addf(out, "\"%s\":", key);
    cenv_json_quote(out, text);
    cenv_buf_putc(out, ',');
}

static void print_skips(struct cenv_buf *out, const struct cenv_skips *skips)
{
    for (const struct cenv_skip *skip = skips->first; skip; skip = skip->next) {
        cenv_buf_putc(out, '{');
        print_member(out, "fn", skip->fn);
        cenv_buf_puts(out, "\"reason\":");
        cenv_json_quote(out, skip->reason);
        cenv_buf_puts(out, skip->next ? "}," : "}");
    }
}

/* Reads every name; the arena of each is let go, so memory stays small. Skips are printed as they
 * come, into `skipped`. */
static int read_all(const struct cenv_index *index, size_t source, struct count *count,
                    struct cenv_buf *skipped, struct cenv_task *task,
                    struct cenv_error *err)
{
    struct cenv_network network = {.http = NULL};
    size_t nr = cenv_index_nr_names(index, source);
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < nr; i++) {
        struct cenv_arena arena = CENV_ARENA_INIT;
        struct cenv_skips skips = {NULL, NULL, 0};
        struct cenv_str name = cenv_index_name(index, source, i);
        if (!cenv_index_is_ready(index, name))
            rc = cenv_index_want(index, &name, 1, &network, task, err);
        const struct cenv_repodata *rd = cenv_index_repodata(index, source, name);
        if (rc == 0 && rd)
            rc = cenv_repodata_records(rd, name, &arena, &skips, count_record, count,
                                       err);
        if (skips.nr && skipped->len)
            cenv_buf_putc(skipped, ',');
        print_skips(skipped, &skips);
        cenv_arena_release(&arena);
        if (rc == 0)
            rc = cenv_task_poll(task, err);
    }
    cenv_network_close(&network);
    return rc;
}

static int inspect_source(const struct cenv_index *index, size_t source,
                          struct cenv_buf *out, struct cenv_task *task,
                          struct cenv_error *err)
{
    const struct cenv_record_origin *origin = cenv_index_origin(index, source);
    struct count count = {0, 0, 0};
    struct cenv_buf skipped;
    int rc;

    cenv_buf_init(&skipped, out->max);
    rc = read_all(index, source, &count, &skipped, task, err);
    cenv_buf_putc(out, '{');
    print_member(out, "channel", origin->channel);
    print_member(out, "subdir", origin->subdir);
    print_member(out, "base_url", origin->base_url);
    cenv_buf_addf(out,
                  "\"entries\":%zu,\"names\":%zu,\"records\":%llu,\"depends\":%llu,"
                  "\"bytes\":%llu,\"skipped\":[",
                  cenv_index_nr_entries(index, source),
                  cenv_index_nr_names(index, source), (unsigned long long)count.records,
                  (unsigned long long)count.depends, (unsigned long long)count.bytes);
    cenv_buf_add_str(out, cenv_buf_str(&skipped));
    cenv_buf_puts(out, "]}");
    if (rc == 0 && skipped.failed)
        rc = cenv_error_oom(err);
    cenv_buf_release(&skipped);
    return rc;
}

int cenv_index_inspect(const struct cenv_index *index, struct cenv_task *task,
                       struct cenv_buf *out, struct cenv_error *err)
{
    size_t nr = cenv_index_nr_sources(index);
    int rc = 0;

    cenv_buf_putc(out, '[');
    for (size_t i = 0; rc == 0 && i < nr; i++) {
        if (i)
            cenv_buf_putc(out, ',');
        rc = inspect_source(index, i, out, task, err);
    }
    cenv_buf_putc(out, ']');
    if (rc == 0 && out->failed)
        rc = cenv_error_oom(err);
    return rc;
}
