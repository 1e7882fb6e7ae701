/* SPDX-License-Identifier: BSD-3-Clause */
/* MatchSpec, parsing: see matchspec.h. Matching and printing have their own files. */
#include "model/matchspec.h"

#include <stdint.h>

#include "codec/url.h"
#include "model/brackets.h"
#include "model/channel.h"
#include "model/chars.h"
#include "model/dist.h"
#include "model/platform.h"

struct parser {
    struct cenv_str text; /* all of it */
    struct cenv_arena *arena;
    struct cenv_error *err;
    struct cenv_matchspec spec;
    struct cenv_matchspec_more *more; /* of spec, or NULL so far */
    struct cenv_str version,
        build; /* as they will be parsed; data NULL when not given */
};

/* ---- errors ---- */

static size_t column_of(const struct parser *p, const char *at)
{
    uintptr_t text = (uintptr_t)p->text.data, where = (uintptr_t)at;
    return where >= text && where <= text + p->text.len ? where - text + 1 : 1;
}

/* Puts "spec 'numpy >=1.8,', column 13: " before the message, with no secret in it. */
static int locate_error(struct parser *p, const char *at)
{
    struct cenv_buf quoted;

    if (p->err->status == CENV_ENOMEM)
        return CENV_ENOMEM;
    cenv_buf_init(&quoted, 4 * CENV_MATCHSPEC_MAX);
    cenv_url_redact(&quoted, cenv_str_slice(p->text, 0, 400));
    int rc = cenv_error_prefix(p->err, "spec '%s', column %zu",
                               quoted.data ? quoted.data : "", column_of(p, at));
    cenv_buf_release(&quoted);
    return rc;
}

static int refuse_spec(struct parser *p, const char *at, const char *wrong)
{
    cenv_error_set(p->err, CENV_ESPEC, "%s", wrong);
    return locate_error(p, at);
}

static int set_oom(struct parser *p)
{
    return cenv_error_oom(p->err);
}

/* ---- characters ---- */

static bool is_blank(char c)
{
    return cenv_char_is(c, CENV_CHAR_BLANK);
}

/* Operators, and what joins versions: a blank or `=` behind one of them ends no version. */
static bool is_op_char(char c)
{
    return cenv_char_is(c, CENV_CHAR_OP | CENV_CHAR_JOIN) && c != ')';
}

/* No build string holds one of these. */
static bool is_no_build_char(char c)
{
    return c == '-' || (cenv_char_is(c, CENV_CHAR_OP | CENV_CHAR_JOIN) && c != '!');
}

static bool is_name_end(char c)
{
    return cenv_char_is(c, CENV_CHAR_BLANK | CENV_CHAR_OP);
}

static struct cenv_str trim_left(struct cenv_str text)
{
    while (text.len && is_blank(text.data[0]))
        text = cenv_str_slice(text, 1, text.len);
    return text;
}

static struct cenv_str trim_right(struct cenv_str text)
{
    while (text.len && is_blank(text.data[text.len - 1]))
        text.len--;
    return text;
}

/* The classes of all characters together. */
static unsigned classes_of(struct cenv_str text)
{
    unsigned classes = 0;

    for (size_t i = 0; i < text.len; i++)
        classes |= cenv_char_classes[(unsigned char)text.data[i]];
    return classes;
}

/* What no spec may hold, or NULL. */
static const char *check_text(struct cenv_str text, unsigned classes)
{
    if (text.len > CENV_MATCHSPEC_MAX)
        return "the spec is too long";
    return classes & CENV_CHAR_CONTROL ? "the spec holds a control character" : NULL;
}

/* ---- the name ---- */

