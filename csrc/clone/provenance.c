/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Lines of conda-meta rewritten in place. Records are edited as text, since a tree of all their
 * paths would cost more than the clone: JSON strings hold no line breaks, so a line that starts
 * with two blanks and a key is a member of the record itself.
 */
#include "clone/provenance.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "codec/json.h"
#include "codec/url.h"
#include "model/spec_text.h"
#include "os/fs.h"
#include "os/fs_data.h"
#include "os/fs_dir.h"
#include "os/path.h"
#include "prefix/history.h"
#include "prefix/prefix_records.h"

enum { TEXT_MAX = 512 << 20, KEY_MAX = 64 };

struct provenance {
    struct cenv_json *doc;
    const struct cenv_json *specs, *was, *urls;
    int meta; /* conda-meta */
    struct cenv_error *err;
};

typedef int (*edit_fn)(const struct provenance *p, struct cenv_str name,
                       struct cenv_str text, struct cenv_buf *out);

/* ---- one file ---- */

/* With the mode and time of the file that it takes the place of. */
static int replace_file(const struct provenance *p, const char *name,
                        const struct cenv_stat *st, const struct cenv_buf *text)
{
    int rc = cenv_fs_write_atomic(p->meta, name, cenv_buf_str(text), st->mode, p->err);
    if (rc < 0)
        return rc;
    int raw = cenv_raw_chmod(p->meta, name, st->mode);
    if (raw == 0) {
        raw = cenv_raw_set_mtime(p->meta, name, st->mtime_ns);
        if (cenv_fs_takes_no_times(raw))
            raw = 0;
    }
    return raw < 0 ? cenv_fs_fail(p->err, raw, p->meta, name, "cannot write") : 0;
}

static int edit_file(const struct provenance *p, const char *name, edit_fn edit)
{
    struct cenv_stat st;
    struct cenv_buf before, after;
    cenv_buf_init(&before, TEXT_MAX);
    cenv_buf_init(&after, TEXT_MAX);
    int rc = cenv_fs_stat(p->meta, name, &st, p->err);
    if (rc == 0)
        rc = cenv_fs_read_file(p->meta, name, &before, p->err);
    if (rc == 0)
        rc = edit(p, cenv_str(name), cenv_buf_str(&before), &after);
    if (rc == 0 && after.failed)
        rc = cenv_error_oom(p->err);
    if (rc == 0 && !cenv_str_eq(cenv_buf_str(&before), cenv_buf_str(&after)))
        rc = replace_file(p, name, &st, &after);
    cenv_buf_release(&before);
    cenv_buf_release(&after);
    return rc;
}

/* ---- records ---- */

/* The lines of the member `key`, with the break behind: false when it is not there. */
static bool find_member(struct cenv_str text, const char *key, size_t *from, size_t *to)
{
    char head[KEY_MAX];
    int len = snprintf(head, sizeof(head), "\n  \"%s\": ", key);
    const char *at = cenv_find_bytes(text.data, text.len, head, (size_t)len);
    if (!at)
        return false;
    *from = (size_t)(at - text.data) + 1;
    struct cenv_str rest =
        cenv_str_slice(text, (size_t)(at - text.data) + (size_t)len, text.len);
    bool open = cenv_str_starts(rest, CENV_STR("[\n"));
    const char *end =
        open ? cenv_find_bytes(rest.data, rest.len, "\n  ],\n", 6) : rest.data;
    end = end ? memchr(end + (open ? 1 : 0), '\n',
                       (size_t)(text.data + text.len - end - (open ? 1 : 0)))
              : NULL;
    if (!end)
        return false;
    *to = (size_t)(end - text.data) + 1;
    return true;
}

