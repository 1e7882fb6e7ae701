/* SPDX-License-Identifier: BSD-3-Clause */
/* A file that cannot be taken is told and left out: conda installs such packages too. */
#include "prefix/env_vars.h"

#include <errno.h>

#include "os/fs.h"
#include "os/fs_beneath.h"
#include "os/fs_data.h"
#include "os/fs_dir.h"

#define PACKAGES "etc/conda/env_vars.d"
#define STATE    "conda-meta/state"
#define UNSET    "***unset***" /* conda's word for a variable that was taken back */

enum { NAME_MAX_BYTES = 1024, TOLD_MAX = 1 << 20 };

/* Why a file, or the variable `name` of it, is left out; beyond the buffer nobody reads on. */
static void tell(struct cenv_env_vars *vars, const char *file, const char *name,
                 const char *why)
{
    cenv_buf_addf(&vars->told, "%s: %s%s%s%c", file, name, *name ? ": " : "", why, 0);
}

/* ---- one file ---- */

/* In capitals; false: it cannot be one. */
static bool set_name(const char *from, char name[NAME_MAX_BYTES])
{
    size_t n = 0;
    for (; from[n] && from[n] != '=' && n + 1 < NAME_MAX_BYTES; n++)
        name[n] =
            (char)(from[n] >= 'a' && from[n] <= 'z' ? from[n] - 'a' + 'A' : from[n]);
    name[n] = '\0';
    return n > 0 && !from[n];
}

/* What a shell is told of the value, as conda writes it; a new string, or NULL: none can be. */
static struct cenv_json *convert_value(const struct cenv_json *value)
{
    struct cenv_buf text;
    switch (cenv_json_type(value)) {
    case CENV_JSON_STRING:
        return cenv_json_dup(value);
    case CENV_JSON_BOOL:
        return cenv_json_string(cenv_json_true(value) ? CENV_STR("True")
                                                      : CENV_STR("False"));
    case CENV_JSON_NUMBER:
        cenv_buf_init(&text, 64);
        cenv_json_print(value, 0, &text);
        struct cenv_json *made =
            text.failed ? NULL : cenv_json_string(cenv_buf_str(&text));
        cenv_buf_release(&text);
        return made;
    default:
        return NULL;
    }
}

static int add_variable(struct cenv_env_vars *vars, const char *file,
                        const struct cenv_json *item, struct cenv_error *err)
{
    char name[NAME_MAX_BYTES];
    if (!set_name(cenv_json_key(item), name)) {
        tell(vars, file, cenv_json_key(item), "cannot be the name of a variable");
        return 0;
    }
    if (strcmp(name, "PATH") == 0)
        return 0; /* conda's own */
    if (cenv_str_is(cenv_json_str(item), UNSET)) {
        cenv_json_remove(vars->set, name);
        return 0;
    }
    struct cenv_json *value = convert_value(item);
    if (!value)
        tell(vars, file, name, "is not a text");
    else if (!cenv_json_set(vars->set, name, value))
        return cenv_error_oom(err);
    return 0;
}

static int add_variables(struct cenv_env_vars *vars, const char *file,
                         const struct cenv_json *from, struct cenv_error *err)
{
    const struct cenv_json *item;
    int rc = 0;
    if (from && cenv_json_type(from) != CENV_JSON_OBJECT) {
        tell(vars, file, "", "is no map of names to texts");
        return 0;
    }
    if (cenv_json_len(vars->set) + cenv_json_len(from) > CENV_ENV_VARS_MAX) {
        tell(vars, file, "", "makes too many variables");
        return 0;
    }
    cenv_json_each(item, from)
    {
        if (rc == 0)
            rc = add_variable(vars, file, item, err);
    }
    return rc;
}

/* The document in the file `name` of `dir`; NULL, and told, where it cannot be had. */
static int read_document(struct cenv_env_vars *vars, int dir, const char *name,
                         const char *file, struct cenv_json **out,
                         struct cenv_error *err)
{
    struct cenv_error failed = CENV_ERROR_INIT;
    struct cenv_buf text;
    cenv_buf_init(&text, CENV_ENV_VARS_FILE_MAX);
    int rc = cenv_fs_read_file(dir, name, &text, &failed);
    if (rc == 0)
        rc = cenv_json_parse(out, cenv_buf_str(&text), file, &failed);
    cenv_buf_release(&text);
    if (rc == CENV_ENOMEM)
        return cenv_error_move(err, &failed);
    if (rc < 0 && failed.os_errno != ENOENT)
        tell(vars, file, "", failed.message);
    cenv_error_release(&failed);
    return 0;
}

/* ---- all of them ---- */

static int add_package_file(struct cenv_env_vars *vars, int dir, const char *name,
                            struct cenv_error *err)
{
    struct cenv_json *doc = NULL;
    struct cenv_buf file;
    cenv_buf_init(&file, 4 * NAME_MAX_BYTES);
    cenv_buf_addf(&file, PACKAGES "/%s", name);
    int rc = file.failed ? cenv_error_oom(err)
                         : read_document(vars, dir, name, file.data, &doc, err);
    if (rc == 0 && doc)
        rc = add_variables(vars, file.data, doc, err);
    cenv_json_free(doc);
    cenv_buf_release(&file);
    return rc;
}

static int add_packages(struct cenv_env_vars *vars, int root, struct cenv_error *err)
{
    struct cenv_listing list;
    int dir = cenv_raw_open_beneath(root, CENV_STR(PACKAGES), 0);
    if (dir < 0)
        return 0; /* or it is no directory: conda finds nothing there either */
    int raw = cenv_listing_read(&list, dir, true);
    int rc = raw < 0 ? cenv_fs_fail(err, raw, dir, NULL, "cannot list") : 0;
    for (size_t i = 0; i < list.nr && rc == 0; i++)
        rc = add_package_file(vars, dir, list.entries[i].name, err);
    cenv_listing_release(&list);
    cenv_fd_close(dir);
    return rc;
}

static int add_state(struct cenv_env_vars *vars, int root, struct cenv_error *err)
{
    struct cenv_json *doc = NULL;
    int rc = read_document(vars, root, STATE, STATE, &doc, err);
    if (rc == 0 && doc)
        rc = add_variables(vars, STATE, cenv_json_get(doc, "env_vars"), err);
    cenv_json_free(doc);
    return rc;
}

int cenv_env_vars_read(struct cenv_env_vars *out, int root, struct cenv_error *err)
{
    *out = (struct cenv_env_vars){.set = cenv_json_object()};
    cenv_buf_init(&out->told, TOLD_MAX);
    if (!out->set)
        return cenv_error_oom(err);
    int rc = add_packages(out, root, err);
    if (rc == 0)
        rc = add_state(out, root, err);
    return rc;
}

void cenv_env_vars_release(struct cenv_env_vars *vars)
{
    cenv_json_free(vars->set);
    cenv_buf_release(&vars->told);
    *vars = (struct cenv_env_vars){0};
}