/* CEP 26: letters and digits joined by single separators; "_" or "__" may begin it. */
static const char *check_name(struct cenv_str name, bool is_glob)
{
    size_t i = 0, leading = 0;

    for (i = 0; i < name.len; i++)
        if (!cenv_char_is(name.data[i], CENV_CHAR_ALNUM | CENV_CHAR_NAME) &&
            name.data[i] != '*')
            return "a package name holds only letters, digits and . _ -";
    if (is_glob)
        return NULL;
    while (leading < name.len && name.data[leading] == '_')
        leading++;
    if (leading > 2 || leading == name.len)
        return "this is no package name";
    i = leading;
    if (leading != 1 && cenv_char_is(name.data[i], CENV_CHAR_NAME))
        return "a package name begins with a letter, a digit or '_'";
    for (i++; i < name.len; i++)
        if (cenv_char_is(name.data[i], CENV_CHAR_NAME) &&
            cenv_char_is(name.data[i - 1], CENV_CHAR_NAME))
            return "a package name has no two separators in a row";
    return NULL;
}

static int set_name(struct parser *p, struct cenv_str name)
{
    p->spec.name = cenv_strmatch_lower(name, p->arena);
    if (!p->spec.name.data)
        return set_oom(p);
    p->spec.name_is_glob = cenv_str_find(name, '*') < name.len;
    const char *wrong = name.len ? check_name(p->spec.name, p->spec.name_is_glob)
                                 : "a package name is missing";
    return wrong ? refuse_spec(p, name.data, wrong) : 0;
}

/* ---- name, version and build outside of brackets ---- */

/*
 * Where the build begins in "1.8 py27_0", "1.8=py27_0": behind the first blank or `=` that follows
 * all operators and none directly. rest.len: there is no build.
 */
static size_t find_build(struct cenv_str rest)
{
    size_t last = rest.len, i;

    while (last > 0 && !is_no_build_char(rest.data[last - 1]))
        last--;
    for (i = last ? last - 1 : 0; i + 1 < rest.len; i++) {
        if (!is_blank(rest.data[i]) && rest.data[i] != '=')
            continue;
        struct cenv_str before = trim_right(cenv_str_slice(rest, 0, i));
        if (before.len && !is_op_char(before.data[before.len - 1]))
            return i;
    }
    return rest.len;
}

/*
 * In "name=1.8=build" and "name =1.8=build" the first `=` only separates; in "name=1.8" and in
 * "name =1.8 build" it is an operator. `===` is `==`.
 */
static struct cenv_str plain_version(struct cenv_str version, bool separator)
{
    size_t equals = 0;

    while (equals < version.len && version.data[equals] == '=')
        equals++;
    if (equals > 2)
        return cenv_str_slice(version, equals - 2, version.len);
    struct cenv_str rest = cenv_str_slice(version, equals, version.len);
    for (size_t i = 0; i < rest.len; i++)
        separator &= rest.data[i] != '=' && rest.data[i] != ',' && rest.data[i] != '|';
    return equals == 1 && rest.len && separator ? trim_left(rest) : version;
}

/* `rest` is what follows the name, with the blanks at its ends. */
static int set_version_and_build(struct parser *p, struct cenv_str rest)
{
    struct cenv_str version = trim_left(trim_right(rest));
    size_t at = find_build(version);
    bool separator = false;

    if (!version.len || cenv_str_is(rest, "="))
        return 0;
    if (at < version.len) {
        struct cenv_str build = trim_left(cenv_str_slice(version, at + 1, version.len));
        separator = !is_blank(rest.data[0]) || !is_blank(version.data[at]);
        p->build = build;
        version = trim_right(cenv_str_slice(version, 0, at));
    }
    p->version = plain_version(version, separator);
    return 0;
}

/* classic conda's "name >=1 if condition": what follows is ignored. */
static struct cenv_str cut_condition(struct cenv_str rest)
{
    for (size_t i = 1; i + 3 <= rest.len; i++)
        if (rest.data[i] == 'i' && memcmp(rest.data + i - 1, " if ", 4) == 0)
            return cenv_str_slice(rest, 0, i - 1);
    return rest;
}

