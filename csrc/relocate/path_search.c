/* SPDX-License-Identifier: BSD-3-Clause */
/* A name found is a site only where a path begins before it and ends behind it. */
#include "relocate/path_search.h"

#include "base/alloc.h"
#include "base/utf8.h"

/* One search: the file, how it is read, what was found. */
struct search {
    struct cenv_str data;
    bool text;
    bool package; /* a package's: what stands before the path does not matter */
    int only;     /* text in UTF-16 or UTF-32: just this encoding; else -1 */
    struct cenv_sites *sites;
    const char *opaque; /* a format in which nothing can be replaced, or NULL */
    const char *reason; /* why a name that is there is no site */
};

/* ---- boundaries ---- */

/* Bytes that go on with a file name. */
static bool is_name_byte(uint32_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '_' || c == '-' || c == '.' || c == '+' || c == '~' || c == '@' ||
           c >= 0x80;
}

/* The unit at `at`, or 0 outside the file. */
static uint32_t unit_at(struct cenv_str data, uint64_t at, int encoding)
{
    unsigned width = cenv_forms_width(encoding);
    bool big = encoding == CENV_ENC_UTF16BE || encoding == CENV_ENC_UTF32BE;
    uint32_t unit = 0;
    if (at > data.len || width > data.len - at)
        return 0;
    for (unsigned i = 0; i < width; i++) {
        unsigned char byte = (unsigned char)data.data[at + (big ? i : width - 1 - i)];
        unit = unit << 8 | byte;
    }
    return unit;
}

/* In a binary a byte above 0x7f goes on with a name only as a part of UTF-8. */
static bool name_goes_on(struct cenv_str data, uint64_t at, int encoding)
{
    uint32_t c = unit_at(data, at, encoding);
    if (c < 0x80 || cenv_forms_width(encoding) > 1)
        return is_name_byte(c);
    return cenv_utf8_decode(cenv_str_slice(data, at, data.len), &c) > 0;
}

/*
 * "/tmp/env" ends here: what follows is no part of its last name. A full stop may end a sentence.
 */
static bool ends_here(struct cenv_str data, uint64_t at, int encoding)
{
    if (unit_at(data, at, encoding) != '.')
        return !name_goes_on(data, at, encoding);
    at += cenv_forms_width(encoding);
    return !name_goes_on(data, at, encoding) && unit_at(data, at, encoding) != '/';
}

enum beginning { ELSEWHERE, PERHAPS, HERE };

/* "$(DESTDIR)/tmp/env": installers put that before whole paths (GNU coding standards, CMake). */
static bool is_destdir(struct cenv_str before)
{
    while (before.len &&
           (before.data[before.len - 1] == '}' || before.data[before.len - 1] == ')'))
        before.len--;
    return cenv_str_ends(before, CENV_STR("DESTDIR"));
}

/*
 * A path begins here: not in the middle of "/srv/tmp/env", "$ROOT/tmp/env", "../tmp/env". Before it
 * may stand an option ("-I/tmp/env") or the two slashes of "file://". PERHAPS: behind bytes that
 * could be a name's, without a slash.
 */
static enum beginning begins_here(struct cenv_str data, uint64_t at, int encoding)
{
    unsigned width = cenv_forms_width(encoding);
    uint64_t from = at;
    bool slash = false;
    if (width == 1 && is_destdir(cenv_str_slice(data, 0, at)))
        return HERE;
    while (from >= width && at - from < 256) {
        uint32_t c = unit_at(data, from - width, encoding);
        if (c >= 0x80 || (!is_name_byte(c) && c != '/'))
            break;
        slash |= c == '/';
        from -= width;
    }
    uint32_t before = from >= width ? unit_at(data, from - width, encoding) : 0;
    if (from == at)
        return before == '}' || before == ')' || before == '$' ? ELSEWHERE : HERE;
    uint32_t first = unit_at(data, from, encoding);
    if (before == ':' && first == '/' && at - from == 2 * width)
        return unit_at(data, from + width, encoding) == '/' ? HERE : ELSEWHERE;
    if (slash || before == '$')
        return ELSEWHERE;
    return first == '-' ? HERE : PERHAPS;
}

/* ---- binaries ---- */

static bool is_printable(unsigned char c)
{
    return (c >= 0x20 && c != 0x7f) || c == '\t' || c == '\n' || c == '\r';
}

