/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The template of a list of packages, without the packages. A list tells less of each than its id
 * is made of, so the templates that are there are looked through.
 */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/map.h"
#include "cenv.h"
#include "codec/options.h"
#include "store/layout.h"
#include "store/template_entry.h"

struct search {
    struct cenv_store *store;
    const struct cenv_json **records;
    struct cenv_map by_name; /* positions in `records` */
    const char *key, *base;  /* NULL: none */
    char id[CENV_TEMPLATE_ID_LEN + 1];
    bool found;
};

/* ---- comparing ---- */

static bool is_same_text(const char *wanted, const struct cenv_json *doc,
                         const char *member)
{
    const char *built = cenv_json_get_cstr(doc, member);
    return wanted && built ? strcmp(wanted, built) == 0 : !wanted && !built;
}

/* A list may be silent about what a package needs; where it is not, that counts. */
static bool needs_same(const struct cenv_json *wanted, const struct cenv_json *built,
                       const char *member)
{
    const struct cenv_json *list = cenv_json_get(wanted, member);
    const struct cenv_json *other = cenv_json_first(cenv_json_get(built, member));
    const struct cenv_json *item;
    if (!list)
        return true;
    cenv_json_each(item, list)
    {
        if (!other || !cenv_str_eq(cenv_json_str(item), cenv_json_str(other)))
            return false;
        other = cenv_json_next(other);
    }
    return !other;
}

/* By the strongest hash that the list tells; without any, what is at its URL. */
static bool is_same_package(const struct cenv_json *wanted,
                            const struct cenv_json *built)
{
    static const char *const proofs[] = {"sha256", "md5", "url"};
    for (size_t i = 0; i < sizeof(proofs) / sizeof(proofs[0]); i++) {
        struct cenv_str proof = cenv_json_get_str(wanted, proofs[i]);
        if (proof.len)
            return cenv_str_eq(proof, cenv_json_get_str(built, proofs[i])) &&
                   needs_same(wanted, built, "depends") &&
                   needs_same(wanted, built, "constrains");
    }
    return false;
}

static bool has_same_packages(const struct search *search, const struct cenv_json *doc)
{
    const struct cenv_json *built = cenv_json_get(doc, "records"), *record;
    if (cenv_json_len(built) != search->by_name.nr)
        return false;
    cenv_json_each(record, built)
    {
        uint32_t at = cenv_map_get(&search->by_name, cenv_json_get_str(record, "name"));
        if (at == CENV_NONE || !is_same_package(search->records[at], record))
            return false;
    }
    return true;
}

/* ---- looking ---- */

static int look_at_template(void *ctx, const struct cenv_dirent *entry,
                            struct cenv_error *err)
{
    struct search *search = ctx;
    struct cenv_json *doc = NULL;
    struct cenv_stat st;
    if (search->found)
        return 0;
    int rc = cenv_template_entry_load(search->store, entry->name, &doc, &st, err);
    if (rc == 0 && is_same_text(search->key, doc, "key") &&
        is_same_text(search->base, doc, "base") && has_same_packages(search, doc)) {
        snprintf(search->id, sizeof(search->id), "%s", entry->name);
        search->found = true;
    }
    cenv_json_free(doc);
    return rc < 0 ? rc : 0;
}

/* 1 for a list that no template is of: it names a package twice. */
static int read_records(struct search *search, const struct cenv_json *list,
                        struct cenv_error *err)
{
    const struct cenv_json *record;
    size_t nr = 0;
    search->records = cenv_calloc(cenv_json_len(list) + 1, sizeof(*search->records));
    if (!search->records)
        return cenv_error_oom(err);
    cenv_json_each(record, list)
    {
        search->records[nr] = record;
        if (!cenv_map_put(&search->by_name, cenv_json_get_str(record, "name"),
                          (uint32_t)nr++))
            return cenv_error_oom(err);
    }
    return search->by_name.nr == nr ? 0 : 1;
}

static int parse_records(struct search *search, const char *text,
                         struct cenv_json **doc, struct cenv_error *err)
{
    int rc = cenv_json_parse(doc, cenv_str(text), "a list of packages", err);
    if (rc == 0 && cenv_json_type(*doc) != CENV_JSON_ARRAY)
        rc = cenv_error_set(err, CENV_EUSAGE, "a list of packages is an array");
    if (rc == 0)
        rc = read_records(search, *doc, err);
    return rc;
}

static int search_store(struct search *search, struct cenv_task *task,
                        struct cenv_buf *out, struct cenv_error *err)
{
    int rc = cenv_layout_each(search->store, CENV_STORE_TEMPLATES, task,
                              look_at_template, search, err);
    if (rc < 0)
        return rc;
    if (!search->found)
        return 1;
    return cenv_template_find(search->store, search->id, out, err);
}

int cenv_template_find_packages(struct cenv_store *store, const char *records_json,
                                const char *options_json, struct cenv_task *task,
                                struct cenv_buf *out, struct cenv_error *err)
{
    static const struct cenv_option table[] = {
        {"key", CENV_OPTION_TEXT, offsetof(struct search, key), NULL},
        {"base", CENV_OPTION_TEXT, offsetof(struct search, base), NULL},
    };
    static const struct cenv_options options = CENV_OPTIONS("template find", table);
    struct search search = {.store = store};
    struct cenv_json *asked = NULL, *records = NULL;
    int rc = cenv_options_parse(&options, &asked, options_json, &search, err);
    if (rc == 0)
        rc = parse_records(&search, records_json, &records, err);
    if (rc == 0)
        rc = search_store(&search, task, out, err);
    if (rc == 1)
        rc = cenv_buf_puts(out, "null") ? 0 : cenv_error_oom(err);
    cenv_map_release(&search.by_name);
    cenv_free(search.records);
    cenv_json_free(records);
    cenv_json_free(asked);
    return rc;
}
