/* SPDX-License-Identifier: BSD-3-Clause */
/* The strict ZIP reader: see zip.h for what is refused. */
#include "codec/zip.h"

#include <stdbool.h>
#include <string.h>

#include "base/alloc.h"
#include "codec/cursor.h"
#include "os/path.h"

enum {
    SIG_LOCAL = 0x04034b50,
    SIG_CENTRAL = 0x02014b50,
    SIG_END64 = 0x06064b50,
    SIG_LOCATOR = 0x07064b50,
    SIG_END = 0x06054b50,
    LOCAL_LEN = 30,
    CENTRAL_LEN = 46,
    END64_LEN = 56,
    LOCATOR_LEN = 20,
    END_LEN = 22,
    SIG_DESCRIPTOR = 0x08074b50,
    FLAG_DESCRIPTOR = 0x8,
    STORED = 0,
    DEFLATED = 8,
    FLAG_UTF8 = 0x800,
    EXTRA_ZIP64 = 0x0001,
    EXTRA_UNICODE_PATH = 0x7075,
    MAX16 = 0xffff,
};

static const uint64_t max32 = 0xffffffffU;

struct cenv_zip {
    struct cenv_cursor at;
    struct cenv_crc32 tables;
    struct cenv_zip_member members[CENV_ZIP_MAX];
    size_t nr;
    uint64_t left; /* of the current member's data */
    uint32_t sum;
    bool ended;
    bool described;        /* a data descriptor follows the current member's data */
    cenv_zip_find_fn find; /* or NULL */
    void *find_ctx;
    unsigned char head[64];        /* the fixed part of the record at hand */
    unsigned char tail[2 * 65536]; /* its name and extra */
};

static int refuse_archive(const struct cenv_zip *zip, const char *why,
                          struct cenv_error *err)
{
    return cenv_error_set(err, CENV_EINTEGRITY, "bad ZIP container: %s (at byte %llu)",
                          why, (unsigned long long)zip->at.offset);
}

static unsigned get16(const unsigned char *at)
{
    return at[0] | (unsigned)at[1] << 8;
}

static uint64_t get32(const unsigned char *at)
{
    return get16(at) | (uint64_t)get16(at + 2) << 16;
}

static uint64_t get64(const unsigned char *at)
{
    return get32(at) | get32(at + 4) << 32;
}

static int take_bytes(struct cenv_zip *zip, void *to, uint64_t len,
                      struct cenv_error *err)
{
    int rc = cenv_cursor_take(&zip->at, to, len, err);

    if (rc == 0)
        return refuse_archive(zip, "it ends in the middle", err);
    return rc < 0 ? rc : 0;
}

/* ---- what local and central headers share ---- */

struct entry {
    unsigned flags, method;
    uint64_t crc, csize, usize, offset;
    struct cenv_str name;
};

/* Finds the ZIP64 extra in well-formed extras; len 0 when there is none. */
static const char *scan_extras(struct cenv_str extras, struct cenv_str *zip64)
{
    *zip64 = CENV_STR("");
    while (extras.len > 0) {
        const unsigned char *at = (const unsigned char *)extras.data;
        size_t len = extras.len < 4 ? extras.len : 4 + (size_t)get16(at + 2);
        if (extras.len < 4 || len > extras.len)
            return "malformed extra fields";
        if (get16(at) == EXTRA_UNICODE_PATH)
            return "a second name in an extra field";
        if (get16(at) == EXTRA_ZIP64 && zip64->len > 0)
            return "two ZIP64 fields";
        if (get16(at) == EXTRA_ZIP64)
            *zip64 = cenv_str_slice(extras, 0, len);
        extras = cenv_str_slice(extras, len, extras.len);
    }
    return NULL;
}

/* Replaces what is "see ZIP64" by the field's values, which must be exactly those. */
static const char *apply_zip64(struct entry *entry, struct cenv_str extras, bool local)
{
    uint64_t *values[] = {&entry->usize, &entry->csize, &entry->offset};
    bool want_sizes = entry->usize == max32 || entry->csize == max32;
    const unsigned char *at;
    struct cenv_str zip64;
    size_t used = 4;
    const char *why = scan_extras(extras, &zip64);

    if (why)
        return why;
    at = (const unsigned char *)zip64.data;
    for (size_t i = 0; i < 3; i++) {
        bool want = local && i < 2 ? want_sizes : *values[i] == max32;
        if (!want)
            continue;
        if (used + 8 > zip64.len)
            return "a ZIP64 field is missing";
        *values[i] = get64(at + used);
        used += 8;
    }
    return zip64.len > 0 && used != zip64.len ? "a ZIP64 field of no use" : NULL;
}

