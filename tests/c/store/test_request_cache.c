/* SPDX-License-Identifier: BSD-3-Clause */
/* What requests led to. */
#include "check.h"
#include "storekit.h"

static void test_request_cache__forgets_what_a_crash_left(void)
{
    struct storekit k = storekit_open();
    CHECK_INT(cenv_request_find(k.store, "q", &k.out, &k.err), 1);
    CHECK_INT(k.out.len, 0);
    CHECK_INT(cenv_request_put(k.store, "q", "{\"id\":\"1\"}", &k.err), 0);
    CHECK_INT(cenv_request_find(k.store, "q", &k.out, &k.err), 0);
    CHECK_STR(k.out.data, "{\"id\":\"1\"}");
    CHECK_INT(cenv_request_put(k.store, "q", "{\"id\":", &k.err),
              0); /* as a crash leaves it */
    CHECK_INT(cenv_request_find(k.store, "q", &k.out, &k.err), 1);
    storekit_close(&k);
}

int main(void)
{
    umask(022);
    RUN(test_request_cache__forgets_what_a_crash_left);
    return check_report();
}
