/* SPDX-License-Identifier: BSD-3-Clause */
/* Which field of records does not fit a spec: see misfit.h. */
#include "explain/misfit.h"

#include <stdio.h>

#include "solve/match.h"

/* Fields of `more` that few specs have: sets the one asked for in *only. False: it is not given. */
static bool pick_rare(const struct cenv_matchspec_more *more, enum cenv_misfit field,
                      struct cenv_matchspec_more *only)
{
    switch (field) {
    case CENV_MISFIT_MD5:
        only->md5 = more->md5;
        return more->md5.len;
    case CENV_MISFIT_SHA256:
        only->sha256 = more->sha256;
        return more->sha256.len;
    case CENV_MISFIT_FEATURES:
        only->features = more->features;
        return only->has_features = more->has_features;
    case CENV_MISFIT_TRACK_FEATURES:
        only->track_features = more->track_features;
        return only->has_track_features = more->has_track_features;
    case CENV_MISFIT_FLAGS:
        only->flags = more->flags;
        return more->flags.nr;
    default:
        return false;
    }
}

static bool pick_text(const struct cenv_matchspec_more *more, enum cenv_misfit field,
                      struct cenv_matchspec_more *only)
{
    switch (field) {
    case CENV_MISFIT_CHANNEL:
        only->channel = more->channel;
        return more->channel.kind != CENV_CHANNELMATCH_ANY;
    case CENV_MISFIT_SUBDIR:
        only->subdir = more->subdir;
        return more->subdir.kind != CENV_STRMATCH_ANY;
    case CENV_MISFIT_BUILD_NUMBER:
        only->build_number = more->build_number;
        return more->build_number.op != CENV_NUM_ANY;
    case CENV_MISFIT_FN:
        only->fn = more->fn;
        return more->fn.kind != CENV_STRMATCH_ANY;
    case CENV_MISFIT_URL:
        only->url = more->url;
        return more->url.len;
    case CENV_MISFIT_LICENSE:
        only->license = more->license;
        return more->license.kind != CENV_STRMATCH_ANY;
    case CENV_MISFIT_LICENSE_FAMILY:
        only->license_family = more->license_family;
        return more->license_family.kind != CENV_STRMATCH_ANY;
    default:
        return pick_rare(more, field, only);
    }
}

/* Puts those that meet the one field first; returns how many they are. */
static uint32_t keep_fitting(const struct cenv_problem *p,
                             const struct cenv_matchspec *one, uint32_t *cands,
                             uint32_t nr)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < nr; i++) {
        if (!cenv_match_candidate(p, one, &p->cands[cands[i]]))
            continue;
        uint32_t moved = cands[kept];
        cands[kept++] = cands[i];
        cands[i] = moved;
    }
    return kept;
}

enum cenv_misfit cenv_misfit_find(const struct cenv_problem *p,
                                  const struct cenv_matchspec *spec, uint32_t *cands,
                                  uint32_t *nr)
{
    for (int field = 0; field < CENV_NR_MISFITS; field++) {
        struct cenv_matchspec_more only = {.optional = false};
        struct cenv_matchspec one = {
            .text = spec->text, .name = CENV_STR("*"), .name_is_glob = true};
        bool given = spec->build.kind != CENV_STRMATCH_ANY;
        if (field == CENV_MISFIT_BUILD) {
            one.build = spec->build;
        } else {
            given = spec->more && pick_text(spec->more, field, &only);
            one.more = &only;
        }
        uint32_t kept = given ? keep_fitting(p, &one, cands, *nr) : *nr;
        if (!kept)
            return field;
        *nr = kept;
    }
    return CENV_NR_MISFITS;
}

const char *cenv_misfit_lead(enum cenv_misfit field)
{
    static const char *const leads[CENV_NR_MISFITS] = {
        [CENV_MISFIT_BUILD] = "as build",
        [CENV_MISFIT_CHANNEL] = "in",
        [CENV_MISFIT_SUBDIR] = "in subdir",
        [CENV_MISFIT_BUILD_NUMBER] = "with build number",
        [CENV_MISFIT_FN] = "as",
        [CENV_MISFIT_URL] = "at",
        [CENV_MISFIT_MD5] = "with md5",
        [CENV_MISFIT_SHA256] = "with sha256",
        [CENV_MISFIT_LICENSE] = "with license",
        [CENV_MISFIT_LICENSE_FAMILY] = "with license family",
        [CENV_MISFIT_FEATURES] = "with features",
        [CENV_MISFIT_TRACK_FEATURES] = "with track_features",
        [CENV_MISFIT_FLAGS] = "with flags",
    };

    return leads[field];
}

/* Of a list the first: what is asked for differs, and lists are short. */
static struct cenv_str first_of(const struct cenv_str *list, uint32_t nr)
{
    return nr ? list[0] : CENV_STR("");
}

static struct cenv_str value_of(enum cenv_misfit field,
                                const struct cenv_record *record)
{
    switch (field) {
    case CENV_MISFIT_BUILD:
        return record->build;
    case CENV_MISFIT_CHANNEL:
        return record->channel;
    case CENV_MISFIT_SUBDIR:
        return record->subdir;
    case CENV_MISFIT_FN:
        return record->fn;
    case CENV_MISFIT_URL:
        return record->url;
    case CENV_MISFIT_MD5:
        return record->md5;
    case CENV_MISFIT_SHA256:
        return record->sha256;
    case CENV_MISFIT_LICENSE:
        return record->license;
    case CENV_MISFIT_LICENSE_FAMILY:
        return record->license_family;
    case CENV_MISFIT_FEATURES:
        return record->features;
    case CENV_MISFIT_TRACK_FEATURES:
        return first_of(record->track_features, record->nr_track_features);
    default:
        return first_of(record->flags, record->nr_flags);
    }
}

struct cenv_str cenv_misfit_value(enum cenv_misfit field,
                                  const struct cenv_record *record, char *room)
{
    if (field == CENV_MISFIT_BUILD_NUMBER) {
        snprintf(room, CENV_MISFIT_ROOM, "%llu",
                 (unsigned long long)record->build_number);
        return cenv_str(room);
    }
    struct cenv_str value = value_of(field, record);
    return value.len ? value : CENV_STR("none");
}
