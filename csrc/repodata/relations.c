/* SPDX-License-Identifier: BSD-3-Clause */
/* What channels say of other channels (CEP 42). Nothing is wrong with it until it is followed, so
 * that a user who does not can use a channel that gets it wrong. */
#include "codec/json.h"
#include "codec/json_writer.h"
#include "repodata/index.h"

enum { TEXT_MAX = 64 << 10 };

static int refuse(const struct cenv_record_origin *origin, const char *why,
                  struct cenv_error *err)
{
    cenv_error_set(err, CENV_ECHANNEL, "channel_relations of %.*s/%.*s %s",
                   CENV_STR_ARG(origin->channel_url), CENV_STR_ARG(origin->subdir),
                   why);
    return cenv_error_hint(err, "tell the channel's owner, or set "
                                "channel_relations_max_depth: 0 in .condarc");
}

/* A member that may be absent or null, and is a string else. */
static bool write_reference(const struct cenv_json *relations, const char *key,
                            struct cenv_json_writer *w)
{
    const struct cenv_json *value = cenv_json_get(relations, key);
    enum cenv_json_type type = cenv_json_type(value);

    if (type == CENV_JSON_STRING)
        cenv_json_write_str(w, key, cenv_json_str(value));
    return type == CENV_JSON_STRING || type == CENV_JSON_NULL ||
           type == CENV_JSON_ABSENT;
}

static int write_relations(const struct cenv_record_origin *origin,
                           const struct cenv_json *relations,
                           struct cenv_json_writer *w, struct cenv_error *err)
{
    if (cenv_json_type(relations) == CENV_JSON_NULL) {
        cenv_json_write_null(w, NULL);
        return 0;
    }
    if (cenv_json_type(relations) != CENV_JSON_OBJECT)
        return refuse(origin, "are not an object", err);
    cenv_json_write_object(w, NULL);
    bool texts = write_reference(relations, "base", w);
    texts &= write_reference(relations, "overrides", w);
    cenv_json_write_end(w);
    return texts ? 0 : refuse(origin, "have a base or overrides that is no text", err);
}

static int write_source(const struct cenv_index *index, size_t i,
                        struct cenv_json_writer *w, struct cenv_error *err)
{
    const struct cenv_record_origin *origin = cenv_index_origin(index, i);
    struct cenv_str text = cenv_index_relations_of(index, i);
    struct cenv_json *relations = NULL;

    if (!text.len) {
        cenv_json_write_null(w, NULL);
        return 0;
    }
    if (text.len > TEXT_MAX)
        return refuse(origin, "are longer than 64 KiB", err);
    int rc = cenv_json_parse(&relations, text, "channel_relations", err);
    if (rc == 0)
        rc = write_relations(origin, relations, w, err);
    cenv_json_free(relations);
    return rc;
}

int cenv_index_relations(const struct cenv_index *index, struct cenv_task *task,
                         struct cenv_buf *out, struct cenv_error *err)
{
    struct cenv_json_writer w;
    int rc = 0;

    cenv_json_writer_init(&w, out, 0);
    cenv_json_write_array(&w, NULL);
    for (size_t i = 0; rc == 0 && i < cenv_index_nr_sources(index); i++) {
        rc = write_source(index, i, &w, err);
        if (rc == 0)
            rc = cenv_task_poll(task, err);
    }
    cenv_json_write_end(&w);
    if (rc < 0)
        return rc;
    return cenv_json_writer_finish(&w, err);
}
