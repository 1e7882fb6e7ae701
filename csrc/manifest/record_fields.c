/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A record is rewritten in place rather than printed anew, so that all its writer put there
 * (unknown keys, order, layout) stays: a field is a span of its text.
 */
#include "manifest/record_fields.h"

#include <stdlib.h>

#include "base/digest.h"
#include "base/hex.h"
#include "base/map.h"
#include "codec/json.h"
#include "os/path.h"

/* ---- JSON: a walk over text that has been parsed, so is well-formed ---- */

struct cursor {
    const char *at, *end;
};

static char peek(struct cursor *c)
{
    while (c->at < c->end && strchr(" \t\r\n,:", *c->at))
        c->at++;
    return c->at < c->end ? *c->at : '\0';
}

/* Past a string; its bytes between the quotes. */
static struct cenv_str take_string(struct cursor *c)
{
    const char *from = ++c->at;
    while (c->at < c->end && *c->at != '"')
        c->at += *c->at == '\\' && c->at + 1 < c->end ? 2 : 1;
    struct cenv_str text = cenv_str_n(from, (size_t)(c->at - from));
    if (c->at < c->end)
        c->at++;
    return text;
}

/* Past any value; a string's or number's span, quotes not counted. */
static struct cenv_str take_value(struct cursor *c)
{
    char first = peek(c);
    if (first == '"')
        return take_string(c);
    const char *from = c->at;
    if (first != '{' && first != '[') {
        while (c->at < c->end && !strchr(" \t\r\n,]}", *c->at))
            c->at++;
        return cenv_str_n(from, (size_t)(c->at - from));
    }
    for (size_t depth = 0; c->at < c->end;) {
        if (*c->at == '"') {
            take_string(c);
            continue;
        }
        depth += *c->at == '{' || *c->at == '[';
        depth -= *c->at == '}' || *c->at == ']';
        c->at++;
        if (depth == 0)
            break;
    }
    return cenv_str_n(from, (size_t)(c->at - from));
}

/* Into an object or array. */
static bool enter_container(struct cursor *c, char bracket)
{
    if (peek(c) != bracket)
        return false;
    c->at++;
    return true;
}

/* The next key of the object the cursor is in; false past its last. */
static bool next_key(struct cursor *c, struct cenv_str *key)
{
    if (peek(c) != '"')
        return false;
    *key = take_string(c);
    return true;
}

/* Moves to the value of `name` in the object the cursor stands before. */
static bool find_member(struct cursor *c, const char *name)
{
    struct cenv_str key;
    if (!enter_container(c, '{'))
        return false;
    while (next_key(c, &key)) {
        if (cenv_str_is(key, name))
            return true;
        take_value(c);
    }
    return false;
}

/* ---- records ---- */

/* The spans of one element of paths_data.paths. */
struct element {
    struct cenv_str path, type, sha256, in_prefix, size;
};

static void read_element(struct cursor *c, struct element *e)
{
    struct cenv_str key;
    *e = (struct element){0};
    if (!enter_container(c, '{')) {
        take_value(c);
        return;
    }
    while (next_key(c, &key)) {
        struct cenv_str value = take_value(c);
        if (cenv_str_is(key, "_path"))
            e->path = value;
        else if (cenv_str_is(key, "path_type"))
            e->type = value;
        else if (cenv_str_is(key, "sha256"))
            e->sha256 = value;
        else if (cenv_str_is(key, "sha256_in_prefix"))
            e->in_prefix = value;
        else if (cenv_str_is(key, "size_in_bytes"))
            e->size = value;
    }
    if (peek(c) == '}')
        c->at++;
}

struct record_walk {
    struct cenv_sites *sites;
    const struct cenv_prefix_record *record;
    struct cenv_map recorded; /* `_path` -> index into record->paths */
    bool final_sizes;         /* rattler's convention */
    cenv_relocated_fn ask;
    void *ctx;
};

