/* SPDX-License-Identifier: BSD-3-Clause */
/* The heads of archives: see archive_head.h. */
#include "archive/archive_head.h"

#include "archive/archive.h"
#include "base/digest.h"
#include "base/hex.h"
#include "model/channel.h"
#include "model/matchspec_match.h"
#include "model/path_entry.h"
#include "model/platform.h"
#include "model/spec_text.h"
#include "os/path.h"
#include "store/template_entry.h"
#include "template/template_id.h"

enum { URL_MAX = 64 << 10 };

/* A head under examination. */
struct examined {
    struct cenv_archive_head *head;
    const struct cenv_request *machine;
    struct cenv_arena *arena;
    struct cenv_error *err;
};

static int refuse_head(const struct examined *x, const char *why)
{
    return cenv_error_set(x->err, CENV_EINTEGRITY, "%s", why);
}

/* ---- the machine ---- */

static bool machine_has(const struct cenv_request *machine,
                        const struct cenv_matchspec *spec)
{
    for (size_t i = 0; i < machine->nr_virtuals; i++) {
        const struct cenv_record *have = &machine->virtuals[i];
        if (cenv_matchspec_match_nvb(spec, have->name, have->parsed, have->build))
            return true;
    }
    return false;
}

/* Solved for another machine: what its packages want of this one must be here. */
static int check_depend(const struct examined *x, struct cenv_str text,
                        struct cenv_str name)
{
    struct cenv_matchspec spec;
    struct cenv_error bad = CENV_ERROR_INIT;
    if (!cenv_str_starts(text, CENV_STR("__")))
        return 0;
    int rc = cenv_matchspec_parse(&spec, text, x->arena, &bad);
    cenv_error_release(&bad);
    if (rc < 0 || machine_has(x->machine, &spec))
        return 0;
    cenv_error_set(x->err, CENV_EPREFIX,
                   "package %.*s in it needs %.*s, which this machine does not have",
                   CENV_STR_ARG(name), CENV_STR_ARG(text));
    return cenv_error_hint(x->err, "build the template on this machine instead");
}

static int check_subdir(const struct examined *x)
{
    const char *subdir = cenv_json_get_cstr(x->head->json, "subdir");
    if (subdir && strcmp(subdir, cenv_platform_subdir()) == 0)
        return 0;
    cenv_error_set(x->err, CENV_EPREFIX, "it is for %s, this machine is %s",
                   subdir ? subdir : "no platform", cenv_platform_subdir());
    return cenv_error_hint(x->err, "export it on a machine of this kind");
}

static int check_depends(const struct examined *x, const struct cenv_json *record)
{
    struct cenv_str name = cenv_json_get_str(record, "name");
    const struct cenv_json *text;
    int rc = 0;
    cenv_json_each(text, cenv_json_get(record, "depends"))
    {
        if (rc == 0)
            rc = check_depend(x, cenv_json_str(text), name);
    }
    return rc;
}

static int check_machine(const struct examined *x)
{
    const struct cenv_json *record;
    int rc = check_subdir(x);
    cenv_json_each(record, cenv_json_get(x->head->doc, "records"))
    {
        if (rc == 0)
            rc = check_depends(x, record);
    }
    return rc;
}

/* ---- its records ---- */

static int refuse_record(const struct examined *x, const struct cenv_json *record,
                         const char *why)
{
    return cenv_error_set(x->err, CENV_EINTEGRITY, "the record of '%.200s' %s",
                          cenv_json_get_cstr(record, "name"), why);
}

static bool is_package_url(struct cenv_str url)
{
    return url.len <= URL_MAX && (cenv_str_ends(url, CENV_STR(".conda")) ||
                                  cenv_str_ends(url, CENV_STR(".tar.bz2")));
}

/* It is written into the store, which has no secrets of anybody, and fetched by its URL. */
static int check_record(const struct examined *x, const struct cenv_json *record)
{
    unsigned char raw[CENV_SHA256_LEN];
    struct cenv_str url = cenv_json_get_str(record, "url");
    if (!cenv_json_get_str(record, "name").len)
        return refuse_head(x, "a record of it has no name");
    if (!cenv_unhex(cenv_json_get_str(record, "sha256"), raw, sizeof(raw)))
        return refuse_record(x, record, "has no SHA-256");
    if (!is_package_url(url))
        return refuse_record(x, record, "has no URL of a package");
    if (cenv_channel_has_secrets(url) ||
        cenv_channel_has_secrets(cenv_json_get_str(record, "channel")))
        return refuse_record(x, record, "has a login, token or query in a URL");
    return 0;
}

static int check_records(const struct examined *x)
{
    const struct cenv_json *record;
    int rc = 0;
    cenv_json_each(record, cenv_json_get(x->head->doc, "records"))
    {
        if (rc == 0)
            rc = check_record(x, record);
    }
    return rc;
}

