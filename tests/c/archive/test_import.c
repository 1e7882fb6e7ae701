/* SPDX-License-Identifier: BSD-3-Clause */
/* Reading archives of templates. */
#include "os/fs_remove.h"
#include "templatekit.h"

static int import_from(struct cenv_store *store, const char *file)
{
    cenv_buf_release(&k.out);
    return cenv_template_import(store, scratch_path(&k.s, file), "{}", &k.task, &k.out,
                                &k.err);
}

/* Whole or not at all: `rc` is the outcome, `file` what must be there only then. */
static void check_whole(int rc, int dir, const char *file)
{
    struct cenv_listing list;
    CHECK_INT(cenv_listing_read(&list, dir, false), 0);
    CHECK_INT((int)list.nr, rc == 0);
    for (size_t i = 0; rc == 0 && file && i < list.nr; i++)
        CHECK_STR(list.entries[i].name, file);
    cenv_listing_release(&list);
}

static void test_import__refuses_an_archive_that_is_cut(void)
{
    struct cenv_store *other = NULL;
    struct stat st;
    begin_export();
    CHECK_INT(export_to("archive"), 0);
    CHECK_INT(cenv_store_open(&other, scratch_path(&k.s, "other"), &k.err), 0);
    CHECK_INT(fstatat(k.s.fd, "archive", &st, 0), 0);
    for (off_t cut = 0; cut < st.st_size; cut += st.st_size / 7 + 1) {
        CHECK_INT(export_to("archive"), 0);
        CHECK_INT(truncate(scratch_path(&k.s, "archive"), cut), 0);
        CHECK_INT(import_from(other, "archive"), CENV_EINTEGRITY);
        CHECK_INT(k.out.len, 0);
        check_whole(-1, other->dirs[CENV_STORE_TEMPLATES], NULL);
        cenv_error_release(&k.err);
    }
    cenv_store_free(other);
    storekit_close(&k);
}

static void test_import__is_whole_or_not_at_all(void)
{
    struct cenv_store *other = NULL;
    bool reached = true;
    int rc = -1;
    begin_export();
    CHECK_INT(export_to("archive"), 0);
    CHECK_INT(cenv_store_open(&other, scratch_path(&k.s, "other"), &k.err), 0);
    for (long n = 1; n < 9000 && reached; n += 1 + n / 25) {
        cenv_fs_discard_tree(other->dirs[CENV_STORE_TEMPLATES], template_id);
        cenv_alloc_fail_nth(n);
        rc = import_from(other, "archive");
        reached = !cenv_alloc_fail_nth(0);
        CHECK(rc == 0 || rc == CENV_ENOMEM);
        check_whole(rc, other->dirs[CENV_STORE_TEMPLATES], NULL);
        cenv_error_release(&k.err);
    }
    CHECK_INT(rc, 0);
    CHECK_INT(import_from(other, "archive"), 0);
    CHECK(k.out.data && strstr(k.out.data, "\"imported\":false") != NULL);
    cenv_store_free(other);
    storekit_close(&k);
}

static void test_import__refuses_what_it_does_not_know(void)
{
    begin_export();
    CHECK_INT(export_to("archive"), 0);
    cenv_buf_clear(&k.out);
    CHECK_INT(cenv_template_import(k.store, scratch_path(&k.s, "archive"),
                                   "{\"virtual_package\":[]}", &k.task, &k.out, &k.err),
              CENV_EUSAGE);
    CHECK(strstr(k.err.hint, "'virtual_packages'") != NULL);
    storekit_close(&k);
}

int main(void)
{
    umask(022);
    RUN(test_import__refuses_an_archive_that_is_cut);
    RUN(test_import__is_whole_or_not_at_all);
    RUN(test_import__refuses_what_it_does_not_know);
    return check_report();
}
