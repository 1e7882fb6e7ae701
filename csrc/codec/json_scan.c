/* SPDX-License-Identifier: BSD-3-Clause */
/* JSON text read in place: brackets 64 bytes at a time, strings 16, everything else by the byte. */
#include "codec/json_scan.h"

#include "base/utf8.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum { BLOCK = 64, DEPTH_MAX = 64 };

/* ---- finding the closing bracket ---- */

struct closing {
    char open, close;
    uint64_t in_string; /* all ones when the block starts inside a string */
    uint64_t escaped;   /* 1 when its first byte is escaped */
    size_t depth;
};

#ifdef __SSE2__
static inline __m128i load_block(const char *at)
{
    return _mm_loadu_si128((const __m128i *)(const void *)at);
}

/* One bit per byte of the block that equals `c`. */
static inline uint64_t block_eq(const char *block, char c)
{
    const __m128i want = _mm_set1_epi8(c);
    uint64_t bits = 0;

    for (int i = 0; i < 4; i++) {
        __m128i same = _mm_cmpeq_epi8(load_block(block + 16 * i), want);
        bits |= (uint64_t)(unsigned)_mm_movemask_epi8(same) << (16 * i);
    }
    return bits;
}

/* The block has neither of the brackets nor a backslash. */
static inline bool is_plain(const char *block, const struct closing *c)
{
    const __m128i open = _mm_set1_epi8(c->open), close = _mm_set1_epi8(c->close);
    const __m128i slash = _mm_set1_epi8('\\');
    __m128i found = _mm_setzero_si128();

    for (int i = 0; i < 4; i++) {
        __m128i v = load_block(block + 16 * i);
        __m128i bracket =
            _mm_or_si128(_mm_cmpeq_epi8(v, open), _mm_cmpeq_epi8(v, close));
        found = _mm_or_si128(found, _mm_or_si128(bracket, _mm_cmpeq_epi8(v, slash)));
    }
    return _mm_movemask_epi8(found) == 0;
}
#else
static inline uint64_t block_eq(const char *block, char c)
{
    const uint64_t ones = UINT64_MAX / 255, low7 = ones * 0x7f;
    uint64_t bits = 0;

    for (int i = 0; i < 8; i++) {
        uint64_t v = 0;
        for (int k = 0; k < 8; k++)
            v |= (uint64_t)(unsigned char)block[8 * i + k] << (8 * k);
        v ^= ones * (unsigned char)c;
        /* 0x80 in every byte that is zero, then those bits gathered in the top byte */
        v = ~(((v & low7) + low7) | v | low7);
        bits |= ((v >> 7) * 0x0102040810204080u >> 56) << (8 * i);
    }
    return bits;
}

static inline bool is_plain(const char *block, const struct closing *c)
{
    return !(block_eq(block, c->open) | block_eq(block, c->close) |
             block_eq(block, '\\'));
}
#endif

/* Bit i: the xor of bits 0..i, which is "inside a string" when `quotes` are its ends. */
static inline uint64_t prefix_xor(uint64_t quotes)
{
    for (int shift = 1; shift < 64; shift *= 2)
        quotes ^= quotes << shift;
    return quotes;
}

/* Bits of bytes escaped by a backslash before them. */
static uint64_t find_escaped(struct closing *c, uint64_t backslashes)
{
    uint64_t escaped = c->escaped;

    c->escaped = 0;
    backslashes &= ~escaped;
    while (backslashes) {
        uint64_t first = backslashes & -backslashes;
        if (first >> 63)
            c->escaped = 1;
        escaped |= first << 1;
        backslashes &= ~(first | first << 1);
    }
    return escaped;
}

/* Index of the bracket that closes depth 1 within the block, or BLOCK. */
static int close_in_brackets(struct closing *c, const char *block, uint64_t quotes)
{
    uint64_t open = block_eq(block, c->open), close = block_eq(block, c->close);
    uint64_t inside = prefix_xor(quotes) ^ c->in_string;

    c->in_string = (uint64_t)0 - (inside >> 63);
    for (uint64_t both = (open | close) & ~inside; both; both &= both - 1) {
        if (open & both & -both)
            c->depth++;
        else if (--c->depth == 0)
            return __builtin_ctzll(both);
    }
    return BLOCK;
}

