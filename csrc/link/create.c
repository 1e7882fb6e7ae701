/* SPDX-License-Identifier: BSD-3-Clause */
/* A new environment from a solution: fetch, link beside the destination, one rename. */
#include <stddef.h>
#include <time.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "base/clock.h"
#include "cenv.h"
#include "codec/json.h"
#include "codec/options.h"
#include "fetch/fetch_packages.h"
#include "link/input.h"
#include "link/link.h"
#include "link/stages.h"
#include "model/spec_text.h"
#include "os/fs_place.h"
#include "prefix/new_prefix.h"
#include "store/clone_registry.h"

enum { THREADS_MAX = 1024 };

/* What the caller asks for; texts and trees are borrowed from the document. */
struct given {
    struct cenv_fetch_options fetch;
    enum cenv_place_mode mode;
    const char *cmd;
    const struct cenv_json *specs;
    bool compile, scripts;
    int64_t threads;
};

struct creation {
    struct cenv_store *store;
    const char *prefix;
    struct given given;
    struct cenv_json *records; /* as fetched, each with sha256 */
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

static int set_mode(void *out, const struct cenv_json *value, struct cenv_error *err)
{
    struct given *given = out;
    const char *name = cenv_json_cstr(value);
    int mode = name ? cenv_place_mode_parse(name) : -1;

    if (mode < 0)
        return cenv_error_set(err, CENV_EUSAGE,
                              "link mode '%s' is none of auto, reflink, hardlink, copy",
                              name ? name : "");
    given->mode = (enum cenv_place_mode)mode;
    return 0;
}

static const struct cenv_option option_table[] = {
    CENV_FETCH_OPTION_ROWS(struct given, fetch),
    {"link_mode", CENV_OPTION_SET, 0, set_mode},
    {"specs", CENV_OPTION_LIST, offsetof(struct given, specs), NULL},
    {"cmd", CENV_OPTION_TEXT, offsetof(struct given, cmd), NULL},
    {"compile", CENV_OPTION_BOOL, offsetof(struct given, compile), NULL},
    {"scripts", CENV_OPTION_BOOL, offsetof(struct given, scripts), NULL},
    {"threads", CENV_OPTION_INT, offsetof(struct given, threads), NULL},
};
static const struct cenv_options options_of_create =
    CENV_OPTIONS("create", option_table);

/* For a link into the directory that is made at `dir`. */
static int decide_link(struct creation *c)
{
    const struct given *given = &c->given;
    bool bounded = given->threads > 0 && given->threads <= THREADS_MAX;

    c->link =
        (struct cenv_link_options){.store = c->store,
                                   .target_prefix = c->dir.path,
                                   .mode = given->mode,
                                   .no_compile = !given->compile,
                                   .no_scripts = !given->scripts,
                                   .threads = bounded ? (unsigned)given->threads : 0,
                                   .time = (int64_t)time(NULL),
                                   .cmd = given->cmd};
    return cenv_link_input_specs(given->specs, &c->arena, &c->link, c->err);
}

/* ---- report ---- */

static void write_counts(struct cenv_json_writer *w,
                         const struct cenv_link_stats *stats)
{
    cenv_json_write_object(w, "linked");
    cenv_json_write_u64(w, "reflink", stats->reflinked);
    cenv_json_write_u64(w, "hardlink", stats->hardlinked);
    cenv_json_write_u64(w, "copy", stats->copied);
    cenv_json_write_u64(w, "relocated", stats->relocated);
    cenv_json_write_u64(w, "symlinks", stats->symlinks);
    cenv_json_write_u64(w, "directories", stats->directories);
    cenv_json_write_u64(w, "compiled", stats->compiled);
    cenv_json_write_u64(w, "bytes_copied", stats->bytes_copied);
    cenv_json_write_end(w);
}

static void write_warnings(struct cenv_json_writer *w,
                           const struct cenv_link_stats *stats)
{
    cenv_json_write_array(w, "warnings");
    for (size_t i = 0; i < stats->nr_warnings; i++)
        cenv_json_write_cstr(w, NULL, stats->warnings[i]);
    cenv_json_write_end(w);
}

static int write_report(const struct creation *c, struct cenv_buf *out)
{
    struct cenv_json_writer w;

    cenv_json_writer_init(&w, out, 0);
    cenv_json_write_object(&w, NULL);
    cenv_json_write_tree(&w, "records", c->records);
    write_warnings(&w, &c->stats);
    cenv_json_write_cstr(&w, "prefix", c->dir.path);
    if (c->stats.messages)
        cenv_json_write_cstr(&w, "messages", c->stats.messages);
    else
        cenv_json_write_null(&w, "messages");
    cenv_json_write_seconds(&w, "seconds", cenv_clock_ns() - c->started);
    cenv_stages_write(&w, "stages", c->task);
    cenv_json_write_u64(&w, "files", c->stats.files);
    cenv_json_write_u64(&w, "fallbacks", c->stats.fallbacks);
    write_counts(&w, &c->stats);
    cenv_json_write_end(&w);
    return cenv_json_writer_finish(&w, c->err);
}

/* ---- all of it ---- */

/* Entered before it is made, so that a sweep finds what is left when this process is killed. */
static int enter_unfinished(const struct creation *c)
{
    struct cenv_clone_entry entry = {.path = c->dir.path,
                                     .source = c->dir.path,
                                     .temp = c->dir.temp,
                                     .mode = CENV_UNFINISHED_MODE};
    return cenv_clone_registry_enter(c->store, &entry, c->err);
}

/* The report is made before the prefix is there: nothing can fail after the rename. */
static int fill_and_publish(struct creation *c, struct cenv_buf *out)
{
    int rc = cenv_newprefix_make(&c->dir, c->err);

    if (rc == 0)
        rc = decide_link(c);
    if (rc == 0)
        rc = cenv_link(c->dir.temp_path, c->packages, c->nr, &c->link, NULL, &c->stats,
                       c->task, c->err);
    if (rc == 0)
        rc = write_report(c, out);
    if (rc == 0)
        rc = cenv_newprefix_publish(&c->dir, 0777 & ~c->dir.mask, c->err);
    return rc;
}

static int link_beside(struct creation *c, struct cenv_buf *out)
{
    struct cenv_error ignored = CENV_ERROR_INIT;
    size_t before = out->len;
    int rc = cenv_newprefix_open(&c->dir, c->prefix, true, c->err);

    if (rc == 0)
        rc = enter_unfinished(c);
    if (rc < 0)
        return rc;
    rc = fill_and_publish(c, out);
    if (rc < 0)
        out->len = before;
    c->dir.hurried = rc == CENV_ECANCELLED;
    cenv_newprefix_discard(&c->dir);
    if (!c->dir.left)
        cenv_clone_registry_forget(c->store, c->dir.path, &ignored);
    cenv_error_release(&ignored);
    return rc;
}

/* One process at a time makes an environment at a path. */
static int link_in_turn(struct creation *c, struct cenv_buf *out)
{
    struct cenv_lock *claim = NULL;
    char *path = cenv_newprefix_clean_path(c->prefix, c->err);

    if (!path)
        return c->err->status;
    int rc = cenv_clone_registry_claim(c->store, path, &claim, c->task, c->err);
    if (rc == 0) {
        rc = link_beside(c, out);
        cenv_clone_registry_unclaim(c->store, path, claim, c->dir.left);
    }
    cenv_free(path);
    return rc;
}

static int create_prefix(struct creation *c, const char *records_json,
                         struct cenv_buf *out)
{
    struct cenv_json *asked = NULL;
    int rc = cenv_newprefix_check(c->prefix, -1, c->err); /* before long downloads */

