/* SPDX-License-Identifier: BSD-3-Clause */
/* base/stage: every stage has one name, and no two the same. */
#include "base/stage.h"

#include "check.h"

static void test_stage__each_has_a_name_of_its_own(void)
{
    for (unsigned i = 0; i < CENV_NR_STAGES; i++) {
        const char *name = cenv_stage_name(i);

        if (!CHECK(name && *name))
            continue;
        check_case(name);
        for (unsigned k = 0; k < i; k++)
            CHECK(strcmp(name, cenv_stage_name(k)) != 0);
    }
}

static void test_stage__names_only_stages(void)
{
    CHECK_STR(cenv_stage_name(CENV_STAGE_DOWNLOAD_INDICES), "download indices");
    CHECK_STR(cenv_stage_name(CENV_STAGE_EXPORT), "export");
    CHECK(!cenv_stage_name(CENV_NR_STAGES));
}

static void test_stage__counts_bytes_or_things(void)
{
    CHECK_STR(cenv_stage_unit(CENV_STAGE_DOWNLOAD), "bytes");
    CHECK_STR(cenv_stage_unit(CENV_STAGE_LINK), "files");
    CHECK_STR(cenv_stage_unit(CENV_STAGE_SOLVE), "");
    CHECK(!cenv_stage_unit(CENV_NR_STAGES));
}

int main(void)
{
    RUN(test_stage__each_has_a_name_of_its_own);
    RUN(test_stage__names_only_stages);
    RUN(test_stage__counts_bytes_or_things);
    return check_report();
}
