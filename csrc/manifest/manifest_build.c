/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Making a manifest: walk, look into files in parallel, settle what concerns several files at once
 * (hard-link peers, bytecode, hashes told elsewhere), pack. What a file says about its environment
 * comes from
 * maker->look; everything else here is the same for templates and foreign environments.
 */
#include "manifest/manifest_build.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "base/map.h"
#include "base/pool.h"
#include "manifest/manifest_pack.h"
#include "manifest/record_values.h"
#include "os/host.h"
#include "os/path.h"

/* ---- walking ---- */

static int add_note(struct cenv_making *m, struct cenv_str path, const char *reason,
                    enum cenv_note_kind kind, struct cenv_error *err)
{
    void *notes = m->notes;
    if (cenv_grow(&notes, &m->alloc_notes, m->nr_notes, sizeof(*m->notes)) < 0)
        return cenv_error_oom(err);
    m->notes = notes;
    m->notes[m->nr_notes++] =
        (struct cenv_making_note){.path = path, .reason = reason, .kind = kind};
    return 0;
}

static int add_dir(struct cenv_making *m, struct cenv_str path, uint32_t parent,
                   const struct cenv_stat *st, struct cenv_error *err)
{
    void *dirs = m->dirs;
    if (m->nr_dirs >= CENV_NONE - 1 ||
        cenv_grow(&dirs, &m->alloc_dirs, m->nr_dirs, sizeof(*m->dirs)) < 0)
        return cenv_error_oom(err);
    m->dirs = dirs;
    m->dirs[m->nr_dirs] =
        (struct cenv_making_dir){.path = path, .parent = parent, .st = *st};
    if (cenv_map_put(&m->dir_map, path, (uint32_t)m->nr_dirs) < 0)
        return cenv_error_oom(err);
    m->nr_dirs++;
    return 0;
}

static int add_item(struct cenv_making *m, struct cenv_making_item *item,
                    struct cenv_error *err)
{
    void *items = m->items;
    if (m->nr_items >= CENV_NONE - 1 ||
        cenv_grow(&items, &m->alloc_items, m->nr_items, sizeof(*m->items)) < 0)
        return cenv_error_oom(err);
    m->items = items;
    item->reloc = item->peer = CENV_NONE;
    m->items[m->nr_items++] = *item;
    return 0;
}

static int add_link(struct cenv_making *m, struct cenv_making_item *item, int parent,
                    const char *name, struct cenv_error *err)
{
    struct cenv_buf target;
    cenv_buf_init(&target, 1 << 16);
    int rc = cenv_fs_readlink(parent, name, &target, err);
    if (rc == 0) {
        item->target = cenv_arena_str(&m->arena, cenv_buf_str(&target));
        item->skip = (uint32_t)cenv_pathscan_link(item->target, &m->maker->aliases);
        rc = item->target.data ? add_item(m, item, err) : cenv_error_oom(err);
    }
    cenv_buf_release(&target);
    return rc;
}

/* Leftovers of conda, and what a base environment has beside itself; conda leaves them out too. */
static const char *left_out(const struct cenv_walk_entry *entry)
{
    static const char *const beside[] = {"pkgs", "envs", "conda-bld"};
    struct cenv_str path = entry->path;
    struct cenv_str name = cenv_str_n(entry->entry.name, entry->entry.len);
    if (cenv_str_is(path, ".condatmp") || cenv_str_is(path, ".trash"))
        return "temporary files of conda";
    if (entry->entry.type == CENV_FT_FILE && cenv_str_ends(name, CENV_STR(".c~")))
        return "a file conda is about to delete";
    if (entry->entry.type != CENV_FT_DIR || !cenv_fs_exists(entry->parent, "condabin"))
        return NULL;
    for (size_t i = 0; i < sizeof(beside) / sizeof(beside[0]); i++)
        if (cenv_str_is(path, beside[i]))
            return "not part of the base environment";
    return NULL;
}

static int refuse_device(struct cenv_str path, struct cenv_error *err)
{
    return cenv_error_set(err, CENV_EPREFIX,
                          "'%.*s' is a device, which cannot be cloned",
                          CENV_STR_ARG(path));
}

