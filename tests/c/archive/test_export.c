/* SPDX-License-Identifier: BSD-3-Clause */
/* Writing archives of templates. */
#include "templatekit.h"

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

static void test_export__is_whole_or_not_at_all(void)
{
    bool reached = true;
    int rc = -1;
    begin_export();
    CHECK_INT(mkdirat(k.s.fd, "out", 0755), 0);
    int out = cenv_raw_open_dir(k.s.fd, "out");
    for (long n = 1; n < 9000 && reached; n++) {
        cenv_alloc_fail_nth(n);
        rc = export_to("out/archive");
        reached = !cenv_alloc_fail_nth(0);
        if (!CHECK(rc == 0 || rc == CENV_ENOMEM))
            fprintf(stderr, "    %s\n", k.err.message);
        CHECK_INT(k.out.len > 0, rc == 0);
        cenv_buf_release(&k.out); /* what could not be removed is known to the store */
        CHECK_INT(cenv_store_sweep(k.store, &k.task, &k.out, &k.err), 0);
        check_whole(rc, out, "archive");
        unlinkat(out, "archive", 0);
        cenv_error_release(&k.err);
    }
    CHECK_INT(rc, 0);
    cenv_fd_close(out);
    storekit_close(&k);
}

static void test_export__refuses_what_it_does_not_know(void)
{
    begin_export();
    cenv_buf_clear(&k.out);
    CHECK_INT(cenv_template_export(k.store, scratch_path(&k.s, "x"), "{\"id\":[]}",
                                   &k.task, &k.out, &k.err),
              CENV_EUSAGE);
    CHECK(strstr(k.err.message, "'id'") && strstr(k.err.hint, "'ids'"));
    cenv_error_release(&k.err);
    snprintf(exported, sizeof(exported), "{\"ids\":[\"%s\"]}", storekit_hash('9'));
    CHECK_INT(export_to("x"), CENV_EUSAGE);
    cenv_error_release(&k.err);
    snprintf(exported, sizeof(exported), "{\"ids\":[]}");
    CHECK_INT(export_to("x"), CENV_EUSAGE);
    CHECK_INT(cenv_fs_exists(k.s.fd, "x", &k.err), 0);
    CHECK_INT(k.out.len, 0);
    storekit_close(&k);
}

int main(void)
{
    umask(022);
    RUN(test_export__is_whole_or_not_at_all);
    RUN(test_export__refuses_what_it_does_not_know);
    return check_report();
}
