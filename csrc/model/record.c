/* SPDX-License-Identifier: BSD-3-Clause */
/* Parsing one repodata record in place: a table says which key fills which field. */
#include "model/record.h"

#include <stddef.h>

#include "base/hex.h"
#include "codec/json_scan.h"
#include "codec/url.h"
#include "model/dist.h"
#include "model/version.h"

/* Timestamps above this are milliseconds: as seconds they lie past the year 9999 (libsolv). */
static const uint64_t SECONDS_MAX = 253402300799;

/* What the parse knows beyond the record it fills. */
struct reader {
    struct cenv_json_scan scan;
    struct cenv_arena *arena;
    struct cenv_record *record;
    struct cenv_str own_fn, own_url, own_subdir, own_channel;
    bool has_depends;
};

/* Reads the value at the scan's place into `field`. */
typedef int (*field_fn)(struct reader *r, void *field);

static int read_text(struct reader *r, void *field)
{
    if (cenv_json_scan_word(&r->scan, "null"))
        return 0;
    return cenv_json_scan_string(&r->scan, field, r->arena);
}

/* Text that decides nothing: old data have lists and booleans there, which are passed over. */
static int read_remark(struct reader *r, void *field)
{
    if (cenv_json_scan_peek(&r->scan) == '"')
        return cenv_json_scan_string(&r->scan, field, r->arena);
    return cenv_json_scan_skip(&r->scan);
}

/* An integer, which very old records write as a string. */
static int read_uint(struct reader *r, void *field)
{
    struct cenv_json_scan inner = {NULL, NULL, NULL};
    struct cenv_str text;
    uint64_t value;
    int rc;

    if (cenv_json_scan_word(&r->scan, "null"))
        return 0;
    if (cenv_json_scan_peek(&r->scan) != '"')
        return cenv_json_scan_uint(&r->scan, field);
    rc = cenv_json_scan_string(&r->scan, &text, r->arena);
    if (rc < 0)
        return rc;
    inner.at = text.data;
    inner.end = text.data + text.len;
    if (cenv_json_scan_uint(&inner, &value) < 0 || inner.at != inner.end)
        return cenv_json_scan_fail(&r->scan, "expected an integer from 0");
    memcpy(field, &value, sizeof(value));
    return 0;
}

static int read_time(struct reader *r, void *field)
{
    uint64_t value = 0;
    int64_t *ms = field;
    int rc = read_uint(r, &value);

    if (rc < 0)
        return rc;
    if (value > INT64_MAX)
        return cenv_json_scan_fail(&r->scan, "the number is out of range");
    *ms = value > SECONDS_MAX ? (int64_t)value : (int64_t)value * 1000;
    return 0;
}

static bool is_lower_hex(struct cenv_str text)
{
    unsigned bad = 0;

    for (size_t i = 0; i < text.len; i++) {
        unsigned c = (unsigned char)text.data[i];
        bad |= (c - '0' > 9) & (c - 'a' > 5);
    }
    return !bad;
}

/* In lower case, whatever the file has. */
static int read_hex(struct reader *r, struct cenv_str *field, size_t len)
{
    unsigned char raw[32];
    char *lower;
    int rc = read_text(r, field);

    if (rc < 0 || !field->len)
        return rc;
    if (field->len != len)
        return cenv_json_scan_fail(&r->scan, "a hash has the wrong length");
    if (is_lower_hex(*field))
        return 0;
    if (!cenv_unhex(*field, raw, len / 2))
        return cenv_json_scan_fail(&r->scan, "a hash is not hexadecimal");
    lower = cenv_arena_alloc(r->arena, len + 1);
    if (!lower)
        return CENV_ENOMEM;
    cenv_hex(raw, len / 2, lower);
    *field = cenv_str_n(lower, len);
    return 0;
}

static int read_md5(struct reader *r, void *field)
{
    return read_hex(r, field, 32);
}

static int read_sha256(struct reader *r, void *field)
{
    return read_hex(r, field, 64);
}

