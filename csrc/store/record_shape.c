/* SPDX-License-Identifier: BSD-3-Clause */
/* What records in files of the store look like: see record_shape.h. */
#include "store/record_shape.h"

static const struct cenv_shape_member members[] = {
    {"name", &cenv_shape_string, true},
    {"version", &cenv_shape_string, true},
    {"build", &cenv_shape_string, true},
    {"build_number", &cenv_shape_number, false},
    {"subdir", &cenv_shape_string, false},
    {"channel", &cenv_shape_string, false},
    {"fn", &cenv_shape_string, false},
    {"url", &cenv_shape_string, false},
    {"md5", &cenv_shape_string, false},
    {"sha256", &cenv_shape_string, false},
    {"size", &cenv_shape_number, false},
    {"depends", &cenv_shape_strings, false},
    {"constrains", &cenv_shape_strings, false},
    {NULL, NULL, false},
};
const struct cenv_shape cenv_record_shape = {CENV_JSON_OBJECT, members, NULL};
const struct cenv_shape cenv_record_shape_list = {CENV_JSON_ARRAY, NULL,
                                                  &cenv_record_shape};
