/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Cloning an environment: source and manifest, every check that needs no writing, then everything
 * into a directory beside the destination, with text for the destination, and one rename.
 */
#include <errno.h>
#include <stdio.h>

#include "base/alloc.h"
#include "cenv.h"
#include "clone/clone_source.h"
#include "clone/clone_tree.h"
#include "clone/overlay.h"
#include "clone/provenance.h"
#include "clone/sweep.h"
#include "codec/json.h"
#include "os/host.h"
#include "prefix/new_prefix.h"
#include "store/clone_registry.h"
#include "store/template_entry.h"

enum { TRIES = 3 };

struct options {
    enum cenv_place_mode mode;
    unsigned threads;
    int64_t owner;
    bool overlay;
    char namespace[64]; /* the mount namespace that the process entered for it */
    char *provenance;   /* see provenance.h; owned, or NULL */
};

/* One clone on its way. */
struct cloning {
    struct cenv_store *store;
    struct options options;
    struct cenv_clone_source source;
    struct cenv_newprefix dst;
    struct cenv_prepared_clone prepared;
    struct cenv_clone_result result;
    enum cenv_place_mode mode; /* decided */
    struct cenv_stat root;     /* of the destination */
    bool registered;
    char *path; /* the destination, clean: what `claim` is for */
    struct cenv_lock *claim;
    uint64_t start_ns;
};

static int set_provenance(struct options *out, const struct cenv_json *provenance,
                          struct cenv_error *err)
{
    struct cenv_buf text;
    if (cenv_json_type(provenance) != CENV_JSON_OBJECT)
        return 0;
    cenv_buf_init(&text, CENV_JSON_MAX_SIZE);
    cenv_json_print(provenance, 0, &text);
    out->provenance = cenv_buf_detach(&text);
    cenv_buf_release(&text);
    return out->provenance ? 0 : cenv_error_oom(err);
}

static int parse_options(struct options *out, const char *text, struct cenv_error *err)
{
    struct cenv_json *doc = NULL;
    *out = (struct options){.mode = CENV_PLACE_AUTO};
    if (!text || !*text)
        return 0;
    if (cenv_json_parse(&doc, cenv_str(text), "the options", err) < 0)
        return err->status;
    const char *name = cenv_json_get_cstr(doc, "mode");
    const char *namespace = cenv_json_get_cstr(doc, "namespace");
    out->overlay = name && strcmp(name, CENV_OVERLAY_MODE) == 0;
    snprintf(out->namespace, sizeof(out->namespace), "%s", namespace ? namespace : "");
    int mode = name && !out->overlay ? cenv_place_mode_parse(name) : CENV_PLACE_AUTO;
    int64_t threads = cenv_json_get_int(doc, "threads", 0);
    out->threads =
        threads > 0 && threads <= CENV_CLONER_THREADS ? (unsigned)threads : 0;
    out->owner = cenv_json_get_int(doc, "owner", 0);
    int rc = set_provenance(out, cenv_json_get(doc, "provenance"), err);
    if (rc == 0 && mode < 0) {
        rc = cenv_error_set(err, CENV_EUSAGE, "'%s' is not a clone mode", name);
        cenv_error_hint(err, "use auto, reflink, hardlink, copy or overlay");
    } else if (rc == 0) {
        out->mode = (enum cenv_place_mode)mode;
    }
    cenv_json_free(doc);
    return rc;
}

/* ---- mode ---- */

/* One that has a block of its own, else any that is not empty: some file systems keep small ones
 * elsewhere. */
static const struct cenv_mf_file *file_to_try(const struct cenv_manifest *m)
{
    const struct cenv_mf_file *small = NULL;
    for (uint32_t i = 0; i < m->nr_files; i++) {
        const struct cenv_mf_file *file = &m->files[i];
        if (file->type == CENV_MF_FILE && file->size >= 4096)
            return file;
        if (file->type == CENV_MF_FILE && file->size && !small)
            small = file;
    }
    return small;
}

