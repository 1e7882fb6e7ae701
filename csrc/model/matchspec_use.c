/* SPDX-License-Identifier: BSD-3-Clause */
/* MatchSpec, matching and printing: see matchspec.h. */
#include "model/matchspec.h"

#include <stdio.h>

#include "model/record.h"

/* ---- matching ---- */

static bool match_number(const struct cenv_nummatch *m, uint64_t value)
{
    switch (m->op) {
    case CENV_NUM_ANY:
        return true;
    case CENV_NUM_EQ:
        return value == m->value;
    case CENV_NUM_NE:
        return value != m->value;
    case CENV_NUM_LT:
        return value < m->value;
    case CENV_NUM_LE:
        return value <= m->value;
    case CENV_NUM_GT:
        return value > m->value;
    case CENV_NUM_GE:
        return value >= m->value;
    }
    return false;
}

static bool has_word(const struct cenv_str *words, size_t nr, struct cenv_str word)
{
    for (size_t i = 0; i < nr; i++)
        if (cenv_str_eq(words[i], word))
            return true;
    return false;
}

/* The same words in any order. */
static bool same_words(const struct cenv_strlist *want, const struct cenv_str *words,
                       size_t nr)
{
    for (size_t i = 0; i < want->nr; i++)
        if (!has_word(words, nr, want->items[i]))
            return false;
    for (size_t i = 0; i < nr; i++)
        if (!has_word(want->items, want->nr, words[i]))
            return false;
    return true;
}

/* `features` of a record is one string, split at blanks and commas. */
static bool same_features(const struct cenv_strlist *want, struct cenv_str text)
{
    struct cenv_str words[16];
    size_t nr = 0;

    while (text.len && nr < sizeof(words) / sizeof(words[0])) {
        size_t n = 0;
        while (n < text.len && text.data[n] != ' ' && text.data[n] != ',')
            n++;
        if (n)
            words[nr++] = cenv_str_slice(text, 0, n);
        text = cenv_str_slice(text, n + 1, text.len);
    }
    return !text.len && same_words(want, words, nr);
}

static bool has_flags(const struct cenv_strlist *want, const struct cenv_record *record)
{
    for (uint32_t i = 0; i < want->nr; i++) {
        bool found = false;
        for (uint32_t j = 0; j < record->nr_flags && !found; j++)
            found = cenv_glob_match(want->items[i], record->flags[j], false);
        if (!found)
            return false;
    }
    return true;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10 : -1;
}

/* One byte of a URL, percent-encoded or not. */
static int next_byte(struct cenv_str *url)
{
    unsigned char c = (unsigned char)url->data[0];
    int high = url->len > 2 ? hex_digit(url->data[1]) : -1;
    int low = url->len > 2 ? hex_digit(url->data[2]) : -1;
    bool encoded = c == '%' && high >= 0 && low >= 0;

    *url = cenv_str_slice(*url, encoded ? 3 : 1, url->len);
    return encoded ? high * 16 + low : c;
}

static bool same_url(struct cenv_str a, struct cenv_str b)
{
    while (a.len && b.len)
        if (next_byte(&a) != next_byte(&b))
            return false;
    return !a.len && !b.len;
}

static bool match_channel(const struct cenv_matchspec_more *more,
                          const struct cenv_record *record)
{
    if (more->channel.kind == CENV_CHANNELMATCH_ANY && more->url.len)
        return same_url(more->url, record->url);
    return cenv_channelmatch_test(&more->channel, record->channel, record->channel_url);
}

static bool match_more(const struct cenv_matchspec_more *more,
                       const struct cenv_record *record)
{
    if (!match_number(&more->build_number, record->build_number) ||
        !cenv_strmatch_test(&more->subdir, record->subdir) ||
        !match_channel(more, record))
        return false;
    if ((more->md5.len && !cenv_str_eq(more->md5, record->md5)) ||
        (more->sha256.len && !cenv_str_eq(more->sha256, record->sha256)))
        return false;
    if (!cenv_strmatch_test(&more->fn, record->fn) ||
        !cenv_strmatch_test(&more->license, record->license) ||
        !cenv_strmatch_test(&more->license_family, record->license_family))
        return false;
    if (more->has_track_features &&
        !same_words(&more->track_features, record->track_features,
                    record->nr_track_features))
        return false;
    if (more->has_features && !same_features(&more->features, record->features))
        return false;
    return has_flags(&more->flags, record);
}

