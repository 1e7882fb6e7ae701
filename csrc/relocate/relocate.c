/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Prefix relocation: see relocate.h. Sites are kept in the coordinates of the file at hand, so that
 * text needs no arithmetic at all and a binary only the room of its own C strings: the pristine end
 * of a string is its end at hand plus slot - have of each site in it.
 */
#include "relocate/relocate.h"

#include <limits.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/utf8.h"
#include "cenv.h"

/* ---- forms ---- */

/* One code point off *rest; a byte that is not UTF-8 gives U+DC80.. as in Python's file names. */
static uint32_t next_code_point(struct cenv_str *rest)
{
    uint32_t point = 0;
    unsigned len = cenv_utf8_decode(*rest, &point);
    if (len == 0)
        point = 0xdc00u + (unsigned char)rest->data[0];
    *rest = cenv_str_slice(*rest, len ? len : 1, rest->len);
    return point;
}

static void add_unit(struct cenv_buf *out, uint32_t unit, unsigned width, bool big)
{
    for (unsigned i = 0; i < width; i++)
        cenv_buf_putc(out, (char)(unit >> 8 * (big ? width - 1 - i : i) & 0xff));
}

static void add_wide(struct cenv_buf *out, struct cenv_str text, unsigned width,
                     bool big)
{
    while (text.len) {
        uint32_t cp = next_code_point(&text);
        if (width == 2 && cp >= 0x10000) {
            add_unit(out, 0xd800u + ((cp - 0x10000) >> 10), 2, big);
            cp = 0xdc00u + ((cp - 0x10000) & 0x3ff);
        }
        add_unit(out, cp, width, big);
    }
}

/* urllib.parse.quote, with which pip writes the URLs of direct_url.json. */
static void add_url(struct cenv_buf *out, struct cenv_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                     (c >= '0' && c <= '9') || (c && strchr("/_.-~", c));
        if (plain)
            cenv_buf_putc(out, (char)c);
        else
            cenv_buf_addf(out, "%%%02X", c);
    }
}

static void add_json(struct cenv_buf *out, struct cenv_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] == '/')
            cenv_buf_putc(out, '\\');
        cenv_buf_putc(out, text.data[i]);
    }
}

static void add_form(struct cenv_buf *out, struct cenv_str text, int encoding)
{
    switch (encoding) {
    case CENV_ENC_UTF8:
        cenv_buf_add_str(out, text);
        break;
    case CENV_ENC_UTF16LE:
        add_wide(out, text, 2, false);
        break;
    case CENV_ENC_UTF16BE:
        add_wide(out, text, 2, true);
        break;
    case CENV_ENC_UTF32LE:
        add_wide(out, text, 4, false);
        break;
    case CENV_ENC_UTF32BE:
        add_wide(out, text, 4, true);
        break;
    case CENV_ENC_URL:
        add_url(out, text);
        break;
    case CENV_ENC_JSON:
        add_json(out, text);
        break;
    }
}

int cenv_forms_init(struct cenv_forms *forms, struct cenv_str prefix,
                    struct cenv_error *err)
{
    struct cenv_forms made = {0};
    size_t from[CENV_ENC_NR + 1] = {0};
    if (prefix.len > UINT_MAX / 64)
        return cenv_error_set(err, CENV_EUSAGE, "a prefix of %zu bytes is too long",
                              prefix.len);
    cenv_buf_init(&made.mem, 64 * prefix.len + 64);
    for (int e = 0; e < CENV_ENC_NR; e++) {
        add_form(&made.mem, prefix, e);
        from[e + 1] = made.mem.len;
    }
    if (made.mem.failed) {
        cenv_buf_release(&made.mem);
        return cenv_error_oom(err);
    }
    for (int e = 0; e < CENV_ENC_NR; e++)
        made.of[e] = cenv_str_n(made.mem.data + from[e], from[e + 1] - from[e]);
    *forms = made;
    return 0;
}

