/* SPDX-License-Identifier: BSD-3-Clause */
/* Features that the request tracks or rules out: see feature.h. */
#include "solve/feature.h"

#include "base/map.h"

/* What is said of a feature; a name that tracks it counts more than one that rules it out. */
enum { RULED_OUT, TRACKED };

/* Of a feature, how many of the matching candidates track it: the first so many of them, or some
 * others. Nothing is counted twice that a record lists twice. */
static const uint32_t SOME = UINT32_MAX - 1;

static bool is_matched(const struct cenv_spec *spec, uint32_t place)
{
    return spec->bits[place / 64] >> (place % 64) & 1;
}

/* Counts a feature of matching candidate number `nr` (the first is 1), or of another one (0). */
static bool count_feature(struct cenv_map *counts, struct cenv_str feature, uint32_t nr)
{
    uint32_t count = cenv_map_get(counts, feature);
    if (!nr)
        return count != CENV_NONE || cenv_map_put(counts, feature, 0);
    if (nr == 1 || count == nr - 1)
        return cenv_map_put(counts, feature, nr);
    bool is_new = count == CENV_NONE || count == 0;
    return !is_new || cenv_map_put(counts, feature, SOME);
}

/* Counts what the candidates of the spec's name track; *nr is how many the spec matches. */
static int count_features(struct cenv_problem *p, const struct cenv_spec *spec,
                          struct cenv_map *counts, uint32_t *nr, struct cenv_error *err)
{
    const struct cenv_name *name = &p->names[spec->name];
    for (uint32_t i = 0; i < name->nr; i++) {
        struct cenv_candidate *cand = &p->cands[name->first + i];
        bool matched = !cand->excluded && is_matched(spec, i);
        *nr += matched;
        if (!cand->record->nr_track_features)
            continue;
        int rc = cenv_problem_complete(p, cand, err);
        if (rc < 0)
            return rc;
        for (uint32_t k = 0; k < cand->record->nr_track_features; k++)
            if (!count_feature(counts, cand->record->track_features[k],
                               matched ? *nr : 0))
                return cenv_error_oom(err);
    }
    return 0;
}

static bool say_verdicts(const struct cenv_record *record,
                         const struct cenv_map *counts, uint32_t nr,
                         struct cenv_map *said)
{
    for (uint32_t k = 0; k < record->nr_track_features; k++) {
        struct cenv_str feature = record->track_features[k];
        uint32_t count = cenv_map_get(counts, feature);
        if ((count && count != nr) || cenv_map_get(said, feature) == TRACKED)
            continue;
        if (!cenv_map_put(said, feature, count ? TRACKED : RULED_OUT))
            return false;
    }
    return true;
}

/* Judges what the candidates of the spec's name track. */
static int judge_spec(struct cenv_problem *p, const struct cenv_spec *spec,
                      struct cenv_map *said, struct cenv_error *err)
{
    const struct cenv_name *name = &p->names[spec->name];
    struct cenv_map counts = {0};
    uint32_t nr = 0;
    int rc = count_features(p, spec, &counts, &nr, err);
    for (uint32_t i = 0; rc == 0 && nr && i < name->nr; i++)
        if (!say_verdicts(p->cands[name->first + i].record, &counts, nr, said))
            rc = cenv_error_oom(err);
    cenv_map_release(&counts);
    return rc;
}

/* The spec that a root is about, if a package must be there for it; else NULL. */
static const struct cenv_spec *spec_of_root(const struct cenv_problem *p,
                                            const struct cenv_root *root)
{
    if (root->kind != CENV_ROOT_ENTRY || root->entry->kind == CENV_REQUEST_PINNED)
        return NULL;
    const struct cenv_spec *spec = &p->specs[root->spec];
    if (spec->name == CENV_NONE || p->names[spec->name].kind != CENV_NAME_PACKAGE)
        return NULL;
    return spec;
}

/* All that matches "*[track_features=x]" tracks x. */
static bool judge_nameless(const struct cenv_root *root, struct cenv_map *said)
{
    const struct cenv_matchspec_more *more = NULL;
    if (root->kind == CENV_ROOT_ENTRY && root->entry->spec &&
        root->entry->spec->parsed.name_is_glob)
        more = root->entry->spec->parsed.more;
    for (uint32_t i = 0; more && i < more->track_features.nr; i++)
        if (!cenv_map_put(said, more->track_features.items[i], TRACKED))
            return false;
    return true;
}

/* How many of the features (split at blanks and commas) are tracked, or -1: one is ruled out. */
static int count_tracked(const struct cenv_map *said, struct cenv_str features)
{
    int nr = 0;
    for (size_t i = 0, to; i < features.len; i = to + 1) {
        for (to = i;
             to < features.len && features.data[to] != ' ' && features.data[to] != ',';)
            to++;
        uint32_t verdict = cenv_map_get(said, cenv_str_slice(features, i, to));
        if (verdict == RULED_OUT)
            return -1;
        nr += verdict == TRACKED;
    }
    return nr;
}

/* Repodata of today has none; then nothing needs to be read of what tracks one. */
static bool has_features(const struct cenv_problem *p)
{
    for (size_t c = 0; c < p->nr_cands; c++)
        if (p->cands[c].record->features.len)
            return true;
    return false;
}

int cenv_feature_judge(struct cenv_problem *p, struct cenv_error *err)
{
    struct cenv_map said = {0};
    int rc = 0, set = 0;
    bool any = has_features(p);
    for (size_t i = 0; rc == 0 && any && i < p->nr_roots; i++) {
        const struct cenv_spec *spec = spec_of_root(p, &p->roots[i]);
        if (spec)
            rc = judge_spec(p, spec, &said, err);
        else if (!judge_nameless(&p->roots[i], &said))
            rc = cenv_error_oom(err);
    }
    for (size_t c = 0; rc == 0 && said.nr && c < p->nr_cands; c++) {
        p->cands[c].tracked = count_tracked(&said, p->cands[c].record->features);
        set |= p->cands[c].tracked != 0;
    }
    cenv_map_release(&said);
    return rc < 0 ? rc : set;
}
