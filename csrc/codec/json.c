/* SPDX-License-Identifier: BSD-3-Clause */
/* JSON trees on cJSON: a strict check before its lenient parser, and a printer as Python's. */
#include "codec/json.h"

#include <assert.h>
#include <cJSON.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/mutex.h"
#include "base/utf8.h"

enum { FEW_KEYS = 12 };

static const double max_exact = 9007199254740992.0; /* 2^53 */

/* cJSON writes a global on every parse: one mutex. */
static struct cenv_mutex parse_lock = CENV_MUTEX_INIT;

static const cJSON *item_of(const struct cenv_json *value)
{
    return (const cJSON *)(const void *)value;
}

static cJSON *mutable_of(struct cenv_json *value)
{
    return (cJSON *)(void *)value;
}

static struct cenv_json *value_of(cJSON *item)
{
    return (struct cenv_json *)(void *)item;
}

/* cJSON's allocations are ours: tests can make them fail, and errno tells that they did. */
__attribute__((constructor)) static void set_hooks(void)
{
    cJSON_Hooks hooks = {.malloc_fn = cenv_malloc, .free_fn = cenv_free};

    cJSON_InitHooks(&hooks);
}

/* ---- checking the text ---- */

struct scan {
    struct cenv_str text;
    size_t at;
    size_t values; /* so far: each stands behind a bracket or a comma */
    unsigned depth;
};

static char peek_char(const struct scan *scan)
{
    return scan->at < scan->text.len ? scan->text.data[scan->at] : '\0';
}

/* Skips digits; false when there are none. */
static bool scan_digits(struct scan *scan)
{
    size_t start = scan->at;

    while (cenv_is_digit(peek_char(scan)))
        scan->at++;
    return scan->at > start;
}

/* cJSON takes whatever strtod takes: hold numbers to the grammar. */
static const char *scan_number(struct scan *scan)
{
    bool ok = true;

    scan->at += peek_char(scan) == '-';
    if (peek_char(scan) == '0')
        scan->at++;
    else
        ok = scan_digits(scan);
    if (ok && peek_char(scan) == '.') {
        scan->at++;
        ok = scan_digits(scan);
    }
    if (ok && (peek_char(scan) == 'e' || peek_char(scan) == 'E')) {
        scan->at++;
        scan->at += peek_char(scan) == '+' || peek_char(scan) == '-';
        ok = scan_digits(scan);
    }
    return ok && !cenv_is_digit(peek_char(scan)) ? NULL : "malformed number";
}

/* From behind the opening quote to behind the closing one. Other escapes are cJSON's to check. */
static const char *scan_string(struct scan *scan)
{
    const struct cenv_str text = scan->text;
    size_t at = scan->at;

    for (; at < text.len && text.data[at] != '"'; at++) {
        if ((unsigned char)text.data[at] < 0x20)
            return "control character in a string";
        if (text.data[at] != '\\')
            continue;
        if (cenv_str_starts(cenv_str_slice(text, at, text.len), CENV_STR("\\u0000")))
            return "U+0000 in a string";
        at++;
    }
    scan->at = at + 1;
    return at < text.len ? NULL : "unterminated string";
}

static const char *scan_token(struct scan *scan)
{
    char c = scan->text.data[scan->at];

    if (c == '-' || cenv_is_digit(c))
        return scan_number(scan);
    scan->at++;
    if (c == '"')
        return scan_string(scan);
    scan->values += c == '[' || c == '{' || c == ',';
    if (scan->values > CENV_JSON_FREE_VALUES + scan->text.len / 8)
        return "too many values for its length";
    if (c == '[' || c == '{')
        return ++scan->depth > CENV_JSON_MAX_DEPTH ? "too deeply nested" : NULL;
    if ((c == ']' || c == '}') && scan->depth > 0)
        scan->depth--;
    if ((unsigned char)c < 0x20 && c != '\n' && c != '\r' && c != '\t')
        return "control character";
    return NULL; /* structure and literals are cJSON's to check */
}

static int syntax_error(const struct scan *scan, size_t at, const char *what,
                        const char *why, struct cenv_error *err)
{
    size_t line = 1, start = 0;

    for (size_t i = 0; i < at && i < scan->text.len; i++) {
        if (scan->text.data[i] == '\n') {
            line++;
            start = i + 1;
        }
    }
    return cenv_error_set(err, CENV_EINTEGRITY,
                          "%s is not valid JSON: %s at line %zu, column %zu", what, why,
                          line, at - start + 1);
}

