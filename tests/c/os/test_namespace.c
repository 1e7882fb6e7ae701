/* SPDX-License-Identifier: BSD-3-Clause */
/* Private views: what a program writes there vanishes; failures are told. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "os/linux/overlay_listing.h"
#include "os/linux/overlay_mount.h"
#include "os/namespace.h"

static int run_program(const char *prefix, const char *program, const char *const *argv,
                       const char *variable, struct cenv_error *err)
{
    const char *envp[] = {variable, NULL};
    struct cenv_view_command command = {
        .shown = {.target = prefix},
        .program = program,
        .argv = argv,
        .envp = envp,
        .cwd = prefix,
        .stdio = {-1, -1, -1},
    };
    int pid = 0, status = 0;
    if (cenv_view_start(&command, &pid, err) < 0)
        return -1;
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int run_in_view(const char *prefix, const char *script, struct cenv_error *err)
{
    const char *argv[] = {"sh", "-c", script, NULL};
    return run_program(prefix, "/bin/sh", argv, "PATH=/usr/bin:/bin", err);
}

/* The directory's name has characters that mount options cannot hold. */
static char dir[] = "/tmp/cenv,ns:XXXXXX";

static void test_namespace__writes_vanish(void)
{
    struct cenv_error err = CENV_ERROR_INIT;
    const char *change =
        "test \"$(cat kept)\" = old && echo new > kept && echo more > added && "
        "test \"$(cat kept)\" = new && exit 7";
    CHECK_INT(run_in_view(dir, change, &err), 7);
    CHECK_INT(run_in_view(dir, "test ! -e added && test \"$(cat kept)\" = old", &err),
              0);
    cenv_error_release(&err);
}

/* Programs are looked for on the PATH that they get, where an empty part is the directory they
 * start in. */
static void test_namespace__programs_are_found_by_name(void)
{
    struct cenv_error err = CENV_ERROR_INIT;
    const char *argv[] = {"true", NULL};
    char path[64];
    CHECK_INT(run_program(dir, "kept", argv, "PATH=/no/such:/bin", &err), -1);
    CHECK_INT(err.os_errno, ENOENT);
    cenv_error_release(&err);
    snprintf(path, sizeof(path), "%s/program", dir);
    CHECK(symlink("/bin/true", path) == 0);
    CHECK_INT(run_program(dir, "program", argv, "PATH=/no/such::/bin", &err), 0);
    CHECK_INT(run_program(dir, "true", argv, "PATH=/no/such:/bin", &err), 0);
    CHECK(unlink(path) == 0);
    cenv_error_release(&err);
}

