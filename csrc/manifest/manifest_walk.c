/* SPDX-License-Identifier: BSD-3-Clause */
/* Directories in order of the walk, their files in byte order of names. */
#include "manifest/manifest_walk.h"

#include <stdlib.h>

#include "os/fs.h"
#include "os/fs_dir.h"
#include "os/fs_where.h"
#include "os/path.h"

/* A directory elsewhere is one for source and clone: neither copied nor relocated. */
static int note_shared_dir(struct cenv_manifest_builder *m,
                           const struct cenv_builder_item *item, int parent,
                           struct cenv_error *err)
{
    struct cenv_buf path;
    bool upward = cenv_str_starts(item->target, CENV_STR(".."));
    if (item->skip || !(upward || cenv_str_starts(item->target, CENV_STR("/"))))
        return 0;
    cenv_buf_init(&path, 1 << 20);
    bool known = cenv_fs_path_of(parent, item->name.data, &path);
    int fd = known ? cenv_raw_open_root(path.data) : -1;
    int inside = fd < 0 ? 1 : cenv_raw_is_inside(fd, m->inputs->root);
    cenv_fd_close(fd);
    cenv_buf_release(&path);
    if (inside)
        return 0;
    return cenv_manifest_builder_add_note(
        m, item->path,
        "a link to a directory elsewhere: source and clone share what is in it",
        CENV_NOTE_NOTICE, err);
}

static int add_link(struct cenv_manifest_builder *m, struct cenv_builder_item *item,
                    int parent, const char *name, struct cenv_error *err)
{
    struct cenv_buf target;
    cenv_buf_init(&target, 1 << 16);
    int rc = cenv_fs_readlink(parent, name, &target, err);
    if (rc == 0) {
        item->target = cenv_arena_str(&m->arena, cenv_buf_str(&target));
        item->skip = (uint32_t)cenv_path_search_link(item->target, &m->inputs->names);
        rc = item->target.data ? cenv_manifest_builder_add_item(m, item, err)
                               : cenv_error_oom(err);
        if (rc == 0)
            rc = note_shared_dir(m, item, parent, err);
    }
    cenv_buf_release(&target);
    return rc;
}

/* conda's has condabin; micromamba's only a package cache, by its lists of URLs. */
static int is_base(int root, struct cenv_error *err)
{
    static const char *const marks[] = {"condabin", "pkgs/urls.txt", "pkgs/urls"};
    int rc = 0;
    for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]) && rc == 0; i++)
        rc = cenv_fs_exists(root, marks[i], err);
    return rc;
}

/* An environment below this one, with programs of its own: packages have others as data. */
static int is_nested(const struct cenv_walk_entry *entry, struct cenv_error *err)
{
    static const char *const marks[] = {"conda-meta/history", "bin"};
    int rc = 1;
    for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]) && rc == 1; i++) {
        struct cenv_buf path;
        cenv_buf_init(&path, 1 << 10);
        cenv_buf_addf(&path, "%s/%s", entry->entry.name, marks[i]);
        rc = path.failed ? cenv_error_oom(err)
                         : cenv_fs_exists(entry->parent, path.data, err);
        cenv_buf_release(&path);
    }
    return rc;
}

static bool is_beside_base(struct cenv_str path)
{
    static const char *const beside[] = {"pkgs", "envs", "conda-bld"};
    for (size_t i = 0; i < sizeof(beside) / sizeof(beside[0]); i++)
        if (cenv_str_is(path, beside[i]))
            return true;
    return false;
}