/* By trying it on a file of the source: 0, or -errno why not. */
static int try_reflink(const struct cloning *c)
{
    const struct cenv_manifest *m = c->source.manifest;
    const struct cenv_mf_file *file = file_to_try(m);
    if (!file)
        return c->root.dev == m->header->dev ? 0 : -EXDEV;
    int dir =
        cenv_raw_open_beneath(c->source.fd, cenv_mf_str(m, m->dirs[file->dir].path), 0);
    int in = dir < 0 ? dir : cenv_raw_open_file(dir, cenv_mf_cstr(m, file->name), NULL);
    int out = in < 0 ? in : cenv_raw_create(c->dst.dir, ".cenv-probe", 0600);
    int rc = out < 0 ? out : cenv_raw_reflink(in, out);
    if (out >= 0)
        cenv_raw_unlink(c->dst.dir, ".cenv-probe");
    cenv_fd_close(out);
    cenv_fd_close(in);
    cenv_fd_close(dir);
    return rc;
}

/* File systems known not to share extents are not asked. */
static bool may_reflink(int dirfd)
{
    struct cenv_fs_facts facts;
    struct cenv_error ignored = CENV_ERROR_INIT;
    bool known = cenv_fs_facts(dirfd, &facts, &ignored) == 0;
    cenv_error_release(&ignored);
    return !known ||
           (strncmp(facts.type, "ext", 3) != 0 && strcmp(facts.type, "tmpfs") != 0);
}

static int refuse_mode(const struct cloning *c, const char *why, struct cenv_error *err)
{
    cenv_error_set(err, CENV_ELINK, "mode %s cannot work here: %s",
                   cenv_place_mode_name(c->options.mode), why);
    return cenv_error_hint(err,
                           "use mode auto or copy, or another place for the clone");
}

static int decide_mode(struct cloning *c, struct cenv_error *err)
{
    enum cenv_place_mode want = c->options.mode;
    bool same = c->root.dev == c->source.manifest->header->dev;
    c->mode = CENV_PLACE_COPY;
    if (want == CENV_PLACE_REFLINK ||
        (want == CENV_PLACE_AUTO && same && may_reflink(c->dst.dir))) {
        int rc = try_reflink(c);
        if (rc == 0)
            c->mode = CENV_PLACE_REFLINK;
        else if (want == CENV_PLACE_REFLINK)
            return refuse_mode(c,
                               same ? "the file system cannot share extents"
                                    : "source and clone are on different file systems",
                               err);
    }
    if (want == CENV_PLACE_HARDLINK && !same)
        return refuse_mode(c, "source and clone are on different file systems", err);
    if (want == CENV_PLACE_HARDLINK ||
        (want == CENV_PLACE_AUTO && c->mode == CENV_PLACE_COPY && same &&
         c->source.is_template))
        c->mode = CENV_PLACE_HARDLINK;
    return 0;
}

/* Changes are made by the user that mounts: on files of somebody else they would fail. */
static int check_overlay(const struct cloning *c, struct cenv_error *err)
{
    struct cenv_stat st;
    int rc = cenv_overlay_check_namespace(c->options.namespace, err);
    if (rc == 0 && cenv_raw_stat_fd(c->source.fd, &st) == 0 && cenv_fs_uid() != 0 &&
        (st.uid != cenv_fs_uid() || st.gid != cenv_fs_gid())) {
        rc = cenv_error_set(
            err, CENV_ELINK,
            "mode overlay cannot work here: '%s' has another owner or group",
            c->source.path);
        cenv_error_hint(err, "use mode auto or copy, or a store of your own");
    }
    return rc;
}

static const char *mode_name(const struct cloning *c)
{
    return c->options.overlay ? CENV_OVERLAY_MODE : cenv_place_mode_name(c->mode);
}

/* ---- report ---- */