static const char *check_entry(const struct entry *entry)
{
    bool archive = cenv_str_ends(entry->name, CENV_STR(".zst"));
    if (entry->method != STORED && (entry->method != DEFLATED || archive))
        return "a compressed member; those of a .conda must be stored";
    if (entry->flags & ~(unsigned)(FLAG_UTF8 | FLAG_DESCRIPTOR))
        return "an encrypted member";
    if (entry->method == STORED && entry->csize != entry->usize)
        return "two sizes for a stored member";
    if (!cenv_path_is_name(entry->name) || cenv_path_refused(entry->name))
        return "a member with an unfit name";
    return NULL;
}

/* Parses the fields from `at` (flags first) and the name and extras behind the fixed part. */
static int parse_entry(struct cenv_zip *zip, const unsigned char *at, bool local,
                       struct entry *entry, struct cenv_error *err)
{
    size_t name_len = get16(at + 20), extra_len = get16(at + 22);
    struct cenv_str tail = {(const char *)zip->tail, name_len + extra_len};
    const char *why;
    int rc = take_bytes(zip, zip->tail, tail.len, err);

    if (rc < 0)
        return rc;
    entry->flags = get16(at);
    entry->method = get16(at + 2);
    entry->crc = get32(at + 8);
    entry->csize = get32(at + 12);
    entry->usize = get32(at + 16);
    entry->name = cenv_str_slice(tail, 0, name_len);
    why = apply_zip64(entry, cenv_str_slice(tail, name_len, tail.len), local);
    if (!why)
        why = check_entry(entry);
    return why ? refuse_archive(zip, why, err) : 0;
}

/* ---- local headers ---- */

static bool has_name(const struct cenv_zip *zip, struct cenv_str name)
{
    for (size_t i = 0; i < zip->nr; i++) {
        if (cenv_str_is(name, zip->members[i].name))
            return true;
    }
    return false;
}

/* Sizes that are to come: the header has none, or those that will stand in the descriptor. */
static int find_sizes(struct cenv_zip *zip, uint64_t offset, struct entry *entry,
                      struct cenv_error *err)
{
    uint64_t size;
    uint32_t crc;
    if (!zip->find || entry->method != STORED)
        return refuse_archive(zip, "a member with a data descriptor", err);
    int rc = zip->find(zip->find_ctx, offset, &size, &crc, err);
    if (rc < 0)
        return rc;
    if ((entry->usize && entry->usize != size) || (entry->crc && entry->crc != crc))
        return refuse_archive(zip, "its directory does not agree with its members",
                              err);
    entry->usize = entry->csize = size;
    entry->crc = crc;
    return 0;
}

/* Behind the data: a signature, which may be missing, CRC and both sizes of 32 bits. */
static int read_descriptor(struct cenv_zip *zip, struct cenv_error *err)
{
    const struct cenv_zip_member *member = &zip->members[zip->nr - 1];
    const unsigned char *at = zip->head;
    int rc = take_bytes(zip, zip->head, 12, err);
    if (rc == 0 && get32(at) == SIG_DESCRIPTOR && member->crc != SIG_DESCRIPTOR) {
        rc = take_bytes(zip, zip->head + 12, 4, err);
        at += 4;
    }
    if (rc == 0 && (get32(at) != member->crc || get32(at + 4) != member->size ||
                    get32(at + 8) != member->size))
        rc = refuse_archive(zip, "a data descriptor that is wrong", err);
    zip->described = false;
    return rc;
}