static int parse_positional(struct parser *p, struct cenv_str text,
                            struct cenv_str after)
{
    size_t n = 0;

    text = trim_left(text);
    while (n < text.len && !is_name_end(text.data[n]))
        n++;
    int rc = set_name(p, cenv_str_slice(text, 0, n));
    if (rc < 0)
        return rc;
    struct cenv_str rest = cut_condition(cenv_str_slice(text, n, text.len));
    after = cut_condition(after);
    if (trim_left(after).len && trim_left(rest).len)
        return refuse_spec(p, trim_left(after).data,
                           "version and build do not go round the brackets");
    return set_version_and_build(p, trim_left(after).len ? after : rest);
}

/* ---- channel ---- */

static struct cenv_matchspec_more *get_more(struct parser *p)
{
    if (!p->more)
        p->more = cenv_arena_calloc(p->arena, 1, sizeof(*p->more));
    if (!p->more)
        cenv_error_oom(p->err);
    return p->more;
}

static int set_subdir(struct parser *p, struct cenv_str subdir)
{
    size_t column = 0;

    if (!get_more(p))
        return CENV_ENOMEM;
    int rc =
        cenv_strmatch_parse(&p->more->subdir, subdir, false, p->arena, &column, p->err);
    return rc < 0 ? locate_error(p, subdir.data + column) : 0;
}

static int set_channel(struct parser *p, struct cenv_str text)
{
    struct cenv_str subdir = {NULL, 0};

    if (!get_more(p))
        return CENV_ENOMEM;
    if (!cenv_brackets_quote(text))
        return refuse_spec(p, text.data, "quotes of both kinds stand in the channel");
    int rc =
        cenv_channelmatch_parse(&p->more->channel, &subdir, text, p->arena, p->err);
    if (rc < 0)
        return locate_error(p, text.data);
    return subdir.len ? set_subdir(p, subdir) : 0;
}

/* "channel:namespace:name": takes what stands before the name; the namespace is ignored. */
static int take_channel(struct parser *p, struct cenv_str *text)
{
    size_t regex = cenv_str_find(*text, '^'); /* which may hold a ':' */
    size_t colon = cenv_str_rfind(cenv_str_slice(*text, 0, regex), ':');

    if (colon >= regex)
        return 0;
    struct cenv_str before = cenv_str_slice(*text, 0, colon);
    *text = cenv_str_slice(*text, colon + 1, text->len);
    colon = cenv_str_rfind(before, ':');
    before = cenv_str_trim(cenv_str_slice(before, 0, colon == before.len ? 0 : colon));
    return before.len ? set_channel(p, before) : 0;
}

/* ---- keys ---- */

static int set_version(struct parser *p, const struct cenv_bracket *pair)
{
    p->version = cenv_str_trim(pair->value);
    return 0;
}

static int set_build(struct parser *p, const struct cenv_bracket *pair)
{
    p->build = cenv_str_trim(pair->value);
    return 0;
}

static int ignore_key(struct parser *p, const struct cenv_bracket *pair)
{
    (void)p;
    (void)pair;
    return 0;
}

static int set_optional(struct parser *p, const struct cenv_bracket *pair)
{
    (void)pair;
    if (!get_more(p))
        return CENV_ENOMEM;
    p->more->optional = true;
    return 0;
}

static int key_channel(struct parser *p, const struct cenv_bracket *pair)
{
    return set_channel(p, pair->value);
}

static int key_subdir(struct parser *p, const struct cenv_bracket *pair)
{
    return set_subdir(p, pair->value);
}

