/* SPDX-License-Identifier: BSD-3-Clause */
/* Finding, listing and removing templates. */
#include "check.h"
#include "storekit.h"

static void test_templates__are_found_listed_and_removed(void)
{
    struct storekit k = storekit_open();
    char whole[65], other[65];
    snprintf(whole, sizeof(whole), "%s", storekit_hash('1'));
    snprintf(other, sizeof(other), "%s", storekit_hash('1'));
    other[63] = '2';
    storekit_put_template(&k, whole, 1000, 10);
    storekit_put_template(&k, storekit_hash('3'), 2000, 20);
    CHECK_INT(cenv_template_find(k.store, "11", &k.out, &k.err), 0);
    CHECK(k.out.data && strstr(k.out.data, "/prefix\"") && strstr(k.out.data, whole));
    storekit_put_template(&k, other, 1000, 10);
    CHECK_INT(cenv_template_find(k.store, "11", &k.out, &k.err), CENV_EUSAGE);
    cenv_error_release(&k.err);
    CHECK_INT(cenv_template_find(k.store, whole, &k.out, &k.err), 0);
    CHECK_INT(cenv_template_find(k.store, "4", &k.out, &k.err), 1);
    CHECK_INT(cenv_template_find(k.store, "../x", &k.out, &k.err), 1);
    CHECK_INT(cenv_template_find(k.store, "", &k.out, &k.err), 1);
    cenv_buf_clear(&k.out);
    CHECK_INT(cenv_template_list(k.store, &k.out, &k.err), 0);
    CHECK(k.out.data && strstr(k.out.data, "\"records\":2") != NULL);
    CHECK_INT(cenv_template_remove(k.store, whole, &k.task, &k.err), 0);
    CHECK_INT(cenv_template_find(k.store, whole, &k.out, &k.err), 1);
    CHECK_INT(cenv_template_remove(k.store, whole, &k.task, &k.err), CENV_EUSAGE);
    storekit_close(&k);
}

int main(void)
{
    umask(022);
    RUN(test_templates__are_found_listed_and_removed);
    return check_report();
}
