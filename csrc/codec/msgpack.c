/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * MessagePack by libmpack's tokens: the library knows the bytes, what may stand where is ours. JSON
 * text in between costs one pass and lets everything that reads repodata read shards too.
 */
#include "codec/msgpack.h"

#include <mpack.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/hex.h"
#include "base/utf8.h"
#include "codec/json.h"

enum { FEW_KEYS = 16, BYTES_MAX = 64 };

struct reader {
    mpack_tokbuf_t tokens;
    const char *at;
    size_t left;
    struct cenv_str *keys; /* of all open maps, the innermost last */
    size_t nr_keys, alloc_keys;
    struct cenv_buf *out;
    const char *why;
};

static int refuse_text(struct reader *r, const char *why)
{
    r->why = why;
    return CENV_EINTEGRITY;
}

static int read_value(struct reader *r, unsigned depth);

static int read_token(struct reader *r, mpack_token_t *token)
{
    switch (r->left ? mpack_read(&r->tokens, &r->at, &r->left, token) : MPACK_EOF) {
    case MPACK_OK:
        return 0;
    case MPACK_EOF:
        return refuse_text(r, "the text ends here, cut short");
    default:
        return refuse_text(r, "no such type");
    }
}

/* The bytes that follow their token, in one piece since the text is. */
static int read_span(struct reader *r, const mpack_token_t *token, struct cenv_str *out)
{
    mpack_token_t chunk;
    int rc;

    *out = CENV_STR("");
    if (token->length > r->left)
        return refuse_text(r, "a length beyond the end");
    if (token->length == 0)
        return 0;
    rc = read_token(r, &chunk);
    if (rc == 0)
        *out = cenv_str_n(chunk.data.chunk_ptr, chunk.length);
    return rc;
}

static void put_escaped(struct cenv_buf *out, struct cenv_str text)
{
    size_t from = 0;

    cenv_buf_putc(out, '"');
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if (c >= ' ' && c != '"' && c != '\\')
            continue;
        cenv_buf_add(out, text.data + from, i - from);
        cenv_buf_addf(out, "\\u%04x", c);
        from = i + 1;
    }
    cenv_buf_add(out, text.data + from, text.len - from);
    cenv_buf_putc(out, '"');
}

static int read_text(struct reader *r, const mpack_token_t *token, struct cenv_str *out)
{
    int rc = read_span(r, token, out);

    if (rc == 0 && !cenv_utf8_is(*out))
        return refuse_text(r, "text that is not UTF-8");
    if (rc == 0)
        put_escaped(r->out, *out);
    return rc;
}

static int read_bytes(struct reader *r, const mpack_token_t *token)
{
    struct cenv_str bytes;
    char hex[2 * BYTES_MAX + 1];
    int rc = read_span(r, token, &bytes);

    if (rc < 0)
        return rc;
    if (bytes.len > BYTES_MAX)
        return refuse_text(r, "more bytes than a hash has");
    cenv_hex((const unsigned char *)bytes.data, bytes.len, hex);
    cenv_buf_putc(r->out, '"');
    cenv_buf_puts(r->out, hex);
    cenv_buf_putc(r->out, '"');
    return 0;
}

static int read_extension(struct reader *r, const mpack_token_t *token)
{
    struct cenv_str ignored;

    cenv_buf_puts(r->out, "null");
    return read_span(r, token, &ignored);
}

static int read_float(struct reader *r, mpack_token_t token)
{
    double number = mpack_unpack_float(token);

    if (!__builtin_isfinite(number))
        return refuse_text(r, "a number that is none");
    cenv_buf_addf(r->out, "%.17g", number);
    return 0;
}

static int read_array(struct reader *r, const mpack_token_t *token, unsigned depth)
{
    int rc =
        token->length > r->left ? refuse_text(r, "a list longer than the text") : 0;

    cenv_buf_putc(r->out, '[');
    for (uint32_t i = 0; rc == 0 && i < token->length; i++) {
        cenv_buf_puts(r->out, i ? "," : "");
        rc = read_value(r, depth + 1);
    }
    cenv_buf_putc(r->out, ']');
    return rc;
}

static int read_key(struct reader *r)
{
    mpack_token_t token;
    struct cenv_str key;
    void *keys = r->keys;
    int rc = read_token(r, &token);

    if (rc < 0)
        return rc;
    if (token.type != MPACK_TOKEN_STR)
        return refuse_text(r, "a key that is not text");
    rc = read_text(r, &token, &key);
    if (rc < 0)
        return rc;
    if (!cenv_grow(&keys, &r->alloc_keys, r->nr_keys, sizeof(key)))
        return CENV_ENOMEM;
    r->keys = keys;
    r->keys[r->nr_keys++] = key;
    return 0;
}

static int key_cmp(const void *a, const void *b)
{
    const struct cenv_str *left = a, *right = b;

    return cenv_str_cmp(*left, *right);
}

/* Few keys are compared each with each, many sorted first. */
static bool has_twice(struct cenv_str *keys, size_t nr)
{
    bool few = nr <= FEW_KEYS;

    if (!few)
        qsort(keys, nr, sizeof(*keys), key_cmp);
    for (size_t i = 1; i < nr; i++)
        for (size_t k = few ? 0 : i - 1; k < i; k++)
            if (cenv_str_eq(keys[k], keys[i]))
                return true;
    return false;
}