static int add_field(struct cenv_sites *sites, struct cenv_str text,
                     struct cenv_str span, enum cenv_site_field value, uint32_t reloc,
                     struct cenv_error *err)
{
    struct cenv_site site = {.offset = (uint64_t)(span.data - text.data),
                             .end = reloc,
                             .slot = (uint32_t)span.len,
                             .have = (uint32_t)span.len,
                             .kind = CENV_SITE_FIELD,
                             .encoding = (uint8_t)value};
    return cenv_sites_add(sites, &site, err);
}

/* The path a JSON string tells; with escapes it is decoded into `decoded`. */
static int decode_path(struct cenv_str span, struct cenv_str *path,
                       struct cenv_json **decoded, struct cenv_error *err)
{
    *path = span;
    if (cenv_str_find(span, '\\') == span.len)
        return 0;
    struct cenv_str quoted = cenv_str_n(span.data - 1, span.len + 2);
    int rc = cenv_json_parse(decoded, quoted, "a path", err);
    *path = rc == 0 ? cenv_json_str(*decoded) : cenv_str_n(NULL, 0);
    return rc;
}

static int64_t number_of(struct cenv_str span)
{
    int64_t number = 0;
    for (size_t i = 0; i < span.len && i < 18; i++) {
        if (span.data[i] < '0' || span.data[i] > '9')
            return -1;
        number = number * 10 + (span.data[i] - '0');
    }
    return span.len ? number : -1;
}

/* Whether size_in_bytes means the file in the prefix. */
static bool is_final_size(const struct record_walk *w, const struct element *e,
                          const struct cenv_relocated_file *v)
{
    int64_t size = number_of(e->size);
    if (size < 0 || (uint64_t)size != v->size)
        return false;
    return v->size != v->pristine_size || w->final_sizes ||
           cenv_str_is(e->type, "unix_python_entry_point");
}

static bool is_hash(struct cenv_str span)
{
    unsigned char raw[CENV_SHA256_LEN];
    return cenv_unhex(span, raw, sizeof(raw));
}

static int add_element(struct record_walk *w, const struct element *e,
                       struct cenv_error *err)
{
    struct cenv_json *decoded = NULL;
    struct cenv_relocated_file v;
    struct cenv_str text = w->record->text, path;
    int rc = decode_path(e->path, &path, &decoded, err);
    uint32_t index = rc == 0 ? cenv_map_get(&w->recorded, path) : CENV_NONE;
    bool asked = index != CENV_NONE && w->ask(w->ctx, w->record->paths[index].real, &v);
    cenv_json_free(decoded);
    if (!asked)
        return rc;
    if (v.link &&
        !(is_hash(e->in_prefix) && cenv_str_eq(e->in_prefix, v.recorded_digest)))
        return 0;
    bool entry = cenv_str_is(e->type, "unix_python_entry_point");
    if (is_hash(e->in_prefix))
        rc = add_field(w->sites, text, e->in_prefix, CENV_FIELD_SHA256, v.reloc, err);
    if (rc == 0 && entry && is_hash(e->sha256) &&
        (e->in_prefix.len == 0 || cenv_str_eq(e->sha256, e->in_prefix)))
        rc = add_field(w->sites, text, e->sha256, CENV_FIELD_SHA256, v.reloc, err);
    if (rc == 0 && !v.link && is_final_size(w, e, &v))
        rc = add_field(w->sites, text, e->size, CENV_FIELD_SIZE, v.reloc, err);
    return rc;
}

/* rattler gives sha256_in_prefix only where it differs; conda and mamba everywhere. */
static bool has_final_sizes(const struct cenv_prefix_record *record)
{
    for (size_t i = 0; i < record->nr_paths; i++) {
        const struct cenv_prefix_path *path = &record->paths[i];
        if (path->type == CENV_PATH_HARDLINK && path->sha256.len &&
            !path->sha256_in_prefix.len)
            return true;
    }
    return false;
}

