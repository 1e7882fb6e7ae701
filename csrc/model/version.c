/* SPDX-License-Identifier: BSD-3-Clause */
/* Versions and their order: see version.h. */
#include "model/version.h"

#include <stdint.h>

#include "model/chars.h"

/*
 * A version is a list of components ("1.2a" -> [epoch] [1] [2, "a"]), a component a list of items,
 * numbers and strings. Both lists compare as if they went on with zeros for ever, so that 1.1 ==
 * 1.1.0. The key spells the items out so that bytes order as the lists do: a number is its length
 * and its digits, a string its bytes and a NUL, and zeros are written only as how many of them
 * stand before what differs from zero. "Nothing but zeros from here" (END) then sorts between a
 * string (lower than zero) and a number (higher), and a longer run of zeros lies nearer to END.
 *
 * Where an item of a component is expected:  STRING < ZERO_STRING < END < ZERO_POST < number < POST
 * Where a component is expected:  ZERO_STRING < LOWER n < END < HIGHER n < ZERO_POST < number
 *
 * Within a component at most one zero can stand before something else: digits make one number, and
 * a component always begins with a number ("rc1" -> [0, "rc", 1]).
 */
enum {
    STRING = 0x01,
    ZERO_STRING = 0x02,
    LOWER = 0x03, /* + 16 bits: n empty components, then one that is lower */
    END = 0x10,
    HIGHER = 0x20, /* + 16 bits ~n */
    ZERO_POST = 0x7f,
    NUMBER = 0x80,      /* + how many digits */
    LONG_NUMBER = 0xfe, /* + 16 bits: how many digits */
    POST = 0xff,
    SHORT_DIGITS = LONG_NUMBER - NUMBER,
};

enum { KEY_STACK = 512 };

struct encoder {
    unsigned char *out;
    size_t len;
    unsigned empty; /* components of nothing but zeros just passed */
    bool begun;     /* the component has written something */
    bool zero;      /* a zero item waits for what follows it */
};

/* A letter between numbers writes three bytes ("1a1"), "0.a." seven. */
static size_t key_bound(size_t text_len)
{
    return 4 * text_len + 16;
}

static void put_byte(struct encoder *e, unsigned byte)
{
    e->out[e->len++] = (unsigned char)byte;
}

static void put16(struct encoder *e, size_t value)
{
    put_byte(e, (unsigned)(value >> 8));
    put_byte(e, (unsigned)(value & 0xff));
}

/* Also makes `_` of `-`, which stands for it where it is allowed at all. */
static char fold_char(char c)
{
    if (c >= 'A' && c <= 'Z')
        return (char)(c + ('a' - 'A'));
    return c == '-' ? '_' : c;
}

static bool is_word(struct cenv_str text, const char *lower)
{
    for (size_t i = 0; i < text.len; i++)
        if (fold_char(text.data[i]) != lower[i])
            return false;
    return lower[text.len] == '\0';
}

/* The component differs from zero: says how many before it did not. */
static void begin_component(struct encoder *e, bool higher)
{
    if (!e->begun && e->empty) {
        put_byte(e, higher ? HIGHER : LOWER);
        put16(e, higher ? 0xffff - e->empty : e->empty);
    }
    e->empty = 0;
    e->begun = true;
}

static void put_number(struct encoder *e, struct cenv_str digits)
{
    if (digits.len < SHORT_DIGITS) {
        put_byte(e, NUMBER + (unsigned)digits.len);
    } else {
        put_byte(e, LONG_NUMBER);
        put16(e, digits.len);
    }
    for (size_t i = 0; i < digits.len; i++)
        put_byte(e, (unsigned char)digits.data[i]);
}

static struct cenv_str without_zeros(struct cenv_str digits)
{
    size_t n = 0;
    while (n < digits.len && digits.data[n] == '0')
        n++;
    return cenv_str_slice(digits, n, digits.len);
}

static void put_string(struct encoder *e, struct cenv_str text)
{
    put_byte(e, e->zero ? ZERO_STRING : STRING);
    e->zero = false;
    if (is_word(text, "dev")) {
        put_byte(e, 'D'); /* behind '*', before '_' and all letters */
        return;
    }
    for (size_t i = 0; i < text.len; i++)
        put_byte(e, (unsigned char)fold_char(text.data[i]));
}

/* One run of digits, of `*`, or of anything else. A string is left without its end. */
static void put_item(struct encoder *e, struct cenv_str run)
{
    if (cenv_is_digit(run.data[0])) {
        struct cenv_str digits = without_zeros(run);
        if (!digits.len) {
            e->zero = true;
            return;
        }
        begin_component(e, true);
        put_number(e, digits);
    } else if (is_word(run, "post")) {
        begin_component(e, true);
        put_byte(e, e->zero ? ZERO_POST : POST);
        e->zero = false;
    } else {
        begin_component(e, false);
        put_string(e, run);
    }
}