static int read_noarch(struct reader *r, void *field)
{
    struct cenv_str *noarch = field;

    if (cenv_json_scan_word(&r->scan, "true")) {
        *noarch = CENV_STR("generic");
        return 0;
    }
    return read_remark(r, field);
}

/* ---- lists ---- */

/* A list under construction: in `chunk` until it is full, then doubled in the arena. */
struct builder {
    struct cenv_str chunk[64];
    struct cenv_str *items;
    size_t nr, alloc;
};

static int builder_add(struct builder *b, struct cenv_str item,
                       struct cenv_arena *arena)
{
    if (b->nr == b->alloc) {
        struct cenv_str *more = cenv_arena_alloc(arena, 2 * b->alloc * sizeof(*more));
        if (!more)
            return CENV_ENOMEM;
        memcpy(more, b->items, b->nr * sizeof(*more));
        b->items = more;
        b->alloc *= 2;
    }
    b->items[b->nr++] = item;
    return 0;
}

static void builder_init(struct builder *b)
{
    b->items = b->chunk;
    b->nr = 0;
    b->alloc = sizeof(b->chunk) / sizeof(b->chunk[0]);
}

static int builder_take(struct builder *b, struct cenv_str **items, uint32_t *nr,
                        struct cenv_arena *arena)
{
    if (b->nr > UINT32_MAX)
        return CENV_ENOMEM;
    if (b->items == b->chunk && b->nr) {
        b->items = cenv_arena_alloc(arena, b->nr * sizeof(*b->items));
        if (!b->items)
            return CENV_ENOMEM;
        memcpy(b->items, b->chunk, b->nr * sizeof(*b->items));
    }
    *items = b->nr ? b->items : NULL;
    *nr = (uint32_t)b->nr;
    return 0;
}

/* Adds the words of `text`, which blanks and commas part. */
static int add_words(struct builder *b, struct cenv_str text, struct cenv_arena *arena)
{
    size_t at = 0, start;
    int rc = 0;

    while (rc == 0 && at < text.len) {
        for (; at < text.len && strchr(" ,\t\r\n", text.data[at]); at++)
            ;
        for (start = at; at < text.len && !strchr(" ,\t\r\n", text.data[at]); at++)
            ;
        if (at > start)
            rc = builder_add(b, cenv_str_slice(text, start, at), arena);
    }
    return rc;
}

static int add_item(struct reader *r, struct builder *b, bool words)
{
    struct cenv_str item;
    int rc = cenv_json_scan_string(&r->scan, &item, r->arena);

    if (rc < 0)
        return rc;
    return words ? add_words(b, item, r->arena) : builder_add(b, item, r->arena);
}

/* A list of strings or null; with `words` each is split, and one string may stand for the list. */
static int read_list(struct reader *r, struct cenv_str **items, uint32_t *nr,
                     bool words)
{
    struct builder b;
    bool started = false;
    int rc;

    builder_init(&b);
    if (cenv_json_scan_word(&r->scan, "null"))
        return 0;
    if (words && cenv_json_scan_peek(&r->scan) == '"') {
        rc = add_item(r, &b, true);
    } else {
        rc = cenv_json_scan_expect(&r->scan, '[', "expected a list");
        while (rc == 0 && (rc = cenv_json_scan_item(&r->scan, &started)) > 0)
            rc = add_item(r, &b, words);
    }
    if (rc < 0)
        return rc;
    return builder_take(&b, items, nr, r->arena);
}

static int read_depends(struct reader *r, void *field)
{
    r->has_depends = true;
    return read_list(r, field, &r->record->nr_depends, false);
}

/* The name depends had in the oldest records; many have both. */
static int read_requires(struct reader *r, void *field)
{
    return r->has_depends ? cenv_json_scan_skip(&r->scan)
                          : read_list(r, field, &r->record->nr_depends, false);
}

static int read_constrains(struct reader *r, void *field)
{
    return read_list(r, field, &r->record->nr_constrains, false);
}

