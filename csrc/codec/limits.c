/* SPDX-License-Identifier: BSD-3-Clause */
/* Bounds that grow with the input: see limits.h. */
#include "codec/limits.h"

/* `base` for any, and `times` / `of` the size beside it; never over `most`. Good packages stay ten
 * times below. */
struct growth {
    uint64_t base, times, of, most;
};

static const struct growth bytes_growth = {256ULL << 20, 1000, 1, 64ULL << 30};
static const struct growth entries_growth = {10000, 1, 16, 4000000};
static const struct growth names_growth = {8ULL << 20, 8, 1, 1ULL << 30};
static const struct growth text_growth = {8ULL << 20, 8, 1, 256ULL << 20};
static const struct growth repodata_growth = {64ULL << 20, 200, 1,
                                              CENV_LIMITS_REPODATA_MAX};

static uint64_t grow_limit(const struct growth *growth, uint64_t size)
{
    if (size / growth->of > (growth->most - growth->base) / growth->times)
        return growth->most;
    return growth->base + size / growth->of * growth->times;
}

void cenv_limits_init(struct cenv_limits *limits, uint64_t size)
{
    *limits = (struct cenv_limits){
        .bytes = grow_limit(&bytes_growth, size),
        .entries = grow_limit(&entries_growth, size),
        .names = grow_limit(&names_growth, size),
        .text = grow_limit(&text_growth, size),
    };
}

bool cenv_limits_take(uint64_t *left, uint64_t much)
{
    if (much > *left)
        return false;
    *left -= much;
    return true;
}

uint64_t cenv_limits_repodata(uint64_t size)
{
    return grow_limit(&repodata_growth, size);
}
