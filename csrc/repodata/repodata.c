/* SPDX-License-Identifier: BSD-3-Clause */
/* Reading scanned repodata: names by binary search, the records of one name parsed on demand. */
#include "repodata/repodata.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "repodata/repodata_table.h"

void cenv_repodata_free(struct cenv_repodata *rd)
{
    if (!rd)
        return;
    for (size_t i = 0; i < sizeof(rd->owned) / sizeof(rd->owned[0]); i++)
        cenv_free(rd->owned[i]);
    cenv_buf_release(&rd->strings);
    cenv_arena_release(&rd->arena);
    cenv_free(rd);
}

/* ---- reading ---- */

size_t cenv_repodata_nr_names(const struct cenv_repodata *rd)
{
    return rd->t.nr_names;
}

struct cenv_str cenv_repodata_name(const struct cenv_repodata *rd, size_t index)
{
    return cenv_repodata_table_str(rd, rd->t.runs[rd->t.names[index]].name);
}

size_t cenv_repodata_nr_entries(const struct cenv_repodata *rd)
{
    return rd->t.nr_entries;
}

const struct cenv_record_origin *cenv_repodata_origin(const struct cenv_repodata *rd)
{
    return &rd->origin;
}

struct cenv_str cenv_repodata_relations(const struct cenv_repodata *rd)
{
    return cenv_repodata_table_str(rd, rd->t.relations);
}

/* An entry that may be a candidate. */
struct candidate {
    struct cenv_str stem, ext, fn, object;
    const struct cenv_repodata_entry *entry;
};

/* A part of the file: `data` stands at `at`. */
struct window {
    const char *data;
    uint64_t at;
};

