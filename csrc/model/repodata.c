/* SPDX-License-Identifier: BSD-3-Clause */
/* Finding records of a repodata.json without parsing them, and parsing those of one name. */
#include "model/repodata.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "model/channel.h"
#include "model/scan.h"

/*
 * Design. A file has up to a million records of half a kB; a solve reads a few thousand. So the scan
 * jumps from one record's brace to its partner and keeps 24 bytes for each. Keys are sorted by file
 * name, so entries of one name mostly follow one another: what is grouped and sorted is runs of
 * them, some tens of thousands, not the entries.
 */

enum entry_kind { OF_PLAIN, OF_V3_CONDA, OF_V3_BZ2 }; /* keys of v3 have no extension */

struct entry {
    const char *key; /* file name, in the bytes or, had it escapes, in the arena */
    const char *object;
    uint32_t object_len;
    uint16_t key_len;
    uint8_t kind;
};

/* Consecutive entries of one name. */
struct run {
    struct cenv_str name; /* lower case */
    uint32_t first, nr;
};

struct cenv_repodata {
    struct cenv_arena arena;
    struct cenv_str bytes;
    struct cenv_repodata_source source; /* spans in the arena */
    struct cenv_record_origin origin;
    struct cenv_str info_subdir, base_url;

    struct entry *entries;
    size_t nr_entries, alloc_entries;
    struct run *runs; /* sorted by name, then first */
    size_t nr_runs, alloc_runs;
    uint32_t *names; /* index of each name's first run; one more at the end */
    size_t nr_names;
    struct cenv_str *removed; /* sorted */
    size_t nr_removed, alloc_removed;
};

/* ---- scanning ---- */

struct scanner {
    struct cenv_scan scan;
    struct cenv_repodata *rd;
    struct cenv_error *err;
};

static int grow(void *block, size_t *alloc, size_t nr, size_t size)
{
    return cenv_grow(block, alloc, nr, size) < 0 ? CENV_ENOMEM : 0;
}

static struct cenv_str entry_key(const struct entry *e)
{
    return cenv_str_n(e->key, e->key_len);
}

/* Past an object or array without looking inside, or past a checked scalar. */
static int jump(struct cenv_scan *s)
{
    char c = cenv_scan_peek(s);
    const char *past;

    if (c != '{' && c != '[')
        return cenv_scan_skip(s);
    past = cenv_scan_close(s->at, s->end);
    if (!past)
        return cenv_scan_fail(s, "the text ends before what opens here is closed");
    s->at = past;
    return 0;
}

/* The name in a file name or v3 key; for want of two '-' the key as a whole. */
static struct cenv_str key_name(struct cenv_str key)
{
    size_t at = cenv_str_rfind(key, '-');
    struct cenv_str head = cenv_str_slice(key, 0, at);
    size_t second = cenv_str_rfind(head, '-');

    return cenv_str_slice(head, 0, second);
}

static int lower(struct cenv_str *name, struct cenv_arena *arena)
{
    char *copy;

    for (size_t i = 0; i < name->len; i++) {
        if (name->data[i] < 'A' || name->data[i] > 'Z')
            continue;
        *name = cenv_arena_str(arena, *name);
        copy = (char *)(uintptr_t)name->data; /* ours, just made */
        if (!copy)
            return CENV_ENOMEM;
        for (; i < name->len; i++)
            copy[i] = (char)(copy[i] + (copy[i] >= 'A' && copy[i] <= 'Z' ? 32 : 0));
    }
    return 0;
}

static int add_to_run(struct cenv_repodata *rd, struct cenv_str key)
{
    struct cenv_str name = key_name(key);
    struct run *last = rd->nr_runs ? &rd->runs[rd->nr_runs - 1] : NULL;
    int rc;

    if (last && cenv_str_eq(last->name, name)) {
        last->nr++;
        return 0;
    }
    rc = lower(&name, &rd->arena);
    if (rc == 0)
        rc = grow(&rd->runs, &rd->alloc_runs, rd->nr_runs, sizeof(*rd->runs));
    if (rc == 0)
        rd->runs[rd->nr_runs++] = (struct run){name, (uint32_t)(rd->nr_entries - 1), 1};
    return rc;
}

