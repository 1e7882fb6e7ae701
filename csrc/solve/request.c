/* SPDX-License-Identifier: BSD-3-Clause */
/* Parsing of solve requests: see request.h. */
#include "solve/request.h"

#include <stdio.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "codec/options.h"
#include "model/version.h"

enum { RECORD_MAX = 1 << 20 };

struct parser {
    struct cenv_request *request;
    struct cenv_spec_table *specs;
    struct cenv_arena *arena;
    struct cenv_error *err;
};

enum { NR_KINDS = CENV_REQUEST_FAVORED + 1 };

/* The request as it stands in JSON. */
struct members {
    const struct cenv_json *lists[NR_KINDS], *virtuals;
    struct cenv_cutoff_members cutoffs;
    enum cenv_priority priority;
    bool add_pip;
    const char *explain;
};

static const char *const list_keys[NR_KINDS] = {
    [CENV_REQUEST_SPEC] = "specs",
    [CENV_REQUEST_LOCKED] = "locked",
    [CENV_REQUEST_PINNED] = "pinned",
    [CENV_REQUEST_FAVORED] = "favored",
};

static int set_priority(void *out, const struct cenv_json *value,
                        struct cenv_error *err)
{
    static const char *const names[] = {
        [CENV_PRIORITY_FLEXIBLE] = "flexible",
        [CENV_PRIORITY_STRICT] = "strict",
        [CENV_PRIORITY_DISABLED] = "disabled",
    };
    struct members *members = out;
    struct cenv_str text = cenv_json_str(value);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (cenv_str_is(text, names[i])) {
            members->priority = (enum cenv_priority)i;
            return 0;
        }
    return cenv_error_set(
        err, CENV_EUSAGE,
        "channel_priority must be strict, flexible or disabled, not '%.*s'",
        CENV_STR_ARG(text));
}

static int set_cutoff(void *out, const struct cenv_json *value, struct cenv_error *err)
{
    struct members *members = out;
    (void)err;
    members->cutoffs.all = value;
    return 0;
}

#define LIST(key, member) \
    { \
        key, CENV_OPTION_LIST, offsetof(struct members, member), NULL \
    }

static const struct cenv_option table[] = {
    LIST("specs", lists[CENV_REQUEST_SPEC]),
    LIST("locked", lists[CENV_REQUEST_LOCKED]),
    LIST("pinned", lists[CENV_REQUEST_PINNED]),
    LIST("favored", lists[CENV_REQUEST_FAVORED]),
    LIST("virtual_packages", virtuals),
    {"channel_priority", CENV_OPTION_SET, 0, set_priority},
    {"exclude_newer", CENV_OPTION_SET, 0, set_cutoff},
    {"exclude_newer_package", CENV_OPTION_OBJECT,
     offsetof(struct members, cutoffs.packages), NULL},
    {"exclude_newer_channel", CENV_OPTION_OBJECT,
     offsetof(struct members, cutoffs.channels), NULL},
    {"add_pip", CENV_OPTION_BOOL, offsetof(struct members, add_pip), NULL},
    {"explain", CENV_OPTION_TEXT, offsetof(struct members, explain), NULL},
};

static const struct cenv_options options = CENV_OPTIONS("solve", table);

static struct cenv_str copy_text(struct parser *p, struct cenv_str text)
{
    struct cenv_str own = cenv_arena_str(p->arena, text);
    if (!own.data)
        cenv_error_oom(p->err);
    return own;
}

/* The spec has no name, and says something that few packages have (nameless.h). */
static bool is_nameless(const struct cenv_matchspec *spec)
{
    return cenv_str_is(spec->name, "*") &&
           (spec->version.root || spec->build.kind != CENV_STRMATCH_ANY || spec->more);
}

/* The entry of a spec in the table; NULL with `err` set when it is malformed. What is to be
 * installed may be without a name. */
static const struct cenv_spec_entry *find_spec(struct parser *p, struct cenv_str text,
                                               enum cenv_request_kind kind)
{
    const struct cenv_spec_entry *spec = cenv_spec_table_get(p->specs, text, p->err);
    if (!spec || !spec->bad.len ||
        (kind == CENV_REQUEST_SPEC && is_nameless(&spec->parsed)))
        return spec;
    if (spec->parsed.name_is_glob) {
        cenv_error_set(p->err, CENV_ESPEC, "'%.*s' does not name one package",
                       CENV_STR_ARG(text));
        return NULL;
    }
    cenv_error_set(p->err, CENV_ESPEC, "%.*s", CENV_STR_ARG(spec->bad));
    if (spec->hint.len)
        cenv_error_hint(p->err, "%.*s", CENV_STR_ARG(spec->hint));
    return NULL;
}

