/* SPDX-License-Identifier: BSD-3-Clause */
/* Names parsed ahead, and their blocks: see parsed_name.h. */
#include "repodata/parsed_name.h"

#include "base/alloc.h"
#include "base/map.h"
#include "model/version.h"

/* ---- from JSON ---- */

struct preparing {
    struct cenv_parsed_name *out;
    struct cenv_map ids; /* text of a dependency -> its number */
    uint32_t *links;
    size_t nr_links, alloc_links, alloc_records, alloc_first, alloc_specs;
    uint32_t before, nr_before; /* the links of the record before */
};

/* `array` has room for one more behind `nr`; what it holds is kept. */
static bool grow_array(void *array, size_t *alloc, size_t nr, size_t size)
{
    return nr < CENV_NONE - 1 && cenv_grow(array, alloc, nr, size);
}

/* The number of a text; the record before mostly has it at the same place. */
static bool number_of(struct preparing *w, struct cenv_str text, uint32_t at,
                      uint32_t *number)
{
    struct cenv_parsed_name *out = w->out;
    void *specs = out->specs;
    if (at < w->nr_before) {
        *number = w->links[w->before + at];
        if (cenv_str_eq(out->specs[*number], text))
            return true;
    }
    *number = cenv_map_get(&w->ids, text);
    if (*number != CENV_NONE)
        return true;
    if (!grow_array(&specs, &w->alloc_specs, out->nr_specs, sizeof(*out->specs)))
        return false;
    out->specs = specs;
    *number = out->nr_specs;
    out->specs[out->nr_specs++] = text;
    return cenv_map_put(&w->ids, text, *number);
}

static bool add_links(struct preparing *w, const struct cenv_str *texts, uint32_t nr)
{
    for (uint32_t i = 0; i < nr; i++) {
        void *links = w->links;
        uint32_t at = (uint32_t)w->nr_links - w->out->first[w->out->nr], number;
        if (!number_of(w, texts[i], at, &number) ||
            !grow_array(&links, &w->alloc_links, w->nr_links, sizeof(*w->links)))
            return false;
        w->links = links;
        w->links[w->nr_links++] = number;
    }
    return true;
}

/* Room for one more record, and for where the links behind it start. */
static bool grow_records(struct preparing *w)
{
    struct cenv_parsed_name *out = w->out;
    void *records = out->records, *first = out->first;
    bool done = grow_array(&records, &w->alloc_records, out->nr, sizeof(*out->records));
    out->records = records;
    done =
        done && grow_array(&first, &w->alloc_first, out->nr + 1, sizeof(*out->first));
    out->first = first;
    return done;
}

static int add_record(void *ctx, struct cenv_record *record, struct cenv_error *err)
{
    struct preparing *w = ctx;
    struct cenv_parsed_name *out = w->out;
    if (!grow_records(w))
        return cenv_error_oom(err);
    out->records[out->nr] = *record;
    out->first[out->nr] = (uint32_t)w->nr_links;
    if (!add_links(w, record->depends, record->nr_depends) ||
        !add_links(w, record->constrains, record->nr_constrains))
        return cenv_error_oom(err);
    w->before = out->first[out->nr++];
    w->nr_before = (uint32_t)w->nr_links - w->before;
    out->first[out->nr] = (uint32_t)w->nr_links;
    return 0;
}

int cenv_parsed_name_read(struct cenv_parsed_name *out, const struct cenv_repodata *rd,
                          size_t name, struct cenv_error *err)
{
    *out = (struct cenv_parsed_name){0};
    struct preparing w = {.out = out};
    int rc = cenv_repodata_records(rd, cenv_repodata_name(rd, name), &out->arena,
                                   &out->skips, add_record, &w, err);
    out->links = w.links;
    cenv_map_release(&w.ids);
    if (rc < 0)
        cenv_parsed_name_release(out);
    return rc;
}

