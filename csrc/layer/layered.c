/* SPDX-License-Identifier: BSD-3-Clause */
/* Environments of layers, from records to the entry that a view shows. */
#include "base/clock.h"
#include "cenv.h"
#include "codec/options.h"
#include "fetch/fetch_packages.h"
#include "layer/layer_make.h"
#include "layer/top.h"
#include "link/input.h"
#include "model/spec_text.h"
#include "os/path.h"
#include "store/layered_entry.h"

enum { TEXT_MAX = 64 << 20, PATH_BYTES_MAX = 1 << 20 };

struct opening {
    struct cenv_store *store;
    struct cenv_fetch_options fetch;
    const struct cenv_json *specs;
    bool only_there;
    struct cenv_json *told;        /* the records, or what has them */
    const struct cenv_json *given; /* the records */
    /* The same, complete, once the packages are in the store. */
    struct cenv_json *records;
    struct cenv_layers layers;
    struct cenv_clashes clashes;
    char key[CENV_DIGEST_HEX_MAX]; /* of the environment's entry */
    struct cenv_buf path, why;
    size_t made;
    uint64_t started_ns;
    struct cenv_task *task;
    struct cenv_error *err;
};

static const struct cenv_option option_table[] = {
    {"specs", CENV_OPTION_LIST, offsetof(struct opening, specs), NULL},
    {"only_there", CENV_OPTION_BOOL, offsetof(struct opening, only_there), NULL},
    CENV_FETCH_OPTION_ROWS(struct opening, fetch),
};
static const struct cenv_options options_of_layered =
    CENV_OPTIONS("layered", option_table);

/* ---- the reply ---- */

static void write_warning(const struct opening *o, const struct cenv_clash *clash,
                          struct cenv_json_writer *w)
{
    struct cenv_buf text;
    cenv_buf_init(&text, TEXT_MAX);
    cenv_buf_addf(&text, "'%.*s' is in %.*s and in %.*s; the latter's is used",
                  CENV_STR_ARG(clash->path),
                  CENV_STR_ARG(o->layers.list[clash->loser].dist),
                  CENV_STR_ARG(o->layers.list[clash->winner].dist));
    cenv_json_write_str(w, NULL, cenv_buf_str(&text));
    cenv_buf_release(&text);
}

static void write_text(struct cenv_json_writer *w, const char *key,
                       const struct cenv_buf *text)
{
    if (text->len)
        cenv_json_write_str(w, key, cenv_buf_str(text));
    else
        cenv_json_write_null(w, key);
}

static int write_reply(const struct opening *o, struct cenv_buf *out)
{
    struct cenv_json_writer w;
    cenv_json_writer_init(&w, out, 0);
    cenv_json_write_object(&w, NULL);
    write_text(&w, "path", &o->path);
    cenv_json_write_str(&w, "prefix", cenv_buf_str(&o->layers.prefix));
    write_text(&w, "why", &o->why);
    cenv_json_write_u64(&w, "layers", o->layers.nr);
    cenv_json_write_u64(&w, "made", o->made);
    cenv_json_write_array(&w, "warnings");
    for (size_t i = 0; i < o->clashes.nr; i++)
        write_warning(o, &o->clashes.list[i], &w);
    cenv_json_write_end(&w);
    cenv_json_write_seconds(&w, "seconds", cenv_clock_ns() - o->started_ns);
    cenv_json_write_end(&w);
    return cenv_json_writer_finish(&w, o->err);
}

/* ---- opening ---- */

/* 1: that is not wanted. */
static int fetch_packages(struct opening *o)
{
    if (o->only_there)
        return cenv_buf_puts(&o->why, "layers are missing") ? 1
                                                            : cenv_error_oom(o->err);
    if (o->records)
        return 0;
    return cenv_fetch_packages_obtain(o->store, o->given, &o->fetch, o->task,
                                      &o->records, o->err);
}

/* A list may lack hashes, which the packages tell. */
static bool tells_hashes(const struct cenv_json *records)
{
    const struct cenv_json *record;
    bool tells = true;
    cenv_json_each(record, records)
    {
        tells &= cenv_json_get_str(record, "sha256").len != 0;
    }
    return tells;
}