static int read_track_features(struct reader *r, void *field)
{
    return read_list(r, field, &r->record->nr_track_features, true);
}

static int read_flags(struct reader *r, void *field)
{
    return read_list(r, field, &r->record->nr_flags, false);
}

/* {"group": ["dependency", ...], ...}; few records have any, so each is copied as it comes. */
static int read_extras(struct reader *r, void *field)
{
    struct cenv_record *record = r->record;
    struct cenv_extra extra, *more, **extras = field;
    bool started = false;
    int rc;

    if (cenv_json_scan_word(&r->scan, "null"))
        return 0;
    rc = cenv_json_scan_expect(&r->scan, '{', "expected an object");
    while (rc == 0 && (rc = cenv_json_scan_member(&r->scan, &started, &extra.name,
                                                  r->arena)) > 0) {
        rc = read_list(r, &extra.depends, &extra.nr_depends, false);
        if (rc < 0)
            break;
        if (!(record->nr_extras &
              (record->nr_extras - 1))) { /* full at powers of two */
            more = cenv_arena_calloc(r->arena, 2 * (size_t)record->nr_extras + 1,
                                     sizeof(*more));
            if (!more)
                return CENV_ENOMEM;
            if (record->nr_extras)
                memcpy(more, *extras, record->nr_extras * sizeof(*more));
            *extras = more;
        }
        (*extras)[record->nr_extras++] = extra;
    }
    return rc;
}

static int read_record_version(struct reader *r, void *field)
{
    uint64_t version = 0;
    int rc = read_uint(r, &version);

    (void)field;
    if (rc == 0 && version > 1)
        return cenv_json_scan_fail(&r->scan,
                                   "its record_version is newer than 1, which needs "
                                   "a newer cenv");
    return rc;
}

/* ---- the record ---- */

struct field {
    const char *key;
    uint32_t key_len;
    uint32_t offset; /* in struct reader or struct cenv_record */
    field_fn read;
    bool own; /* of struct reader */
};

#define FIELD(key, member, read) \
    { \
        key, sizeof(key) - 1, offsetof(struct cenv_record, member), read, false \
    }
#define OWN(key, member) \
    { \
        key, sizeof(key) - 1, offsetof(struct reader, member), read_remark, true \
    }

/* In the order of keys in nearly every file, so that the search goes on where it left off. */
static const struct field fields[] = {
    FIELD("build", build, read_text),
    FIELD("build_number", build_number, read_uint),
    OWN("channel", own_channel),
    FIELD("constrains", constrains, read_constrains),
    FIELD("depends", depends, read_depends),
    FIELD("extra_depends", extras, read_extras),
    FIELD("features", features, read_remark),
    FIELD("flags", flags, read_flags),
    OWN("fn", own_fn),
    FIELD("indexed_timestamp", indexed_timestamp_ms, read_time),
    FIELD("legacy_bz2_md5", legacy_bz2_md5, read_md5),
    FIELD("legacy_bz2_size", legacy_bz2_size, read_uint),
    FIELD("license", license, read_remark),
    FIELD("license_family", license_family, read_remark),
    FIELD("md5", md5, read_md5),
    FIELD("name", name, read_text),
    FIELD("noarch", noarch, read_noarch),
    FIELD("python_site_packages_path", python_site_packages_path, read_text),
    FIELD("record_version", raw, read_record_version),
    FIELD("requires", depends, read_requires),
    FIELD("sha256", sha256, read_sha256),
    FIELD("size", size, read_uint),
    OWN("subdir", own_subdir),
    FIELD("timestamp", timestamp_ms, read_time),
    FIELD("track_features", track_features, read_track_features),
    OWN("url", own_url),
    FIELD("version", version, read_text),
};

enum { NR_FIELDS = sizeof(fields) / sizeof(fields[0]) };

/* The field of `key`, looked for from `from` on and round; NULL when it is not needed. */
static const struct field *find_field(struct cenv_str key, size_t from)
{
    for (size_t i = 0; i < NR_FIELDS; i++) {
        const struct field *f = &fields[from];
        if (f->key_len == key.len && f->key[0] == key.data[0] &&
            memcmp(f->key, key.data, key.len) == 0)
            return f;
        from = from + 1 == NR_FIELDS ? 0 : from + 1;
    }
    return NULL;
}

