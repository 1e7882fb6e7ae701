/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Link scripts (CEP 34: pre-link and post-link must run). They expect the prefix at its final path:
 * they write it into what they generate, be it by $PREFIX, $PWD or realpath, and start programs
 * whose first line names it. The environment is still being built elsewhere, so it is moved to its
 * final path for as long as scripts run; where it cannot be moved (another file system), that path
 * is a link to it. A run that is killed leaves it there with a mark, or the link, and the next one
 * takes away what is left.
 */
#include "link/scripts.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "codec/json.h"
#include "os/fs.h"
#include "os/fs_data.h"
#include "os/fs_rename.h"
#include "os/path.h"
#include "os/proc.h"
#include "prefix/env_vars.h"
#include "prefix/new_prefix.h"

enum { OUTPUT_MAX = 1 << 20, TEXT_MAX = 16 << 20, COMMAND_ARGS = 8 };

struct bridge {
    bool moved, linked, was_dir;
    uint32_t mode; /* of the empty directory that was there */
    struct cenv_str made_parent;
};

static bool is_at_target(const struct cenv_linker *linker)
{
    struct cenv_stat here, there;
    int fd = cenv_raw_open_dir(CENV_CWD, linker->options->target_prefix);
    bool same = fd >= 0 && cenv_raw_stat_fd(fd, &there) == 0 &&
                cenv_raw_stat_fd(linker->root, &here) == 0 &&
                cenv_stat_same_file(&here, &there);

    cenv_fd_close(fd);
    return same;
}

static int enter_target(const struct cenv_linker *linker, struct bridge *bridge,
                        struct cenv_error *err)
{
    const char *target = linker->options->target_prefix;
    int rc =
        cenv_fs_write_atomic(linker->root, CENV_NEWPREFIX_MARK,
                             CENV_STR("unfinished: link scripts run\n"), 0600, err);
    if (rc < 0)
        return rc;
    bridge->moved =
        cenv_raw_rename_noreplace(CENV_CWD, linker->dir, CENV_CWD, target) == 0;
    if (bridge->moved)
        return 0;
    cenv_raw_unlink(linker->root, CENV_NEWPREFIX_MARK);
    rc = cenv_fs_symlink(linker->dir, CENV_CWD, target, err);
    bridge->linked = rc == 0;
    return rc;
}

/* An empty directory or a link at the target makes way. */
static int clear_target(const char *target, struct bridge *bridge,
                        struct cenv_error *err)
{
    struct cenv_stat st;
    int raw = cenv_raw_stat(CENV_CWD, target, &st);

    if (raw == -ENOENT)
        return 0;
    if (raw == 0) {
        bridge->was_dir = st.type == CENV_FT_DIR;
        bridge->mode = st.mode;
        raw = bridge->was_dir              ? cenv_raw_rmdir(CENV_CWD, target)
              : st.type == CENV_FT_SYMLINK ? cenv_raw_unlink(CENV_CWD, target)
                                           : -ENOTDIR;
    }
    return raw < 0 ? cenv_fs_fail(err, raw, CENV_CWD, target, "cannot use as prefix")
                   : 0;
}

static int build_bridge(const struct cenv_linker *linker, struct bridge *bridge,
                        struct cenv_error *err)
{
    const char *target = linker->options->target_prefix;
    char *parent = cenv_memdup(target, cenv_path_parent(cenv_str(target)).len);

    if (!parent)
        return cenv_error_oom(err);
    int there = cenv_fs_exists(CENV_CWD, parent, err);
    if (there == 0) {
        there = cenv_fs_mkdirs(CENV_CWD, parent, 0777, err);
        bridge->made_parent = cenv_str_n(target, strlen(parent));
    }
    int rc = there < 0 ? there : clear_target(target, bridge, err);
    if (rc == 0)
        rc = enter_target(linker, bridge, err);
    cenv_free(parent);
    return rc;
}

/* Back to where it is built. */
static int leave_target(const struct cenv_linker *linker, const struct bridge *bridge,
                        struct cenv_error *err)
{
    const char *target = linker->options->target_prefix;
    int raw = 0;