/* Replaces the lines of a member by `with`. */
static void replace_member(struct cenv_buf *text, const char *key, struct cenv_str with)
{
    size_t from, to;
    struct cenv_buf made;
    struct cenv_str old = cenv_buf_str(text);
    if (!find_member(old, key, &from, &to))
        return;
    cenv_buf_init(&made, TEXT_MAX);
    cenv_buf_add_str(&made, cenv_str_slice(old, 0, from));
    cenv_buf_add_str(&made, with);
    cenv_buf_add_str(&made, cenv_str_slice(old, to, old.len));
    made.failed |= text->failed;
    cenv_buf_release(text);
    *text = made;
}

/* As the writer of records does: the last spec of the name, then all of them. */
static void add_requested(const struct cenv_json *specs, struct cenv_str name,
                          struct cenv_buf *out)
{
    struct cenv_buf list;
    const struct cenv_json *spec, *last = NULL;
    cenv_buf_init(&list, TEXT_MAX);
    cenv_json_each(spec, specs)
    {
        if (!cenv_history_spec_asks_for(cenv_json_str(spec), name))
            continue;
        cenv_buf_puts(&list, last ? ",\n    " : "\n    ");
        cenv_json_quote(&list, cenv_json_str(spec));
        last = spec;
    }
    if (last) {
        cenv_buf_puts(out, "  \"requested_spec\": ");
        cenv_json_quote(out, cenv_json_str(last));
        cenv_buf_puts(out, ",\n");
    }
    cenv_buf_addf(out, "  \"requested_specs\": [%s%s],\n", last ? list.data : "",
                  last ? "\n  " : "");
    out->failed |= list.failed;
    cenv_buf_release(&list);
}

bool cenv_provenance_set_requested(const struct cenv_json *specs, struct cenv_str name,
                                   struct cenv_buf *record)
{
    struct cenv_buf requested;
    cenv_buf_init(&requested, TEXT_MAX);
    add_requested(specs, name, &requested);
    replace_member(record, "requested_spec", CENV_STR(""));
    replace_member(record, "requested_specs", cenv_buf_str(&requested));
    record->failed |= requested.failed;
    cenv_buf_release(&requested);
    return !record->failed;
}

static void add_member(const char *key, struct cenv_str value, struct cenv_buf *out)
{
    cenv_buf_addf(out, "  \"%s\": ", key);
    cenv_json_quote(out, value);
    cenv_buf_puts(out, ",\n");
}

static void set_url(struct cenv_buf *text, struct cenv_str url)
{
    struct cenv_buf plain, line;
    cenv_buf_init(&plain, TEXT_MAX);
    cenv_buf_init(&line, TEXT_MAX);
    cenv_url_clean(&plain, url);
    add_member("url", cenv_buf_str(&plain), &line);
    replace_member(text, "url", cenv_buf_str(&line));
    cenv_buf_clear(&line);
    add_member("channel", cenv_path_parent(cenv_buf_str(&plain)), &line);
    replace_member(text, "channel", cenv_buf_str(&line));
    text->failed |= plain.failed | line.failed;
    cenv_buf_release(&plain);
    cenv_buf_release(&line);
}

/* "name" of "name-version-build.json". */
static struct cenv_str name_of_file(struct cenv_str file)
{
    for (int i = 0; i < 2; i++)
        file = cenv_str_slice(file, 0, cenv_str_rfind(file, '-'));
    return file;
}

static struct cenv_str url_of(const struct provenance *p, struct cenv_str dist)
{
    const struct cenv_json *item;
    cenv_json_each(item, p->urls)
    {
        if (cenv_str_is(dist, cenv_json_key(item)))
            return cenv_json_str(item);
    }
    return cenv_str_n(NULL, 0);
}

bool cenv_provenance_asks_for(const struct cenv_json *specs, struct cenv_str name)
{
    const struct cenv_json *spec;
    cenv_json_each(spec, specs)
    {
        if (cenv_history_spec_asks_for(cenv_json_str(spec), name))
            return true;
    }
    return false;
}

