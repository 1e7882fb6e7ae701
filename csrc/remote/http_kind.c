/* SPDX-License-Identifier: BSD-3-Clause */
/* Remotes by HTTP: see http_kind.h. */
#include "remote/http_kind.h"

#include "base/alloc.h"
#include "remote/objects.h"

static const char *advise(long status, const char *code)
{
    (void)code;
    return status == 400 ? "check the URL; bazel-remote takes what is not Bazel's with "
                           "--disable_http_ac_validation"
                         : NULL;
}

static int open_state(struct cenv_remote_state **out, const struct cenv_secret_url *url,
                      const struct cenv_remote_options *options, struct cenv_error *err)
{
    struct cenv_remote_state *state = cenv_calloc(1, sizeof(*state));

    if (!state)
        return cenv_error_oom(err);
    state->collections = true;
    int rc = cenv_secret_url_child(&state->base, url, CENV_STR(""), err);
    if (rc == 0)
        rc = cenv_web_open(&state->web, options,
                           "give user and password in the URL or in ~/.netrc", err);
    state->web.advise = advise;
    if (rc < 0)
        cenv_objects_free(state);
    else
        *out = state;
    return rc;
}

#define CALLS \
    .open = open_state, .free = cenv_objects_free, .find = cenv_objects_find, \
    .put = cenv_objects_put, .has = cenv_objects_has, .get = cenv_objects_get, \
    .put_blobs = cenv_objects_put_blobs, .read_part = cenv_objects_read_part

const struct cenv_remote_kind cenv_http_kind = {.scheme = "http", CALLS};
const struct cenv_remote_kind cenv_https_kind = {.scheme = "https", CALLS};
