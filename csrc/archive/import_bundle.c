/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * All descriptions are read before a template is made, for a delta may have contents of any other
 * in the archive: of those only the frames are kept, each is opened once.
 */
#include "archive/import_bundle.h"

#include <string.h>

#include "archive/incoming.h"
#include "base/alloc.h"
#include "base/hex.h"
#include "base/intern.h"
#include "codec/limits.h"
#include "remote/remote.h"
#include "store/template_entry.h"

/* A delta of the archive, and its contents once another needs them. */
struct shared {
    struct cenv_delta_facts facts;
    struct cenv_delta_source source;
    bool open;
};

struct importer {
    struct cenv_intake *intake;
    int fd;
    uint64_t size;
    struct cenv_bundle *bundle;
    struct cenv_remote *remote; /* that is the bundle */
    struct cenv_intern deltas;  /* SHA-256 of those below */
    struct shared *shared;
    size_t alloc;
    /* What all templates together, and all that others need of them, may still expand to. */
    struct cenv_limits limits, shared_limits;
    struct cenv_task *task;
    struct cenv_error *err;
};

static int refuse_archive(const struct importer *x, const char *why)
{
    return cenv_error_set(x->err, CENV_EINTEGRITY, "%s", why);
}

/* ---- descriptions ---- */

/* That of the n-th document. */
static int read_description(struct importer *x, unsigned n, struct cenv_parcel *out)
{
    const char *key = cenv_bundle_key(x->bundle, n);
    struct cenv_buf text;
    cenv_buf_init(&text, CENV_PARCEL_MAX);
    int rc = cenv_bundle_read_document(x->bundle, key, &text, x->err);
    if (rc == 1)
        rc = cenv_parcel_read(out, cenv_buf_str(&text), &x->intake->machine,
                              &x->intake->arena, x->err);
    cenv_buf_release(&text);
    if (rc == 0 && strcmp(out->head.id, key) != 0)
        rc = refuse_archive(x, "it describes another template");
    return rc;
}

static int note_delta(struct importer *x, const struct cenv_delta_facts *facts)
{
    void *shared = x->shared;
    if (!cenv_grow(&shared, &x->alloc, x->deltas.nr, sizeof(*x->shared)))
        return cenv_error_oom(x->err);
    x->shared = shared;
    size_t before = x->deltas.nr;
    uint32_t id = cenv_intern_id(&x->deltas, cenv_str(facts->sha256));
    if (id == CENV_NONE)
        return cenv_error_oom(x->err);
    if (id == before)
        x->shared[id] = (struct shared){.facts = *facts};
    return 0;
}

static int note_template(struct importer *x, unsigned n)
{
    struct cenv_parcel parcel = {.linked = false};
    struct cenv_intake_item *item;
    int rc = read_description(x, n, &parcel);
    if (rc == 0)
        rc = note_delta(x, &parcel.delta);
    if (rc == 0)
        rc = cenv_intake_add(x->intake, &parcel.head, &item);
    cenv_parcel_release(&parcel);
    if (rc == 0)
        rc = cenv_task_poll(x->task, x->err);
    return rc;
}

static int note_all(struct importer *x)
{
    int rc = 0;
    for (unsigned n = 0; rc == 0 && cenv_bundle_key(x->bundle, n); n++)
        rc = note_template(x, n);
    if (rc == 0 && !x->intake->nr)
        rc = refuse_archive(x, "it is no archive of templates");
    return rc;
}

/* ---- deltas ---- */

static int open_delta(struct importer *x, const struct cenv_delta_facts *facts,
                      struct cenv_delta_source *out)
{
    struct cenv_bundle_place place;
    if (!cenv_bundle_find_blob(x->bundle, facts->sha256, &place) ||
        place.size != facts->size)
        return refuse_archive(x, "a delta of it is missing");
    return cenv_incoming_open_delta(out, facts, x->fd, place.at, x->size, x->task,
                                    x->err);
}