void cenv_parsed_name_release(struct cenv_parsed_name *p)
{
    cenv_free(p->records);
    cenv_free(p->first);
    cenv_free(p->specs);
    if (!p->partial) /* else they lie in the block */
        cenv_free((void *)(uintptr_t)p->links);
    cenv_arena_release(&p->arena);
    *p = (struct cenv_parsed_name){0};
}

/* ---- blocks ---- */

/* Then, without gaps: versions, records, texts of specs, links, strings, zeros up to 8. */
struct head {
    uint32_t nr_versions, nr_records, nr_specs, nr_links;
    uint32_t strings_len, zero;
};

struct text {
    uint32_t at, len; /* in strings */
};

struct version_row {
    struct text text, key;
};

enum { NOT_NOARCH, NOARCH_PYTHON, NOARCH_GENERIC };

struct record_row {
    uint64_t build_number;
    int64_t timestamp_ms, indexed_timestamp_ms;
    uint32_t raw_at, raw_len;
    struct text build, fn, features;
    uint32_t version, nr_depends, nr_constrains, nr_track_features;
    uint32_t noarch, zero;
};

struct packer {
    const struct cenv_parsed_name *p;
    struct cenv_buf versions, rows, strings; /* failed is sticky */
    uint32_t nr_versions;
    const struct cenv_version *version; /* of the last row */
};

static struct text keep_string(struct packer *w, struct cenv_str text)
{
    struct text kept = {(uint32_t)w->strings.len, (uint32_t)text.len};
    cenv_buf_add_str(&w->strings, text);
    return kept;
}

static void pack_version(struct packer *w, const struct cenv_version *version)
{
    struct version_row row = {keep_string(w, version->text),
                              keep_string(w, version->key)};
    cenv_buf_add(&w->versions, &row, sizeof(row));
    w->version = version;
    w->nr_versions++;
}

static uint32_t noarch_of(const struct cenv_record *record)
{
    if (!record->noarch.len)
        return NOT_NOARCH;
    return cenv_str_is(record->noarch, "python") ? NOARCH_PYTHON : NOARCH_GENERIC;
}

static void pack_record(struct packer *w, const struct cenv_record *r)
{
    if (r->parsed != w->version)
        pack_version(w, r->parsed);
    struct record_row row = {
        .build_number = r->build_number,
        .timestamp_ms = r->timestamp_ms,
        .indexed_timestamp_ms = r->indexed_timestamp_ms,
        .raw_at = r->raw_at,
        .raw_len = (uint32_t)r->raw.len,
        .build = keep_string(w, r->build),
        .fn = keep_string(w, r->fn),
        .features = keep_string(w, r->features),
        .version = w->nr_versions - 1,
        .nr_depends = r->nr_depends,
        .nr_constrains = r->nr_constrains,
        .nr_track_features = r->nr_track_features,
        .noarch = noarch_of(r),
    };
    cenv_buf_add(&w->rows, &row, sizeof(row));
}

/* A block holds the rows of nothing but plain records. */
static bool is_plain(const struct cenv_parsed_name *p)
{
    bool plain = p->skips.nr == 0 && !p->partial;
    for (uint32_t i = 0; plain && i < p->nr; i++)
        plain = !p->records[i].nr_extras && !p->records[i].nr_flags;
    return plain;
}

