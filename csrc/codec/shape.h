/* SPDX-License-Identifier: BSD-3-Clause */
/* What a JSON document of ours must look like before anything in it is believed. */
#ifndef CENV_CODEC_SHAPE_H
#define CENV_CODEC_SHAPE_H

#include "codec/json.h"

struct cenv_shape_member;

/*
 * A value of `type`; its members, an end with a NULL key behind them, are those of an object, and
 * `each` (or NULL) is the shape of every item of an array, or of every member of an object.
 */
struct cenv_shape {
    enum cenv_json_type type;
    const struct cenv_shape_member *members;
    const struct cenv_shape *each;
};

/* Members that no table names may be anything; one that may be absent may be null. */
struct cenv_shape_member {
    const char *key;
    const struct cenv_shape *shape;
    bool required;
};

/* Shapes without anything in them. */
extern const struct cenv_shape cenv_shape_string, cenv_shape_number, cenv_shape_bool,
    cenv_shape_object, cenv_shape_strings; /* the last: an array of strings */

bool cenv_shape_fits(const struct cenv_shape *shape, const struct cenv_json *value);

#endif
