/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Cloning an environment: source and manifest, every check that needs no writing, then everything
 * into a directory beside the destination, with text for the destination, and one rename.
 */
#include "clone/clone.h"

#include <stddef.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "cenv.h"
#include "clone/clone_template.h"
#include "clone/mode.h"
#include "clone/remember.h"
#include "clone/sweep.h"
#include "codec/json.h"
#include "codec/options.h"
#include "os/fs.h"
#include "os/lock.h"
#include "os/owner.h"
#include "store/template_entry.h"

enum { TRIES = 3 };

/* One call; its source is another one after a template was built anew. */
struct cloning {
    struct cenv_store *store; /* or NULL */
    const struct cenv_clone_options *given;
    const struct cenv_clone_options *options; /* as given, or `of_clone` */
    struct cenv_clone_source source;

    /* Where the source is the template of the clone that is cloned: with what that clone tells. */
    struct cenv_clone_template template;
    struct cenv_clone_options of_clone;

    /* Of a template that nobody may build anew for as long as this lasts; or NULL. */
    struct cenv_lock *held;
    char held_id[CENV_TEMPLATE_ID_LEN + 1];

    char *path; /* of the clone, clean */
    struct cenv_task *task;
    struct cenv_buf *out;
    uint64_t start_ns;
};

/* ---- the registry ---- */

static struct cenv_clone_entry entry_of(const struct cenv_clone_job *job,
                                        const struct cenv_clone_mode *mode)
{
    const struct cenv_clone_options *options = job->options;
    struct cenv_clone_entry entry = {
        .path = job->path,
        .source = job->source->path,
        .root_mode = job->dst.exists ? job->dst.exists_mode
                                     : job->source->manifest->dirs[0].mode,
        .mode = cenv_clone_mode_text(mode),
        .temp = job->dst.temp,
        .provenance = options->provenance,
        .note = options->note};
    if (options->owner > 0)
        cenv_owner_of(options->owner, &entry.owner);
    return entry;
}

/* Before it is made, so that a sweep finds what is left when this process is killed. */
static int register_unmade(const struct cenv_clone_job *job, struct cenv_error *err)
{
    struct cenv_clone_entry entry = entry_of(job, job->options->mode);
    return job->store ? cenv_clone_registry_enter(job->store, &entry, err) : 0;
}

/* When it is whole: what changes later is a change of the clone. */
static int register_made(const struct cenv_clone_job *job,
                         const struct cenv_clone_mode *mode, struct cenv_error *err)
{
    struct cenv_clone_entry entry = entry_of(job, mode);
    entry.dev = job->root.dev;
    entry.ino = job->root.ino;
    entry.shown_dev = job->shown.dev;
    entry.shown_ino = job->shown.ino;
    return job->store ? cenv_clone_registry_enter(job->store, &entry, err) : 0;
}

static void forget_clone(const struct cenv_clone_job *job)
{
    struct cenv_error ignored = CENV_ERROR_INIT;
    if (job->store)
        cenv_clone_registry_forget(job->store, job->path, &ignored);
    cenv_error_release(&ignored);
}

/* ---- one attempt ---- */

/* What a killed cloning to the same place left is in the registry: no need to list the parent. */
static int open_destination(struct cenv_clone_job *job, struct cenv_error *err)
{
    struct cenv_error ignored = CENV_ERROR_INIT;
    int rc = cenv_newprefix_open(&job->dst, job->path, !job->store, err);
    if (rc == 0 && job->store)
        cenv_clone_sweep_unfinished(job->store, job->path, &ignored);
    cenv_error_release(&ignored);
    return rc;
}

static int make_destination(struct cenv_clone_job *job, struct cenv_error *err)
{
    int rc = cenv_newprefix_make(&job->dst, err);
    if (rc < 0)
        return rc;
    int raw = cenv_raw_stat_fd(job->dst.dir, &job->root);
    return raw < 0 ? cenv_fs_fail(err, raw, job->dst.dir, NULL, "cannot look at") : 0;
}

static int write_report(const struct cloning *c, const struct cenv_clone_job *job,
                        const struct cenv_clone_mode *mode, struct cenv_error *err)
{
    struct cenv_clone_report report = {.path = job->path,
                                       .source = job->source->path,
                                       .mode = cenv_clone_mode_text(mode),
                                       .counts = job->result.counts,
                                       .prepared = &job->prepared,
                                       .refused = job->refused,
                                       .start_ns = c->start_ns};
    report.counts.bytes_copied += job->made;
    return cenv_clone_report_write(&report, c->out, err);
}

