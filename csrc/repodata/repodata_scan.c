/* SPDX-License-Identifier: BSD-3-Clause */
/* Finding the records of a repodata.json without parsing them: see repodata_scan.h. */
#include "repodata/repodata_scan.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "codec/json_scan.h"
#include "repodata/repodata_table.h"

/*
 * Design. A file has up to a million records of half a kB; a solve reads a few thousand. So the
 * scan jumps from one record's brace to its partner and keeps 16 bytes for each. Keys are sorted
 * by file name, so entries of one name mostly follow one another: what is grouped and sorted is
 * runs of them, some tens of thousands, not the entries.
 */

/* A run while scanning; `name` is where it can be compared, once all of them are known. */
struct run {
    struct cenv_repodata_text kept; /* lower case, in the strings */
    struct cenv_str name;
    uint32_t first, nr;
};

/* The bytes read between two calls of the source's `passed`. */
static const size_t STRIDE = 4 << 20;

struct scanner {
    struct cenv_json_scan scan;
    struct cenv_repodata *rd;
    struct cenv_error *err;
    struct cenv_repodata_entry *entries;
    struct run *runs;
    struct cenv_str *removed;
    size_t nr_entries, nr_runs, nr_removed;
    size_t alloc_entries, alloc_runs, alloc_removed;
    size_t section;     /* its first entry: no run crosses into the next section */
    const char *passed; /* before it all has been let go */
    struct cenv_str subdir, base_url, relations;
};

static int grow_array(void *block, size_t *alloc, size_t nr, size_t size)
{
    return cenv_grow(block, alloc, nr, size) ? 0 : CENV_ENOMEM;
}

/* Appends `text` to the strings. */
static int keep_string(struct scanner *sc, struct cenv_str text,
                       struct cenv_repodata_text *out)
{
    struct cenv_buf *strings = &sc->rd->strings;

    *out = (struct cenv_repodata_text){(uint32_t)strings->len, (uint32_t)text.len};
    return cenv_buf_add_str(strings, text) ? 0 : CENV_ENOMEM;
}

/* The place of a key: where it stands in the file, or in the strings when it had escapes. */
static int place_key(struct scanner *sc, struct cenv_str key, uint32_t *at)
{
    const char *start = sc->rd->bytes.data;
    struct cenv_repodata_text kept;

    if (key.data >= start && key.data < start + sc->rd->bytes.len) {
        *at = (uint32_t)(key.data - start);
        return 0;
    }
    if (keep_string(sc, key, &kept) < 0)
        return CENV_ENOMEM;
    *at = (uint32_t)sc->rd->bytes.len + kept.at;
    return 0;
}

