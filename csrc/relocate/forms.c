/* SPDX-License-Identifier: BSD-3-Clause */
/* A prefix in every encoding. */
#include "relocate/forms.h"

#include "base/utf8.h"
#include "model/path_entry.h"

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

/* json.dumps, which escapes what JSON forbids, and on demand "/" and what is not ASCII. */
static void add_json(struct cenv_buf *out, struct cenv_str text, bool slashes,
                     bool ascii)
{
    while (text.len) {
        struct cenv_str rest = text;
        uint32_t point = next_code_point(&rest);
        size_t len = text.len - rest.len;
        if (point >= 0x10000 && ascii)
            cenv_buf_addf(out, "\\u%04x\\u%04x", 0xd800u + ((point - 0x10000) >> 10),
                          0xdc00u + ((point - 0x10000) & 0x3ff));
        else if (point < 0x20 || (point >= 0x80 && ascii))
            cenv_buf_addf(out, "\\u%04x", point);
        else {
            if (point == '"' || point == '\\' || (point == '/' && slashes))
                cenv_buf_putc(out, '\\');
            cenv_buf_add(out, text.data, len);
        }
        text = rest;
    }
}

/* printf %q of a shell, which leaves alone what stands for itself anywhere in a word. */
static void add_word(struct cenv_buf *out, struct cenv_str text, const char *plain,
                     char escape)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if (c < 0x80 && !cenv_is_alnum((char)c) && !strchr(plain, c))
            cenv_buf_putc(out, escape);
        cenv_buf_putc(out, (char)c);
    }
}

/* Within single quotes only the quote itself is special, and written outside of them. */
static void add_single_quoted(struct cenv_buf *out, struct cenv_str text,
                              const char *quote)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.data[i] == '\'')
            cenv_buf_puts(out, quote);
        else
            cenv_buf_putc(out, text.data[i]);
}

/* `escape` before each of the characters of `special`. */
static void add_escaped(struct cenv_buf *out, struct cenv_str text, const char *special,
                        char escape)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] && strchr(special, text.data[i]))
            cenv_buf_putc(out, escape);
        cenv_buf_putc(out, text.data[i]);
    }
}

/* csh replaces "!" by history within all quotes, and nothing in double ones stops "$". */
static void add_csh(struct cenv_buf *out, struct cenv_str text, bool doubly)
{
    const char *special = doubly ? "\"$`" : "'";
    const char *before = doubly ? "\"'" : "'\\", *behind = doubly ? "'\"" : "'";
    for (size_t i = 0; i < text.len; i++) {
        bool out_of_quotes = text.data[i] && strchr(special, text.data[i]);
        cenv_buf_puts(out, out_of_quotes ? before : text.data[i] == '!' ? "\\" : "");
        cenv_buf_putc(out, text.data[i]);
        cenv_buf_puts(out, out_of_quotes ? behind : "");
    }
}

/* U+2018 to U+201B are single quotes of PowerShell, U+201C to U+201E double ones. */
static void add_powershell(struct cenv_buf *out, struct cenv_str text, bool doubly)
{
    while (text.len) {
        struct cenv_str rest = text;
        uint32_t point = next_code_point(&rest);
        struct cenv_str c = cenv_str_slice(text, 0, text.len - rest.len);
        bool quote = point == '\'' || (point >= 0x2018 && point <= 0x201b);
        bool special = point == '"' || point == '$' || point == '`' ||
                       (point >= 0x201c && point <= 0x201e);
        if (doubly && special)
            cenv_buf_putc(out, '`');
        else if (!doubly && quote)
            cenv_buf_add_str(out, c);
        cenv_buf_add_str(out, c);
        text = rest;
    }
}

static const char *entity_of(char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&apos;";
    default:
        return NULL;
    }
}

static void add_xml(struct cenv_buf *out, struct cenv_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        const char *entity = entity_of(text.data[i]);
        if (entity)
            cenv_buf_puts(out, entity);
        else
            cenv_buf_putc(out, text.data[i]);
    }
}

/* ascii() of Python, and more in "\x27" than that needs: xonsh reads "~" and "$" in texts too. */
static void add_python(struct cenv_buf *out, struct cenv_str text)
{
    while (text.len) {
        uint32_t point = next_code_point(&text);
        bool plain = point < 0x80 && (cenv_is_alnum((char)point) ||
                                      (point && strchr(" _@=:,./-", (int)point)));
        if (plain)
            cenv_buf_putc(out, (char)point);
        else if (point < 0x100)
            cenv_buf_addf(out, "\\x%02x", point);
        else if (point < 0x10000)
            cenv_buf_addf(out, "\\u%04x", point);
        else
            cenv_buf_addf(out, "\\U%08x", point);
    }
}

static void add_hex(struct cenv_buf *out, struct cenv_str text)
{
    for (size_t i = 0; i < text.len; i++)
        cenv_buf_addf(out, "%02x", (unsigned char)text.data[i]);
}

