/* SPDX-License-Identifier: BSD-3-Clause */
/* What each spec matches among its name's candidates, every version text judged once. */
#include "solve/match.h"

#include "base/alloc.h"
#include "model/matchspec_match.h"

/* Added to the rank of a version that only records with track_features have. */
static const uint32_t TRACKED = 1u << 31;

struct matcher {
    struct cenv_problem *p;
    uint8_t *verdict; /* by version text: 0 not judged, 1 no, 2 yes */
    size_t alloc;
};

static bool version_holds(struct matcher *m, const struct cenv_spec *spec,
                          const struct cenv_candidate *cand)
{
    const struct cenv_versionspec *version = &spec->parsed.version;
    uint8_t *verdict = &m->verdict[cand->text];
    if (!version->root)
        return true;
    if (!*verdict)
        *verdict = cand->record->parsed &&
                           cenv_versionspec_match(version, cand->record->parsed)
                       ? 2
                       : 1;
    return *verdict == 2;
}

bool cenv_match_candidate(const struct cenv_problem *p,
                          const struct cenv_matchspec *parsed,
                          const struct cenv_candidate *cand)
{
    struct cenv_matchspec spec = *parsed;
    struct cenv_matchspec_more more;
    if (spec.more && spec.more->channel.kind != CENV_CHANNELMATCH_ANY) {
        if (!cenv_problem_in_channel(p, &spec.more->channel, cand))
            return false;
        more = *spec.more;
        more.channel = (struct cenv_channelmatch){0};
        more.url = (struct cenv_str){NULL, 0}; /* a channel takes its place */
        spec.more = &more;
    }
    return cenv_matchspec_match(&spec, cand->record);
}

/* The build, and the fields few specs have. */
static bool rest_holds(const struct matcher *m, const struct cenv_spec *spec,
                       const struct cenv_candidate *cand)
{
    struct cenv_matchspec rest = spec->parsed;
    rest.version = (struct cenv_versionspec){0};
    return cenv_match_candidate(m->p, &rest, cand);
}

static bool spec_holds(struct matcher *m, const struct cenv_spec *spec,
                       const struct cenv_candidate *cand)
{
    if (spec->record)
        return spec->record == cand->record ||
               cenv_problem_is_same_record(spec->record, cand->record);
    if (!version_holds(m, spec, cand))
        return false;
    return (spec->parsed.build.kind == CENV_STRMATCH_ANY && !spec->parsed.more) ||
           rest_holds(m, spec, cand);
}

/* The spec looks at what a block does not have. */
static bool looks_deep(const struct cenv_matchspec_more *more)
{
    return more && (more->md5.len || more->sha256.len || more->license.kind ||
                    more->license_family.kind || more->has_track_features ||
                    more->has_features || more->flags.nr);
}

static int complete_candidates(struct cenv_problem *p, const struct cenv_name *name,
                               struct cenv_error *err)
{
    int rc = 0;
    for (uint32_t i = 0; rc == 0 && i < name->nr; i++)
        rc = cenv_problem_complete(p, &p->cands[name->first + i], err);
    return rc;
}

static void match_candidates(struct matcher *m, struct cenv_spec *spec,
                             const struct cenv_name *name)
{
    const struct cenv_candidate *cands = m->p->cands + name->first;
    memset(m->verdict, 0, name->nr_texts);
    for (uint32_t i = 0; i < name->nr; i++) {
        if (spec_holds(m, spec, &cands[i]) == spec->negated)
            continue;
        uint32_t rank =
            cands[i].version + (cands[i].record->nr_track_features ? TRACKED : 0);
        spec->bits[i / 64] |= UINT64_C(1) << (i % 64);
        spec->best = rank < spec->best ? rank : spec->best;
    }
}

static int match_spec(struct matcher *m, struct cenv_spec *spec, struct cenv_error *err)
{
    const struct cenv_name *name = &m->p->names[spec->name];
    int rc = looks_deep(spec->parsed.more) ? complete_candidates(m->p, name, err) : 0;
    if (rc < 0)
        return rc;
    spec->bits =
        cenv_arena_calloc(&m->p->arena, (name->nr + 63) / 64, sizeof(*spec->bits));
    if (!spec->bits)
        return cenv_error_oom(err);
    if (name->nr_texts > m->alloc) {
        uint8_t *verdict = cenv_realloc(m->verdict, name->nr_texts);
        if (!verdict)
            return cenv_error_oom(err);
        m->verdict = verdict;
        m->alloc = name->nr_texts;
    }
    if (name->nr)
        match_candidates(m, spec, name);
    return 0;
}

int cenv_match_specs(struct cenv_problem *p, struct cenv_error *err)
{
    struct matcher m = {.p = p};
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < p->nr_specs; i++) {
        if (p->specs[i].name != CENV_NONE)
            rc = match_spec(&m, &p->specs[i], err);
        if (rc == 0 && i % 64 == 0)
            rc = cenv_task_poll(p->task, err);
    }
    cenv_free(m.verdict);
    return rc;
}
