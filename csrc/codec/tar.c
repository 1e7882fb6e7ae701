/* SPDX-License-Identifier: BSD-3-Clause */
/* The strict tar reader: see tar.h for what is refused and why. */
#include "codec/tar.h"

#include <stdbool.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/utf8.h"
#include "codec/cursor.h"
#include "codec/json.h"
#include "codec/tar_header.h"
#include "os/path.h"

enum { RECORD = CENV_TAR_RECORD, EXTENDED_MAX = 1 << 20, TARGET_MAX = 4095 };

static const int64_t max_seconds = UINT32_MAX;

/* What extended headers said of the member to come. */
enum {
    SAW_PAX = 1 << 0,
    SAW_GNU_PATH = 1 << 1,
    SAW_GNU_LINK = 1 << 2,
    HAS_PATH = 1 << 3,
    HAS_LINK = 1 << 4,
    HAS_SIZE = 1 << 5,
    HAS_MTIME = 1 << 6,
};

struct cenv_tar {
    struct cenv_cursor at;
    struct cenv_tar_header header;
    unsigned seen;
    struct cenv_buf ext_path, ext_link, payload;
    uint64_t ext_size;
    int64_t ext_mtime_ns;

    struct cenv_buf path, link; /* of the current member */
    uint64_t data_left, padding;
    bool ended;
};

static int refuse_archive(const struct cenv_tar *tar, const char *why,
                          struct cenv_error *err)
{
    return cenv_error_set(err, CENV_EINTEGRITY, "bad tar archive: %s (at byte %llu)",
                          why, (unsigned long long)tar->at.offset);
}

/* As refuse_archive(), naming the member. */
static int refuse_member(const struct cenv_tar *tar, struct cenv_str name,
                         const char *why, struct cenv_error *err)
{
    struct cenv_buf shown;

    cenv_buf_init(&shown, 1000);
    cenv_json_quote(&shown, cenv_str_slice(name, 0, 160));
    cenv_error_set(err, CENV_EINTEGRITY, "bad tar archive: member %s %s (at byte %llu)",
                   shown.data ? shown.data : "?", why,
                   (unsigned long long)tar->at.offset);
    cenv_buf_release(&shown);
    return CENV_EINTEGRITY;
}

/* ---- bytes ---- */

/* Skips `len` bytes, or copies them to `to`; the archive must hold them. */
static int take_bytes(struct cenv_tar *tar, void *to, uint64_t len,
                      struct cenv_error *err)
{
    int rc = cenv_cursor_take(&tar->at, to, len, err);

    if (rc == 0)
        return refuse_archive(tar, "it ends in the middle", err);
    return rc < 0 ? rc : 0;
}

static bool all_zero(const char *data, size_t len)
{
    return len == 0 || (data[0] == 0 && memcmp(data, data + 1, len - 1) == 0);
}

static uint64_t padding_of(uint64_t size)
{
    return (RECORD - size % RECORD) % RECORD;
}

/* ---- numbers ---- */

static struct cenv_str text_of_field(const char *text, size_t max)
{
    return cenv_str_n(text, strnlen(text, max));
}

/* Octal digits between blanks; an empty field is 0. */
static bool parse_octal(const char *text, size_t max, uint64_t *out)
{
    struct cenv_str digits = text_of_field(text, max);
    uint64_t value = 0;

    while (digits.len && digits.data[0] == ' ')
        digits = cenv_str_slice(digits, 1, digits.len);
    while (digits.len && digits.data[digits.len - 1] == ' ')
        digits.len--;
    for (size_t i = 0; i < digits.len; i++) {
        if (digits.data[i] < '0' || digits.data[i] > '7')
            return false;
        value = value << 3 | (uint64_t)(digits.data[i] - '0');
    }
    *out = value;
    return true;
}

static bool parse_decimal(struct cenv_str digits, uint64_t *out)
{
    uint64_t value = 0;

    if (digits.len == 0 || digits.len > 18)
        return false;
    for (size_t i = 0; i < digits.len; i++) {
        if (digits.data[i] < '0' || digits.data[i] > '9')
            return false;
        value = value * 10 + (uint64_t)(digits.data[i] - '0');
    }
    *out = value;
    return true;
}

