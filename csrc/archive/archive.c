/* SPDX-License-Identifier: BSD-3-Clause */
/* Archives of templates: see archive.h. */
#include "archive/archive.h"

#include <stdio.h>

#include "store/template_entry.h"

enum { FACTS_MAX = 96 };

/* ---- sums ---- */

int cenv_archive_sum_init(struct cenv_archive_sum *sum, struct cenv_error *err)
{
    *sum = (struct cenv_archive_sum){.sha256 = cenv_digest_new(CENV_SHA256)};
    return sum->sha256 ? 0 : cenv_error_oom(err);
}

void cenv_archive_sum_release(struct cenv_archive_sum *sum)
{
    cenv_digest_free(sum->sha256);
}

static int refuse_digest(struct cenv_error *err)
{
    return cenv_error_set(err, CENV_EFAIL, "cannot compute a digest");
}

int cenv_archive_sum_content(struct cenv_archive_sum *sum, const void *data, size_t len,
                             struct cenv_error *err)
{
    return cenv_digest_update(sum->sha256, data, len) ? 0 : refuse_digest(err);
}

/* With the NUL behind it: no two members give the same bytes. */
static bool add_text(struct cenv_archive_sum *sum, struct cenv_str text)
{
    return cenv_digest_update(sum->sha256, text.data, text.len) &&
           cenv_digest_update(sum->sha256, "", 1);
}

int cenv_archive_sum_member(struct cenv_archive_sum *sum,
                            const struct cenv_member *member, struct cenv_error *err)
{
    char facts[FACTS_MAX];
    int len = snprintf(facts, sizeof(facts), "%d %o %llu %lld ", (int)member->type,
                       member->mode, (unsigned long long)member->size,
                       (long long)member->mtime_ns);
    sum->members++;
    if (!cenv_digest_update(sum->sha256, facts, (size_t)len) ||
        !add_text(sum, member->path) || !add_text(sum, member->link))
        return refuse_digest(err);
    return 0;
}

int cenv_archive_sum_finish(struct cenv_archive_sum *sum, char hex[CENV_DIGEST_HEX_MAX],
                            struct cenv_error *err)
{
    return cenv_digest_hex(sum->sha256, hex) ? 0 : refuse_digest(err);
}

/* ---- names ---- */

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
    if (path.data[0] != '/')
        return cenv_str_n(NULL, 0);
    return cenv_str_slice(path, 1, path.len);
}