static int parse_spec(struct parser *p, struct cenv_str text,
                      struct cenv_request_entry *entry)
{
    entry->spec = find_spec(p, cenv_str_trim(text), entry->kind);
    if (!entry->spec)
        return p->err->status;
    entry->text = entry->spec->text;
    return 0;
}

/* A record as text in the arena, so that it reads like one of repodata. */
static struct cenv_str print_record(struct parser *p, const struct cenv_json *object)
{
    struct cenv_buf text;
    cenv_buf_init(&text, RECORD_MAX);
    cenv_json_print(object, 0, &text);
    struct cenv_str own =
        text.failed ? (struct cenv_str){NULL, 0} : copy_text(p, cenv_buf_str(&text));
    if (text.failed == CENV_BUF_FULL)
        cenv_error_set(p->err, CENV_EUSAGE, "a record of the request is too large");
    else if (text.failed)
        cenv_error_oom(p->err);
    cenv_buf_release(&text);
    return own;
}

static struct cenv_str name_record(struct parser *p, const struct cenv_record *record)
{
    struct cenv_buf text;
    cenv_buf_init(&text, RECORD_MAX);
    cenv_buf_addf(&text, "%.*s==%.*s=%.*s", CENV_STR_ARG(record->name),
                  CENV_STR_ARG(record->version), CENV_STR_ARG(record->build));
    struct cenv_str own =
        text.failed ? (struct cenv_str){NULL, 0} : copy_text(p, cenv_buf_str(&text));
    if (text.failed)
        cenv_error_oom(p->err);
    cenv_buf_release(&text);
    return own;
}

/* What a record says of itself: the request has no channel's repodata around it. */
static int set_origin(struct parser *p, const struct cenv_json *object,
                      struct cenv_record *record)
{
    record->channel = copy_text(p, cenv_json_get_str(object, "channel"));
    record->url = copy_text(p, cenv_json_get_str(object, "url"));
    record->subdir = copy_text(p, cenv_json_get_str(object, "subdir"));
    return record->channel.data && record->url.data && record->subdir.data
               ? 0
               : CENV_ENOMEM;
}

static int parse_record(struct parser *p, const struct cenv_json *object,
                        struct cenv_request_entry *entry)
{
    struct cenv_record_origin origin = {.channel_rank = UINT32_MAX};
    struct cenv_record *record = cenv_arena_calloc(p->arena, 1, sizeof(*record));
    struct cenv_str text = print_record(p, object);
    struct cenv_str fn = copy_text(p, cenv_json_get_str(object, "fn"));
    if (!record || !text.data || !fn.data)
        return cenv_error_oom(p->err);
    int rc = cenv_record_parse(record, text, fn, &origin, p->arena, p->err);
    if (rc < 0) {
        cenv_error_prefix(p->err, "a record of the request");
        return rc;
    }
    entry->record = record;
    entry->text = name_record(p, record);
    if (!entry->text.data || set_origin(p, object, record) < 0)
        return cenv_error_oom(p->err);
    return 0;
}

static int parse_entry(struct parser *p, const struct cenv_json *item, const char *key,
                       struct cenv_request_entry *entry)
{
    struct cenv_str text = cenv_json_str(item);
    bool records =
        entry->kind == CENV_REQUEST_LOCKED || entry->kind == CENV_REQUEST_FAVORED;
    if (text.data)
        return parse_spec(p, text, entry);
    if (records && cenv_json_type(item) == CENV_JSON_OBJECT)
        return parse_record(p, item, entry);
    return cenv_error_set(p->err, CENV_EUSAGE, "%s must be a list of %s", key,
                          records ? "specs or records" : "specs");
}

