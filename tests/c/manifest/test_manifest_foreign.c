/* SPDX-License-Identifier: BSD-3-Clause */
/* manifest_foreign: what an environment's packages tell of it is never half told. */
#include "manifest/manifest_foreign.h"

#include "check.h"
#include "package.h"

#include "base/alloc.h"
#include "manifest/manifest.h"
#include "os/fs.h"

/* So long that a first line cannot name it: only the package says what stood there. */
#define DEEP \
    "placehold_placehold_placehold_placehold_placehold_placehold_placehold_placehold_" \
    "placehold_placehold_placehold_placehold_placehold"

static struct scratch s;
static char prefix[1024];

static void link_tool(void)
{
    s = scratch_open();
    snprintf(prefix, sizeof(prefix), "%s/" DEEP, s.path);
    struct package p = package_begin(&s, "tool", "1", "");
    static const char script[] = "#!" PLACEHOLDER "/bin/sh\nhome=" PLACEHOLDER "\n";
    package_data(&p, "bin/tool", script, sizeof(script) - 1, 0755, TEXT_KEYS);
    struct cenv_link_package package = package_end(&p);
    struct linked l = link_packages(&s, DEEP, prefix, &package, 1, plain_link);
    CHECK_INT(l.rc, 0);
    linked_release(&l);
}

static int read_environment(struct cenv_manifest **m, struct cenv_error *err)
{
    struct cenv_task task;
    cenv_task_init(&task, NULL, NULL);
    int root = cenv_fs_open_root(prefix, err), rc = root;
    if (root >= 0)
        rc = cenv_manifest_of_environment(
            m, root, prefix, &(struct cenv_manifest_hints){.shared = true}, &task, err);
    cenv_fd_close(root);
    cenv_task_release(&task);
    return rc;
}

static void test_manifest_foreign__is_whole_or_out_of_memory(void)
{
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_manifest *whole = NULL, *m = NULL;
    bool reached = true;
    int rc = 0;
    link_tool();
    if (!CHECK_INT(read_environment(&whole, &err), 0))
        return;
    long nth = 0, live = cenv_alloc_live();
    while (reached && nth < 2000) {
        cenv_alloc_fail_nth(++nth);
        rc = read_environment(&m, &err);
        reached = !cenv_alloc_fail_nth(0);
        CHECK(rc == 0 || rc == CENV_ENOMEM);
        cenv_error_release(&err);
        if (rc == 0 && CHECK_INT(m->header->total, whole->header->total))
            CHECK_MEM(m->header, whole->header, whole->header->total);
        if (rc == 0)
            cenv_manifest_free(m);
        CHECK_INT(cenv_alloc_live(), live);
    }
    CHECK(nth > 100);
    CHECK_INT(rc, 0);
    cenv_manifest_free(whole);
    scratch_close(&s);
}

int main(void)
{
    umask(022);
    RUN(test_manifest_foreign__is_whole_or_out_of_memory);
    return check_report();
}
