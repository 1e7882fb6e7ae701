/* SPDX-License-Identifier: BSD-3-Clause */
/* Templates that the caller changes. */
#include "templatekit.h"

static void test_draft__is_there_when_committed(void)
{
    struct cenv_draft *draft = NULL;
    const char *meta = "{\"key\":\"pip install x\"}";
    templatekit_begin();
    CHECK_INT(templatekit_build("{}"), 0);
    cenv_buf_clear(&k.out);
    CHECK_INT(cenv_draft_open(&draft, k.store, records, meta, &k.task, &k.out, &k.err),
              0);
    if (!CHECK(draft != NULL))
        return;
    struct cenv_json *doc = templatekit_reply();
    char path[1024];
    snprintf(path, sizeof(path), "%s/added", cenv_json_get_cstr(doc, "prefix"));
    CHECK_INT(
        cenv_template_find(k.store, cenv_json_get_cstr(doc, "id"), &k.out, &k.err), 1);
    CHECK_INT(cenv_fs_write_new(CENV_CWD, path, CENV_STR("x"), 0644, &k.err), 0);
    cenv_buf_clear(&k.out);
    CHECK_INT(cenv_store_sweep(k.store, &k.task, &k.out, &k.err), 0); /* it is ours */
    cenv_buf_clear(&k.out);
    CHECK_INT(cenv_draft_commit(draft, &k.task, &k.out, &k.err), 0);
    CHECK(templatekit_was_built());
    CHECK_STR(templatekit_text("added"), "x");
    cenv_buf_clear(&k.out);
    CHECK_INT(
        cenv_template_find(k.store, cenv_json_get_cstr(doc, "id"), &k.out, &k.err), 0);
    cenv_buf_clear(&k.out);
    CHECK_INT(cenv_draft_open(&draft, k.store, records, meta, &k.task, &k.out, &k.err),
              0);
    CHECK(draft == NULL && !templatekit_was_built());
    cenv_json_free(doc);
    templatekit_check_clean(2);
    storekit_close(&k);
}

static void test_draft__killed_or_discarded_is_gone(void)
{
    struct cenv_draft *draft = NULL;
    templatekit_begin();
    CHECK_INT(cenv_draft_open(&draft, k.store, records, "{\"key\":\"1\"}", &k.task,
                              &k.out, &k.err),
              0);
    cenv_draft_discard(draft);
    templatekit_check_clean(0);
    for (int sweep = 0; sweep < 2; sweep++) {
        pid_t pid = fork();
        if (pid == 0) {
            cenv_draft_open(&draft, k.store, records, "{\"key\":\"1\"}", &k.task,
                            &k.out, &k.err);
            kill(getpid(), SIGKILL);
        }
        waitpid(pid, NULL, 0);
        CHECK_INT(templatekit_count(CENV_STORE_TEMPLATES), 1);
        cenv_buf_clear(&k.out);
        if (sweep) {
            CHECK_INT(cenv_store_sweep(k.store, &k.task, &k.out, &k.err), 0);
            templatekit_check_clean(0);
        } else {
            CHECK_INT(cenv_draft_open(&draft, k.store, records, "{\"key\":\"1\"}",
                                      &k.task, &k.out, &k.err),
                      0);
            CHECK(draft != NULL);
            cenv_draft_discard(draft);
        }
    }
    storekit_close(&k);
}

int main(void)
{
    umask(022);
    RUN(test_draft__is_there_when_committed);
    RUN(test_draft__killed_or_discarded_is_gone);
    return check_report();
}
