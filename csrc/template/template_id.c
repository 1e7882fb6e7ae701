/* SPDX-License-Identifier: BSD-3-Clause */
/* The id of a template: what shapes it, as a hash (docs/design/store.md 4.1). */
#include "template/template_id.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/digest.h"
#include "base/hex.h"

enum { FORMAT_VERSION = 1 };

struct id_record {
    struct cenv_str name, sha256;
    char canonical[CENV_DIGEST_HEX_MAX];
};

static int compare_records(const void *a, const void *b)
{
    const struct id_record *left = a, *right = b;
    int order = cenv_str_cmp(left->name, right->name);
    if (order == 0)
        order = cenv_str_cmp(left->sha256, right->sha256);
    return order;
}

/* Where a package came from does not change what it is (docs/design/store.md 4.1). */
static int canonical_hash(const struct cenv_json *record, char *hex)
{
    struct cenv_buf text;
    struct cenv_json *copy = cenv_json_dup(record);
    if (!copy)
        return -1;
    cenv_json_remove(copy, "url");
    cenv_json_remove(copy, "channel");
    cenv_buf_init(&text, 64 << 20);
    int rc = cenv_json_print(copy, CENV_JSON_SORT, &text);
    if (rc == 0)
        rc = cenv_digest_sha256_hex(cenv_buf_str(&text), hex);
    cenv_buf_release(&text);
    cenv_json_free(copy);
    return rc;
}

static int take_record(const struct cenv_json *record, struct id_record *out,
                       struct cenv_error *err)
{
    unsigned char raw[CENV_SHA256_LEN];
    out->name = cenv_json_get_str(record, "name");
    out->sha256 = cenv_json_get_str(record, "sha256");
    if (!out->name.len || !cenv_unhex(out->sha256, raw, sizeof(raw)))
        return cenv_error_set(err, CENV_EUSAGE,
                              "record '%.*s' has no name or no sha256",
                              CENV_STR_ARG(out->name));
    return canonical_hash(record, out->canonical) < 0 ? cenv_error_oom(err) : 0;
}

static void add_id_text(const struct id_record *list, size_t nr, const char *key,
                        const char *base, struct cenv_buf *text)
{
    cenv_buf_addf(text, "cenv template %d\nlink auto own\nbase %s\nkey %zu %s\n",
                  FORMAT_VERSION, base ? base : "", key ? strlen(key) : 0,
                  key ? key : "");
    for (size_t i = 0; i < nr; i++)
        cenv_buf_addf(text, "%.*s %s\n", CENV_STR_ARG(list[i].sha256),
                      list[i].canonical);
}

int cenv_template_id_of_records(const struct cenv_json *records, const char *key,
                                const char *base, struct cenv_buf *out,
                                struct cenv_error *err)
{
    size_t nr = 0;
    int rc = 0;
    char hex[CENV_DIGEST_HEX_MAX];
    const struct cenv_json *record;
    struct cenv_buf text;
    struct id_record *list = cenv_calloc(cenv_json_len(records), sizeof(*list));
    if (!list)
        return cenv_error_oom(err);
    cenv_json_each(record, records)
    {
        if (rc == 0)
            rc = take_record(record, &list[nr++], err);
    }
    cenv_buf_init(&text, SIZE_MAX / 2);
    if (rc == 0) {
        if (nr > 1)
            qsort(list, nr, sizeof(*list), compare_records);
        add_id_text(list, nr, key, base, &text);
        if (text.failed || cenv_digest_sha256_hex(cenv_buf_str(&text), hex) < 0 ||
            cenv_buf_puts(out, hex) < 0)
            rc = cenv_error_oom(err);
    }
    cenv_buf_release(&text);
    cenv_free(list);
    return rc;
}
