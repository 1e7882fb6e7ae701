/* SPDX-License-Identifier: BSD-3-Clause */
/* The options of cenv_template_build: see build_options.h. */
#include "template/build_options.h"

#include "codec/options.h"
#include "model/spec_text.h"

#define AT(member) offsetof(struct cenv_build_options, member)

static const struct cenv_option table[] = {
    {"specs", CENV_OPTION_LIST, AT(specs), NULL},
    {"channels", CENV_OPTION_LIST, AT(channels), NULL},
    {"key", CENV_OPTION_TEXT, AT(key), NULL},
    {"base", CENV_OPTION_TEXT, AT(base), NULL},
    {"rebuild", CENV_OPTION_BOOL, AT(rebuild), NULL},
    {"solved", CENV_OPTION_DOUBLE, AT(solved), NULL},
    {"transient", CENV_OPTION_BOOL, AT(transient), NULL},
    {"owner", CENV_OPTION_INT, AT(owner), NULL},
    CENV_FETCH_OPTION_ROWS(struct cenv_build_options, fetch),
};

static const struct cenv_options options_of_build = CENV_OPTIONS("template", table);

int cenv_build_options_parse(struct cenv_build_options *out, const char *text,
                             struct cenv_error *err)
{
    *out = (struct cenv_build_options){0};
    int rc = cenv_options_parse(&options_of_build, &out->doc, text, out, err);
    if (rc == 0)
        rc = cenv_spec_text_clean_list(out->doc, "specs", &out->specs, err);
    if (rc == 0)
        rc = cenv_spec_text_clean_list(out->doc, "channels", &out->channels, err);
    return rc;
}

void cenv_build_options_release(struct cenv_build_options *options)
{
    cenv_json_free(options->doc);
}
