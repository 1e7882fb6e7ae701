/* SPDX-License-Identifier: BSD-3-Clause */
/* Writing JSON: see json_writer.h. */
#include "codec/json_writer.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

void cenv_json_writer_init(struct cenv_json_writer *w, struct cenv_buf *out,
                           unsigned flags)
{
    *w = (struct cenv_json_writer){.out = out, .flags = flags};
}

/* After a failure nothing is counted any more. */
static inline bool is_right(const struct cenv_json_writer *w, bool expected)
{
    return expected || w->out->failed;
}

int cenv_json_writer_finish(const struct cenv_json_writer *w, struct cenv_error *err)
{
    assert(is_right(w, w->depth == 0));
    return w->out->failed ? cenv_error_oom(err) : 0;
}

/* ---- where things stand ---- */

static bool is_in_object(const struct cenv_json_writer *w)
{
    return w->depth > 0 && w->objects >> (w->depth - 1) & 1;
}

static void write_break(struct cenv_json_writer *w)
{
    if (w->flags & CENV_JSON_INDENT)
        cenv_buf_addf(w->out, "\n%*s", (int)(2 * w->depth), "");
}

static void begin_member(struct cenv_json_writer *w)
{
    if (w->begun)
        cenv_buf_putc(w->out, ',');
    if (w->depth > 0)
        write_break(w);
    w->begun = true;
}

void cenv_json_write_key(struct cenv_json_writer *w, struct cenv_str key)
{
    assert(is_right(w, is_in_object(w) && !w->keyed));
    begin_member(w);
    cenv_json_quote(w->out, key);
    cenv_buf_puts(w->out, w->flags & CENV_JSON_INDENT ? ": " : ":");
    w->keyed = true;
}

static void begin_value(struct cenv_json_writer *w, const char *key)
{
    if (key)
        cenv_json_write_key(w, cenv_str(key));
    assert(is_right(w, w->keyed == is_in_object(w)));
    if (!w->keyed)
        begin_member(w);
    w->keyed = false;
}

/* ---- containers ---- */

static void open_container(struct cenv_json_writer *w, const char *key, bool object)
{
    begin_value(w, key);
    if (w->depth == CENV_JSON_MAX_DEPTH) {
        w->out->failed = CENV_BUF_FULL;
        return;
    }
    cenv_buf_putc(w->out, object ? '{' : '[');
    w->objects &= ~(UINT64_C(1) << w->depth);
    w->objects |= (uint64_t)object << w->depth;
    w->depth++;
    w->begun = false;
}

void cenv_json_write_object(struct cenv_json_writer *w, const char *key)
{
    open_container(w, key, true);
}

void cenv_json_write_array(struct cenv_json_writer *w, const char *key)
{
    open_container(w, key, false);
}

void cenv_json_write_end(struct cenv_json_writer *w)
{
    assert(is_right(w, w->depth > 0 && !w->keyed));
    if (w->out->failed)
        return;
    bool object = is_in_object(w);
    w->depth--;
    if (w->begun)
        write_break(w);
    cenv_buf_putc(w->out, object ? '}' : ']');
    w->begun = true;
}

/* ---- values ---- */

void cenv_json_write_str(struct cenv_json_writer *w, const char *key,
                         struct cenv_str text)
{
    begin_value(w, key);
    cenv_json_quote(w->out, text);
}

void cenv_json_write_cstr(struct cenv_json_writer *w, const char *key, const char *text)
{
    cenv_json_write_str(w, key, cenv_str(text));
}

void cenv_json_write_raw(struct cenv_json_writer *w, const char *key,
                         struct cenv_str json)
{
    begin_value(w, key);
    cenv_buf_add_str(w->out, json);
}

void cenv_json_write_bool(struct cenv_json_writer *w, const char *key, bool value)
{
    cenv_json_write_raw(w, key, value ? CENV_STR("true") : CENV_STR("false"));
}

void cenv_json_write_null(struct cenv_json_writer *w, const char *key)
{
    cenv_json_write_raw(w, key, CENV_STR("null"));
}

void cenv_json_write_u64(struct cenv_json_writer *w, const char *key, uint64_t number)
{
    begin_value(w, key);
    cenv_buf_addf(w->out, "%" PRIu64, number);
}

void cenv_json_write_i64(struct cenv_json_writer *w, const char *key, int64_t number)
{
    begin_value(w, key);
    cenv_buf_addf(w->out, "%" PRId64, number);
}

void cenv_json_write_seconds(struct cenv_json_writer *w, const char *key, uint64_t ns)
{
    begin_value(w, key);
    cenv_buf_addf(w->out, "%" PRIu64 ".%09" PRIu64, ns / 1000000000, ns % 1000000000);
}

static void print_number(struct cenv_buf *out, double number)
{
    char text[40], *comma;

    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof(text), "%.*g", digits, number);
        if (strtod(text, NULL) == number)
            break;
    }
    comma = strchr(text, ','); /* the locale's point */
    if (comma)
        *comma = '.';
    cenv_buf_puts(out, text);
}

void cenv_json_write_double(struct cenv_json_writer *w, const char *key, double number)
{
    if (number < 9.2e18 && number > -9.2e18 && number == (double)(int64_t)number) {
        cenv_json_write_i64(w, key, (int64_t)number);
        return;
    }
    begin_value(w, key);
    print_number(w->out, number);
}

/* ---- strings ---- */

static void print_point(struct cenv_buf *out, uint32_t point)
{
    const char *short_forms = "\"\"\\\\\nn\rr\tt\bb\ff";

    for (const char *form = short_forms; *form; form += 2) {
        if (point == (unsigned char)form[0]) {
            cenv_buf_putc(out, '\\');
            cenv_buf_putc(out, form[1]);
            return;
        }
    }
    if (point >= 0x10000) {
        cenv_buf_addf(out, "\\u%04x", 0xd800U + ((point - 0x10000) >> 10));
        point = 0xdc00U + ((point - 0x10000) & 0x3ffU);
    }
    cenv_buf_addf(out, "\\u%04x", point);
}

/* Bytes from `at` on that stand for themselves. */
static size_t plain_len(struct cenv_str text, size_t at)
{
    size_t end = at;

    while (end < text.len && text.data[end] >= ' ' && text.data[end] <= '~' &&
           text.data[end] != '"' && text.data[end] != '\\')
        end++;
    return end - at;
}

bool cenv_json_quote(struct cenv_buf *out, struct cenv_str text)
{
    size_t at = 0;

    cenv_buf_putc(out, '"');
    while (at < text.len) {
        size_t plain = plain_len(text, at);
        uint32_t point = 0xfffd;
        unsigned len;

        cenv_buf_add(out, text.data + at, plain);
        at += plain;
        if (at == text.len)
            break;
        len = cenv_utf8_decode(cenv_str_slice(text, at, text.len), &point);
        print_point(out, len ? point : 0xfffd);
        at += len ? len : 1;
    }
    return cenv_buf_putc(out, '"');
}