static int read_members(struct reader *r)
{
    const struct field *f;
    struct cenv_str key;
    bool started = false;
    size_t next = 0;
    int rc = cenv_json_scan_expect(&r->scan, '{', "a record is an object");

    while (rc == 0 &&
           (rc = cenv_json_scan_member(&r->scan, &started, &key, r->arena)) > 0) {
        f = find_field(key, next);
        if (!f) {
            rc = cenv_json_scan_skip(&r->scan);
            continue;
        }
        next = (size_t)(f - fields + 1) % NR_FIELDS;
        rc = f->read(r, (f->own ? (char *)r : (char *)r->record) + f->offset);
    }
    return rc;
}

static bool is_unsafe(char c)
{
    return (c >= 0 && c <= ' ') || c == '/' || c == '\\' || c == ':' || c == 0x7f;
}

const char *cenv_record_refuse_part(struct cenv_str part, size_t max)
{
    if (part.len > max)
        return "is too long";
    for (size_t i = 0; i < part.len; i++) {
        if (is_unsafe(part.data[i]))
            return "has a character that no file name may have";
        if (part.data[i] == '.' && i + 1 < part.len && part.data[i + 1] == '.')
            return "has \"..\" in it";
    }
    return NULL;
}

static int check_parts(const struct cenv_record *record, struct cenv_error *err)
{
    const struct {
        const char *what;
        struct cenv_str text;
        bool needed;
        size_t max;
    } parts[] = {
        {"name", record->name, true, CENV_RECORD_PART_MAX},
        {"version", record->version, true, CENV_RECORD_PART_MAX},
        {"build", record->build, false, CENV_RECORD_PART_MAX},
        {"file name", record->fn, false, CENV_RECORD_FN_MAX},
        {"subdir", record->subdir, false, CENV_RECORD_PART_MAX},
    };

    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        const char *why = cenv_record_refuse_part(parts[i].text, parts[i].max);
        if (!why && parts[i].needed && !parts[i].text.len)
            why = "is missing";
        if (why)
            return cenv_error_set(err, CENV_EINTEGRITY, "its %s %s", parts[i].what,
                                  why);
    }
    return 0;
}

/* CEP 17: joined to a prefix, so it may not leave it. */
static int check_site_packages(struct cenv_str path, struct cenv_error *err)
{
    struct cenv_str rest = path;

    if (!path.len)
        return 0;
    for (bool more = true; more; more = rest.len > 0) {
        struct cenv_str part = cenv_str_cut(&rest, '/');
        if (!part.len || cenv_str_is(part, "..") || memchr(part.data, '\0', part.len) ||
            memchr(part.data, '\\', part.len) || memchr(part.data, ':', part.len))
            return cenv_error_set(err, CENV_EINTEGRITY,
                                  "its python_site_packages_path leaves the prefix");
    }
    return 0;
}

static int lower_name(struct cenv_str *name, struct cenv_arena *arena)
{
    char *lower = NULL;

    for (size_t i = 0; i < name->len; i++) {
        if (name->data[i] < 'A' || name->data[i] > 'Z')
            continue;
        if (!lower) {
            lower = cenv_arena_alloc(arena, name->len);
            if (!lower)
                return CENV_ENOMEM;
            memcpy(lower, name->data, name->len);
            name->data = lower;
        }
        lower[i] = (char)(lower[i] | 0x20);
    }
    return 0;
}

/* What the file name says where the object is silent. */
static void fill_from_fn(struct cenv_record *record)
{
    struct cenv_dist dist;

    if (!cenv_dist_split(&dist, record->fn))
        return;
    if (!record->name.len)
        record->name = dist.name;
    if (!record->version.len)
        record->version = dist.version;
    if (!record->build.len)
        record->build = dist.build;
}