static int scan_record(struct scanner *sc, struct cenv_str key, enum entry_kind kind)
{
    struct cenv_repodata *rd = sc->rd;
    const char *object = sc->scan.at;
    int rc = jump(&sc->scan);
    size_t len = (size_t)(sc->scan.at - object);

    if (rc < 0)
        return rc;
    if (key.len > UINT16_MAX || len > UINT32_MAX || rd->nr_entries == UINT32_MAX)
        return cenv_scan_fail(&sc->scan, "a record is too long");
    rc = grow(&rd->entries, &rd->alloc_entries, rd->nr_entries, sizeof(*rd->entries));
    if (rc < 0)
        return rc;
    rd->entries[rd->nr_entries++] = (struct entry){key.data, object, (uint32_t)len,
                                                   (uint16_t)key.len, (uint8_t)kind};
    return add_to_run(rd, key);
}

static int scan_packages(struct scanner *sc, enum entry_kind kind)
{
    struct cenv_str key;
    bool started = false;
    int rc;

    if (cenv_scan_word(&sc->scan, "null"))
        return 0;
    rc = cenv_scan_expect(&sc->scan, '{', "expected an object of records");
    while (rc == 0 &&
           (rc = cenv_scan_member(&sc->scan, &started, &key, &sc->rd->arena)) > 0)
        rc = scan_record(sc, key, kind);
    return rc;
}

/* CEP 48. Wheels and what comes later are not for prefixes of conda packages. */
static int scan_v3(struct scanner *sc)
{
    struct cenv_str key;
    bool started = false;
    int rc = cenv_scan_expect(&sc->scan, '{', "expected an object");

    while (rc == 0 &&
           (rc = cenv_scan_member(&sc->scan, &started, &key, &sc->rd->arena)) > 0)
        rc = cenv_str_is(key, "conda")     ? scan_packages(sc, OF_V3_CONDA)
             : cenv_str_is(key, "tar.bz2") ? scan_packages(sc, OF_V3_BZ2)
                                           : jump(&sc->scan);
    return rc;
}

static int scan_removed(struct scanner *sc)
{
    struct cenv_repodata *rd = sc->rd;
    struct cenv_str fn;
    bool started = false;
    int rc;

    if (cenv_scan_word(&sc->scan, "null"))
        return 0;
    rc = cenv_scan_expect(&sc->scan, '[', "expected a list of file names");
    while (rc == 0 && (rc = cenv_scan_item(&sc->scan, &started)) > 0) {
        rc = cenv_scan_string(&sc->scan, &fn, &rd->arena);
        if (rc == 0)
            rc = grow(&rd->removed, &rd->alloc_removed, rd->nr_removed, sizeof(fn));
        if (rc == 0)
            rd->removed[rd->nr_removed++] = fn;
    }
    return rc;
}

static int scan_version(struct scanner *sc)
{
    uint64_t version = 0;
    int rc;

    if (cenv_scan_word(&sc->scan, "null"))
        return 0;
    rc = cenv_scan_uint(&sc->scan, &version);
    if (rc == 0 && version > 2) {
        cenv_error_set(
            sc->err, CENV_ECHANNEL,
            "%.*s: repodata_version %llu is not known to this program, which "
            "reads 1 and 2",
            CENV_STR_ARG(sc->rd->source.file), (unsigned long long)version);
        return cenv_error_hint(sc->err, "a newer cenv may read this channel");
    }
    return rc;
}

static int scan_info(struct scanner *sc)
{
    struct cenv_repodata *rd = sc->rd;
    struct cenv_str key;
    bool started = false;
    int rc;

    if (cenv_scan_word(&sc->scan, "null"))
        return 0;
    rc = cenv_scan_expect(&sc->scan, '{', "expected an object");
    while (rc == 0 &&
           (rc = cenv_scan_member(&sc->scan, &started, &key, &rd->arena)) > 0) {
        bool text = cenv_scan_peek(&sc->scan) == '"';
        if (text && cenv_str_is(key, "subdir"))
            rc = cenv_scan_string(&sc->scan, &rd->info_subdir, &rd->arena);
        else if (text && cenv_str_is(key, "base_url"))
            rc = cenv_scan_string(&sc->scan, &rd->base_url, &rd->arena);
        else if (cenv_str_is(key, "repodata_version"))
            rc = scan_version(sc);
        else
            rc = cenv_scan_skip(&sc->scan);
    }
    return rc;
}

static int scan_section(struct scanner *sc, struct cenv_str key)
{
    if (cenv_str_is(key, "packages") || cenv_str_is(key, "packages.conda"))
        return scan_packages(sc, OF_PLAIN);
    if (cenv_str_is(key, "v3"))
        return scan_v3(sc);
    if (cenv_str_is(key, "removed"))
        return scan_removed(sc);
    if (cenv_str_is(key, "info"))
        return scan_info(sc);
    if (cenv_str_is(key, "repodata_version"))
        return scan_version(sc);
    return jump(&sc->scan);
}