static int read_map(struct reader *r, const mpack_token_t *token, unsigned depth)
{
    size_t first = r->nr_keys;
    int rc =
        token->length > r->left / 2 ? refuse_text(r, "a map longer than the text") : 0;

    cenv_buf_putc(r->out, '{');
    for (uint32_t i = 0; rc == 0 && i < token->length; i++) {
        cenv_buf_puts(r->out, i ? "," : "");
        rc = read_key(r);
        cenv_buf_putc(r->out, ':');
        if (rc == 0)
            rc = read_value(r, depth + 1);
    }
    cenv_buf_putc(r->out, '}');
    if (rc == 0 && r->nr_keys > first && has_twice(r->keys + first, r->nr_keys - first))
        rc = refuse_text(r, "a key twice in the map that ends here");
    r->nr_keys = first;
    return rc;
}

static int read_value(struct reader *r, unsigned depth)
{
    mpack_token_t token;
    struct cenv_str text;
    int rc = depth > CENV_MSGPACK_MAX_DEPTH ? refuse_text(r, "nested too deeply")
                                            : read_token(r, &token);

    if (rc < 0)
        return rc;
    switch (token.type) {
    case MPACK_TOKEN_NIL:
        return cenv_buf_puts(r->out, "null"), 0;
    case MPACK_TOKEN_BOOLEAN:
        return cenv_buf_puts(r->out, mpack_unpack_boolean(token) ? "true" : "false"), 0;
    case MPACK_TOKEN_UINT:
        return cenv_buf_addf(r->out, "%llu", mpack_unpack_uint(token)), 0;
    case MPACK_TOKEN_SINT:
        return cenv_buf_addf(r->out, "%lld", mpack_unpack_sint(token)), 0;
    case MPACK_TOKEN_FLOAT:
        return read_float(r, token);
    case MPACK_TOKEN_STR:
        return read_text(r, &token, &text);
    case MPACK_TOKEN_BIN:
        return read_bytes(r, &token);
    case MPACK_TOKEN_ARRAY:
        return read_array(r, &token, depth);
    case MPACK_TOKEN_MAP:
        return read_map(r, &token, depth);
    default:
        return read_extension(r, &token);
    }
}

int cenv_msgpack_to_json(struct cenv_str in, struct cenv_buf *out,
                         struct cenv_error *err)
{
    struct reader r = {.at = in.data, .left = in.len, .out = out};
    int rc;

    mpack_tokbuf_init(&r.tokens);
    rc = read_value(&r, 0);
    if (rc == 0 && r.left)
        rc = refuse_text(&r, "something follows the document");
    cenv_free(r.keys);
    if (rc == CENV_EINTEGRITY)
        return cenv_error_set(err, rc, "byte %zu of %zu: %s", in.len - r.left, in.len,
                              r.why);
    return rc < 0 || out->failed ? cenv_error_oom(err) : 0;
}

/* ---- writing ---- */

static void put_token(struct cenv_buf *out, mpack_token_t token)
{
    mpack_tokbuf_t tokens = MPACK_TOKBUF_INITIAL_VALUE;
    char *start = cenv_buf_reserve(out, MPACK_MAX_TOKEN_LEN), *at = start;
    size_t room = MPACK_MAX_TOKEN_LEN;

    if (start && mpack_write(&tokens, &at, &room, &token) == MPACK_OK)
        out->len += (size_t)(at - start);
}

/* libmpack 1.0.5 writes -129, -32769 and -2147483649 in too few bytes: such as those, which no
 * repodata has, go as floats. */
static void put_number(struct cenv_buf *out, const struct cenv_json *value)
{
    int64_t whole;
    double number = 0;

    if (cenv_json_int(value, &whole) && whole >= -128) {
        put_token(out, whole < 0 ? mpack_pack_sint(whole)
                                 : mpack_pack_uint((unsigned long long)whole));
        return;
    }
    cenv_json_double(value, &number);
    put_token(out, mpack_pack_float(number));
}

static void put_text(struct cenv_buf *out, struct cenv_str text, bool bytes)
{
    unsigned char raw[BYTES_MAX];
    size_t len = text.len / 2;

    if (bytes && len <= BYTES_MAX && cenv_unhex(text, raw, len)) {
        put_token(out, mpack_pack_bin((uint32_t)len));
        cenv_buf_add(out, raw, len);
        return;
    }
    put_token(out, mpack_pack_str((uint32_t)text.len));
    cenv_buf_add_str(out, text);
}

/* `bytes`: a text is hex; `all`: those of the members are. */
static void put_value(struct cenv_buf *out, const struct cenv_json *value, bool bytes,
                      bool all)
{
    const struct cenv_json *item;
    enum cenv_json_type type = cenv_json_type(value);

    if (type == CENV_JSON_STRING)
        put_text(out, cenv_json_str(value), bytes);
    else if (type == CENV_JSON_NUMBER)
        put_number(out, value);
    else if (type == CENV_JSON_BOOL)
        put_token(out, mpack_pack_boolean(cenv_json_true(value)));
    else if (type == CENV_JSON_ARRAY)
        put_token(out, mpack_pack_array((uint32_t)cenv_json_len(value)));
    else if (type == CENV_JSON_OBJECT)
        put_token(out, mpack_pack_map((uint32_t)cenv_json_len(value)));
    else
        put_token(out, mpack_pack_nil());
    cenv_json_each(item, value)
    {
        struct cenv_str key = cenv_str(cenv_json_key(item));
        if (type == CENV_JSON_OBJECT)
            put_text(out, key, false);
        put_value(out, item,
                  all || cenv_str_is(key, "md5") || cenv_str_is(key, "sha256"),
                  cenv_str_is(key, "shards"));
    }
}

bool cenv_msgpack_from_json(const struct cenv_json *value, struct cenv_buf *out)
{
    put_value(out, value, false, false);
    return !out->failed;
}
