/* SPDX-License-Identifier: BSD-3-Clause */
/* Hashes that repodata does not tell. */
#include "check.h"
#include "store/known_hash.h"
#include "storekit.h"

static void test_known_hash__is_of_url_md5_and_size(void)
{
    struct storekit k = storekit_open();
    char hex[65];
    struct cenv_str url = CENV_STR("https://h/c/a-1-0.conda"), md5 = CENV_STR("d41d8c");
    CHECK(!cenv_known_hash_find(k.store, url, md5, 5, hex));
    CHECK_INT(cenv_known_hash_put(k.store, url, md5, 5, storekit_hash('c'), &k.err), 0);
    CHECK(cenv_known_hash_find(k.store, url, md5, 5, hex));
    CHECK_STR(hex, storekit_hash('c'));
    CHECK(!cenv_known_hash_find(k.store, url, md5, 6, hex));
    storekit_close(&k);
}

int main(void)
{
    umask(022);
    RUN(test_known_hash__is_of_url_md5_and_size);
    return check_report();
}
