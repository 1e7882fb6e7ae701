/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Up to Linux 6.7 all layers are named in one option, which fits a page; since then each is one of
 * its own, up to 500, and since 6.13 it may be a descriptor, which takes half the time.
 */
#include "os/linux/overlay_mount.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "os/linux/powers.h"

/* Older headers know none of these, and newer ones know them twice. */
enum { MOVE_MOUNT = 429, FSOPEN = 430, FSCONFIG = 431, FSMOUNT = 432 };
enum { SET_FLAG = 0, SET_STRING = 1, SET_FD = 5, CREATE = 6 }; /* of FSCONFIG */
enum { CLOSED_BY_EXEC = 1, FROM_IS_OPEN = 4 };

enum { NAME = 18 }; /* "/proc/self/fd/123:" */
enum { FEW = 2 };   /* layers that one option is as good for */

/* Whether the user ids are the system's own: only there trusted.* attributes can be written. */
static bool in_first_user_namespace(void)
{
    char text[64] = "";
    int fd = open("/proc/self/uid_map", O_RDONLY | O_CLOEXEC);
    ssize_t len = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
    if (fd >= 0)
        close(fd);
    return len > 0 && strstr(text, "4294967295") != NULL;
}

/* ---- all in one option ---- */

static int mount_once(const char *target, const char *lower, int upper, int work,
                      const char *more)
{
    char options[CENV_OVERLAY_NAMED * NAME + 160];
    snprintf(options, sizeof(options),
             "lowerdir=%s,upperdir=/proc/self/fd/%d,workdir=/proc/self/fd/%d%s", lower,
             upper, work, more);
    return mount("overlay", target, "overlay", 0, options);
}

/* Before Linux 5.11 an overlay knows no attributes of the user. */
static int mount_named(const char *target, const int *lower, unsigned nr_lower,
                       int upper, int work, bool user)
{
    char list[CENV_OVERLAY_NAMED * NAME + 1] = "";
    size_t len = 0;
    for (unsigned i = 0; i < nr_lower && len < sizeof(list); i++)
        len += (size_t)snprintf(list + len, sizeof(list) - len, "%s/proc/self/fd/%d",
                                i ? ":" : "", lower[i]);
    if (nr_lower > CENV_OVERLAY_NAMED || len >= sizeof(list)) {
        errno = E2BIG;
        return -1;
    }
    int rc = mount_once(target, list, upper, work, user ? ",userxattr" : "");
    return rc < 0 && user ? mount_once(target, list, upper, work, "") : rc;
}

/* ---- one after another ---- */

static long configure(int fs, int what, const char *key, const char *value, int number)
{
    return syscall(FSCONFIG, fs, what, key, value, number);
}

static long add_directory(int fs, const char *key, int directory)
{
    char name[NAME + 16];
    if (configure(fs, SET_FD, key, NULL, directory) == 0)
        return 0;
    snprintf(name, sizeof(name), "/proc/self/fd/%d", directory);
    return configure(fs, SET_STRING, key, name, 0);
}

static int open_overlay(void)
{
    return (int)syscall(FSOPEN, "overlay", CLOSED_BY_EXEC);
}

/* A configuration with all layers, or -1 where the kernel takes none so. */
static int collect_layers(const int *lower, unsigned nr_lower)
{
    int fs = open_overlay();
    for (unsigned i = 0; i < nr_lower && fs >= 0; i++)
        if (add_directory(fs, "lowerdir+", lower[i]) < 0) {
            close(fs);
            return -1;
        }
    return fs;
}

static long configure_rest(int fs, int upper, int work, bool user)
{
    long rc = configure(fs, SET_STRING, "source", "overlay", 0);
    if (rc == 0)
        rc = add_directory(fs, "upperdir", upper);
    if (rc == 0)
        rc = add_directory(fs, "workdir", work);
    if (rc == 0 && user)
        rc = configure(fs, SET_FLAG, "userxattr", NULL, 0);
    if (rc == 0)
        rc = configure(fs, CREATE, NULL, NULL, 0);
    return rc;
}

/* Closes `fs`. */
static int mount_collected(int fs, const char *target, int upper, int work, bool user)
{
    long rc = configure_rest(fs, upper, work, user);
    int made = rc == 0 ? (int)syscall(FSMOUNT, fs, CLOSED_BY_EXEC, 0) : -1;
    rc = made < 0 ? -1 : cenv_overlay_move(made, target);
    int error = errno;
    if (made >= 0)
        close(made);
    close(fs);
    errno = error;
    return (int)rc;
}

/* ---- either ---- */

/*
 * Marks of deleted directories are trusted.* attributes; in a user namespace user.*: without them
 * what was deleted cannot be made again.
 */
static int mount_with_powers(const char *target, const int *lower, unsigned nr_lower,
                             int upper, int work)
{
    bool user = !in_first_user_namespace();
    int fs = nr_lower > FEW ? collect_layers(lower, nr_lower) : -1;
    return fs < 0 ? mount_named(target, lower, nr_lower, upper, work, user)
                  : mount_collected(fs, target, upper, work, user);
}

int cenv_overlay_mount(const char *target, const int *lower, unsigned nr_lower,
                       int upper, int work)
{
    struct cenv_powers had = cenv_powers_take_up();
    int rc = mount_with_powers(target, lower, nr_lower, upper, work);
    cenv_powers_lay_down(&had);
    return rc;
}

bool cenv_overlay_takes_each(int lower)
{
    struct cenv_powers had = cenv_powers_take_up();
    int fs = collect_layers(&lower, 1);
    if (fs >= 0)
        close(fs);
    cenv_powers_lay_down(&had);
    return fs >= 0;
}

int cenv_overlay_move(int mount, const char *target)
{
    struct cenv_powers had = cenv_powers_take_up();
    long rc = syscall(MOVE_MOUNT, mount, "", AT_FDCWD, target, FROM_IS_OPEN);
    cenv_powers_lay_down(&had);
    return (int)rc;
}