enum { STRING_MAX = 4096 };

/*
 * Within NULs on both sides, and readable: a C string, not one of which something else counts the
 * length.
 */
static bool is_c_string(struct cenv_str data, uint64_t at, uint64_t end)
{
    uint64_t from = at;
    while (from > 0 && at - from < STRING_MAX &&
           is_printable((unsigned char)data.data[from - 1]))
        from--;
    if (from > 0 && data.data[from - 1] != 0)
        return false;
    if (end == data.len || end - at > STRING_MAX)
        return false;
    for (; at < end; at++)
        if (!is_printable((unsigned char)data.data[at]))
            return false;
    return cenv_utf8_is(cenv_str_slice(data, from, end));
}

/* Formats in which nothing may change its length, or which check their own bytes. */
static const char *opaque_format(struct cenv_str data)
{
    static const struct {
        struct cenv_str magic;
        const char *reason;
    } formats[] = {
        {CENV_STR("PK\3\4"), "a ZIP archive"},
        {CENV_STR("PK\5\6"), "a ZIP archive"},
        {CENV_STR("\x1f\x8b"), "a gzip file"},
        {CENV_STR("BZh"), "a bzip2 file"},
        {CENV_STR("\xfd"
                  "7zXZ"),
         "an xz file"},
        {CENV_STR("\x28\xb5\x2f\xfd"), "a zstd file"},
        {CENV_STR("SQLite format 3"), "an SQLite database"},
    };
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
        if (cenv_str_starts(data, formats[i].magic))
            return formats[i].reason;
    return NULL;
}

bool cenv_path_search_is_packed(struct cenv_str head)
{
    const char *reason = opaque_format(head);
    return reason && !cenv_str_starts(head, CENV_STR("SQLite"));
}

/* ---- searching ---- */

static const char counted[] = "a binary that counts the length of its strings";

static int add_site(struct search *s, uint64_t at, size_t len, int encoding,
                    struct cenv_error *err)
{
    struct cenv_site site = {.offset = at,
                             .slot = (uint32_t)len,
                             .have = (uint32_t)len,
                             .kind = CENV_SITE_TEXT,
                             .encoding = (uint8_t)encoding};
    unsigned width = cenv_forms_width(encoding);
    if (s->text) {
        bool url = encoding == CENV_ENC_UTF8 && at >= 7 &&
                   memcmp(s->data.data + at - 7, "file://", 7) == 0;
        site.encoding = url ? CENV_ENC_URL : site.encoding;
        return cenv_sites_add(s->sites, &site, err);
    }
    site.kind = CENV_SITE_BINARY;
    site.end = cenv_sites_string_end(s->data, at + len, width);
    if (!s->opaque && (width > 1 || is_c_string(s->data, at, site.end)))
        return cenv_sites_add(s->sites, &site, err);
    s->reason = s->opaque ? s->opaque : counted;
    return 0;
}

static int search_form(struct search *s, struct cenv_str needle, int encoding,
                       struct cenv_error *err)
{
    uint64_t from = 0;
    int rc = 0;
    while (needle.len && from < s->data.len && rc == 0) {
        const char *found = cenv_find_bytes(s->data.data + from, s->data.len - from,
                                            needle.data, needle.len);
        if (!found)
            break;
        uint64_t at = (uint64_t)(found - s->data.data);
        from = at + needle.len;
        /* In a database or archive the next value may follow at once. */
        if (!s->opaque && !ends_here(s->data, from, encoding))
            continue;
        enum beginning how = s->package ? HERE : begins_here(s->data, at, encoding);
        if (how == HERE)
            rc = add_site(s, at, needle.len, encoding, err);
        else if (how == PERHAPS && !s->text && cenv_forms_width(encoding) == 1)
            s->reason = s->opaque ? s->opaque : counted;
    }
    return rc;
}

static bool is_wanted(const struct search *s, const struct cenv_forms *name,
                      int encoding)
{
    if (s->only >= 0)
        return encoding == s->only;
    switch (encoding) {
    case CENV_ENC_UTF8:
        return true;
    case CENV_ENC_JSON:
        return s->text;
    case CENV_ENC_URL:
        return s->text && !cenv_str_eq(name->of[CENV_ENC_URL], name->of[CENV_ENC_UTF8]);
    default:
        return !s->text;
    }
}