static bool is_removed(const struct cenv_repodata *rd, struct cenv_str fn)
{
    size_t low = 0, high = rd->t.nr_removed;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order =
            cenv_str_cmp(cenv_repodata_table_str(rd, rd->t.removed[middle]), fn);
        if (order == 0)
            return true;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

/* Sorts by stem, then .conda first, then v3 first, which says more, then what comes later in the
 * file first. */
static int candidate_cmp(const void *a, const void *b)
{
    const struct candidate *left = a, *right = b;
    int order = cenv_str_cmp(left->stem, right->stem);

    if (order == 0)
        order = cenv_str_cmp(left->ext, right->ext); /* ".conda" < ".tar.bz2" */
    if (order == 0)
        order = (right->entry->kind != CENV_REPODATA_PLAIN) -
                (left->entry->kind != CENV_REPODATA_PLAIN);
    return order ? order : (right->entry > left->entry) - (right->entry < left->entry);
}

static struct cenv_str key_of(const struct cenv_repodata *rd,
                              const struct cenv_repodata_entry *e,
                              const struct window *w)
{
    uint64_t file = rd->reader.len;

    return e->key < file ? cenv_str_n(w->data + (e->key - w->at), e->key_len)
                         : cenv_str_n(rd->t.strings.data + (e->key - file), e->key_len);
}

/* Keys of v3 lack the extension. */
static bool add_extension(struct candidate *c, struct cenv_str ext,
                          struct cenv_arena *arena)
{
    char *fn = cenv_arena_alloc(arena, c->stem.len + ext.len);

    if (!fn)
        return false;
    memcpy(fn, c->stem.data, c->stem.len);
    memcpy(fn + c->stem.len, ext.data, ext.len);
    c->fn = cenv_str_n(fn, c->stem.len + ext.len);
    c->ext = ext;
    return true;
}

static bool make_candidate(struct candidate *out, const struct cenv_repodata *rd,
                           const struct cenv_repodata_entry *e, const struct window *w,
                           struct cenv_arena *arena)
{
    static const struct cenv_str exts[] = {{".conda", 6}, {".tar.bz2", 8}};
    struct cenv_str key = key_of(rd, e, w);

    *out = (struct candidate){.stem = key, .fn = key, .entry = e};
    out->object = cenv_str_n(w->data + (e->object - w->at), e->object_len);
    if (e->kind != CENV_REPODATA_PLAIN)
        return add_extension(out, exts[e->kind == CENV_REPODATA_V3_BZ2], arena);
    for (size_t i = 0; i < 2 && !out->ext.len; i++)
        if (cenv_str_ends(key, exts[i]))
            out->ext = exts[i];
    out->stem.len -= out->ext.len;
    return true;
}

struct visit {
    const struct cenv_repodata *rd;
    struct cenv_str name;
    struct cenv_arena *arena;
    struct cenv_skips *skips;
    cenv_record_fn fn;
    void *ctx;
    struct candidate *candidates;
    size_t nr;
    const struct cenv_version *version; /* of the record visited last, or NULL */
    struct cenv_error why; /* of the record at hand; here since it is large to clear */
};

/* The bytes `at` .. `at` + `len` - 1 of the file; 0 or a status, without a message. */
static int read_bytes(const struct cenv_repodata *rd, uint64_t at, uint64_t len,
                      struct cenv_arena *arena, struct cenv_str *out)
{
    char *data;

    if (len > rd->reader.len || at > rd->reader.len - len)
        return CENV_EINTEGRITY;
    if (rd->bytes.data) {
        *out = cenv_str_n(rd->bytes.data + at, len);
        return 0;
    }
    data = cenv_arena_alloc(arena, len);
    if (!data)
        return CENV_ENOMEM;
    *out = cenv_str_n(data, len);
    return rd->reader.read(rd->reader.ctx, at, data, len) ? 0 : CENV_EINTEGRITY;
}

/* The text of a run: of the mapped file, or read in one piece. */
static int open_window(struct visit *v, const struct cenv_repodata_run *run,
                       struct window *out)
{
    const struct cenv_repodata *rd = v->rd;
    const struct cenv_repodata_entry *first = &rd->t.entries[run->first];
    const struct cenv_repodata_entry *last = &first[run->nr - 1];
    uint64_t from = first->key < rd->reader.len ? first->key : first->object;
    uint64_t len = (uint64_t)last->object + last->object_len - from;
    struct cenv_str text;
    int rc;

    if (rd->bytes.data) {
        *out = (struct window){rd->bytes.data, 0};
        return 0;
    }
    rc = read_bytes(rd, from, len, v->arena, &text);
    if (rc == 0)
        *out = (struct window){text.data, from};
    return rc;
}

static bool is_wanted(const struct cenv_repodata *rd, const struct candidate *c)
{
    return !rd->source.only_tar_bz2 || cenv_str_is(c->ext, ".tar.bz2");
}

static int collect_run(struct visit *v, const struct cenv_repodata_run *run)
{
    struct window window;
    int rc = open_window(v, run, &window);

    for (uint32_t i = 0; rc == 0 && i < run->nr; i++) {
        struct candidate *c = &v->candidates[v->nr];
        if (!make_candidate(c, v->rd, &v->rd->t.entries[run->first + i], &window,
                            v->arena))
            return CENV_ENOMEM;
        v->nr += !is_removed(v->rd, c->fn) && is_wanted(v->rd, c);
    }
    return rc;
}

static int collect_candidates(struct visit *v, const struct cenv_repodata_run *first,
                              const struct cenv_repodata_run *end)
{
    size_t total = 0;
    int rc = 0;

    for (const struct cenv_repodata_run *run = first; run < end; run++)
        total += run->nr;
    v->candidates = cenv_reallocarray(NULL, total, sizeof(*v->candidates));
    if (!v->candidates)
        return CENV_ENOMEM;
    for (const struct cenv_repodata_run *run = first; rc == 0 && run < end; run++)
        rc = collect_run(v, run);
    if (rc == 0 && v->nr)
        qsort(v->candidates, v->nr, sizeof(*v->candidates), candidate_cmp);
    return rc;
}

static bool add_skip(struct visit *v, struct cenv_str fn)
{
    struct cenv_skip *skip;

    if (!v->skips)
        return true;
    skip = cenv_arena_calloc(v->arena, 1, sizeof(*skip));
    if (!skip)
        return false;
    skip->fn = fn;
    skip->reason = cenv_arena_str(v->arena, cenv_str(v->why.message));
    if (!skip->reason.data)
        return false;
    if (v->skips->last)
        v->skips->last->next = skip;
    else
        v->skips->first = skip;
    v->skips->last = skip;
    v->skips->nr++;
    return true;
}

static int check_candidate(const struct visit *v, const struct candidate *c,
                           const struct cenv_record *record, struct cenv_error *err)
{
    if (!c->ext.len)
        return cenv_error_set(err, CENV_EINTEGRITY,
                              "its file name ends neither in .conda nor in .tar.bz2");
    if (!cenv_str_eq(record->name, v->name))
        return cenv_error_set(err, CENV_EINTEGRITY,
                              "its name is \"%.*s\", which its file name denies",
                              CENV_STR_ARG(record->name));
    return 0;
}

/* Parses one candidate; 1: skipped with its reason kept. */
static int read_candidate(struct visit *v, const struct candidate *c,
                          struct cenv_record *record)
{
    int rc = cenv_record_parse_after(record, c->object, c->fn, &v->rd->origin,
                                     v->version, v->arena, &v->why);

    if (rc == 0)
        rc = check_candidate(v, c, record, &v->why);
    if (rc == CENV_EINTEGRITY)
        rc = add_skip(v, c->fn) ? 1 : CENV_ENOMEM;
    if (v->why.status)
        cenv_error_release(&v->why);
    return rc;
}

/* conda lets a .conda record say what its .tar.bz2 twin is, for tools that read only that. */
static void inherit_legacy(struct visit *v, struct cenv_record *record,
                           const struct candidate *twin)
{
    struct cenv_record old;

    if (record->legacy_bz2_md5.len)
        return;
    if (cenv_record_parse(&old, twin->object, twin->fn, &v->rd->origin, v->arena,
                          &v->why) == 0) {
        record->legacy_bz2_md5 = old.md5;
        record->legacy_bz2_size = old.size;
    }
    if (v->why.status)
        cenv_error_release(&v->why);
}

/* Visits the best readable of candidates[0 .. nr-1], which have one stem. */
static int visit_twins(struct visit *v, const struct candidate *twins, size_t nr,
                       struct cenv_error *err)
{
    struct cenv_record record;
    size_t used = 0;
    int rc = 1;

    for (; used < nr; used++) {
        if (used && cenv_str_eq(twins[used].fn, twins[used - 1].fn))
            continue; /* listed twice */
        rc = read_candidate(v, &twins[used], &record);
        if (rc <= 0)
            break;
    }
    if (rc < 0)
        return cenv_error_oom(err);
    if (rc > 0)
        return 0;
    if (twins[nr - 1].ext.len > twins[used].ext.len)
        inherit_legacy(v, &record, &twins[nr - 1]);
    v->version = record.parsed;
    record.raw_at = twins[used].entry->object;
    return v->fn(v->ctx, &record, err);
}

/* The first run whose name is not less than `name`, as an index into names. */
static size_t find_name(const struct cenv_repodata *rd, struct cenv_str name)
{
    size_t low = 0, high = rd->t.nr_names;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (cenv_str_cmp(cenv_repodata_name(rd, middle), name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

size_t cenv_repodata_find(const struct cenv_repodata *rd, struct cenv_str name)
{
    size_t at = find_name(rd, name);
    bool there = at < rd->t.nr_names && cenv_str_eq(cenv_repodata_name(rd, at), name);

    return there ? at : SIZE_MAX;
}

static int fail_read(const struct cenv_repodata *rd, int rc, struct cenv_error *err)
{
    if (rc == CENV_ENOMEM)
        return cenv_error_oom(err);
    cenv_error_set(err, rc, "%.*s: it cannot be read any more",
                   CENV_STR_ARG(rd->source.file));
    return cenv_error_hint(err, "it was changed while in use: try again");
}

int cenv_repodata_records(const struct cenv_repodata *rd, struct cenv_str name,
                          struct cenv_arena *arena, struct cenv_skips *skips,
                          cenv_record_fn visit, void *ctx, struct cenv_error *err)
{
    struct visit v = {.rd = rd,
                      .name = name,
                      .arena = arena,
                      .skips = skips,
                      .fn = visit,
                      .ctx = ctx};
    size_t at = cenv_repodata_find(rd, name), next;
    int rc;

    if (at == SIZE_MAX)
        return 0;
    rc = collect_candidates(&v, &rd->t.runs[rd->t.names[at]],
                            &rd->t.runs[rd->t.names[at + 1]]);
    if (rc < 0)
        rc = fail_read(rd, rc, err);
    for (at = 0; rc == 0 && at < v.nr; at = next) {
        for (next = at + 1; next < v.nr; next++)
            if (!cenv_str_eq(v.candidates[at].stem, v.candidates[next].stem))
                break;
        rc = visit_twins(&v, &v.candidates[at], next - at, err);
    }
    cenv_free(v.candidates);
    return rc;
}

int cenv_repodata_complete(const struct cenv_repodata *rd,
                           const struct cenv_record *record, struct cenv_arena *arena,
                           struct cenv_record *out, struct cenv_error *err)
{
    struct cenv_record full;
    struct cenv_str object;
    int rc;

    if (!cenv_repodata_is_partial(record)) {
        *out = *record;
        return 0;
    }
    rc = read_bytes(rd, record->raw_at, record->raw.len, arena, &object);
    if (rc < 0)
        return fail_read(rd, rc, err);
    rc = cenv_record_parse(&full, object, record->fn, &rd->origin, arena, err);
    if (rc < 0)
        return rc;
    if (!cenv_str_eq(full.name, record->name) ||
        !cenv_str_eq(full.build, record->build) ||
        !cenv_str_eq(full.version, record->version))
        return fail_read(rd, CENV_EINTEGRITY, err);
    *out = full;
    out->raw_at = record->raw_at;
    return 0;
}
