/* SPDX-License-Identifier: BSD-3-Clause */
/* Opening a store. */
#include "check.h"
#include "storekit.h"

static void test_store__opens_a_new_place_and_an_old_one(void)
{
    struct storekit k = storekit_open();
    struct cenv_store *again = NULL;
    CHECK_INT(cenv_store_open(&again, scratch_path(&k.s, "store"), &k.err), 0);
    CHECK_STR(again->path, scratch_path(&k.s, "store/v1"));
    cenv_store_free(again);
    CHECK(strncmp(scratch_text(&k.s, "store/CACHEDIR.TAG"),
                  "Signature: 8a477f597d28d172", 27) == 0);
    scratch_file(&k.s, "file", "", 0600);
    CHECK_INT(cenv_store_open(&again, scratch_path(&k.s, "file"), &k.err), CENV_EOS);
    CHECK(strstr(k.err.hint, "CENV_STORE") != NULL);
    storekit_close(&k);
}

int main(void)
{
    umask(022);
    RUN(test_store__opens_a_new_place_and_an_old_one);
    return check_report();
}
