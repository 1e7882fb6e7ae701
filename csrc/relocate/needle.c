/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * memchr for the needle's first byte that is not zero, then a comparison: zeros, of which binaries
 * are full, cost nothing, and paths begin with a byte that is rare. Bytes made to match nearly
 * everywhere would make that quadratic, so comparisons are counted, and beyond a few for each byte
 * memmem goes on, which is linear, but slow in zeros.
 */
#include "relocate/needle.h"

/* Bytes searched between two polls, and comparisons that are free. */
enum { SLICE = 1 << 20, FREE = 4096 };

struct needle_search {
    struct cenv_str data, needle;
    size_t anchor; /* of the first byte that is not zero */
    uint64_t start, compared;
};

static bool matches_at(struct needle_search *s, uint64_t at)
{
    const char *have = s->data.data + at, *want = s->needle.data;
    size_t len = s->needle.len, same = 0;
    while (same < len && have[same] == want[same] && same < 16)
        same++;
    if (same < len && same < 16)
        return false;
    s->compared += len;
    return memcmp(have + same, want + same, len - same) == 0;
}

static bool has_spent_too_much(const struct needle_search *s, uint64_t pos)
{
    return s->compared > FREE + 4 * (pos - s->start);
}

/* The first match that begins within [pos, end), or UINT64_MAX. */
static uint64_t search_slice(struct needle_search *s, uint64_t pos, uint64_t end)
{
    char first = s->needle.data[s->anchor];
    while (pos < end) {
        if (has_spent_too_much(s, pos)) {
            const char *found =
                cenv_find_bytes(s->data.data + pos, end - pos + s->needle.len - 1,
                                s->needle.data, s->needle.len);
            return found ? (uint64_t)(found - s->data.data) : UINT64_MAX;
        }
        const char *hit = memchr(s->data.data + pos + s->anchor, first, end - pos);
        if (!hit)
            return UINT64_MAX;
        pos = (uint64_t)(hit - s->data.data) - s->anchor;
        if (matches_at(s, pos))
            return pos;
        pos++;
    }
    return UINT64_MAX;
}

int cenv_needle_find(struct cenv_str data, uint64_t from, struct cenv_str needle,
                     struct cenv_task *task, uint64_t *at, struct cenv_error *err)
{
    struct needle_search s = {.data = data, .needle = needle, .start = from};
    if (!needle.len || needle.len > data.len)
        return 0;
    while (s.anchor + 1 < needle.len && needle.data[s.anchor] == 0)
        s.anchor++;
    uint64_t stop = data.len - needle.len + 1;
    for (uint64_t pos = from, end; pos < stop; pos = end) {
        end = stop - pos < SLICE ? stop : pos + SLICE;
        *at = search_slice(&s, pos, end);
        if (*at != UINT64_MAX)
            return 1;
        int rc = cenv_task_poll(task, err);
        if (rc < 0)
            return rc;
    }
    return 0;
}
