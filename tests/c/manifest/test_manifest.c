/* SPDX-License-Identifier: BSD-3-Clause */
/* Manifests as they lie on disk: nothing of them is believed before it is checked. */
#include "clone_env.h"

#include "base/alloc.h"
#include "manifest/manifest_foreign.h"
#include "os/fs.h"

/* Every flipped bit of a manifest is found, or does no harm. */
static void test_manifest__damaged(void)
{
    struct env e = env_open();
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_task task;
    struct cenv_manifest *m = NULL;
    cenv_task_init(&task, NULL, NULL);
    int root = cenv_fs_open_root(e.src, &err);
    CHECK_INT(cenv_manifest_of_environment(
                  &m, root, e.src, &(struct cenv_manifest_hints){.shared = false},
                  &task, &err),
              0);
    size_t total = m->header->total;
    for (size_t at = 0; at < total; at += at < 600 ? 1 : 97) {
        struct cenv_manifest *bad = NULL;
        char *block = cenv_memdup(m->header, total);
        block[at] = (char)(block[at] ^ 0x41);
        CHECK_INT(cenv_manifest_from_block(&bad, block, total, &err), CENV_EINTEGRITY);
        cenv_error_release(&err);
    }
    /* With a right sum over wrong content only the checks are left. */
    for (size_t at = sizeof(*m->header); at < total; at += 3) {
        struct cenv_manifest *bad = NULL;
        char *block = cenv_memdup(m->header, total);
        block[at] = (char)(block[at] ^ 0xff);
        cenv_manifest_seal(block);
        if (cenv_manifest_from_block(&bad, block, total, &err) == 0)
            cenv_manifest_free(bad);
        cenv_error_release(&err);
    }
    CHECK(total > 1000);
    cenv_manifest_free(m);
    cenv_fd_close(root);
    cenv_task_release(&task);
    scratch_close(&e.s);
}

int main(void)
{
    umask(022);
    RUN(test_manifest__damaged);
    clone_env_release();
    return check_report();
}