/* ---- the template ---- */

typedef int (*id_fn)(const struct cenv_json *records, const char *key, const char *base,
                     struct cenv_buf *out, struct cenv_error *err);

/* 0 when that is the id, 1 not, or a status. */
static int compare_id(const struct examined *x, id_fn add_id)
{
    const struct cenv_json *doc = x->head->doc;
    struct cenv_buf id;
    cenv_buf_init(&id, CENV_DIGEST_HEX_MAX);
    int rc = add_id(cenv_json_get(doc, "records"), cenv_json_get_cstr(doc, "key"),
                    cenv_json_get_cstr(doc, "base"), &id, x->err);
    if (rc == 0)
        rc = !cenv_str_is(cenv_buf_str(&id), x->head->id);
    cenv_buf_release(&id);
    return rc;
}

/* The id says what it is: computed again from the records. */
static int check_id(const struct examined *x)
{
    int rc = compare_id(x, cenv_template_id_of_records);
    if (rc == 1)
        rc = compare_id(x, cenv_template_id_of_whole_records);
    if (rc == 1)
        rc = refuse_head(x, "its records are not those of its template");
    return rc;
}

/* All templates lay at <store>/templates/<id>/prefix. */
static bool is_template_prefix(const struct cenv_archive_head *head)
{
    struct cenv_str path = cenv_str(head->from), parent = cenv_path_parent(path);
    return path.data[0] == '/' && path.len <= CENV_PREFIX_MAX &&
           cenv_str_is(cenv_path_base(path), CENV_TEMPLATE_PREFIX) &&
           cenv_str_is(cenv_path_base(parent), head->id);
}

/* What was asked for is a label, in which a URL may stand. */
static int clean_labels(const struct examined *x)
{
    static const char *const keys[] = {"specs", "channels"};
    struct cenv_json *doc = cenv_json_get(x->head->json, "template");
    int rc = 0;
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]) && rc == 0; i++) {
        const struct cenv_json *list = cenv_json_get(doc, keys[i]);
        rc = cenv_spec_text_clean_list(doc, keys[i], &list, x->err);
    }
    return rc;
}

static int set_fields(const struct examined *x, int first, int last)
{
    struct cenv_archive_head *head = x->head;
    int64_t format = cenv_json_get_int(head->json, "format", 0);
    if (format < first || format > last)
        return refuse_head(x, "it is of another format than this cenv reads");
    head->doc = cenv_json_get(head->json, "template");
    head->id = cenv_json_get_cstr(head->doc, "id");
    head->from = cenv_json_get_cstr(head->json, "prefix");
    if (!head->id || !head->from || !is_template_prefix(head))
        return refuse_head(x, "its template.json is not whole");
    return 0;
}

static int examine_head(const struct examined *x, int first, int last)
{
    int rc = set_fields(x, first, last);
    if (rc == 0 && !cenv_template_entry_fits(x->head->doc))
        rc = refuse_head(x, "its template.json has values of other types");
    if (rc == 0)
        rc = check_records(x);
    if (rc == 0)
        rc = check_id(x);
    if (rc == 0)
        rc = clean_labels(x);
    if (rc == 0 && cenv_json_get_true(x->head->doc, "transient"))
        rc = refuse_head(x, "its template serves one run only");
    if (rc == 0 && x->machine)
        rc = check_machine(x);
    return rc;
}

int cenv_archive_head_read(struct cenv_archive_head *head,
                           struct cenv_archive_reader *reader, unsigned n,
                           const struct cenv_request *machine, struct cenv_arena *arena)
{
    struct examined x = {head, machine, arena, reader->err};
    *head = (struct cenv_archive_head){0};
    if (reader->member.type != CENV_MEMBER_FILE ||
        !cenv_archive_is(reader->member.path, n, CENV_ARCHIVE_HEAD))
        return cenv_archive_reader_refuse(reader, "it is no archive of templates");
    int rc = cenv_archive_reader_text(reader, "its template.json", &head->json,
                                      head->sha256);
    if (rc == 0)
        rc = examine_head(&x, CENV_ARCHIVE_FORMAT_FIRST, CENV_ARCHIVE_FORMAT_LAST);
    return rc;
}

int cenv_archive_head_parse(struct cenv_archive_head *head, struct cenv_str text,
                            const char *what, int first, int last,
                            const struct cenv_request *machine,
                            struct cenv_arena *arena, struct cenv_error *err)
{
    struct examined x = {head, machine, arena, err};
    *head = (struct cenv_archive_head){0};
    int rc = cenv_json_parse(&head->json, text, what, err);
    if (rc == 0)
        rc = examine_head(&x, first, last);
    return rc;
}

void cenv_archive_head_release(struct cenv_archive_head *head)
{
    cenv_json_free(head->json);
    *head = (struct cenv_archive_head){0};
}
