/* SPDX-License-Identifier: BSD-3-Clause */
/* The keys of MatchSpecs: see speckeys.h. */
#include "model/speckeys.h"

#include "codec/url.h"
#include "model/brackets.h"
#include "model/chars.h"

static int set_subdir(struct cenv_specparser *p, struct cenv_str subdir)
{
    size_t column = 0;

    if (!cenv_specparser_more(p))
        return CENV_ENOMEM;
    int rc =
        cenv_strmatch_parse(&p->more->subdir, subdir, false, p->arena, &column, p->err);
    return rc < 0 ? cenv_specparser_locate(p, subdir.data + column) : 0;
}

int cenv_speckeys_set_channel(struct cenv_specparser *p, struct cenv_str text)
{
    struct cenv_str subdir = {NULL, 0};

    if (!cenv_specparser_more(p))
        return CENV_ENOMEM;
    if (!cenv_brackets_quote(text))
        return cenv_specparser_refuse(p, text.data,
                                      "quotes of both kinds stand in the channel");
    int rc =
        cenv_channelmatch_parse(&p->more->channel, &subdir, text, p->arena, p->err);
    if (rc < 0)
        return cenv_specparser_locate(p, text.data);
    return subdir.len ? set_subdir(p, subdir) : 0;
}

static int set_version(struct cenv_specparser *p, const struct cenv_bracket *pair)
{
    if (p->is_after && p->version.data)
        return cenv_specparser_refuse(p, p->version.data,
                                      "the version stands within the brackets already");
    p->version = cenv_str_trim(pair->value);
    return 0;
}

static int set_build(struct cenv_specparser *p, const struct cenv_bracket *pair)
{
    if (p->is_after && p->build.data)
        return cenv_specparser_refuse(p, p->build.data,
                                      "the build stands within the brackets already");
    p->build = cenv_str_trim(pair->value);
    return 0;
}

static int ignore_key(struct cenv_specparser *p, const struct cenv_bracket *pair)
{
    (void)p;
    (void)pair;
    return 0;
}

int cenv_speckeys_set_optional(struct cenv_specparser *p,
                               const struct cenv_bracket *pair)
{
    (void)pair;
    if (!cenv_specparser_more(p))
        return CENV_ENOMEM;
    p->more->optional = true;
    return 0;
}

static int key_channel(struct cenv_specparser *p, const struct cenv_bracket *pair)
{
    return cenv_speckeys_set_channel(p, pair->value);
}

static int key_subdir(struct cenv_specparser *p, const struct cenv_bracket *pair)
{
    return set_subdir(p, pair->value);
}

static int set_build_number(struct cenv_specparser *p, const struct cenv_bracket *pair)
{
    static const struct {
        const char *text;
        enum cenv_numop op;
    } ops[] = {{"==", CENV_NUM_EQ}, {"!=", CENV_NUM_NE}, {"<=", CENV_NUM_LE},
               {">=", CENV_NUM_GE}, {"=", CENV_NUM_EQ},  {"<", CENV_NUM_LT},
               {">", CENV_NUM_GT},  {"", CENV_NUM_EQ}};
    struct cenv_str rest = cenv_str_trim(pair->value);
    struct cenv_nummatch number = {CENV_NUM_ANY, 0};
    size_t i = 0;

    if (!cenv_specparser_more(p))
        return CENV_ENOMEM;
    if (cenv_str_is(rest, "*"))
        return 0;
    while (!cenv_str_starts(rest, cenv_str(ops[i].text)))
        i++;
    number.op = ops[i].op;
    rest =
        cenv_specparser_trim_left(cenv_str_slice(rest, strlen(ops[i].text), rest.len));
    for (i = 0; i < rest.len; i++)
        if (rest.data[i] < '0' || rest.data[i] > '9')
            break;
    if (!rest.len || i < rest.len || i > 18)
        return cenv_specparser_refuse(
            p, pair->value.data,
            "a build number is a number, or an operator and a number");
    for (i = 0; i < rest.len; i++)
        number.value = number.value * 10 + (uint64_t)(rest.data[i] - '0');
    p->more->build_number = number;
    return 0;
}

/* Names of features, extras and flags, the last as globs. */
static bool is_item_char(char c)
{
    return c == ':' || c == '=' ||
           (cenv_char_is(c, CENV_CHAR_ALNUM | CENV_CHAR_VERSION) && c != '!');
}