static void pack_all(struct packer *w, struct cenv_buf *out)
{
    const struct cenv_parsed_name *p = w->p;
    struct head head = {.nr_records = p->nr, .nr_specs = p->nr_specs};
    size_t start = out->len;
    for (uint32_t i = 0; i < p->nr; i++)
        pack_record(w, &p->records[i]);
    head.nr_versions = w->nr_versions;
    head.nr_links = p->nr ? p->first[p->nr] : 0;
    size_t specs_len = w->strings.len;
    for (uint32_t i = 0; i < p->nr_specs; i++)
        keep_string(w, p->specs[i]);
    head.strings_len = (uint32_t)w->strings.len;
    cenv_buf_add(out, &head, sizeof(head));
    cenv_buf_add_str(out, cenv_buf_str(&w->versions));
    cenv_buf_add_str(out, cenv_buf_str(&w->rows));
    for (uint32_t i = 0; i < p->nr_specs; i++) {
        struct text text = {(uint32_t)specs_len, (uint32_t)p->specs[i].len};
        cenv_buf_add(out, &text, sizeof(text));
        specs_len += text.len;
    }
    cenv_buf_add(out, p->links, head.nr_links * sizeof(*p->links));
    cenv_buf_add_str(out, cenv_buf_str(&w->strings));
    while ((out->len - start) % 8 && cenv_buf_putc(out, '\0'))
        ;
}

int cenv_parsed_name_pack(const struct cenv_parsed_name *p, struct cenv_buf *out)
{
    struct packer w = {.p = p};
    size_t start = out->len;
    if (!is_plain(p))
        return 1;
    cenv_buf_init(&w.versions, UINT32_MAX / 2);
    cenv_buf_init(&w.rows, UINT32_MAX / 2);
    cenv_buf_init(&w.strings, UINT32_MAX / 2);
    pack_all(&w, out);
    bool failed = w.versions.failed || w.rows.failed || w.strings.failed || out->failed;
    if (failed && out->data)
        out->data[out->len = start] = '\0';
    cenv_buf_release(&w.versions);
    cenv_buf_release(&w.rows);
    cenv_buf_release(&w.strings);
    return failed ? CENV_ENOMEM : 0;
}

/* A block's parts, where they lie. */
struct block {
    const struct head *head;
    const struct version_row *versions;
    const struct record_row *rows;
    const struct text *specs;
    const uint32_t *links;
    struct cenv_str strings;
};

static bool open_block(struct block *b, struct cenv_str bytes)
{
    if (bytes.len < sizeof(*b->head) || (uintptr_t)bytes.data % 8)
        return false;
    const char *at = bytes.data;
    const struct head *h = b->head = (const void *)at;
    uint64_t len = sizeof(*h) + (uint64_t)h->nr_versions * sizeof(*b->versions) +
                   (uint64_t)h->nr_records * sizeof(*b->rows) +
                   (uint64_t)h->nr_specs * sizeof(*b->specs) +
                   (uint64_t)h->nr_links * sizeof(*b->links) + h->strings_len;
    if (len > bytes.len)
        return false;
    b->versions = (const void *)(at += sizeof(*h));
    b->rows = (const void *)(at += h->nr_versions * sizeof(*b->versions));
    b->specs = (const void *)(at += h->nr_records * sizeof(*b->rows));
    b->links = (const void *)(at += h->nr_specs * sizeof(*b->specs));
    b->strings = cenv_str_n(at + h->nr_links * sizeof(*b->links), h->strings_len);
    return true;
}

/* The text, or NULL data when there is no such place. */
static struct cenv_str text_at(const struct block *b, struct text text)
{
    if ((uint64_t)text.at + text.len > b->strings.len)
        return cenv_str_n(NULL, 0);
    return cenv_str_n(b->strings.data + text.at, text.len);
}

static struct cenv_version *unpack_versions(const struct block *b,
                                            struct cenv_arena *arena, bool *sound)
{
    size_t nr = b->head->nr_versions;
    struct cenv_version *versions = cenv_arena_calloc(arena, nr, sizeof(*versions));
    for (size_t i = 0; versions && i < nr; i++) {
        versions[i].text = text_at(b, b->versions[i].text);
        versions[i].key = text_at(b, b->versions[i].key);
        *sound &= versions[i].text.len && versions[i].key.data;
    }
    return versions;
}

static const struct cenv_str noarch_names[] = {{"", 0}, {"python", 6}, {"generic", 7}};