static int64_t clamp_ns(uint64_t seconds, uint64_t fraction_ns)
{
    if (seconds > (uint64_t)max_seconds)
        return max_seconds * 1000000000;
    return (int64_t)seconds * 1000000000 + (int64_t)fraction_ns;
}

/* "[-]SECONDS[.FRACTION]"; what lies before 1970 becomes 1970. */
static bool parse_pax_time(struct cenv_str text, int64_t *out)
{
    bool negative = text.len && text.data[0] == '-';
    struct cenv_str rest = cenv_str_slice(text, negative, text.len);
    struct cenv_str whole = cenv_str_cut(&rest, '.');
    char nine[10] = "000000000";
    uint64_t seconds, fraction, any;

    memcpy(nine, rest.data, rest.len < 9 ? rest.len : 9);
    if (!parse_decimal(whole, &seconds) || !parse_decimal(cenv_str(nine), &fraction))
        return false;
    for (size_t at = 9; at < rest.len; at++) {
        if (!parse_decimal(cenv_str_slice(rest, at, at + 1), &any))
            return false;
    }
    *out = negative ? 0 : clamp_ns(seconds, fraction);
    return true;
}

/* Octal, or GNU's base-256 for times out of its range, which are clamped. */
static bool parse_header_time(const struct cenv_tar_header *header, int64_t *out)
{
    unsigned char first = (unsigned char)header->mtime[0];
    uint64_t seconds = 0;

    if (first & 0x80) {
        *out = first & 0x40 ? 0 : max_seconds * 1000000000;
        return true;
    }
    if (!parse_octal(header->mtime, sizeof(header->mtime), &seconds))
        return false;
    *out = clamp_ns(seconds, 0);
    return true;
}

/* ---- names ---- */

/* Why a name is refused, or NULL; the normalised form replaces what `out` holds. */
static const char *normalise_name(struct cenv_str name, struct cenv_buf *out)
{
    cenv_buf_clear(out);
    cenv_buf_reserve(out, 1);
    if (!cenv_utf8_is(name))
        return "has a name that is not UTF-8";
    if (memchr(name.data, '\\', name.len))
        return "has a backslash in its name";
    if (name.len == 0)
        return "has an empty name";
    return cenv_path_normalise(name, out);
}

static const char *check_target(struct cenv_str target)
{
    if (target.len == 0)
        return "is a link to nowhere";
    if (target.len > TARGET_MAX)
        return "is a link with too long a target";
    if (memchr(target.data, '\0', target.len) || !cenv_utf8_is(target))
        return "is a link whose target is not UTF-8";
    return NULL;
}

/* ---- extended headers ---- */

static int read_payload(struct cenv_tar *tar, uint64_t size, struct cenv_error *err)
{
    char *room;

    cenv_buf_clear(&tar->payload);
    if (size > EXTENDED_MAX)
        return refuse_archive(tar, "an extended header of over 1 MiB", err);
    room = cenv_buf_reserve(&tar->payload, (size_t)size);
    if (!room)
        return cenv_error_oom(err);
    tar->payload.len = (size_t)size;
    room[size] = '\0';
    return take_bytes(tar, room, size, err) < 0
               ? err->status
               : take_bytes(tar, NULL, padding_of(size), err);
}

/* Takes "LEN KEY=VALUE\n" off `rest`. */
static bool cut_record(struct cenv_str *rest, struct cenv_str *key,
                       struct cenv_str *value)
{
    struct cenv_str record = *rest;
    struct cenv_str digits = cenv_str_cut(&record, ' ');
    size_t head = digits.len + 1;
    uint64_t len;

    if (!parse_decimal(digits, &len) || len > rest->len || len < head + 3 ||
        rest->data[len - 1] != '\n')
        return false;
    *value = cenv_str_slice(*rest, head, (size_t)len - 1);
    *key = cenv_str_cut(value, '=');
    *rest = cenv_str_slice(*rest, (size_t)len, rest->len);
    return key->len > 0 && key->data + key->len < rest->data - 1;
}