static int search_forms(struct search *s, const struct cenv_search_names *names,
                        struct cenv_error *err)
{
    int rc = 0;
    for (size_t i = 0; i < names->nr && rc == 0; i++)
        for (int e = 0; e < CENV_ENC_NR && rc == 0; e++)
            if (is_wanted(s, &names->list[i], e))
                rc = search_form(s, names->list[i].of[e], e, err);
    return rc;
}

/* The encoding a byte order mark tells, or -1. */
static int marked_encoding(struct cenv_str data)
{
    if (cenv_str_starts(data, CENV_STR("\xff\xfe\0\0")))
        return CENV_ENC_UTF32LE;
    if (cenv_str_starts(data, CENV_STR("\0\0\xfe\xff")))
        return CENV_ENC_UTF32BE;
    if (cenv_str_starts(data, CENV_STR("\xff\xfe")))
        return CENV_ENC_UTF16LE;
    return cenv_str_starts(data, CENV_STR("\xfe\xff")) ? CENV_ENC_UTF16BE : -1;
}

/* ---- first lines ---- */

/* Turns the sites within the first `len` bytes into those of `line`, which stands for them. */
static int set_line(struct cenv_sites *sites, struct cenv_str line, size_t have,
                    struct cenv_error *err)
{
    sites->line = cenv_memdup(line.data, line.len);
    if (!sites->line)
        return cenv_error_oom(err);
    sites->line_len = (uint32_t)line.len;
    sites->line_have = (uint32_t)have;
    return 0;
}

/* "#!/tmp/env/bin/python -s": its sites stay where they are, relative to the line. */
static int scan_line(struct cenv_sites *sites, struct cenv_str data,
                     struct cenv_error *err)
{
    struct cenv_str line = cenv_str_slice(data, 0, cenv_str_find(data, '\n'));
    size_t from = 0, to = 0;
    if (sites->nr == 0 || sites->list[0].offset >= line.len || line.len > UINT16_MAX ||
        !cenv_str_starts(line, CENV_STR("#!")))
        return 0;
    if (set_line(sites, line, line.len, err) < 0)
        return err->status;
    cenv_shebang_split(line, &from, &to);
    sites->style = CENV_SHEBANG_LINE;
    sites->exe_from = (uint32_t)from;
    sites->exe_to = (uint32_t)to;
    for (size_t i = 0; i < sites->nr && sites->list[i].offset < line.len; i++)
        sites->list[i].kind = CENV_SITE_SHEBANG;
    return 0;
}

/* Conda's two lines and pip's three stand for "#!<exe><options>". */
static int scan_trampoline(struct cenv_sites *sites, struct cenv_str data,
                           struct cenv_error *err)
{
    enum cenv_shebang_style style = CENV_SHEBANG_NONE;
    struct cenv_str exe, options;
    size_t len = 0, kept = 0;
    if (sites->nr == 0 || !cenv_shebang_trampoline(data, &style, &exe, &options, &len))
        return 0;
    uint64_t at = (uint64_t)(exe.data - data.data);
    if (sites->list[0].offset != at || exe.len > UINT16_MAX || options.len > UINT16_MAX)
        return 0;
    struct cenv_buf line;
    cenv_buf_init(&line, 1 << 20);
    cenv_buf_puts(&line, "#!");
    cenv_buf_add_str(&line, exe);
    cenv_buf_add_str(&line, options);
    int rc = line.failed ? cenv_error_oom(err)
                         : set_line(sites, cenv_buf_str(&line), len, err);
    cenv_buf_release(&line);
    if (rc < 0)
        return rc;
    sites->style = (uint8_t)style;
    sites->quoted = data.data[at - 1] == '"';
    sites->exe_from = 2;
    sites->exe_to = (uint32_t)(2 + exe.len);
    for (size_t i = 0; i < sites->nr; i++) {
        struct cenv_site *site = &sites->list[i];
        if (site->offset < len) {
            site->kind = CENV_SITE_SHEBANG;
            site->offset = site->offset - at + 2;
        }
        if (site->kind != CENV_SITE_SHEBANG || site->offset < sites->line_len)
            sites->list[kept++] = *site;
    }
    sites->nr = kept;
    return 0;
}

/* ---- the whole ---- */