static int publish_clone(struct cenv_clone_job *job, const struct cenv_clone_mode *mode,
                         struct cenv_error *err)
{
    struct cenv_span span = cenv_span_begin(CENV_STAGE_PUBLISH, "");
    int rc = register_made(job, mode, err);
    if (rc == 0 && mode->publish)
        rc = mode->publish(job, err);
    cenv_span_end(job->task, &span);
    return rc;
}

/* The new directory is there: all that comes into it, and the clone to its place. */
static int fill_destination(const struct cloning *c, struct cenv_clone_job *job,
                            struct cenv_error *err)
{
    const struct cenv_clone_mode *mode = cenv_clone_mode_choose(job, err);
    if (!mode)
        return err->status;
    int rc = cenv_remember(job, mode, err);
    if (rc == 0)
        rc = mode->place(job, mode->placing, err);
    if (rc < 0)
        return rc;
    rc = write_report(c, job, mode, err);
    if (rc == 0)
        rc = publish_clone(job, mode, err);
    if (rc < 0 && mode->withdraw)
        mode->withdraw(job);
    return rc;
}

static int make_clone(const struct cloning *c, struct cenv_clone_job *job,
                      struct cenv_error *err)
{
    int rc = open_destination(job, err);
    if (rc < 0)
        return rc;
    rc = register_unmade(job, err);
    if (rc < 0)
        return rc;
    rc = make_destination(job, err);
    if (rc == 0)
        rc = fill_destination(c, job, err);
    job->dst.hurried = rc == CENV_ECANCELLED && job->store;
    if (rc < 0)
        cenv_newprefix_discard(&job->dst);
    if (rc < 0 && !job->dst.left)
        forget_clone(job);
    return rc;
}

static int claim_and_make(const struct cloning *c, struct cenv_clone_job *job,
                          struct cenv_error *err)
{
    struct cenv_lock *claim = NULL;
    int rc = c->store
                 ? cenv_clone_registry_claim(c->store, c->path, &claim, c->task, err)
                 : 0;
    if (rc == 0)
        rc = make_clone(c, job, err);
    cenv_remembered_close(&job->remembered);
    cenv_template_twin_close(&job->twin);
    if (c->store)
        cenv_clone_registry_unclaim(c->store, c->path, claim, job->dst.left);
    cenv_newprefix_close(&job->dst);
    return rc;
}

/* Everything after the manifest is known. *changed: the source is not what it says. */
static int attempt_clone(const struct cloning *c, bool *changed, struct cenv_error *err)
{
    struct cenv_clone_job job = {.store = c->store,
                                 .options = c->options,
                                 .source = &c->source,
                                 .path = c->path,
                                 .task = c->task,
                                 .remembered = CENV_REMEMBERED_INIT,
                                 .twin = {.tree = -1},
                                 .dst = CENV_NEWPREFIX_INIT};
    size_t before = c->out->len;
    int rc = cenv_prepared_clone_init(&job.prepared, c->source.manifest, c->source.fd,
                                      cenv_str(c->path), err);
    if (rc < 0)
        return rc;
    rc = claim_and_make(c, &job, err);
    if (rc < 0)
        c->out->len = before;
    *changed = job.result.changed;
    cenv_prepared_clone_release(&job.prepared);
    return rc;
}

/* ---- the source ---- */

/* From now on nobody builds it anew, should it be a template. 1: it is none. */
static int hold_template(struct cloning *c, const char *prefix, struct cenv_error *err)
{
    if (!c->store || c->held)
        return 1;
    int rc = cenv_template_entry_id_of_prefix(c->store, prefix, c->held_id, err);
    if (rc != 1)
        return rc < 0 ? rc : 1;
    rc = cenv_template_entry_lock(c->store, c->held_id, &c->held, c->task, err);
    if (rc == 0 || rc == CENV_ECANCELLED)
        return rc;
    cenv_error_release(err); /* where it cannot be had nobody builds either */
    return 1;
}

