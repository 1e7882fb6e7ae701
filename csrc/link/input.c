/* SPDX-License-Identifier: BSD-3-Clause */
/* Records become text again, since a link writes each into conda-meta: see input.h. */
#include "link/input.h"

#include "base/alloc.h"
#include "base/map.h"
#include "os/path.h"
#include "store/package_entry.h"

enum { PATH_BUF_MAX = 1 << 20 };

struct cenv_str cenv_link_input_build(const struct cenv_json *record)
{
    struct cenv_str build = cenv_json_get_str(record, "build");

    return build.len ? build : cenv_json_get_str(record, "build_string");
}

int cenv_link_input_dist(const struct cenv_json *record, struct cenv_arena *arena,
                         struct cenv_str *out, struct cenv_error *err)
{
    struct cenv_str name = cenv_json_get_str(record, "name");
    struct cenv_str version = cenv_json_get_str(record, "version");
    struct cenv_str build = cenv_link_input_build(record);
    struct cenv_buf text;

    cenv_buf_init(&text, CENV_JSON_MAX_SIZE);
    cenv_buf_addf(&text, "%.*s-%.*s-%.*s", CENV_STR_ARG(name), CENV_STR_ARG(version),
                  CENV_STR_ARG(build));
    struct cenv_str dist = cenv_arena_str(arena, cenv_buf_str(&text));
    bool failed = text.failed || !dist.data;
    cenv_buf_release(&text);
    if (failed)
        return cenv_error_oom(err);
    if (!name.len || !version.len || !build.len || !cenv_path_is_name(dist) ||
        dist.len > CENV_PATH_NAME_MAX - 5)
        return cenv_error_set(
            err, CENV_EINTEGRITY,
            "a record to link has no usable name, version or build: '%.*s'",
            CENV_STR_ARG(dist));
    *out = dist;
    return 0;
}

static int read_package(const struct cenv_store *store, const struct cenv_json *record,
                        struct cenv_arena *arena, struct cenv_link_package *out,
                        struct cenv_error *err)
{
    struct cenv_buf text, content;

    cenv_buf_init(&text, CENV_JSON_MAX_SIZE);
    cenv_buf_init(&content, PATH_BUF_MAX);
    int rc = cenv_package_entry_add_path(store, cenv_json_get_str(record, "sha256"),
                                         &content, err);
    if (rc == 0 && !cenv_json_print(record, 0, &text))
        rc = cenv_error_oom(err);
    if (rc == 0) {
        out->record = cenv_arena_str(arena, cenv_buf_str(&text));
        out->content = cenv_arena_str(arena, cenv_buf_str(&content)).data;
        if (!out->record.data || !out->content)
            rc = cenv_error_oom(err);
    }
    cenv_buf_release(&text);
    cenv_buf_release(&content);
    return rc;
}

static bool is_same(const struct cenv_json *a, const struct cenv_json *b,
                    const char *key)
{
    return cenv_str_eq(cenv_json_get_str(a, key), cenv_json_get_str(b, key));
}

static int refuse_second(const struct cenv_json *first, const struct cenv_json *second,
                         struct cenv_error *err)
{
    const char *key = is_same(first, second, "fn") ? "url" : "fn";
    const char *a = cenv_json_get_cstr(first, key);
    const char *b = cenv_json_get_cstr(second, key);

    cenv_error_set(err, CENV_ESPEC,
                   "the package '%.128s' is listed twice: %.300s and %.300s",
                   cenv_json_get_cstr(first, "name"), a ? a : "", b ? b : "");
    return cenv_error_hint(err, "take one of them out of the list");
}

int cenv_link_input_check(const struct cenv_json *records, struct cenv_error *err)
{
    struct cenv_map names = {NULL, 0, 0};
    const struct cenv_json *record, *first;
    const struct cenv_json **list =
        cenv_calloc(cenv_json_len(records) + 1, sizeof(*list));
    uint32_t nr = 0;
    int rc = list ? 0 : cenv_error_oom(err);

    cenv_json_each(record, records)
    {
        struct cenv_str name = cenv_json_get_str(record, "name");
        if (rc < 0 || !name.len)
            continue;
        uint32_t known = cenv_map_get(&names, name);
        first = known == CENV_NONE ? record : list[known];
        list[nr] = record;
        if (!is_same(first, record, "fn") || !is_same(first, record, "url"))
            rc = refuse_second(first, record, err);
        else if (known == CENV_NONE && !cenv_map_put(&names, name, nr++))
            rc = cenv_error_oom(err);
    }
    cenv_map_release(&names);
    cenv_free(list);
    return rc;
}

int cenv_link_input_packages(const struct cenv_store *store,
                             const struct cenv_json *records, struct cenv_arena *arena,
                             struct cenv_link_package **out, size_t *nr,
                             struct cenv_error *err)
{
    const struct cenv_json *record;
    struct cenv_link_package *list =
        cenv_arena_calloc(arena, cenv_json_len(records) + 1, sizeof(*list));
    size_t at = 0;
    int rc = 0;

    if (!list)
        return cenv_error_oom(err);
    cenv_json_each(record, records)
    {
        if (rc == 0)
            rc = read_package(store, record, arena, &list[at++], err);
    }
    *out = list;
    *nr = at;
    return rc;
}

int cenv_link_input_specs(const struct cenv_json *specs, struct cenv_arena *arena,
                          struct cenv_link_options *options, struct cenv_error *err)
{
    const struct cenv_json *spec;
    struct cenv_str *list =
        cenv_arena_calloc(arena, cenv_json_len(specs) + 1, sizeof(*list));

    if (!list)
        return cenv_error_oom(err);
    options->nr_specs = 0;
    cenv_json_each(spec, specs)
    {
        if (cenv_json_type(spec) == CENV_JSON_STRING)
            list[options->nr_specs++] = cenv_json_str(spec);
    }
    options->specs = list;
    return 0;
}
