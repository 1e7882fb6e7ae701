/* SPDX-License-Identifier: BSD-3-Clause */
/* The binary index of repodata: the scanner's tables as they are, behind a header with a sum. */
#include "repodata/binary_index.h"

#include "base/checksum.h"
#include "repodata/repodata_table.h"

enum { VERSION = 2, ORDER = 0x01020304 };

static const char magic[8] = "cenv-rd";

/* Then, without gaps: entries, runs, removed, names, strings. */
struct header {
    char magic[8];
    uint32_t version, order;
    uint64_t total; /* bytes of the index, header included */
    uint64_t sum;   /* of everything behind the header, and of the header with this 0 */
    struct cenv_repodata_stamp stamp;
    uint64_t bytes_len;
    uint32_t nr_entries, nr_runs, nr_removed, nr_names, strings_len, zero;
    struct cenv_repodata_text subdir, base_url, relations;
};

static uint64_t sum_of(struct header header, struct cenv_str tables)
{
    header.sum = 0;
    return cenv_checksum64(tables) ^
           cenv_checksum64(cenv_str_n((const char *)&header, sizeof(header)));
}

static size_t tables_len(const struct header *h)
{
    return h->nr_entries * sizeof(struct cenv_repodata_entry) +
           h->nr_runs * sizeof(struct cenv_repodata_run) +
           h->nr_removed * sizeof(struct cenv_repodata_text) +
           ((size_t)h->nr_names + 1) * sizeof(uint32_t) + h->strings_len;
}

int cenv_binary_index_pack(const struct cenv_repodata *rd,
                           const struct cenv_repodata_stamp *stamp,
                           struct cenv_buf *out, struct cenv_error *err)
{
    const struct cenv_repodata_tables *t = &rd->t;
    struct header h = {
        .version = VERSION,
        .order = ORDER,
        .stamp = *stamp,
        .bytes_len = rd->reader.len,
        .nr_entries = t->nr_entries,
        .nr_runs = t->nr_runs,
        .nr_removed = t->nr_removed,
        .nr_names = t->nr_names,
        .strings_len = (uint32_t)t->strings.len,
        .subdir = t->subdir,
        .base_url = t->base_url,
        .relations = t->relations,
    };
    size_t start = out->len;
    char *header;

    memcpy(h.magic, magic, sizeof(magic));
    h.total = sizeof(h) + tables_len(&h);
    if (!cenv_buf_reserve(out, h.total))
        return cenv_error_oom(err);
    cenv_buf_add(out, &h, sizeof(h));
    cenv_buf_add(out, t->entries, t->nr_entries * sizeof(*t->entries));
    cenv_buf_add(out, t->runs, t->nr_runs * sizeof(*t->runs));
    cenv_buf_add(out, t->removed, t->nr_removed * sizeof(*t->removed));
    cenv_buf_add(out, t->names, ((size_t)t->nr_names + 1) * sizeof(*t->names));
    cenv_buf_add_str(out, t->strings);
    header = out->data + start;
    h.sum = sum_of(h, cenv_str_n(header + sizeof(h), h.total - sizeof(h)));
    memcpy(header, &h, sizeof(h));
    return 0;
}

/* ---- opening ---- */

static bool is_ours(const struct header *h, uint64_t bytes_len, struct cenv_str packed,
                    const struct cenv_repodata_stamp *stamp)
{
    struct cenv_str tables = cenv_str_slice(packed, sizeof(*h), packed.len);

    return memcmp(h->magic, magic, sizeof(magic)) == 0 && h->version == VERSION &&
           h->order == ORDER && memcmp(&h->stamp, stamp, sizeof(*stamp)) == 0 &&
           h->bytes_len == bytes_len && h->total == packed.len &&
           tables_len(h) == tables.len && h->sum == sum_of(*h, tables);
}

bool cenv_binary_index_stamp(struct cenv_str packed, struct cenv_repodata_stamp *out)
{
    struct header h;

    if (packed.len < sizeof(h))
        return false;
    memcpy(&h, packed.data, sizeof(h));
    if (memcmp(h.magic, magic, sizeof(magic)) != 0 || h.version != VERSION)
        return false;
    *out = h.stamp;
    return true;
}

