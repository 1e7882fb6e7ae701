/* SPDX-License-Identifier: BSD-3-Clause */
/* Comparing documents with shapes: see shape.h. */
#include "codec/shape.h"

const struct cenv_shape cenv_shape_string = {CENV_JSON_STRING, NULL, NULL};
const struct cenv_shape cenv_shape_number = {CENV_JSON_NUMBER, NULL, NULL};
const struct cenv_shape cenv_shape_bool = {CENV_JSON_BOOL, NULL, NULL};
const struct cenv_shape cenv_shape_object = {CENV_JSON_OBJECT, NULL, NULL};
const struct cenv_shape cenv_shape_strings = {CENV_JSON_ARRAY, NULL,
                                              &cenv_shape_string};

static bool fits_member(const struct cenv_shape_member *member,
                        const struct cenv_json *object)
{
    const struct cenv_json *value = cenv_json_get(object, member->key);
    enum cenv_json_type type = cenv_json_type(value);
    if (type == CENV_JSON_ABSENT || type == CENV_JSON_NULL)
        return !member->required;
    return cenv_shape_fits(member->shape, value);
}

/* As deep as the tables of shapes are, whatever the document. */
bool cenv_shape_fits(const struct cenv_shape *shape, const struct cenv_json *value)
{
    const struct cenv_shape_member *member = shape->members;
    const struct cenv_json *item;
    if (cenv_json_type(value) != shape->type)
        return false;
    for (; member && member->key; member++)
        if (!fits_member(member, value))
            return false;
    if (!shape->each)
        return true;
    cenv_json_each(item, value)
    {
        if (!cenv_shape_fits(shape->each, item))
            return false;
    }
    return true;
}
