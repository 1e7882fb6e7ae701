/* SPDX-License-Identifier: BSD-3-Clause */
/* Formats by their first bytes; texts by all of them. */
#include "relocate/format.h"

#include "base/utf8.h"
#include "relocate/forms.h"

struct magic {
    unsigned at; /* offset */
    struct cenv_str bytes;
    bool packed;
    enum cenv_format format;
    const char *reason;
};

static const struct magic magics[] = {
    {0, {"PK\3\4", 4}, true, CENV_FORMAT_SEALED, "a ZIP archive"},
    {0, {"PK\5\6", 4}, true, CENV_FORMAT_SEALED, "a ZIP archive"},
    {0, {"\x1f\x8b", 2}, true, CENV_FORMAT_SEALED, "a gzip file"},
    {0, {"BZh", 3}, true, CENV_FORMAT_SEALED, "a bzip2 file"},
    {0,
     {"\xfd"
      "7zXZ",
      5},
     true,
     CENV_FORMAT_SEALED,
     "an xz file"},
    {0, {"\x28\xb5\x2f\xfd", 4}, true, CENV_FORMAT_SEALED, "a zstd file"},
    {0, {"SQLite format 3", 15}, false, CENV_FORMAT_SEALED, "an SQLite database"},
    {257, {"ustar", 5}, false, CENV_FORMAT_SEALED, "a tar archive"},
    {0, {"070701", 6}, false, CENV_FORMAT_SEALED, "a cpio archive"},
    {0, {"070702", 6}, false, CENV_FORMAT_SEALED, "a cpio archive"},
    {0, {"070707", 6}, false, CENV_FORMAT_SEALED, "a cpio archive"},
    {0, {"7z\xbc\xaf\x27\x1c", 6}, false, CENV_FORMAT_SEALED, "a 7z archive"},
    {0, {"\x89PNG", 4}, false, CENV_FORMAT_SEALED, "a PNG image"},
    {0, {"DIRC\0\0\0", 7}, false, CENV_FORMAT_SEALED, "an index of git"},
    {0, {"PACK\0\0\0", 7}, false, CENV_FORMAT_SEALED, "a pack of git"},
    {0,
     {"\xcf\xfa\xed\xfe", 4},
     false,
     CENV_FORMAT_SEALED,
     "a Mach-O file, which may be signed"},
    {0,
     {"\xce\xfa\xed\xfe", 4},
     false,
     CENV_FORMAT_SEALED,
     "a Mach-O file, which may be signed"},
    {0, {"\xca\xfe\xba\xbe", 4}, false, CENV_FORMAT_SEALED, "a Mach-O or Java file"},
    {0,
     {"!<arch>\n", 8},
     false,
     CENV_FORMAT_COUNTED,
     "an ar archive, which counts bytes"},
    {0, {"%PDF-", 5}, false, CENV_FORMAT_COUNTED, "a PDF file, which counts bytes"},
    {0,
     {"22 serialization::archive", 25},
     false,
     CENV_FORMAT_COUNTED,
     "an archive of Boost, which counts bytes"},
};

static const char counted[] = "a binary that counts the length of its strings";

static const struct magic *find_magic(struct cenv_str data)
{
    for (size_t i = 0; i < sizeof(magics) / sizeof(magics[0]); i++) {
        struct cenv_str at = cenv_str_slice(data, magics[i].at, data.len);
        if (cenv_str_starts(at, magics[i].bytes))
            return &magics[i];
    }
    return NULL;
}

bool cenv_format_is_packed(struct cenv_str head)
{
    const struct magic *magic = find_magic(head);
    return magic && magic->packed;
}

/* The encoding that a byte order mark tells, or -1. */
static int read_mark(struct cenv_str data)
{
    if (cenv_str_starts(data, CENV_STR("\xff\xfe\0\0")))
        return CENV_ENC_UTF32LE;
    if (cenv_str_starts(data, CENV_STR("\0\0\xfe\xff")))
        return CENV_ENC_UTF32BE;
    if (cenv_str_starts(data, CENV_STR("\xff\xfe")))
        return CENV_ENC_UTF16LE;
    return cenv_str_starts(data, CENV_STR("\xfe\xff")) ? CENV_ENC_UTF16BE : -1;
}