/* A template that is being built anew is away for a moment. */
static int open_source(struct cloning *c, const char *src, struct cenv_error *err)
{
    struct cenv_error away = CENV_ERROR_INIT;
    if (cenv_clone_source_open(&c->source, src, &away) == 0)
        return 0;
    int rc = hold_template(c, src, err);
    if (rc == 0)
        rc = cenv_clone_source_open(&c->source, src, err);
    else if (rc == 1)
        return cenv_error_move(err, &away);
    cenv_error_release(&away);
    return rc;
}

static int check_ends(const struct cloning *c, const struct cenv_clone_source *source,
                      struct cenv_error *err)
{
    struct cenv_clone_job job = {.options = c->options, .source = source};
    int rc = c->options->mode->check ? c->options->mode->check(&job, err) : 0;
    if (rc == 0)
        rc = cenv_newprefix_check(c->path, source->fd, err);
    return rc;
}

/* ---- a clone of a clone ---- */

static bool is_of_clone(const struct cloning *c)
{
    return c->options == &c->of_clone;
}

static bool suits_template(const struct cloning *c)
{
    struct cenv_error ignored = CENV_ERROR_INIT;
    bool suits = check_ends(c, &c->template.source, &ignored) == 0;
    cenv_error_release(&ignored);
    return suits;
}

/* Of a clone that nobody changed its template is cloned, for the request that the clone was for. */
static int trace_to_template(struct cloning *c, const char *src, struct cenv_error *err)
{
    const char *provenance = c->options->provenance;
    char id[CENV_TEMPLATE_ID_LEN + 1];
    if (!c->store || (provenance && *provenance))
        return 0;
    int rc = cenv_template_entry_id_of_prefix(c->store, c->source.path, id, err);
    if (rc != 0)
        return rc < 0 ? rc : 0;
    rc =
        cenv_clone_template_find(&c->template, c->store, &c->source, src, c->task, err);
    if (rc != 0)
        return rc < 0 ? rc : 0;
    if (!suits_template(c)) {
        cenv_clone_template_release(&c->template);
        return 0;
    }
    c->of_clone = *c->given;
    c->of_clone.provenance = c->template.provenance;
    c->options = &c->of_clone;
    cenv_clone_source_close(&c->source);
    c->source = c->template.source;
    c->template.source = (struct cenv_clone_source){.fd = -1};
    return 0;
}

/* ---- trying again ---- */

/*
 * Why an attempt failed, and what the next one does:
 *
 *     the source                       next                                       attempts
 *     REPLACED by another, or away     with a template's builder held off:        TRIES more
 *                                      nobody can replace it once more
 *     CHANGED since its manifest       with a manifest brought up to date         one more
 *     the template of a clone, either  the clone itself, as any environment       as above
 *     none of these: it lies elsewhere -                                          none
 *
 * A template in which something ran may have new bytecode, which is CHANGED; one of which a file is
 * altered is an error (template_damage.h).
 */
enum cause { ELSEWHERE, REPLACED, CHANGED };

static enum cause find_cause(const struct cloning *c, int rc, bool changed)
{
    if (rc == CENV_ECANCELLED)
        return ELSEWHERE;
    if (cenv_clone_source_is_replaced(&c->source))
        return REPLACED;
    return changed ? CHANGED : ELSEWHERE;
}

static int open_again(struct cloning *c, const char *src, enum cause cause,
                      struct cenv_error *err)
{
    int rc = 0;
    cenv_error_release(err);
    if (is_of_clone(c))
        c->options = c->given;
    else if (cause == REPLACED)
        rc = hold_template(c, c->source.path, err);
    cenv_clone_source_close(&c->source);
    if (rc < 0)
        return rc;
    return open_source(c, src, err);
}

static int clone_once(struct cloning *c, bool update, enum cause *cause,
                      struct cenv_error *err)
{
    bool changed = false;
    c->source.shared = c->options->mode->placing == CENV_PLACE_HARDLINK;
    int rc = cenv_clone_source_manifest(&c->source, c->store, update, c->task, err);
    if (rc == 0)
        rc = attempt_clone(c, &changed, err);
    *cause = find_cause(c, rc, changed);
    return rc;
}

static int clone_with_retries(struct cloning *c, const char *src,
                              struct cenv_error *err)
{
    bool update = false;
    enum cause cause;
    for (int tries = 0;; tries++) {
        int rc = clone_once(c, update, &cause, err);
        if (rc == 0 || tries == TRIES || cause == ELSEWHERE ||
            (cause == CHANGED && update))
            return rc;
        update = cause == CHANGED && !is_of_clone(c);
        rc = open_again(c, src, cause, err);
        if (rc < 0)
            return rc;
    }
}