static int scan_file(struct scanner *sc)
{
    struct cenv_scan *s = &sc->scan;
    struct cenv_str key;
    bool started = false;
    int rc;

    if (s->end - s->at >= 3 && memcmp(s->at, "\xef\xbb\xbf", 3) == 0)
        s->at += 3;
    if (cenv_scan_peek(s) == '\0' && s->at == s->end)
        return 0;
    rc = cenv_scan_expect(s, '{', "repodata is a JSON object");
    while (rc == 0 && (rc = cenv_scan_member(s, &started, &key, &sc->rd->arena)) > 0)
        rc = scan_section(sc, key);
    if (rc == 0 && (cenv_scan_peek(s), s->at != s->end))
        rc = cenv_scan_fail(s, "something follows the repodata");
    return rc;
}

/* ---- after the scan: order, identity ---- */

static int run_cmp(const void *a, const void *b)
{
    const struct run *left = a, *right = b;
    int order = cenv_str_cmp(left->name, right->name);

    return order ? order : (left->first > right->first) - (left->first < right->first);
}

static int str_cmp(const void *a, const void *b)
{
    const struct cenv_str *left = a, *right = b;

    return cenv_str_cmp(*left, *right);
}

static int sort_names(struct cenv_repodata *rd)
{
    size_t nr = 0;

    if (rd->nr_removed)
        qsort(rd->removed, rd->nr_removed, sizeof(*rd->removed), str_cmp);
    if (rd->nr_runs)
        qsort(rd->runs, rd->nr_runs, sizeof(*rd->runs), run_cmp);
    rd->names = cenv_reallocarray(NULL, rd->nr_runs + 1, sizeof(*rd->names));
    if (!rd->names)
        return CENV_ENOMEM;
    for (size_t i = 0; i < rd->nr_runs; i++)
        if (i == 0 || !cenv_str_eq(rd->runs[i].name, rd->runs[i - 1].name))
            rd->names[nr++] = (uint32_t)i;
    rd->names[nr] = (uint32_t)rd->nr_runs;
    rd->nr_names = nr;
    return 0;
}

/* The directory the file lies in. */
static void add_directory(const struct cenv_repodata *rd, struct cenv_buf *out)
{
    if (rd->source.url.len || !rd->source.channel_url.len) {
        cenv_buf_add_str(out, rd->source.url);
        return;
    }
    cenv_buf_add_str(out, rd->source.channel_url);
    cenv_buf_putc(out, '/');
    cenv_buf_add_str(out, rd->origin.subdir);
}

/* Where packages lie: base_url seen from that directory, with a slash at its end. */
static int resolve_base(struct cenv_repodata *rd)
{
    struct cenv_buf directory, url;
    int rc = 0;

    cenv_buf_init(&directory, 1 << 16);
    cenv_buf_init(&url, 1 << 17);
    add_directory(rd, &directory);
    if (directory.len || rd->base_url.len)
        cenv_url_join(&url, cenv_buf_str(&directory), rd->base_url);
    if (url.len && url.data[url.len - 1] != '/')
        cenv_buf_putc(&url, '/');
    if (directory.failed || url.failed)
        rc = CENV_ENOMEM;
    if (rc == 0 && url.len) {
        rd->origin.base_url = cenv_arena_str(&rd->arena, cenv_buf_str(&url));
        rc = rd->origin.base_url.data ? 0 : CENV_ENOMEM;
    }
    cenv_buf_release(&url);
    cenv_buf_release(&directory);
    return rc;
}

static int check_identity(struct cenv_repodata *rd, struct cenv_error *err)
{
    const struct cenv_repodata_source *source = &rd->source;
    struct cenv_url parts;

    if (source->subdir.len && rd->info_subdir.len &&
        !cenv_str_eq(source->subdir, rd->info_subdir))
        return cenv_error_set(err, CENV_ECHANNEL,
                              "%.*s: this is the repodata of %.*s, not of %.*s",
                              CENV_STR_ARG(source->file), CENV_STR_ARG(rd->info_subdir),
                              CENV_STR_ARG(source->subdir));
    if (cenv_url_split(&parts, rd->base_url) && (parts.auth.len || parts.token.len))
        return cenv_error_set(err, CENV_ECHANNEL,
                              "%.*s: base_url has credentials in it",
                              CENV_STR_ARG(source->file));
    rd->origin = (struct cenv_record_origin){
        .subdir = source->subdir.len ? source->subdir : rd->info_subdir,
        .channel = source->channel,
        .channel_url = source->channel_url,
        .channel_rank = source->channel_rank,
    };
    return resolve_base(rd);
}