void cenv_forms_release(struct cenv_forms *forms)
{
    cenv_buf_release(&forms->mem);
    *forms = (struct cenv_forms){0};
}

/* ---- scan ---- */

unsigned cenv_encoding_width(int encoding)
{
    switch (encoding) {
    case CENV_ENC_UTF16LE:
    case CENV_ENC_UTF16BE:
        return 2;
    case CENV_ENC_UTF32LE:
    case CENV_ENC_UTF32BE:
        return 4;
    default:
        return 1;
    }
}

void cenv_sites_release(struct cenv_sites *sites)
{
    cenv_free(sites->list);
    cenv_free(sites->line);
    *sites = (struct cenv_sites){0};
}

int cenv_sites_add(struct cenv_sites *sites, const struct cenv_site *site,
                   struct cenv_error *err)
{
    void *list = sites->list;
    if (cenv_grow(&list, &sites->alloc, sites->nr, sizeof(*sites->list)) < 0)
        return cenv_error_oom(err);
    sites->list = list;
    sites->list[sites->nr++] = *site;
    return 0;
}

int cenv_sites_copy(struct cenv_sites *to, const struct cenv_sites *from,
                    struct cenv_error *err)
{
    struct cenv_sites made = *from;
    made.alloc = made.nr;
    made.list =
        from->nr ? cenv_reallocarray(NULL, from->nr, sizeof(*from->list)) : NULL;
    made.line = from->line ? cenv_memdup(from->line, from->line_len) : NULL;
    if ((from->nr && !made.list) || (from->line && !made.line)) {
        cenv_sites_release(&made);
        return cenv_error_oom(err);
    }
    if (from->nr)
        memcpy(made.list, from->list, from->nr * sizeof(*from->list));
    *to = made;
    return 0;
}

/* Where the C string that begins at `at` ends: its zero unit, or the last whole unit of the file. */
uint64_t cenv_string_end(struct cenv_str data, uint64_t at, unsigned width)
{
    if (width == 1) {
        const char *nul = memchr(data.data + at, 0, data.len - at);
        return nul ? (uint64_t)(nul - data.data) : data.len;
    }
    static const char zero[4];
    while (at + width <= data.len && memcmp(data.data + at, zero, width) != 0)
        at += width;
    return at;
}

/*
 * memmem by the needle's head: glibc has a fast search for short needles only, and a placeholder of
 * 255 bytes in four bytes each is far from short.
 */
static const char *find(struct cenv_str data, size_t from, struct cenv_str needle)
{
    enum { HEAD = 32 };
    size_t head = needle.len < HEAD ? needle.len : HEAD;
    const char *at, *end = data.data + data.len;
    for (const char *pos = data.data + from;; pos = at + 1) {
        at = memmem(pos, (size_t)(end - pos), needle.data, head);
        if (!at || (size_t)(end - at) < needle.len)
            return NULL;
        if (memcmp(at + head, needle.data + head, needle.len - head) == 0)
            return at;
    }
}

static int scan_one(struct cenv_sites *sites, struct cenv_str data, size_t from,
                    struct cenv_str needle, int encoding, enum cenv_file_mode mode,
                    struct cenv_error *err)
{
    unsigned width = cenv_encoding_width(encoding);
    uint64_t end = 0;
    while (needle.len && from < data.len) {
        const char *found = find(data, from, needle);
        if (!found)
            break;
        size_t at = (size_t)(found - data.data);
        /* Sites of one string come in a row: its end is looked for once. */
        if (mode == CENV_MODE_BINARY && (at >= end || (end - at) % width))
            end = cenv_string_end(data, at + needle.len, width);
        struct cenv_site site = {.offset = at,
                                 .end = mode == CENV_MODE_BINARY ? end : 0,
                                 .slot = (uint32_t)needle.len,
                                 .have = (uint32_t)needle.len,
                                 .kind = mode == CENV_MODE_BINARY ? CENV_SITE_BINARY
                                                                  : CENV_SITE_TEXT,
                                 .encoding = (uint8_t)encoding};
        if (cenv_sites_add(sites, &site, err) < 0)
            return err->status;
        from = at + needle.len;
    }
    return 0;
}