static void map_tables(struct cenv_repodata_tables *t, const struct header *h,
                       const char *at)
{
    *t = (struct cenv_repodata_tables){
        .nr_entries = h->nr_entries,
        .nr_runs = h->nr_runs,
        .nr_removed = h->nr_removed,
        .nr_names = h->nr_names,
        .subdir = h->subdir,
        .base_url = h->base_url,
        .relations = h->relations,
    };
    t->entries =
        (const void *)at; /* every table is of 4-byte numbers, and so is the header */
    at += t->nr_entries * sizeof(*t->entries);
    t->runs = (const void *)at;
    at += t->nr_runs * sizeof(*t->runs);
    t->removed = (const void *)at;
    at += t->nr_removed * sizeof(*t->removed);
    t->names = (const void *)at;
    at += ((size_t)t->nr_names + 1) * sizeof(*t->names);
    t->strings = cenv_str_n(at, h->strings_len);
}

static bool has_text(const struct cenv_repodata *rd, struct cenv_repodata_text text)
{
    return (uint64_t)text.at + text.len <= rd->t.strings.len;
}

/* The key lies before the object, or in the strings. */
static bool is_entry_sound(const struct cenv_repodata *rd,
                           const struct cenv_repodata_entry *e)
{
    uint64_t file = rd->reader.len, key_end = (uint64_t)e->key + e->key_len;

    return e->kind <= CENV_REPODATA_V3_BZ2 &&
           (uint64_t)e->object + e->object_len <= file &&
           (e->key < file ? key_end <= e->object : key_end <= file + rd->t.strings.len);
}

/* Within a run objects follow one another. */
static bool is_run_sound(const struct cenv_repodata *rd,
                         const struct cenv_repodata_run *run)
{
    const struct cenv_repodata_entry *e = rd->t.entries + run->first;
    bool sound = has_text(rd, run->name) && run->nr > 0 &&
                 (uint64_t)run->first + run->nr <= rd->t.nr_entries;

    for (uint32_t i = 0; sound && i < run->nr; i++)
        sound = is_entry_sound(rd, &e[i]) &&
                (!i || (e[i].object >= e[i - 1].object + e[i - 1].object_len &&
                        (e[i].key >= rd->reader.len || e[i].key >= e[i - 1].object)));
    return sound;
}

static bool are_tables_sound(const struct cenv_repodata *rd)
{
    const struct cenv_repodata_tables *t = &rd->t;
    bool sound = has_text(rd, t->subdir) && has_text(rd, t->base_url) &&
                 has_text(rd, t->relations);

    for (uint32_t i = 0; i < t->nr_runs && sound; i++)
        sound = is_run_sound(rd, &t->runs[i]);
    for (uint32_t i = 0; i < t->nr_removed; i++)
        sound &= has_text(rd, t->removed[i]);
    for (uint32_t i = 0; i < t->nr_names; i++)
        sound &= t->names[i] < t->names[i + 1];
    return sound && t->names[t->nr_names] == t->nr_runs;
}

int cenv_binary_index_unpack(struct cenv_repodata **out,
                             const struct cenv_repodata_bytes *bytes,
                             struct cenv_str packed,
                             const struct cenv_repodata_stamp *stamp,
                             const struct cenv_repodata_source *source,
                             struct cenv_error *err)
{
    struct cenv_repodata *rd;
    struct header h;
    int rc;

    if (packed.len < sizeof(h))
        return 1;
    memcpy(&h, packed.data, sizeof(h));
    if (!is_ours(&h, bytes->len, packed, stamp))
        return 1;
    rd = cenv_repodata_table_new(cenv_str_n(NULL, 0), source);
    if (!rd)
        return cenv_error_oom(err);
    rd->reader = *bytes;
    map_tables(&rd->t, &h, packed.data + sizeof(h));
    rc = are_tables_sound(rd) ? cenv_repodata_table_settle(rd, err) : 1;
    if (rc != 0)
        cenv_repodata_free(rd);
    else
        *out = rd;
    return rc;
}
