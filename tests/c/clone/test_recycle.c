/* SPDX-License-Identifier: BSD-3-Clause */
/* A clone that was given back: as a new one, or not handed over. */
#include "check.h"
#include "scratch.h"

#include "cenv.h"
#include "os/fs.h"
#include "os/pid.h"
#include "store/clone_registry.h"

static struct scratch s;
static struct cenv_store *store;
static struct cenv_error err = CENV_ERROR_INIT;

static void clone_for(pid_t owner, const char *name)
{
    struct cenv_task task;
    struct cenv_buf out;
    char options[64], src[400];
    snprintf(options, sizeof(options), "{\"mode\": \"copy\", \"owner\": %d}", owner);
    snprintf(src, sizeof(src), "%s", scratch_path(&s, "env"));
    cenv_buf_init(&out, 1 << 16);
    cenv_task_init(&task, NULL, NULL);
    CHECK_INT(
        cenv_clone(store, src, scratch_path(&s, name), options, &task, &out, &err), 0);
    cenv_task_release(&task);
    cenv_buf_release(&out);
}

static void make_clone(void)
{
    mkdirat(s.fd, "env", 0755);
    mkdirat(s.fd, "env/conda-meta", 0755);
    scratch_file(&s, "env/conda-meta/history", "", 0644);
    scratch_file(&s, "env/file", "text", 0644);
    CHECK_INT(cenv_store_open(&store, scratch_path(&s, "store"), &err), 0);
    clone_for(getpid(), "clone");
    usleep(20000); /* timestamps are as coarse as the kernel's tick */
}

/* With the message in `said`. */
static int recycle(const char *clone, char said[512])
{
    struct cenv_task task;
    struct cenv_buf out;
    cenv_buf_init(&out, 1 << 16);
    cenv_task_init(&task, NULL, NULL);
    int rc = cenv_recycle(store, scratch_path(&s, clone), &task, &out, &err);
    snprintf(said, 512, "%s", rc == 0 ? out.data : err.message);
    if (rc < 0)
        CHECK_INT(out.len, 0);
    cenv_error_release(&err);
    cenv_task_release(&task);
    cenv_buf_release(&out);
    return rc;
}

static void test_recycle__puts_back_what_nobody_uses(void)
{
    char said[512];
    scratch_file(&s, "clone/file", "other", 0600);
    scratch_file(&s, "clone/new", "new", 0600);
    int fd = openat(s.fd, "clone/new", O_RDONLY | O_CLOEXEC);
    CHECK_INT(recycle("clone", said), CENV_EPREFIX);
    CHECK(strstr(said, "may be in use: process"));
    close(fd);
    CHECK_INT(recycle("clone", said), 0);
    CHECK(strstr(said, "\"removed\":1,\"restored\":1"));
    CHECK_STR(scratch_text(&s, "clone/file"), "text");
    CHECK_INT(faccessat(s.fd, "clone/new", F_OK, 0), -1);
}

/* What it cannot put right it tells. */
static void test_recycle__refuses_what_is_not_as_new(void)
{
    char said[512], name[32];
    for (int i = 0; i < 1001; i++) {
        snprintf(name, sizeof(name), "clone/%d", i);
        scratch_file(&s, name, "", 0600);
    }
    CHECK_INT(recycle("clone", said), CENV_EPREFIX);
    CHECK(strstr(said, "have grown"));
    if (getuid() == 0 && fchownat(s.fd, "clone/conda-meta", 1, 1, 0) == 0) {
        CHECK_INT(recycle("clone", said), CENV_EPREFIX);
        CHECK(strstr(said, "another owner"));
    }
    CHECK_INT(recycle("env", said), CENV_EPREFIX);
    CHECK(strstr(said, "not a clone"));
}

/* Those that were there before it are no users: what they are started with is not looked at. */
static void test_recycle__knows_when_another_owner_was_started(void)
{
    struct cenv_arena arena = CENV_ARENA_INIT;
    struct cenv_clone_entry known;
    clone_for(getppid(), "another");
    const char *path = scratch_path(&s, "another");
    if (CHECK_INT(cenv_clone_registry_find(store, path, &arena, &known, &err), 0)) {
        CHECK_INT(known.owner.pid, getppid());
        CHECK_INT(known.owner.start, cenv_pid_start(getppid()));
        CHECK(known.owner.start);
    }
    cenv_arena_release(&arena);
}

int main(void)
{
    s = scratch_open();
    make_clone();
    RUN(test_recycle__puts_back_what_nobody_uses);
    RUN(test_recycle__refuses_what_is_not_as_new);
    RUN(test_recycle__knows_when_another_owner_was_started);
    cenv_store_free(store);
    scratch_close(&s);
    return check_report();
}