static int visit(void *ctx, const struct cenv_walk_entry *entry, struct cenv_error *err)
{
    struct cenv_making *m = ctx;
    struct cenv_str path = cenv_arena_str(&m->arena, entry->path);
    uint32_t parent = cenv_map_get(&m->dir_map, cenv_path_parent(path));
    struct cenv_making_item item = {.path = path, .dir = parent};
    if (!path.data || parent == CENV_NONE)
        return cenv_error_oom(err);
    item.name = cenv_path_base(path);
    const char *reason = left_out(entry);
    if (reason || entry->entry.type == CENV_FT_OTHER) {
        int rc = add_note(m, path, reason ? reason : "a FIFO or socket",
                          CENV_NOTE_SKIPPED, err);
        return rc < 0 ? rc : CENV_WALK_SKIP;
    }
    if (cenv_fs_stat(entry->parent, entry->entry.name, &item.st, err) < 0)
        return err->status;
    switch (item.st.type) {
    case CENV_FT_DIR:
        return add_dir(m, path, parent, &item.st, err);
    case CENV_FT_FILE:
        return add_item(m, &item, err);
    case CENV_FT_SYMLINK:
        return add_link(m, &item, entry->parent, entry->entry.name, err);
    case CENV_FT_DEVICE:
        return refuse_device(path, err);
    default:
        return add_note(m, path, "a FIFO or socket", CENV_NOTE_SKIPPED, err);
    }
}

static int compare_items(const void *a, const void *b)
{
    const struct cenv_making_item *x = a, *y = b;
    if (x->dir != y->dir)
        return x->dir < y->dir ? -1 : 1;
    return cenv_str_cmp(x->name, y->name);
}

static int walk(struct cenv_making *m, struct cenv_error *err)
{
    struct cenv_stat st;
    int rc = cenv_raw_stat_fd(m->maker->root, &st);
    if (rc < 0)
        return cenv_fs_fail(err, rc, m->maker->root, NULL, "cannot look at");
    rc = add_dir(m, CENV_STR(""), CENV_NONE, &st, err);
    if (rc == 0)
        rc = cenv_fs_walk(m->maker->root, true, visit, m, m->task, err);
    if (rc < 0)
        return rc;
    if (m->nr_items)
        qsort(m->items, m->nr_items, sizeof(*m->items), compare_items);
    for (uint32_t i = 0; i < m->nr_items; i++) {
        struct cenv_making_dir *dir = &m->dirs[m->items[i].dir];
        dir->first = dir->nr++ ? dir->first : i;
        if (cenv_map_put(&m->item_map, m->items[i].path, i) < 0)
            return cenv_error_oom(err);
    }
    return 0;
}

/* ---- looking, in parallel ---- */

