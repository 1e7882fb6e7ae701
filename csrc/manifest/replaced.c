/* SPDX-License-Identifier: BSD-3-Clause */
/* Not the prefix itself is compared: how a file may write it is the business of relocate/ alone. */
#include "manifest/replaced.h"

#include "base/checksum.h"
#include "os/fs.h"
#include "os/raw_data.h"

bool cenv_replaced_next(const struct cenv_sites *sites, size_t *at,
                        struct cenv_replaced *range)
{
    if (*at == 0) {
        while (*at < sites->nr && sites->list[*at].kind == CENV_SITE_SHEBANG)
            ++*at;
        ++*at; /* one more than the index of the next site from now on */
        *range = (struct cenv_replaced){0, sites->line_have};
        if (sites->style != CENV_SHEBANG_NONE)
            return true;
    }
    if (*at > sites->nr)
        return false;
    const struct cenv_site *site = &sites->list[(*at)++ - 1];
    *range = (struct cenv_replaced){site->offset, site->have};
    return true;
}

uint64_t cenv_replaced_add(uint64_t sum, struct cenv_str bytes)
{
    return (sum ^ cenv_checksum64(bytes)) * 0x9e3779b97f4a7c15u;
}

/* A range is a path's length, and a first line's; what needs more is no manifest's. */
static int add_range(const struct cenv_scan_target *what, int fd,
                     const struct cenv_replaced *range, uint64_t *sum,
                     struct cenv_error *err)
{
    int64_t n = range->len > CENV_SCAN_BLOCK
                    ? 0
                    : cenv_raw_pread(fd, what->block, range->len, range->from);
    if (n < 0)
        return cenv_fs_fail(err, (int)n, what->dir, what->name, "cannot read");
    if ((uint64_t)n != range->len)
        return cenv_scan_file_fail_changed(what->path, err);
    *sum = cenv_replaced_add(*sum, cenv_str_n(what->block, range->len));
    return 0;
}

int cenv_replaced_sum_file(const struct cenv_scan_target *what,
                           const struct cenv_sites *sites, uint64_t *sum,
                           struct cenv_error *err)
{
    struct cenv_replaced range;
    uint64_t made = 0;
    size_t at = 0;
    int rc = 0, fd = cenv_scan_file_open(what, err);
    if (fd < 0)
        return fd;
    while (rc == 0 && cenv_replaced_next(sites, &at, &range))
        rc = add_range(what, fd, &range, &made, err);
    cenv_fd_close(fd);
    if (rc == 0)
        *sum = made;
    return rc;
}
