/* SPDX-License-Identifier: BSD-3-Clause */
/* A memory of the store, as clones of one template at one path see it. */
#include "clone/remembered.h"

#include "base/pool.h"
#include "os/fs.h"

enum { CHECKED_AT_ONCE = 256 };

/* ---- finding ---- */

/* It was made by this manifest: relocations of another have other numbers. */
static bool is_of_manifest(const struct cenv_memory_head *head,
                           const struct cenv_manifest *m)
{
    return head->nr == m->nr_relocs && head->manifest == m->header->sum &&
           head->dev == m->header->dev && head->ino == m->header->ino;
}

int cenv_remembered_open(struct cenv_remembered *r, const struct cenv_store *store,
                         const struct cenv_manifest *m, struct cenv_error *err)
{
    int rc = cenv_path_memory_open(store, r->id, r->name, &r->memory, err);
    if (rc == 0 && !is_of_manifest(r->memory.head, m)) {
        cenv_path_memory_close(&r->memory);
        rc = 1;
    }
    r->store = store;
    r->m = m;
    r->uid = cenv_fs_uid();
    return rc;
}

static int open_or_withdraw(struct cenv_remembered *r, const struct cenv_store *store,
                            const struct cenv_manifest *m, struct cenv_error *err)
{
    int rc = cenv_remembered_open(r, store, m, err);
    if (rc != 1)
        return rc;
    rc = cenv_path_memory_withdraw(store, r->id, r->name, NULL, err);
    rc = cenv_layout_forgive_read_only(rc, err);
    return rc < 0 ? rc : 1;
}

int cenv_remembered_find(struct cenv_remembered *r, const struct cenv_store *store,
                         const struct cenv_clone_source *source, const char *path,
                         const char *mode, struct cenv_error *err)
{
    if (!store || !source->is_template)
        return 1;
    int rc = cenv_template_entry_id_of_prefix(store, source->path, r->id, err);
    if (rc != 1)
        return rc < 0 ? rc : 1;
    rc = cenv_path_memory_name(path, mode, r->name, err);
    if (rc < 0)
        return rc;
    return open_or_withdraw(r, store, source->manifest, err);
}

void cenv_remembered_close(struct cenv_remembered *r)
{
    struct cenv_error ignored = CENV_ERROR_INIT;
    cenv_path_memory_close(&r->memory);
    if (atomic_load(&r->altered))
        cenv_path_memory_withdraw(r->store, r->id, r->name, NULL, &ignored);
    atomic_store(&r->altered, false);
    cenv_error_release(&ignored);
}

/* ---- its files ---- */

const struct cenv_memory_file *cenv_remembered_get(const struct cenv_remembered *r,
                                                   uint32_t reloc)
{
    if (reloc == CENV_NONE || !cenv_remembered_is_there(r) || atomic_load(&r->altered))
        return NULL;
    return r->memory.files[reloc].ino ? &r->memory.files[reloc] : NULL;
}

bool cenv_remembered_is_same(const struct cenv_remembered *r, uint32_t reloc,
                             const struct cenv_stat *st)
{
    const struct cenv_memory_file *had = cenv_remembered_get(r, reloc);
    if (!had)
        return false;
    const struct cenv_mf_file *file = &r->m->files[r->m->relocs[reloc].file];
    return st->ino == had->ino && st->dev == r->memory.head->device &&
           st->type == CENV_FT_FILE && st->size == had->size &&
           st->mtime_ns == cenv_mf_new_mtime(file) && st->mode == file->mode &&
           st->uid == r->uid;
}

int cenv_remembered_stat(struct cenv_dirs *dirs, const struct cenv_manifest *m,
                         uint32_t reloc, struct cenv_stat *out)
{
    const struct cenv_mf_file *file = &m->files[m->relocs[reloc].file];
    int dir = cenv_dirs_get(dirs, cenv_mf_str(m, m->dirs[file->dir].path), 0);
    return dir < 0 ? dir : cenv_raw_stat(dir, cenv_mf_cstr(m, file->name), out);
}

/* ---- all of them ---- */

struct checking {
    struct cenv_remembered *r;
    struct cenv_task *task;
};

static int check_part(void *ctx, size_t part, unsigned thread, struct cenv_error *err)
{
    struct checking *c = ctx;
    struct cenv_remembered *r = c->r;
    uint32_t from = (uint32_t)part * CHECKED_AT_ONCE;
    struct cenv_dirs dirs;
    struct cenv_stat st;
    int rc = cenv_task_poll(c->task, err);
    (void)thread;
    cenv_dirs_init(&dirs, r->memory.layer);
    for (uint32_t i = from; i < r->m->nr_relocs && i - from < CHECKED_AT_ONCE; i++)
        if (cenv_remembered_get(r, i) &&
            (cenv_remembered_stat(&dirs, r->m, i, &st) < 0 ||
             !cenv_remembered_is_same(r, i, &st)))
            atomic_store(&r->altered, true);
    cenv_dirs_release(&dirs);
    return rc;
}

int cenv_remembered_check(struct cenv_remembered *r, unsigned threads,
                          struct cenv_task *task, struct cenv_error *err)
{
    struct checking checking = {r, task};
    size_t parts = (r->m->nr_relocs + CHECKED_AT_ONCE - 1) / CHECKED_AT_ONCE;
    int rc = cenv_pool_run(threads, parts, check_part, &checking, task, err);
    if (rc < 0)
        return rc;
    return atomic_load(&r->altered);
}
