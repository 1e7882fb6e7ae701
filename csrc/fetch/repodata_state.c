/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Data and state must agree on size and time, or the headers are forgotten; both are replaced by
 * rename, data first: see repodata_state.h.
 */
#include "fetch/repodata_state.h"

#include <stdio.h>

#include "codec/shape.h"
#include "os/fs_data.h"
#include "os/path.h"
#include "os/raw_file.h"

enum {
    STATE_MAX = 1 << 20,
    FORM_SECONDS = 7 * 86400, /* how long "it has no .zst" is believed */
};

static int set_path(struct cenv_repodata_fetch *r, struct cenv_subdir_fetch *subdir)
{
    cenv_buf_clear(&subdir->path);
    if (!cenv_layout_add_path(r->store, CENV_STORE_REPODATA, subdir->file, NULL,
                              &subdir->path))
        return cenv_error_oom(r->err);
    return 0;
}

static void forget_state(struct cenv_subdir_fetch *subdir)
{
    cenv_json_free(subdir->state);
    subdir->state = NULL;
}

static const struct cenv_shape_member state_members[] = {
    {"url", &cenv_shape_string, false},      {"missing", &cenv_shape_bool, true},
    {"file", &cenv_shape_string, false},     {"identity", &cenv_shape_string, false},
    {"size", &cenv_shape_number, false},     {"mtime_us", &cenv_shape_number, false},
    {"form", &cenv_shape_string, false},     {"etag", &cenv_shape_string, false},
    {"modified", &cenv_shape_string, false}, {"checked", &cenv_shape_number, false},
    {"max_age", &cenv_shape_number, false},  {NULL, NULL, false},
};
static const struct cenv_shape state_shape = {CENV_JSON_OBJECT, state_members, NULL};

/* The form the state speaks of, if it may be used. */
static bool has_form(const struct cenv_repodata_fetch *r,
                     struct cenv_subdir_fetch *subdir)
{
    const char *form = cenv_json_get_cstr(subdir->state, "form");
    int nr = r->shards ? CENV_NR_SUBDIR_FORMS : CENV_SUBDIR_SHARDS;

    for (int i = 0; form && i < nr; i++) {
        subdir->form = (enum cenv_subdir_form)i;
        if (strcmp(form, cenv_subdir_fetch_form(subdir->form)->ext) == 0)
            return true;
    }
    return false;
}

/* What the state says of the data, held against them. */
static bool fits_data(const struct cenv_json *state, int dir)
{
    const char *file = cenv_json_get_cstr(state, "file");
    struct cenv_stat st;

    return file && cenv_path_is_name(cenv_str(file)) &&
           cenv_raw_stat(dir, file, &st) == 0 &&
           cenv_json_get_int(state, "size", -1) == (int64_t)st.size &&
           cenv_json_get_int(state, "mtime_us", -1) == st.mtime_ns / 1000 &&
           cenv_json_get_cstr(state, "identity");
}

int cenv_repodata_state_load(struct cenv_repodata_fetch *r,
                             struct cenv_subdir_fetch *subdir)
{
    int dir = r->store->dirs[CENV_STORE_REPODATA];
    char name[64];

    snprintf(name, sizeof(name), "%s.state.json", subdir->key);
    int rc = cenv_layout_load_json(dir, name, &state_shape, &subdir->state, r->err);
    if (rc < 0)
        return rc;
    subdir->why = subdir->state ? NULL : "it was never fetched into this store";
    if (!subdir->state || cenv_json_get_true(subdir->state, "missing"))
        return 0;
    if (fits_data(subdir->state, dir) && has_form(r, subdir))
        snprintf(subdir->file, sizeof(subdir->file), "%s",
                 cenv_json_get_cstr(subdir->state, "file"));
    else {
        forget_state(subdir);
        subdir->why = "the copy in the store is gone, changed, or of another form";
    }
    return 0;
}

int cenv_repodata_state_use(struct cenv_repodata_fetch *r,
                            struct cenv_subdir_fetch *subdir)
{
    subdir->done = true;
    subdir->missing = cenv_json_get_true(subdir->state, "missing");
    if (subdir->missing)
        return cenv_subdir_fetch_miss(subdir, "does not exist (HTTP 404)",
                                      "check the channel's name or URL", r->err);
    snprintf(subdir->identity, sizeof(subdir->identity), "%s",
             cenv_json_get_cstr(subdir->state, "identity"));
    subdir->bytes = (uint64_t)cenv_json_get_int(subdir->state, "size", 0);
    return set_path(r, subdir);
}

