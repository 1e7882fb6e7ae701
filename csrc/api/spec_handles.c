/* SPDX-License-Identifier: BSD-3-Clause */
/* Versions and specs that own their memory, for callers outside of the core: see cenv.h. */
#include "cenv.h"

#include "base/alloc.h"
#include "model/condition.h"
#include "model/matchspec.h"
#include "model/matchspec_match.h"
#include "model/matchspec_print.h"
#include "model/record.h"
#include "model/version.h"

/* The value comes first: a pointer to it is a pointer to the whole. */
struct owned_version {
    struct cenv_version version;
    struct cenv_arena arena;
};

struct owned_matchspec {
    struct cenv_matchspec spec;
    struct cenv_arena arena;
};

/* ---- versions ---- */

int cenv_version_new(struct cenv_version **version, struct cenv_str text,
                     struct cenv_error *err)
{
    struct owned_version *owned = cenv_calloc(1, sizeof(*owned));

    if (!owned)
        return cenv_error_oom(err);
    struct cenv_str copy = cenv_arena_str(&owned->arena, text);
    int rc = copy.data ? cenv_version_parse(&owned->version, copy, &owned->arena, err)
                       : cenv_error_oom(err);
    if (rc < 0) {
        cenv_version_free(&owned->version);
        return rc;
    }
    *version = &owned->version;
    return 0;
}

void cenv_version_free(struct cenv_version *version)
{
    struct owned_version *owned = (struct owned_version *)version;

    if (!owned)
        return;
    cenv_arena_release(&owned->arena);
    cenv_free(owned);
}

struct cenv_str cenv_version_text(const struct cenv_version *version)
{
    return version->text;
}

struct cenv_str cenv_version_key(const struct cenv_version *version)
{
    return version->key;
}

int cenv_version_compare(const struct cenv_version *a, const struct cenv_version *b)
{
    int order = cenv_version_cmp(a, b);
    return (order > 0) - (order < 0);
}

int cenv_version_matches(const struct cenv_version *version, struct cenv_str constraint,
                         bool *match, struct cenv_error *err)
{
    struct cenv_arena arena = CENV_ARENA_INIT;
    struct cenv_versionspec spec;

    int rc = cenv_versionspec_parse(&spec, constraint, &arena, NULL, err);
    if (rc == 0)
        *match = cenv_versionspec_match(&spec, version);
    cenv_arena_release(&arena);
    return rc;
}

/* ---- specs ---- */

/* Parses text that the arena owns; its condition too, which a solve parses when it comes to it. */
static int parse_whole(struct owned_matchspec *owned, struct cenv_str text,
                       struct cenv_error *err)
{
    const struct cenv_matchspec_more *more;
    const struct cenv_condition *condition;
    int rc = cenv_matchspec_parse(&owned->spec, text, &owned->arena, err);

    if (rc < 0)
        return rc;
    more = owned->spec.more;
    return more && more->when.len
               ? cenv_condition_parse(&condition, more->when, &owned->arena, err)
               : 0;
}

int cenv_matchspec_new(struct cenv_matchspec **spec, struct cenv_str text,
                       struct cenv_error *err)
{
    struct owned_matchspec *owned = cenv_calloc(1, sizeof(*owned));

    if (!owned)
        return cenv_error_oom(err);
    struct cenv_str copy = cenv_arena_str(&owned->arena, text);
    int rc = copy.data ? parse_whole(owned, copy, err) : cenv_error_oom(err);
    if (rc < 0) {
        cenv_matchspec_free(&owned->spec);
        return rc;
    }
    *spec = &owned->spec;
    return 0;
}

void cenv_matchspec_free(struct cenv_matchspec *spec)
{
    struct owned_matchspec *owned = (struct owned_matchspec *)spec;

    if (!owned)
        return;
    cenv_arena_release(&owned->arena);
    cenv_free(owned);
}

struct cenv_str cenv_matchspec_package(const struct cenv_matchspec *spec)
{
    return spec->name;
}

int cenv_matchspec_str(const struct cenv_matchspec *spec, struct cenv_buf *out,
                       struct cenv_error *err)
{
    cenv_matchspec_print(spec, out);
    return out->failed ? cenv_error_oom(err) : 0;
}

/* A record of unknown origin names its channel, gives the URL of it, or only that of its
 * package. */
static int set_channel(struct cenv_record *record, struct cenv_arena *arena,
                       struct cenv_error *err)
{
    struct cenv_channelmatch channel = {.kind = CENV_CHANNELMATCH_ANY};
    struct cenv_channelmatch url = {.kind = CENV_CHANNELMATCH_ANY};
    struct cenv_str subdir = record->subdir;
    int rc = 0;

    if (record->url.len)
        rc = cenv_channelmatch_parse(&url, &subdir, record->url, arena, err);
    if (rc == 0 && record->channel.len)
        rc = cenv_channelmatch_parse(&channel, &subdir, record->channel, arena, err);
    if (rc < 0)
        return rc;
    record->channel = record->channel.len ? channel.text : url.text;
    record->channel_url =
        channel.kind == CENV_CHANNELMATCH_URL ? channel.text : url.text;
    if (!record->subdir.len)
        record->subdir = subdir;
    return 0;
}

int cenv_matchspec_matches(const struct cenv_matchspec *spec, struct cenv_str record,
                           bool *match, struct cenv_error *err)
{
    struct cenv_record_origin origin = {.channel_rank = 0};
    struct cenv_arena arena = CENV_ARENA_INIT;
    struct cenv_record parsed;

    int rc = cenv_record_parse(&parsed, record, (struct cenv_str){NULL, 0}, &origin,
                               &arena, err);
    if (rc == CENV_EINTEGRITY) {
        err->status = rc = CENV_EUSAGE;
        cenv_error_prefix(err, "the record cannot be matched");
    }
    if (rc == 0)
        rc = set_channel(&parsed, &arena, err);
    if (rc == 0)
        *match = cenv_matchspec_match(spec, &parsed);
    cenv_arena_release(&arena);
    return rc;
}