static int take_limits(const struct importer *x, struct cenv_limits *left,
                       const struct cenv_delta *delta)
{
    uint64_t bytes = 0, names = 0;
    for (uint32_t i = 0; i < delta->nr_entries; i++) {
        bytes += delta->entries[i].size;
        names += delta->entries[i].path.len + delta->entries[i].link.len;
    }
    return cenv_limits_take(&left->bytes, bytes) &&
                   cenv_limits_take(&left->names, names) &&
                   cenv_limits_take(&left->entries, delta->nr_entries)
               ? 0
               : refuse_archive(x, "it expands to more than one of its size may");
}

static int open_shared(struct importer *x, struct shared *shared)
{
    int rc = open_delta(x, &shared->facts, &shared->source);
    if (rc == 0)
        rc = take_limits(x, &x->shared_limits, &shared->source.delta);
    cenv_delta_keep_contents(&shared->source.delta);
    shared->open = rc == 0;
    return rc;
}

/* NULL without an error: the archive has none of that digest. */
static const struct cenv_delta_source *find_shared(void *ctx,
                                                   const unsigned char *sha256)
{
    struct importer *x = ctx;
    char hex[CENV_DIGEST_HEX_MAX];
    cenv_hex(sha256, CENV_SHA256_LEN, hex);
    uint32_t id = cenv_intern_find(&x->deltas, cenv_str(hex));
    struct shared *shared = id == CENV_NONE ? NULL : &x->shared[id];
    if (!shared || (!shared->open && open_shared(x, shared) < 0))
        return NULL;
    return &shared->source;
}

/* ---- templates ---- */

static int make_template(struct importer *x, struct cenv_intake_item *item,
                         const struct cenv_parcel *parcel)
{
    struct cenv_delta_source delta = {0};
    struct cenv_incoming incoming = {.store = x->intake->store,
                                     .scratch = x->intake->scratch.fd,
                                     .n = item->n,
                                     .parcel = parcel,
                                     .remote = x->remote,
                                     .fetch = &x->intake->fetch,
                                     .delta = &delta,
                                     .find = find_shared,
                                     .ctx = x,
                                     .task = x->task,
                                     .err = x->err};
    int rc = open_delta(x, &parcel->delta, &delta);
    if (rc == 0)
        rc = take_limits(x, &x->limits, &delta.delta);
    if (rc == 0)
        rc = cenv_incoming_make(&incoming);
    item->made = rc == 0;
    cenv_delta_release(&delta.delta);
    return rc;
}

/* One that is there is passed over. */
static int receive_template(struct importer *x, struct cenv_intake_item *item)
{
    struct cenv_parcel parcel = {.linked = false};
    int rc = cenv_template_entry_find(x->intake->store, item->id, x->err);
    if (rc != 1)
        return rc;
    rc = read_description(x, item->n, &parcel);
    if (rc == 0)
        rc = make_template(x, item, &parcel);
    cenv_parcel_release(&parcel);
    return rc;
}

static int receive_all(struct importer *x)
{
    int rc = cenv_bundle_open(&x->bundle, x->fd, x->size, x->task, x->err);
    if (rc == 0)
        rc = cenv_remote_open_bundle(&x->remote, x->bundle, x->err);
    if (rc == 0)
        rc = note_all(x);
    for (struct cenv_intake_item *item = x->intake->items; item && rc == 0;
         item = item->next)
        rc = receive_template(x, item);
    return rc;
}

int cenv_import_bundle(struct cenv_intake *intake, int fd, uint64_t size)
{
    struct importer x = {.intake = intake,
                         .fd = fd,
                         .size = size,
                         .task = intake->task,
                         .err = intake->err};
    cenv_task_progress(x.task, CENV_STAGE_IMPORT, size);
    cenv_limits_init(&x.limits, size);
    cenv_limits_init(&x.shared_limits, size);
    int rc = receive_all(&x);
    for (size_t i = 0; i < x.deltas.nr; i++)
        cenv_delta_release(&x.shared[i].source.delta);
    cenv_free(x.shared);
    cenv_intern_release(&x.deltas);
    cenv_remote_free(x.remote);
    cenv_bundle_free(x.bundle);
    return rc;
}
