/* SPDX-License-Identifier: BSD-3-Clause */
/* What is damage to a template, and what is not. */
#include "clone_env.h"

#include "clone/template_damage.h"
#include "manifest/manifest_foreign.h"
#include "os/fs.h"

static struct env e;
static struct cenv_manifest *own;
static int root;

static void begin(void)
{
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_task task;
    e = env_open();
    put(&e, "env/share/setup", 0644, "of a set-up, %s", e.src);
    put(&e, "env/" SP "/__pycache__/m.cpython-312.pyc", 0644, "bytecode");
    cenv_task_init(&task, NULL, NULL);
    root = cenv_fs_open_root(e.src, &err);
    CHECK_INT(cenv_manifest_of_environment(
                  &own, root, e.src, &(struct cenv_manifest_hints){.shared = true},
                  &task, &err),
              0);
    cenv_task_release(&task);
}

static void end(void)
{
    cenv_manifest_free(own);
    cenv_fd_close(root);
    scratch_close(&e.s);
}

/* "" for none; valid until the next call. */
static const char *damage(void)
{
    static char said[512];
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_task task;
    cenv_task_init(&task, NULL, NULL);
    int rc = cenv_template_damage_check(own, root, e.src, &task, &err);
    CHECK_INT(rc, err.status);
    CHECK(rc == 0 || rc == CENV_EINTEGRITY);
    snprintf(said, sizeof(said), "%s", rc < 0 ? err.message : "");
    cenv_error_release(&err);
    cenv_task_release(&task);
    return said;
}

/* One byte of a file becomes another; its size and time stay. */
static void flip_byte(const char *path)
{
    struct stat st;
    char byte;
    fstatat(e.s.fd, path, &st, 0);
    int fd = openat(e.s.fd, path, O_RDWR | O_CLOEXEC);
    CHECK_INT(pread(fd, &byte, 1, st.st_size - 2), 1);
    byte = (char)(byte ^ 1);
    CHECK_INT(pwrite(fd, &byte, 1, st.st_size - 2), 1);
    close(fd);
    set_time(&e, path, st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
}

static void test_template_damage__none(void)
{
    begin();
    CHECK_STR(damage(), "");
    put(&e, "env/share/new", 0644, "came later");
    put(&e, "env/" SP "/__pycache__/m.cpython-312.pyc", 0644, "made anew");
    CHECK_INT(unlinkat(e.s.fd, "env/" SP "/__pycache__/m.cpython-312.pyc", 0), 0);
    CHECK_INT(fchmodat(e.s.fd, "env/lib/x.pc", 0600, 0), 0);
    CHECK_INT(fchmodat(e.s.fd, "env/lib/x.pc", 0644, 0), 0);
    CHECK_STR(damage(), "");
    end();
}

static void test_template_damage__by_facts(void)
{
    begin();
    put(&e, "env/share/setup", 0644, "");
    CHECK(strstr(damage(), "'share/setup' has another size"));
    CHECK_INT(unlinkat(e.s.fd, "env/share/setup", 0), 0);
    CHECK(strstr(damage(), "'share/setup' is gone"));
    CHECK_INT(symlinkat("elsewhere", e.s.fd, "env/share/setup"), 0);
    CHECK(strstr(damage(), "'share/setup' was replaced"));
    end();
    begin();
    set_time(&e, "env/lib/x.pc", 7, 7);
    CHECK(strstr(damage(), "'lib/x.pc' was written to"));
    end();
    begin();
    CHECK_INT(fchmodat(e.s.fd, "env/lib/x.pc", 0600, 0), 0);
    CHECK(strstr(damage(), "'lib/x.pc' has another mode"));
    end();
}

/* Its ctime gives the hint, its package the proof. */
static void test_template_damage__by_content(void)
{
    begin();
    flip_byte("env/lib/libx.so");
    CHECK(strstr(damage(), "'lib/libx.so' was written to"));
    flip_byte("env/lib/libx.so");
    CHECK_STR(damage(), "");
    end();
}

int main(void)
{
    umask(022);
    RUN(test_template_damage__none);
    RUN(test_template_damage__by_facts);
    RUN(test_template_damage__by_content);
    clone_env_release();
    return check_report();
}
