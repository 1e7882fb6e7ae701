/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Building a manifest: walk, scan files in parallel, settle what concerns several files at once
 * (hard-link peers, bytecode, dependent fields), pack. What a file says about its environment comes
 * from inputs->scan; everything else here is the same for templates and foreign environments.
 */
#include "manifest/manifest_build.h"

#include "base/alloc.h"
#include "base/map.h"
#include "base/pool.h"
#include "manifest/dependent_fields.h"
#include "manifest/manifest_pack.h"
#include "manifest/manifest_walk.h"
#include "manifest/replaced.h"
#include "os/fs.h"
#include "os/fs_beneath.h"
#include "os/host.h"
#include "os/raw_data.h"
#include "os/xattr.h"

/* ---- scanning, in parallel ---- */

/* Whether the old manifest's word of it holds for the file here. */
static bool is_known(const struct cenv_manifest_builder *m,
                     const struct cenv_mf_file *file,
                     const struct cenv_builder_item *item)
{
    if (!cenv_mf_is_current(file, &item->st) || (file->flags & CENV_MF_DEPENDENT))
        return false;
    return !m->inputs->cloned || (file->reloc == CENV_NONE &&
                                  cenv_map_get(&m->old_notes, item->path) == CENV_NONE);
}

/* The same file in the old manifest, unchanged, or NULL. */
static const struct cenv_mf_file *find_old(const struct cenv_manifest_builder *m,
                                           const struct cenv_builder_item *item)
{
    const struct cenv_manifest *old = m->inputs->old;
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
            return is_known(m, file, item) ? file : NULL;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

static int reuse_old(const struct cenv_manifest_builder *m,
                     const struct cenv_mf_file *file, struct cenv_builder_item *item,
                     struct cenv_error *err)
{
    const struct cenv_manifest *old = m->inputs->old;
    item->result.flags = file->flags & (CENV_MF_MANAGED | CENV_MF_SENSITIVE);
    uint32_t note = cenv_map_get(&m->old_notes, item->path);
    if (note != CENV_NONE)
        item->result.reason = cenv_mf_cstr(old, old->notes[note].reason);
    if (file->reloc == CENV_NONE)
        return 0;
    struct cenv_sites sites = cenv_mf_sites(old, &old->relocs[file->reloc]);
    item->replaced = old->relocs[file->reloc].replaced;
    item->reused = true;
    return cenv_sites_copy(&item->result.sites, &sites, err);
}

static int scan_item(struct cenv_manifest_builder *m, struct cenv_builder_item *item,
                     int fd, unsigned thread, struct cenv_error *err)
{
    const struct cenv_mf_file *old = find_old(m, item);
    struct cenv_scan_target what = {.path = item->path,
                                    .name = item->name.data,
                                    .dir = fd,
                                    .st = &item->st,
                                    .block = m->blocks[thread],
                                    .task = m->task};
    int rc = cenv_task_poll(m->task, err);
    if (rc < 0)
        return rc;
    rc = old ? reuse_old(m, old, item, err)
             : m->inputs->scan(m->inputs->ctx, &what, &item->result, err);
    if (cenv_raw_has_xattrs(fd, what.name))
        item->result.flags |= CENV_MF_XATTR;
    return rc;
}

static int scan_dir(void *ctx, size_t index, unsigned thread, struct cenv_error *err)
{
    struct cenv_manifest_builder *m = ctx;
    struct cenv_builder_dir *dir = &m->dirs[index];
    int fd = cenv_fs_open_beneath(m->inputs->root, dir->path.data, 0, err), rc = 0;
    if (fd < 0)
        return fd;
    dir->xattrs = cenv_raw_has_xattrs(fd, ".");
    for (uint32_t i = dir->first; i < dir->first + dir->nr && rc == 0; i++)
        if (m->items[i].st.type == CENV_FT_FILE)
            rc = scan_item(m, &m->items[i], fd, thread, err);
    cenv_fd_close(fd);
    return rc;
}

static int index_old(struct cenv_manifest_builder *m, struct cenv_error *err)
{
    const struct cenv_manifest *old = m->inputs->old;
    for (uint32_t i = 0; old && i < old->nr_dirs; i++)
        if (!cenv_map_put(&m->old_dirs, cenv_mf_str(old, old->dirs[i].path), i))
            return cenv_error_oom(err);
    for (uint32_t i = 0; old && i < old->nr_notes; i++)
        if (old->notes[i].kind == CENV_NOTE_UNRELOCATABLE &&
            !cenv_map_put(&m->old_notes, cenv_mf_str(old, old->notes[i].path), i))
            return cenv_error_oom(err);
    return 0;
}

static unsigned count_threads(const struct cenv_manifest_builder *m)
{
    unsigned threads = m->inputs->threads ? m->inputs->threads : cenv_host_cpus();
    return threads > CENV_BUILDER_THREADS ? CENV_BUILDER_THREADS : threads;
}

static int scan_items(struct cenv_manifest_builder *m, struct cenv_error *err)
{
    unsigned threads = count_threads(m);
    int rc = index_old(m, err);
    for (unsigned i = 0; i < threads && rc == 0; i++)
        if (!(m->blocks[i] = cenv_malloc(CENV_SCAN_BLOCK)))
            rc = cenv_error_oom(err);
    if (rc == 0)
        rc = cenv_pool_run(threads, m->nr_dirs, scan_dir, m, m->task, err);
    return rc;
}

/* ---- what clones replace, in parallel ---- */

static int sum_dir(void *ctx, size_t index, unsigned thread, struct cenv_error *err)
{
    struct cenv_manifest_builder *m = ctx;
    const struct cenv_builder_dir *dir = &m->dirs[index];
    int fd = -1, rc = 0;
    for (uint32_t i = dir->first; i < dir->first + dir->nr && rc == 0; i++) {
        struct cenv_builder_item *item = &m->items[i];
        if (item->reloc == CENV_NONE || item->reused)
            continue;
        if (fd < 0)
            fd = cenv_fs_open_beneath(m->inputs->root, dir->path.data, 0, err);
        struct cenv_scan_target what = {.path = item->path,
                                        .name = item->name.data,
                                        .dir = fd,
                                        .st = &item->st,
                                        .block = m->blocks[thread]};
        rc = fd < 0 ? fd
                    : cenv_replaced_sum_file(&what, &item->result.sites,
                                             &item->replaced, err);
    }
    cenv_fd_close(fd);
    return rc;
}

/* ---- what concerns several files ---- */

static bool in_first_dir(struct cenv_str path, const char *name)
{
    struct cenv_str head = cenv_str(name);
    return cenv_str_starts(path, head) && path.len > head.len &&
           path.data[head.len] == '/';
}

/*
 * What programs are known to write in place (docs/design/clone.md 3) never shares an inode with the
 * source.
 */
static bool is_sensitive(const struct cenv_builder_item *item)
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
static int find_peers(struct cenv_manifest_builder *m, struct cenv_error *err)
{
    struct cenv_map inodes = {0};
    int rc = 0;
    for (uint32_t i = 0; i < m->nr_items && rc == 0; i++) {
        struct cenv_builder_item *item = &m->items[i];
        if (item->st.type != CENV_FT_FILE || item->st.nlink < 2 ||
            (item->result.flags & CENV_MF_LEFT_OUT))
            continue;
        struct cenv_str key =
            cenv_str_n((const char *)&item->st.ino, sizeof(item->st.ino));
        uint32_t first = cenv_map_get(&inodes, key);
        if (first == CENV_NONE) {
            rc = cenv_map_put(&inodes, key, i) ? 0 : cenv_error_oom(err);
        } else if (m->items[first].st.dev == item->st.dev) {
            item->peer = first;
            m->items[first].result.flags |= item->result.flags & CENV_MF_SENSITIVE;
        }
    }
    cenv_map_release(&inodes);
    return rc;
}

/* Bytecode that Python never checks against its source (PEP 552) would go on naming the source. */
static int drop_unchecked(struct cenv_manifest_builder *m,
                          struct cenv_builder_item *pyc, struct cenv_error *err)
{
    enum { HASHED = 1, CHECKED = 2 };
    unsigned char header[8] = {0};
    struct cenv_str dir = m->dirs[pyc->dir].path;
    int parent = cenv_fs_open_beneath(m->inputs->root, dir.data, 0, err);
    int fd = parent < 0 ? parent : cenv_fs_open_file(parent, pyc->name.data, NULL, err);
    int64_t n = fd < 0 ? 0 : cenv_raw_pread(fd, header, sizeof(header), 0);
    cenv_fd_close(fd);
    cenv_fd_close(parent);
    if (fd < 0)
        return fd;
    if (n < (int64_t)sizeof(header) || !(header[4] & HASHED) || (header[4] & CHECKED))
        return 0;
    pyc->result.flags |= CENV_MF_LEFT_OUT;
    return cenv_manifest_builder_add_note(
        m, pyc->path, "bytecode that is never checked, of a source that is relocated",
        CENV_NOTE_SKIPPED, err);
}

static int settle_bytecode(struct cenv_manifest_builder *m,
                           struct cenv_builder_item *py, struct cenv_error *err)
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
        struct cenv_builder_item *pyc = &m->items[m->dirs[cache].first + i];
        if (cenv_str_starts(pyc->name, stem) && pyc->st.type == CENV_FT_FILE &&
            cenv_str_ends(pyc->name, CENV_STR(".pyc")))
            rc = drop_unchecked(m, pyc, err);
    }
    return rc;
}

