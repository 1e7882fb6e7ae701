/* SPDX-License-Identifier: BSD-3-Clause */
/* Names of the forms, and what every step says of a subdir that is not there: see
 * subdir_fetch.h. */
#include "fetch/subdir_fetch.h"

#include "repodata/shard_index.h"

static const struct cenv_subdir_form_names forms[CENV_NR_SUBDIR_FORMS] = {
    {"repodata.json", ".json", NULL},
    {"repodata.json.zst", ".json.zst", "no_zst"},
    {CENV_SHARD_INDEX_FN, ".shards", "no_shards"},
};

const struct cenv_subdir_form_names *cenv_subdir_fetch_form(enum cenv_subdir_form form)
{
    return &forms[form];
}

void cenv_subdir_fetch_init(struct cenv_subdir_fetch *subdir)
{
    *subdir = (struct cenv_subdir_fetch){.key = ""};
    cenv_buf_init(&subdir->path, CENV_SUBDIR_URL_MAX);
}

void cenv_subdir_fetch_release(struct cenv_subdir_fetch *subdir)
{
    cenv_secret_url_free(subdir->url);
    cenv_secret_url_free(subdir->target);
    subdir->url = subdir->target = NULL;
    cenv_buf_release(&subdir->path);
    cenv_error_release(&subdir->transfer.err);
    cenv_error_release(&subdir->passed);
    cenv_json_free(subdir->state);
    subdir->state = NULL;
}

int cenv_subdir_fetch_fail(const struct cenv_subdir_fetch *subdir, const char *why,
                           const char *hint, struct cenv_error *err)
{
    cenv_error_set(err, CENV_ECHANNEL, "channel '%s' %s",
                   cenv_secret_url_text(subdir->url).data, why);
    return cenv_error_hint(err, "%s", hint);
}

int cenv_subdir_fetch_miss(struct cenv_subdir_fetch *subdir, const char *why,
                           const char *hint, struct cenv_error *err)
{
    subdir->missing = true;
    return subdir->required ? cenv_subdir_fetch_fail(subdir, why, hint, err) : 0;
}