    if (rc == 0)
        rc = cenv_json_parse(&asked, cenv_str(records_json), "the list of records",
                             c->err);
    if (rc == 0)
        rc = cenv_link_input_check(asked, c->err);
    if (rc == 0)
        rc = cenv_fetch_packages_obtain(c->store, asked, &c->given.fetch, c->task,
                                        &c->records, c->err);
    if (rc == 0)
        rc = cenv_link_input_packages(c->store, c->records, &c->arena, &c->packages,
                                      &c->nr, c->err);
    if (rc == 0)
        rc = link_in_turn(c, out);
    cenv_json_free(asked);
    return rc;
}

int cenv_create(struct cenv_store *store, const char *prefix, const char *records_json,
                const char *options_json, struct cenv_task *task, struct cenv_buf *out,
                struct cenv_error *err)
{
    struct creation c = {
        .store = store,
        .prefix = prefix,
        .given = {.mode = CENV_PLACE_AUTO, .compile = true, .scripts = true},
        .dir = CENV_NEWPREFIX_INIT,
        .started = cenv_clock_ns(),
        .task = task,
        .err = err};
    struct cenv_json *doc = NULL;
    struct cenv_lease *lease = NULL;
    int rc = cenv_options_parse(&options_of_create, &doc, options_json, &c.given, err);
    if (rc == 0)
        rc = cenv_spec_text_clean_list(doc, "specs", &c.given.specs, err);

    if (rc == 0)
        rc = cenv_lease_take(store, &lease, err);
    if (rc == 0)
        rc = create_prefix(&c, records_json, out);
    cenv_lease_free(lease);
    cenv_newprefix_close(&c.dir);
    cenv_link_stats_release(&c.stats);
    cenv_json_free(doc);
    cenv_json_free(c.records);
    cenv_arena_release(&c.arena);
    return rc;
}

const char *cenv_create_link_mode(unsigned index)
{
    return index <= CENV_PLACE_COPY ? cenv_place_mode_name((enum cenv_place_mode)index)
                                    : NULL;
}