static int edit_record(const struct provenance *p, struct cenv_str file,
                       struct cenv_str text, struct cenv_buf *out)
{
    struct cenv_str dist = cenv_str_slice(file, 0, file.len - strlen(".json"));
    struct cenv_str url = url_of(p, dist);
    cenv_buf_add_str(out, text);
    if (p->specs)
        cenv_provenance_set_requested(p->specs, name_of_file(dist), out);
    if (url.len)
        set_url(out, url);
    return 0;
}

static int edit_records(const struct provenance *p)
{
    struct cenv_listing list;
    int rc = 0, raw = cenv_listing_read(&list, p->meta, true);
    if (raw < 0)
        return cenv_fs_fail(p->err, raw, p->meta, NULL, "cannot list");
    for (size_t i = 0; i < list.nr && rc == 0; i++) {
        struct cenv_str file = cenv_str_n(list.entries[i].name, list.entries[i].len);
        if (list.entries[i].type != CENV_FT_FILE ||
            !cenv_str_ends(file, CENV_STR(".json")))
            continue;
        struct cenv_str dist = cenv_str_slice(file, 0, file.len - strlen(".json"));
        struct cenv_str name = name_of_file(dist);
        if (url_of(p, dist).len ||
            (p->specs && (cenv_provenance_asks_for(p->specs, name) ||
                          cenv_provenance_asks_for(p->was, name))))
            rc = edit_file(p, file.data, edit_record);
    }
    cenv_listing_release(&list);
    return rc;
}

/* ---- history ---- */

/* Only the last block is this solution's. */
static size_t last_block(struct cenv_str text)
{
    size_t at = 0;
    for (size_t i = 0; i + 4 < text.len; i++)
        if ((i == 0 || text.data[i - 1] == '\n') &&
            memcmp(text.data + i, "==> ", 4) == 0)
            at = i;
    return at;
}

static int by_bytes(const void *a, const void *b)
{
    return cenv_str_cmp(*(const struct cenv_str *)a, *(const struct cenv_str *)b);
}

/* "+channel::dist" with the channel of the dist's URL, in `arena`; no data: memory ran out. */
static struct cenv_str with_channel(const struct provenance *p, struct cenv_str line,
                                    struct cenv_arena *arena)
{
    const char *mark = cenv_find_bytes(line.data, line.len, "::", 2);
    while (mark) { /* the last one: an IPv6 host has some */
        size_t from = (size_t)(mark - line.data) + 1;
        const char *more = cenv_find_bytes(line.data + from, line.len - from, "::", 2);
        if (!more)
            break;
        mark = more;
    }
    size_t at = mark ? (size_t)(mark - line.data) + 2 : line.len;
    struct cenv_str dist = cenv_str_slice(line, at, line.len), url = url_of(p, dist);
    if (!url.len)
        return line;
    struct cenv_buf text, plain;
    cenv_buf_init(&text, TEXT_MAX);
    cenv_buf_init(&plain, TEXT_MAX);
    cenv_url_clean(&plain, url);
    struct cenv_str channel = cenv_path_parent(cenv_buf_str(&plain));
    cenv_buf_addf(&text, "+%.*s::%.*s", CENV_STR_ARG(channel), CENV_STR_ARG(dist));
    struct cenv_str kept = text.failed || plain.failed
                               ? cenv_str_n(NULL, 0)
                               : cenv_arena_str(arena, cenv_buf_str(&text));
    cenv_buf_release(&text);
    cenv_buf_release(&plain);
    return kept;
}

static void add_line(struct cenv_str line, struct cenv_buf *out)
{
    cenv_buf_add_str(out, line);
    cenv_buf_putc(out, '\n');
}

