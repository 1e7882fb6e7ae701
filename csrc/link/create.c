/* SPDX-License-Identifier: BSD-3-Clause */
/* A new environment from a solution: fetch, link beside the destination, one rename. */
#include <stdio.h>
#include <time.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "codec/json.h"
#include "link/link.h"
#include "link/stages.h"
#include "os/fs.h"
#include "prefix/new_prefix.h"
#include "store/package_entry.h"

enum { TEXT_MAX = CENV_JSON_MAX_SIZE, PATH_BUF_MAX = 1 << 20 };

struct creation {
    struct cenv_store *store;
    const char *records_json, *options_json;
    struct cenv_json *options, *records; /* records: as fetched, each with sha256 */
    struct cenv_arena arena;
    struct cenv_link_package *packages;
    size_t nr;
    struct cenv_link_options link;
    struct cenv_link_stats stats;
    struct cenv_newprefix dir;
    uint64_t started;
    struct cenv_task *task;
    struct cenv_error *err;
};

/* ---- options ---- */

static int read_specs(struct creation *c)
{
    const struct cenv_json *item, *specs = cenv_json_get(c->options, "specs");
    struct cenv_str *list =
        cenv_arena_calloc(&c->arena, cenv_json_len(specs) + 1, sizeof(*list));

    if (!list)
        return cenv_error_oom(c->err);
    cenv_json_each(item, specs)
    {
        if (cenv_json_type(item) == CENV_JSON_STRING)
            list[c->link.nr_specs++] = cenv_json_str(item);
    }
    c->link.specs = list;
    return 0;
}

static bool is_false(const struct cenv_json *options, const char *key)
{
    const struct cenv_json *value = cenv_json_get(options, key);

    return cenv_json_type(value) == CENV_JSON_BOOL && !cenv_json_true(value);
}

static int read_options(struct creation *c)
{
    int rc = cenv_json_parse(&c->options, cenv_str(c->options_json),
                             "options of create", c->err);

    if (rc < 0)
        return rc;
    const char *name = cenv_json_get_cstr(c->options, "link_mode");
    int mode = cenv_place_mode_parse(name ? name : "auto");
    int64_t threads = cenv_json_get_int(c->options, "threads", 0);
    if (mode < 0)
        return cenv_error_set(c->err, CENV_EUSAGE,
                              "link mode '%s' is none of auto, reflink, hardlink, copy",
                              name);
    c->link.mode = (enum cenv_place_mode)mode;
    c->link.threads = threads > 0 && threads <= 1024 ? (unsigned)threads : 0;
    c->link.cmd = cenv_json_get_cstr(c->options, "cmd");
    c->link.no_compile = is_false(c->options, "compile");
    c->link.no_scripts = is_false(c->options, "scripts");
    c->link.store = c->store;
    c->link.time = (int64_t)time(NULL);
    return read_specs(c);
}

/* ---- packages ---- */

static int fetch_records(struct creation *c)
{
    struct cenv_buf got;

    cenv_buf_init(&got, TEXT_MAX);
    int rc = cenv_fetch_packages(c->store, c->records_json, c->options_json, c->task,
                                 &got, c->err);
    if (rc == 0)
        rc = cenv_json_parse(&c->records, cenv_buf_str(&got), "the fetched records",
                             c->err);
    cenv_buf_release(&got);
    return rc;
}

static int take_package(struct creation *c, const struct cenv_json *record,
                        struct cenv_link_package *out)
{
    struct cenv_buf text, content;

    cenv_buf_init(&text, TEXT_MAX);
    cenv_buf_init(&content, PATH_BUF_MAX);
    int rc = cenv_package_entry_add_path(c->store, cenv_json_get_str(record, "sha256"),
                                         &content, c->err);
    if (rc == 0 && cenv_json_print(record, 0, &text) < 0)
        rc = cenv_error_oom(c->err);
    if (rc == 0) {
        out->record = cenv_arena_str(&c->arena, cenv_buf_str(&text));
        out->content = cenv_arena_str(&c->arena, cenv_buf_str(&content)).data;
        if (!out->record.data || !out->content)
            rc = cenv_error_oom(c->err);
    }
    cenv_buf_release(&text);
    cenv_buf_release(&content);
    return rc;
}

static int take_packages(struct creation *c)
{
    const struct cenv_json *record;
    int rc = 0;

    c->packages = cenv_arena_calloc(&c->arena, cenv_json_len(c->records) + 1,
                                    sizeof(*c->packages));
    if (!c->packages)
        return cenv_error_oom(c->err);
    cenv_json_each(record, c->records)
    {
        if (rc == 0)
            rc = take_package(c, record, &c->packages[c->nr++]);
    }
    return rc;
}

/* ---- report ---- */