static int add_item(struct cenv_specparser *p, struct cenv_strlist *list, size_t room,
                    struct cenv_str item)
{
    if (!list->items)
        list->items = cenv_arena_calloc(p->arena, room, sizeof(*list->items));
    if (!list->items)
        return cenv_specparser_oom(p);
    for (size_t i = 0; i < item.len; i++)
        if (!is_item_char(item.data[i]))
            return cenv_specparser_refuse(
                p, item.data + i,
                "only letters, digits and . _ - + : * = may stand here");
    list->items[list->nr++] = item;
    return 0;
}

/* "a, b c": separated by commas or blanks, as track_features and features are. */
static int set_words(struct cenv_specparser *p, struct cenv_strlist *list,
                     struct cenv_str text)
{
    int rc = 0;

    *list = (struct cenv_strlist){NULL, 0};
    for (size_t i = 0, n; rc == 0 && i < text.len; i += n + 1) {
        n = 0;
        while (i + n < text.len && !cenv_char_is(text.data[i + n], CENV_CHAR_BLANK) &&
               text.data[i + n] != ',')
            n++;
        if (n)
            rc = add_item(p, list, text.len, cenv_str_slice(text, i, i + n));
    }
    return rc;
}

int cenv_speckeys_set_track_features(struct cenv_specparser *p,
                                     const struct cenv_bracket *pair)
{
    if (!cenv_specparser_more(p))
        return CENV_ENOMEM;
    p->more->has_track_features = true;
    return set_words(p, &p->more->track_features, pair->value);
}

static int set_features(struct cenv_specparser *p, const struct cenv_bracket *pair)
{
    if (!cenv_specparser_more(p))
        return CENV_ENOMEM;
    p->more->has_features = true;
    return set_words(p, &p->more->features, pair->value);
}

/* "a" or "[a, 'b']". */
static int set_items(struct cenv_specparser *p, struct cenv_strlist *list,
                     const struct cenv_bracket *pair)
{
    struct cenv_str rest = pair->value, item;
    int rc = 0, next;

    *list = (struct cenv_strlist){NULL, 0};
    while (rc == 0 && (next = cenv_brackets_item(&rest, &item)) != 0)
        rc = next < 0 ? cenv_specparser_refuse(p, rest.data,
                                               "an item of the list is missing")
                      : add_item(p, list, pair->value.len, item);
    return rc == 0 && !list->nr
               ? cenv_specparser_refuse(p, rest.data, "an item of the list is missing")
               : rc;
}

static int set_extras(struct cenv_specparser *p, const struct cenv_bracket *pair)
{
    return cenv_specparser_more(p) ? set_items(p, &p->more->extras, pair) : CENV_ENOMEM;
}

static int set_flags(struct cenv_specparser *p, const struct cenv_bracket *pair)
{
    return cenv_specparser_more(p) ? set_items(p, &p->more->flags, pair) : CENV_ENOMEM;
}

static int set_when(struct cenv_specparser *p, const struct cenv_bracket *pair)
{
    if (!cenv_specparser_more(p))
        return CENV_ENOMEM;
    p->more->when = cenv_str_trim(pair->value);
    return 0;
}

static int set_hex(struct cenv_specparser *p, struct cenv_str *out,
                   const struct cenv_bracket *pair)
{
    *out = cenv_strmatch_lower(cenv_str_trim(pair->value), p->arena);
    return out->data ? 0 : cenv_specparser_oom(p);
}

int cenv_speckeys_set_md5(struct cenv_specparser *p, const struct cenv_bracket *pair)
{
    return cenv_specparser_more(p) ? set_hex(p, &p->more->md5, pair) : CENV_ENOMEM;
}

int cenv_speckeys_set_sha256(struct cenv_specparser *p, const struct cenv_bracket *pair)
{
    return cenv_specparser_more(p) ? set_hex(p, &p->more->sha256, pair) : CENV_ENOMEM;
}

static int set_strmatch(struct cenv_specparser *p, struct cenv_strmatch *out,
                        const struct cenv_bracket *pair, bool caseless)
{
    size_t column = 0;
    int rc = cenv_strmatch_parse(out, pair->value, caseless, p->arena, &column, p->err);
    return rc < 0 ? cenv_specparser_locate(p, pair->value.data + column) : 0;
}

static int set_license(struct cenv_specparser *p, const struct cenv_bracket *pair)
{
    return cenv_specparser_more(p) ? set_strmatch(p, &p->more->license, pair, true)
                                   : CENV_ENOMEM;
}

static int set_license_family(struct cenv_specparser *p,
                              const struct cenv_bracket *pair)
{
    return cenv_specparser_more(p)
               ? set_strmatch(p, &p->more->license_family, pair, true)
               : CENV_ENOMEM;
}

