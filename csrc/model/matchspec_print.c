/* SPDX-License-Identifier: BSD-3-Clause */
/* MatchSpec, printing: see matchspec_print.h. */
#include "model/matchspec_print.h"

#include <stdio.h>

#include "model/brackets.h"
#include "model/chars.h"
#include "model/platform.h"

struct printer {
    struct cenv_buf *out;
    bool open; /* the bracket is */
};

static bool holds_any(struct cenv_str text, const char *characters)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.data[i] && strchr(characters, text.data[i]))
            return true;
    return false;
}

static bool holds_class(struct cenv_str text, unsigned classes)
{
    for (size_t i = 0; i < text.len; i++)
        if (cenv_char_is(text.data[i], classes))
            return true;
    return false;
}

/* ---- keys ---- */

static void print_key(struct printer *p, const char *key)
{
    cenv_buf_putc(p->out, p->open ? ',' : '[');
    cenv_buf_puts(p->out, key);
    cenv_buf_putc(p->out, '=');
    p->open = true;
}

/* A value is quoted when it must be, or as conda does. */
static void print_value(struct printer *p, const char *key, struct cenv_str value,
                        bool quote)
{
    char mark = cenv_brackets_quote(value);

    quote |= !value.len || holds_any(value, ", =[]'\"\t\r\n");
    print_key(p, key);
    if (quote)
        cenv_buf_putc(p->out, mark);
    cenv_buf_add_str(p->out, value);
    if (quote)
        cenv_buf_putc(p->out, mark);
}

static void print_text(struct printer *p, const char *key, struct cenv_str value)
{
    if (value.len)
        print_value(p, key, value, false);
}

static void print_strmatch(struct printer *p, const char *key,
                           const struct cenv_strmatch *m)
{
    if (m->kind != CENV_STRMATCH_ANY)
        print_value(p, key, m->text, holds_any(m->text, "><$^|,"));
}

static void print_number(struct printer *p, const struct cenv_nummatch *number)
{
    static const char *const ops[] = {
        [CENV_NUM_EQ] = "",   [CENV_NUM_NE] = "!=", [CENV_NUM_LT] = "<",
        [CENV_NUM_LE] = "<=", [CENV_NUM_GT] = ">",  [CENV_NUM_GE] = ">=",
    };
    char text[32];

    if (number->op == CENV_NUM_ANY)
        return;
    snprintf(text, sizeof(text), "%s%llu", ops[number->op],
             (unsigned long long)number->value);
    print_value(p, "build_number", cenv_str(text), number->op != CENV_NUM_EQ);
}

/* The next item in order after `last` (NULL: the first), without repetitions. */
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

static void join_items(struct cenv_buf *out, const struct cenv_strlist *list,
                       const char *quote, const char *separator)
{
    for (const struct cenv_str *item = next_item(list, NULL); item;
         item = next_item(list, item)) {
        cenv_buf_puts(out, item == next_item(list, NULL) ? "" : separator);
        cenv_buf_puts(out, quote);
        cenv_buf_add_str(out, *item);
        cenv_buf_puts(out, quote);
    }
}

static void print_words(struct printer *p, const char *key,
                        const struct cenv_strlist *list)
{
    struct cenv_buf words;

    cenv_buf_init(&words, 2 * CENV_MATCHSPEC_MAX);
    join_items(&words, list, "", " ");
    print_value(p, key, cenv_buf_str(&words), false);
    p->out->failed |= words.failed;
    cenv_buf_release(&words);
}

static void print_items(struct printer *p, const char *key,
                        const struct cenv_strlist *list)
{
    if (!list->nr)
        return;
    print_key(p, key);
    cenv_buf_putc(p->out, '[');
    join_items(p->out, list, "'", ", ");
    cenv_buf_putc(p->out, ']');
}

/* The URL of a package says its file; a channel before the name says its URL (as in conda). */
static void print_file(struct printer *p, const struct cenv_matchspec_more *more)
{
    bool channel = more->channel.kind != CENV_CHANNELMATCH_ANY;

    if (!channel)
        print_text(p, "url", more->url);
    if (!more->url.len)
        print_strmatch(p, "fn", &more->fn);
}

static void print_more(struct printer *p, const struct cenv_matchspec_more *more)
{
    print_number(p, &more->build_number);
    if (more->has_track_features)
        print_words(p, "track_features", &more->track_features);
    if (more->has_features)
        print_words(p, "features", &more->features);
    print_file(p, more);
    print_text(p, "md5", more->md5);
    print_text(p, "sha256", more->sha256);
    print_strmatch(p, "license", &more->license);
    print_strmatch(p, "license_family", &more->license_family);
    print_text(p, "when", more->when);
    print_items(p, "extras", &more->extras);
    print_items(p, "flags", &more->flags);
}