/* Digits and a colon at `at`: what follows them, and *count; 0 when it is not that. */
static size_t read_count(struct cenv_str data, size_t at, size_t *count)
{
    size_t from = at;
    for (*count = 0; at < data.len && at - from < 9 && cenv_is_digit(data.data[at]);
         at++)
        *count = *count * 10 + (size_t)(data.data[at] - '0');
    return at > from && at < data.len && data.data[at] == ':' ? at + 1 : 0;
}

/* "d4:spam4:eggse" of bencode, "a:1:{" and "s:4:\"" of PHP, "4:spam," of netstrings. */
static bool counts_in_digits(struct cenv_str data)
{
    char first = data.len > 3 ? data.data[0] : 0;
    size_t count, at = read_count(data, 0, &count);
    if (at)
        return count < data.len - at && data.data[at + count] == ',';
    if (first == 'd' || first == 'l')
        return read_count(data, 1, &count) && data.data[data.len - 1] == 'e';
    if (!first || !strchr("aOsC", first) || data.data[1] != ':')
        return false;
    at = read_count(data, 2, &count);
    return at && at < data.len && strchr("{\"", data.data[at]);
}

/* What bytes of a file say all together. */
struct census {
    bool controls, high, c1, newline;
    uint64_t utf8; /* up to here it is UTF-8 */
};

static void count_slice(struct census *seen, struct cenv_str data, uint64_t from,
                        uint64_t to)
{
    for (uint64_t i = from; i < to; i++) {
        unsigned char c = (unsigned char)data.data[i];
        bool blank = (c >= '\b' && c <= '\r') || c == 0x1b;
        seen->controls |= (c < 0x20 && !blank) || c == 0x7f;
        seen->newline |= c == '\n';
        seen->high |= c >= 0x80;
        seen->c1 |= c >= 0x80 && c < 0xa0;
    }
    /* A character may go on in the next slice. */
    if (seen->utf8 + 4 > from || from == 0)
        seen->utf8 += cenv_utf8_valid(cenv_str_slice(data, seen->utf8, to));
}

/* 8-bit encodings have no letter below 0xa0; msgpack and CBOR begin with 0x80 to 0xdf. */
static bool is_text(const struct census *seen, struct cenv_str data)
{
    if (seen->controls || seen->utf8 == data.len)
        return !seen->controls;
    unsigned char first = (unsigned char)data.data[0];
    return seen->newline && !seen->c1 && (first < 0x80 || first >= 0xe0);
}

/* Stops at the first byte that no text has. */
static int take_census(struct cenv_str data, struct cenv_task *task,
                       struct census *seen, struct cenv_error *err)
{
    enum { SLICE = 1 << 20 };
    *seen = (struct census){0};
    for (uint64_t at = 0; at < data.len && !seen->controls; at += SLICE) {
        uint64_t to = data.len - at < SLICE ? data.len : at + SLICE;
        count_slice(seen, data, at, to);
        int rc = cenv_task_poll(task, err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

int cenv_format_find(struct cenv_str data, struct cenv_task *task,
                     struct cenv_format_found *out, struct cenv_error *err)
{
    const struct magic *magic = find_magic(data);
    struct census seen;
    int marked = read_mark(data);
    *out = (struct cenv_format_found){CENV_FORMAT_TEXT, marked, NULL};
    if (marked >= 0)
        return 0;
    *out = (struct cenv_format_found){CENV_FORMAT_COUNTED, -1, counted};
    if (magic) {
        out->format = magic->format;
        out->reason = magic->reason;
        return 0;
    }
    if (cenv_str_starts(data, CENV_STR("\177ELF"))) {
        *out = (struct cenv_format_found){CENV_FORMAT_ELF, -1, counted};
        return 0;
    }
    int rc = take_census(data, task, &seen, err);
    if (rc == 0 && is_text(&seen, data) && !counts_in_digits(data))
        *out = (struct cenv_format_found){CENV_FORMAT_TEXT, -1, NULL};
    return rc;
}