static int read_local(struct cenv_zip *zip, struct cenv_error *err)
{
    uint64_t offset = zip->at.offset - 4;
    struct entry entry = {0};
    struct cenv_zip_member *member;
    int rc = take_bytes(zip, zip->head + 4, LOCAL_LEN - 4, err);

    if (rc == 0)
        rc = parse_entry(zip, zip->head + 6, true, &entry, err);
    if (rc == 0 && (entry.flags & FLAG_DESCRIPTOR))
        rc = find_sizes(zip, offset, &entry, err);
    if (rc < 0)
        return rc;
    if (zip->nr == CENV_ZIP_MAX)
        return refuse_archive(zip, "too many members", err);
    if (has_name(zip, entry.name))
        return refuse_archive(zip, "two members of one name", err);
    member = &zip->members[zip->nr++];
    memcpy(member->name, entry.name.data, entry.name.len); /* <= 255 by check_entry */
    member->name[entry.name.len] = '\0';
    member->size = entry.usize;
    member->packed = zip->left = entry.csize;
    member->deflated = entry.method == DEFLATED;
    member->offset = offset;
    member->crc = (uint32_t)entry.crc;
    zip->sum = 0;
    zip->described = entry.flags & FLAG_DESCRIPTOR;
    return 0;
}

/* Some of the current member's data; *len 0 when it is over and its CRC is right. */
static int member_read(void *ctx, const void **data, size_t *len,
                       struct cenv_error *err)
{
    struct cenv_zip *zip = ctx;
    size_t part;
    int rc;

    *len = 0;
    if (zip->nr == 0)
        return 0;
    if (zip->left == 0)
        return zip->members[zip->nr - 1].deflated ||
                       zip->sum == zip->members[zip->nr - 1].crc
                   ? 0
                   : refuse_archive(zip, "wrong CRC", err);
    rc = cenv_cursor_fill(&zip->at, err);
    if (rc < 0)
        return rc;
    if (zip->at.len == 0)
        return refuse_archive(zip, "it ends in the middle", err);
    part = zip->left < zip->at.len ? (size_t)zip->left : zip->at.len;
    *data = zip->at.data;
    *len = part;
    zip->sum = cenv_crc32_add(&zip->tables, zip->sum, *data, part);
    zip->left -= part;
    cenv_cursor_advance(&zip->at, part);
    return 0;
}

struct cenv_input cenv_zip_input(struct cenv_zip *zip)
{
    return (struct cenv_input){.read = member_read, .ctx = zip};
}

static int finish_member(struct cenv_zip *zip, struct cenv_error *err)
{
    const void *data;
    size_t len = 1;
    int rc = 0;

    while (rc == 0 && len > 0)
        rc = member_read(zip, &data, &len, err);
    if (rc == 0 && zip->described)
        rc = read_descriptor(zip, err);
    return rc;
}

/* ---- central directory and end ---- */

static bool same_member(const struct cenv_zip_member *member, const struct entry *entry)
{
    return member->offset == entry->offset && member->size == entry->usize &&
           member->packed == entry->csize &&
           member->deflated == (entry->method == DEFLATED) &&
           member->crc == entry->crc && cenv_str_is(entry->name, member->name);
}

/* One central header, its signature read; marks the member it describes in *seen. */
static int read_central(struct cenv_zip *zip, uint32_t *seen, struct cenv_error *err)
{
    struct entry entry = {0};
    size_t i = 0;
    int rc = take_bytes(zip, zip->head + 4, CENTRAL_LEN - 4, err);

    entry.offset = get32(zip->head + 42);
    if (rc == 0)
        rc = parse_entry(zip, zip->head + 8, false, &entry, err);
    if (rc < 0)
        return rc;
    if (get16(zip->head + 32) != 0 || get16(zip->head + 34) != 0)
        return refuse_archive(zip, "a comment, or a second disk", err);
    while (i < zip->nr && !same_member(&zip->members[i], &entry))
        i++;
    if (i == zip->nr || (*seen & 1U << i))
        return refuse_archive(zip, "its directory does not agree with its members",
                              err);
    *seen |= 1U << i;
    return 0;
}

static int read_signature(struct cenv_zip *zip, uint64_t *signature,
                          struct cenv_error *err)
{
    int rc = take_bytes(zip, zip->head, 4, err);

    *signature = get32(zip->head);
    return rc;
}

/* ZIP64's end record and its locator; `start` and `end` are the central directory's offsets. */
static int read_end64(struct cenv_zip *zip, uint64_t start, uint64_t end,
                      struct cenv_error *err)
{
    const unsigned char *head = zip->head;
    int rc = take_bytes(zip, zip->head + 4, END64_LEN - 4, err);