static int name_layers(struct opening *o)
{
    int rc = tells_hashes(o->given) ? 0 : fetch_packages(o);
    if (rc == 0)
        rc = cenv_layers_init(&o->layers, o->store, o->records ? o->records : o->given,
                              o->task, o->err);
    return rc;
}

static int find_top(struct opening *o)
{
    int rc = cenv_top_key(&o->layers, o->specs, o->key);
    if (rc == 0)
        rc = cenv_layered_entry_find(o->store, cenv_str(o->key), &o->path, o->task,
                                     o->err);
    return rc;
}

/* Packages are looked at where they are needed alone: that takes longer than all the rest. */
static int make_layers(struct opening *o)
{
    if (cenv_layers_are_there(&o->layers))
        return 0;
    int rc = fetch_packages(o);
    if (rc == 0)
        rc = cenv_layers_take_packages(&o->layers, o->records);
    if (rc == 0)
        rc = cenv_layers_refuse_scripts(&o->layers, &o->why);
    if (rc == 0)
        rc = cenv_layer_make_missing(&o->layers, &o->made);
    return rc;
}

static int make_top(struct opening *o)
{
    int rc = cenv_layers_refuse_number(&o->layers, &o->why);
    if (rc == 0)
        rc = make_layers(o);
    if (rc == 0)
        rc = cenv_clashes_find(&o->layers, &o->clashes, &o->why);
    if (rc == 0)
        rc = cenv_top_make(&o->layers, &o->clashes, o->specs, o->key, &o->path);
    return rc;
}

static int find_or_make_top(struct opening *o)
{
    int rc = find_top(o);
    return rc == 1 ? make_top(o) : rc;
}

static int open_layers(struct opening *o, struct cenv_buf *out)
{
    int rc = cenv_link_input_check(o->given, o->err);
    if (rc == 0)
        rc = name_layers(o);
    if (rc == 0)
        rc = find_or_make_top(o);
    if (rc < 0)
        return rc;
    return write_reply(o, out);
}

static int parse_records(struct opening *o, const char *text)
{
    int rc = cenv_json_parse(&o->told, cenv_str(text), "the list of records", o->err);
    o->given = o->told;
    if (rc == 0 && cenv_json_type(o->told) == CENV_JSON_OBJECT)
        o->given = cenv_json_get(o->told, "records");
    return rc;
}

static void release_opening(struct opening *o)
{
    cenv_clashes_release(&o->clashes);
    cenv_layers_release(&o->layers);
    cenv_json_free(o->told);
    cenv_json_free(o->records);
    cenv_buf_release(&o->path);
    cenv_buf_release(&o->why);
}

int cenv_layered_open(struct cenv_store *store, const char *records_json,
                      const char *options_json, struct cenv_task *task,
                      struct cenv_buf *out, struct cenv_error *err)
{
    struct opening o = {
        .store = store, .started_ns = cenv_clock_ns(), .task = task, .err = err};
    struct cenv_json *doc = NULL;
    cenv_buf_init(&o.path, PATH_BYTES_MAX);
    cenv_buf_init(&o.why, TEXT_MAX);
    int rc = cenv_options_parse(&options_of_layered, &doc, options_json, &o, err);
    if (rc == 0)
        rc = cenv_spec_text_clean_list(doc, "specs", &o.specs, err);
    if (rc == 0)
        rc = parse_records(&o, records_json);
    if (rc == 0)
        rc = open_layers(&o, out);
    release_opening(&o);
    cenv_json_free(doc);
    return rc;
}

int cenv_layered_find(struct cenv_store *store, const char *path,
                      struct cenv_task *task, struct cenv_error *err)
{
    struct cenv_buf found;
    cenv_buf_init(&found, PATH_BYTES_MAX);
    int rc = cenv_layered_entry_find(store, cenv_path_base(cenv_str(path)), &found,
                                     task, err);
    if (rc == 0 && !cenv_str_is(cenv_buf_str(&found), path))
        rc = 1;
    cenv_buf_release(&found);
    return rc;
}
