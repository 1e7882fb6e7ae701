/* SPDX-License-Identifier: BSD-3-Clause */
/* Names of stages: see stage.h. */
#include "base/stage.h"

#include <stddef.h>

const char *cenv_stage_name(unsigned stage)
{
    static const char *const names[CENV_NR_STAGES] = {
#define XX(NAME, name, unit) [CENV_STAGE_##NAME] = (name),
        CENV_STAGE_MAP(XX)
#undef XX
    };

    return stage < CENV_NR_STAGES ? names[stage] : NULL;
}

const char *cenv_stage_unit(unsigned stage)
{
    static const char *const units[CENV_NR_STAGES] = {
#define XX(NAME, name, unit) [CENV_STAGE_##NAME] = (unit),
        CENV_STAGE_MAP(XX)
#undef XX
    };

    return stage < CENV_NR_STAGES ? units[stage] : NULL;
}