static int compare_sites(const void *a, const void *b)
{
    const struct cenv_site *x = a, *y = b;
    if (x->offset != y->offset)
        return x->offset < y->offset ? -1 : 1;
    if (x->have != y->have)
        return x->have > y->have ? -1 : 1;
    return (x->encoding > y->encoding) - (x->encoding < y->encoding);
}

static bool aligned(const struct cenv_site *site)
{
    return site->offset % cenv_encoding_width(site->encoding) == 0;
}

/* In a binary a site must not begin within the string of a site of another encoding. */
static bool within_another(const struct cenv_site *site, const struct cenv_site *before)
{
    return site->kind == CENV_SITE_BINARY && site->offset < before->end &&
           (site->end != before->end || site->encoding != before->encoding);
}

/*
 * An ASCII path in UTF-16-BE at k reads as UTF-16-LE at k + 1 when another ASCII character follows
 * (and UTF-32 alike). Both replacements give the same bytes for text below U+0100, but not the same
 * end of string, so of two that overlap the aligned one stays, else the first. In a binary a site
 * must not begin within the string of a site of another encoding either.
 */
static void drop_overlaps(struct cenv_sites *sites, size_t first)
{
    size_t kept = first;
    for (size_t i = first; i < sites->nr; i++) {
        struct cenv_site *site = &sites->list[i];
        struct cenv_site *last = kept > first ? &sites->list[kept - 1] : NULL;
        if (last && site->offset < last->offset + last->have) {
            bool better = aligned(site) && !aligned(last);
            if (better && !(kept - 1 > first && within_another(site, last - 1)))
                *last = *site;
            continue;
        }
        if (last && within_another(site, last))
            continue;
        sites->list[kept++] = *site;
    }
    sites->nr = kept;
}

void cenv_sites_settle(struct cenv_sites *sites, size_t first)
{
    if (sites->nr > first)
        qsort(sites->list + first, sites->nr - first, sizeof(*sites->list),
              compare_sites);
    drop_overlaps(sites, first);
}

void cenv_sites_widen(struct cenv_sites *sites, struct cenv_str data,
                      uint32_t placeholder)
{
    for (size_t i = 0, j; i < sites->nr; i = j) {
        struct cenv_site *site = &sites->list[i];
        uint32_t slot = placeholder * cenv_encoding_width(site->encoding);
        for (j = i + 1; j < sites->nr && sites->list[j].end == site->end;)
            j++;
        if (site->kind != CENV_SITE_BINARY || slot <= site->have)
            continue;
        uint64_t zeros = (uint64_t)(j - i) * (slot - site->have), at = site->end;
        if (zeros > data.len - at)
            continue;
        while (at < site->end + zeros && data.data[at] == 0)
            at++;
        for (size_t k = i; k < j && at == site->end + zeros; k++)
            sites->list[k].slot = slot;
    }
}

/* The first line of a script as a line of its own: sites in it are relative to it. */
static int scan_shebang(struct cenv_sites *sites, struct cenv_str data,
                        struct cenv_str needle, size_t *body, struct cenv_error *err)
{
    struct cenv_str line = cenv_str_slice(data, 0, cenv_str_find(data, '\n'));
    size_t from = 0, to = 0;
    *body = 0;
    if (!cenv_str_starts(line, CENV_STR("#!")) || line.len > INT_MAX)
        return 0;
    int rc = scan_one(sites, line, 0, needle, CENV_ENC_UTF8, CENV_MODE_TEXT, err);
    if (rc < 0 || (sites->nr == 0 && line.len <= CENV_SHEBANG_MAX))
        return rc;
    cenv_shebang_split(line, &from, &to);
    sites->line = cenv_memdup(line.data, line.len);
    if (!sites->line)
        return cenv_error_oom(err);
    for (size_t i = 0; i < sites->nr; i++)
        sites->list[i].kind = CENV_SITE_SHEBANG;
    sites->style = CENV_SHEBANG_LINE;
    sites->line_len = sites->line_have = (uint32_t)line.len;
    sites->exe_from = (uint32_t)from;
    sites->exe_to = (uint32_t)to;
    *body = line.len;
    return 0;
}