/* Head and dists of the block; the line of its specs is left out where they are others now. */
static int edit_block(const struct provenance *p, struct cenv_str block,
                      struct cenv_arena *arena, struct cenv_buf *out)
{
    size_t nr = 0;
    struct cenv_buf tail; /* comments behind the dists */
    struct cenv_str *dists =
        cenv_arena_calloc(arena, block.len / 2 + 1, sizeof(*dists));
    if (!dists)
        return cenv_error_oom(p->err);
    cenv_buf_init(&tail, TEXT_MAX);
    while (block.len) {
        struct cenv_str line = cenv_str_cut(&block, '\n');
        if (cenv_str_starts(line, CENV_STR("+"))) {
            dists[nr] = with_channel(p, line, arena);
            out->failed |= !dists[nr++].data;
        } else if (!p->specs || !cenv_str_starts(line, CENV_STR("# update specs: "))) {
            add_line(line, nr ? &tail : out);
        }
    }
    qsort(dists, nr, sizeof(*dists), by_bytes);
    for (size_t i = 0; i < nr; i++)
        add_line(dists[i], out);
    cenv_buf_add_str(out, cenv_buf_str(&tail));
    out->failed |= tail.failed;
    cenv_buf_release(&tail);
    return 0;
}

static int add_specs(const struct provenance *p, struct cenv_arena *arena,
                     struct cenv_buf *out)
{
    const struct cenv_json *spec;
    size_t nr = 0;
    struct cenv_str *specs =
        cenv_arena_calloc(arena, cenv_json_len(p->specs) + 1, sizeof(*specs));
    if (!specs)
        return cenv_error_oom(p->err);
    cenv_json_each(spec, p->specs)
    {
        specs[nr++] = cenv_json_str(spec);
    }
    cenv_history_add_specs(specs, nr, out);
    return 0;
}

static int edit_history(const struct provenance *p, struct cenv_str name,
                        struct cenv_str text, struct cenv_buf *out)
{
    struct cenv_arena arena = CENV_ARENA_INIT;
    size_t at = last_block(text);
    (void)name;
    cenv_buf_add_str(out, cenv_str_slice(text, 0, at));
    int rc = edit_block(p, cenv_str_slice(text, at, text.len), &arena, out);
    if (rc == 0 && p->specs)
        rc = add_specs(p, &arena, out);
    cenv_arena_release(&arena);
    return rc;
}

/* ---- the whole ---- */

static int edit_all(struct provenance *p, int prefix)
{
    struct cenv_stat st;
    p->meta = cenv_fs_open_dir(prefix, "conda-meta", p->err);
    if (p->meta < 0)
        return p->meta;
    int rc = 0, raw = cenv_raw_stat_fd(p->meta, &st);
    if (raw < 0)
        rc = cenv_fs_fail(p->err, raw, p->meta, NULL, "cannot look at");
    if (rc == 0)
        rc = cenv_fs_exists(p->meta, "history", p->err);
    if (rc == 1)
        rc = edit_file(p, "history", edit_history);
    if (rc == 0)
        rc = edit_records(p);
    if (rc == 0)
        cenv_raw_set_mtime_fd(p->meta, st.mtime_ns);
    cenv_fd_close(p->meta);
    return rc;
}

int cenv_provenance_apply(int prefix, const char *provenance_json,
                          struct cenv_error *err)
{
    struct provenance p = {.meta = -1, .err = err};
    if (!provenance_json || !*provenance_json)
        return 0;
    int rc = cenv_json_parse(&p.doc, cenv_str(provenance_json), "the request", err);
    if (rc < 0)
        return rc;
    p.specs = cenv_json_get(p.doc, "specs");
    p.was = cenv_json_get(p.doc, "was");
    p.urls = cenv_json_get(p.doc, "urls");
    rc = cenv_spec_text_clean_list(p.doc, "specs", &p.specs, err);
    if (rc == 0)
        rc = edit_all(&p, prefix);
    cenv_json_free(p.doc);
    return rc;
}

int cenv_provenance_apply_at(const char *path, const char *provenance_json,
                             struct cenv_error *err)
{
    if (!provenance_json || !*provenance_json)
        return 0;
    int prefix = cenv_fs_open_root(path, err);
    if (prefix < 0)
        return prefix;
    int rc = cenv_provenance_apply(prefix, provenance_json, err);
    cenv_fd_close(prefix);
    return rc;
}