int cenv_record_fields_scan(struct cenv_sites *sites,
                            const struct cenv_prefix_record *record,
                            cenv_relocated_fn ask, void *ctx, struct cenv_error *err)
{
    struct record_walk w = {.sites = sites, .record = record, .ask = ask, .ctx = ctx};
    struct cursor c = {record->text.data, record->text.data + record->text.len};
    struct element e;
    size_t first = sites->nr;
    int rc = 0;
    w.final_sizes = has_final_sizes(record);
    for (size_t i = 0; i < record->nr_paths && rc == 0; i++)
        if (record->paths[i].recorded.len &&
            !cenv_map_put(&w.recorded, record->paths[i].recorded, (uint32_t)i))
            rc = cenv_error_oom(err);
    if (find_member(&c, "paths_data") && find_member(&c, "paths") &&
        enter_container(&c, '['))
        while (rc == 0 && peek(&c) && peek(&c) != ']') {
            read_element(&c, &e);
            rc = e.path.len ? add_element(&w, &e, err) : 0;
        }
    cenv_sites_settle(sites, first);
    cenv_map_release(&w.recorded);
    return rc;
}

/* ---- RECORD ---- */

/* One CSV field, quotes taken off (a doubled quote within stays: no path of a wheel has one). */
static struct cenv_str take_field(struct cenv_str *row)
{
    if (row->len && row->data[0] == '"') {
        struct cenv_str rest = cenv_str_slice(*row, 1, row->len);
        struct cenv_str field = cenv_str_cut(&rest, '"');
        cenv_str_cut(&rest, ',');
        *row = rest;
        return field;
    }
    return cenv_str_cut(row, ',');
}

/* The path a row names, relative to the prefix: rows are relative to where *.dist-info lies. */
static bool row_path(struct cenv_str name, struct cenv_str base, struct cenv_buf *out)
{
    struct cenv_buf joined;
    cenv_buf_init(&joined, 1 << 16);
    cenv_buf_add_str(&joined, base);
    cenv_buf_putc(&joined, '/');
    cenv_buf_add_str(&joined, name);
    bool done = !joined.failed && cenv_path_clean(cenv_buf_str(&joined), out);
    if (joined.failed == CENV_BUF_NO_MEMORY)
        out->failed = joined.failed;
    cenv_buf_release(&joined);
    return done;
}

static int add_row(struct cenv_sites *sites, struct cenv_str text, struct cenv_str row,
                   struct cenv_str base, cenv_relocated_fn ask, void *ctx,
                   struct cenv_error *err)
{
    struct cenv_str name = take_field(&row), hash = take_field(&row),
                    size = cenv_str_trim(row);
    struct cenv_relocated_file v;
    struct cenv_buf path;
    int rc = 0;
    cenv_buf_init(&path, 1 << 16);
    if (hash.len == 50 && cenv_str_starts(hash, CENV_STR("sha256=")) && name.len &&
        name.data[0] != '/' && row_path(name, base, &path) &&
        ask(ctx, cenv_buf_str(&path), &v) && !v.link) {
        rc = add_field(sites, text, cenv_str_slice(hash, 7, hash.len),
                       CENV_FIELD_BASE64, v.reloc, err);
        if (rc == 0 && number_of(size) >= 0)
            rc = add_field(sites, text, size, CENV_FIELD_SIZE, v.reloc, err);
    }
    if (rc == 0 && path.failed == CENV_BUF_NO_MEMORY)
        rc = cenv_error_oom(err);
    cenv_buf_release(&path);
    return rc;
}

int cenv_record_fields_scan_wheel(struct cenv_sites *sites, struct cenv_str text,
                                  struct cenv_str path, cenv_relocated_fn ask,
                                  void *ctx, struct cenv_error *err)
{
    struct cenv_str base = cenv_path_parent(cenv_path_parent(path)), rest = text;
    int rc = 0;
    while (rest.len && rc == 0) {
        struct cenv_str row = cenv_str_cut(&rest, '\n');
        if (row.len)
            rc = add_row(sites, text, row, base, ask, ctx, err);
    }
    return rc;
}