static int check_text(struct scan *scan, const char *what, struct cenv_error *err)
{
    size_t valid;

    if (scan->text.len > CENV_JSON_MAX_SIZE)
        return cenv_error_set(err, CENV_EINTEGRITY,
                              "%s is too large: %zu bytes of JSON", what,
                              scan->text.len);
    valid = cenv_utf8_valid(scan->text);
    if (valid < scan->text.len)
        return syntax_error(scan, valid, what, "bytes that are not UTF-8", err);
    while (scan->at < scan->text.len) {
        size_t start = scan->at;
        const char *why = scan_token(scan);
        if (why)
            return syntax_error(scan, start, what, why, err);
    }
    return 0;
}

/* ---- checking the tree: no key twice, no number beyond a double ---- */

static int compare_keys(const void *a, const void *b)
{
    return strcmp((*(cJSON *const *)a)->string, (*(cJSON *const *)b)->string);
}

/* The members of a container in a new array (cenv_free), by key when `sorted`; NULL: no memory. */
static cJSON **list_members(const cJSON *container, size_t *nr, bool sorted)
{
    cJSON **items, *item;
    size_t count = 0, i = 0;

    cJSON_ArrayForEach(item, container) count++;
    items = cenv_reallocarray(NULL, count + 1, sizeof(cJSON *));
    if (!items)
        return NULL;
    cJSON_ArrayForEach(item, container) items[i++] = item;
    if (sorted && cJSON_IsObject(container))
        qsort(items, count, sizeof(*items), compare_keys);
    *nr = count;
    return items;
}

static int refuse_key(const char *key, const char *what, struct cenv_error *err)
{
    return cenv_error_set(err, CENV_EINTEGRITY,
                          "%s has the key '%.80s' twice in one object", what, key);
}

static int check_many_keys(const cJSON *object, const char *what,
                           struct cenv_error *err)
{
    size_t nr = 0;
    cJSON **items = list_members(object, &nr, true);
    int rc = 0;

    if (!items)
        return cenv_error_oom(err);
    for (size_t i = 1; i < nr && rc == 0; i++) {
        if (strcmp(items[i - 1]->string, items[i]->string) == 0)
            rc = refuse_key(items[i]->string, what, err);
    }
    cenv_free(items);
    return rc;
}

/* Objects are small, and there are thousands in one paths.json: compared pair by pair. */
static int check_keys(const cJSON *object, const char *what, struct cenv_error *err)
{
    const cJSON *item, *other;
    size_t nr = 0;

    cJSON_ArrayForEach(item, object)
    {
        if (++nr > FEW_KEYS)
            return check_many_keys(object, what, err);
        for (other = object->child; other != item; other = other->next) {
            if (strcmp(item->string, other->string) == 0)
                return refuse_key(item->string, what, err);
        }
    }
    return 0;
}

/* Recursion is bounded by CENV_JSON_MAX_DEPTH. */
static int check_tree(const cJSON *value, const char *what, struct cenv_error *err)
{
    const cJSON *item;
    int rc = cJSON_IsObject(value) ? check_keys(value, what, err) : 0;

    if (cJSON_IsNumber(value) && value->valuedouble - value->valuedouble != 0)
        return cenv_error_set(err, CENV_EINTEGRITY, "%s holds a number out of range",
                              what);
    cJSON_ArrayForEach(item, value)
    {
        if (rc == 0)
            rc = check_tree(item, what, err);
    }
    return rc;
}

int cenv_json_parse(struct cenv_json **out, struct cenv_str text, const char *what,
                    struct cenv_error *err)
{
    struct scan scan = {.text = text};
    const char *end = NULL;
    cJSON *root;
    int rc;

    if (cenv_str_starts(text, CENV_STR("\xef\xbb\xbf")))
        scan.text = cenv_str_slice(text, 3, text.len);
    scan.text = cenv_str_trim(scan.text);
    if (scan.text.len == 0)
        return cenv_error_set(err, CENV_EINTEGRITY, "%s is empty, not JSON", what);
    rc = check_text(&scan, what, err);
    if (rc < 0)
        return rc;
    cenv_mutex_lock(&parse_lock);
    cenv_alloc_watch();
    root = cJSON_ParseWithLengthOpts(scan.text.data, scan.text.len, &end, false);
    bool no_memory = !root && cenv_alloc_failed();
    cenv_mutex_unlock(&parse_lock);
    if (no_memory)
        return cenv_error_oom(err);
    if (!root || end != scan.text.data + scan.text.len) {
        cJSON_Delete(root);
        return syntax_error(&scan, end ? (size_t)(end - scan.text.data) : 0, what,
                            root ? "more after the end" : "unexpected text", err);
    }
    rc = check_tree(root, what, err);
    if (rc < 0)
        cJSON_Delete(root);
    else
        *out = value_of(root);
    return rc;
}