bool cenv_repodata_state_is_fresh(const struct cenv_repodata_fetch *r,
                                  const struct cenv_subdir_fetch *subdir)
{
    int64_t ttl = r->ttl >= 0 ? r->ttl : cenv_json_get_int(subdir->state, "max_age", 0);
    int64_t age = r->now - cenv_json_get_int(subdir->state, "checked", 0);

    return subdir->state && age >= 0 && age < ttl;
}

int cenv_repodata_state_save(struct cenv_repodata_fetch *r,
                             struct cenv_subdir_fetch *subdir)
{
    const struct cenv_http_reply *reply = &subdir->transfer.reply;
    struct cenv_buf text;
    char name[64];
    bool printed = cenv_json_set_int(subdir->state, "checked", r->now);

    printed &= cenv_json_set_int(subdir->state, "max_age",
                                 reply->max_age < 0 ? 0 : reply->max_age);
    cenv_buf_init(&text, STATE_MAX);
    printed &= cenv_json_print(subdir->state, CENV_JSON_INDENT, &text);
    snprintf(name, sizeof(name), "%s.state.json", subdir->key);
    int rc = printed ? cenv_fs_write_atomic(r->store->dirs[CENV_STORE_REPODATA], name,
                                            cenv_buf_str(&text), 0644, r->err)
                     : cenv_error_oom(r->err);
    cenv_buf_release(&text);
    return rc;
}

bool cenv_repodata_state_lacks(const struct cenv_repodata_fetch *r,
                               const struct cenv_subdir_fetch *subdir,
                               enum cenv_subdir_form form)
{
    const char *lacking = cenv_subdir_fetch_form(form)->lacking;

    if ((form == CENV_SUBDIR_SHARDS && !r->shards) ||
        (form == CENV_SUBDIR_ZST && !r->zst))
        return true;
    if (!subdir->state || !lacking)
        return false;
    int64_t age = r->now - cenv_json_get_int(subdir->state, lacking, 0);
    return age >= 0 && age < FORM_SECONDS;
}

/* Since when the better forms are known to be absent: as before, or since this time. */
static bool carry_lacking(const struct cenv_repodata_fetch *r,
                          const struct cenv_subdir_fetch *subdir,
                          struct cenv_json *state, bool missing)
{
    bool done = true;
    int first = missing ? CENV_SUBDIR_JSON : (int)subdir->form + 1;

    for (int form = first; form < CENV_NR_SUBDIR_FORMS; form++) {
        const char *key = cenv_subdir_fetch_form((enum cenv_subdir_form)form)->lacking;
        int64_t since = key ? cenv_json_get_int(subdir->state, key, 0) : 0;
        if (subdir->asked[form])
            since = r->now;
        if (key && since)
            done &= cenv_json_set_int(state, key, since);
    }
    return done;
}

bool cenv_repodata_state_renew(const struct cenv_repodata_fetch *r,
                               struct cenv_subdir_fetch *subdir,
                               const struct cenv_stat *st)
{
    const struct cenv_http_reply *reply = &subdir->transfer.reply;
    struct cenv_json *state = cenv_json_object();
    bool done = carry_lacking(r, subdir, state, !st);

    forget_state(subdir);
    subdir->state = state;
    done &= cenv_json_set_str(state, "url", cenv_secret_url_text(subdir->url));
    done &= cenv_json_set_bool(state, "missing", !st);
    if (!st)
        return done;
    done &= cenv_json_set_cstr(state, "file", subdir->file);
    done &= cenv_json_set_cstr(state, "identity", subdir->identity);
    done &= cenv_json_set_int(state, "size", (int64_t)st->size);
    done &= cenv_json_set_int(state, "mtime_us", st->mtime_ns / 1000);
    done &=
        cenv_json_set_cstr(state, "form", cenv_subdir_fetch_form(subdir->form)->ext);
    /* Headers whose bytes are no text of JSON are left out. */
    cenv_json_set_cstr(state, "etag", reply->etag);
    cenv_json_set_cstr(state, "modified", reply->modified);
    return done;
}