static inline int close_in_block(struct closing *c, const char *block)
{
    uint64_t quotes = block_eq(block, '"');

    if (!is_plain(block, c) || c->escaped) {
        quotes &= ~find_escaped(c, block_eq(block, '\\'));
        return close_in_brackets(c, block, quotes);
    }
    c->in_string ^= (uint64_t)0 - (uint64_t)__builtin_parityll(quotes);
    return BLOCK;
}

const char *cenv_json_scan_close(const char *at, const char *end)
{
    struct closing c = {.open = *at, .close = *at == '{' ? '}' : ']'};
    char tail[BLOCK];
    size_t left;
    int found;

    for (; end - at >= BLOCK; at += BLOCK) {
        found = close_in_block(&c, at);
        if (found < BLOCK)
            return at + found + 1;
    }
    left = (size_t)(end - at);
    memset(tail, ' ', sizeof(tail));
    memcpy(tail, at, left);
    found = close_in_block(&c, tail);
    return found < BLOCK ? at + found + 1 : NULL;
}

/* ---- single values ---- */

int cenv_json_scan_fail(struct cenv_json_scan *s, const char *why)
{
    s->why = why;
    return CENV_EINTEGRITY;
}

int cenv_json_scan_expect(struct cenv_json_scan *s, char c, const char *why)
{
    if (cenv_json_scan_peek(s) != c)
        return cenv_json_scan_fail(s, s->at == s->end ? "the text ends early" : why);
    s->at++;
    return 0;
}

/* The first byte from `at` that is a quote, a backslash, a control byte or not ASCII. */
static inline const char *plain_end(const char *at, const char *end)
{
#ifdef __SSE2__
    const __m128i quote = _mm_set1_epi8('"'), slash = _mm_set1_epi8('\\');
    const __m128i blank = _mm_set1_epi8(' ');

    for (; end - at >= 16; at += 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)at);
        /* signed: bytes from 0x80 are below the blank too */
        __m128i special = _mm_or_si128(
            _mm_cmplt_epi8(v, blank),
            _mm_or_si128(_mm_cmpeq_epi8(v, quote), _mm_cmpeq_epi8(v, slash)));
        int bits = _mm_movemask_epi8(special);
        if (bits)
            return at + __builtin_ctz((unsigned)bits);
    }
#endif
    while (at < end && (signed char)*at >= ' ' && *at != '"' && *at != '\\')
        at++;
    return at;
}

static int read_hex4(struct cenv_json_scan *s, const char *at, uint32_t *out)
{
    uint32_t value = 0;

    for (int i = 0; i < 4; i++, at++) {
        char c = at < s->end ? *at : '\0', lower = (char)(c | 0x20);
        if (c >= '0' && c <= '9')
            value = value * 16 + (uint32_t)(c - '0');
        else if (lower >= 'a' && lower <= 'f')
            value = value * 16 + (uint32_t)(lower - 'a' + 10);
        else
            return cenv_json_scan_fail(s, "\\u needs four hexadecimal digits");
    }
    *out = value;
    return 0;
}

/* At the 'u' of an escape: past it and its pair; the code point, which is no lone surrogate. */
static int scan_unicode(struct cenv_json_scan *s, uint32_t *code)
{
    uint32_t low;
    int rc = read_hex4(s, s->at + 1, code);

    if (rc < 0)
        return rc;
    s->at += 5;
    if (*code < 0xd800 || *code > 0xdfff)
        return 0;
    if (*code >= 0xdc00 || s->end - s->at < 6 || s->at[0] != '\\' || s->at[1] != 'u')
        return cenv_json_scan_fail(s, "half a surrogate pair in a string");
    rc = read_hex4(s, s->at + 2, &low);
    if (rc < 0)
        return rc;
    if (low < 0xdc00 || low > 0xdfff)
        return cenv_json_scan_fail(s, "half a surrogate pair in a string");
    s->at += 6;
    *code = 0x10000 + ((*code - 0xd800) << 10) + (low - 0xdc00);
    return 0;
}

static size_t put_utf8(char *out, uint32_t code)
{
    static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
    size_t len = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;

    for (size_t i = len; i-- > 1; code >>= 6)
        out[i] = (char)(0x80 | (code & 0x3f));
    out[0] = (char)(lead[len] | code);
    return len;
}