static int copy_source(struct cenv_repodata *rd,
                       const struct cenv_repodata_source *source)
{
    struct cenv_str *spans[] = {&rd->source.file, &rd->source.subdir,
                                &rd->source.channel, &rd->source.channel_url,
                                &rd->source.url};

    rd->source = *source;
    for (size_t i = 0; i < sizeof(spans) / sizeof(spans[0]); i++) {
        *spans[i] = cenv_arena_str(&rd->arena, *spans[i]);
        if (!spans[i]->data)
            return CENV_ENOMEM;
    }
    return 0;
}

/* Turns the scan's failure into a message. */
static int report(const struct scanner *sc, int rc, struct cenv_error *err)
{
    const struct cenv_repodata *rd = sc->rd;

    if (rc == CENV_ENOMEM)
        return cenv_error_oom(err);
    if (rc == CENV_EINTEGRITY && sc->scan.why) {
        cenv_error_set(
            err, rc, "%.*s: byte %zu of %zu: %s", CENV_STR_ARG(rd->source.file),
            (size_t)(sc->scan.at - rd->bytes.data), rd->bytes.len, sc->scan.why);
        return cenv_error_hint(err,
                               "the file is damaged or incomplete: fetch it again");
    }
    return rc;
}

int cenv_repodata_scan(struct cenv_repodata **out, struct cenv_str bytes,
                       const struct cenv_repodata_source *source,
                       struct cenv_error *err)
{
    struct cenv_repodata *rd = cenv_calloc(1, sizeof(*rd));
    struct scanner sc = {.rd = rd, .err = err};
    int rc;

    if (!rd)
        return cenv_error_oom(err);
    cenv_arena_init(&rd->arena);
    rd->bytes = bytes;
    sc.scan.at = bytes.data;
    sc.scan.end = bytes.data + bytes.len;
    rc = copy_source(rd, source);
    if (rc == 0)
        rc = scan_file(&sc);
    if (rc == 0)
        rc = check_identity(rd, err);
    if (rc == 0)
        rc = sort_names(rd);
    if (rc < 0) {
        rc = report(&sc, rc, err);
        cenv_repodata_free(rd);
        return rc;
    }
    *out = rd;
    return 0;
}

void cenv_repodata_free(struct cenv_repodata *rd)
{
    if (!rd)
        return;
    cenv_free(rd->entries);
    cenv_free(rd->runs);
    cenv_free(rd->names);
    cenv_free(rd->removed);
    cenv_arena_release(&rd->arena);
    cenv_free(rd);
}

/* ---- reading ---- */

size_t cenv_repodata_nr_names(const struct cenv_repodata *rd)
{
    return rd->nr_names;
}

struct cenv_str cenv_repodata_name(const struct cenv_repodata *rd, size_t index)
{
    return rd->runs[rd->names[index]].name;
}

size_t cenv_repodata_nr_entries(const struct cenv_repodata *rd)
{
    return rd->nr_entries;
}

const struct cenv_record_origin *cenv_repodata_origin(const struct cenv_repodata *rd)
{
    return &rd->origin;
}

/* An entry that may be a candidate. */
struct candidate {
    struct cenv_str stem, ext, fn;
    const struct entry *entry;
};

static bool is_removed(const struct cenv_repodata *rd, struct cenv_str fn)
{
    return rd->nr_removed &&
           bsearch(&fn, rd->removed, rd->nr_removed, sizeof(fn), str_cmp);
}

/* By stem; then .conda first; then v3, which says more; then what comes later in the file. */
static int candidate_cmp(const void *a, const void *b)
{
    const struct candidate *left = a, *right = b;
    int order = cenv_str_cmp(left->stem, right->stem);

    if (order == 0)
        order = cenv_str_cmp(left->ext, right->ext); /* ".conda" < ".tar.bz2" */
    if (order == 0)
        order = (right->entry->kind != OF_PLAIN) - (left->entry->kind != OF_PLAIN);
    return order ? order : (right->entry > left->entry) - (right->entry < left->entry);
}

static int make_candidate(struct candidate *out, const struct entry *e,
                          struct cenv_arena *arena)
{
    static const struct cenv_str exts[] = {{".conda", 6}, {".tar.bz2", 8}};
    struct cenv_str key = entry_key(e);
    char *fn;

