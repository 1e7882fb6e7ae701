/* SPDX-License-Identifier: BSD-3-Clause */
/* MatchSpec, parsing: see matchspec.h. Keys, matching and printing have their own files. */
#include "model/matchspec.h"

#include <stdint.h>

#include "base/hex.h"
#include "codec/url.h"
#include "model/brackets.h"
#include "model/channel.h"
#include "model/chars.h"
#include "model/dist.h"
#include "model/speckeys.h"
#include "model/specparser.h"

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

static int set_name(struct cenv_specparser *p, struct cenv_str name)
{
    p->spec.name = cenv_strmatch_lower(name, p->arena);
    if (!p->spec.name.data)
        return cenv_specparser_oom(p);
    p->spec.name_is_glob = cenv_str_find(name, '*') < name.len;
    const char *wrong = name.len ? check_name(p->spec.name, p->spec.name_is_glob)
                                 : "a package name is missing";
    if (!wrong)
        return 0;
    cenv_specparser_refuse(p, name.data, wrong);
    return name.len ? p->err->status
                    : cenv_error_hint(p->err, "write * for a package of any name");
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
        struct cenv_str before = cenv_specparser_trim_right(cenv_str_slice(rest, 0, i));
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
    return equals == 1 && rest.len && separator ? cenv_specparser_trim_left(rest)
                                                : version;
}

/* `rest` is what follows the name, with the blanks at its ends. */
static int set_version_and_build(struct cenv_specparser *p, struct cenv_str rest)
{
    struct cenv_str version =
        cenv_specparser_trim_left(cenv_specparser_trim_right(rest));
    size_t at = find_build(version);
    bool separator = false;

    if (!version.len || cenv_str_is(rest, "="))
        return 0;
    if (at < version.len) {
        struct cenv_str build =
            cenv_specparser_trim_left(cenv_str_slice(version, at + 1, version.len));
        separator = !is_blank(rest.data[0]) || !is_blank(version.data[at]);
        p->build = build;
        version = cenv_specparser_trim_right(cenv_str_slice(version, 0, at));
    }
    p->version = plain_version(version, separator);
    return 0;
}

/*
 * "name >=1 if condition", which old conda cut off and conda 26 refuses: without its condition the
 * spec would ask for what was not asked for.
 */
static int refuse_condition(struct cenv_specparser *p, struct cenv_str rest)
{
    for (size_t i = 1; i + 3 <= rest.len; i++) {
        if (rest.data[i] != 'i' || memcmp(rest.data + i - 1, " if ", 4) != 0)
            continue;
        cenv_specparser_refuse(p, rest.data + i, "a spec holds no 'if'");
        return cenv_error_hint(p->err,
                               "a condition is written name[when='python>=3.6']");
    }
    return 0;
}

/* What may stand behind the brackets: blanks, or a version that nothing glues to them. */
static int check_after(struct cenv_specparser *p, struct cenv_str rest,
                       struct cenv_str after)
{
    struct cenv_str text = cenv_specparser_trim_left(after);

    if (!text.len)
        return 0;
    if (cenv_specparser_trim_left(rest).len)
        return cenv_specparser_refuse(p, text.data,
                                      "version and build do not go round the brackets");
    if (!is_name_end(after.data[0]))
        return cenv_specparser_refuse(p, after.data, "text stands behind the brackets");
    p->is_after = true;
    return 0;
}

static int parse_positional(struct cenv_specparser *p, struct cenv_str text,
                            struct cenv_str after)
{
    size_t n = 0;

    text = cenv_specparser_trim_left(text);
    while (n < text.len && !is_name_end(text.data[n]))
        n++;
    int rc = set_name(p, cenv_str_slice(text, 0, n));
    if (rc < 0)
        return rc;
    struct cenv_str rest = cenv_str_slice(text, n, text.len);
    rc = refuse_condition(p, rest);
    if (rc == 0)
        rc = refuse_condition(p, after);
    if (rc == 0)
        rc = check_after(p, rest, after);
    if (rc < 0)
        return rc;
    return set_version_and_build(p, p->is_after ? after : rest);
}
/* ---- channel ---- */

