/* SPDX-License-Identifier: BSD-3-Clause */
/* The packages are linked once more, with all that linking makes: see remade.h. */
#include "archive/remade.h"

#include "archive/record_paths.h"
#include <string.h>

#include "codec/json_writer.h"
#include "os/fs.h"
#include "os/fs_beneath.h"
#include "os/fs_data.h"
#include "os/fs_remove.h"
#include "os/path.h"

enum { RECORD_MAX = 64 << 20, PATH_MAX_BYTES = 1 << 16, SHOWN_MAX = 4096 };

#define MADE_NAME "made" /* in the scratch directory */
#define META      "conda-meta/"

struct comparison {
    const struct cenv_bare *bare;
    bool more; /* something else than linking may have made files */
    int ours, made;
    struct cenv_dirs our_dirs, made_dirs;
    struct cenv_task *task;
    struct cenv_error *err;
};

static int refuse_entry(const struct comparison *c, struct cenv_str path,
                        const char *why)
{
    struct cenv_buf shown;
    cenv_buf_init(&shown, SHOWN_MAX);
    cenv_json_quote(&shown, path);
    cenv_error_set(c->err, CENV_EINTEGRITY, "its file %s %s",
                   shown.data ? shown.data : "?", why);
    cenv_buf_release(&shown);
    return CENV_EINTEGRITY;
}

/* ---- two files ---- */

/* The file at `path` mapped: 1, 0 there is none, or a status. */
static int map_file(const struct comparison *c, struct cenv_dirs *dirs,
                    struct cenv_str path, struct cenv_mapping *out)
{
    struct cenv_str name;
    int dir = cenv_dirs_parent(dirs, path, 0, &name);
    int fd = dir < 0 ? dir : cenv_raw_open_file(dir, name.data, NULL);
    if (cenv_raw_is_no_file(fd))
        return 0;
    int failed = fd < 0 ? fd : cenv_raw_map_fd(fd, out);
    cenv_fd_close(fd);
    return failed < 0
               ? cenv_fs_fail(c->err, failed, dirs->root, path.data, "cannot read")
               : 1;
}

static struct cenv_str mapped(const struct cenv_mapping *m)
{
    return cenv_str_n(m->data, m->len);
}

/* ---- records ---- */

/* What tells of the place or the request, and not of the package. */
static void drop_local(struct cenv_json *record)
{
    static const char *const keys[] = {"extracted_package_dir", "link",
                                       "requested_spec", "requested_specs"};
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        cenv_json_remove(record, keys[i]);
}

static int print_record(struct cenv_str text, struct cenv_buf *out,
                        struct cenv_error *err)
{
    struct cenv_json *record = NULL;
    int rc = cenv_json_parse(&record, text, "its record", err);
    if (rc == 0)
        drop_local(record);
    if (rc == 0 && !cenv_json_print(record, CENV_JSON_SORT, out))
        rc = cenv_error_oom(err);
    cenv_json_free(record);
    return rc;
}

/* 1 where they tell the same, 0, or a status. */
static int compare_records(const struct comparison *c, struct cenv_str ours,
                           struct cenv_str made)
{
    struct cenv_buf first, second;
    cenv_buf_init(&first, RECORD_MAX);
    cenv_buf_init(&second, RECORD_MAX);
    int rc = print_record(ours, &first, c->err);
    if (rc == 0)
        rc = print_record(made, &second, c->err);
    if (rc == 0)
        rc = cenv_str_eq(cenv_buf_str(&first), cenv_buf_str(&second));
    cenv_buf_release(&first);
    cenv_buf_release(&second);
    return rc;
}

/* ---- entries ---- */

/* These tell when, and by which request. */
static bool is_diary(struct cenv_str path)
{
    return cenv_str_is(path, META "history") || cenv_str_is(path, META "created_at");
}

static bool is_made(struct cenv_str path)
{
    return cenv_record_paths_is_record(path) || cenv_str_ends(path, CENV_STR(".pyc"));
}

