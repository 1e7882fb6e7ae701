/* SPDX-License-Identifier: BSD-3-Clause */
/* Throw-away views of a prefix at its own path, or of an environment of layers: nothing is
 * relocated, nothing written survives. */
#include "cenv.h"
#include "os/fs.h"
#include "os/namespace.h"
#include "store/layered_entry.h"

static int check_prefix(const char *prefix, struct cenv_error *err)
{
    int is = cenv_fs_is_dir(prefix, err);
    if (is != 0)
        return is < 0 ? is : 0;
    cenv_error_set(err, CENV_EPREFIX, "no environment at '%s'", prefix);
    return cenv_error_hint(err, "name the directory of an environment");
}

/* What is shown of `prefix`, its texts in `arena`. */
static int find_shown(const char *prefix, struct cenv_arena *arena,
                      struct cenv_ns_shown *shown, struct cenv_error *err)
{
    struct cenv_layered layered;
    int rc = cenv_layered_entry_read(prefix, arena, &layered, err);
    if (rc == 1) {
        *shown = (struct cenv_ns_shown){.target = prefix};
        return check_prefix(prefix, err);
    }
    if (rc == 0)
        *shown =
            (struct cenv_ns_shown){layered.prefix, layered.dirs, (unsigned)layered.nr,
                                   layered.listed, (unsigned)layered.nr_listed};
    return rc;
}

int cenv_view_enter(const char *prefix, const char *upper, const char *work,
                    struct cenv_error *err)
{
    struct cenv_arena arena = CENV_ARENA_INIT;
    struct cenv_ns_shown shown;
    int rc = find_shown(prefix, &arena, &shown, err);
    if (rc == 0)
        rc = cenv_ns_enter(err);
    if (rc == 0)
        rc = cenv_ns_show(&shown, upper, work, err);
    cenv_arena_release(&arena);
    return rc;
}

int cenv_view_spawn(const struct cenv_view *view, int *pid, struct cenv_error *err)
{
    struct cenv_arena arena = CENV_ARENA_INIT;
    struct cenv_view_command command = {
        .program = view->program,
        .argv = view->argv,
        .envp = view->envp,
        .cwd = view->cwd,
        .stdio = {view->stdio[0], view->stdio[1], view->stdio[2]},
        .new_session = view->new_session,
    };
    int rc = find_shown(view->prefix, &arena, &command.shown, err);
    if (rc == 0)
        rc = cenv_view_start(&command, pid, err);
    cenv_arena_release(&arena);
    return rc;
}