/* ---- what stands outside of the brackets ---- */

/* Where channel, subdir, version and build are left to the brackets. */
struct inside {
    bool channel, subdir, version, build;
};

static void print_channel(const struct cenv_matchspec_more *more, struct cenv_buf *out,
                          struct inside *inside)
{
    bool exact = more->channel.kind == CENV_CHANNELMATCH_NAME ||
                 more->channel.kind == CENV_CHANNELMATCH_URL;

    inside->subdir = true;
    inside->channel = more->channel.kind != CENV_CHANNELMATCH_ANY;
    if (!exact || holds_class(more->channel.text, CENV_CHAR_BLANK) ||
        holds_any(more->channel.text, "[]()^#'\""))
        return;
    cenv_buf_add_str(out, more->channel.text);
    if (more->subdir.kind == CENV_STRMATCH_EXACT &&
        cenv_platform_is_subdir(more->subdir.text)) {
        cenv_buf_putc(out, '/');
        cenv_buf_add_str(out, more->subdir.text);
        inside->subdir = false;
    }
    cenv_buf_puts(out, "::");
    inside->channel = false;
}

/* "!=1.8" and "~=1.8" need no brackets when no build follows. */
static bool is_one_operator(struct cenv_str version)
{
    return version.len > 1 && version.data[1] == '=' &&
           (version.data[0] == '!' || version.data[0] == '~') &&
           !holds_any(version, "><$^|,");
}

/* Behind "==1.0=" the parser must find no other meaning in a character of the build. */
static bool is_plain_build(const struct cenv_strmatch *build)
{
    unsigned classes = CENV_CHAR_BLANK | CENV_CHAR_OP | CENV_CHAR_JOIN | CENV_CHAR_RARE;

    return build->kind == CENV_STRMATCH_EXACT && !holds_class(build->text, classes) &&
           !holds_any(build->text, "-*^$]'\"");
}

static void print_version(const struct cenv_matchspec *spec, struct cenv_str text,
                          struct cenv_buf *out, struct inside *inside)
{
    struct cenv_str literal;
    enum cenv_versionspec_form form = cenv_versionspec_form(&spec->version, &literal);

    inside->build = spec->build.kind != CENV_STRMATCH_ANY;
    if (form == CENV_VERSIONSPEC_EXACT || form == CENV_VERSIONSPEC_FUZZY) {
        cenv_buf_puts(out, form == CENV_VERSIONSPEC_EXACT ? "==" : "=");
        cenv_buf_add_str(out, literal);
    } else if (form == CENV_VERSIONSPEC_OTHER) {
        inside->version = inside->build || !is_one_operator(text);
        if (!inside->version)
            cenv_buf_add_str(out, text);
    }
    if (form == CENV_VERSIONSPEC_EXACT && is_plain_build(&spec->build)) {
        cenv_buf_putc(out, '=');
        cenv_buf_add_str(out, spec->build.text);
        inside->build = false;
    }
}

/* "foo==1.conda" would be taken for a file: brackets, be they empty, tell it from one. */
static bool needs_brackets(struct cenv_str text)
{
    return cenv_str_ends(text, CENV_STR(".conda")) ||
           cenv_str_ends(text, CENV_STR(".tar.bz2")) ||
           cenv_str_ends(text, CENV_STR("@"));
}

void cenv_matchspec_print(const struct cenv_matchspec *spec, struct cenv_buf *out)
{
    static const struct cenv_matchspec_more nothing;
    const struct cenv_matchspec_more *more = spec->more ? spec->more : &nothing;
    struct printer p = {.out = out};
    struct inside inside = {.channel = false};
    struct cenv_buf text;

    cenv_buf_init(&text, 4 * CENV_MATCHSPEC_MAX);
    cenv_versionspec_print(&spec->version, true, &text);
    print_channel(more, out, &inside);
    cenv_buf_add_str(out, spec->name);
    print_version(spec, cenv_buf_str(&text), out, &inside);
    if (inside.channel)
        print_value(&p, "channel", more->channel.text, false);
    if (inside.subdir)
        print_strmatch(&p, "subdir", &more->subdir);
    if (inside.version)
        print_value(&p, "version", cenv_buf_str(&text), true);
    if (inside.build)
        print_strmatch(&p, "build", &spec->build);
    print_more(&p, more);
    if (p.open)
        cenv_buf_putc(out, ']');
    else if (needs_brackets(cenv_buf_str(out)))
        cenv_buf_puts(out, "[]");
    out->failed |= text.failed;
    cenv_buf_release(&text);
}