static struct cenv_json *linked_json(const struct cenv_link_stats *stats)
{
    const struct {
        const char *key;
        uint64_t value;
    } counts[] = {
        {"reflink", stats->reflinked}, {"hardlink", stats->hardlinked},
        {"copy", stats->copied},       {"relocated", stats->relocated},
        {"symlinks", stats->symlinks}, {"directories", stats->directories},
        {"compiled", stats->compiled}, {"bytes_copied", stats->bytes_copied},
    };
    struct cenv_json *doc = cenv_json_object();
    int rc = 0;

    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
        rc |= cenv_json_set_int(doc, counts[i].key, (int64_t)counts[i].value);
    if (rc == 0)
        return doc;
    cenv_json_free(doc);
    return NULL;
}

/* Messages and paths are bytes; JSON is not: what is not UTF-8 becomes U+FFFD on the way. */
static struct cenv_json *text_json(const char *bytes)
{
    struct cenv_buf text;
    struct cenv_json *value = NULL;
    struct cenv_error ignored = CENV_ERROR_INIT;

    cenv_buf_init(&text, TEXT_MAX);
    if (cenv_json_quote(&text, cenv_str(bytes)) == 0)
        cenv_json_parse(&value, cenv_buf_str(&text), "text", &ignored);
    cenv_error_release(&ignored);
    cenv_buf_release(&text);
    return value;
}

static int set_texts(struct cenv_json *doc, const struct creation *c)
{
    struct cenv_json *warnings = cenv_json_array();
    int rc = 0;

    for (size_t i = 0; i < c->stats.nr_warnings; i++)
        rc |= cenv_json_append(warnings, text_json(c->stats.warnings[i]));
    rc = cenv_json_set(doc, "warnings", warnings) | rc;
    rc = cenv_json_set(doc, "prefix", text_json(c->dir.path)) | rc;
    return cenv_json_set(doc, "messages",
                         c->stats.messages ? text_json(c->stats.messages)
                                           : cenv_json_null()) |
           rc;
}

static int write_report(struct creation *c, struct cenv_buf *out)
{
    struct cenv_json *doc = cenv_json_object();
    double seconds = (double)(cenv_clock_ns() - c->started) / 1e9;
    int rc = cenv_json_set(doc, "records", c->records);

    c->records = NULL; /* the report's now */
    rc = set_texts(doc, c) | rc;
    rc = cenv_json_set(doc, "seconds", cenv_json_number(seconds)) | rc;
    rc = cenv_json_set(doc, "stages", cenv_stages_json(c->task)) | rc;
    rc = cenv_json_set_int(doc, "files", (int64_t)c->stats.files) | rc;
    rc = cenv_json_set_int(doc, "fallbacks", (int64_t)c->stats.fallbacks) | rc;
    rc = cenv_json_set(doc, "linked", linked_json(&c->stats)) | rc;
    rc = rc ? rc : cenv_json_print(doc, 0, out);
    cenv_json_free(doc);
    return rc ? cenv_error_oom(c->err) : 0;
}

/* ---- all of it ---- */

/* The report is made before the prefix is there: nothing can fail after the rename. */
static int link_beside(struct creation *c, struct cenv_buf *out)
{
    size_t before = out->len;
    int rc = cenv_newprefix_open(&c->dir, c->link.target_prefix, true, c->err);

    rc = rc ? rc : cenv_newprefix_make(&c->dir, c->err);
    if (rc < 0)
        return rc;
    c->link.target_prefix = c->dir.path;
    rc = cenv_link(c->dir.temp_path, c->packages, c->nr, &c->link, NULL, &c->stats,
                   c->task, c->err);
    if (rc == 0)
        rc = write_report(c, out);
    if (rc == 0)
        rc = cenv_newprefix_publish(&c->dir, 0777 & ~c->dir.mask, c->err);
    if (rc < 0)
        out->len = before;
    return rc;
}

static int create_prefix(struct creation *c, const char *prefix, struct cenv_buf *out)
{
    int rc = read_options(c);

    c->link.target_prefix = prefix;
    if (rc == 0)
        rc = cenv_newprefix_check(prefix, -1, c->err); /* before minutes of download */
    if (rc == 0)
        rc = fetch_records(c);
    if (rc == 0)
        rc = take_packages(c);
    return rc ? rc : link_beside(c, out);
}

int cenv_create(struct cenv_store *store, const char *prefix, const char *records_json,
                const char *options_json, struct cenv_task *task, struct cenv_buf *out,
                struct cenv_error *err)
{
    struct creation c = {.store = store,
                         .records_json = records_json,
                         .options_json = options_json,
                         .dir = CENV_NEWPREFIX_INIT,
                         .started = cenv_clock_ns(),
                         .task = task,
                         .err = err};
    struct cenv_lease *lease = NULL;
    int rc = cenv_lease_take(store, &lease, err);

    if (rc == 0)
        rc = create_prefix(&c, prefix, out);
    cenv_lease_free(lease);
    cenv_newprefix_close(&c.dir);
    cenv_link_stats_release(&c.stats);
    cenv_json_free(c.options);
    cenv_json_free(c.records);
    cenv_arena_release(&c.arena);
    return rc;
}

const char *cenv_create_link_mode(unsigned index)
{
    return index <= CENV_PLACE_COPY ? cenv_place_mode_name((enum cenv_place_mode)index)
                                    : NULL;
}
