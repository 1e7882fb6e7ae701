/* SPDX-License-Identifier: BSD-3-Clause */
/* Archives of templates: see archive.h. */
#include "template/archive.h"

#include <stdio.h>

#include "store/template_entry.h"

int cenv_archive_sum_add(struct cenv_archive_sum *sum, const struct cenv_member *member)
{
    char facts[96];
    int len = snprintf(facts, sizeof(facts), "%d %o %llu %lld ", (int)member->type,
                       member->mode, (unsigned long long)member->size,
                       (long long)member->mtime_ns);
    sum->members++;
    sum->bytes += member->size;
    /* Each text with the NUL behind it: no two members give the same bytes. */
    if (cenv_digest_update(sum->sha256, facts, (size_t)len) < 0 ||
        cenv_digest_update(sum->sha256, member->path.data, member->path.len) < 0 ||
        cenv_digest_update(sum->sha256, "", 1) < 0 ||
        cenv_digest_update(sum->sha256, member->link.data, member->link.len) < 0)
        return -1;
    return cenv_digest_update(sum->sha256, "", 1);
}

/* Steps over "<n>/". */
static bool cut_number(struct cenv_str *path, unsigned n)
{
    char head[16];
    int len = snprintf(head, sizeof(head), "%u/", n);
    if (!cenv_str_starts(*path, cenv_str(head)))
        return false;
    *path = cenv_str_slice(*path, (size_t)len, path->len);
    return true;
}

bool cenv_archive_is(struct cenv_str path, unsigned n, const char *name)
{
    return cut_number(&path, n) && cenv_str_is(path, name);
}

struct cenv_str cenv_archive_below_prefix(struct cenv_str path, unsigned n)
{
    const struct cenv_str prefix = cenv_str(CENV_TEMPLATE_PREFIX);
    if (!cut_number(&path, n) || !cenv_str_starts(path, prefix))
        return cenv_str_n(NULL, 0);
    path = cenv_str_slice(path, prefix.len, path.len);
    if (!path.len)
        return cenv_str_n("", 0);
    return path.data[0] == '/' ? cenv_str_slice(path, 1, path.len)
                               : cenv_str_n(NULL, 0);
}