static bool match_name(const struct cenv_matchspec *spec, struct cenv_str name)
{
    return spec->name_is_glob ? cenv_glob_match(spec->name, name, true)
                              : cenv_str_eq(spec->name, name);
}

static bool match_nvb(const struct cenv_matchspec *spec, struct cenv_str name,
                      const struct cenv_version *version, struct cenv_str build)
{
    struct cenv_str literal;

    if (!match_name(spec, name))
        return false;
    if (version
            ? !cenv_versionspec_match(&spec->version, version)
            : cenv_versionspec_form(&spec->version, &literal) != CENV_VERSIONSPEC_ANY)
        return false;
    return cenv_strmatch_test(&spec->build, build);
}

bool cenv_matchspec_match(const struct cenv_matchspec *spec,
                          const struct cenv_record *record)
{
    return match_nvb(spec, record->name, record->parsed, record->build) &&
           (!spec->more || match_more(spec->more, record));
}

bool cenv_matchspec_match_nvb(const struct cenv_matchspec *spec, struct cenv_str name,
                              const struct cenv_version *version, struct cenv_str build)
{
    const struct cenv_record record = {.name = name, .parsed = version, .build = build};

    return cenv_matchspec_match(spec, &record);
}

/* ---- printing ---- */

static bool holds(struct cenv_str text, const char *characters)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.data[i] && strchr(characters, text.data[i]))
            return true;
    return false;
}

struct printer {
    struct cenv_buf *out;
    bool open; /* the bracket is */
};

static void print_key(struct printer *p, const char *key)
{
    cenv_buf_putc(p->out, p->open ? ',' : '[');
    cenv_buf_puts(p->out, key);
    cenv_buf_putc(p->out, '=');
    p->open = true;
}

/* A value is quoted when it must be; text that is empty was not given. */
static void print_value(struct printer *p, const char *key, struct cenv_str value,
                        bool quote)
{
    char mark = cenv_str_find(value, '\'') < value.len ? '"' : '\'';

    if (!value.len)
        return;
    quote |= holds(value, ", =[]'\"\t\r\n");
    print_key(p, key);
    if (quote)
        cenv_buf_putc(p->out, mark);
    cenv_buf_add_str(p->out, value);
    if (quote)
        cenv_buf_putc(p->out, mark);
}

static void print_strmatch(struct printer *p, const char *key,
                           const struct cenv_strmatch *m)
{
    if (m->kind != CENV_STRMATCH_ANY)
        print_value(p, key, m->text, holds(m->text, "><$^|,"));
}

static void print_number(struct printer *p, const struct cenv_nummatch *number)
{
    static const char *const ops[] = {
        [CENV_NUM_ANY] = "",  [CENV_NUM_EQ] = "",   [CENV_NUM_NE] = "!=",
        [CENV_NUM_LT] = "<",  [CENV_NUM_LE] = "<=", [CENV_NUM_GT] = ">",
        [CENV_NUM_GE] = ">=",
    };
    char text[32];

    if (number->op == CENV_NUM_ANY)
        return;
    snprintf(text, sizeof(text), "%s%llu", ops[number->op],
             (unsigned long long)number->value);
    print_value(p, "build_number", cenv_str(text), number->op != CENV_NUM_EQ);
}

/* The next item in order after `last` (NULL: the first); items may repeat. */
static const struct cenv_str *next_item(const struct cenv_strlist *list,
                                        const struct cenv_str *last)
{
    const struct cenv_str *best = NULL;

    for (uint32_t i = 0; i < list->nr; i++) {
        const struct cenv_str *item = &list->items[i];
        if ((!last || cenv_str_cmp(*item, *last) > 0) &&
            (!best || cenv_str_cmp(*item, *best) < 0))
            best = item;
    }
    return best;
}

static void print_words(struct printer *p, const char *key,
                        const struct cenv_strlist *list)
{
    const struct cenv_str *item = next_item(list, NULL);
    bool quote = item && next_item(list, item);

    print_key(p, key);
    if (quote || !item)
        cenv_buf_putc(p->out, '\'');
    for (const struct cenv_str *next; item; item = next) {
        cenv_buf_add_str(p->out, *item);
        next = next_item(list, item);
        if (next)
            cenv_buf_putc(p->out, ' ');
    }
    if (quote || !list->nr)
        cenv_buf_putc(p->out, '\'');
}