static int compare_contents(const struct comparison *c, struct cenv_str path,
                            struct cenv_str ours, struct cenv_str made)
{
    int same = cenv_record_paths_is_record(path) ? compare_records(c, ours, made)
                                                 : cenv_str_eq(ours, made);
    if (same < 0 || same || (c->more && !is_made(path)))
        return same < 0 ? same : 0;
    return refuse_entry(c, path, "is not what this machine makes of the packages");
}

static int compare_entry(struct comparison *c, const struct cenv_delta_entry *entry)
{
    struct cenv_mapping ours = {0}, made = {0};
    struct cenv_str path = entry->path;
    if (entry->type == CENV_DELTA_DIR || entry->type == CENV_DELTA_FACTS ||
        is_diary(path))
        return 0;
    int rc = map_file(c, &c->made_dirs, path, &made);
    if (rc == 0)
        return c->more
                   ? 0
                   : refuse_entry(c, path, "is none that linking the packages makes");
    int has = rc == 1 ? map_file(c, &c->our_dirs, path, &ours) : rc;
    rc = has;
    if (has == 1)
        rc = compare_contents(c, path, mapped(&ours), mapped(&made));
    else if (has == 0 && !c->more)
        rc = refuse_entry(c, path, "is missing");
    cenv_mapping_release(&ours);
    cenv_mapping_release(&made);
    return rc;
}

static int compare_entries(struct comparison *c, const struct cenv_delta *delta)
{
    int rc = 0;
    cenv_dirs_init(&c->our_dirs, c->ours);
    cenv_dirs_init(&c->made_dirs, c->made);
    for (uint32_t i = 0; i < delta->nr_entries && rc == 0; i++) {
        rc = cenv_task_poll(c->task, c->err);
        if (rc == 0)
            rc = compare_entry(c, &delta->entries[i]);
    }
    cenv_dirs_release(&c->our_dirs);
    cenv_dirs_release(&c->made_dirs);
    return rc;
}

/* ---- what else may have made files ---- */

static int has_script(const struct comparison *c, const char *name, const char *when)
{
    struct cenv_buf path;
    cenv_buf_init(&path, PATH_MAX_BYTES);
    cenv_buf_addf(&path, "bin/.%s-%s.sh", name, when);
    int rc = path.failed ? cenv_error_oom(c->err)
                         : cenv_fs_exists(c->made, path.data, c->err);
    cenv_buf_release(&path);
    return rc;
}

/* 1 where a package has a link script, 0, or a status. */
static int has_scripts(const struct comparison *c)
{
    const struct cenv_json *record;
    int rc = 0;
    cenv_json_each(record, c->bare->records)
    {
        const char *name = cenv_json_get_cstr(record, "name");
        if (rc == 0 && name)
            rc = has_script(c, name, "post-link");
        if (rc == 0 && name)
            rc = has_script(c, name, "pre-link");
    }
    return rc;
}

/* ---- the whole ---- */

static int link_made(const struct cenv_bare *bare, int scratch)
{
    struct cenv_bare made = *bare;
    int fd = cenv_fs_mkdir_open(scratch, MADE_NAME, 0755, bare->err);
    if (fd < 0)
        return fd;
    made.made = true;
    int rc = cenv_bare_link(&made, fd, NULL);
    if (rc == 0)
        return fd;
    cenv_fd_close(fd);
    return rc;
}

int cenv_remade_compare(const struct cenv_bare *bare, const struct cenv_json *doc,
                        const struct cenv_delta *delta, int dir, int scratch)
{
    struct comparison c = {.bare = bare,
                           .more =
                               cenv_json_get(doc, "key") || cenv_json_get(doc, "base"),
                           .ours = dir,
                           .task = bare->task,
                           .err = bare->err};
    c.made = link_made(bare, scratch);
    if (c.made < 0)
        return c.made;
    int rc = has_scripts(&c);
    c.more |= rc == 1;
    if (rc >= 0)
        rc = compare_entries(&c, delta);
    cenv_fd_close(c.made);
    if (rc == 0)
        rc = cenv_fs_remove_tree(scratch, MADE_NAME, bare->err);
    return rc;
}