/* The bit of a key that describes the member; 0: of no concern; -1: readers differ about it. */
static int pax_key(struct cenv_str key)
{
    static const struct {
        const char *key;
        int bit;
    } known[] = {
        {"path", HAS_PATH},      {"linkpath", HAS_LINK}, {"size", HAS_SIZE},
        {"mtime", HAS_MTIME},    {"hdrcharset", -1},     {"SCHILY.filetype", -1},
        {"SCHILY.realsize", -1}, {"SCHILY.offset", -1},
    };

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (cenv_str_is(key, known[i].key))
            return known[i].bit;
    }
    return cenv_str_starts(key, CENV_STR("GNU.")) ? -1 : 0;
}

static int apply_pax(struct cenv_tar *tar, int bit, struct cenv_str value,
                     struct cenv_error *err)
{
    bool ok = value.len > 0;

    if (tar->seen & (unsigned)bit)
        return refuse_archive(tar, "a key twice in a pax header", err);
    tar->seen |= (unsigned)bit;
    if (bit == HAS_PATH || bit == HAS_LINK) {
        struct cenv_buf *to = bit == HAS_PATH ? &tar->ext_path : &tar->ext_link;
        cenv_buf_clear(to);
        if (!cenv_buf_add_str(to, value))
            return cenv_error_oom(err);
        ok = ok && !memchr(value.data, '\0', value.len);
    } else if (bit == HAS_SIZE) {
        ok = ok && parse_decimal(value, &tar->ext_size);
    } else if (bit == HAS_MTIME) {
        ok = ok && parse_pax_time(value, &tar->ext_mtime_ns);
    }
    return ok ? 0 : refuse_archive(tar, "a malformed value in a pax header", err);
}

static int read_pax(struct cenv_tar *tar, bool global, struct cenv_error *err)
{
    struct cenv_str rest = cenv_buf_str(&tar->payload), key, value;

    if (!global && tar->seen)
        return refuse_archive(tar, "a pax header beside another extended header", err);
    while (rest.len > 0) {
        int bit, rc;
        if (!cut_record(&rest, &key, &value))
            return refuse_archive(tar, "a malformed pax header", err);
        bit = pax_key(key);
        if (bit < 0)
            return refuse_archive(
                tar, "sparse, multi-volume or recoded members are not supported", err);
        if (bit > 0 && global)
            return refuse_archive(tar, "a global pax header that describes members",
                                  err);
        rc = bit > 0 ? apply_pax(tar, bit, value, err) : 0;
        if (rc < 0)
            return rc;
    }
    tar->seen |= global ? 0 : SAW_PAX;
    return 0;
}

/* GNU: the payload is a name with a NUL behind. */
static int read_gnu_name(struct cenv_tar *tar, unsigned saw, unsigned has,
                         struct cenv_buf *to, struct cenv_error *err)
{
    struct cenv_str name = cenv_buf_str(&tar->payload);

    if (tar->seen & (saw | SAW_PAX))
        return refuse_archive(tar, "a long name beside another extended header", err);
    if (cenv_str_find(name, '\0') + 1 != name.len)
        return refuse_archive(tar, "a malformed long name", err);
    tar->seen |= saw | has;
    cenv_buf_clear(to);
    return cenv_buf_add(to, name.data, name.len - 1) ? 0 : cenv_error_oom(err);
}

/* 1 when the header was an extended one and is dealt with, 0 when it is a member's. */
static int read_extended(struct cenv_tar *tar, uint64_t size, struct cenv_error *err)
{
    char type = tar->header.type;
    int rc;

    if (type != 'x' && type != 'g' && type != 'L' && type != 'K')
        return 0;
    if (type == 'g' && tar->seen)
        return refuse_archive(tar, "a global pax header in front of a member's own",
                              err);
    rc = read_payload(tar, size, err);
    if (rc == 0 && (type == 'x' || type == 'g'))
        rc = read_pax(tar, type == 'g', err);
    else if (rc == 0 && type == 'L')
        rc = read_gnu_name(tar, SAW_GNU_PATH, HAS_PATH, &tar->ext_path, err);
    else if (rc == 0)
        rc = read_gnu_name(tar, SAW_GNU_LINK, HAS_LINK, &tar->ext_link, err);
    return rc < 0 ? rc : 1;
}

/* ---- headers ---- */

