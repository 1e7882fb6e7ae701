/* SPDX-License-Identifier: BSD-3-Clause */
/* Records become text again, since a link writes each into conda-meta: see input.h. */
#include "link/input.h"

#include "store/package_entry.h"

enum { PATH_BUF_MAX = 1 << 20 };

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