static void print_items(struct printer *p, const char *key,
                        const struct cenv_strlist *list)
{
    const char *separator = "";

    if (!list->nr)
        return;
    print_key(p, key);
    cenv_buf_putc(p->out, '[');
    for (const struct cenv_str *item = next_item(list, NULL); item;
         item = next_item(list, item)) {
        char mark = cenv_str_find(*item, '\'') < item->len ? '"' : '\'';
        cenv_buf_puts(p->out, separator);
        cenv_buf_putc(p->out, mark);
        cenv_buf_add_str(p->out, *item);
        cenv_buf_putc(p->out, mark);
        separator = ", ";
    }
    cenv_buf_putc(p->out, ']');
}

/* What stands before the name; true when the subdir is said by it. */
static bool print_channel(const struct cenv_matchspec_more *more, struct cenv_buf *out)
{
    bool exact = more->channel.kind == CENV_CHANNELMATCH_NAME ||
                 more->channel.kind == CENV_CHANNELMATCH_URL;
    bool subdir = exact && more->subdir.kind == CENV_STRMATCH_EXACT;

    if (!exact)
        return false;
    cenv_buf_add_str(out, more->channel.text);
    if (subdir) {
        cenv_buf_putc(out, '/');
        cenv_buf_add_str(out, more->subdir.text);
    }
    cenv_buf_puts(out, "::");
    return subdir;
}

static void print_more(struct printer *p, const struct cenv_matchspec_more *more)
{
    bool channel = more->channel.kind != CENV_CHANNELMATCH_ANY;

    print_number(p, &more->build_number);
    if (more->has_track_features)
        print_words(p, "track_features", &more->track_features);
    if (more->has_features)
        print_words(p, "features", &more->features);
    if (!channel)
        print_value(p, "url", more->url, false);
    print_value(p, "md5", more->md5, false);
    print_value(p, "sha256", more->sha256, false);
    print_strmatch(p, "license", &more->license);
    print_strmatch(p, "license_family", &more->license_family);
    if (!more->url.len)
        print_strmatch(p, "fn", &more->fn);
    print_value(p, "when", more->when, false);
    print_items(p, "extras", &more->extras);
    print_items(p, "flags", &more->flags);
}

/* Version and build where they stand outside of brackets; sets what is left for the inside. */
static void print_outside(const struct cenv_matchspec *spec, struct cenv_str text,
                          struct cenv_buf *out, bool *version, bool *build)
{
    struct cenv_str literal;
    enum cenv_versionspec_form form = cenv_versionspec_form(&spec->version, &literal);
    bool outside = form != CENV_VERSIONSPEC_OTHER;

    *build = spec->build.kind != CENV_STRMATCH_ANY;
    if (form == CENV_VERSIONSPEC_OTHER && !*build && text.len > 1 &&
        text.data[1] == '=' && (text.data[0] == '!' || text.data[0] == '~') &&
        !holds(text, "><$^|,")) {
        cenv_buf_add_str(out, text);
        outside = true;
    }
    if (form == CENV_VERSIONSPEC_EXACT || form == CENV_VERSIONSPEC_FUZZY) {
        cenv_buf_puts(out, form == CENV_VERSIONSPEC_EXACT ? "==" : "=");
        cenv_buf_add_str(out, literal);
    }
    *version = !outside;
    if (form == CENV_VERSIONSPEC_EXACT && spec->build.kind == CENV_STRMATCH_EXACT &&
        !holds(spec->build.text, "-=,|<>~()!*^$ [\"'")) {
        cenv_buf_putc(out, '=');
        cenv_buf_add_str(out, spec->build.text);
        *build = false;
    }
}

void cenv_matchspec_print(const struct cenv_matchspec *spec, struct cenv_buf *out)
{
    static const struct cenv_matchspec_more nothing;
    const struct cenv_matchspec_more *more = spec->more ? spec->more : &nothing;
    struct printer p = {.out = out};
    struct cenv_buf text;
    bool version, build;

    cenv_buf_init(&text, 4 * CENV_MATCHSPEC_MAX);
    cenv_versionspec_print(&spec->version, true, &text);
    bool subdir = print_channel(more, out);
    cenv_buf_add_str(out, spec->name);
    print_outside(spec, cenv_buf_str(&text), out, &version, &build);
    if (more->channel.kind == CENV_CHANNELMATCH_PATTERN)
        print_value(&p, "channel", more->channel.text, false);
    if (!subdir)
        print_strmatch(&p, "subdir", &more->subdir);
    if (version)
        print_value(&p, "version", cenv_buf_str(&text), true);
    if (build)
        print_strmatch(&p, "build", &spec->build);
    print_more(&p, more);
    if (p.open)
        cenv_buf_putc(out, ']');
    out->failed |= text.failed;
    cenv_buf_release(&text);
}
