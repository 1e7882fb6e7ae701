/* SPDX-License-Identifier: BSD-3-Clause */
/* Notes and scripts give candidates; each is opened to see whether it leads here. */
#include "relocate/prefix_names.h"

#include "base/alloc.h"
#include "os/fs.h"
#include "os/fs_data.h"
#include "os/fs_dir.h"
#include "os/path.h"
#include "relocate/shell_word.h"

enum { SCRIPTS_MAX = 64, HEAD_MAX = 4096 };

struct name_search {
    struct cenv_prefix_names *list;
    int root;
    struct cenv_stat st;
};

int cenv_prefix_names_add(struct cenv_prefix_names *list, struct cenv_str path,
                          struct cenv_error *err)
{
    size_t at = list->nr;
    struct cenv_forms forms;
    if (list->nr == CENV_PREFIX_NAMES_MAX)
        return 0;
    if (cenv_forms_init(&forms, path, err) < 0)
        return err->status;
    for (; at > 0 && list->forms[at - 1].of[CENV_ENC_UTF8].len < path.len; at--)
        list->forms[at] = list->forms[at - 1];
    list->forms[at] = forms;
    list->nr++;
    return 0;
}

/* Whether it failed for want of something here, which tells nothing of where the path leads. */
static bool is_own_failure(int raw)
{
    return raw == -EMFILE || raw == -ENFILE || raw == -ENOMEM || raw == -EIO;
}

/* Whether `path` leads to the environment: 1, 0 or a status. */
static int leads_here(const struct name_search *s, const char *path,
                      struct cenv_error *err)
{
    struct cenv_stat st;
    int fd = cenv_raw_open_root(path);
    int raw = fd < 0 ? fd : cenv_raw_stat_fd(fd, &st);
    cenv_fd_close(fd);
    if (is_own_failure(raw))
        return cenv_fs_fail(err, raw, CENV_CWD, path, "cannot look at");
    return raw >= 0 && cenv_stat_same_file(&st, &s->st);
}

/* A path that an installer wrote down is a name of the environment if it leads there. */
static int consider_path(struct name_search *s, struct cenv_str path,
                         struct cenv_error *err)
{
    while (path.len > 1 && path.data[path.len - 1] == '/')
        path.len--;
    if (path.len < 2 || path.data[0] != '/' || memchr(path.data, 0, path.len))
        return 0;
    for (size_t i = 0; i < s->list->nr; i++)
        if (cenv_str_eq(s->list->forms[i].of[CENV_ENC_UTF8], path))
            return 0;
    char *name = cenv_memdup(path.data, path.len);
    if (!name)
        return cenv_error_oom(err);
    int rc = leads_here(s, name, err);
    cenv_free(name);
    return rc == 1 ? cenv_prefix_names_add(s->list, path, err) : rc;
}

/* The rest of the line behind `key`. */
static struct cenv_str value_after(struct cenv_str text, const char *key)
{
    const char *at =
        text.len ? cenv_find_bytes(text.data, text.len, key, strlen(key)) : NULL;
    if (!at)
        return cenv_str_n("", 0);
    size_t from = (size_t)(at - text.data) + strlen(key);
    struct cenv_str rest = cenv_str_slice(text, from, text.len);
    return cenv_str_trim(cenv_str_cut(&rest, '\n'));
}

/* venv's activate tells where it was made, in one line for each kind of system. */
static int consider_activate(struct name_search *s, struct cenv_error *err)
{
    char head[HEAD_MAX];
    struct cenv_buf path;
    struct cenv_str text;
    int rc = cenv_fs_read_head(s->root, "bin/activate", head, HEAD_MAX, &text, err);
    cenv_buf_init(&path, HEAD_MAX);
    while (rc == 0 && text.len) {
        struct cenv_str value = value_after(cenv_str_cut(&text, '\n'), "VIRTUAL_ENV=");
        cenv_buf_clear(&path);
        if (cenv_shell_word_read(value, &path))
            rc = path.failed ? cenv_error_oom(err)
                             : consider_path(s, cenv_buf_str(&path), err);
    }
    cenv_buf_release(&path);
    return rc;
}

/* pixi's note is the path of conda-meta; venv's is the command that made it. */
static int consider_notes(struct name_search *s, struct cenv_error *err)
{
    char head[HEAD_MAX];
    struct cenv_str text;
    int rc = cenv_fs_read_head(s->root, "conda-meta/pixi_env_prefix", head, HEAD_MAX,
                               &text, err);
    if (rc == 0)
        rc = consider_path(s, cenv_path_parent(cenv_str_trim(text)), err);
    if (rc == 0)
        rc = consider_activate(s, err);
    if (rc == 0)
        rc = cenv_fs_read_head(s->root, "pyvenv.cfg", head, HEAD_MAX, &text, err);
    if (rc < 0)
        return rc;
    struct cenv_str command = value_after(text, "command = ");
    size_t blank = cenv_str_rfind(command, ' ');
    return consider_path(s, cenv_str_slice(command, blank + 1, command.len), err);
}

static int consider_script(struct name_search *s, int bin, const char *name,
                           struct cenv_error *err)
{
    char head[HEAD_MAX];
    struct cenv_str text, exe;
    int rc = cenv_fs_read_head(bin, name, head, HEAD_MAX, &text, err);
    if (rc < 0 || !cenv_shebang_interpreter(text, &exe))
        return rc;
    return consider_path(s, cenv_path_parent(cenv_path_parent(exe)), err);
}

static int consider_scripts(struct name_search *s, struct cenv_error *err)
{
    struct cenv_listing list = {0};
    int bin = cenv_raw_open_dir(s->root, "bin"), rc = 0;
    unsigned seen = 0;
    if (cenv_raw_is_absent(bin))
        return 0;
    int raw = bin < 0 ? bin : cenv_listing_read(&list, bin, true);
    if (raw < 0)
        rc = cenv_fs_fail(err, raw, s->root, "bin", "cannot list");
    for (size_t i = 0; i < list.nr && rc == 0 && seen < SCRIPTS_MAX; i++)
        if (list.entries[i].type == CENV_FT_FILE) {
            rc = consider_script(s, bin, list.entries[i].name, err);
            seen++;
        }
    cenv_listing_release(&list);
    cenv_fd_close(bin);
    return rc;
}

int cenv_prefix_names_find(struct cenv_prefix_names *out, int root, const char *path,
                           struct cenv_error *err)
{
    struct cenv_prefix_names made = {0};
    struct name_search s = {.list = &made, .root = root};
    int rc = cenv_raw_stat_fd(root, &s.st);
    if (rc < 0)
        return cenv_fs_fail(err, rc, root, NULL, "cannot look at");
    rc = cenv_prefix_names_add(&made, cenv_str(path), err);
    if (rc == 0)
        rc = consider_notes(&s, err);
    if (rc == 0)
        rc = consider_scripts(&s, err);
    if (rc == 0)
        *out = made;
    else
        cenv_prefix_names_release(&made);
    return rc;
}

void cenv_prefix_names_release(struct cenv_prefix_names *list)
{
    for (size_t i = 0; i < list->nr; i++)
        cenv_forms_release(&list->forms[i]);
    list->nr = 0;
}