    if (rc == 0 &&
        (get64(head + 4) != END64_LEN - 12 || get32(head + 16) || get32(head + 20) ||
         get64(head + 24) != zip->nr || get64(head + 32) != zip->nr ||
         get64(head + 40) != end - start || get64(head + 48) != start))
        rc = refuse_archive(
            zip, "its ZIP64 end record does not agree with its directory", err);
    if (rc == 0)
        rc = take_bytes(zip, zip->head, LOCATOR_LEN, err);
    if (rc == 0 && (get32(head) != SIG_LOCATOR || get32(head + 4) ||
                    get64(head + 8) != end || get32(head + 16) != 1))
        rc = refuse_archive(zip, "its ZIP64 locator is wrong", err);
    return rc;
}

static bool is_value(uint64_t got, uint64_t want, uint64_t max, bool zip64)
{
    return got == want || (zip64 && got == max);
}

static int read_end(struct cenv_zip *zip, uint64_t start, uint64_t end, bool zip64,
                    struct cenv_error *err)
{
    const unsigned char *head = zip->head;
    int rc = take_bytes(zip, zip->head + 4, END_LEN - 4, err);

    if (rc == 0 && (get16(head + 4) || get16(head + 6) ||
                    !is_value(get16(head + 8), zip->nr, MAX16, zip64) ||
                    !is_value(get16(head + 10), zip->nr, MAX16, zip64) ||
                    !is_value(get32(head + 12), end - start, max32, zip64) ||
                    !is_value(get32(head + 16), start, max32, zip64)))
        rc = refuse_archive(zip, "its end record does not agree with its directory",
                            err);
    if (rc == 0 && get16(head + 20) != 0)
        rc = refuse_archive(zip, "a comment", err);
    if (rc == 0)
        rc = cenv_cursor_fill(&zip->at, err);
    if (rc == 0 && zip->at.len > 0)
        rc = refuse_archive(zip, "more data behind its end", err);
    return rc;
}

/* All behind the last member, whose next signature is `signature`. */
static int read_directory(struct cenv_zip *zip, uint64_t signature,
                          struct cenv_error *err)
{
    uint64_t start = zip->at.offset - 4, end;
    uint32_t seen = 0;
    size_t nr = 0;
    bool zip64;
    int rc = 0;

    for (; rc == 0 && signature == SIG_CENTRAL; nr++) {
        rc = read_central(zip, &seen, err);
        if (rc == 0)
            rc = read_signature(zip, &signature, err);
    }
    if (rc == 0 && nr != zip->nr)
        rc = refuse_archive(zip, "its directory does not agree with its members", err);
    end = zip->at.offset - 4;
    zip64 = signature == SIG_END64;
    if (rc == 0 && zip64)
        rc = read_end64(zip, start, end, err);
    if (rc == 0 && zip64)
        rc = read_signature(zip, &signature, err);
    if (rc == 0 && signature != SIG_END)
        rc = refuse_archive(zip, "an unknown record", err);
    if (rc == 0)
        rc = read_end(zip, start, end, zip64, err);
    return rc;
}

/* ---- the interface ---- */

int cenv_zip_open(struct cenv_zip **out, struct cenv_input from, struct cenv_error *err)
{
    struct cenv_zip *zip = cenv_calloc(1, sizeof(*zip));

    if (!zip)
        return cenv_error_oom(err);
    zip->at.from = from;
    cenv_crc32_init(&zip->tables);
    *out = zip;
    return 0;
}

void cenv_zip_ask_directory(struct cenv_zip *zip, cenv_zip_find_fn find, void *ctx)
{
    zip->find = find;
    zip->find_ctx = ctx;
}

bool cenv_zip_find_member(struct cenv_str end, uint64_t file_size, uint64_t offset,
                          uint64_t *size, uint32_t *crc)
{
    const unsigned char *bytes = (const unsigned char *)end.data;
    if (end.len < END_LEN || get32(bytes + end.len - END_LEN) != SIG_END)
        return false;
    uint64_t length = get32(bytes + end.len - END_LEN + 12);
    uint64_t start = get32(bytes + end.len - END_LEN + 16);
    if (length > end.len - END_LEN || start + length + END_LEN != file_size)
        return false;
    const unsigned char *at = bytes + (end.len - END_LEN - length);
    for (const unsigned char *stop = at + length; stop - at >= CENTRAL_LEN;) {
        size_t more = (size_t)get16(at + 28) + get16(at + 30) + get16(at + 32);
        if (get32(at) != SIG_CENTRAL || (size_t)(stop - at) - CENTRAL_LEN < more)
            return false;
        *size = get32(at + 24);
        *crc = (uint32_t)get32(at + 16);
        if (get32(at + 42) == offset)
            return *size != max32;
        at += CENTRAL_LEN + more;
    }
    return false;
}

