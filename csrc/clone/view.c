/* SPDX-License-Identifier: BSD-3-Clause */
/* Throw-away views of a prefix at its own path: nothing is relocated, nothing written survives. */
#include "cenv.h"
#include "os/fs.h"
#include "os/namespace.h"

static int check_prefix(const char *prefix, struct cenv_error *err)
{
    int is = cenv_fs_is_dir(prefix, err);
    if (is != 0)
        return is < 0 ? is : 0;
    cenv_error_set(err, CENV_EPREFIX, "no environment at '%s'", prefix);
    return cenv_error_hint(err, "name the directory of an environment");
}

int cenv_view_enter(const char *prefix, const char *upper, const char *work,
                    struct cenv_error *err)
{
    int rc = check_prefix(prefix, err);
    if (rc == 0)
        rc = cenv_ns_enter(err);
    if (rc == 0)
        rc = cenv_ns_overlay_self(prefix, upper, work, err);
    return rc;
}

int cenv_view_spawn(const struct cenv_view *view, int *pid, struct cenv_error *err)
{
    struct cenv_view_command command = {
        .prefix = view->prefix,
        .program = view->program,
        .argv = view->argv,
        .envp = view->envp,
        .cwd = view->cwd,
        .stdio = {view->stdio[0], view->stdio[1], view->stdio[2]},
        .new_session = view->new_session,
    };
    int rc = check_prefix(view->prefix, err);
    if (rc == 0)
        rc = cenv_view_start(&command, pid, err);
    return rc;
}