static int parse_entries(struct parser *p, const struct members *members)
{
    struct cenv_request *r = p->request;
    size_t nr = 0;
    for (int kind = 0; kind < NR_KINDS; kind++)
        nr += cenv_json_len(members->lists[kind]);
    r->entries = cenv_arena_calloc(p->arena, nr, sizeof(*r->entries));
    if (!r->entries)
        return cenv_error_oom(p->err);
    for (int kind = 0; kind < NR_KINDS; kind++) {
        const struct cenv_json *item;
        cenv_json_each(item, members->lists[kind])
        {
            struct cenv_request_entry *entry = &r->entries[r->nr_entries++];
            entry->kind = (enum cenv_request_kind)kind;
            int rc = parse_entry(p, item, list_keys[kind], entry);
            if (rc < 0)
                return rc;
        }
    }
    return 0;
}

static int parse_virtual(struct parser *p, const struct cenv_json *item,
                         struct cenv_record *out)
{
    const struct cenv_json *name = cenv_json_first(item);
    const struct cenv_json *version = name ? cenv_json_next(name) : NULL;
    const struct cenv_json *build = version ? cenv_json_next(version) : NULL;
    struct cenv_version *parsed = cenv_arena_calloc(p->arena, 1, sizeof(*parsed));
    if (!cenv_json_cstr(name) || !cenv_json_cstr(version) ||
        cenv_json_type(item) != CENV_JSON_ARRAY)
        return cenv_error_set(
            p->err, CENV_EUSAGE,
            "virtual_packages must be a list of [name, version, build]");
    out->name = copy_text(p, cenv_json_str(name));
    out->version = copy_text(p, cenv_json_str(version));
    out->build =
        copy_text(p, cenv_json_cstr(build) ? cenv_json_str(build) : CENV_STR("0"));
    if (!out->name.data || !out->version.data || !out->build.data || !parsed)
        return cenv_error_oom(p->err);
    int rc = cenv_version_parse(parsed, out->version, p->arena, p->err);
    if (rc < 0) {
        cenv_error_prefix(p->err, "virtual package %s", out->name.data);
        return rc;
    }
    out->parsed = parsed;
    return 0;
}

static int parse_virtuals(struct parser *p, const struct cenv_json *list)
{
    struct cenv_request *r = p->request;
    const struct cenv_json *item;
    r->virtuals =
        cenv_arena_calloc(p->arena, cenv_json_len(list), sizeof(*r->virtuals));
    if (!r->virtuals)
        return cenv_error_oom(p->err);
    cenv_json_each(item, list)
    {
        int rc = parse_virtual(p, item, &r->virtuals[r->nr_virtuals]);
        if (rc < 0)
            return rc;
        r->nr_virtuals++;
    }
    return 0;
}

static int parse_members(struct parser *p, const struct members *members)
{
    struct cenv_request *r = p->request;
    int rc = parse_entries(p, members);
    if (rc == 0)
        rc = parse_virtuals(p, members->virtuals);
    if (rc == 0)
        rc = cenv_cutoffs_parse(&r->cutoffs, &members->cutoffs, p->arena, p->err);
    if (rc < 0)
        return rc;
    r->priority = members->priority;
    r->add_pip = members->add_pip;
    r->explain = copy_text(p, cenv_str(members->explain ? members->explain : ""));
    return p->err->status;
}

int cenv_request_parse(struct cenv_request *out, const char *json,
                       struct cenv_spec_table *specs, struct cenv_arena *arena,
                       struct cenv_error *err)
{
    struct cenv_json *root = NULL;
    struct parser p = {.request = out, .specs = specs, .arena = arena, .err = err};
    struct members members = {.add_pip = false};
    *out = (struct cenv_request){0};
    int rc = cenv_json_parse(&root, cenv_str(json), "the solve request", err);
    if (rc == 0)
        rc = cenv_options_read(&options, root, &members, err);
    if (rc == 0)
        rc = parse_members(&p, &members);
    cenv_json_free(root);
    return rc;
}

int cenv_request_parse_virtuals(struct cenv_request *out, const struct cenv_json *list,
                                struct cenv_arena *arena, struct cenv_error *err)
{
    struct parser p = {.request = out, .arena = arena, .err = err};
    *out = (struct cenv_request){0};
    return parse_virtuals(&p, list);
}

struct cenv_str cenv_request_entry_name(const struct cenv_request_entry *entry)
{
    return entry->record ? entry->record->name : entry->spec->parsed.name;
}

const struct cenv_record *cenv_request_virtual(const struct cenv_request *request,
                                               struct cenv_str name)
{
    for (size_t i = 0; i < request->nr_virtuals; i++)
        if (cenv_str_eq(request->virtuals[i].name, name))
            return &request->virtuals[i];
    return NULL;
}