static int set_fn(struct cenv_specparser *p, const struct cenv_bracket *pair)
{
    return cenv_specparser_more(p) ? set_strmatch(p, &p->more->fn, pair, false)
                                   : CENV_ENOMEM;
}

int cenv_speckeys_set_url(struct cenv_specparser *p, struct cenv_str url)
{
    struct cenv_url_parts parts;
    struct cenv_buf stripped;

    if (!cenv_specparser_more(p))
        return CENV_ENOMEM;
    if (!cenv_brackets_quote(url))
        return cenv_specparser_refuse(p, url.data, "quotes of both kinds stand in it");
    if (cenv_url_scheme_len(url) && !cenv_url_split(&parts, url))
        return cenv_specparser_refuse(p, url.data, "this is no URL");
    cenv_buf_init(&stripped, 4 * CENV_MATCHSPEC_MAX);
    if (cenv_str_starts(url, CENV_STR("/")))
        cenv_url_normalize(&stripped, url);
    else
        cenv_url_clean(&stripped, url);
    bool done = !stripped.failed;
    if (done && cenv_url_scheme_len(url) &&
        !cenv_url_split(&parts, cenv_buf_str(&stripped))) {
        cenv_buf_release(&stripped);
        return cenv_specparser_refuse(p, url.data, "this URL hides a password");
    }
    if (done)
        p->more->url = cenv_arena_str(p->arena, cenv_buf_str(&stripped));
    cenv_buf_release(&stripped);
    return done && p->more->url.data ? 0 : cenv_specparser_oom(p);
}

static int set_url(struct cenv_specparser *p, const struct cenv_bracket *pair)
{
    return cenv_speckeys_set_url(p, cenv_str_trim(pair->value));
}

static const struct key {
    const char *name;
    int (*set)(struct cenv_specparser *p, const struct cenv_bracket *pair);
} keys[] = {
    {"version", set_version},
    {"build", set_build},
    {"build_string", set_build},
    {"build_number", set_build_number},
    {"channel", key_channel},
    {"subdir", key_subdir},
    {"md5", cenv_speckeys_set_md5},
    {"sha256", cenv_speckeys_set_sha256},
    {"url", set_url},
    {"fn", set_fn},
    {"track_features", cenv_speckeys_set_track_features},
    {"features", set_features},
    {"license", set_license},
    {"license_family", set_license_family},
    {"when", set_when},
    {"extras", set_extras},
    {"flags", set_flags},
    {"optional", cenv_speckeys_set_optional},
    {"target", ignore_key},
    {"name", ignore_key}, /* CEP 29: what stands outside counts */
};

enum { NR_KEYS = sizeof(keys) / sizeof(keys[0]) };

static int set_key(struct cenv_specparser *p, const struct cenv_bracket *pair,
                   uint32_t *seen)
{
    size_t i = 0;

    while (i < NR_KEYS && !cenv_str_is(pair->key, keys[i].name))
        i++;
    if (i == NR_KEYS) {
        cenv_specparser_refuse(p, pair->key.data, "this key is not known");
        return cenv_error_hint(p->err,
                               "extras of a package are written name[extras=[a, b]]");
    }
    if (*seen & (1u << i))
        return cenv_specparser_refuse(p, pair->key.data, "this key stands twice");
    *seen |= 1u << i;
    if (!pair->has_value && keys[i].set != cenv_speckeys_set_optional)
        return cenv_specparser_refuse(p, pair->key.data, "a key takes '=' and a value");
    if (!cenv_str_trim(pair->value).len && keys[i].set != set_features &&
        keys[i].set != cenv_speckeys_set_track_features &&
        keys[i].set != cenv_speckeys_set_optional)
        return cenv_specparser_refuse(p, pair->value.data, "the value is empty");
    if (pair->is_list && keys[i].set != set_extras && keys[i].set != set_flags)
        return cenv_specparser_refuse(p, pair->value.data,
                                      "only extras and flags take a list");
    return keys[i].set(p, pair);
}

int cenv_speckeys_parse(struct cenv_specparser *p, struct cenv_str inside)
{
    struct cenv_bracket pair;
    const char *wrong, *at;
    uint32_t seen = 0;
    int next, rc = 0;

    while (rc == 0 && (next = cenv_brackets_next(&inside, &pair, &wrong, &at)) != 0)
        rc = next < 0 ? cenv_specparser_refuse(p, at, wrong) : set_key(p, &pair, &seen);
    return rc;
}
