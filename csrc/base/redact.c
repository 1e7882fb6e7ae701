/* SPDX-License-Identifier: BSD-3-Clause */
/* Secrets of URLs in any text: see redact.h. */
#include "base/redact.h"

#include <stdbool.h>
#include <string.h>

/* Where the redacted text goes: to a buffer, or to room of a fixed size. */
struct sink {
    struct cenv_buf *buf;
    char *out;
    size_t size, len;
};

static void put_text(struct sink *sink, struct cenv_str text)
{
    if (sink->buf) {
        cenv_buf_add_str(sink->buf, text);
        return;
    }
    for (size_t i = 0; i < text.len && sink->len + 1 < sink->size; i++)
        sink->out[sink->len++] = text.data[i];
}

/* ---- characters ---- */

static bool is_space(char c)
{
    return (unsigned char)c <= ' ';
}

/* What ends a URL in prose for certain: a password may have any other character. */
static bool ends_run(char c)
{
    return is_space(c) || c == '"' || c == '<' || c == '>';
}

static bool is_scheme(char c)
{
    return cenv_is_alnum(c) || c == '+' || c == '-' || c == '.';
}

/* Whether a host may stand there, of one label when `short_name`. */
static bool starts_host(struct cenv_str text, bool short_name)
{
    struct cenv_str host = cenv_str_slice(text, 0, cenv_str_find(text, '/'));
    char c = host.len ? host.data[0] : ' ';

    if (!cenv_is_alnum(c) && (unsigned char)c < 0x80 && !strchr("[*_", c))
        return false;
    return short_name || cenv_str_find(host, '.') < host.len ||
           cenv_str_find(host, ':') < host.len;
}

static size_t run_len(struct cenv_str text)
{
    size_t len = 0;

    while (len < text.len && !ends_run(text.data[len]))
        len++;
    return len;
}

/* ---- where a URL starts ---- */

/* The scheme of a "://" whose ':' is at `colon`; empty: none. */
static struct cenv_str scheme_before(struct cenv_str text, size_t colon)
{
    size_t from = colon;

    while (from > 0 && is_scheme(text.data[from - 1]))
        from--;
    return cenv_str_slice(text, from, colon);
}

struct head {
    size_t end;             /* behind the "//" */
    struct cenv_str scheme; /* empty: "//host" alone */
};

/* A "//" without a scheme leads to a host where a word starts; within a path it does not. */
static bool stands_alone(struct cenv_str text, size_t slash)
{
    return slash == 0 ||
           (!is_scheme(text.data[slash - 1]) && !strchr("/:_~@", text.data[slash - 1]));
}