static void end_item(struct encoder *e, struct cenv_str run)
{
    if (!cenv_is_digit(run.data[0]) && !is_word(run, "post"))
        put_byte(e, '\0');
}

static void end_component(struct encoder *e)
{
    if (e->begun)
        put_byte(e, END);
    else
        e->empty++;
    e->begun = e->zero = false;
}

static void end_list(struct encoder *e)
{
    put_byte(e, END);
    e->empty = 0;
}

static int kind_of(char c)
{
    return cenv_is_digit(c) ? 0 : c == '*' ? 1 : 2;
}

/* Takes one run off the component. */
static struct cenv_str next_run(struct cenv_str *component)
{
    struct cenv_str c = *component;
    size_t n = 1;

    while (n < c.len && kind_of(c.data[n]) == kind_of(c.data[0]))
        n++;
    *component = cenv_str_slice(c, n, c.len);
    return cenv_str_slice(c, 0, n);
}

/*
 * Takes one component off the list. The list's last character is not taken for a separator: the
 * `_` of "1.0.1_" belongs to its component (openssl's rule), and nothing else may stand there.
 */
static struct cenv_str next_component(struct cenv_str *list)
{
    size_t n = 0;
    while (n < list->len && list->data[n] != '.' &&
           (fold_char(list->data[n]) != '_' || n + 1 == list->len))
        n++;
    struct cenv_str component = cenv_str_slice(*list, 0, n);
    *list = cenv_str_slice(*list, n < list->len ? n + 1 : n, list->len);
    return component;
}

/* ---- the parts of the text ---- */

struct parts {
    struct cenv_str epoch; /* digits, or empty */
    struct cenv_str main, local;
    bool has_local;
};

static const char *split_epoch(struct parts *parts)
{
    size_t at = cenv_str_find(parts->main, '!');
    if (at == parts->main.len)
        return NULL;
    parts->epoch = cenv_str_slice(parts->main, 0, at);
    parts->main = cenv_str_slice(parts->main, at + 1, parts->main.len);
    for (size_t i = 0; i < parts->epoch.len; i++)
        if (!cenv_is_digit(parts->epoch.data[i]))
            return "the epoch before '!' is not a number";
    if (!parts->epoch.len)
        return "there is no number before '!'";
    if (cenv_str_find(parts->main, '!') < parts->main.len)
        return "'!' stands twice";
    return parts->main.len ? NULL : "nothing follows the epoch";
}

static const char *split_local(struct parts *parts)
{
    size_t at = cenv_str_find(parts->main, '+');
    if (at == parts->main.len)
        return NULL;
    parts->has_local = true;
    parts->local = cenv_str_slice(parts->main, at + 1, parts->main.len);
    parts->main = cenv_str_slice(parts->main, 0, at);
    if (!parts->main.len)
        return "nothing stands before '+'";
    if (cenv_str_find(parts->local, '+') < parts->local.len)
        return "'+' stands twice";
    return parts->local.len ? NULL : "nothing follows '+'";
}

static const char *check_characters(struct cenv_str text)
{
    bool dash = false, underscore = false;

    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        dash |= c == '-';
        underscore |= c == '_';
        if (!cenv_char_is(c, CENV_CHAR_ALNUM | CENV_CHAR_VERSION))
            return "only letters, digits and . _ - + ! * may stand in a version";
    }
    return dash && underscore ? "'-' and '_' do not go together" : NULL;
}

static const char *check_components(struct cenv_str list, bool is_local)
{
    /* In a local part even the last '_' separates: "1+a_" is as wrong as "1+a." */
    if (list.data[list.len - 1] == '.' ||
        (is_local && fold_char(list.data[list.len - 1]) == '_'))
        return "a component is empty";
    while (list.len)
        if (!next_component(&list).len)
            return "a component is empty";
    return NULL;
}

/* What is wrong with the version, or NULL. */
static const char *split_parts(struct parts *parts, struct cenv_str text)
{
    *parts = (struct parts){.main = text};
    if (!text.len)
        return "it is empty";
    if (text.len > CENV_VERSION_TEXT_MAX)
        return "it is too long";
    const char *wrong = check_characters(text);
    wrong = wrong ? wrong : split_epoch(parts);
    wrong = wrong ? wrong : split_local(parts);
    wrong = wrong ? wrong : check_components(parts->main, false);
    if (!wrong && parts->has_local)
        wrong = check_components(parts->local, true);
    return wrong;
}

/* ---- keys ---- */

