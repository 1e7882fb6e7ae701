/* SPDX-License-Identifier: BSD-3-Clause */
/* Names and places of channels: see channelnames.h. */
#include "model/channelnames.h"

#include "codec/json.h"

struct parser {
    struct cenv_channelnames *names;
    struct cenv_arena *arena;
    struct cenv_error *err;
};

static int copy_text(struct parser *p, struct cenv_str text, struct cenv_str *out)
{
    *out = cenv_arena_str(p->arena, text);
    return out->data ? 0 : cenv_error_oom(p->err);
}

static int refuse(struct parser *p, const char *key)
{
    return cenv_error_set(p->err, CENV_EUSAGE, "%s of channels is of another shape",
                          key);
}

static int parse_places(struct parser *p, const struct cenv_json *object)
{
    const struct cenv_json *item;
    struct cenv_channelnames *names = p->names;
    names->places =
        cenv_arena_calloc(p->arena, cenv_json_len(object), sizeof(*names->places));
    if (!names->places)
        return cenv_error_oom(p->err);
    cenv_json_each(item, object)
    {
        struct cenv_channel_place *place = &names->places[names->nr_places++];
        if (cenv_json_type(item) != CENV_JSON_STRING)
            return refuse(p, "places");
        if (copy_text(p, cenv_str(cenv_json_key(item)), &place->name) < 0 ||
            copy_text(p, cenv_json_str(item), &place->url) < 0)
            return p->err->status;
    }
    return 0;
}

static int parse_group(struct parser *p, const struct cenv_json *list)
{
    const struct cenv_json *item;
    struct cenv_channel_group *group = &p->names->groups[p->names->nr_groups++];
    if (cenv_json_type(list) != CENV_JSON_ARRAY)
        return refuse(p, "groups");
    group->members =
        cenv_arena_calloc(p->arena, cenv_json_len(list), sizeof(*group->members));
    if (!group->members)
        return cenv_error_oom(p->err);
    int rc = copy_text(p, cenv_str(cenv_json_key(list)), &group->name);
    cenv_json_each(item, list)
    {
        if (cenv_json_type(item) != CENV_JSON_STRING)
            return refuse(p, "groups");
        if (rc == 0)
            rc = copy_text(p, cenv_json_str(item), &group->members[group->nr++]);
    }
    return rc;
}

static int parse_groups(struct parser *p, const struct cenv_json *object)
{
    const struct cenv_json *item;
    struct cenv_channelnames *names = p->names;
    int rc = 0;
    names->groups =
        cenv_arena_calloc(p->arena, cenv_json_len(object), sizeof(*names->groups));
    if (!names->groups)
        return cenv_error_oom(p->err);
    cenv_json_each(item, object)
    {
        if (rc == 0)
            rc = parse_group(p, item);
    }
    return rc;
}

int cenv_channelnames_parse(struct cenv_channelnames *out, struct cenv_str json,
                            struct cenv_arena *arena, struct cenv_error *err)
{
    struct cenv_channelnames names = {.nr_places = 0};
    struct parser p = {&names, arena, err};
    struct cenv_json *root = NULL;
    int rc = cenv_json_parse(&root, json, "the names of channels", err);

    if (rc == 0 && cenv_json_type(root) != CENV_JSON_OBJECT)
        rc = refuse(&p, "the object");
    if (rc == 0)
        rc = copy_text(&p, cenv_json_get_str(root, "alias"), &names.alias);
    if (rc == 0)
        rc = parse_places(&p, cenv_json_get(root, "places"));
    if (rc == 0)
        rc = parse_groups(&p, cenv_json_get(root, "groups"));
    cenv_json_free(root);
    if (rc == 0)
        *out = names;
    return rc;
}

/* ---- matching ---- */

/* Sets *rest to what `text` has below `top`, by components; empty when they are the same. */
static bool is_below(struct cenv_str text, struct cenv_str top, struct cenv_str *rest)
{
    if (!top.len || !cenv_str_starts(text, top) ||
        (text.len > top.len && text.data[top.len] != '/'))
        return false;
    *rest = cenv_str_slice(text, top.len + 1, text.len);
    return true;
}

static bool is_called(const struct cenv_channelnames *names, struct cenv_str want,
                      struct cenv_str name, struct cenv_str url)
{
    if (cenv_channelmatch_is_called(want, name, url))
        return true;
    for (uint32_t i = 0; i < names->nr_groups; i++) {
        const struct cenv_channel_group *group = &names->groups[i];
        for (uint32_t k = 0; cenv_str_eq(group->name, want) && k < group->nr; k++)
            if (cenv_channelmatch_is_called(group->members[k], name, url))
                return true;
    }
    return false;
}

/* The place of the longest name that `name` is, or is below; *rest is what is below. */
static const struct cenv_channel_place *
find_place(const struct cenv_channelnames *names, struct cenv_str name,
           struct cenv_str *rest)
{
    const struct cenv_channel_place *best = NULL;
    for (uint32_t i = 0; i < names->nr_places; i++) {
        const struct cenv_channel_place *place = &names->places[i];
        struct cenv_str below;
        if (!is_below(name, place->name, &below) ||
            (best && best->name.len > place->name.len))
            continue;
        best = place;
        *rest = below;
    }
    return best;
}

bool cenv_channelnames_test(const struct cenv_channelnames *names,
                            const struct cenv_channelmatch *m, struct cenv_str name,
                            struct cenv_str url)
{
    struct cenv_str rest, at = cenv_channelmatch_place(url);

    if (m->kind == CENV_CHANNELMATCH_ANY || m->kind == CENV_CHANNELMATCH_PATTERN)
        return cenv_channelmatch_test(m, name, url);
    if (m->url.len) {
        struct cenv_str place = cenv_channelmatch_place(m->url);
        if (is_below(place, cenv_channelmatch_place(names->alias), &rest) && rest.len)
            return is_called(names, rest, name, url);
        return cenv_str_eq(place, at);
    }
    const struct cenv_channel_place *place = find_place(names, m->text, &rest);
    if (!place)
        return is_called(names, m->text, name, url);
    struct cenv_str below;
    return is_below(at, cenv_channelmatch_place(place->url), &below) &&
           cenv_str_eq(below, rest);
}
