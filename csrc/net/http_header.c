/* SPDX-License-Identifier: BSD-3-Clause */
/* The header lines of a reply: see http_header.h. */
#include "net/http_header.h"

#include <string.h>

/* The digits that `text` starts with; 0 for none, as for what is too large: "-1" is no number. */
static uint64_t header_number(const char *text)
{
    uint64_t number = 0;

    for (; *text >= '0' && *text <= '9'; text++)
        if (__builtin_mul_overflow(number, 10, &number) ||
            __builtin_add_overflow(number, *text - '0', &number))
            return 0;
    return number;
}

/* The same, as much as there is room for. */
static uint64_t header_length(const char *text)
{
    uint64_t number = header_number(text);

    return number || strspn(text, "0") == strlen(text) ? number : UINT64_MAX;
}

static unsigned header_seconds(const char *text)
{
    uint64_t seconds = header_number(text);

    return seconds > INT32_MAX ? 0 : (unsigned)seconds;
}

/* Copies the value behind "Name:", without blanks at its ends, unless it is too long. */
static void header_value(struct cenv_str line, char *out, size_t max)
{
    struct cenv_str value =
        cenv_str_trim(cenv_str_slice(line, cenv_str_find(line, ':') + 1, line.len));

    if (value.len < max) {
        memcpy(out, value.data, value.len);
        out[value.len] = '\0';
    }
}

static bool is_header(struct cenv_str line, const char *name)
{
    size_t len = strlen(name);

    return line.len > len && line.data[len] == ':' &&
           cenv_str_starts_nocase(line, cenv_str(name));
}

static void take_cache_control(struct cenv_http_reply *reply, struct cenv_str line)
{
    char text[256] = "";
    const char *age;

    header_value(line, text, sizeof(text));
    age = strstr(text, "max-age=");
    if (age)
        reply->max_age = header_seconds(age + 8);
    if (strstr(text, "no-store") || strstr(text, "no-cache"))
        reply->max_age = 0;
}

void cenv_http_header_read(struct cenv_http_reply *reply, struct cenv_http_told *told,
                           struct cenv_str line)
{
    char number[32] = "", range[64] = "";

    told->bytes += line.len;
    told->over = cenv_str_trim(line).len == 0;
    if (cenv_str_starts(line, CENV_STR("HTTP/"))) {
        reply->etag[0] = reply->modified[0] = '\0';
        reply->max_age = -1;
        told->retry_after = 0;
        told->length = 0;
        told->range = UINT64_MAX;
    } else if (is_header(line, "etag")) {
        header_value(line, reply->etag, sizeof(reply->etag));
    } else if (is_header(line, "last-modified")) {
        header_value(line, reply->modified, sizeof(reply->modified));
    } else if (is_header(line, "cache-control")) {
        take_cache_control(reply, line);
    } else if (is_header(line, "retry-after")) {
        header_value(line, number, sizeof(number));
        told->retry_after = header_seconds(number);
    } else if (is_header(line, "content-length")) {
        header_value(line, number, sizeof(number));
        told->length = header_length(number);
    } else if (is_header(line, "content-range")) {
        header_value(line, range, sizeof(range));
        if (cenv_str_starts_nocase(cenv_str(range), CENV_STR("bytes ")))
            told->range = header_number(range + 6);
    }
}

static void add_value(struct cenv_http_wanted *wanted, struct cenv_str line)
{
    size_t has = strlen(wanted->value), gap = has ? 2 : 0;
    struct cenv_str value =
        cenv_str_trim(cenv_str_slice(line, cenv_str_find(line, ':') + 1, line.len));

    if (has + gap + value.len >= wanted->size)
        return;
    memcpy(wanted->value + has, ", ", gap);
    memcpy(wanted->value + has + gap, value.data, value.len);
    wanted->value[has + gap + value.len] = '\0';
}

void cenv_http_header_keep(struct cenv_http_wanted *wanted, size_t nr,
                           struct cenv_str line)
{
    bool first = cenv_str_starts(line, CENV_STR("HTTP/"));

    for (size_t i = 0; i < nr; i++) {
        if (first)
            wanted[i].value[0] = '\0';
        else if (is_header(line, wanted[i].name))
            add_value(&wanted[i], line);
    }
}