static void add_notes(const struct cloning *c, enum cenv_note_kind kind,
                      struct cenv_buf *out)
{
    const struct cenv_manifest *m = c->source.manifest;
    const char *between = "";
    for (uint32_t i = 0; i < m->nr_notes; i++) {
        if (m->notes[i].kind != kind)
            continue;
        cenv_buf_addf(out, "%s{\"path\": ", between);
        cenv_json_quote(out, cenv_mf_str(m, m->notes[i].path));
        cenv_buf_puts(out, ", \"reason\": ");
        cenv_json_quote(out, cenv_mf_str(m, m->notes[i].reason));
        cenv_buf_puts(out, "}");
        between = ", ";
    }
    for (uint32_t i = 0; kind == CENV_NOTE_UNRELOCATABLE && i < m->nr_relocs; i++) {
        const struct cenv_mf_file *file = &m->files[m->relocs[i].file];
        struct cenv_str dir = cenv_mf_str(m, m->dirs[file->dir].path);
        if (!c->prepared.verbatim[i])
            continue;
        struct cenv_buf path;
        cenv_buf_init(&path, 1 << 16);
        cenv_buf_addf(&path, "%s%s%s", dir.data, dir.len ? "/" : "",
                      cenv_mf_cstr(m, file->name));
        cenv_buf_addf(out, "%s{\"path\": ", between);
        cenv_json_quote(out, cenv_buf_str(&path));
        cenv_buf_puts(out,
                      ", \"reason\": \"a binary without room for a longer prefix\"}");
        cenv_buf_release(&path);
        between = ", ";
    }
}

static void add_fallbacks(const uint64_t *counts, struct cenv_buf *out)
{
    static const char *const names[] = {"another file system", "too many links",
                                        "not permitted", "not supported"};
    const char *between = "";
    for (int i = 0; i < CENV_FALLBACK_NR; i++) {
        if (!counts[i])
            continue;
        cenv_buf_addf(out, "%s\"%s\": %llu", between, names[i],
                      (unsigned long long)counts[i]);
        between = ", ";
    }
}

static int report(const struct cloning *c, struct cenv_buf *out, struct cenv_error *err)
{
    const struct cenv_clone_counts *sum = &c->result.counts;
    cenv_buf_puts(out, "{\"path\": ");
    cenv_json_quote(out, cenv_str(c->dst.path));
    cenv_buf_addf(out,
                  ", \"mode\": \"%s\", \"files\": %llu, \"relocated\": %llu, "
                  "\"bytes_copied\": %llu, \"bytes_shared\": %llu, \"seconds\": %.6f, "
                  "\"fallbacks\": {",
                  mode_name(c), (unsigned long long)sum->files,
                  (unsigned long long)sum->relocated,
                  (unsigned long long)sum->bytes_copied,
                  (unsigned long long)sum->bytes_shared,
                  (double)(cenv_clock_ns() - c->start_ns) / 1e9);
    add_fallbacks(sum->fallbacks, out);
    cenv_buf_puts(out, "}, \"skipped\": [");
    add_notes(c, CENV_NOTE_SKIPPED, out);
    cenv_buf_puts(out, "], \"unrelocatable\": [");
    add_notes(c, CENV_NOTE_UNRELOCATABLE, out);
    cenv_buf_puts(out, "]}");
    return out->failed ? cenv_error_oom(err) : 0;
}

/* ---- steps ---- */

static unsigned thread_count(const struct cloning *c)
{
    unsigned threads = c->options.threads ? c->options.threads : cenv_host_cpus();
    unsigned most = c->options.threads ? CENV_CLONER_THREADS : 4;
    return threads > most ? most : threads;
}

/*
 * Before it is made, so that a sweep finds what is left when this process is killed, and once more
 * when it is whole: then inode and mode are known, and what changes later is a change of the clone.
 */