void cenv_json_free(struct cenv_json *value)
{
    cJSON_Delete(mutable_of(value));
}

/* ---- reading ---- */

enum cenv_json_type cenv_json_type(const struct cenv_json *value)
{
    switch (value ? item_of(value)->type & 0xff : cJSON_Invalid) {
    case cJSON_False:
    case cJSON_True:
        return CENV_JSON_BOOL;
    case cJSON_NULL:
        return CENV_JSON_NULL;
    case cJSON_Number:
        return CENV_JSON_NUMBER;
    case cJSON_String:
        return CENV_JSON_STRING;
    case cJSON_Array:
        return CENV_JSON_ARRAY;
    case cJSON_Object:
        return CENV_JSON_OBJECT;
    default:
        return CENV_JSON_ABSENT;
    }
}

struct cenv_json *cenv_json_get(const struct cenv_json *object, const char *key)
{
    if (cenv_json_type(object) != CENV_JSON_OBJECT)
        return NULL;
    return value_of(cJSON_GetObjectItemCaseSensitive(item_of(object), key));
}

struct cenv_json *cenv_json_first(const struct cenv_json *container)
{
    enum cenv_json_type type = cenv_json_type(container);

    return type == CENV_JSON_ARRAY || type == CENV_JSON_OBJECT
               ? value_of(item_of(container)->child)
               : NULL;
}

struct cenv_json *cenv_json_next(const struct cenv_json *item)
{
    return value_of(item_of(item)->next);
}

const char *cenv_json_key(const struct cenv_json *item)
{
    return item_of(item)->string;
}

size_t cenv_json_len(const struct cenv_json *container)
{
    const struct cenv_json *item;
    size_t nr = 0;

    cenv_json_each(item, container) nr++;
    return nr;
}

const char *cenv_json_cstr(const struct cenv_json *value)
{
    return cenv_json_type(value) == CENV_JSON_STRING ? item_of(value)->valuestring
                                                     : NULL;
}

struct cenv_str cenv_json_str(const struct cenv_json *value)
{
    return cenv_str(cenv_json_cstr(value));
}

bool cenv_json_double(const struct cenv_json *value, double *out)
{
    if (cenv_json_type(value) != CENV_JSON_NUMBER)
        return false;
    *out = item_of(value)->valuedouble;
    return true;
}

bool cenv_json_int(const struct cenv_json *value, int64_t *out)
{
    double number;

    if (!cenv_json_double(value, &number) || number > max_exact ||
        number < -max_exact || number != (double)(int64_t)number)
        return false;
    *out = (int64_t)number;
    return true;
}

bool cenv_json_true(const struct cenv_json *value)
{
    return value && cJSON_IsTrue(item_of(value));
}

const char *cenv_json_get_cstr(const struct cenv_json *object, const char *key)
{
    return cenv_json_cstr(cenv_json_get(object, key));
}

struct cenv_str cenv_json_get_str(const struct cenv_json *object, const char *key)
{
    return cenv_json_str(cenv_json_get(object, key));
}

int64_t cenv_json_get_int(const struct cenv_json *object, const char *key,
                          int64_t fallback)
{
    cenv_json_int(cenv_json_get(object, key), &fallback);
    return fallback;
}

bool cenv_json_get_true(const struct cenv_json *object, const char *key)
{
    return cenv_json_true(cenv_json_get(object, key));
}

/* ---- building ---- */

struct cenv_json *cenv_json_object(void)
{
    return value_of(cJSON_CreateObject());
}

struct cenv_json *cenv_json_array(void)
{
    return value_of(cJSON_CreateArray());
}

struct cenv_json *cenv_json_string(struct cenv_str text)
{
    struct cenv_json *value = NULL;
    char *copy;

    if (memchr(text.data ? text.data : "", '\0', text.len) || !cenv_utf8_is(text))
        return NULL;
    copy = cenv_memdup(text.data ? text.data : "", text.len);
    if (copy)
        value = value_of(cJSON_CreateString(copy));
    cenv_free(copy);
    return value;
}

struct cenv_json *cenv_json_number(double number)
{
    return value_of(cJSON_CreateNumber(number));
}

struct cenv_json *cenv_json_integer(int64_t number)
{
    if (number > (int64_t)max_exact || number < -(int64_t)max_exact)
        return NULL;
    return cenv_json_number((double)number);
}