/* Two records of zeros end an archive; only zeros may follow. The first one has been read. */
static int read_end(struct cenv_tar *tar, struct cenv_error *err)
{
    char second[RECORD];
    int rc = take_bytes(tar, second, RECORD, err);

    if (rc == 0 && (tar->seen || !all_zero(second, RECORD)))
        rc = refuse_archive(tar,
                            tar->seen ? "an extended header without a member"
                                      : "a lone zero block",
                            err);
    while (rc == 0) {
        rc = cenv_cursor_fill(&tar->at, err);
        if (rc == 0 && tar->at.len == 0)
            break;
        if (rc == 0 && !all_zero(tar->at.data, tar->at.len))
            rc = refuse_archive(tar, "more data behind the end", err);
        if (rc == 0)
            cenv_cursor_advance(&tar->at, tar->at.len);
    }
    tar->ended = rc == 0;
    return rc;
}

static int check_header(const struct cenv_tar *tar, uint64_t *size,
                        struct cenv_error *err)
{
    const struct cenv_tar_header *header = &tar->header;
    bool ustar = memcmp(header->magic, "ustar", sizeof(header->magic)) == 0;
    uint64_t want = 0;

    if (!parse_octal(header->checksum, sizeof(header->checksum), &want) ||
        want != cenv_tar_checksum(header))
        return refuse_archive(tar, "bad header checksum", err);
    if (!parse_octal(header->size, sizeof(header->size), size))
        return refuse_archive(tar, "bad size in a header", err);
    /* old GNU headers keep other things where ustar has the front of the name */
    if (!ustar && !all_zero(header->prefix, sizeof(header->prefix)))
        return refuse_archive(tar, "a header that is neither ustar nor plain GNU", err);
    return 0;
}

static int member_type(char type)
{
    switch (type) {
    case '0':
    case '\0':
        return CENV_MEMBER_FILE;
    case '1':
        return CENV_MEMBER_HARDLINK;
    case '2':
        return CENV_MEMBER_SYMLINK;
    case '5':
        return CENV_MEMBER_DIR;
    default:
        return -1;
    }
}

/* The archived name: pax or GNU long name, else ustar's prefix and name. */
static struct cenv_str raw_name(struct cenv_tar *tar)
{
    const struct cenv_tar_header *header = &tar->header;
    struct cenv_str prefix = text_of_field(header->prefix, sizeof(header->prefix));

    if (tar->seen & HAS_PATH)
        return cenv_buf_str(&tar->ext_path);
    cenv_buf_clear(&tar->payload);
    if (prefix.len) {
        cenv_buf_add_str(&tar->payload, prefix);
        cenv_buf_putc(&tar->payload, '/');
    }
    cenv_buf_add_str(&tar->payload, text_of_field(header->name, sizeof(header->name)));
    return cenv_buf_str(&tar->payload);
}

static const char *set_link(struct cenv_tar *tar, int type)
{
    const struct cenv_tar_header *header = &tar->header;
    struct cenv_str target = tar->seen & HAS_LINK
                                 ? cenv_buf_str(&tar->ext_link)
                                 : text_of_field(header->link, sizeof(header->link));
    const char *why;

    cenv_buf_clear(&tar->link);
    if (type == CENV_MEMBER_HARDLINK) {
        why = normalise_name(target, &tar->link);
        return why || tar->link.len == 0 ? "is a hard link to a name that is refused"
                                         : NULL;
    }
    if (type == CENV_MEMBER_SYMLINK) {
        cenv_buf_add_str(&tar->link, target);
        return check_target(target);
    }
    return NULL;
}

/* Checks a member's header and fills path, link and member. */
static int read_member(struct cenv_tar *tar, uint64_t size, struct cenv_member *member,
                       struct cenv_error *err)
{
    int type = member_type(tar->header.type);
    struct cenv_str name = raw_name(tar);
    const char *why = normalise_name(name, &tar->path);
    uint64_t mode = 0;
    int64_t mtime_ns = 0;