static int set_build_number(struct parser *p, const struct cenv_bracket *pair)
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

    if (!get_more(p))
        return CENV_ENOMEM;
    if (cenv_str_is(rest, "*"))
        return 0;
    while (!cenv_str_starts(rest, cenv_str(ops[i].text)))
        i++;
    number.op = ops[i].op;
    rest = trim_left(cenv_str_slice(rest, strlen(ops[i].text), rest.len));
    for (i = 0; i < rest.len; i++)
        if (rest.data[i] < '0' || rest.data[i] > '9')
            break;
    if (!rest.len || i < rest.len || i > 18)
        return refuse_spec(p, pair->value.data,
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

static int add_item(struct parser *p, struct cenv_strlist *list, size_t room,
                    struct cenv_str item)
{
    if (!list->items)
        list->items = cenv_arena_calloc(p->arena, room, sizeof(*list->items));
    if (!list->items)
        return set_oom(p);
    for (size_t i = 0; i < item.len; i++)
        if (!is_item_char(item.data[i]))
            return refuse_spec(p, item.data + i,
                               "only letters, digits and . _ - + : * = may stand here");
    list->items[list->nr++] = item;
    return 0;
}

/* "a, b c": separated by commas or blanks, as track_features and features are. */
static int set_words(struct parser *p, struct cenv_strlist *list, struct cenv_str text)
{
    int rc = 0;

    *list = (struct cenv_strlist){NULL, 0};
    for (size_t i = 0, n; rc == 0 && i < text.len; i += n + 1) {
        n = 0;
        while (i + n < text.len && !is_blank(text.data[i + n]) &&
               text.data[i + n] != ',')
            n++;
        if (n)
            rc = add_item(p, list, text.len, cenv_str_slice(text, i, i + n));
    }
    return rc;
}

static int set_track_features(struct parser *p, const struct cenv_bracket *pair)
{
    if (!get_more(p))
        return CENV_ENOMEM;
    p->more->has_track_features = true;
    return set_words(p, &p->more->track_features, pair->value);
}

static int set_features(struct parser *p, const struct cenv_bracket *pair)
{
    if (!get_more(p))
        return CENV_ENOMEM;
    p->more->has_features = true;
    return set_words(p, &p->more->features, pair->value);
}

/* "a" or "[a, 'b']". */
static int set_items(struct parser *p, struct cenv_strlist *list,
                     const struct cenv_bracket *pair)
{
    struct cenv_str rest = pair->value, item;
    int rc = 0, next;

    *list = (struct cenv_strlist){NULL, 0};
    while (rc == 0 && (next = cenv_brackets_item(&rest, &item)) != 0)
        rc = next < 0 ? refuse_spec(p, rest.data, "an item of the list is missing")
                      : add_item(p, list, pair->value.len, item);
    return rc == 0 && !list->nr
               ? refuse_spec(p, rest.data, "an item of the list is missing")
               : rc;
}

static int set_extras(struct parser *p, const struct cenv_bracket *pair)
{
    return get_more(p) ? set_items(p, &p->more->extras, pair) : CENV_ENOMEM;
}

static int set_flags(struct parser *p, const struct cenv_bracket *pair)
{
    return get_more(p) ? set_items(p, &p->more->flags, pair) : CENV_ENOMEM;
}

static int set_when(struct parser *p, const struct cenv_bracket *pair)
{
    if (!get_more(p))
        return CENV_ENOMEM;
    p->more->when = cenv_str_trim(pair->value);
    return 0;
}

static int set_hex(struct parser *p, struct cenv_str *out,
                   const struct cenv_bracket *pair)
{
    *out = cenv_strmatch_lower(cenv_str_trim(pair->value), p->arena);
    return out->data ? 0 : set_oom(p);
}

static int set_md5(struct parser *p, const struct cenv_bracket *pair)
{
    return get_more(p) ? set_hex(p, &p->more->md5, pair) : CENV_ENOMEM;
}

static int set_sha256(struct parser *p, const struct cenv_bracket *pair)
{
    return get_more(p) ? set_hex(p, &p->more->sha256, pair) : CENV_ENOMEM;
}

static int set_strmatch(struct parser *p, struct cenv_strmatch *out,
                        const struct cenv_bracket *pair, bool caseless)
{
    size_t column = 0;
    int rc = cenv_strmatch_parse(out, pair->value, caseless, p->arena, &column, p->err);
    return rc < 0 ? locate_error(p, pair->value.data + column) : 0;
}

static int set_license(struct parser *p, const struct cenv_bracket *pair)
{
    return get_more(p) ? set_strmatch(p, &p->more->license, pair, true) : CENV_ENOMEM;
}

static int set_license_family(struct parser *p, const struct cenv_bracket *pair)
{
    return get_more(p) ? set_strmatch(p, &p->more->license_family, pair, true)
                       : CENV_ENOMEM;
}

static int set_fn(struct parser *p, const struct cenv_bracket *pair)
{
    return get_more(p) ? set_strmatch(p, &p->more->fn, pair, false) : CENV_ENOMEM;
}

static int set_url_text(struct parser *p, struct cenv_str url)
{
    struct cenv_buf stripped;

    if (!get_more(p))
        return CENV_ENOMEM;
    if (!cenv_brackets_quote(url))
        return refuse_spec(p, url.data, "quotes of both kinds stand in it");
    cenv_buf_init(&stripped, 2 * CENV_MATCHSPEC_MAX);
    bool done = cenv_channel_strip(&stripped, url);
    if (done)
        p->more->url = cenv_arena_str(p->arena, cenv_buf_str(&stripped));
    cenv_buf_release(&stripped);
    return done && p->more->url.data ? 0 : set_oom(p);
}

static int set_url(struct parser *p, const struct cenv_bracket *pair)
{
    return set_url_text(p, cenv_str_trim(pair->value));
}

static const struct key {
    const char *name;
    int (*set)(struct parser *p, const struct cenv_bracket *pair);
} keys[] = {
    {"version", set_version},
    {"build", set_build},
    {"build_string", set_build},
    {"build_number", set_build_number},
    {"channel", key_channel},
    {"subdir", key_subdir},
    {"md5", set_md5},
    {"sha256", set_sha256},
    {"url", set_url},
    {"fn", set_fn},
    {"track_features", set_track_features},
    {"features", set_features},
    {"license", set_license},
    {"license_family", set_license_family},
    {"when", set_when},
    {"extras", set_extras},
    {"flags", set_flags},
    {"optional", set_optional},
    {"target", ignore_key},
    {"name", ignore_key}, /* CEP 29: what stands outside counts */
};

enum { NR_KEYS = sizeof(keys) / sizeof(keys[0]) };

static int set_key(struct parser *p, const struct cenv_bracket *pair, uint32_t *seen)
{
    size_t i = 0;

    while (i < NR_KEYS && !cenv_str_is(pair->key, keys[i].name))
        i++;
    if (i == NR_KEYS) {
        refuse_spec(p, pair->key.data, "this key is not known");
        return cenv_error_hint(p->err,
                               "extras of a package are written name[extras=[a, b]]");
    }
    if (*seen & (1u << i))
        return refuse_spec(p, pair->key.data, "this key stands twice");
    *seen |= 1u << i;
    if (!pair->has_value && keys[i].set != set_optional)
        return refuse_spec(p, pair->key.data, "a key takes '=' and a value");
    if (!cenv_str_trim(pair->value).len && keys[i].set != set_features &&
        keys[i].set != set_track_features && keys[i].set != set_optional)
        return refuse_spec(p, pair->value.data, "the value is empty");
    if (pair->is_list && keys[i].set != set_extras && keys[i].set != set_flags)
        return refuse_spec(p, pair->value.data, "only extras and flags take a list");
    return keys[i].set(p, pair);
}

static int parse_brackets(struct parser *p, struct cenv_str inside)
{
    struct cenv_bracket pair;
    const char *wrong, *at;
    uint32_t seen = 0;
    int next, rc = 0;

    while (rc == 0 && (next = cenv_brackets_next(&inside, &pair, &wrong, &at)) != 0)
        rc = next < 0 ? refuse_spec(p, at, wrong) : set_key(p, &pair, &seen);
    return rc;
}

/* ---- packages by file or URL ---- */

static bool is_package(struct cenv_str text)
{
    return cenv_str_ends(text, CENV_STR(".conda")) ||
           cenv_str_ends(text, CENV_STR(".tar.bz2"));
}

static int unquote_text(struct parser *p, struct cenv_str *text)
{
    struct cenv_buf plain;

    if (cenv_str_find(*text, '%') == text->len)
        return 0;
    cenv_buf_init(&plain, CENV_MATCHSPEC_MAX);
    bool read = cenv_url_unquote(&plain, *text);
    struct cenv_str copy = {NULL, 0};
    if (read)
        copy = cenv_arena_str(p->arena, cenv_buf_str(&plain));
    cenv_buf_release(&plain);
    if (!read)
        return refuse_spec(p, text->data, "the percent-encoding is malformed");
    if (!copy.data)
        return set_oom(p);
    const char *wrong = check_text(copy, classes_of(copy));
    if (wrong)
        return refuse_spec(p, text->data, wrong);
    *text = copy;
    return 0;
}

static int set_file(struct parser *p, struct cenv_str url, struct cenv_str file)
{
    size_t column;
    int rc = set_url_text(p, url);

    if (rc == 0)
        rc = unquote_text(p, &file);
    if (rc == 0)
        rc = cenv_strmatch_parse(&p->more->fn, file, false, p->arena, &column, p->err);
    return rc;
}

/* "/dir/x-1-0.conda": a path is a URL as well. */
static int parse_path(struct parser *p, struct cenv_str path)
{
    size_t slash = cenv_str_rfind(path, '/');
    struct cenv_str file =
        slash == path.len ? path : cenv_str_slice(path, slash + 1, path.len);
    char *url = cenv_arena_alloc(p->arena, path.len + 7);

    if (!url)
        return set_oom(p);
    memcpy(url, "file://", 7);
    memcpy(url + 7, path.data, path.len);
    bool absolute = path.data[0] == '/';
    p->spec.name = CENV_STR("*");
    p->spec.name_is_glob = true;
    return set_file(p, absolute ? cenv_str_n(url, path.len + 7) : path, file);
}

/* With a subdir in it a URL tells channel, name, version and build. */
static int parse_package(struct parser *p, struct cenv_str text)
{
    struct cenv_dist dist;
    struct cenv_channel_url url;

    if (!cenv_channel_split(&url, text))
        return parse_path(p, text);
    struct cenv_str file =
        cenv_str_slice(text, cenv_str_rfind(text, '/') + 1, text.len);
    p->spec.name = CENV_STR("*");
    p->spec.name_is_glob = true;
    int rc = set_file(p, text, file);
    if (rc < 0 || !url.subdir.len)
        return rc;
    if (!cenv_dist_split(&dist, p->more->fn.text))
        return refuse_spec(p, file.data,
                           "a package's file is called name-version-build");
    p->version = dist.version;
    p->build = dist.build;
    rc = set_channel(p, text);
    if (rc < 0)
        return rc;
    return set_name(p, dist.name);
}

/* ---- all of it ---- */

/* Parses what was found as version and build. */
static int parse_version_and_build(struct parser *p)
{
    size_t column = 0;
    int rc = 0;

    if (p->version.data) {
        rc = cenv_versionspec_parse(&p->spec.version, p->version, p->arena, &column,
                                    p->err);
        if (rc < 0)
            return locate_error(p, p->version.data + column);
    }
    if (p->build.data) {
        if (!cenv_brackets_quote(p->build))
            return refuse_spec(p, p->build.data,
                               "quotes of both kinds stand in the build");
        rc = cenv_strmatch_parse(&p->spec.build, p->build, false, p->arena, &column,
                                 p->err);
        if (rc < 0)
            return locate_error(p, p->build.data + column);
    }
    p->spec.more = p->more;
    return 0;
}

/* "mkl@": whatever package has this feature. */
static int parse_feature(struct parser *p, struct cenv_str name)
{
    struct cenv_bracket pair = {.value = name, .has_value = true};

    p->spec.name = CENV_STR("*");
    p->spec.name_is_glob = true;
    return set_track_features(p, &pair);
}

/* Takes "(optional)", "(target=x,optional)" off the end; other parentheses belong to a version. */
static int take_parens(struct parser *p, struct cenv_str *text)
{
    struct cenv_str rest = trim_right(*text);
    size_t open = cenv_str_rfind(rest, '(');
    struct cenv_str inside = cenv_str_slice(rest, open + 1, rest.len);

    if (!cenv_str_ends(rest, CENV_STR(")")) ||
        !(cenv_str_starts(inside, CENV_STR("optional")) ||
          cenv_str_starts(inside, CENV_STR("target="))))
        return 0;
    *text = cenv_str_slice(rest, 0, open);
    bool optional = cenv_str_starts(inside, CENV_STR("optional")) ||
                    cenv_str_ends(inside, CENV_STR("optional)"));
    return optional ? set_optional(p, NULL) : 0;
}

/* The first '#' outside of brackets begins a comment. */
static struct cenv_str cut_comment(struct cenv_str text)
{
    size_t hash = cenv_str_find(text, '#'), open = cenv_str_find(text, '[');
    size_t close = cenv_str_rfind(text, ']');

    if (hash > open && hash < close && close < text.len) {
        struct cenv_str after = cenv_str_slice(text, close, text.len);
        hash = close + cenv_str_find(after, '#');
    }
    return cenv_str_slice(text, 0, hash);
}

static int parse_any(struct parser *p, struct cenv_str text)
{
    struct cenv_str inside, after = {NULL, 0};
    const char *wrong, *at;
    int rc = 0;

    if (cenv_str_ends(text, CENV_STR("@")))
        return parse_feature(p, cenv_str_slice(text, 0, text.len - 1));
    text = cut_comment(text);
    if (is_package(trim_right(text)))
        return parse_package(p, trim_right(text));
    rc = take_parens(p, &text);
    if (rc < 0)
        return rc;
    bool brackets = cenv_brackets_find(&text, &inside, &after, &wrong, &at);
    if (wrong)
        return refuse_spec(p, at, wrong);
    rc = take_channel(p, &text);
    if (rc == 0)
        rc = parse_positional(p, text, after);
    if (rc == 0 && brackets)
        rc = parse_brackets(p, inside);
    return rc;
}

int cenv_matchspec_parse(struct cenv_matchspec *out, struct cenv_str text,
                         struct cenv_arena *arena, struct cenv_error *err)
{
    struct parser p = {.text = trim_left(text), .arena = arena, .err = err};
    unsigned classes = classes_of(text);
    const char *wrong = check_text(text, classes);
    struct cenv_str none = {NULL, 0};

    if (wrong)
        return refuse_spec(&p, p.text.data, wrong);
    p.spec.text = trim_right(p.text);
    /* Almost every dependency is nothing but name, version and build. */
    bool plain = !(classes & CENV_CHAR_RARE) && !is_package(p.spec.text);
    int rc = plain ? parse_positional(&p, p.text, none) : parse_any(&p, p.text);
    if (rc == 0)
        rc = parse_version_and_build(&p);
    if (rc == 0)
        *out = p.spec;
    return rc;
}

struct cenv_str cenv_matchspec_name(struct cenv_str text)
{
    size_t n = 0;

    text = trim_left(text);
    while (n < text.len && cenv_char_is(text.data[n], CENV_CHAR_ALNUM | CENV_CHAR_NAME))
        n++;
    if (n < text.len && !is_name_end(text.data[n]))
        return cenv_str_slice(text, 0, 0);
    if (n == text.len && is_package(text))
        return cenv_str_slice(text, 0, 0);
    return cenv_str_slice(text, 0, n);
}