    if (bridge->linked)
        raw = cenv_raw_unlink(CENV_CWD, target);
    if (bridge->moved)
        raw = cenv_raw_rename_noreplace(CENV_CWD, target, CENV_CWD, linker->dir);
    if (bridge->moved && raw == 0)
        cenv_raw_unlink(linker->root, CENV_NEWPREFIX_MARK);
    return raw < 0 ? cenv_fs_fail(err, raw, CENV_CWD, target, "cannot move back") : 0;
}

static int remove_bridge(const struct cenv_linker *linker, const struct bridge *bridge,
                         struct cenv_error *err)
{
    const char *target = linker->options->target_prefix;
    int rc = leave_target(linker, bridge, err);

    if (bridge->was_dir && cenv_raw_mkdir(CENV_CWD, target, 0700) == 0)
        cenv_raw_chmod(CENV_CWD, target, bridge->mode);
    if (bridge->made_parent.len) {
        char *parent = cenv_memdup(bridge->made_parent.data, bridge->made_parent.len);
        if (parent)
            cenv_raw_rmdir(CENV_CWD, parent);
        cenv_free(parent);
    }
    return rc;
}

/* ---- one script ---- */

enum { SCRIPT_MAX = CENV_PATH_NAME_MAX + 16 };

/* The name fits: the record's own file name, which is longer, was checked. */
static void script_path(const struct cenv_plan_package *package, const char *when,
                        char path[SCRIPT_MAX])
{
    snprintf(path, SCRIPT_MAX, "bin/.%.*s-%s.sh", CENV_STR_ARG(package->name), when);
}

static bool is_pre(const char *when)
{
    return strcmp(when, "pre-link") == 0;
}

/* 1, 0, or a status. */
static int has_script(const struct cenv_link_plan *plan,
                      const struct cenv_plan_package *package, const char *when,
                      char path[SCRIPT_MAX], struct cenv_error *err)
{
    script_path(package, when, path);
    if (is_pre(when))
        return cenv_fs_exists(package->content, path, err);
    uint32_t at = cenv_map_get(&plan->targets, cenv_str(path));
    return at != CENV_NONE && !plan->entries[at].covered &&
           &plan->packages[plan->entries[at].package] == package;
}

static int has_scripts(const struct cenv_link_plan *plan, const char *when,
                       struct cenv_error *err)
{
    char path[SCRIPT_MAX];
    int has = 0;

    for (size_t i = 0; i < plan->nr_packages && has == 0; i++)
        has = has_script(plan, &plan->packages[i], when, path, err);
    return has;
}

/* "NAME=value", a NUL behind each, as env(1) takes them; of two of a name the later counts. */
struct variables {
    struct cenv_buf texts;
    size_t nr;
};

static void end_variable(struct variables *vars)
{
    cenv_buf_putc(&vars->texts, '\0');
    vars->nr++;
}

static void add_variable(struct variables *vars, const char *name,
                         struct cenv_str value)
{
    cenv_buf_addf(&vars->texts, "%s=%.*s", name, CENV_STR_ARG(value));
    end_variable(vars);
}

/*
 * What env(1) adds to the caller's environment. PATH as in an activated environment, the script's
 * directory first.
 */
static void add_conda_variables(const struct cenv_linker *linker,
                                const struct cenv_plan_package *package,
                                const char *when, struct variables *vars)
{
    struct cenv_str prefix = cenv_str(linker->options->target_prefix);
    const char *from = is_pre(when) ? package->package->content : prefix.data;
    const char *path = getenv("PATH");
    add_variable(vars, "PREFIX", prefix);
    add_variable(vars, "CONDA_PREFIX", prefix);
    add_variable(vars, "CONDA_DEFAULT_ENV", prefix);
    add_variable(vars, "CONDA_SHLVL", CENV_STR("1"));
    add_variable(vars, "ROOT_PREFIX", prefix);
    add_variable(vars, "PKG_NAME", package->name);
    add_variable(vars, "PKG_VERSION", package->version);
    cenv_buf_addf(&vars->texts, "PKG_BUILDNUM=%" PRId64,
                  cenv_json_get_int(package->record, "build_number", 0));
    end_variable(vars);
    cenv_buf_addf(&vars->texts, "PWD=%s/bin", from);
    end_variable(vars);
    cenv_buf_addf(&vars->texts, "PATH=%s/bin:%s/bin:%s", from, prefix.data,
                  path ? path : "/usr/bin:/bin");
    end_variable(vars);
    if (is_pre(when))
        add_variable(vars, "SOURCE_DIR", cenv_str(from));
}