static void encode_list(struct encoder *e, struct cenv_str list)
{
    while (list.len) {
        struct cenv_str component = next_component(&list);
        e->zero = !cenv_is_digit(component.data[0]);
        while (component.len) {
            struct cenv_str run = next_run(&component);
            put_item(e, run);
            end_item(e, run);
        }
        end_component(e);
    }
    end_list(e);
}

/* The same, up to and with the last item; true when that is a zero, which is not written yet. */
static bool encode_prefix(struct encoder *e, struct cenv_str list)
{
    while (list.len) {
        struct cenv_str component = next_component(&list);
        e->zero = !cenv_is_digit(component.data[0]);
        while (component.len) {
            struct cenv_str run = next_run(&component);
            put_item(e, run);
            if (component.len || list.len)
                end_item(e, run);
        }
        if (list.len)
            end_component(e);
    }
    return e->zero;
}

static void encode_epoch(struct encoder *e, const struct parts *parts)
{
    put_number(e, without_zeros(parts->epoch));
}

static int refuse_version(struct cenv_error *err, struct cenv_str text,
                          const char *wrong)
{
    return cenv_error_set(err, CENV_ESPEC, "version '%.*s' is not valid: %s",
                          CENV_STR_ARG(cenv_str_slice(text, 0, 200)), wrong);
}

/* Room for the key of a text of `len` bytes: `stack` when it suffices. */
static unsigned char *key_room(unsigned char *stack, size_t len,
                               struct cenv_arena *arena)
{
    return key_bound(len) <= KEY_STACK ? stack
                                       : cenv_arena_alloc(arena, key_bound(len));
}

int cenv_version_parse(struct cenv_version *out, struct cenv_str text,
                       struct cenv_arena *arena, struct cenv_error *err)
{
    unsigned char stack[KEY_STACK];
    struct parts parts;

    text = cenv_str_trim(text);
    const char *wrong = split_parts(&parts, text);
    if (wrong)
        return refuse_version(err, text, wrong);
    struct encoder e = {.out = key_room(stack, text.len, arena)};
    if (!e.out)
        return cenv_error_oom(err);
    encode_epoch(&e, &parts);
    encode_list(&e, parts.main);
    encode_list(&e, parts.local);
    struct cenv_str key = cenv_arena_str(arena, cenv_str_n((const char *)e.out, e.len));
    if (!key.data)
        return cenv_error_oom(err);
    *out = (struct cenv_version){.text = text, .key = key};
    return 0;
}

/* ---- prefixes ---- */

/*
 * The last item is a number or the beginning of a string: its keys begin with what is written.
 * The first byte is never POST, so a next prefix always exists.
 */
static int range_of_bytes(struct cenv_version_range *out, struct encoder *e,
                          struct cenv_arena *arena)
{
    out->lo = cenv_arena_str(arena, cenv_str_n((const char *)e->out, e->len));
    while (e->out[e->len - 1] == 0xff)
        e->len--;
    e->out[e->len - 1]++;
    out->hi = cenv_arena_str(arena, cenv_str_n((const char *)e->out, e->len));
    return out->lo.data && out->hi.data ? 0 : -1;
}

/*
 * The last item is a zero: what follows may be anything but a number in its place. Components
 * that are empty so far, `n` of them, must be so in the version as well.
 */
static int range_of_zero(struct cenv_version_range *out, struct encoder *e,
                         struct cenv_arena *arena)
{
    size_t common = e->len, n = e->begun ? 0 : e->empty;

    put_byte(e, n ? LOWER : ZERO_STRING);
    if (n)
        put16(e, n);
    out->lo = cenv_arena_str(arena, cenv_str_n((const char *)e->out, e->len));
    e->len = common;
    if (n) {
        put_byte(e, HIGHER);
        put16(e, 0xffff - n);
    }
    put_byte(e, NUMBER);
    out->hi = cenv_arena_str(arena, cenv_str_n((const char *)e->out, e->len));
    return out->lo.data && out->hi.data ? 0 : -1;
}

int cenv_version_prefix(struct cenv_version_range *out, struct cenv_str text,
                        struct cenv_arena *arena, struct cenv_error *err)
{
    unsigned char stack[KEY_STACK];
    struct cenv_version_range range;
    struct parts parts;
    bool zero;

    text = cenv_str_trim(text);
    const char *wrong = split_parts(&parts, text);
    if (wrong)
        return refuse_version(err, text, wrong);
    struct encoder e = {.out = key_room(stack, text.len, arena)};
    if (!e.out)
        return cenv_error_oom(err);
    encode_epoch(&e, &parts);
    if (parts.has_local)
        encode_list(&e, parts.main);
    zero = encode_prefix(&e, parts.has_local ? parts.local : parts.main);
    int rc =
        zero ? range_of_zero(&range, &e, arena) : range_of_bytes(&range, &e, arena);
    if (rc < 0)
        return cenv_error_oom(err);
    *out = range;
    return 0;
}
