/* SPDX-License-Identifier: BSD-3-Clause */
/* Templates as entries. */
#include "check.h"
#include "store/template_entry.h"
#include "storekit.h"

static void test_template_entry__is_told_by_the_path_of_its_prefix(void)
{
    struct storekit k = storekit_open();
    struct cenv_buf manifest;
    char prefix[512], id[CENV_TEMPLATE_ID_LEN + 1];
    storekit_put_template(&k, storekit_hash('1'), 1000, 10);
    cenv_buf_init(&manifest, 4096);
    snprintf(prefix, sizeof(prefix), "%s/templates/%s/prefix", k.store->path,
             storekit_hash('1'));
    CHECK_INT(cenv_template_entry_of_prefix(k.store, prefix, &manifest, &k.err), 1);
    CHECK(manifest.data && strstr(manifest.data, "/manifest"));
    CHECK_INT(cenv_template_entry_id_of_prefix(k.store, prefix, id, &k.err), 1);
    CHECK_STR(id, storekit_hash('1'));
    prefix[strlen(prefix) - 1] = 'y';
    CHECK_INT(cenv_template_entry_of_prefix(k.store, prefix, &manifest, &k.err), 0);
    CHECK_INT(cenv_template_entry_of_prefix(k.store, "/usr", &manifest, &k.err), 0);
    CHECK(!cenv_template_entry_id_of_prefix(k.store, "/usr", id, &k.err));
    cenv_buf_release(&manifest);
    storekit_close(&k);
}

static void test_template_entry__is_found_by_the_start_of_its_id(void)
{
    struct storekit k = storekit_open();
    char id[CENV_TEMPLATE_ID_LEN + 1], other[CENV_TEMPLATE_ID_LEN + 1];
    static const char *const none[] = {"", "4", "../x", "1G"};
    snprintf(other, sizeof(other), "%s", storekit_hash('1'));
    other[63] = '2';
    storekit_put_template(&k, storekit_hash('1'), 1000, 10);
    CHECK_INT(cenv_template_entry_resolve(k.store, "11", id, &k.err), 0);
    CHECK_STR(id, storekit_hash('1'));
    for (size_t i = 0; i < CHECK_NR(none); i++) {
        check_case(none[i]);
        CHECK_INT(cenv_template_entry_resolve(k.store, none[i], id, &k.err), 1);
    }
    storekit_put_template(&k, other, 1000, 10);
    CHECK_INT(cenv_template_entry_resolve(k.store, "11", id, &k.err), CENV_EUSAGE);
    CHECK(strstr(k.err.message, "2 templates") != NULL);
    cenv_error_release(&k.err);
    CHECK_INT(cenv_template_entry_resolve(k.store, other, id, &k.err), 0);
    CHECK_STR(id, other);
    CHECK(cenv_template_entry_is_id(id) && !cenv_template_entry_is_id("11"));
    storekit_close(&k);
}

/* What a file says of itself counts: one that was put in another's place is none. */
static void test_template_entry__is_of_its_own_id(void)
{
    struct storekit k = storekit_open();
    char from[256], to[256];
    storekit_put_template(&k, storekit_hash('1'), 1000, 10);
    snprintf(from, sizeof(from), "store/v1/templates/%s", storekit_hash('1'));
    snprintf(to, sizeof(to), "store/v1/templates/%s", storekit_hash('2'));
    CHECK_INT(renameat(k.s.fd, from, k.s.fd, to), 0);
    CHECK_INT(cenv_template_entry_find(k.store, storekit_hash('2'), &k.err), 1);
    storekit_close(&k);
}

int main(void)
{
    umask(022);
    RUN(test_template_entry__is_told_by_the_path_of_its_prefix);
    RUN(test_template_entry__is_found_by_the_start_of_its_id);
    RUN(test_template_entry__is_of_its_own_id);
    return check_report();
}