/* At a backslash: past the escape, its bytes (at most 4) into `out`. */
static int scan_escape(struct cenv_json_scan *s, char *out, size_t *len)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    const char *at;
    uint32_t code;
    int rc;

    s->at++;
    if (s->at < s->end && *s->at == 'u') {
        rc = scan_unicode(s, &code);
        if (rc == 0)
            *len = put_utf8(out, code);
        return rc;
    }
    at = s->at < s->end && *s->at ? strchr(from, *s->at) : NULL;
    if (!at)
        return cenv_json_scan_fail(s, "unknown escape in a string");
    s->at++;
    *out = to[at - from];
    *len = 1;
    return 0;
}

/* Past one byte or character that is no plain one: an escape, or what must be UTF-8. */
static int scan_special(struct cenv_json_scan *s, bool *escaped)
{
    char bytes[4];
    uint32_t point;
    size_t len;

    if (*s->at == '\\') {
        *escaped = true;
        return scan_escape(s, bytes, &len);
    }
    if ((unsigned char)*s->at < ' ')
        return cenv_json_scan_fail(s, "control character in a string");
    len = cenv_utf8_decode(cenv_str_n(s->at, (size_t)(s->end - s->at)), &point);
    if (!len)
        return cenv_json_scan_fail(s, "a string is not UTF-8");
    s->at += len;
    return 0;
}

/* At a quote: past the string. *escaped: it has escapes (checked). *raw: between the quotes. */
static int scan_raw(struct cenv_json_scan *s, struct cenv_str *raw, bool *escaped)
{
    const char *start = ++s->at;
    int rc;

    *escaped = false;
    for (;;) {
        s->at = plain_end(s->at, s->end);
        if (s->at == s->end)
            return cenv_json_scan_fail(s, "the text ends within a string");
        if (*s->at == '"')
            break;
        rc = scan_special(s, escaped);
        if (rc < 0)
            return rc;
    }
    *raw = cenv_str_n(start, (size_t)(s->at - start));
    s->at++;
    return 0;
}

/* The text of a checked string without its escapes, which only make it shorter. */
static int unescape_string(struct cenv_str *text, struct cenv_arena *arena)
{
    struct cenv_json_scan s = {text->data, text->data + text->len, NULL};
    char *out = cenv_arena_alloc(arena, text->len + 1);
    size_t nr = 0, len;

    if (!out)
        return CENV_ENOMEM;
    while (s.at < s.end) {
        if (*s.at == '\\') {
            scan_escape(&s, out + nr, &len);
            nr += len;
        } else {
            out[nr++] = *s.at++;
        }
    }
    out[nr] = '\0';
    *text = cenv_str_n(out, nr);
    return 0;
}

int cenv_json_scan_string(struct cenv_json_scan *s, struct cenv_str *out,
                          struct cenv_arena *arena)
{
    struct cenv_str text;
    bool escaped;
    int rc;

    if (cenv_json_scan_peek(s) != '"')
        return cenv_json_scan_fail(s, s->at == s->end ? "the text ends early"
                                                      : "expected a string");
    rc = scan_raw(s, &text, &escaped);
    if (rc == 0 && escaped)
        rc = unescape_string(&text, arena);
    if (rc == 0)
        *out = text;
    return rc;
}

static bool is_digit(const struct cenv_json_scan *s)
{
    return s->at < s->end && *s->at >= '0' && *s->at <= '9';
}

static int scan_digits(struct cenv_json_scan *s)
{
    if (!is_digit(s))
        return cenv_json_scan_fail(s, "malformed number");
    while (is_digit(s))
        s->at++;
    return 0;
}

static int scan_number(struct cenv_json_scan *s)
{
    int rc;

    if (*s->at == '-')
        s->at++;
    if (s->at < s->end && *s->at == '0')
        s->at++;
    else if ((rc = scan_digits(s)) < 0)
        return rc;
    if (s->at < s->end && *s->at == '.') {
        s->at++;
        if ((rc = scan_digits(s)) < 0)
            return rc;
    }
    if (s->at < s->end && (*s->at | 0x20) == 'e') {
        s->at++;
        if (s->at < s->end && (*s->at == '+' || *s->at == '-'))
            s->at++;
        return scan_digits(s);
    }
    return 0;
}

