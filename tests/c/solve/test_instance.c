/* SPDX-License-Identifier: BSD-3-Clause */
/* Which places a requirement allows. */
#include "check.h"
#include "solve/instance.h"

static void test_instance__allows_places_of_runs(void)
{
    struct cenv_run runs[] = {{1, 3}, {5, 6}};
    struct cenv_req req = {.nr_runs = 2};
    struct cenv_instance in = {.runs = runs};
    const bool want[] = {false, true, true, false, false, true, false};
    for (uint32_t p = 0; p < CHECK_NR(want); p++)
        CHECK_INT(cenv_instance_allows(&in, &req, p), want[p]);
}

int main(void)
{
    RUN(test_instance__allows_places_of_runs);
    return check_report();
}
