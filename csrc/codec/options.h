/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The options of a core call: a JSON object read into a struct by a table of its keys, so that a
 * misspelt key is an error and not an option that is lost.
 *
 *     struct wanted { bool replace; int64_t owner; const char *cmd; };
 *     static const struct cenv_option table[] = {
 *         {"replace", CENV_OPTION_BOOL, offsetof(struct wanted, replace), NULL},
 *         {"owner", CENV_OPTION_INT, offsetof(struct wanted, owner), NULL},
 *         {"cmd", CENV_OPTION_TEXT, offsetof(struct wanted, cmd), NULL},
 *     };
 *     static const struct cenv_options options = CENV_OPTIONS("export", table);
 *     struct wanted wanted = {.owner = 1};       what holds for keys that are not there
 *     struct cenv_json *doc = NULL;
 *     int rc = cenv_options_parse(&options, &doc, text, &wanted, err);
 *     ...
 *     cenv_json_free(doc);                       with it go the texts and trees of `wanted`
 */
#ifndef CENV_CODEC_OPTIONS_H
#define CENV_CODEC_OPTIONS_H

#include <stddef.h>

#include "base/error.h"
#include "codec/json.h"

/* What the value must be, and what stands at `offset` of the caller's struct. A null is taken as if
 * the key were not there. */
enum cenv_option_type {
    CENV_OPTION_BOOL,   /* bool */
    CENV_OPTION_INT,    /* int64_t: a whole number */
    CENV_OPTION_DOUBLE, /* double */
    CENV_OPTION_TEXT,   /* const char *, borrowed from the document */
    CENV_OPTION_LIST,   /* const struct cenv_json *, borrowed: an array */
    CENV_OPTION_OBJECT, /* const struct cenv_json *, borrowed: an object */
    CENV_OPTION_SET,    /* whatever `set` takes */
};

/* Takes a value that is not null into `out`, the caller's struct; 0 or a status with `err` set. */
typedef int (*cenv_option_fn)(void *out, const struct cenv_json *value,
                              struct cenv_error *err);

struct cenv_option {
    const char *key;
    enum cenv_option_type type;
    size_t offset;
    cenv_option_fn set; /* of CENV_OPTION_SET, else NULL */
};

struct cenv_options {
    const char *call; /* as messages name it: "clone" */
    const struct cenv_option *table;
    size_t nr;
};

#define CENV_OPTIONS(name, rows) \
    { \
        .call = (name), .table = (rows), .nr = sizeof(rows) / sizeof((rows)[0]) \
    }

/*
 * Reads the object `doc` into `out`. NULL is an object without members. CENV_EUSAGE names the call
 * and the key: one that the table lacks, with the nearest of its keys as hint, or one whose
 * value is of another type. Members before it are then set already.
 */
int cenv_options_read(const struct cenv_options *options, const struct cenv_json *doc,
                      void *out, struct cenv_error *err);

/*
 * The same from text; NULL and "" are no options. *doc is what texts and trees are borrowed from:
 * the caller frees it, after a failure too.
 */
int cenv_options_parse(const struct cenv_options *options, struct cenv_json **doc,
                       const char *text, void *out, struct cenv_error *err);

#endif