/* Goes past an object or array without a look inside, or past a checked scalar. */
static int skip_value(struct cenv_json_scan *s)
{
    char c = cenv_json_scan_peek(s);
    const char *past;

    if (c != '{' && c != '[')
        return cenv_json_scan_skip(s);
    past = cenv_json_scan_close(s->at, s->end);
    if (!past)
        return cenv_json_scan_fail(s, "the text ends before what opens here is closed");
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

/* Keeps the name in lower case. */
static int keep_lower(struct scanner *sc, struct cenv_str name,
                      struct cenv_repodata_text *out)
{
    char *copy;
    int rc = keep_string(sc, name, out);

    copy = rc < 0 ? NULL : sc->rd->strings.data + out->at;
    for (size_t i = 0; rc == 0 && i < name.len; i++)
        if (copy[i] >= 'A' && copy[i] <= 'Z')
            copy[i] = (char)(copy[i] + 32);
    return rc;
}

/* Makes names comparable, once the strings do not move any more. */
static void locate_names(struct scanner *sc)
{
    for (size_t i = 0; i < sc->nr_runs; i++) {
        struct cenv_repodata_text kept = sc->runs[i].kept;
        sc->runs[i].name = cenv_str_n(sc->rd->strings.data + kept.at, kept.len);
    }
}

/* The key's name is the one of this run, which is in lower case. */
static bool is_name_of(const struct scanner *sc, const struct run *run,
                       struct cenv_str name)
{
    struct cenv_str own = cenv_buf_str(&sc->rd->strings);

    return cenv_str_eq(cenv_str_slice(own, run->kept.at, run->kept.at + run->kept.len),
                       name);
}

static int add_to_run(struct scanner *sc, struct cenv_str key)
{
    struct cenv_str name = key_name(key);
    struct run *last = sc->nr_runs ? &sc->runs[sc->nr_runs - 1] : NULL;
    struct run run = {.first = (uint32_t)(sc->nr_entries - 1), .nr = 1};
    int rc;

    if (last && last->first >= sc->section && is_name_of(sc, last, name)) {
        last->nr++;
        return 0;
    }
    rc = keep_lower(sc, name, &run.kept);
    if (rc == 0)
        rc = grow_array(&sc->runs, &sc->alloc_runs, sc->nr_runs, sizeof(*sc->runs));
    if (rc == 0)
        sc->runs[sc->nr_runs++] = run;
    return rc;
}

static int scan_record(struct scanner *sc, struct cenv_str key,
                       enum cenv_repodata_kind kind)
{
    const char *object = sc->scan.at;
    uint32_t at;
    int rc = skip_value(&sc->scan);

    if (rc < 0)
        return rc;
    if (key.len > UINT16_MAX || sc->nr_entries == UINT32_MAX - 1)
        return cenv_json_scan_fail(&sc->scan, "a file name is too long");
    rc = place_key(sc, key, &at);
    if (rc == 0)
        rc = grow_array(&sc->entries, &sc->alloc_entries, sc->nr_entries,
                        sizeof(*sc->entries));
    if (rc < 0)
        return rc;
    sc->entries[sc->nr_entries++] = (struct cenv_repodata_entry){
        .key = at,
        .key_len = (uint16_t)key.len,
        .object = (uint32_t)(object - sc->rd->bytes.data),
        .object_len = (uint32_t)(sc->scan.at - object),
        .kind = (uint8_t)kind,
    };
    return add_to_run(sc, key);
}

static int pass_bytes(struct scanner *sc)
{
    const struct cenv_repodata_source *source = &sc->rd->source;
    const char *from = sc->passed;
    size_t len = (size_t)(sc->scan.at - from);

    if (len < STRIDE || !source->passed)
        return 0;
    sc->passed = sc->scan.at;
    return source->passed(source->ctx, from, len, sc->err);
}

static int scan_packages(struct scanner *sc, enum cenv_repodata_kind kind)
{
    struct cenv_str key;
    bool started = false;
    int rc;

    if (cenv_json_scan_word(&sc->scan, "null"))
        return 0;
    sc->section = sc->nr_entries;
    rc = cenv_json_scan_expect(&sc->scan, '{', "expected an object of records");
    while (rc == 0 && (rc = cenv_json_scan_member(&sc->scan, &started, &key,
                                                  &sc->rd->arena)) > 0) {
        rc = scan_record(sc, key, kind);
        if (rc == 0)
            rc = pass_bytes(sc);
    }
    return rc;
}

/* CEP 48. Wheels and what comes later are not for prefixes of conda packages. */
static int scan_v3(struct scanner *sc)
{
    struct cenv_str key;
    bool started = false;
    int rc = cenv_json_scan_expect(&sc->scan, '{', "expected an object");

    while (rc == 0 &&
           (rc = cenv_json_scan_member(&sc->scan, &started, &key, &sc->rd->arena)) > 0)
        rc = cenv_str_is(key, "conda")     ? scan_packages(sc, CENV_REPODATA_V3_CONDA)
             : cenv_str_is(key, "tar.bz2") ? scan_packages(sc, CENV_REPODATA_V3_BZ2)
                                           : skip_value(&sc->scan);
    return rc;
}

static int scan_removed(struct scanner *sc)
{
    struct cenv_str fn;
    bool started = false;
    int rc;

    if (cenv_json_scan_word(&sc->scan, "null"))
        return 0;
    rc = cenv_json_scan_expect(&sc->scan, '[', "expected a list of file names");
    while (rc == 0 && (rc = cenv_json_scan_item(&sc->scan, &started)) > 0) {
        rc = cenv_json_scan_string(&sc->scan, &fn, &sc->rd->arena);
        if (rc == 0)
            rc = grow_array(&sc->removed, &sc->alloc_removed, sc->nr_removed,
                            sizeof(fn));
        if (rc == 0)
            sc->removed[sc->nr_removed++] = fn;
    }
    return rc;
}

static int scan_version(struct scanner *sc)
{
    uint64_t version = 0;
    int rc;

    if (cenv_json_scan_word(&sc->scan, "null"))
        return 0;
    rc = cenv_json_scan_uint(&sc->scan, &version);
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

/* Kept as it stands: only who follows it needs it to make sense (relations.h). */
static int scan_relations(struct scanner *sc)
{
    cenv_json_scan_peek(&sc->scan);
    const char *start = sc->scan.at;
    int rc = cenv_json_scan_skip(&sc->scan);

    sc->relations = cenv_str_n(start, (size_t)(sc->scan.at - start));
    return rc;
}

static int scan_info(struct scanner *sc)
{
    struct cenv_str key;
    bool started = false;
    int rc;

    if (cenv_json_scan_word(&sc->scan, "null"))
        return 0;
    rc = cenv_json_scan_expect(&sc->scan, '{', "expected an object");
    while (rc == 0 && (rc = cenv_json_scan_member(&sc->scan, &started, &key,
                                                  &sc->rd->arena)) > 0) {
        bool text = cenv_json_scan_peek(&sc->scan) == '"';
        if (text && cenv_str_is(key, "subdir"))
            rc = cenv_json_scan_string(&sc->scan, &sc->subdir, &sc->rd->arena);
        else if (text && cenv_str_is(key, "base_url"))
            rc = cenv_json_scan_string(&sc->scan, &sc->base_url, &sc->rd->arena);
        else if (cenv_str_is(key, "repodata_version"))
            rc = scan_version(sc);
        else if (cenv_str_is(key, "channel_relations"))
            rc = scan_relations(sc);
        else
            rc = cenv_json_scan_skip(&sc->scan);
    }
    return rc;
}

static int scan_section(struct scanner *sc, struct cenv_str key)
{
    if (cenv_str_is(key, "packages") || cenv_str_is(key, "packages.conda"))
        return scan_packages(sc, CENV_REPODATA_PLAIN);
    if (cenv_str_is(key, "v3"))
        return scan_v3(sc);
    if (cenv_str_is(key, "removed"))
        return scan_removed(sc);
    if (cenv_str_is(key, "info"))
        return scan_info(sc);
    if (cenv_str_is(key, "repodata_version"))
        return scan_version(sc);
    return skip_value(&sc->scan);
}

static int scan_file(struct scanner *sc)
{
    struct cenv_json_scan *s = &sc->scan;
    struct cenv_str key;
    bool started = false;
    int rc;

    if (s->end - s->at >= 3 && memcmp(s->at, "\xef\xbb\xbf", 3) == 0)
        s->at += 3;
    if (cenv_json_scan_peek(s) == '\0' && s->at == s->end)
        return 0;
    rc = cenv_json_scan_expect(s, '{', "repodata is a JSON object");
    while (rc == 0 &&
           (rc = cenv_json_scan_member(s, &started, &key, &sc->rd->arena)) > 0)
        rc = scan_section(sc, key);
    if (rc == 0 && (cenv_json_scan_peek(s), s->at != s->end))
        rc = cenv_json_scan_fail(s, "something follows the repodata");
    return rc;
}

/* ---- from what was found to tables without pointers ---- */

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

static int make_removed(struct scanner *sc, struct cenv_repodata_text *removed)
{
    int rc = 0;

    if (sc->nr_removed)
        qsort(sc->removed, sc->nr_removed, sizeof(*sc->removed), str_cmp);
    for (size_t i = 0; rc == 0 && i < sc->nr_removed; i++)
        rc = keep_string(sc, sc->removed[i], &removed[i]);
    return rc;
}

/* Sorts the runs, and sets where each name begins among them, and nr_names. */
static void make_runs(struct scanner *sc, struct cenv_repodata_run *runs,
                      uint32_t *names)
{
    uint32_t nr = 0;

    locate_names(sc);
    if (sc->nr_runs)
        qsort(sc->runs, sc->nr_runs, sizeof(*sc->runs), run_cmp);
    for (size_t i = 0; i < sc->nr_runs; i++) {
        const struct run *run = &sc->runs[i];
        runs[i] = (struct cenv_repodata_run){.name = run->kept, run->first, run->nr};
        if (i && cenv_str_eq(run->name, run[-1].name))
            runs[i].name = runs[i - 1].name;
        else
            names[nr++] = (uint32_t)i;
    }
    names[nr] = (uint32_t)sc->nr_runs;
    sc->rd->t.nr_names = nr;
}

static int make_tables(struct scanner *sc)
{
    struct cenv_repodata *rd = sc->rd;
    struct cenv_repodata_run *runs = cenv_calloc(sc->nr_runs + 1, sizeof(*runs));
    struct cenv_repodata_text *removed =
        cenv_calloc(sc->nr_removed + 1, sizeof(*removed));
    uint32_t *names = cenv_calloc(sc->nr_runs + 1, sizeof(*names));
    int rc = runs && removed && names ? 0 : CENV_ENOMEM;

    rd->owned[0] = sc->entries;
    rd->owned[1] = runs;
    rd->owned[2] = removed;
    rd->owned[3] = names;
    sc->entries = NULL;
    if (rc == 0)
        rc = make_removed(sc, removed);
    if (rc == 0)
        make_runs(sc, runs, names);
    if (rc == 0)
        rc = keep_string(sc, sc->subdir, &rd->t.subdir);
    if (rc == 0)
        rc = keep_string(sc, sc->base_url, &rd->t.base_url);
    if (rc == 0)
        rc = keep_string(sc, sc->relations, &rd->t.relations);
    rd->t.entries = rd->owned[0];
    rd->t.runs = runs;
    rd->t.removed = removed;
    rd->t.names = names;
    rd->t.nr_entries = (uint32_t)sc->nr_entries;
    rd->t.nr_runs = (uint32_t)sc->nr_runs;
    rd->t.nr_removed = (uint32_t)sc->nr_removed;
    rd->t.strings = cenv_buf_str(&rd->strings);
    return rc;
}

/* Turns the scan's failure into a message. */
static int set_failure(const struct scanner *sc, int rc)
{
    const struct cenv_repodata *rd = sc->rd;

    if (rc == CENV_ENOMEM)
        return cenv_error_oom(sc->err);
    if (rc == CENV_EINTEGRITY && sc->scan.why) {
        cenv_error_set(
            sc->err, rc, "%.*s: byte %zu of %zu: %s", CENV_STR_ARG(rd->source.file),
            (size_t)(sc->scan.at - rd->bytes.data), rd->bytes.len, sc->scan.why);
        return cenv_error_hint(sc->err,
                               "the file is damaged or incomplete: fetch it again");
    }
    return rc;
}

/* Places in the tables are of 32 bits; a channel of that size needs shards anyway. */
static int refuse_size(const struct cenv_repodata *rd, struct cenv_error *err)
{
    cenv_error_set(err, CENV_EINTEGRITY, "%.*s: it has %zu bytes, 2 GiB can be read",
                   CENV_STR_ARG(rd->source.file), rd->bytes.len);
    return cenv_error_hint(err,
                           "ask the channel's owner for sharded repodata (CEP 16)");
}

static int fill_tables(struct cenv_repodata *rd, struct cenv_error *err)
{
    struct scanner sc = {.rd = rd, .err = err};
    int rc;

    if (rd->bytes.len > UINT32_MAX / 2)
        return refuse_size(rd, err);
    cenv_buf_init(&rd->strings, UINT32_MAX / 2);
    sc.scan.at = sc.passed = rd->bytes.data;
    sc.scan.end = rd->bytes.data + rd->bytes.len;
    rc = scan_file(&sc);
    if (rc == 0)
        rc = make_tables(&sc);
    if (rc < 0)
        rc = set_failure(&sc, rc);
    cenv_free(sc.entries);
    cenv_free(sc.runs);
    cenv_free(sc.removed);
    return rc;
}

int cenv_repodata_scan(struct cenv_repodata **out, struct cenv_str bytes,
                       const struct cenv_repodata_source *source,
                       struct cenv_error *err)
{
    struct cenv_repodata *rd =
        cenv_repodata_table_new(bytes.data ? bytes : CENV_STR(""), source);
    int rc;

    if (!rd)
        return cenv_error_oom(err);
    rc = fill_tables(rd, err);
    if (rc == 0)
        rc = cenv_repodata_table_settle(rd, err);
    if (rc < 0)
        cenv_repodata_free(rd);
    else
        *out = rd;
    return rc;
}
