/* SPDX-License-Identifier: BSD-3-Clause */
/* The id of a template: see template_id.h. */
#include "template/template_id.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/digest.h"
#include "base/hex.h"
#include "cenv.h"
#include "codec/options.h"

/* A change of what is built from the same input is a new version. */
/* What of a record counts: all of it in the first version. */
enum version { WHOLE_RECORDS = 1, PACKAGES = 2 };

enum { RECORD_MAX = 64 << 20 };

struct id_record {
    struct cenv_str name, sha256;
    char canonical[CENV_DIGEST_HEX_MAX]; /* hash of its canonical text */
};

static int compare_records(const void *a, const void *b)
{
    const struct id_record *left = a, *right = b;
    int order = cenv_str_cmp(left->name, right->name);
    return order ? order : cenv_str_cmp(left->sha256, right->sha256);
}

/* Where a package came from does not change what it is (docs/design/store.md 4.1). */
static bool print_whole(const struct cenv_json *record, struct cenv_buf *out)
{
    struct cenv_json *copy = cenv_json_dup(record);
    if (!copy)
        return false;
    cenv_json_remove(copy, "url");
    cenv_json_remove(copy, "channel");
    cenv_json_remove(copy, "channel_url");
    bool done = cenv_json_print(copy, CENV_JSON_SORT, out);
    cenv_json_free(copy);
    return done;
}

static void print_strings(const struct cenv_json *list, struct cenv_buf *out)
{
    const struct cenv_json *item;
    cenv_json_each(item, list)
    {
        cenv_json_quote(out, cenv_json_str(item));
    }
    cenv_buf_puts(out, "\n");
}

/* Channels correct what a package needs after it was made, and its record in a prefix tells. */
static bool print_needs(const struct cenv_json *record, struct cenv_buf *out)
{
    print_strings(cenv_json_get(record, "depends"), out);
    print_strings(cenv_json_get(record, "constrains"), out);
    return !out->failed;
}

/* False: no memory. */
static bool hash_canonical(const struct cenv_json *record, enum version version,
                           char *hex)
{
    struct cenv_buf text;
    cenv_buf_init(&text, RECORD_MAX);
    bool done = version == WHOLE_RECORDS ? print_whole(record, &text)
                                         : print_needs(record, &text);
    if (done)
        done = cenv_digest_sha256_hex(cenv_buf_str(&text), hex);
    cenv_buf_release(&text);
    return done;
}

static int read_record(const struct cenv_json *record, enum version version,
                       struct id_record *out, struct cenv_error *err)
{
    unsigned char raw[CENV_SHA256_LEN];
    out->name = cenv_json_get_str(record, "name");
    out->sha256 = cenv_json_get_str(record, "sha256");
    if (!out->name.len || !cenv_unhex(out->sha256, raw, sizeof(raw)))
        return cenv_error_set(err, CENV_EUSAGE,
                              "record '%.*s' has no name or no sha256",
                              CENV_STR_ARG(out->name));
    return hash_canonical(record, version, out->canonical) ? 0 : cenv_error_oom(err);
}

static int read_records(const struct cenv_json *records, enum version version,
                        struct id_record *list, struct cenv_error *err)
{
    const struct cenv_json *record;
    size_t nr = 0;
    int rc = 0;
    cenv_json_each(record, records)
    {
        if (rc == 0)
            rc = read_record(record, version, &list[nr++], err);
    }
    if (rc == 0 && nr > 1)
        qsort(list, nr, sizeof(*list), compare_records);
    return rc;
}

static int hash_template(const struct id_record *list, size_t nr, enum version version,
                         const char *key, const char *base, struct cenv_buf *out,
                         struct cenv_error *err)
{
    char hex[CENV_DIGEST_HEX_MAX];
    struct cenv_buf text;
    cenv_buf_init(&text, SIZE_MAX / 2);
    cenv_buf_addf(&text, "cenv template %d\nlink auto own\nbase %s\nkey %zu %s\n",
                  (int)version, base ? base : "", key ? strlen(key) : 0,
                  key ? key : "");
    for (size_t i = 0; i < nr; i++)
        cenv_buf_addf(&text, "%.*s %s\n", CENV_STR_ARG(list[i].sha256),
                      list[i].canonical);
    bool done = !text.failed && cenv_digest_sha256_hex(cenv_buf_str(&text), hex) &&
                cenv_buf_puts(out, hex);
    cenv_buf_release(&text);
    return done ? 0 : cenv_error_oom(err);
}

static int add_id(const struct cenv_json *records, enum version version,
                  const char *key, const char *base, struct cenv_buf *out,
                  struct cenv_error *err)
{
    size_t nr = cenv_json_len(records);
    struct id_record *list = cenv_calloc(nr + 1, sizeof(*list));
    if (!list)
        return cenv_error_oom(err);
    int rc = read_records(records, version, list, err);
    if (rc == 0)
        rc = hash_template(list, nr, version, key, base, out, err);
    cenv_free(list);
    return rc;
}

bool cenv_template_id_is_told(const struct cenv_json *records)
{
    unsigned char raw[CENV_SHA256_LEN];
    const struct cenv_json *record;
    cenv_json_each(record, records)
    {
        if (!cenv_unhex(cenv_json_get_str(record, "sha256"), raw, sizeof(raw)))
            return false;
    }
    return true;
}

int cenv_template_id_of_records(const struct cenv_json *records, const char *key,
                                const char *base, struct cenv_buf *out,
                                struct cenv_error *err)
{
    return add_id(records, PACKAGES, key, base, out, err);
}

int cenv_template_id_of_whole_records(const struct cenv_json *records, const char *key,
                                      const char *base, struct cenv_buf *out,
                                      struct cenv_error *err)
{
    return add_id(records, WHOLE_RECORDS, key, base, out, err);
}

/* ---- the call ---- */

struct kind {
    const char *key, *base; /* NULL: none */
};

static int write_id(const struct cenv_json *records, const struct kind *kind,
                    struct cenv_buf *out, struct cenv_error *err)
{
    struct cenv_buf id;
    if (cenv_json_type(records) != CENV_JSON_ARRAY)
        return cenv_error_set(err, CENV_EUSAGE, "a template's records are an array");
    if (!cenv_template_id_is_told(records))
        return cenv_buf_puts(out, "null") ? 0 : cenv_error_oom(err);
    cenv_buf_init(&id, CENV_DIGEST_HEX_MAX);
    int rc = cenv_template_id_of_records(records, kind->key, kind->base, &id, err);
    if (rc == 0 && !cenv_json_quote(out, cenv_buf_str(&id)))
        rc = cenv_error_oom(err);
    cenv_buf_release(&id);
    return rc;
}

int cenv_template_id(const char *records_json, const char *options_json,
                     struct cenv_buf *out, struct cenv_error *err)
{
    static const struct cenv_option table[] = {
        {"key", CENV_OPTION_TEXT, offsetof(struct kind, key), NULL},
        {"base", CENV_OPTION_TEXT, offsetof(struct kind, base), NULL},
    };
    static const struct cenv_options options = CENV_OPTIONS("template id", table);
    struct kind kind = {0};
    struct cenv_json *asked = NULL, *records = NULL;
    int rc = cenv_options_parse(&options, &asked, options_json, &kind, err);
    if (rc == 0)
        rc = cenv_json_parse(&records, cenv_str(records_json), "the template's records",
                             err);
    if (rc == 0)
        rc = write_id(records, &kind, out, err);
    cenv_json_free(records);
    cenv_json_free(asked);
    return rc;
}
