/* SPDX-License-Identifier: BSD-3-Clause */
/* codec/limits: bounds that grow with the input, and never past their most. */
#include "codec/limits.h"

#include "check.h"

static void test_limits__grow_with_the_archive(void)
{
    struct cenv_limits small, large, huge;

    cenv_limits_init(&small, 0);
    cenv_limits_init(&large, 100 << 20);
    cenv_limits_init(&huge, UINT64_MAX);
    CHECK_INT(small.bytes, 256 << 20);
    CHECK_INT(small.entries, 10000);
    CHECK_INT(small.text, 8 << 20);
    cenv_limits_init(&small, 1600);
    CHECK_INT(small.entries, 10100);
    CHECK_INT(large.entries, 4000000);
    CHECK_INT(large.names, 808 << 20);
    CHECK_INT(huge.bytes, 64LL << 30);
    CHECK_INT(huge.entries, 4000000);
    CHECK_INT(huge.names, 1 << 30);
    CHECK_INT(huge.text, 256 << 20);
}

static void test_limits__of_repodata(void)
{
    CHECK_INT(cenv_limits_repodata(0), 64 << 20);
    CHECK_INT(cenv_limits_repodata(1000), (64 << 20) + 200000);
    CHECK_INT(cenv_limits_repodata(UINT64_MAX), 1 << 30);
}

static void test_limits__are_used_up(void)
{
    uint64_t left = 10;

    CHECK(cenv_limits_take(&left, 7));
    CHECK(!cenv_limits_take(&left, 4));
    CHECK(cenv_limits_take(&left, 3));
    CHECK(!cenv_limits_take(&left, UINT64_MAX));
    CHECK_INT(left, 0);
}

int main(void)
{
    RUN(test_limits__grow_with_the_archive);
    RUN(test_limits__of_repodata);
    RUN(test_limits__are_used_up);
    return check_report();
}
