/* SPDX-License-Identifier: BSD-3-Clause */
/* Templates beside clones on another file system. */
#include <sys/mount.h>

#include "templatekit.h"

static int mirror(const char *id, const char *directory, int64_t owner)
{
    cenv_buf_clear(&k.out);
    int rc =
        cenv_template_mirror(k.store, id, directory, owner, &k.task, &k.out, &k.err);
    if (rc < 0)
        fprintf(stderr, "    %s\n", k.err.message);
    return rc;
}

static void test_mirror__same_file_system_needs_none(void)
{
    templatekit_begin();
    CHECK_INT(templatekit_build("{}"), 0);
    struct cenv_json *doc = templatekit_reply();
    CHECK_INT(mirror(cenv_json_get_cstr(doc, "id"), k.s.path, 0), 0);
    CHECK(k.out.data && strstr(k.out.data, "\"mirrored\":false"));
    CHECK(k.out.data && strstr(k.out.data, cenv_json_get_cstr(doc, "prefix")));
    cenv_buf_clear(&k.out);
    CHECK_INT(cenv_template_mirror(k.store, storekit_hash('9'), k.s.path, 0, &k.task,
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
    CHECK_INT(cenv_template_mirror(k.store, id, scratch_path(&k.s, "other"), 0, &k.task,
                                   &k.out, &k.err),
              CENV_EFAIL);
    cenv_error_release(&k.err);
    unlinkat(k.s.fd, name, AT_REMOVEDIR);
    for (int twice = 0; twice < 2; twice++) {
        CHECK_INT(mirror(id, scratch_path(&k.s, "other"), 0), 0);
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
    CHECK_INT(cenv_fs_exists(k.s.fd, name, &k.err), 0);
    umount2(scratch_path(&k.s, "other"), MNT_DETACH);
    cenv_free(id);
    storekit_close(&k);
}

/* A file system of its own, and the id of a template; false: none can be had. */
static bool begin_elsewhere(char id[80])
{
    templatekit_begin();
    mkdirat(k.s.fd, "other", 0777);
    if (geteuid() != 0 ||
        mount("cenv", scratch_path(&k.s, "other"), "tmpfs", 0, "size=64m") < 0) {
        storekit_close(&k);
        return false;
    }
    CHECK_INT(templatekit_build("{}"), 0);
    struct cenv_json *doc = templatekit_reply();
    snprintf(id, 80, "%s", cenv_json_get_cstr(doc, "id"));
    cenv_json_free(doc);
    return true;
}

static void end_elsewhere(void)
{
    umount2(scratch_path(&k.s, "other"), MNT_DETACH);
    storekit_close(&k);
}

static bool lists(const char *text)
{
    cenv_buf_clear(&k.out);
    CHECK_INT(cenv_template_mirrors(k.store, &k.task, &k.out, &k.err), 0);
    return strstr(k.out.data, text) != NULL;
}

static bool is_there(void)
{
    char name[64];
    snprintf(name, sizeof(name), "other/cenv-%u", geteuid());
    return cenv_fs_exists(k.s.fd, name, &k.err) == 1;
}

static void test_mirror__ends_with_its_run(void)
{
    char id[80], path[1200];
    struct cenv_store *there;
    struct cenv_lease *lease;
    if (!begin_elsewhere(id))
        return;
    CHECK(lists("[]"));
    CHECK_INT(mirror(id, scratch_path(&k.s, "other"), getpid()), 0);
    CHECK(lists("/other/cenv-"));
    CHECK_INT(cenv_template_mirrors_end(k.store, 1, &k.task, &k.err), 0);
    CHECK(is_there()); /* another run's end */
    snprintf(path, sizeof(path), "%s/other/cenv-%u", k.s.path, geteuid());
    CHECK_INT(cenv_store_open(&there, path, &k.err), 0);
    CHECK_INT(cenv_lease_take(there, &lease, &k.err), 0);
    CHECK_INT(cenv_template_mirrors_end(k.store, getpid(), &k.task, &k.err), 0);
    CHECK(is_there()); /* another worker has it in use */
    cenv_lease_free(lease);
    cenv_store_free(there);
    CHECK_INT(cenv_template_mirrors_end(k.store, getpid(), &k.task, &k.err), 0);
    CHECK(!is_there());
    CHECK(lists("[]"));
    end_elsewhere();
}

static void test_mirror__stays_without_an_owner(void)
{
    char id[80];
    if (!begin_elsewhere(id))
        return;
    CHECK_INT(mirror(id, scratch_path(&k.s, "other"), 0), 0);
    CHECK_INT(mirror(id, scratch_path(&k.s, "other"), getpid()), 0);
    CHECK_INT(cenv_template_mirrors_end(k.store, getpid(), &k.task, &k.err), 0);
    CHECK(is_there());
    end_elsewhere();
}

/* Of a run that was killed: any other's end takes it. */
static void test_mirror__of_a_dead_run_goes(void)
{
    char id[80];
    if (!begin_elsewhere(id))
        return;
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    waitpid(pid, NULL, 0);
    CHECK_INT(mirror(id, scratch_path(&k.s, "other"), pid), 0);
    CHECK_INT(cenv_template_mirrors_end(k.store, getpid(), &k.task, &k.err), 0);
    CHECK(!is_there());
    end_elsewhere();
}

int main(void)
{
    umask(022);
    RUN(test_mirror__same_file_system_needs_none);
    RUN(test_mirror__another_file_system_gets_a_private_copy);
    RUN(test_mirror__ends_with_its_run);
    RUN(test_mirror__stays_without_an_owner);
    RUN(test_mirror__of_a_dead_run_goes);
    return check_report();
}
