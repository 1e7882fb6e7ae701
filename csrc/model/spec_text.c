/* SPDX-License-Identifier: BSD-3-Clause */
/* Specs as they are written down: see spec_text.h. */
#include "model/spec_text.h"

#include "base/arena.h"
#include "base/redact.h"
#include "model/matchspec.h"
#include "model/matchspec_print.h"

/* A message may quote a spec as long as they can be, with every byte percent-encoded. */
enum { TEXT_MAX = 8 * CENV_MATCHSPEC_MAX };

/* Names of packages and channels alone hold no secret. */
static bool may_have_secrets(struct cenv_str text)
{
    return cenv_find_bytes(text.data, text.len, "//", 2) ||
           cenv_find_bytes(text.data, text.len, "/t/", 3) ||
           cenv_str_find(text, '@') < text.len;
}

bool cenv_spec_text_clean(struct cenv_buf *out, struct cenv_str text)
{
    struct cenv_arena arena = CENV_ARENA_INIT;
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_matchspec spec;

    if (!may_have_secrets(text))
        return cenv_buf_add_str(out, text);
    bool parsed = cenv_find_bytes(text.data, text.len, "//", 2) &&
                  cenv_matchspec_parse(&spec, text, &arena, &err) == 0;
    if (parsed)
        cenv_matchspec_print(&spec, out);
    else
        cenv_redact(out, text);
    cenv_error_release(&err);
    cenv_arena_release(&arena);
    return !out->failed;
}

static bool clean_all(struct cenv_json *clean, const struct cenv_json *list)
{
    const struct cenv_json *spec;
    bool done = true;

    cenv_json_each(spec, list)
    {
        struct cenv_buf text;
        if (cenv_json_type(spec) != CENV_JSON_STRING)
            continue; /* as their readers do */
        cenv_buf_init(&text, TEXT_MAX);
        done &= cenv_spec_text_clean(&text, cenv_json_str(spec));
        done &= cenv_json_append_str(clean, cenv_buf_str(&text));
        cenv_buf_release(&text);
    }
    return done;
}

int cenv_spec_text_clean_list(struct cenv_json *doc, const char *key,
                              const struct cenv_json **list, struct cenv_error *err)
{
    const struct cenv_json *spec;
    bool found = false;

    cenv_json_each(spec, *list)
    {
        found |= may_have_secrets(cenv_json_str(spec));
    }
    if (!found)
        return 0;
    struct cenv_json *clean = cenv_json_array();
    if (clean && !clean_all(clean, *list)) {
        cenv_json_free(clean);
        clean = NULL;
    }
    if (!clean || !cenv_json_set(doc, key, clean))
        return cenv_error_oom(err);
    *list = clean;
    return 0;
}
