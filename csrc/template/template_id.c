/* SPDX-License-Identifier: BSD-3-Clause */
/* The id of a template: see template_id.h. */
#include "template/template_id.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/digest.h"
#include "base/hex.h"

/* A change of what is built from the same input is a new version. */
enum { FORMAT_VERSION = 1, RECORD_MAX = 64 << 20 };

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

/*
 * Where a package came from does not change what it is (docs/design/store.md 4.1). False: no
 * memory.
 */
static bool hash_canonical(const struct cenv_json *record, char *hex)
{
    struct cenv_buf text;
    struct cenv_json *copy = cenv_json_dup(record);
    if (!copy)
        return false;
    cenv_json_remove(copy, "url");
    cenv_json_remove(copy, "channel");
    cenv_json_remove(copy, "channel_url");
    cenv_buf_init(&text, RECORD_MAX);
    bool done = cenv_json_print(copy, CENV_JSON_SORT, &text) &&
                cenv_digest_sha256_hex(cenv_buf_str(&text), hex);
    cenv_buf_release(&text);
    cenv_json_free(copy);
    return done;
}

static int read_record(const struct cenv_json *record, struct id_record *out,
                       struct cenv_error *err)
{
    unsigned char raw[CENV_SHA256_LEN];
    out->name = cenv_json_get_str(record, "name");
    out->sha256 = cenv_json_get_str(record, "sha256");
    if (!out->name.len || !cenv_unhex(out->sha256, raw, sizeof(raw)))
        return cenv_error_set(err, CENV_EUSAGE,
                              "record '%.*s' has no name or no sha256",
                              CENV_STR_ARG(out->name));
    return hash_canonical(record, out->canonical) ? 0 : cenv_error_oom(err);
}

static int read_records(const struct cenv_json *records, struct id_record *list,
                        struct cenv_error *err)
{
    const struct cenv_json *record;
    size_t nr = 0;
    int rc = 0;
    cenv_json_each(record, records)
    {
        if (rc == 0)
            rc = read_record(record, &list[nr++], err);
    }
    if (rc == 0 && nr > 1)
        qsort(list, nr, sizeof(*list), compare_records);
    return rc;
}

static int hash_template(const struct id_record *list, size_t nr, const char *key,
                         const char *base, struct cenv_buf *out, struct cenv_error *err)
{
    char hex[CENV_DIGEST_HEX_MAX];
    struct cenv_buf text;
    cenv_buf_init(&text, SIZE_MAX / 2);
    cenv_buf_addf(&text, "cenv template %d\nlink auto own\nbase %s\nkey %zu %s\n",
                  FORMAT_VERSION, base ? base : "", key ? strlen(key) : 0,
                  key ? key : "");
    for (size_t i = 0; i < nr; i++)
        cenv_buf_addf(&text, "%.*s %s\n", CENV_STR_ARG(list[i].sha256),
                      list[i].canonical);
    bool done = !text.failed && cenv_digest_sha256_hex(cenv_buf_str(&text), hex) &&
                cenv_buf_puts(out, hex);
    cenv_buf_release(&text);
    return done ? 0 : cenv_error_oom(err);
}

int cenv_template_id_of_records(const struct cenv_json *records, const char *key,
                                const char *base, struct cenv_buf *out,
                                struct cenv_error *err)
{
    size_t nr = cenv_json_len(records);
    struct id_record *list = cenv_calloc(nr + 1, sizeof(*list));
    if (!list)
        return cenv_error_oom(err);
    int rc = read_records(records, list, err);
    if (rc == 0)
        rc = hash_template(list, nr, key, base, out, err);
    cenv_free(list);
    return rc;
}