static void add_points(struct cenv_buf *out, struct cenv_str text)
{
    for (const char *comma = ""; text.len; comma = ", ")
        cenv_buf_addf(out, "%s%u", comma, next_code_point(&text));
}

/* Within quotes of Nushell nothing escapes a quote; raw texts have more "#" than are in them. */
static void add_nushell(struct cenv_buf *out, struct cenv_str text, bool raw)
{
    size_t most = 0, run = 0;
    for (size_t i = 0; i < text.len; i++) {
        run = text.data[i] == '#' ? run + 1 : 0;
        most = run > most ? run : most;
        raw |= text.data[i] == '\'';
    }
    cenv_buf_puts(out, raw ? "r" : "");
    for (size_t i = 0; raw && i <= most; i++)
        cenv_buf_putc(out, '#');
    cenv_buf_putc(out, '\'');
    cenv_buf_add_str(out, text);
    cenv_buf_putc(out, '\'');
    for (size_t i = 0; raw && i <= most; i++)
        cenv_buf_putc(out, '#');
}

static void add_xonsh_or_nushell_form(struct cenv_buf *out, struct cenv_str text,
                                      int encoding)
{
    switch (encoding) {
    case CENV_ENC_PYTHON:
        add_python(out, text);
        break;
    case CENV_ENC_PYTHON_HEX:
        add_hex(out, text);
        break;
    case CENV_ENC_PYTHON_POINTS:
        add_points(out, text);
        break;
    default:
        add_nushell(out, text, encoding == CENV_ENC_NU_RAW);
    }
}

static void add_shell_form(struct cenv_buf *out, struct cenv_str text, int encoding)
{
    switch (encoding) {
    case CENV_ENC_BACKSLASHES:
        add_word(out, text, "_@%+=:,./-", '\\');
        break;
    case CENV_ENC_SINGLE_QUOTED:
    case CENV_ENC_SHLEX:
        add_single_quoted(out, text, encoding == CENV_ENC_SHLEX ? "'\"'\"'" : "'\\''");
        break;
    case CENV_ENC_DOUBLE_QUOTED:
        add_escaped(out, text, "\"\\$`", '\\');
        break;
    case CENV_ENC_FISH_SINGLE:
        add_escaped(out, text, "'\\", '\\');
        break;
    case CENV_ENC_FISH_DOUBLE:
        add_escaped(out, text, "\"$\\", '\\');
        break;
    case CENV_ENC_CSH_SINGLE:
    case CENV_ENC_CSH_DOUBLE:
        add_csh(out, text, encoding == CENV_ENC_CSH_DOUBLE);
        break;
    case CENV_ENC_PS_WORD:
        add_word(out, text, "_./-", '`');
        break;
    case CENV_ENC_PS_SINGLE:
    case CENV_ENC_PS_DOUBLE:
        add_powershell(out, text, encoding == CENV_ENC_PS_DOUBLE);
        break;
    default:
        add_xonsh_or_nushell_form(out, text, encoding);
    }
}

static void add_form(struct cenv_buf *out, struct cenv_str text, int encoding)
{
    bool big = encoding == CENV_ENC_UTF16BE || encoding == CENV_ENC_UTF32BE;
    switch (encoding) {
    case CENV_ENC_UTF8:
        cenv_buf_add_str(out, text);
        break;
    case CENV_ENC_URL:
        add_url(out, text);
        break;
    case CENV_ENC_JSON_SLASHES:
    case CENV_ENC_JSON:
        add_json(out, text, encoding == CENV_ENC_JSON_SLASHES, false);
        break;
    case CENV_ENC_JSON_ASCII:
    case CENV_ENC_JSON_ASCII_SLASHES:
        add_json(out, text, encoding == CENV_ENC_JSON_ASCII_SLASHES, true);
        break;
    case CENV_ENC_XML:
        add_xml(out, text);
        break;
    case CENV_ENC_UTF16LE:
    case CENV_ENC_UTF16BE:
    case CENV_ENC_UTF32LE:
    case CENV_ENC_UTF32BE:
        add_wide(out, text, cenv_forms_width(encoding), big);
        break;
    default:
        add_shell_form(out, text, encoding);
    }
}

int cenv_forms_init(struct cenv_forms *forms, struct cenv_str prefix,
                    struct cenv_error *err)
{
    struct cenv_forms made = {0};
    size_t from[CENV_ENC_NR + 1] = {0};
    if (prefix.len > CENV_PREFIX_MAX) {
        cenv_error_set(err, CENV_EUSAGE, "a prefix of %zu bytes is too long",
                       prefix.len);
        return cenv_error_hint(err, "no path has more than %d bytes", CENV_PREFIX_MAX);
    }
    cenv_buf_init(&made.mem, 140 * prefix.len + 96);
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

unsigned cenv_forms_width(int encoding)
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