int cenv_sites_scan_forms(struct cenv_sites *sites, struct cenv_str data,
                          const struct cenv_forms *placeholder,
                          enum cenv_file_mode mode, struct cenv_error *err)
{
    struct cenv_sites found = {0};
    size_t body = 0;
    int rc = 0;
    if (mode == CENV_MODE_TEXT)
        rc = scan_shebang(&found, data, placeholder->of[CENV_ENC_UTF8], &body, err);
    size_t first = found.nr;
    bool zeros = data.len && memchr(data.data, 0, data.len);
    for (int e = CENV_ENC_UTF8; rc == 0 && e <= CENV_ENC_UTF32BE; e++) {
        struct cenv_str form = placeholder->of[e];
        if (zeros || !form.len || !memchr(form.data, 0, form.len))
            rc = scan_one(&found, data, body, form, e, mode, err);
    }
    if (rc < 0)
        goto out;
    cenv_sites_settle(&found, first);
    *sites = found;
    found = (struct cenv_sites){0};
out:
    cenv_sites_release(&found);
    return rc;
}

int cenv_sites_scan(struct cenv_sites *sites, struct cenv_str data,
                    struct cenv_str placeholder, enum cenv_file_mode mode,
                    struct cenv_error *err)
{
    struct cenv_forms needle = {0};
    int rc = cenv_forms_init(&needle, placeholder, err);
    if (rc == 0)
        rc = cenv_sites_scan_forms(sites, data, &needle, mode, err);
    cenv_forms_release(&needle);
    return rc;
}

/* ---- splice ---- */

int cenv_sites_fit(const struct cenv_sites *sites, const struct cenv_forms *forms,
                   struct cenv_error *err)
{
    for (size_t i = 0; i < sites->nr; i++) {
        const struct cenv_site *site = &sites->list[i];
        unsigned width = cenv_encoding_width(site->encoding);
        size_t need = forms->of[site->encoding].len;
        if (site->kind != CENV_SITE_BINARY || need <= site->slot)
            continue;
        cenv_error_set(
            err, CENV_EPREFIX,
            "the prefix takes %zu bytes, the place for it in a binary has %u",
            need / width, site->slot / width);
        return cenv_error_hint(err, "choose a prefix of at most %u bytes",
                               site->slot / width);
    }
    return 0;
}

void cenv_splice_init(struct cenv_splice *splice, const struct cenv_sites *sites,
                      const struct cenv_forms *forms, uint64_t size)
{
    *splice = (struct cenv_splice){.sites = sites, .forms = forms, .size = size};
    cenv_buf_init(&splice->line, SIZE_MAX / 4);
}

void cenv_splice_release(struct cenv_splice *splice)
{
    cenv_buf_release(&splice->line);
}

/* line[from:to] with its sites replaced. */
static void add_line_part(const struct cenv_sites *sites,
                          const struct cenv_forms *forms, size_t from, size_t to,
                          struct cenv_buf *out)
{
    for (size_t i = 0; i < sites->nr && sites->list[i].kind == CENV_SITE_SHEBANG; i++) {
        const struct cenv_site *site = &sites->list[i];
        if (site->offset < from || site->offset >= to)
            continue;
        cenv_buf_add(out, sites->line + from, site->offset - from);
        cenv_buf_add_str(out, forms->of[site->encoding]);
        from = site->offset + site->slot;
    }
    if (from < to)
        cenv_buf_add(out, sites->line + from, to - from);
}