/* Leftovers of conda, and what a base environment has beside itself; conda leaves them out too. */
static const char *reason_to_skip(const struct cenv_walk_entry *entry,
                                  struct cenv_error *err)
{
    struct cenv_str path = entry->path;
    struct cenv_str name = cenv_str_n(entry->entry.name, entry->entry.len);
    if (cenv_str_is(path, ".condatmp") || cenv_str_is(path, ".trash"))
        return "temporary files of conda";
    if (entry->entry.type == CENV_FT_FILE && cenv_str_ends(name, CENV_STR(".c~")))
        return "a file conda is about to delete";
    if (entry->entry.type == CENV_FT_DIR && is_beside_base(path) &&
        is_base(entry->parent, err) == 1)
        return "not part of the base environment";
    if (err->status == 0 && entry->entry.type == CENV_FT_DIR &&
        is_nested(entry, err) == 1)
        return "an environment of its own";
    return NULL;
}

static int refuse_device(struct cenv_str path, struct cenv_error *err)
{
    return cenv_error_set(err, CENV_EPREFIX,
                          "'%.*s' is a device, which cannot be cloned",
                          CENV_STR_ARG(path));
}

static int visit_entry(void *ctx, const struct cenv_walk_entry *entry,
                       struct cenv_error *err)
{
    struct cenv_manifest_builder *m = ctx;
    struct cenv_str path = cenv_arena_str(&m->arena, entry->path);
    uint32_t parent = cenv_map_get(&m->dir_map, cenv_path_parent(path));
    struct cenv_builder_item item = {.path = path, .dir = parent};
    if (!path.data || parent == CENV_NONE)
        return cenv_error_oom(err);
    item.name = cenv_path_base(path);
    const char *reason = reason_to_skip(entry, err);
    if (err->status < 0)
        return err->status;
    if (reason || entry->entry.type == CENV_FT_OTHER) {
        int rc = cenv_manifest_builder_add_note(
            m, path, reason ? reason : "a FIFO or socket", CENV_NOTE_SKIPPED, err);
        return rc < 0 ? rc : CENV_WALK_SKIP;
    }
    if (cenv_fs_stat(entry->parent, entry->entry.name, &item.st, err) < 0)
        return err->status;
    switch (item.st.type) {
    case CENV_FT_DIR:
        return cenv_manifest_builder_add_dir(m, path, parent, &item.st, err);
    case CENV_FT_FILE:
        return cenv_manifest_builder_add_item(m, &item, err);
    case CENV_FT_SYMLINK:
        return add_link(m, &item, entry->parent, entry->entry.name, err);
    case CENV_FT_DEVICE:
        return refuse_device(path, err);
    default:
        return cenv_manifest_builder_add_note(m, path, "a FIFO or socket",
                                              CENV_NOTE_SKIPPED, err);
    }
}

static int compare_items(const void *a, const void *b)
{
    const struct cenv_builder_item *x = a, *y = b;
    if (x->dir != y->dir)
        return x->dir < y->dir ? -1 : 1;
    return cenv_str_cmp(x->name, y->name);
}

int cenv_manifest_walk(struct cenv_manifest_builder *m, struct cenv_error *err)
{
    struct cenv_stat st;
    int rc = cenv_raw_stat_fd(m->inputs->root, &st);
    if (rc < 0)
        return cenv_fs_fail(err, rc, m->inputs->root, NULL, "cannot look at");
    if (m->inputs->former.len)
        rc = cenv_manifest_builder_add_note(
            m, m->inputs->former,
            "where the source was before, as its files say: relocated from there too",
            CENV_NOTE_NOTICE, err);
    if (rc == 0)
        rc = cenv_manifest_builder_add_dir(m, CENV_STR(""), CENV_NONE, &st, err);
    if (rc == 0)
        rc = cenv_fs_walk(m->inputs->root, true, visit_entry, m, m->task, err);
    if (rc < 0)
        return rc;
    if (m->nr_items)
        qsort(m->items, m->nr_items, sizeof(*m->items), compare_items);
    for (uint32_t i = 0; i < m->nr_items; i++) {
        struct cenv_builder_dir *dir = &m->dirs[m->items[i].dir];
        dir->first = dir->nr++ ? dir->first : i;
        if (!cenv_map_put(&m->item_map, m->items[i].path, i))
            return cenv_error_oom(err);
    }
    return 0;
}
