/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * JSON text written front to back into a buffer: reports, replies, records. The writer keeps the
 * commas, the quotes and the indentation, so that a caller says only what there is:
 *
 *     struct cenv_json_writer w;
 *     cenv_json_writer_init(&w, out, 0);
 *     cenv_json_write_object(&w, NULL);
 *     cenv_json_write_cstr(&w, "path", path);
 *     cenv_json_write_array(&w, "files");
 *     cenv_json_write_u64(&w, NULL, 3);
 *     cenv_json_write_end(&w);
 *     cenv_json_write_end(&w);
 *     return cenv_json_writer_finish(&w, err);
 *
 * Every value takes the key it stands under: NULL in an array, at the top, and after
 * cenv_json_write_key. A misuse (a key outside an object, a value in one without a key, an end of
 * nothing) is the programmer's, found by an assertion. Failure is the buffer's and as sticky: the
 * caller asks once at the end. The writer owns nothing and has no release.
 */
#ifndef CENV_CODEC_JSON_WRITER_H
#define CENV_CODEC_JSON_WRITER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"

enum cenv_json_flags {
    CENV_JSON_INDENT =
        1 << 0,              /* a member a line, two blanks a level, ": " after keys */
    CENV_JSON_SORT = 1 << 1, /* cenv_json_print alone: members by key, by code point */
};

/* Containers that may be open at once; a deeper one fails the buffer. */
enum { CENV_JSON_MAX_DEPTH = 64 };

struct cenv_json_writer {
    struct cenv_buf *out; /* borrowed */
    unsigned flags;       /* CENV_JSON_INDENT, or 0: no blank anywhere */
    unsigned depth;       /* containers that are open */
    uint64_t objects;     /* bit i: the container at depth i is an object */
    bool begun;           /* the innermost container has a member */
    bool keyed;           /* a key is written, its value comes next */
};

/* What is in `out` stays before what is written. */
void cenv_json_writer_init(struct cenv_json_writer *w, struct cenv_buf *out,
                           unsigned flags);

/* All is closed: 0, or CENV_ENOMEM with `err` set when the buffer failed. */
int cenv_json_writer_finish(const struct cenv_json_writer *w, struct cenv_error *err);

void cenv_json_write_object(struct cenv_json_writer *w, const char *key);
void cenv_json_write_array(struct cenv_json_writer *w, const char *key);
/* Closes the innermost object or array. */
void cenv_json_write_end(struct cenv_json_writer *w);

/* A key that is not a literal; the next value takes NULL for its own. */
void cenv_json_write_key(struct cenv_json_writer *w, struct cenv_str key);

/* Strings, paths as well: ASCII with \uXXXX, bytes that are not UTF-8 become U+FFFD. */
void cenv_json_write_str(struct cenv_json_writer *w, const char *key,
                         struct cenv_str text);
void cenv_json_write_cstr(struct cenv_json_writer *w, const char *key,
                          const char *text);

void cenv_json_write_u64(struct cenv_json_writer *w, const char *key, uint64_t number);
void cenv_json_write_i64(struct cenv_json_writer *w, const char *key, int64_t number);
void cenv_json_write_bool(struct cenv_json_writer *w, const char *key, bool value);
void cenv_json_write_null(struct cenv_json_writer *w, const char *key);

/* A finite number in the fewest digits that read back the same; whole ones without a fraction. */
void cenv_json_write_double(struct cenv_json_writer *w, const char *key, double number);

/* Nanoseconds as seconds, with nine places after the point. */
void cenv_json_write_seconds(struct cenv_json_writer *w, const char *key, uint64_t ns);

/* Text that is JSON already, as it stands: one value. */
void cenv_json_write_raw(struct cenv_json_writer *w, const char *key,
                         struct cenv_str json);

/* Appends `text` as a JSON string in quotes, as cenv_json_write_str does. False when the buffer
 * failed. */
bool cenv_json_quote(struct cenv_buf *out, struct cenv_str text);

#endif