/* The first line(s) for `forms`, appended. */
static void render_line(const struct cenv_sites *sites, const struct cenv_forms *forms,
                        struct cenv_buf *out)
{
    struct cenv_buf parts;
    size_t cut[2];
    cenv_buf_init(&parts, out->max);
    add_line_part(sites, forms, 0, sites->exe_from, &parts);
    cut[0] = parts.len;
    add_line_part(sites, forms, sites->exe_from, sites->exe_to, &parts);
    cut[1] = parts.len;
    add_line_part(sites, forms, sites->exe_to, sites->line_len, &parts);
    struct cenv_str all = cenv_buf_str(&parts);
    struct cenv_shebang line = {.style = sites->style,
                                .quoted = sites->quoted,
                                .head = cenv_str_slice(all, 0, cut[0]),
                                .exe = cenv_str_slice(all, cut[0], cut[1]),
                                .rest = cenv_str_slice(all, cut[1], all.len)};
    cenv_shebang_render(&line, out);
    out->failed |= parts.failed;
    cenv_buf_release(&parts);
}

static void take_range(struct cenv_splice *s, uint64_t to, struct cenv_piece *piece)
{
    *piece = (struct cenv_piece){.from = s->pos, .len = to - s->pos};
    s->pos = to;
}

static int take_line(struct cenv_splice *s, struct cenv_piece *piece)
{
    s->started = true;
    while (s->next < s->sites->nr && s->sites->list[s->next].kind == CENV_SITE_SHEBANG)
        s->next++;
    if (s->sites->style == CENV_SHEBANG_NONE)
        return 0;
    render_line(s->sites, s->forms, &s->line);
    if (s->line.failed)
        return CENV_ENOMEM;
    *piece = (struct cenv_piece){.data = s->line.data ? s->line.data : "",
                                 .len = s->line.len};
    s->pos = s->sites->line_have;
    return 1;
}

/* A site's replacement, and what its string gains or loses by it. */
static void take_site(struct cenv_splice *s, struct cenv_piece *piece)
{
    const struct cenv_site *site = &s->sites->list[s->next++];
    struct cenv_str form = site->kind == CENV_SITE_VALUE ? s->value(s->value_ctx, site)
                                                         : s->forms->of[site->encoding];
    *piece = (struct cenv_piece){.data = form.data, .len = form.len};
    s->pos = site->offset + site->have;
    if (site->kind != CENV_SITE_BINARY)
        return;
    s->in_string = true;
    s->room += site->slot - form.len;
    s->skip += site->slot - site->have;
}

static bool more_in_string(const struct cenv_splice *s)
{
    const struct cenv_site *list = s->sites->list;
    return s->next < s->sites->nr && list[s->next].end == list[s->next - 1].end &&
           list[s->next].encoding == list[s->next - 1].encoding;
}

int cenv_splice_next(struct cenv_splice *s, struct cenv_piece *piece)
{
    static const char zeros[4096];
    const struct cenv_site *list = s->sites->list;
    if (!s->started) {
        int rc = take_line(s, piece);
        if (rc)
            return rc;
    }
    if (s->in_string && !more_in_string(s)) {
        uint64_t end = list[s->next - 1].end;
        if (s->pos < end) {
            take_range(s, end, piece);
            return 1;
        }
        s->pad = s->room;
        s->pos += s->skip;
        s->room = s->skip = 0;
        s->in_string = false;
    }
    if (s->pad) {
        *piece = (struct cenv_piece){zeros, 0,
                                     s->pad < sizeof(zeros) ? s->pad : sizeof(zeros)};
        s->pad -= piece->len;
    } else if (s->next < s->sites->nr && s->pos >= list[s->next].offset) {
        take_site(s, piece);
    } else {
        uint64_t to = s->next < s->sites->nr ? list[s->next].offset : s->size;
        if (s->pos >= to)
            return 0;
        take_range(s, to, piece);
    }
    return 1;
}