/* The linker's warnings of it: once, though every script is run in an activation of its own. */
static bool warn_of_variables(struct cenv_linker *linker, struct cenv_str told)
{
    bool done = true;
    while (told.len && done) {
        struct cenv_str line = cenv_str_cut(&told, '\0');
        done = cenv_link_stats_warn(linker->stats, "%.*s", CENV_STR_ARG(line));
    }
    return done;
}

/* What packages set on activation by files, before their scripts of activate.d. */
static int add_activated_variables(struct cenv_linker *linker, struct variables *vars,
                                   struct cenv_error *err)
{
    const struct cenv_json *item;
    struct cenv_env_vars set;
    int rc = cenv_env_vars_read(&set, linker->root, err);
    cenv_json_each(item, set.set)
    {
        add_variable(vars, cenv_json_key(item), cenv_json_str(item));
    }
    if (rc == 0 && !linker->told_variables &&
        !warn_of_variables(linker, cenv_buf_str(&set.told)))
        rc = cenv_error_oom(err);
    linker->told_variables = true;
    cenv_env_vars_release(&set);
    return rc;
}

static int fail_script(const struct cenv_plan_package *package, const char *when,
                       const struct cenv_proc_status *status,
                       const struct cenv_buf *output, struct cenv_error *err)
{
    struct cenv_str said = cenv_str_trim(cenv_buf_str(output));

    said = cenv_str_slice(said, said.len > 600 ? said.len - 600 : 0, said.len);
    cenv_error_set(err, CENV_ELINK, "%s script of package %s failed (%s %d)%s%.*s",
                   when, package->dist.data, status->signal ? "signal" : "exit code",
                   status->signal ? status->signal : status->code, said.len ? ": " : "",
                   CENV_STR_ARG(said));
    return cenv_error_hint(
        err, "nothing was installed; the script is in the package, at bin/.%.*s-%s.sh",
        CENV_STR_ARG(package->name), when);
}

/* What the script has to say to the user. */
static int take_messages(struct cenv_linker *linker, struct cenv_buf *messages,
                         struct cenv_error *err)
{
    int rc = cenv_fs_exists(linker->root, ".messages.txt", err);
    if (rc != 1)
        return rc;
    rc = cenv_fs_read_file(linker->root, ".messages.txt", messages, err);
    if (rc == 0)
        rc = cenv_fs_unlink(linker->root, ".messages.txt", err);
    return rc;
}

/* As conda does: what packages set on activation is there, and the script is read, not started. */
static const char activated[] =
    "for _cenv in \"$CONDA_PREFIX\"/etc/conda/activate.d/*.sh; do\n"
    "    if [ -e \"$_cenv\" ]; then . \"$_cenv\"; fi\n"
    "done\n"
    "unset _cenv\n"
    ". \"$0\"\n";

/* The command that runs it: env(1), the variables, a shell; borrowed texts. NULL: no memory. */
static const char **make_argv(const struct variables *vars, const char *when,
                              const char *script)
{
    const char **argv = cenv_calloc(vars->nr + COMMAND_ARGS, sizeof(*argv));
    const char *text = vars->texts.data;
    struct cenv_stat shell;
    size_t nr = 0;

    if (!argv || vars->texts.failed) {
        cenv_free(argv);
        return NULL;
    }
    argv[nr++] = "/usr/bin/env";
    for (size_t i = 0; i < vars->nr; i++, text += strlen(text) + 1)
        argv[nr++] = text;
    argv[nr++] =
        cenv_raw_stat(CENV_CWD, "/bin/bash", &shell) == 0 ? "/bin/bash" : "/bin/sh";
    if (!is_pre(when)) {
        argv[nr++] = "-c";
        argv[nr++] = activated;
    }
    argv[nr] = script;
    return argv;
}