int cenv_json_scan_uint(struct cenv_json_scan *s, uint64_t *out)
{
    uint64_t value = 0;
    char first = cenv_json_scan_peek(s);
    const char *start = s->at;
    int rc;

    if (first < '0' || first > '9')
        return cenv_json_scan_fail(s, "expected an integer from 0");
    rc = scan_number(s);
    if (rc < 0)
        return rc;
    for (; start < s->at && *start != '.'; start++) {
        unsigned digit = (unsigned)(*start - '0');
        if (digit > 9 || __builtin_mul_overflow(value, 10u, &value) ||
            __builtin_add_overflow(value, digit, &value))
            return cenv_json_scan_fail(s, "the number is out of range");
    }
    *out = value;
    return 0;
}

bool cenv_json_scan_word(struct cenv_json_scan *s, const char *word)
{
    size_t len;

    if (cenv_json_scan_peek(s) != word[0])
        return false;
    len = strlen(word);
    if ((size_t)(s->end - s->at) < len || memcmp(s->at, word, len) != 0)
        return false;
    s->at += len;
    return true;
}

/* ---- objects and arrays ---- */

/* 1: a further element comes, 0: past `close`. */
static int scan_next(struct cenv_json_scan *s, bool *started, char close)
{
    char c = cenv_json_scan_peek(s);

    if (c == close) {
        s->at++;
        return 0;
    }
    if (!*started) {
        *started = true;
        return 1;
    }
    if (c != ',')
        return cenv_json_scan_fail(s, s->at == s->end ? "the text ends early"
                                      : close == '}'  ? "expected ',' or '}'"
                                                      : "expected ',' or ']'");
    s->at++;
    return 1;
}

int cenv_json_scan_member(struct cenv_json_scan *s, bool *started, struct cenv_str *key,
                          struct cenv_arena *arena)
{
    int rc = scan_next(s, started, '}');

    if (rc <= 0)
        return rc;
    rc = cenv_json_scan_string(s, key, arena);
    if (rc == 0)
        rc = cenv_json_scan_expect(s, ':', "expected ':'");
    if (rc < 0)
        return rc;
    cenv_json_scan_peek(s);
    return 1;
}

int cenv_json_scan_item(struct cenv_json_scan *s, bool *started)
{
    int rc = scan_next(s, started, ']');

    if (rc > 0)
        cenv_json_scan_peek(s);
    return rc;
}

static int skip_scalar(struct cenv_json_scan *s)
{
    struct cenv_str raw;
    bool escaped;
    char c = cenv_json_scan_peek(s);

    if (c == '"')
        return scan_raw(s, &raw, &escaped);
    if (c == '-' || (c >= '0' && c <= '9'))
        return scan_number(s);
    if (cenv_json_scan_word(s, "null") || cenv_json_scan_word(s, "true") ||
        cenv_json_scan_word(s, "false"))
        return 0;
    return cenv_json_scan_fail(s, s->at == s->end ? "the text ends early"
                                                  : "expected a value");
}

/* Past `"key":` when the container is an object. */
static int skip_key(struct cenv_json_scan *s)
{
    struct cenv_str raw;
    bool escaped;
    int rc;

    if (cenv_json_scan_peek(s) != '"')
        return cenv_json_scan_fail(s, "expected a string");
    rc = scan_raw(s, &raw, &escaped);
    if (rc < 0)
        return rc;
    return cenv_json_scan_expect(s, ':', "expected ':'");
}

int cenv_json_scan_skip(struct cenv_json_scan *s)
{
    char closers[DEPTH_MAX];
    bool started = false;
    size_t depth = 0;
    int rc = 0;

    do {
        if (depth && (rc = scan_next(s, &started, closers[depth - 1])) == 0) {
            depth--;
            started = true;
            continue;
        }
        if (rc > 0 && closers[depth - 1] == '}')
            rc = skip_key(s);
        if (rc < 0)
            return rc;
        char c = cenv_json_scan_peek(s);
        if (c == '{' || c == '[') {
            if (depth == DEPTH_MAX)
                return cenv_json_scan_fail(s, "nested too deeply");
            closers[depth++] = c == '{' ? '}' : ']';
            started = false;
            s->at++;
        } else if ((rc = skip_scalar(s)) < 0) {
            return rc;
        }
    } while (depth);
    return 0;
}
