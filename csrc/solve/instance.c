/* SPDX-License-Identifier: BSD-3-Clause */
/* See instance.h. */
#include "solve/instance.h"

bool cenv_instance_allows(const struct cenv_instance *in, const struct cenv_req *req,
                          uint32_t place)
{
    const struct cenv_run *runs = in->runs + req->first_run;
    uint32_t lo = 0, hi = req->nr_runs;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (runs[mid].to <= place)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < req->nr_runs && runs[lo].from <= place;
}
