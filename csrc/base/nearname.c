/* SPDX-License-Identifier: BSD-3-Clause */
/* Near names: see nearname.h. */
#include "base/nearname.h"

enum { NAME_MAX_LEN = 64 };

void cenv_nearname_init(struct cenv_nearname *near, struct cenv_str name)
{
    *near = (struct cenv_nearname){.name = name};
    near->limit = name.len > NAME_MAX_LEN || name.len < 2 ? 0
                  : name.len <= 4                         ? 1
                  : name.len <= 8                         ? 2
                                                          : 3;
}

static char fold_char(char c)
{
    if (c >= 'A' && c <= 'Z')
        return (char)(c + 32);
    return c == '_' || c == '.' ? '-' : c;
}

static size_t smaller_of(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Edits between two texts (optimal string alignment), or more than `limit` when it is more. */
static size_t count_edits(struct cenv_str a, struct cenv_str b, size_t limit)
{
    size_t rows[3][NAME_MAX_LEN + 1];
    for (size_t k = 0; k <= b.len; k++)
        rows[0][k] = k;
    for (size_t i = 1; i <= a.len; i++) {
        size_t *row = rows[i % 3], *last = rows[(i + 2) % 3],
               *older = rows[(i + 1) % 3];
        size_t lowest = row[0] = i;
        for (size_t k = 1; k <= b.len; k++) {
            char x = fold_char(a.data[i - 1]), y = fold_char(b.data[k - 1]);
            row[k] =
                smaller_of(smaller_of(last[k], row[k - 1]) + 1, last[k - 1] + (x != y));
            if (i > 1 && k > 1 && x == fold_char(b.data[k - 2]) &&
                fold_char(a.data[i - 2]) == y)
                row[k] = smaller_of(row[k], older[k - 2] + 1);
            lowest = smaller_of(lowest, row[k]);
        }
        if (lowest > limit)
            return lowest;
    }
    return rows[a.len % 3][b.len];
}

/* Inserts before the first that is worse; the last falls out when there are too many. */
static void insert_name(struct cenv_nearname *near, struct cenv_str name,
                        size_t distance)
{
    size_t at = 0;
    while (at < near->nr &&
           (near->edits[at] < distance ||
            (near->edits[at] == distance && cenv_str_cmp(near->best[at], name) < 0)))
        at++;
    if (at == CENV_NEARNAME_MAX || (at < near->nr && cenv_str_eq(near->best[at], name)))
        return;
    near->nr += near->nr < CENV_NEARNAME_MAX;
    for (size_t i = near->nr - 1; i > at; i--) {
        near->best[i] = near->best[i - 1];
        near->edits[i] = near->edits[i - 1];
    }
    near->best[at] = name;
    near->edits[at] = distance;
}

void cenv_nearname_offer(struct cenv_nearname *near, struct cenv_str name)
{
    size_t longer = name.len > near->name.len ? name.len : near->name.len;
    size_t shorter = smaller_of(name.len, near->name.len);
    if (!near->limit || name.len > NAME_MAX_LEN || longer - shorter > near->limit)
        return;
    size_t distance = count_edits(near->name, name, near->limit);
    if (distance <= near->limit)
        insert_name(near, name, distance);
}