struct cenv_json *cenv_json_boolean(bool value)
{
    return value_of(cJSON_CreateBool(value));
}

struct cenv_json *cenv_json_null(void)
{
    return value_of(cJSON_CreateNull());
}

struct cenv_json *cenv_json_dup(const struct cenv_json *value)
{
    return value_of(cJSON_Duplicate(item_of(value), true));
}

/* The value takes over the key of the old one: cJSON copies it, and does not look whether it
 * could. */
static bool replace_member(cJSON *object, cJSON *old, cJSON *value)
{
    cJSON_free(value->string);
    value->string = old->string;
    old->string = NULL;
    return cJSON_ReplaceItemViaPointer(object, old, value);
}

bool cenv_json_set(struct cenv_json *object, const char *key, struct cenv_json *value)
{
    bool ok = false;

    if (value && cenv_json_type(object) == CENV_JSON_OBJECT) {
        cJSON *old = mutable_of(cenv_json_get(object, key));
        ok = old ? replace_member(mutable_of(object), old, mutable_of(value))
                 : cJSON_AddItemToObject(mutable_of(object), key, mutable_of(value));
    }
    if (!ok)
        cenv_json_free(value);
    return ok;
}

bool cenv_json_set_str(struct cenv_json *object, const char *key, struct cenv_str text)
{
    return cenv_json_set(object, key, cenv_json_string(text));
}

bool cenv_json_set_cstr(struct cenv_json *object, const char *key, const char *text)
{
    return cenv_json_set(object, key, cenv_json_string(cenv_str(text)));
}

bool cenv_json_set_int(struct cenv_json *object, const char *key, int64_t number)
{
    return cenv_json_set(object, key, cenv_json_integer(number));
}

bool cenv_json_set_bool(struct cenv_json *object, const char *key, bool value)
{
    return cenv_json_set(object, key, cenv_json_boolean(value));
}

bool cenv_json_append(struct cenv_json *array, struct cenv_json *value)
{
    bool ok = value && cenv_json_type(array) == CENV_JSON_ARRAY &&
              cJSON_AddItemToArray(mutable_of(array), mutable_of(value));

    if (!ok)
        cenv_json_free(value);
    return ok;
}

bool cenv_json_append_str(struct cenv_json *array, struct cenv_str text)
{
    return cenv_json_append(array, cenv_json_string(text));
}

void cenv_json_remove(struct cenv_json *object, const char *key)
{
    if (cenv_json_type(object) == CENV_JSON_OBJECT)
        cJSON_DeleteItemFromObjectCaseSensitive(mutable_of(object), key);
}

/* ---- printing ---- */

static void print_value(const cJSON *value, struct cenv_json_writer *w);

static void print_container(const cJSON *value, struct cenv_json_writer *w)
{
    bool object = cJSON_IsObject(value);
    size_t nr = 0;
    cJSON **items = list_members(value, &nr, w->flags & CENV_JSON_SORT);

    if (!items) {
        w->out->failed = CENV_BUF_NO_MEMORY;
        return;
    }
    if (object)
        cenv_json_write_object(w, NULL);
    else
        cenv_json_write_array(w, NULL);
    for (size_t i = 0; i < nr && !w->out->failed; i++) {
        if (object)
            cenv_json_write_key(w, cenv_str(items[i]->string));
        print_value(items[i], w);
    }
    cenv_json_write_end(w);
    cenv_free(items);
}

static void print_value(const cJSON *value, struct cenv_json_writer *w)
{
    switch (value->type & 0xff) {
    case cJSON_Array:
    case cJSON_Object:
        print_container(value, w);
        break;
    case cJSON_String:
        cenv_json_write_cstr(w, NULL, value->valuestring);
        break;
    case cJSON_Number:
        cenv_json_write_double(w, NULL, value->valuedouble);
        break;
    case cJSON_True:
    case cJSON_False:
        cenv_json_write_bool(w, NULL, cJSON_IsTrue(value));
        break;
    default:
        cenv_json_write_null(w, NULL);
    }
}

bool cenv_json_print(const struct cenv_json *value, unsigned flags,
                     struct cenv_buf *out)
{
    struct cenv_json_writer w;

    assert(value);
    cenv_json_writer_init(&w, out, flags);
    print_value(item_of(value), &w);
    return !out->failed;
}

void cenv_json_write_tree(struct cenv_json_writer *w, const char *key,
                          const struct cenv_json *value)
{
    assert(value);
    if (key)
        cenv_json_write_key(w, cenv_str(key));
    print_value(item_of(value), w);
}