static int search_file(struct cenv_sites *sites, struct cenv_str data, bool package,
                       const struct cenv_search_names *names, const char **reason,
                       struct cenv_error *err)
{
    struct cenv_sites found = {0};
    struct search s = {.data = data, .only = marked_encoding(data), .sites = &found};
    s.opaque = s.only >= 0 ? NULL : opaque_format(data);
    s.text = !s.opaque && (s.only >= 0 || cenv_str_find(data, '\0') == data.len);
    s.package = package && s.text;
    int rc = search_forms(&s, names, err);
    cenv_sites_settle(&found, 0);
    if (rc == 0 && s.text && s.only < 0)
        rc = scan_trampoline(&found, data, err);
    if (rc == 0 && s.text && s.only < 0 && found.style == CENV_SHEBANG_NONE)
        rc = scan_line(&found, data, err);
    if (rc == 0) {
        *reason = s.reason;
        *sites = found;
        found = (struct cenv_sites){0};
    }
    cenv_sites_release(&found);
    return rc;
}

int cenv_path_search(struct cenv_sites *sites, struct cenv_str data,
                     const struct cenv_search_names *names, const char **reason,
                     struct cenv_error *err)
{
    return search_file(sites, data, false, names, reason, err);
}

int cenv_path_search_package(struct cenv_sites *sites, struct cenv_str data,
                             const struct cenv_search_names *names, const char **reason,
                             struct cenv_error *err)
{
    return search_file(sites, data, true, names, reason, err);
}

/* What big- and little-endian have in common when the path is ASCII. */
static struct cenv_str trim_zeros(struct cenv_str form)
{
    while (form.len && form.data[0] == 0)
        form = cenv_str_slice(form, 1, form.len);
    while (form.len && form.data[form.len - 1] == 0)
        form.len--;
    return form;
}

/*
 * This looks only for what a search would find: every wide form has a zero byte in it, and with a
 * zero byte there is no text, so a block is gone through twice, not five times.
 */
static bool has_any_form(struct cenv_str data, const struct cenv_forms *forms,
                         bool zeros)
{
    for (int e = 0; e < CENV_ENC_NR; e++) {
        struct cenv_str form = trim_zeros(forms->of[e]);
        bool wide = cenv_forms_width(e) > 1;
        if (e != CENV_ENC_UTF8 && wide != zeros)
            continue;
        bool again = (e > 0 && cenv_str_eq(form, trim_zeros(forms->of[e - 1]))) ||
                     (e == CENV_ENC_URL && cenv_str_eq(form, forms->of[CENV_ENC_UTF8]));
        if (!again && form.len &&
            cenv_find_bytes(data.data, data.len, form.data, form.len))
            return true;
    }
    return false;
}

bool cenv_path_search_any(struct cenv_str data, const struct cenv_search_names *names)
{
    bool zeros = cenv_str_find(data, '\0') < data.len;
    for (size_t i = 0; data.len && i < names->nr; i++)
        if (has_any_form(data, &names->list[i], zeros))
            return true;
    return false;
}

bool cenv_path_search_names(struct cenv_str data, const struct cenv_search_names *names)
{
    struct cenv_error ignored = CENV_ERROR_INIT;
    struct cenv_sites sites = {0};
    const char *reason = NULL;
    if (!cenv_path_search_any(data, names))
        return false;
    bool found = cenv_path_search(&sites, data, names, &reason, &ignored) < 0 ||
                 sites.nr > 0 || reason;
    cenv_sites_release(&sites);
    cenv_error_release(&ignored);
    return found;
}

size_t cenv_path_search_overlap(const struct cenv_search_names *names)
{
    size_t most = 0;
    for (size_t i = 0; i < names->nr; i++)
        for (int e = 0; e < CENV_ENC_NR; e++)
            if (names->list[i].of[e].len > most)
                most = names->list[i].of[e].len;
    return most;
}

size_t cenv_path_search_link(struct cenv_str target,
                             const struct cenv_search_names *names)
{
    for (size_t i = 0; i < names->nr; i++) {
        struct cenv_str path = names->list[i].of[CENV_ENC_UTF8];
        if (path.len && cenv_str_starts(target, path) &&
            (target.len == path.len || target.data[path.len] == '/'))
            return path.len;
    }
    return 0;
}