/* "channel:namespace:name": takes what stands before the name; the namespace is ignored. */
static int take_channel(struct cenv_specparser *p, struct cenv_str *text)
{
    size_t regex = cenv_str_find(*text, '^'); /* which may hold a ':' */
    size_t colon = cenv_str_rfind(cenv_str_slice(*text, 0, regex), ':');

    if (colon >= regex)
        return 0;
    struct cenv_str before = cenv_str_slice(*text, 0, colon);
    *text = cenv_str_slice(*text, colon + 1, text->len);
    colon = cenv_str_rfind(before, ':');
    before = cenv_str_trim(cenv_str_slice(before, 0, colon == before.len ? 0 : colon));
    return before.len ? cenv_speckeys_set_channel(p, before) : 0;
}
/* ---- packages by file or URL ---- */

static bool is_package(struct cenv_str text)
{
    return cenv_str_ends(text, CENV_STR(".conda")) ||
           cenv_str_ends(text, CENV_STR(".tar.bz2"));
}

static int unquote_text(struct cenv_specparser *p, struct cenv_str *text)
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
        return cenv_specparser_refuse(p, text->data,
                                      "the percent-encoding is malformed");
    if (!copy.data)
        return cenv_specparser_oom(p);
    const char *wrong = cenv_specparser_check(copy, cenv_specparser_classes(copy));
    if (wrong)
        return cenv_specparser_refuse(p, text->data, wrong);
    *text = copy;
    return 0;
}

static int set_file(struct cenv_specparser *p, struct cenv_str url,
                    struct cenv_str file)
{
    size_t column;
    int rc = cenv_speckeys_set_url(p, url);

    if (rc == 0)
        rc = unquote_text(p, &file);
    if (rc == 0)
        rc = cenv_strmatch_parse(&p->more->fn, file, false, p->arena, &column, p->err);
    return rc;
}

/* Whether `text` is `len` hexadecimal digits. */
static bool is_hex(struct cenv_str text, size_t len)
{
    size_t i = 0;

    while (i < text.len && cenv_hex_value(text.data[i]) >= 0)
        i++;
    return i == len && text.len == len;
}

/* What a package must hash to, as lists of URLs have it: hex, or "md5:" or "sha256:" and hex. */
static int set_digest(struct cenv_specparser *p, struct cenv_str text)
{
    struct cenv_str digest = text;
    bool is_sha256 = cenv_str_starts(digest, CENV_STR("sha256:"));
    bool is_md5 = cenv_str_starts(digest, CENV_STR("md5:"));

    digest = cenv_str_slice(digest, is_sha256 ? 7 : is_md5 ? 4 : 0, digest.len);
    struct cenv_bracket pair = {.value = digest, .has_value = true};
    if (!is_sha256 && is_hex(digest, 32))
        return cenv_speckeys_set_md5(p, &pair);
    if (!is_md5 && is_hex(digest, 64))
        return cenv_speckeys_set_sha256(p, &pair);
    return cenv_specparser_refuse(p, text.data, "behind '#' no MD5 or SHA-256 stands");
}

/* "/dir/x-1-0.conda": a path is a URL as well. */
static int parse_path(struct cenv_specparser *p, struct cenv_str path)
{
    size_t slash = cenv_str_rfind(path, '/');
    struct cenv_str file =
        slash == path.len ? path : cenv_str_slice(path, slash + 1, path.len);

    p->spec.name = CENV_STR("*");
    p->spec.name_is_glob = true;
    return set_file(p, path, file);
}

/* With a subdir in it a URL tells channel, name, version and build. */
static int parse_package(struct cenv_specparser *p, struct cenv_str text)
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
        return cenv_specparser_refuse(p, file.data,
                                      "a package's file is called name-version-build");
    p->version = dist.version;
    p->build = dist.build;
    rc = cenv_speckeys_set_channel(p, text);
    if (rc < 0)
        return rc;
    return set_name(p, dist.name);
}

/* ---- all of it ---- */

/* Parses what was found as version and build. */
static int parse_version_and_build(struct cenv_specparser *p)
{
    size_t column = 0;
    int rc = 0;

    if (p->version.data) {
        rc = cenv_versionspec_parse(&p->spec.version, p->version, p->arena, &column,
                                    p->err);
        if (rc < 0)
            return cenv_specparser_locate(p, p->version.data + column);
    }
    if (p->build.data) {
        if (!cenv_brackets_quote(p->build))
            return cenv_specparser_refuse(p, p->build.data,
                                          "quotes of both kinds stand in the build");
        rc = cenv_strmatch_parse(&p->spec.build, p->build, false, p->arena, &column,
                                 p->err);
        if (rc < 0)
            return cenv_specparser_locate(p, p->build.data + column);
    }
    p->spec.more = p->more;
    return 0;
}