    *out = (struct candidate){.stem = key, .fn = key, .entry = e};
    if (e->kind == OF_PLAIN) {
        for (size_t i = 0; i < 2 && !out->ext.len; i++)
            if (cenv_str_ends(key, exts[i]))
                out->ext = exts[i];
        out->stem.len -= out->ext.len;
        return 0;
    }
    out->ext = exts[e->kind == OF_V3_BZ2];
    fn = cenv_arena_alloc(arena, key.len + out->ext.len);
    if (!fn)
        return CENV_ENOMEM;
    memcpy(fn, key.data, key.len);
    memcpy(fn + key.len, out->ext.data, out->ext.len);
    out->fn = cenv_str_n(fn, key.len + out->ext.len);
    return 0;
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
    struct cenv_error
        why; /* of the record at hand; kept here since it is large to clear */
};

static int collect(struct visit *v, const struct run *first, const struct run *end)
{
    size_t total = 0;
    int rc;

    for (const struct run *run = first; run < end; run++)
        total += run->nr;
    v->candidates = cenv_reallocarray(NULL, total, sizeof(*v->candidates));
    if (!v->candidates)
        return CENV_ENOMEM;
    for (const struct run *run = first; run < end; run++)
        for (uint32_t i = 0; i < run->nr; i++) {
            struct candidate *c = &v->candidates[v->nr];
            rc = make_candidate(c, &v->rd->entries[run->first + i], v->arena);
            if (rc < 0)
                return rc;
            v->nr += !is_removed(v->rd, c->fn);
        }
    if (v->nr)
        qsort(v->candidates, v->nr, sizeof(*v->candidates), candidate_cmp);
    return 0;
}

static int add_skip(struct visit *v, struct cenv_str fn)
{
    struct cenv_skip *skip;

    if (!v->skips)
        return 0;
    skip = cenv_arena_calloc(v->arena, 1, sizeof(*skip));
    if (!skip)
        return CENV_ENOMEM;
    skip->fn = fn;
    skip->reason = cenv_arena_str(v->arena, cenv_str(v->why.message));
    if (!skip->reason.data)
        return CENV_ENOMEM;
    if (v->skips->last)
        v->skips->last->next = skip;
    else
        v->skips->first = skip;
    v->skips->last = skip;
    v->skips->nr++;
    return 0;
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
    struct cenv_str object = cenv_str_n(c->entry->object, c->entry->object_len);
    int rc =
        cenv_record_parse(record, object, c->fn, &v->rd->origin, v->arena, &v->why);

    if (rc == 0)
        rc = check_candidate(v, c, record, &v->why);
    if (rc == CENV_EINTEGRITY)
        rc = add_skip(v, c->fn) < 0 ? CENV_ENOMEM : 1;
    if (v->why.status)
        cenv_error_release(&v->why);
    return rc;
}

/* conda lets a .conda record say what its .tar.bz2 twin is, for tools that read only that. */
static void inherit(struct visit *v, struct cenv_record *record,
                    const struct candidate *twin)
{
    struct cenv_record old;

    if (record->legacy_bz2_md5.len)
        return;
    if (cenv_record_parse(&old,
                          cenv_str_n(twin->entry->object, twin->entry->object_len),
                          twin->fn, &v->rd->origin, v->arena, &v->why) == 0) {
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
        inherit(v, &record, &twins[nr - 1]);
    return v->fn(v->ctx, &record, err);
}

/* The first run whose name is not less than `name`, as an index into names. */
static size_t find_name(const struct cenv_repodata *rd, struct cenv_str name)
{
    size_t low = 0, high = rd->nr_names;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (cenv_str_cmp(cenv_repodata_name(rd, middle), name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
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
    size_t at = find_name(rd, name), next;
    int rc;

    if (at == rd->nr_names || !cenv_str_eq(cenv_repodata_name(rd, at), name))
        return 0;
    rc = collect(&v, &rd->runs[rd->names[at]], &rd->runs[rd->names[at + 1]]);
    if (rc < 0)
        rc = cenv_error_oom(err);
    for (at = 0; rc == 0 && at < v.nr; at = next) {
        for (next = at + 1; next < v.nr; next++)
            if (!cenv_str_eq(v.candidates[at].stem, v.candidates[next].stem))
                break;
        rc = visit_twins(&v, &v.candidates[at], next - at, err);
    }
    cenv_free(v.candidates);
    return rc;
}