/* The same file in the old manifest, unchanged, or NULL. */
static const struct cenv_mf_file *find_old(const struct cenv_making *m,
                                           const struct cenv_making_item *item)
{
    const struct cenv_manifest *old = m->maker->old;
    uint32_t dir =
        old ? cenv_map_get(&m->old_dirs, m->dirs[item->dir].path) : CENV_NONE;
    if (dir == CENV_NONE)
        return NULL;
    uint32_t low = old->dirs[dir].first_file, high = low + old->dirs[dir].nr_files;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const struct cenv_mf_file *file = &old->files[middle];
        int order = cenv_str_cmp(cenv_mf_str(old, file->name), item->name);
        if (order == 0)
            return cenv_mf_is_same(file, &item->st) && !(file->flags & CENV_MF_VALUES)
                       ? file
                       : NULL;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

static int reuse(const struct cenv_making *m, const struct cenv_mf_file *file,
                 struct cenv_making_item *item, struct cenv_error *err)
{
    const struct cenv_manifest *old = m->maker->old;
    item->found.flags = file->flags & (CENV_MF_MANAGED | CENV_MF_SENSITIVE);
    uint32_t note = cenv_map_get(&m->old_notes, item->path);
    if (note != CENV_NONE)
        item->found.reason = cenv_mf_cstr(old, old->notes[note].reason);
    if (file->reloc == CENV_NONE)
        return 0;
    struct cenv_sites sites = cenv_mf_sites(old, &old->relocs[file->reloc]);
    return cenv_sites_copy(&item->found.sites, &sites, err);
}

static int look_at_item(struct cenv_making *m, struct cenv_making_item *item, int fd,
                        unsigned thread, struct cenv_error *err)
{
    const struct cenv_mf_file *old = find_old(m, item);
    struct cenv_lookup what = {.path = item->path,
                               .name = item->name.data,
                               .dir = fd,
                               .st = &item->st,
                               .block = m->blocks[thread]};
    int rc = old ? reuse(m, old, item, err)
                 : m->maker->look(m->maker->ctx, &what, &item->found, err);
    if (cenv_raw_has_xattrs(fd, what.name))
        item->found.flags |= CENV_MF_XATTR;
    return rc;
}

static int look_at_dir(void *ctx, size_t index, unsigned thread, struct cenv_error *err)
{
    struct cenv_making *m = ctx;
    struct cenv_making_dir *dir = &m->dirs[index];
    int fd = cenv_fs_open_beneath(m->maker->root, dir->path.data, 0, err);
    int rc = fd < 0 ? fd : 0;
    dir->xattrs = rc == 0 && cenv_raw_has_xattrs(fd, ".");
    for (uint32_t i = dir->first; i < dir->first + dir->nr && rc == 0; i++)
        if (m->items[i].st.type == CENV_FT_FILE)
            rc = look_at_item(m, &m->items[i], fd, thread, err);
    cenv_fd_close(fd);
    return rc;
}

static int index_old(struct cenv_making *m, struct cenv_error *err)
{
    const struct cenv_manifest *old = m->maker->old;
    for (uint32_t i = 0; old && i < old->nr_dirs; i++)
        if (cenv_map_put(&m->old_dirs, cenv_mf_str(old, old->dirs[i].path), i) < 0)
            return cenv_error_oom(err);
    for (uint32_t i = 0; old && i < old->nr_notes; i++)
        if (old->notes[i].kind == CENV_NOTE_UNRELOCATABLE &&
            cenv_map_put(&m->old_notes, cenv_mf_str(old, old->notes[i].path), i) < 0)
            return cenv_error_oom(err);
    return 0;
}

static int look(struct cenv_making *m, struct cenv_error *err)
{
    unsigned threads = m->maker->threads ? m->maker->threads : cenv_host_cpus();
    threads = threads > CENV_MAKING_THREADS ? CENV_MAKING_THREADS : threads;
    int rc = index_old(m, err);
    for (unsigned i = 0; i < threads && rc == 0; i++)
        if (!(m->blocks[i] = cenv_malloc(CENV_LOOK_BLOCK)))
            rc = cenv_error_oom(err);
    return rc < 0 ? rc
                  : cenv_pool_run(threads, m->nr_dirs, look_at_dir, m, m->task, err);
}

/* ---- what concerns several files ---- */

static struct cenv_making_item *item_at(struct cenv_making *m, struct cenv_str path)
{
    uint32_t i = cenv_map_get(&m->item_map, path);
    return i == CENV_NONE ? NULL : &m->items[i];
}

static bool in_first_dir(struct cenv_str path, const char *name)
{
    struct cenv_str head = cenv_str(name);
    return cenv_str_starts(path, head) && path.len > head.len &&
           path.data[head.len] == '/';
}

/* What programs are known to write in place (docs/design/clone.md 3): never one inode with the source. */
static bool is_sensitive(const struct cenv_making_item *item)
{
    static const char *const dirs[] = {"conda-meta", "etc", "var", "share/jupyter"};
    static const char *const tails[] = {".pth", ".db", ".sqlite", ".sqlite3",
                                        ".egg-link"};
    static const char *const names[] = {".condarc", ".mambarc", "condarc",
                                        "pyvenv.cfg"};
    for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
        if (in_first_dir(item->path, dirs[i]))
            return true;
    for (size_t i = 0; i < sizeof(tails) / sizeof(tails[0]); i++)
        if (cenv_str_ends(item->name, cenv_str(tails[i])))
            return true;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (cenv_str_is(item->name, names[i]))
            return true;
    return (item->st.mode & 06000) != 0;
}

/* Several names of one inode: the first stands for all, with what any of them needs. */
static int find_peers(struct cenv_making *m, struct cenv_error *err)
{
    struct cenv_map inodes = {0};
    int rc = 0;
    for (uint32_t i = 0; i < m->nr_items && rc == 0; i++) {
        struct cenv_making_item *item = &m->items[i];
        if (item->st.type != CENV_FT_FILE || item->st.nlink < 2 ||
            (item->found.flags & CENV_MF_LEFT_OUT))
            continue;
        struct cenv_str key =
            cenv_str_n((const char *)&item->st.ino, sizeof(item->st.ino));
        uint32_t first = cenv_map_get(&inodes, key);
        if (first == CENV_NONE) {
            rc = cenv_map_put(&inodes, key, i) < 0 ? cenv_error_oom(err) : 0;
        } else if (m->items[first].st.dev == item->st.dev) {
            item->peer = first;
            m->items[first].found.flags |= item->found.flags & CENV_MF_SENSITIVE;
        }
    }
    cenv_map_release(&inodes);
    return rc;
}

/* Bytecode that Python never checks against its source (PEP 552) would go on naming the source. */
static int drop_unchecked(struct cenv_making *m, struct cenv_making_item *pyc,
                          struct cenv_error *err)
{
    enum { HASHED = 1, CHECKED = 2 };
    unsigned char header[8] = {0};
    struct cenv_str dir = m->dirs[pyc->dir].path;
    int parent = cenv_fs_open_beneath(m->maker->root, dir.data, 0, err);
    int fd = parent < 0 ? parent : cenv_fs_open_file(parent, pyc->name.data, NULL, err);
    int64_t n = fd < 0 ? 0 : cenv_raw_pread(fd, header, sizeof(header), 0);
    cenv_fd_close(fd);
    cenv_fd_close(parent);
    if (fd < 0)
        return fd;
    if (n < (int64_t)sizeof(header) || !(header[4] & HASHED) || (header[4] & CHECKED))
        return 0;
    pyc->found.flags |= CENV_MF_LEFT_OUT;
    return add_note(m, pyc->path,
                    "bytecode that is never checked, of a source that is relocated",
                    CENV_NOTE_SKIPPED, err);
}

static int settle_bytecode(struct cenv_making *m, struct cenv_making_item *py,
                           struct cenv_error *err)
{
    struct cenv_buf path;
    cenv_buf_init(&path, 1 << 20);
    struct cenv_str dir = m->dirs[py->dir].path;
    cenv_buf_addf(&path, "%.*s%s__pycache__", CENV_STR_ARG(dir), dir.len ? "/" : "");
    uint32_t cache = cenv_map_get(&m->dir_map, cenv_buf_str(&path));
    cenv_buf_release(&path);
    if (cache == CENV_NONE)
        return 0;
    struct cenv_str stem =
        cenv_str_slice(py->name, 0, py->name.len - 2); /* with its dot */
    int rc = 0;
    for (uint32_t i = 0; i < m->dirs[cache].nr && rc == 0; i++) {
        struct cenv_making_item *pyc = &m->items[m->dirs[cache].first + i];
        if (cenv_str_starts(pyc->name, stem) && pyc->st.type == CENV_FT_FILE &&
            cenv_str_ends(pyc->name, CENV_STR(".pyc")))
            rc = drop_unchecked(m, pyc, err);
    }
    return rc;
}

static int settle_item(struct cenv_making *m, struct cenv_making_item *item,
                       struct cenv_error *err)
{
    if (item->st.type != CENV_FT_FILE)
        return 0;
    if (is_sensitive(item))
        item->found.flags |= CENV_MF_SENSITIVE;
    if (item->found.reason &&
        add_note(m, item->path, item->found.reason, CENV_NOTE_UNRELOCATABLE, err) < 0)
        return err->status;
    if (cenv_sites_none(&item->found.sites))
        return 0;
    item->reloc = m->nr_relocs++;
    if (!cenv_str_ends(item->name, CENV_STR(".py")))
        return 0;
    item->found.flags |= CENV_MF_PYTHON;
    return settle_bytecode(m, item, err);
}

/* ---- hashes told elsewhere ---- */

static uint64_t pristine_size(const struct cenv_making_item *item)
{
    const struct cenv_sites *sites = &item->found.sites;
    uint64_t size = item->st.size;
    if (sites->style != CENV_SHEBANG_NONE)
        size = size - sites->line_have + sites->line_len;
    for (size_t i = 0; i < sites->nr; i++)
        if (sites->list[i].kind == CENV_SITE_TEXT)
            size = size - sites->list[i].have + sites->list[i].slot;
    return size;
}

/* What a link of the environment names; directories on the way that are links are not followed. */
static struct cenv_making_item *target_of(struct cenv_making *m,
                                          const struct cenv_making_item *link)
{
    struct cenv_str to = link->target, dir = m->dirs[link->dir].path;
    struct cenv_making_item *item = NULL;
    struct cenv_buf joined, clean;
    cenv_buf_init(&joined, 1 << 16);
    cenv_buf_init(&clean, 1 << 16);
    if (link->skip)
        cenv_buf_add_str(&joined, cenv_str_slice(to, link->skip + 1u, to.len));
    else if (to.len && to.data[0] != '/')
        cenv_buf_addf(&joined, "%.*s%s%.*s", CENV_STR_ARG(dir), dir.len ? "/" : "",
                      CENV_STR_ARG(to));
    if (joined.len && cenv_path_clean(cenv_buf_str(&joined), &clean) == 0)
        item = item_at(m, cenv_buf_str(&clean));
    cenv_buf_release(&joined);
    cenv_buf_release(&clean);
    return item;
}

static struct cenv_making_item *follow(struct cenv_making *m,
                                       struct cenv_making_item *item)
{
    enum { HOPS_MAX = 40 };
    for (int hops = 0; item && item->st.type == CENV_FT_SYMLINK; hops++)
        item = hops < HOPS_MAX ? target_of(m, item) : NULL;
    return item;
}

/* The hash that a record tells for a file. */
static struct cenv_str told_hash(const struct cenv_making *m, struct cenv_str path)
{
    const struct cenv_prefix *records = m->maker->records;
    for (size_t i = 0; i < records->nr; i++)
        for (size_t k = 0; k < records->records[i].nr_paths; k++)
            if (cenv_str_eq(records->records[i].paths[k].path, path))
                return records->records[i].paths[k].sha256_in_prefix;
    return CENV_STR("");
}

static bool valued(void *ctx, struct cenv_str path, struct cenv_valued *out)
{
    struct cenv_making *m = ctx;
    struct cenv_making_item *named = item_at(m, path), *item = follow(m, named);
    const struct cenv_making_item *file = item;
    if (item && item->peer != CENV_NONE)
        item = &m->items[item->peer];
    if (!item || item->reloc == CENV_NONE || (item->found.flags & CENV_MF_VALUES))
        return false;
    *out = (struct cenv_valued){.reloc = item->reloc,
                                .size = item->st.size,
                                .pristine_size = pristine_size(item)};
    if (file != named) {
        out->link = true;
        out->told = told_hash(m, file->path);
    }
    item->hashed = true;
    return true;
}

/* Sites that name the prefix stay, those of values join them. */
static void settle_values(struct cenv_making *m, struct cenv_making_item *item,
                          size_t before)
{
    struct cenv_sites *sites = &item->found.sites;
    if (sites->nr == before)
        return;
    size_t first = 0;
    while (first < sites->nr && sites->list[first].kind == CENV_SITE_SHEBANG)
        first++;
    cenv_sites_settle(sites, first);
    item->found.flags |= CENV_MF_VALUES | CENV_MF_SENSITIVE;
    if (item->reloc == CENV_NONE)
        item->reloc = m->nr_relocs++;
}

static int add_record_values(struct cenv_making *m, struct cenv_error *err)
{
    const struct cenv_prefix *records = m->maker->records;
    int rc = 0;
    for (size_t i = 0; i < records->nr && rc == 0; i++) {
        struct cenv_buf path;
        cenv_buf_init(&path, 1 << 16);
        cenv_buf_addf(&path, "conda-meta/%.*s", CENV_STR_ARG(records->records[i].file));
        struct cenv_making_item *item = item_at(m, cenv_buf_str(&path));
        cenv_buf_release(&path);
        if (!item || item->st.size != records->records[i].text.len)
            continue;
        size_t before = item->found.sites.nr;
        rc = cenv_values_of_record(&item->found.sites, &records->records[i], valued, m,
                                   err);
        settle_values(m, item, before);
    }
    return rc;
}

/* RECORD files that no package owns: pip keeps hashes there. Conda's own stay, as with conda. */
static int add_wheel_values(struct cenv_making *m, struct cenv_making_item *item,
                            struct cenv_error *err)
{
    struct cenv_buf text;
    struct cenv_str dir = m->dirs[item->dir].path;
    if (item->st.type != CENV_FT_FILE || (item->found.flags & CENV_MF_MANAGED) ||
        !cenv_str_is(item->name, "RECORD") ||
        !cenv_str_ends(dir, CENV_STR(".dist-info")))
        return 0;
    cenv_buf_init(&text, 64 << 20);
    int fd = cenv_fs_open_beneath(m->maker->root, dir.data, 0, err);
    struct cenv_lookup what = {
        .path = item->path, .name = item->name.data, .dir = fd, .st = &item->st};
    int rc = fd < 0 ? fd : cenv_look_read(&what, &text, err);
    size_t before = item->found.sites.nr;
    if (rc == 0)
        rc = cenv_values_of_wheel(&item->found.sites, cenv_buf_str(&text), item->path,
                                  valued, m, err);
    settle_values(m, item, before);
    cenv_fd_close(fd);
    cenv_buf_release(&text);
    return rc;
}

/* What a clone need not hash again: big files name their prefix late. */
static int hash_head(struct cenv_making *m, struct cenv_making_item *item,
                     struct cenv_error *err)
{
    enum { WORTH_IT = 1 << 16 };
    const struct cenv_sites *sites = &item->found.sites;
    uint64_t len = item->hashed && sites->nr && sites->style == CENV_SHEBANG_NONE
                       ? sites->list[0].offset / 64 * 64
                       : 0;
    if (len < WORTH_IT)
        return 0;
    int fd = cenv_fs_open_beneath(m->maker->root, m->dirs[item->dir].path.data, 0, err);
    struct cenv_lookup what = {.path = item->path,
                               .name = item->name.data,
                               .dir = fd,
                               .st = &item->st,
                               .block = m->blocks[0]};
    int rc = fd < 0 ? fd : cenv_look_hash_head(&what, len, &item->head, err);
    cenv_fd_close(fd);
    return rc;
}

static int settle(struct cenv_making *m, struct cenv_error *err)
{
    int rc = 0;
    for (uint32_t i = 0; i < m->nr_items && rc == 0; i++)
        rc = settle_item(m, &m->items[i], err);
    if (rc == 0)
        rc = find_peers(m, err);
    if (rc == 0)
        rc = add_record_values(m, err);
    for (uint32_t i = 0; i < m->nr_items && rc == 0; i++)
        rc = add_wheel_values(m, &m->items[i], err);
    for (uint32_t i = 0; i < m->nr_items && rc == 0; i++)
        rc = hash_head(m, &m->items[i], err);
    return rc;
}

/* ---- the whole ---- */

static void release(struct cenv_making *m)
{
    for (uint32_t i = 0; i < m->nr_items; i++)
        cenv_sites_release(&m->items[i].found.sites);
    for (unsigned i = 0; i < CENV_MAKING_THREADS; i++)
        cenv_free(m->blocks[i]);
    cenv_free(m->dirs);
    cenv_free(m->items);
    cenv_free(m->notes);
    cenv_map_release(&m->dir_map);
    cenv_map_release(&m->item_map);
    cenv_map_release(&m->old_dirs);
    cenv_map_release(&m->old_notes);
    cenv_arena_release(&m->arena);
}

int cenv_manifest_make(struct cenv_manifest **out,
                       const struct cenv_manifest_maker *maker, struct cenv_task *task,
                       struct cenv_error *err)
{
    struct cenv_making m = {.maker = maker, .task = task};
    cenv_arena_init(&m.arena);
    int rc = walk(&m, err);
    if (rc == 0)
        rc = look(&m, err);
    if (rc == 0)
        rc = settle(&m, err);
    if (rc == 0)
        rc = cenv_manifest_pack(out, &m, err);
    release(&m);
    return rc;
}