/* ---- the whole ---- */

static int clone_source(struct cloning *c, const char *src, const char *dst,
                        struct cenv_error *err)
{
    int rc = open_source(c, src, err);
    if (rc < 0)
        return rc;
    c->path = cenv_newprefix_clean_path(dst, err);
    rc = c->path ? check_ends(c, &c->source, err) : err->status;
    if (rc == 0)
        rc = trace_to_template(c, src, err);
    if (rc == 0)
        rc = clone_with_retries(c, src, err);
    return rc;
}

int cenv_clone_run(struct cenv_store *store, const char *src, const char *dst,
                   const struct cenv_clone_options *options, struct cenv_task *task,
                   struct cenv_buf *out, struct cenv_error *err)
{
    struct cloning c = {.store = store,
                        .given = options,
                        .options = options,
                        .source = {.fd = -1},
                        .template = CENV_CLONE_TEMPLATE_INIT,
                        .task = task,
                        .out = out,
                        .start_ns = cenv_clock_ns()};
    int rc = clone_source(&c, src, dst, err);
    cenv_free(c.path);
    cenv_clone_source_close(&c.source);
    cenv_clone_template_release(&c.template);
    if (c.held)
        cenv_template_entry_unlock(store, c.held_id, c.held);
    return rc;
}

/* ---- options ---- */

/* As they stand in the text. */
struct given {
    const struct cenv_clone_mode *mode;
    int64_t threads, owner, memory;
    bool remember;
    const char *namespace, *note;
    const struct cenv_json *provenance;
};

static int set_mode(void *out, const struct cenv_json *value, struct cenv_error *err)
{
    struct given *given = out;
    return cenv_clone_mode_parse(cenv_json_cstr(value), &given->mode, err);
}

static const struct cenv_option table[] = {
    {"mode", CENV_OPTION_SET, 0, set_mode},
    {"threads", CENV_OPTION_INT, offsetof(struct given, threads), NULL},
    {"owner", CENV_OPTION_INT, offsetof(struct given, owner), NULL},
    {"namespace", CENV_OPTION_TEXT, offsetof(struct given, namespace), NULL},
    {"provenance", CENV_OPTION_OBJECT, offsetof(struct given, provenance), NULL},
    {"note", CENV_OPTION_TEXT, offsetof(struct given, note), NULL},
    {"memory", CENV_OPTION_INT, offsetof(struct given, memory), NULL},
    {"remember", CENV_OPTION_BOOL, offsetof(struct given, remember), NULL},
};
static const struct cenv_options options_of_clone = CENV_OPTIONS("clone", table);

/* As text, which the registry keeps. */
static int print_provenance(const struct given *given, struct cenv_buf *out,
                            struct cenv_error *err)
{
    if (!given->provenance)
        return 0;
    return cenv_json_print(given->provenance, 0, out) ? 0 : cenv_error_oom(err);
}

int cenv_clone(struct cenv_store *store, const char *src, const char *dst,
               const char *options_json, struct cenv_task *task, struct cenv_buf *out,
               struct cenv_error *err)
{
    struct given given = {.mode = cenv_clone_mode_find("auto"),
                          .memory = CENV_REMEMBER_BYTES_DEFAULT};
    struct cenv_json *doc = NULL;
    struct cenv_buf provenance;
    cenv_buf_init(&provenance, CENV_JSON_MAX_SIZE);
    int rc = cenv_options_parse(&options_of_clone, &doc, options_json, &given, err);
    if (rc == 0)
        rc = print_provenance(&given, &provenance, err);
    bool bounded = given.threads > 0 && given.threads <= CENV_CLONER_THREADS;
    struct cenv_clone_options options = {.mode = given.mode,
                                         .threads =
                                             bounded ? (unsigned)given.threads : 0,
                                         .owner = given.owner,
                                         .namespace = given.namespace,
                                         .provenance = provenance.data,
                                         .note = given.note,
                                         .memory = given.memory,
                                         .remember = given.remember};
    if (rc == 0)
        rc = cenv_clone_run(store, src, dst, &options, task, out, err);
    cenv_buf_release(&provenance);
    cenv_json_free(doc);
    return rc;
}
