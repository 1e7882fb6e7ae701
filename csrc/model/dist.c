/* SPDX-License-Identifier: BSD-3-Clause */
/* File names of packages: see dist.h. */
#include "model/dist.h"

bool cenv_dist_split(struct cenv_dist *out, struct cenv_str fn)
{
    static const struct cenv_str exts[] = {{".conda", 6}, {".tar.bz2", 8}};
    struct cenv_dist d = {.stem = fn};
    size_t build, version;

    for (size_t i = 0; i < 2 && !d.ext.len; i++) {
        if (!cenv_str_ends(fn, exts[i]))
            continue;
        d.stem.len -= exts[i].len;
        d.ext = cenv_str_slice(fn, d.stem.len, fn.len);
    }
    build = cenv_str_rfind(d.stem, '-');
    version = cenv_str_rfind(cenv_str_slice(d.stem, 0, build), '-');
    if (build == d.stem.len || version == build)
        return false;
    d.name = cenv_str_slice(d.stem, 0, version);
    d.version = cenv_str_slice(d.stem, version + 1, build);
    d.build = cenv_str_slice(d.stem, build + 1, d.stem.len);
    if (!d.name.len || !d.version.len || !d.build.len)
        return false;
    *out = d;
    return true;
}