/* "http:/x" is what becomes of a URL that is taken for a path. */
static bool is_remote(struct cenv_str scheme)
{
    static const char *const names[] = {"http", "https", "s3", "ftp"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (scheme.len == strlen(names[i]) &&
            cenv_str_starts_nocase(scheme, cenv_str(names[i])))
            return true;
    return false;
}

/* The next URL from `at` on. */
static bool find_head(struct cenv_str text, size_t at, struct head *out)
{
    for (; at + 1 < text.len; at++) {
        if (text.data[at] != '/')
            continue;
        bool two = text.data[at + 1] == '/';
        out->end = at + (two ? 2 : 1);
        out->scheme = cenv_str_slice(text, at, at);
        if (at > 0 && text.data[at - 1] == ':')
            out->scheme = scheme_before(text, at - 1);
        if (two ? out->scheme.len || stands_alone(text, at) : is_remote(out->scheme))
            return true;
    }
    return false;
}

/* The end of what may belong to the URL whose head ends at `at`: the next one, or the line's. */
static size_t end_of_region(struct cenv_str text, size_t at)
{
    struct cenv_str rest = cenv_str_slice(text, at, text.len);
    size_t line = at + cenv_str_find(rest, '\n');
    struct head next = {.end = at};

    while (find_head(text, next.end, &next) && next.end < line) {
        size_t from = (size_t)(next.scheme.data - text.data);
        if (from <= at)
            continue;
        if (next.scheme.len ? !strchr("/:@", text.data[from - 1])
                            : is_space(text.data[from - 1]))
            return from;
    }
    return line;
}

/* ---- what is secret in it ---- */

/* Text from "//" on, up to where its host or user must end. */
struct authority {
    size_t len;
    bool colon;  /* a port, or a password */
    bool odd;    /* no host and port: a password begins in it */
    bool domain; /* for certain a host: no token has dots and slashes */
};

static struct authority read_authority(struct cenv_str region)
{
    struct authority found = {.len = 0};

    while (found.len < region.len && !ends_run(region.data[found.len]) &&
           !strchr("/?#'\\,;)(", region.data[found.len]))
        found.len++;
    struct cenv_str port = cenv_str_slice(region, 0, found.len);
    size_t whole = port.len;
    if (cenv_str_find(port, ':') < cenv_str_rfind(port, ':') &&
        (found.len == region.len || is_space(region.data[found.len])))
        while (port.len && strchr(":.", port.data[port.len - 1]))
            port.len--;          /* of the sentence: "http://host:80: it is ..." */
    bool cut = port.len < whole; /* or of a password: "http://user:: ...@host" */
    if (cenv_str_starts(port, CENV_STR("[")))
        port = cenv_str_slice(port, cenv_str_find(port, ']'), port.len);
    port = cenv_str_slice(port, cenv_str_find(port, ':'), port.len);
    found.colon = port.len > 0 || cut;
    found.domain = !found.colon && memchr(region.data, '.', found.len);
    for (size_t i = 1; i < port.len; i++)
        found.odd |= !cenv_is_digit(port.data[i]);
    return found;
}

/* The place of the '@' that ends the login, or the region's length. */
static size_t find_login_end(struct cenv_str region, const struct authority *authority)
{
    size_t query = authority->colon ? region.len : cenv_str_find(region, '?');

    for (size_t i = region.len; i-- > 0;) {
        if (region.data[i] != '@')
            continue;
        if (authority->odd || i < authority->len)
            return i;
        if (!authority->domain && i < query &&
            starts_host(cenv_str_slice(region, i + 1, region.len), authority->colon) &&
            !is_space(region.data[i - 1]) &&
            (region.data[i - 1] != '/' || authority->colon))
            return i;
    }
    return region.len;
}

/* Length of "/t/TOKEN" at the start of `path`, or 0. */
static size_t token_len(struct cenv_str path)
{
    size_t len = 3;

    if (!cenv_str_starts(path, CENV_STR("/t/")))
        return 0;
    while (len < path.len && !ends_run(path.data[len]) &&
           !strchr("/?#", path.data[len]))
        len++;
    if (len == path.len && path.data[len - 1] == '\'')
        len--; /* a quotation mark */
    return len > 3 ? len : 0;
}

/* The rest of a URL behind its login: without token and query. Returns its length in `text`. */
static size_t put_place(struct sink *sink, struct cenv_str text)
{
    size_t len = run_len(text), at = 0, token;

    while (at < len && text.data[at] != '?') {
        token = token_len(cenv_str_slice(text, at, len));
        put_text(sink, token ? CENV_STR("/t/***") : cenv_str_slice(text, at, at + 1));
        at += token ? token : 1;
    }
    if (at == len)
        return len;
    while (len > at + 1 && strchr("'.,:;)", text.data[len - 1]))
        len--; /* of the sentence, not of the URL */
    put_text(sink, len > at + 1 ? CENV_STR("?***") : CENV_STR("?"));
    return len;
}

/* One URL behind its head. Returns its length in `region`. */
static size_t put_url(struct sink *sink, const struct head *head,
                      struct cenv_str region)
{
    struct authority authority = read_authority(region);
    size_t login = find_login_end(region, &authority), skip = 0;

    if (head->scheme.len == 4 && cenv_str_starts_nocase(head->scheme, CENV_STR("file")))
        return 0;
    if (login < region.len) {
        put_text(sink, CENV_STR("***@"));
        skip = login + 1;
    } else if (authority.odd && head->scheme.len) {
        put_text(sink, CENV_STR("***"));
        return run_len(region);
    }
    return skip + put_place(sink, cenv_str_slice(region, skip, region.len));
}

/* ---- words without a scheme ---- */

/* "user:password@host", and "host.org/t/TOKEN/...". */
static void put_word(struct sink *sink, struct cenv_str word)
{
    size_t sign = cenv_str_rfind(word, '@'), start = cenv_str_find(word, '=');
    struct cenv_str rest, host;

    start = start < sign ? start + 1 : 0; /* of --option=VALUE */
    rest = cenv_str_slice(word, start, word.len);
    sign -= start;
    host = cenv_str_slice(rest, 0, cenv_str_find(rest, '/'));
    put_text(sink, cenv_str_slice(word, 0, start));
    if (cenv_str_find(rest, ':') < sign && !cenv_str_starts(rest, CENV_STR("/")) &&
        starts_host(cenv_str_slice(rest, sign + 1, rest.len), true)) {
        put_text(sink, CENV_STR("***@"));
        rest = cenv_str_slice(rest, sign + 1, rest.len);
        put_place(sink, rest);
    } else if (host.len < rest.len && cenv_is_alnum(rest.data[0]) &&
               cenv_str_find(host, '.') < host.len) {
        put_place(sink, rest);
    } else {
        put_text(sink, rest);
    }
}

static void put_words(struct sink *sink, struct cenv_str text)
{
    while (text.len) {
        size_t len = run_len(text);
        if (len)
            put_word(sink, cenv_str_slice(text, 0, len));
        put_text(sink, cenv_str_slice(text, len, len + 1));
        text = cenv_str_slice(text, len + 1, text.len);
    }
}

static void redact_text(struct sink *sink, struct cenv_str text)
{
    struct head head;
    size_t at = 0;

    while (find_head(text, at, &head)) {
        put_words(sink, cenv_str_slice(text, at, head.end));
        struct cenv_str region =
            cenv_str_slice(text, head.end, end_of_region(text, head.end));
        at = head.end + put_url(sink, &head, region);
    }
    put_words(sink, cenv_str_slice(text, at, text.len));
}

bool cenv_redact(struct cenv_buf *out, struct cenv_str text)
{
    struct sink sink = {.buf = out};

    redact_text(&sink, text);
    return !out->failed;
}

void cenv_redact_into(char *out, size_t size, struct cenv_str text)
{
    struct sink sink = {.out = out, .size = size};

    redact_text(&sink, text);
    if (size)
        out[sink.len] = '\0';
}