/* `script`: its absolute path; `dir`: the directory it runs in. */
static int run_at(struct cenv_linker *linker, const struct cenv_plan_package *package,
                  const char *when, const struct variables *vars, const char *script,
                  const char *dir, struct cenv_error *err)
{
    struct cenv_proc_status status = {0};
    struct cenv_buf output;
    const char **argv = make_argv(vars, when, script);

    if (!argv)
        return cenv_error_oom(err);
    struct cenv_proc proc = {.argv = argv, .cwd = dir};
    cenv_buf_init(&output, OUTPUT_MAX);
    int rc = cenv_proc_run(&proc, &output, &status, linker->task, err);
    if (rc == 0 && (status.code || status.signal))
        rc = fail_script(package, when, &status, &output, err);
    cenv_buf_release(&output);
    cenv_free(argv);
    return rc;
}

static int run_script(struct cenv_linker *linker,
                      const struct cenv_plan_package *package, const char *when,
                      const char *script, struct cenv_error *err)
{
    const char *base =
        is_pre(when) ? package->package->content : linker->options->target_prefix;
    struct variables vars = {0};
    struct cenv_buf where;
    int rc = 0;

    cenv_buf_init(&vars.texts, TEXT_MAX);
    cenv_buf_init(&where, CENV_PATH_PACKAGE_MAX * 4);
    add_conda_variables(linker, package, when, &vars);
    if (!is_pre(when))
        rc = add_activated_variables(linker, &vars, err);
    cenv_buf_addf(&where, "%s/%s%c%s/bin", base, script, 0, base);
    if (rc == 0 && where.failed)
        rc = cenv_error_oom(err);
    if (rc == 0)
        rc = run_at(linker, package, when, &vars, where.data,
                    where.data + strlen(where.data) + 1, err);
    cenv_buf_release(&vars.texts);
    cenv_buf_release(&where);
    return rc;
}

static int run_scripts(struct cenv_linker *linker, const char *when,
                       struct cenv_error *err)
{
    struct cenv_link_plan *plan = linker->plan;
    struct cenv_buf messages;
    char path[SCRIPT_MAX];
    int rc = 0;

    cenv_buf_init(&messages, TEXT_MAX);
    if (linker->stats->messages)
        cenv_buf_puts(&messages, linker->stats->messages);
    for (size_t i = 0; rc == 0 && i < plan->nr_packages; i++) {
        rc = has_script(plan, &plan->packages[i], when, path, err);
        if (rc != 1)
            continue;
        rc = run_script(linker, &plan->packages[i], when, path, err);
        if (rc == 0)
            rc = take_messages(linker, &messages, err);
    }
    if (messages.len) {
        cenv_free(linker->stats->messages);
        linker->stats->messages = cenv_buf_detach(&messages);
    }
    cenv_buf_release(&messages);
    return rc;
}

int cenv_link_scripts_run(struct cenv_linker *linker, const char *when,
                          struct cenv_error *err)
{
    struct cenv_error ignored = CENV_ERROR_INIT;
    struct bridge bridge = {0};
    int rc = has_scripts(linker->plan, when, err);

    if (rc != 1)
        return rc;
    rc = 0;
    struct cenv_span span = cenv_span_begin(CENV_STAGE_SCRIPTS, when);
    cenv_task_progress(linker->task, CENV_STAGE_SCRIPTS, 0);
    if (!is_at_target(linker))
        rc = build_bridge(linker, &bridge, err);
    if (rc == 0)
        rc = run_scripts(linker, when, err);
    int back = remove_bridge(linker, &bridge, rc < 0 ? &ignored : err);
    if (rc == 0)
        rc = back;
    cenv_error_release(&ignored);
    linker->plan->ran_scripts = true;
    cenv_span_end(linker->task, &span);
    return rc;
}
