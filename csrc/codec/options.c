/* SPDX-License-Identifier: BSD-3-Clause */
/* Options of core calls: see options.h. */
#include "codec/options.h"

#include <stdio.h>

#include "base/nearname.h"

static const struct cenv_option *find_option(const struct cenv_options *options,
                                             const char *key)
{
    for (size_t i = 0; i < options->nr; i++)
        if (strcmp(options->table[i].key, key) == 0)
            return &options->table[i];
    return NULL;
}

static int refuse_key(const struct cenv_options *options, const char *key,
                      struct cenv_error *err)
{
    struct cenv_nearname near;

    cenv_nearname_init(&near, cenv_str(key));
    for (size_t i = 0; i < options->nr; i++)
        cenv_nearname_offer(&near, cenv_str(options->table[i].key));
    cenv_error_set(err, CENV_EUSAGE, "%s has no option '%s'", options->call, key);
    if (near.nr)
        cenv_error_hint(err, "did you mean '%.*s'?", CENV_STR_ARG(near.best[0]));
    return err->status;
}

static const char *name_of_type(enum cenv_option_type type)
{
    static const char *const names[] = {
        [CENV_OPTION_BOOL] = "true or false", [CENV_OPTION_INT] = "a whole number",
        [CENV_OPTION_DOUBLE] = "a number",    [CENV_OPTION_TEXT] = "a string",
        [CENV_OPTION_LIST] = "a list",        [CENV_OPTION_OBJECT] = "an object",
    };

    return names[type];
}

/* False when the value is of another type than the option. */
static bool store_value(enum cenv_option_type type, const struct cenv_json *value,
                        void *to)
{
    enum cenv_json_type is = cenv_json_type(value);

    switch (type) {
    case CENV_OPTION_BOOL:
        *(bool *)to = cenv_json_true(value);
        return is == CENV_JSON_BOOL;
    case CENV_OPTION_INT:
        return cenv_json_int(value, to);
    case CENV_OPTION_DOUBLE:
        return cenv_json_double(value, to);
    case CENV_OPTION_TEXT:
        *(const char **)to = cenv_json_cstr(value);
        return is == CENV_JSON_STRING;
    case CENV_OPTION_LIST:
        *(const struct cenv_json **)to = value;
        return is == CENV_JSON_ARRAY;
    case CENV_OPTION_OBJECT:
        *(const struct cenv_json **)to = value;
        return is == CENV_JSON_OBJECT;
    default:
        return false;
    }
}

static int read_member(const struct cenv_options *options,
                       const struct cenv_json *member, void *out,
                       struct cenv_error *err)
{
    const char *key = cenv_json_key(member);
    const struct cenv_option *option = find_option(options, key);

    if (!option)
        return refuse_key(options, key, err);
    if (cenv_json_type(member) == CENV_JSON_NULL)
        return 0;
    if (option->type == CENV_OPTION_SET)
        return option->set(out, member, err);
    if (!store_value(option->type, member, (char *)out + option->offset))
        return cenv_error_set(err, CENV_EUSAGE, "the option '%s' of %s must be %s", key,
                              options->call, name_of_type(option->type));
    return 0;
}

int cenv_options_read(const struct cenv_options *options, const struct cenv_json *doc,
                      void *out, struct cenv_error *err)
{
    const struct cenv_json *member;
    int rc = 0;

    if (doc && cenv_json_type(doc) != CENV_JSON_OBJECT)
        return cenv_error_set(err, CENV_EUSAGE, "the options of %s must be an object",
                              options->call);
    cenv_json_each(member, doc)
    {
        rc = read_member(options, member, out, err);
        if (rc < 0)
            break;
    }
    return rc;
}

int cenv_options_parse(const struct cenv_options *options, struct cenv_json **doc,
                       const char *text, void *out, struct cenv_error *err)
{
    char what[64];
    int rc;

    *doc = NULL;
    if (!text || !*text)
        return 0;
    snprintf(what, sizeof(what), "the options of %s", options->call);
    rc = cenv_json_parse(doc, cenv_str(text), what, err);
    if (rc == 0)
        rc = cenv_options_read(options, *doc, out, err);
    return rc;
}