static int register_clone(struct cloning *c, struct cenv_error *err)
{
    struct cenv_clone_entry entry = {
        .path = c->dst.path,
        .source = c->source.path,
        .dev = c->root.dev,
        .ino = c->root.ino,
        .root_mode =
            c->dst.exists ? c->dst.exists_mode : c->source.manifest->dirs[0].mode,
        .mode = mode_name(c),
        .temp = c->dst.temp,
        .provenance = c->options.provenance ? c->options.provenance : ""};
    struct cenv_stat shown;
    if (!c->store)
        return 0;
    if (c->options.overlay && cenv_raw_stat(CENV_CWD, c->dst.path, &shown) == 0) {
        entry.shown_dev = shown.dev;
        entry.shown_ino = shown.ino;
    }
    if (c->options.owner > 0) {
        cenv_owner_self(&entry.owner);
        if (entry.owner.pid != c->options.owner)
            entry.owner.start = 0;
        entry.owner.pid = c->options.owner;
    }
    int rc = cenv_clone_registry_enter(c->store, &entry, err);
    c->registered = rc == 0;
    return rc;
}

/* What a killed cloning to the same place left is in the registry: no need to list the parent. */
static int open_dst(struct cloning *c, struct cenv_task *task, struct cenv_error *err)
{
    struct cenv_error ignored = CENV_ERROR_INIT;
    int rc = c->store
                 ? cenv_clone_registry_claim(c->store, c->path, &c->claim, task, err)
                 : 0;
    rc = rc ? rc : cenv_newprefix_open(&c->dst, c->path, !c->store, err);
    if (rc == 0 && c->store)
        cenv_clone_sweep_unfinished(c->store, c->dst.path, &ignored);
    cenv_error_release(&ignored);
    rc = rc ? rc : register_clone(c, err);
    return rc ? rc : cenv_newprefix_make(&c->dst, err);
}

/* Everything after the manifest is known. */
static int make(struct cloning *c, const char *dst, struct cenv_task *task,
                struct cenv_error *err)
{
    const struct cenv_manifest *m = c->source.manifest;
    c->path = cenv_prefix_path_clean(dst, err);
    int rc = c->path ? cenv_prepared_clone_init(&c->prepared, m, c->source.fd,
                                                cenv_str(c->path), err)
                     : err->status;
    if (rc == 0)
        rc = open_dst(c, task, err);
    if (rc < 0)
        return rc;
    rc = cenv_raw_stat_fd(c->dst.dir, &c->root);
    if (rc < 0)
        return cenv_fs_fail(err, rc, c->dst.dir, NULL, "cannot look at");
    if (c->options.overlay) {
        rc = cenv_overlay_make(&c->prepared, &c->dst, thread_count(c), &c->result, task,
                               err);
        return rc ? rc
                  : cenv_provenance_apply_at(c->dst.path, c->options.provenance, err);
    }
    rc = decide_mode(c, err);
    struct cenv_clone_target target = {c->dst.dir, c->dst.mask, c->mode};
    if (rc == 0)
        rc = cenv_clone_tree_place(&c->prepared, &target, thread_count(c), &c->result,
                                   task, err);
    return rc ? rc : cenv_provenance_apply(c->dst.dir, c->options.provenance, err);
}

static void forget(struct cloning *c)
{
    struct cenv_error ignored = CENV_ERROR_INIT;
    if (c->registered)
        cenv_clone_registry_forget(c->store, c->dst.path, &ignored);
    cenv_error_release(&ignored);
    c->registered = false;
    c->root = (struct cenv_stat){0};
}

/* What one attempt has, but for its source. */
static void let_go(struct cloning *c)
{
    cenv_prepared_clone_release(&c->prepared);
    c->result = (struct cenv_clone_result){0};
    cenv_newprefix_close(&c->dst);
    if (c->store && c->path)
        cenv_clone_registry_unclaim(c->store, c->path, c->claim);
    cenv_free(c->path);
    c->path = NULL;
    c->claim = NULL;
}