/* A site of the first line: in `line`, before all others. */
static bool within_line(const struct cenv_sites *sites, size_t index)
{
    const struct cenv_site *site = &sites->list[index];
    return (index == 0 || sites->list[index - 1].kind == CENV_SITE_SHEBANG) &&
           site->offset <= sites->line_len &&
           site->slot <= sites->line_len - site->offset;
}

/* The padding that the string's sites claim lies behind it, and before what comes next. */
static bool claim_padding(const struct cenv_sites *sites, size_t index, uint64_t size,
                          uint64_t *padding, uint64_t *pos)
{
    const struct cenv_site *site = &sites->list[index], *next = site + 1;
    *padding += site->slot - site->have;
    if (site->end < *pos || site->end > size || *padding > size - site->end)
        return false;
    if (index + 1 < sites->nr && next->kind == CENV_SITE_BINARY &&
        next->end == site->end && next->encoding == site->encoding)
        return true;
    *pos = site->end + *padding;
    *padding = 0;
    return true;
}

bool cenv_sites_within(const struct cenv_sites *sites, uint64_t size)
{
    uint64_t pos = sites->line_have, padding = 0;
    if (pos > size)
        return false;
    for (size_t i = 0; i < sites->nr; i++) {
        const struct cenv_site *site = &sites->list[i];
        if (site->encoding >= CENV_ENC_NR || site->kind > CENV_SITE_VALUE)
            return false;
        if (site->kind == CENV_SITE_SHEBANG) {
            if (!within_line(sites, i))
                return false;
            continue;
        }
        if (site->offset < pos || site->offset > size ||
            site->have > size - site->offset)
            return false;
        pos = site->offset + site->have;
        if (site->kind == CENV_SITE_BINARY &&
            (site->slot < site->have || !claim_padding(sites, i, size, &padding, &pos)))
            return false;
    }
    return sites->exe_from <= sites->exe_to && sites->exe_to <= sites->line_len;
}

int cenv_sites_splice(const struct cenv_sites *sites, struct cenv_str data,
                      const struct cenv_forms *forms, struct cenv_buf *out,
                      struct cenv_error *err)
{
    struct cenv_splice splice;
    struct cenv_piece piece;
    size_t start = out->len;
    if (!cenv_sites_within(sites, data.len))
        return cenv_error_set(err, CENV_EINTEGRITY,
                              "relocation sites lie outside the file");
    int rc = cenv_sites_fit(sites, forms, err);
    if (rc < 0)
        return rc;
    cenv_splice_init(&splice, sites, forms, data.len);
    while ((rc = cenv_splice_next(&splice, &piece)) > 0)
        cenv_buf_add(out, piece.data ? piece.data : data.data + piece.from, piece.len);
    cenv_splice_release(&splice);
    if (rc == 0 && !out->failed)
        return 0;
    out->len = start;
    return cenv_error_oom(err);
}

static uint64_t line_length(const struct cenv_sites *sites,
                            const struct cenv_forms *forms)
{
    struct cenv_buf line;
    cenv_buf_init(&line, SIZE_MAX / 4);
    if (sites->style != CENV_SHEBANG_NONE)
        render_line(sites, forms, &line);
    uint64_t len = line.failed ? UINT64_MAX : line.len;
    cenv_buf_release(&line);
    return len;
}

uint64_t cenv_sites_size(const struct cenv_sites *sites, const struct cenv_forms *forms,
                         uint64_t size)
{
    for (size_t i = 0; i < sites->nr; i++)
        if (sites->list[i].kind == CENV_SITE_TEXT)
            size += forms->of[sites->list[i].encoding].len - sites->list[i].have;
    return sites->style == CENV_SHEBANG_NONE
               ? size
               : size - sites->line_have + line_length(sites, forms);
}