/* "mkl@": whatever package has this feature. */
static int parse_feature(struct cenv_specparser *p, struct cenv_str name)
{
    struct cenv_bracket pair = {.value = name, .has_value = true};

    p->spec.name = CENV_STR("*");
    p->spec.name_is_glob = true;
    return cenv_speckeys_set_track_features(p, &pair);
}

/* Takes "(optional)", "(target=x,optional)" off the end; other parentheses belong to a version. */
static int take_parens(struct cenv_specparser *p, struct cenv_str *text)
{
    struct cenv_str rest = cenv_specparser_trim_right(*text);
    size_t open = cenv_str_rfind(rest, '(');
    struct cenv_str inside = cenv_str_slice(rest, open + 1, rest.len);

    if (!cenv_str_ends(rest, CENV_STR(")")) ||
        !(cenv_str_starts(inside, CENV_STR("optional")) ||
          cenv_str_starts(inside, CENV_STR("target="))))
        return 0;
    *text = cenv_str_slice(rest, 0, open);
    bool optional = cenv_str_starts(inside, CENV_STR("optional")) ||
                    cenv_str_ends(inside, CENV_STR("optional)"));
    return optional ? cenv_speckeys_set_optional(p, NULL) : 0;
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

/* "URL#digest"; a '#' behind a blank begins a comment. */
static int parse_package_line(struct cenv_specparser *p, struct cenv_str package,
                              struct cenv_str rest)
{
    int rc = parse_package(p, cenv_specparser_trim_right(package));

    if (rc < 0 || !rest.len || cenv_char_is(rest.data[-1], CENV_CHAR_BLANK))
        return rc;
    size_t n = 1;
    while (n < rest.len && !is_blank(rest.data[n]))
        n++;
    return set_digest(p, cenv_str_slice(rest, 1, n));
}

static int parse_any(struct cenv_specparser *p, struct cenv_str text)
{
    struct cenv_str inside, after = {NULL, 0};
    const char *wrong, *at;
    int rc = 0;

    if (cenv_str_ends(text, CENV_STR("@")))
        return parse_feature(p, cenv_str_slice(text, 0, text.len - 1));
    struct cenv_str whole = text;
    text = cut_comment(text);
    if (is_package(cenv_specparser_trim_right(text)))
        return parse_package_line(p, text, cenv_str_slice(whole, text.len, whole.len));
    rc = take_parens(p, &text);
    if (rc < 0)
        return rc;
    bool brackets = cenv_brackets_find(&text, &inside, &after, &wrong, &at);
    if (wrong)
        return cenv_specparser_refuse(p, at, wrong);
    rc = take_channel(p, &text);
    if (rc == 0)
        rc = parse_positional(p, text, after);
    if (rc == 0 && brackets)
        rc = cenv_speckeys_parse(p, inside);
    return rc;
}

int cenv_matchspec_parse(struct cenv_matchspec *out, struct cenv_str text,
                         struct cenv_arena *arena, struct cenv_error *err)
{
    struct cenv_specparser p = {
        .text = cenv_specparser_trim_left(text), .arena = arena, .err = err};
    unsigned classes = cenv_specparser_classes(text);
    const char *wrong = cenv_specparser_check(text, classes);
    struct cenv_str none = {NULL, 0};

    if (wrong)
        return cenv_specparser_refuse(&p, p.text.data, wrong);
    p.spec.text = cenv_specparser_trim_right(p.text);
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

    text = cenv_specparser_trim_left(text);
    while (n < text.len && cenv_char_is(text.data[n], CENV_CHAR_ALNUM | CENV_CHAR_NAME))
        n++;
    if (n < text.len && !is_name_end(text.data[n]))
        return cenv_str_slice(text, 0, 0);
    if (n == text.len && is_package(text))
        return cenv_str_slice(text, 0, 0);
    return cenv_str_slice(text, 0, n);
}
