/* SPDX-License-Identifier: BSD-3-Clause */
/* Private views where the system has no mount namespaces: see namespace.h. All of it is refused. */
#include "os/namespace.h"

#include <errno.h>

static const char reason_text[] = "this system has no mount namespaces";

static int refuse_view(struct cenv_error *err)
{
    cenv_error_set(err, CENV_ELINK, "no private view here: %s", reason_text);
    return cenv_error_hint(err, "only Linux has them; a clone works without");
}

int cenv_ns_enter(struct cenv_error *err)
{
    return refuse_view(err);
}

int cenv_ns_name(struct cenv_buf *out, struct cenv_error *err)
{
    (void)out;
    return refuse_view(err);
}

int cenv_ns_share(struct cenv_error *err)
{
    return refuse_view(err);
}

int cenv_ns_settle(struct cenv_error *err)
{
    return refuse_view(err);
}

int cenv_ns_mount_tmpfs(const char *target, struct cenv_error *err)
{
    (void)target;
    return refuse_view(err);
}

int cenv_ns_mount_overlay(const char *target, const int *lower, unsigned nr_lower,
                          int upper, int work, struct cenv_error *err)
{
    (void)target, (void)lower, (void)nr_lower, (void)upper, (void)work;
    return refuse_view(err);
}

/* Nothing of the kind is ever mounted. */
int cenv_ns_unmount(const char *target, const char *type, struct cenv_error *err)
{
    (void)target, (void)type, (void)err;
    return 1;
}

int cenv_ns_set_aside(const char *target, const char *type, int *kept,
                      struct cenv_error *err)
{
    *kept = -1;
    return cenv_ns_unmount(target, type, err);
}

int cenv_ns_mount_kept(int kept, const char *target, struct cenv_error *err)
{
    (void)kept, (void)target;
    return refuse_view(err);
}

int cenv_ns_show(const struct cenv_ns_shown *shown, const char *upper, const char *work,
                 struct cenv_error *err)
{
    (void)shown, (void)upper, (void)work;
    return refuse_view(err);
}

int cenv_ns_try(const char *directory, struct cenv_error *err)
{
    (void)directory;
    return refuse_view(err);
}

bool cenv_ns_works(const char *directory, struct cenv_buf *reason)
{
    (void)directory;
    cenv_buf_puts(reason, reason_text);
    return false;
}

bool cenv_ns_takes_many(const char *directory)
{
    (void)directory;
    return false;
}

int cenv_raw_whiteout(int dirfd, const char *name)
{
    (void)dirfd, (void)name;
    return -ENOTSUP;
}

int cenv_view_start(const struct cenv_view_command *command, int *pid,
                    struct cenv_error *err)
{
    (void)command, (void)pid;
    return refuse_view(err);
}