    if (!why && type < 0)
        why = "is neither file, directory nor link";
    if (!why && type != CENV_MEMBER_DIR &&
        (tar->path.len == 0 || cenv_str_ends(name, CENV_STR("/"))))
        why = "is named like a directory, but is none";
    if (!why && type != CENV_MEMBER_FILE && size > 0)
        why = "has data, but is no file";
    if (!why)
        why = set_link(tar, type);
    if (!why && (!parse_octal(tar->header.mode, sizeof(tar->header.mode), &mode) ||
                 !parse_header_time(&tar->header, &mtime_ns)))
        why = "has a malformed header";
    if (tar->path.failed || tar->link.failed || tar->payload.failed)
        return cenv_error_oom(err); /* a name that was lost is not a bad name */
    if (why)
        return refuse_member(tar, name, why, err);
    *member = (struct cenv_member){
        .type = (enum cenv_member_type)type,
        .path = cenv_buf_str(&tar->path),
        .link = cenv_buf_str(&tar->link),
        .mode = (unsigned)mode & 07777,
        .size = size,
        .mtime_ns = tar->seen & HAS_MTIME ? tar->ext_mtime_ns : mtime_ns,
    };
    return 0;
}

/* 1 with a member, 0 at the end. */
static int next_header(struct cenv_tar *tar, struct cenv_member *member,
                       struct cenv_error *err)
{
    int rc = 1;

    tar->seen = 0;
    while (rc == 1) {
        uint64_t size = 0;
        rc = cenv_cursor_fill(&tar->at, err);
        if (rc == 0 && tar->at.len == 0)
            return refuse_archive(tar, "it ends without an end mark", err);
        if (rc == 0)
            rc = take_bytes(tar, &tar->header, RECORD, err);
        if (rc == 0 && all_zero((const char *)&tar->header, RECORD))
            return read_end(tar, err);
        if (rc == 0)
            rc = check_header(tar, &size, err);
        if (rc == 0)
            rc = read_extended(tar, size, err);
        if (rc != 0)
            continue;
        size = tar->seen & HAS_SIZE ? tar->ext_size : size;
        rc = read_member(tar, size, member, err);
        tar->data_left = size;
        tar->padding = padding_of(size);
        return rc < 0 ? rc : 1;
    }
    return rc;
}

/* ---- the interface ---- */

int cenv_tar_open(struct cenv_tar **out, struct cenv_input from, struct cenv_error *err)
{
    struct cenv_tar *tar = cenv_calloc(1, sizeof(*tar));

    if (!tar)
        return cenv_error_oom(err);
    tar->at.from = from;
    cenv_buf_init(&tar->payload, EXTENDED_MAX);
    cenv_buf_init(&tar->ext_path, EXTENDED_MAX);
    cenv_buf_init(&tar->ext_link, EXTENDED_MAX);
    cenv_buf_init(&tar->path, EXTENDED_MAX);
    cenv_buf_init(&tar->link, EXTENDED_MAX);
    *out = tar;
    return 0;
}

void cenv_tar_free(struct cenv_tar *tar)
{
    if (!tar)
        return;
    cenv_buf_release(&tar->payload);
    cenv_buf_release(&tar->ext_path);
    cenv_buf_release(&tar->ext_link);
    cenv_buf_release(&tar->path);
    cenv_buf_release(&tar->link);
    cenv_free(tar);
}

int cenv_tar_next(struct cenv_tar *tar, struct cenv_member *member,
                  struct cenv_error *err)
{
    struct cenv_member next;
    int rc = tar->ended ? 0 : 1;

    while (rc == 1) {
        uint64_t left = tar->data_left + tar->padding;
        tar->data_left = tar->padding = 0;
        rc = take_bytes(tar, NULL, left, err);
        if (rc == 0)
            rc = next_header(tar, &next, err);
        if (rc == 1 && next.path.len > 0)
            break;
    }
    if (rc == 1)
        *member = next;
    return rc;
}

int cenv_tar_data(struct cenv_tar *tar, const void **data, size_t *len,
                  struct cenv_error *err)
{
    size_t part;
    int rc;

    if (tar->data_left == 0)
        return 0;
    rc = cenv_cursor_fill(&tar->at, err);
    if (rc < 0)
        return rc;
    if (tar->at.len == 0)
        return refuse_archive(tar, "it ends in the middle", err);
    part = tar->data_left < tar->at.len ? (size_t)tar->data_left : tar->at.len;
    *data = tar->at.data;
    *len = part;
    tar->data_left -= part;
    cenv_cursor_advance(&tar->at, part);
    return 1;
}
