/* SPDX-License-Identifier: BSD-3-Clause */
/* Templates beside clones on another file system. */
#include <sys/mount.h>

#include "templatekit.h"

static int mirror(const char *id, const char *directory)
{
    cenv_buf_clear(&k.out);
    int rc = cenv_template_mirror(k.store, id, directory, &k.task, &k.out, &k.err);
    if (rc < 0)
        fprintf(stderr, "    %s\n", k.err.message);
    return rc;
}

static void test_mirror__same_file_system_needs_none(void)
{
    templatekit_begin();
    CHECK_INT(templatekit_build("{}"), 0);
    struct cenv_json *doc = templatekit_reply();
    CHECK_INT(mirror(cenv_json_get_cstr(doc, "id"), k.s.path), 0);
    CHECK(k.out.data && strstr(k.out.data, "\"mirrored\":false"));
    CHECK(k.out.data && strstr(k.out.data, cenv_json_get_cstr(doc, "path")));
    cenv_buf_clear(&k.out);
    CHECK_INT(cenv_template_mirror(k.store, storekit_hash('9'), k.s.path, &k.task,
                                   &k.out, &k.err),
              CENV_EUSAGE);
    cenv_json_free(doc);
    storekit_close(&k);
}

static void test_mirror__another_file_system_gets_a_private_copy(void)
{
    char name[128], expected[1200];
    templatekit_begin();
    mkdirat(k.s.fd, "other", 0777);
    if (geteuid() != 0 ||
        mount("cenv", scratch_path(&k.s, "other"), "tmpfs", 0, "size=64m") < 0) {
        storekit_close(&k);
        return;
    }
    CHECK_INT(templatekit_build("{}"), 0);
    struct cenv_json *doc = templatekit_reply();
    char *id = cenv_strdup(cenv_json_get_cstr(doc, "id"));
    cenv_json_free(doc);
    snprintf(name, sizeof(name), "other/cenv-%u", geteuid());
    mkdirat(k.s.fd, name, 0755); /* somebody else may look into it */
    CHECK_INT(cenv_template_mirror(k.store, id, scratch_path(&k.s, "other"), &k.task,
                                   &k.out, &k.err),
              CENV_EFAIL);
    cenv_error_release(&k.err);
    unlinkat(k.s.fd, name, AT_REMOVEDIR);
    for (int twice = 0; twice < 2; twice++) {
        CHECK_INT(mirror(id, scratch_path(&k.s, "other")), 0);
        CHECK(k.out.data && strstr(k.out.data, "\"mirrored\":true"));
        snprintf(expected, sizeof(expected), "%s/%s/v1/templates/%s/prefix", k.s.path,
                 name, id);
        CHECK(k.out.data && strstr(k.out.data, expected));
        CHECK(strstr(templatekit_text("bin/a"), expected) ||
              strstr(templatekit_text("bin/a"), "env"));
    }
    cenv_buf_clear(&k.out);
    CHECK_INT(cenv_verify(expected, &k.task, &k.out, &k.err), 0);
    CHECK(k.out.data && strncmp(k.out.data, "{\"ok\":true", 10) == 0);
    CHECK_INT(cenv_store_gc(k.store, 0, &k.task, &k.out, &k.err), 0);
    CHECK(!cenv_fs_exists(k.s.fd, name));
    umount2(scratch_path(&k.s, "other"), MNT_DETACH);
    cenv_free(id);
    storekit_close(&k);
}

int main(void)
{
    umask(022);
    RUN(test_mirror__same_file_system_needs_none);
    RUN(test_mirror__another_file_system_gets_a_private_copy);
    return check_report();
}