void cenv_zip_free(struct cenv_zip *zip)
{
    cenv_free(zip);
}

int cenv_zip_next(struct cenv_zip *zip, const struct cenv_zip_member **member,
                  struct cenv_error *err)
{
    uint64_t signature = 0;
    int rc = zip->ended ? 0 : finish_member(zip, err);

    if (rc < 0 || zip->ended)
        return rc;
    rc = read_signature(zip, &signature, err);
    if (rc < 0)
        return rc;
    if (signature == SIG_LOCAL) {
        rc = read_local(zip, err);
        if (rc == 0)
            *member = &zip->members[zip->nr - 1];
        return rc < 0 ? rc : 1;
    }
    if (zip->nr == 0)
        return refuse_archive(zip, "it does not start with a member", err);
    rc = read_directory(zip, signature, err);
    zip->ended = rc == 0;
    return rc;
}

/* ---- writing ---- */

static unsigned char *put16(unsigned char *at, unsigned value)
{
    at[0] = (unsigned char)value;
    at[1] = (unsigned char)(value >> 8);
    return at + 2;
}

static unsigned char *put32(unsigned char *at, uint64_t value)
{
    return put16(put16(at, value & MAX16), value >> 16 & MAX16);
}

/* Version needed, flags, method, the DOS epoch, CRC, sizes, length of the name, no extras. */
static unsigned char *put_common(unsigned char *at,
                                 const struct cenv_zip_member *member)
{
    at = put16(at, 20);
    at = put16(at, 0);
    at = put16(at, 0);
    at = put32(at, 0x00210000);
    at = put32(at, member->crc);
    at = put32(at, member->size);
    at = put32(at, member->size);
    at = put16(at, (unsigned)strlen(member->name));
    return put16(at, 0);
}

static int write_bytes(struct cenv_output to, const void *data, size_t len,
                       struct cenv_error *err)
{
    return to.write(to.ctx, data, len, err);
}

size_t cenv_zip_local_len(const struct cenv_zip_member *member)
{
    return LOCAL_LEN + strlen(member->name);
}

int cenv_zip_put_local(const struct cenv_zip_member *member, struct cenv_output to,
                       struct cenv_error *err)
{
    unsigned char head[LOCAL_LEN];
    int rc;

    if (member->size >= max32 || member->offset >= max32)
        return cenv_error_set(err, CENV_EFAIL, "'%s' is too large for a package",
                              member->name);
    put_common(put32(head, SIG_LOCAL), member);
    rc = write_bytes(to, head, sizeof(head), err);
    if (rc == 0)
        rc = write_bytes(to, member->name, strlen(member->name), err);
    return rc;
}

static int put_central(const struct cenv_zip_member *member, struct cenv_output to,
                       struct cenv_error *err)
{
    unsigned char head[CENTRAL_LEN] = {0}, *at;
    int rc;

    at = put_common(put16(put32(head, SIG_CENTRAL), 20), member);
    put32(at + 10, member->offset);
    rc = write_bytes(to, head, sizeof(head), err);
    if (rc == 0)
        rc = write_bytes(to, member->name, strlen(member->name), err);
    return rc;
}

int cenv_zip_put_directory(const struct cenv_zip_member *members, size_t nr,
                           struct cenv_output to, struct cenv_error *err)
{
    unsigned char end[END_LEN] = {0};
    uint64_t len = 0, start = 0;
    int rc = 0;

    for (size_t i = 0; i < nr && rc == 0; i++) {
        len += CENTRAL_LEN + strlen(members[i].name);
        start = members[i].offset + cenv_zip_local_len(&members[i]) + members[i].size;
        rc = put_central(&members[i], to, err);
    }
    put32(end, SIG_END);
    put16(put16(end + 8, (unsigned)nr), (unsigned)nr);
    put32(put32(end + 12, len), start);
    if (rc == 0)
        rc = write_bytes(to, end, sizeof(end), err);
    return rc;
}