static int publish(struct cloning *c, struct cenv_task *task, struct cenv_error *err)
{
    struct cenv_span span = cenv_span_begin("publish", "");
    int rc = register_clone(c, err);
    if (rc == 0 && !c->options.overlay)
        rc = cenv_newprefix_publish(&c->dst, c->source.manifest->dirs[0].mode, err);
    if (rc < 0 && c->options.overlay)
        cenv_overlay_withdraw(&c->dst);
    cenv_span_end(task, &span);
    return rc;
}

/* A template that is being repaired is away for a moment, until its builder lets go of the lock. */
static int open_source(struct cloning *c, const char *src, struct cenv_task *task,
                       struct cenv_error *err)
{
    struct cenv_error ignored = CENV_ERROR_INIT;
    int rc = cenv_clone_source_open(&c->source, src, err);
    if (rc < 0 && c->store &&
        cenv_template_entry_await(c->store, src, task, &ignored) == 1) {
        cenv_error_release(err);
        rc = cenv_clone_source_open(&c->source, src, err);
    }
    cenv_error_release(&ignored);
    return rc;
}

static int check_ends(struct cloning *c, const char *src, const char *dst,
                      struct cenv_task *task, struct cenv_error *err)
{
    int rc = open_source(c, src, task, err);
    if (rc == 0 && c->options.overlay)
        rc = check_overlay(c, err);
    return rc < 0 ? rc : cenv_newprefix_check(dst, c->source.fd, err);
}

/* Something else lies there now, or nothing: a template that is being built anew. */
static bool is_away(const struct cloning *c)
{
    struct cenv_stat open, there;
    return c->source.path && cenv_raw_stat_fd(c->source.fd, &open) == 0 &&
           (cenv_raw_stat(CENV_CWD, c->source.path, &there) < 0 ||
            !cenv_stat_same_file(&open, &there));
}

static int start_again(struct cloning *c, const char *src, struct cenv_task *task,
                       struct cenv_error *err)
{
    cenv_error_release(err);
    forget(c);
    let_go(c);
    cenv_clone_source_close(&c->source);
    return open_source(c, src, task, err);
}

/*
 * A source that is not as its manifest says gets one more chance with a manifest of what is there
 * now (a template in which something ran may have new bytecode), and one that was replaced another.
 */
static int make_or_again(struct cloning *c, const char *src, const char *dst,
                         struct cenv_task *task, struct cenv_error *err)
{
    bool again = false;
    for (int tries = 0;; tries++) {
        int rc = cenv_clone_source_manifest(&c->source, c->store, again, task, err);
        if (rc == 0)
            rc = make(c, dst, task, err);
        bool away = rc < 0 && is_away(c), changed = c->result.changed;
        if (rc == 0 || tries == TRIES || !(away || (changed && !again)))
            return rc;
        again = changed && !away;
        rc = start_again(c, src, task, err);
        if (rc < 0)
            return rc;
    }
}

int cenv_clone(struct cenv_store *store, const char *src, const char *dst,
               const char *options_json, struct cenv_task *task, struct cenv_buf *out,
               struct cenv_error *err)
{
    struct cloning c = {
        .store = store, .dst = CENV_NEWPREFIX_INIT, .start_ns = cenv_clock_ns()};
    size_t before = out->len;
    c.source.fd = -1;
    int rc = parse_options(&c.options, options_json, err);
    if (rc == 0)
        rc = check_ends(&c, src, dst, task, err);
    if (rc == 0)
        rc = make_or_again(&c, src, dst, task, err);
    if (rc == 0)
        rc = report(&c, out, err);
    if (rc == 0)
        rc = publish(&c, task, err);
    if (rc < 0) {
        out->len = before;
        forget(&c);
    }
    let_go(&c);
    cenv_clone_source_close(&c.source);
    cenv_free(c.options.provenance);
    return rc;
}