/* What all records of the name share. */
static struct cenv_record common_record(const struct cenv_repodata *rd, size_t name)
{
    const struct cenv_record_origin *origin = cenv_repodata_origin(rd);
    return (struct cenv_record){
        .name = cenv_repodata_name(rd, name),
        .subdir = origin->subdir,
        .channel = origin->channel,
        .channel_url = origin->channel_url,
        .channel_rank = origin->channel_rank,
    };
}

static bool unpack_row(const struct block *b, const struct record_row *row,
                       const struct cenv_version *versions, struct cenv_record *r)
{
    if (row->version >= b->head->nr_versions || row->noarch > NOARCH_GENERIC)
        return false;
    r->parsed = &versions[row->version];
    r->version = r->parsed->text;
    r->build = text_at(b, row->build);
    r->fn = text_at(b, row->fn);
    r->features = text_at(b, row->features);
    r->build_number = row->build_number;
    r->timestamp_ms = row->timestamp_ms;
    r->indexed_timestamp_ms = row->indexed_timestamp_ms;
    r->raw_at = row->raw_at;
    r->raw.len = row->raw_len;
    r->nr_depends = row->nr_depends;
    r->nr_constrains = row->nr_constrains;
    r->nr_track_features = row->nr_track_features;
    r->noarch = noarch_names[row->noarch];
    return r->build.data && r->fn.len && r->features.data;
}

/* 0, 1 (damaged) or CENV_ENOMEM. */
static int unpack_records(const struct block *b, const struct cenv_repodata *rd,
                          size_t name, struct cenv_parsed_name *out)
{
    struct cenv_str base_url = cenv_repodata_origin(rd)->base_url;
    const struct cenv_record common = common_record(rd, name);
    bool sound = true;
    uint64_t links = 0;
    struct cenv_version *versions = unpack_versions(b, &out->arena, &sound);
    if (!versions)
        return CENV_ENOMEM;
    for (uint32_t i = 0; sound && i < b->head->nr_records; i++) {
        struct cenv_record *r = &out->records[i];
        *r = common;
        sound = unpack_row(b, &b->rows[i], versions, r);
        out->first[i] = (uint32_t)links;
        links += (uint64_t)r->nr_depends + r->nr_constrains;
        sound &= links <= b->head->nr_links;
        if (sound && base_url.len && cenv_record_url(r, base_url, &out->arena) < 0)
            return CENV_ENOMEM;
    }
    out->first[b->head->nr_records] = (uint32_t)links;
    return sound ? 0 : 1;
}

static bool unpack_specs(const struct block *b, struct cenv_parsed_name *out)
{
    bool sound = true;
    for (uint32_t i = 0; i < b->head->nr_specs; i++) {
        out->specs[i] = text_at(b, b->specs[i]);
        sound &= out->specs[i].data != NULL;
    }
    for (uint32_t i = 0; i < b->head->nr_links; i++)
        sound &= b->links[i] < b->head->nr_specs;
    return sound;
}

int cenv_parsed_name_unpack(struct cenv_parsed_name *out,
                            const struct cenv_repodata *rd, size_t name,
                            struct cenv_str bytes)
{
    struct block b;
    if (!open_block(&b, bytes))
        return 1;
    *out = (struct cenv_parsed_name){.nr = b.head->nr_records,
                                     .nr_specs = b.head->nr_specs,
                                     .links = b.links,
                                     .partial = true};
    out->records = cenv_reallocarray(NULL, out->nr, sizeof(*out->records));
    out->first = cenv_reallocarray(NULL, (size_t)out->nr + 1, sizeof(*out->first));
    out->specs = cenv_reallocarray(NULL, out->nr_specs, sizeof(*out->specs));
    int rc = out->records && out->first && out->specs ? 0 : CENV_ENOMEM;
    if (rc == 0)
        rc = unpack_records(&b, rd, name, out);
    if (rc == 0)
        rc = unpack_specs(&b, out) ? 0 : 1;
    if (rc != 0)
        cenv_parsed_name_release(out);
    return rc;
}