static void fill_from_origin(struct reader *r, struct cenv_str fn,
                             const struct cenv_record_origin *origin)
{
    struct cenv_record *record = r->record;

    record->fn = fn.len ? fn : r->own_fn;
    record->subdir = origin->subdir.len ? origin->subdir : r->own_subdir;
    record->channel = origin->channel.len ? origin->channel : r->own_channel;
    record->channel_url = origin->channel_url;
    record->channel_rank = origin->channel_rank;
    record->url = origin->base_url.len ? CENV_STR("") : r->own_url;
    if (record->noarch.len && !cenv_str_is(record->noarch, "python"))
        record->noarch = CENV_STR("generic");
}

int cenv_record_url(struct cenv_record *record, struct cenv_str base_url,
                    struct cenv_arena *arena)
{
    size_t max = cenv_url_quoted_len(record->fn), base = base_url.len;
    char *url = cenv_arena_alloc(arena, base + max);

    if (!url)
        return CENV_ENOMEM;
    if (base)
        memcpy(url, base_url.data, base);
    if (max && max == record->fn.len)
        memcpy(url + base, record->fn.data, max);
    else
        cenv_url_quote(url + base, record->fn);
    record->url = cenv_str_n(url, base + max);
    return 0;
}

static int parse_version(struct cenv_record *record, const struct cenv_version *before,
                         struct cenv_arena *arena, struct cenv_error *err)
{
    struct cenv_version *version;
    int rc;

    if (before && cenv_str_eq(before->text, record->version)) {
        record->parsed = before;
        return 0;
    }
    version = cenv_arena_alloc(arena, sizeof(*version));
    if (!version)
        return CENV_ENOMEM;
    rc = cenv_version_parse(version, record->version, arena, err);
    if (rc == CENV_ESPEC)
        err->status = rc = CENV_EINTEGRITY;
    record->parsed = version;
    return rc;
}

static int complete_record(struct reader *r, struct cenv_str fn,
                           const struct cenv_record_origin *origin,
                           const struct cenv_version *before, struct cenv_error *err)
{
    struct cenv_record *record = r->record;
    int rc;

    fill_from_origin(r, fn, origin);
    fill_from_fn(record);
    rc = check_parts(record, err);
    if (rc == 0)
        rc = check_site_packages(record->python_site_packages_path, err);
    if (rc == 0)
        rc = lower_name(&record->name, r->arena);
    if (rc == 0 && origin->base_url.len)
        rc = cenv_record_url(record, origin->base_url, r->arena);
    if (rc == 0)
        rc = parse_version(record, before, r->arena, err);
    return rc;
}

int cenv_record_parse_after(struct cenv_record *out, struct cenv_str object,
                            struct cenv_str fn, const struct cenv_record_origin *origin,
                            const struct cenv_version *before, struct cenv_arena *arena,
                            struct cenv_error *err)
{
    struct cenv_record record = {.raw = object};
    struct reader r = {.arena = arena, .record = &record};
    int rc;

    r.scan.at = object.data;
    r.scan.end = object.data + object.len;
    rc = read_members(&r);
    if (rc == 0 && (cenv_json_scan_peek(&r.scan), r.scan.at != r.scan.end))
        rc = cenv_json_scan_fail(&r.scan, "something follows the object");
    if (rc == CENV_EINTEGRITY)
        return cenv_error_set(err, rc, "%s (at byte %zu of the record)", r.scan.why,
                              (size_t)(r.scan.at - object.data));
    if (rc == 0)
        rc = complete_record(&r, fn, origin, before, err);
    if (rc == CENV_ENOMEM)
        return cenv_error_oom(err);
    if (rc == 0)
        *out = record;
    return rc;
}

int cenv_record_parse(struct cenv_record *out, struct cenv_str object,
                      struct cenv_str fn, const struct cenv_record_origin *origin,
                      struct cenv_arena *arena, struct cenv_error *err)
{
    return cenv_record_parse_after(out, object, fn, origin, NULL, arena, err);
}