int cenv_sites_rebase(struct cenv_sites *sites, const struct cenv_forms *forms,
                      struct cenv_error *err)
{
    uint64_t line = line_length(sites, forms);
    if (line == UINT64_MAX)
        return cenv_error_oom(err);
    int64_t text =
        (int64_t)line - (int64_t)sites->line_have; /* how far text has moved */
    sites->line_have = (uint32_t)line;
    for (size_t i = 0, j; i < sites->nr; i = j) {
        struct cenv_site *site = &sites->list[i];
        int64_t moved = site->kind == CENV_SITE_BINARY ? 0 : text;
        j = i + 1;
        if (site->kind == CENV_SITE_SHEBANG)
            continue;
        while (j < sites->nr && site->kind == CENV_SITE_BINARY &&
               sites->list[j].end == site->end &&
               sites->list[j].encoding == site->encoding)
            j++;
        for (size_t k = i; k < j; k++) {
            struct cenv_site *one = &sites->list[k];
            size_t len = forms->of[one->encoding].len;
            one->offset = (uint64_t)((int64_t)one->offset + moved);
            moved += (int64_t)len - (int64_t)one->have;
            one->have = (uint32_t)len;
        }
        for (size_t k = i; k < j && site->kind == CENV_SITE_BINARY; k++)
            sites->list[k].end = (uint64_t)((int64_t)sites->list[k].end + moved);
        text = site->kind == CENV_SITE_BINARY ? text : moved;
    }
    return 0;
}

int cenv_sites_entry(struct cenv_sites *sites, const struct cenv_forms *prefix,
                     const char *relative, struct cenv_error *err)
{
    struct cenv_sites made = {.style = CENV_SHEBANG_ENTRY};
    struct cenv_str at = prefix->of[CENV_ENC_UTF8];
    struct cenv_buf line;
    cenv_buf_init(&line, UINT_MAX / 2);
    cenv_buf_puts(&line, "#!");
    cenv_buf_add_str(&line, at);
    cenv_buf_putc(&line, '/');
    cenv_buf_puts(&line, relative);
    made.line_len = made.line_have = made.exe_to = (uint32_t)line.len;
    made.exe_from = 2;
    made.line = cenv_buf_detach(&line);
    struct cenv_site site = {.offset = 2,
                             .slot = (uint32_t)at.len,
                             .have = (uint32_t)at.len,
                             .kind = CENV_SITE_SHEBANG};
    int rc = made.line ? cenv_sites_add(&made, &site, err) : cenv_error_oom(err);
    if (rc == 0)
        rc = cenv_sites_rebase(&made, prefix,
                               err); /* line_have: as written for this prefix */
    if (rc == 0)
        *sites = made;
    else
        cenv_sites_release(&made);
    cenv_buf_release(&line);
    return rc;
}

void cenv_entry_shebang(struct cenv_str exe, struct cenv_buf *out)
{
    struct cenv_shebang line = {
        .style = CENV_SHEBANG_ENTRY, .head = CENV_STR("#!"), .exe = exe};
    cenv_shebang_render(&line, out);
    cenv_buf_putc(out, '\n');
}

int cenv_relocate(struct cenv_str data, struct cenv_str placeholder,
                  struct cenv_str prefix, bool binary, struct cenv_buf *out,
                  struct cenv_error *err)
{
    struct cenv_sites sites = {0};
    struct cenv_forms forms = {0};
    int rc = cenv_sites_scan(&sites, data, placeholder,
                             binary ? CENV_MODE_BINARY : CENV_MODE_TEXT, err);
    if (rc == 0)
        rc = cenv_forms_init(&forms, prefix, err);
    if (rc == 0)
        rc = cenv_sites_splice(&sites, data, &forms, out, err);
    cenv_forms_release(&forms);
    cenv_sites_release(&sites);
    return rc;
}