/* Runs `body` in a process of its own, where it may enter a namespace: the number of failures. */
static int in_child(int (*body)(void))
{
    int status = 0, pid = fork();
    if (pid == 0)
        _exit(body());
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int open_in(int top, const char *name)
{
    mkdirat(top, name, 0755);
    return openat(top, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static bool is_there(const char *name)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    return access(path, F_OK) == 0;
}

/* Two layers below a writable one; what a middle one hides; unmounting in order. */
static int stack_and_unstack(void)
{
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_buf name;
    cenv_buf_init(&name, 64);
    int wrong = cenv_ns_enter(&err) != 0 || cenv_ns_name(&name, &err) != 0;
    int source = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    wrong += strncmp(name.data, "mnt:[", 5) != 0;
    wrong += cenv_ns_unmount(dir, "overlay", &err) != 1;
    wrong += cenv_ns_mount_tmpfs(dir, &err) != 0 || is_there("kept");
    int top = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int layer = open_in(top, "layer"), upper = open_in(top, "upper");
    wrong += mkdirat(layer, "added", 0755) != 0;
    wrong += mknodat(layer, "hidden", S_IFCHR, 0) != 0;
    int lower[] = {layer, source};
    wrong += cenv_ns_mount_overlay(dir, lower, 2, upper, open_in(top, "work"), &err);
    wrong += !is_there("kept") || !is_there("added") || is_there("hidden");
    wrong += cenv_ns_unmount(dir, "tmpfs", &err) != 1;
    wrong += cenv_ns_unmount(dir, "overlay", &err) != 0 || !is_there("layer");
    wrong += cenv_ns_unmount(dir, "tmpfs", &err) != 0 || !is_there("hidden");
    wrong += cenv_ns_unmount(dir, "tmpfs", &err) != 1 || err.status != 0;
    cenv_buf_release(&name);
    return wrong;
}

static void test_namespace__overlays_stack(void)
{
    char hidden[64];
    snprintf(hidden, sizeof(hidden), "%s/hidden", dir);
    FILE *made = fopen(hidden, "w");
    CHECK(made && fclose(made) == 0);
    CHECK_INT(in_child(stack_and_unstack), 0);
    CHECK(unlink(hidden) == 0);
}

enum { MANY = 300, SEVERAL = 5, FSOPEN = 430 };

/* Makes so many directories of a file each in a tmpfs over `dir`, and mounts an overlay of them. */
static int mount_several(int nr, struct cenv_error *err)
{
    int lower[MANY], top = -1, rc = cenv_ns_mount_tmpfs(dir, err);
    if (rc == 0)
        top = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (int i = 0; i < nr; i++) {
        char name[32];
        snprintf(name, sizeof(name), "layer-%d", i);
        lower[i] = open_in(top, name);
        snprintf(name, sizeof(name), "file-%d", i);
        rc |= mknodat(lower[i], name, S_IFREG | 0644, 0);
    }
    int upper = open_in(top, "upper"), work = open_in(top, "work");
    if (rc == 0)
        rc = cenv_ns_mount_overlay(dir, lower, (unsigned)nr, upper, work, err);
    while (nr > 0)
        close(lower[--nr]);
    close(work);
    close(upper);
    close(top);
    return rc;
}

static int stack_many(void)
{
    struct cenv_error err = CENV_ERROR_INIT;
    char last[32];
    snprintf(last, sizeof(last), "file-%d", MANY - 1);
    bool many = cenv_ns_takes_many(dir);
    int wrong = cenv_ns_enter(&err) != 0;
    int rc = mount_several(MANY, &err);
    if (many)
        return wrong + (rc != 0 || !is_there("file-0") || !is_there(last));
    printf("not tried: more layers than a page names\n");
    return wrong + (rc != CENV_ELINK);
}

static void test_namespace__shows_many_layers(void)
{
    CHECK_INT(in_child(stack_many), 0);
}

/* As kernels are that do not know the call. */
static bool forbid_fsopen(void)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, FSOPEN, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {CHECK_NR(code), code};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

static int stack_on_older_kernel(void)
{
    struct cenv_error err = CENV_ERROR_INIT;
    if (!forbid_fsopen())
        return 1;
    int wrong = cenv_ns_takes_many(dir);
    wrong += cenv_ns_enter(&err) != 0;
    wrong += mount_several(SEVERAL, &err) != 0;
    wrong += !is_there("file-0") || !is_there("file-4");
    wrong += mount_several(MANY, &err) != CENV_ELINK;
    return wrong;
}

static void test_namespace__shows_fewer_on_older_kernels(void)
{
    CHECK_INT(in_child(stack_on_older_kernel), 0);
}

/* Programs get what is listed, and what one of them makes is in the next listing. */
static int hold_listings(void)
{
    struct cenv_error err = CENV_ERROR_INIT;
    struct stat held, there;
    const char *listed[] = {"/no/such/directory", dir};
    struct cenv_ns_shown shown = {.target = dir, .listed = listed, .nr_listed = 2};
    int fd = CENV_OVERLAY_HELD_FROM;
    int wrong = cenv_ns_enter(&err) != 0 || cenv_ns_show(&shown, NULL, NULL, &err) != 0;
    wrong += fstat(fd, &held) < 0 || stat(dir, &there) < 0;
    wrong += held.st_dev != there.st_dev || held.st_ino != there.st_ino;
    wrong += (fcntl(fd, F_GETFD) & FD_CLOEXEC) || fcntl(fd + 1, F_GETFD) >= 0;
    char name[64];
    snprintf(name, sizeof(name), "%s/made", dir);
    wrong += mkdir(name, 0755) != 0;
    DIR *names = opendir(dir);
    bool found = false;
    for (struct dirent *at; names && (at = readdir(names)) != NULL;)
        found |= strcmp(at->d_name, "made") == 0;
    return wrong + !found;
}

static void test_namespace__holds_what_programs_list(void)
{
    CHECK_INT(in_child(hold_listings), 0);
}

static void *wait_on(void *lock)
{
    pthread_mutex_lock(lock);
    pthread_mutex_unlock(lock);
    return NULL;
}

static int enter_with_threads(void)
{
    struct cenv_error err = CENV_ERROR_INIT;
    pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    pthread_t thread;
    pthread_mutex_lock(&lock);
    if (pthread_create(&thread, NULL, wait_on, &lock) != 0)
        return 1;
    int wrong = cenv_ns_enter(&err) != CENV_ELINK || !strstr(err.message, "threads") ||
                !err.hint[0];
    pthread_mutex_unlock(&lock);
    pthread_join(thread, NULL);
    return wrong;
}

static void test_namespace__threads_are_refused(void)
{
    CHECK_INT(in_child(enter_with_threads), 0);
}

/* A name of a descriptor is longer the more files a process has open. None of these is. */
static void test_namespace__layers_with_long_names_are_too_many(void)
{
    int lower[CENV_OVERLAY_NAMED];
    for (unsigned i = 0; i < CENV_OVERLAY_NAMED; i++)
        lower[i] = 1000000000;
    errno = 0;
    CHECK_INT(cenv_overlay_mount(dir, lower, CENV_OVERLAY_NAMED, -1, -1), -1);
    CHECK_INT(errno, E2BIG);
}

static void test_namespace__refusal_has_a_reason(void)
{
    struct cenv_error err = CENV_ERROR_INIT;
    CHECK_INT(run_in_view(dir, "true", &err), -1);
    CHECK_INT(err.status, CENV_ELINK);
    CHECK(err.hint[0] != '\0');
    cenv_error_release(&err);
}

static void test_namespace__missing_prefix(void)
{
    struct cenv_error err = CENV_ERROR_INIT;
    CHECK_INT(run_in_view("/no/such/prefix", "true", &err), -1);
    CHECK(err.status == CENV_EOS || err.status == CENV_ELINK);
    cenv_error_release(&err);
}

int main(void)
{
    struct cenv_buf reason;
    char file[64];
    cenv_buf_init(&reason, 4096);
    CHECK(mkdtemp(dir) != NULL);
    snprintf(file, sizeof(file), "%s/kept", dir);
    FILE *made = fopen(file, "w");
    CHECK(made && fputs("old", made) >= 0 && fclose(made) == 0);
    if (cenv_ns_works(dir, &reason)) {
        RUN(test_namespace__writes_vanish);
        RUN(test_namespace__programs_are_found_by_name);
        RUN(test_namespace__overlays_stack);
        RUN(test_namespace__holds_what_programs_list);
        RUN(test_namespace__shows_many_layers);
        RUN(test_namespace__shows_fewer_on_older_kernels);
    } else if (CHECK(reason.len > 0)) {
        RUN(test_namespace__refusal_has_a_reason);
    }
    RUN(test_namespace__threads_are_refused);
    RUN(test_namespace__layers_with_long_names_are_too_many);
    RUN(test_namespace__missing_prefix);
    cenv_buf_release(&reason);
    CHECK(unlink(file) == 0 && rmdir(dir) == 0);
    return check_report();
}