static int settle_item(struct cenv_manifest_builder *m, struct cenv_builder_item *item,
                       struct cenv_error *err)
{
    if (item->st.type != CENV_FT_FILE)
        return 0;
    if (is_sensitive(item))
        item->result.flags |= CENV_MF_SENSITIVE;
    if (item->result.reason &&
        cenv_manifest_builder_add_note(m, item->path, item->result.reason,
                                       CENV_NOTE_UNRELOCATABLE, err) < 0)
        return err->status;
    if (cenv_sites_none(&item->result.sites))
        return 0;
    item->reloc = m->nr_relocs++;
    if (!cenv_str_ends(item->name, CENV_STR(".py")))
        return 0;
    item->result.flags |= CENV_MF_PYTHON;
    return settle_bytecode(m, item, err);
}

static int settle_items(struct cenv_manifest_builder *m, struct cenv_error *err)
{
    int rc = 0;
    for (uint32_t i = 0; i < m->nr_items && rc == 0; i++) {
        rc = i % 1024 ? 0 : cenv_task_poll(m->task, err);
        if (rc == 0)
            rc = settle_item(m, &m->items[i], err);
    }
    if (rc == 0)
        rc = find_peers(m, err);
    if (rc == 0)
        rc = cenv_dependent_fields_find(m, err);
    return rc;
}

/* ---- the whole ---- */

int cenv_manifest_build(struct cenv_manifest **out,
                        const struct cenv_manifest_inputs *inputs,
                        struct cenv_task *task, struct cenv_error *err)
{
    struct cenv_manifest_builder m;
    cenv_manifest_builder_init(&m, inputs, task);
    int rc = cenv_manifest_walk(&m, err);
    if (rc == 0)
        rc = scan_items(&m, err);
    if (rc == 0)
        rc = settle_items(&m, err);
    if (rc == 0)
        rc = cenv_pool_run(count_threads(&m), m.nr_dirs, sum_dir, &m, task, err);
    if (rc == 0)
        rc = cenv_manifest_pack(out, &m, err);
    cenv_manifest_builder_release(&m);
    return rc;
}
