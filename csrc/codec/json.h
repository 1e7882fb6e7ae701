/* SPDX-License-Identifier: BSD-3-Clause */
/* JSON documents of a few kB to MB as trees: records, index.json, paths.json, state; the only
 * user of cJSON. */
#ifndef CENV_CODEC_JSON_H
#define CENV_CODEC_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"
#include "codec/json_writer.h"

/*
 * A value and all that is below it. Every reading function takes NULL for "absent", so that
 * lookups chain: cenv_json_str(cenv_json_get(record, "name")). Strings are UTF-8 without NUL.
 * Trees may be read by many threads at once, and written by one.
 */
struct cenv_json;

enum cenv_json_type {
    CENV_JSON_ABSENT,
    CENV_JSON_NULL,
    CENV_JSON_BOOL,
    CENV_JSON_NUMBER,
    CENV_JSON_STRING,
    CENV_JSON_ARRAY,
    CENV_JSON_OBJECT,
};

/* Ceilings for hostile documents beside CENV_JSON_MAX_DEPTH: bytes of text, and values, each of
 * which takes some eighty bytes: so many, and one for every eight bytes of text. */
enum { CENV_JSON_MAX_SIZE = 256 << 20, CENV_JSON_FREE_VALUES = 100000 };

/*
 * Parses one document, all of `text` but for blanks and a byte order mark. `what` names it in
 * messages ("info/paths.json of numpy-1.2-0"). Refused with CENV_EINTEGRITY and line and column, or
 * the place in the tree: anything that is not JSON, bytes that are not UTF-8, U+0000 in strings, a
 * key twice in one object (readers differ about those), too deep or too long. Caller frees.
 */
int cenv_json_parse(struct cenv_json **out, struct cenv_str text, const char *what,
                    struct cenv_error *err);

void cenv_json_free(struct cenv_json *value); /* a root; NULL is fine */

enum cenv_json_type cenv_json_type(const struct cenv_json *value);

/* The member `key` of an object, or NULL. Borrowed from the tree, as all that follows. */
struct cenv_json *cenv_json_get(const struct cenv_json *object, const char *key);

/* Iteration over an array or object, in document order; key is NULL in arrays. */
struct cenv_json *cenv_json_first(const struct cenv_json *container);
struct cenv_json *cenv_json_next(const struct cenv_json *item);
const char *cenv_json_key(const struct cenv_json *item);
size_t cenv_json_len(const struct cenv_json *container); /* counts: linear */

#define cenv_json_each(item, container) \
    for ((item) = cenv_json_first(container); (item); (item) = cenv_json_next(item))

/* Text of a string, NUL-terminated; NULL (cstr), { NULL, 0 } (str) when it is none. */
const char *cenv_json_cstr(const struct cenv_json *value);
struct cenv_str cenv_json_str(const struct cenv_json *value);

/* A whole number of at most 2^53 in magnitude; false, *out untouched, when it is none. */
bool cenv_json_int(const struct cenv_json *value, int64_t *out);
bool cenv_json_double(const struct cenv_json *value, double *out);
bool cenv_json_true(const struct cenv_json *value); /* is it `true`? */

/* Members by key in one step. */
const char *cenv_json_get_cstr(const struct cenv_json *object, const char *key);
struct cenv_str cenv_json_get_str(const struct cenv_json *object, const char *key);
int64_t cenv_json_get_int(const struct cenv_json *object, const char *key,
                          int64_t fallback);
bool cenv_json_get_true(const struct cenv_json *object, const char *key);

/*
 * Building. NULL when out of memory, and for text with NUL or not UTF-8. Caller owns a new value
 * until it is set or appended.
 */
struct cenv_json *cenv_json_object(void);
struct cenv_json *cenv_json_array(void);
struct cenv_json *cenv_json_string(struct cenv_str text);
struct cenv_json *cenv_json_number(double number);
struct cenv_json *cenv_json_integer(int64_t number); /* beyond 2^53: NULL */
struct cenv_json *cenv_json_boolean(bool value);
struct cenv_json *cenv_json_null(void);
struct cenv_json *cenv_json_dup(const struct cenv_json *value);

/*
 * Set replaces a member in its place or adds one at the end; append adds to an array. Both take
 * `value` over always, and fail (false, value freed) when it or the container is NULL or memory is
 * out, so that a row of calls can be checked once: `done &= cenv_json_set_str(...)`.
 */
bool cenv_json_set(struct cenv_json *object, const char *key, struct cenv_json *value);
bool cenv_json_set_str(struct cenv_json *object, const char *key, struct cenv_str text);
bool cenv_json_set_cstr(struct cenv_json *object, const char *key, const char *text);
bool cenv_json_set_int(struct cenv_json *object, const char *key, int64_t number);
bool cenv_json_set_bool(struct cenv_json *object, const char *key, bool value);
bool cenv_json_append(struct cenv_json *array, struct cenv_json *value);
bool cenv_json_append_str(struct cenv_json *array, struct cenv_str text);

/* Removes a member, or does nothing. */
void cenv_json_remove(struct cenv_json *object, const char *key);

/*
 * Appends the text, as Python's json.dumps writes it: ASCII with \uXXXX, whole numbers without a
 * fraction, others in the fewest digits that read back the same. False when the buffer failed.
 */
bool cenv_json_print(const struct cenv_json *value, unsigned flags,
                     struct cenv_buf *out);

/* A tree as one value of a document that is being written. */
void cenv_json_write_tree(struct cenv_json_writer *w, const char *key,
                          const struct cenv_json *value);

#endif
