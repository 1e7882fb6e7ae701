/* SPDX-License-Identifier: BSD-3-Clause */
/* What a template is built with beside its records: the options of cenv_template_build. */
#ifndef CENV_TEMPLATE_BUILD_OPTIONS_H
#define CENV_TEMPLATE_BUILD_OPTIONS_H

#include "codec/json.h"
#include "fetch/fetch_packages.h"

/* Texts and trees are borrowed from `doc`; NULL where they are not given. */
struct cenv_build_options {
    struct cenv_json *doc;
    const struct cenv_json *specs, *channels;
    const char *key, *base;
    bool rebuild;
    double solved; /* seconds that solving took */
    /* Of a draft alone: it ends with the process `owner`, or this one where that is 0. */
    bool transient;
    int64_t owner;
    struct cenv_fetch_options fetch;
};

/* CENV_EUSAGE: an unknown key, or a value of another type. Release after a failure too. */
int cenv_build_options_parse(struct cenv_build_options *out, const char *text,
                             struct cenv_error *err);
void cenv_build_options_release(struct cenv_build_options *options);

#endif
