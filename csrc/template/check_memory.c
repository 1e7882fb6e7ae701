/* SPDX-License-Identifier: BSD-3-Clause */
/* A memory is altered as a template is, through a hard link; it is dropped, and made again. */
#include "template/check_memory.h"

#include <stdio.h>

#include "base/hex.h"
#include "clone/mode.h"
#include "clone/remembered.h"
#include "os/fs.h"
#include "prefix/file_hash.h"
#include "store/memory_room.h"

enum { LINKED_BY_OTHERS = 4 }; /* as in check.c */

struct memories {
    const struct cenv_memory_check *check;
    uint32_t *forgotten;
    struct cenv_store *store;
    struct cenv_clone_source source;
    struct cenv_file_hash hash;
    struct cenv_task *task;
};

/* ---- by content ---- */

/* 1, 0, or -errno: whether it changed after the time that counts. */
static int is_later(const struct memories *all, const struct cenv_remembered *r,
                    struct cenv_dirs *dirs, uint32_t reloc)
{
    struct cenv_stat st;
    if (!cenv_remembered_get(r, reloc))
        return 0;
    int raw = cenv_remembered_stat(dirs, r->m, reloc, &st);
    if (raw < 0)
        return raw;
    return all->check->content ||
           (all->check->since_ns && st.ctime_ns > all->check->since_ns);
}

static int compare_content(struct memories *all, struct cenv_remembered *r,
                           struct cenv_dirs *dirs, uint32_t reloc,
                           struct cenv_error *err)
{
    const struct cenv_mf_file *file = &r->m->files[r->m->relocs[reloc].file];
    const char *name = cenv_mf_cstr(r->m, file->name);
    const struct cenv_memory_file *had = cenv_remembered_get(r, reloc);
    char hex[CENV_DIGEST_HEX_MAX], wanted[CENV_DIGEST_HEX_MAX];
    int dir = cenv_dirs_get(dirs, cenv_mf_str(r->m, r->m->dirs[file->dir].path), 0);
    int in = dir < 0 ? dir : cenv_raw_open_file(dir, name, NULL);
    if (in < 0)
        return cenv_fs_fail(err, in, r->memory.layer, name, "cannot open");
    int rc = cenv_file_hash_fd(&all->hash, in, name, hex, NULL, all->task, err);
    cenv_hex(had->sha256, CENV_SHA256_LEN, wanted);
    if (rc == 0 && strcmp(hex, wanted) != 0)
        atomic_store(&r->altered, true);
    cenv_fd_close(in);
    return rc;
}

/* Not where so many changed that others must have linked them, unless all are asked for. */
static bool must_read(const struct memories *all, const struct cenv_remembered *r,
                      struct cenv_dirs *dirs)
{
    uint32_t nr = r->m->nr_relocs, later = 0;
    if (!all->check->content && !all->check->since_ns)
        return false;
    for (uint32_t i = 0; i < nr; i++)
        later += is_later(all, r, dirs, i) == 1;
    return later && (all->check->content || later <= nr / LINKED_BY_OTHERS);
}

static int read_files(struct memories *all, struct cenv_remembered *r,
                      struct cenv_error *err)
{
    struct cenv_dirs dirs;
    int rc = 0;
    cenv_dirs_init(&dirs, r->memory.layer);
    bool reads = must_read(all, r, &dirs);
    if (reads && !all->hash.digest && !cenv_file_hash_init(&all->hash, CENV_SHA256))
        rc = cenv_error_oom(err);
    for (uint32_t i = 0; reads && i < r->m->nr_relocs && rc == 0; i++)
        if (!atomic_load(&r->altered) && is_later(all, r, &dirs, i) == 1)
            rc = compare_content(all, r, &dirs, i, err);
    cenv_dirs_release(&dirs);
    return rc;
}

/* ---- one memory ---- */

/* What a clone shows as it lies there stays as long as the clone. */
static int forget(struct memories *all, const struct cenv_memory_item *item,
                  struct cenv_error *err)
{
    const struct cenv_clone_mode *mode =
        cenv_clone_mode_find(item->name + CENV_STORE_KEY);
    int rc = mode && mode->shows
                 ? cenv_path_memory_withdraw_unused(all->store, item->id, item->name,
                                                    all->task, err)
                 : cenv_path_memory_withdraw(all->store, item->id, item->name,
                                             all->task, err);
    *all->forgotten += rc == 0;
    return rc < 0 ? rc : 0;
}

static int check_memory(void *ctx, const struct cenv_memory_item *item,
                        struct cenv_error *err)
{
    struct memories *all = ctx;
    struct cenv_remembered r = CENV_REMEMBERED_INIT;
    if (strlen(item->name) <= CENV_STORE_KEY)
        return 0;
    snprintf(r.id, sizeof(r.id), "%s", item->id);
    snprintf(r.name, sizeof(r.name), "%s", item->name);
    int rc = cenv_remembered_open(&r, all->store, all->source.manifest, err);
    if (rc == 0)
        rc = cenv_remembered_check(&r, 1, all->task, err);
    if (rc == 0)
        rc = read_files(all, &r, err);
    bool altered = atomic_exchange(&r.altered, false);
    cenv_remembered_close(&r);
    if (rc >= 0 && altered)
        rc = forget(all, item, err);
    return rc < 0 ? rc : 0;
}

/* ---- all of them ---- */

/* 1: it was taken away, or is being built anew, and so are its memories. */
static int open_template(struct memories *all, struct cenv_error *err)
{
    int rc = cenv_clone_source_open(&all->source, all->check->path, err);
    if (rc == 0)
        rc = cenv_clone_source_template(&all->source, all->store, all->task, err);
    if (rc != CENV_EPREFIX && rc != CENV_EOS)
        return rc;
    cenv_error_release(err);
    return 1;
}

int cenv_check_memory(const struct cenv_memory_check *check, struct cenv_store *store,
                      uint32_t *forgotten, struct cenv_task *task,
                      struct cenv_error *err)
{
    struct memories all = {.check = check,
                           .forgotten = forgotten,
                           .store = store,
                           .source = {.fd = -1},
                           .task = task};
    char id[CENV_TEMPLATE_ID_LEN + 1];
    int rc = cenv_template_entry_id_of_prefix(store, check->path, id, err);
    if (rc != 1)
        return rc < 0 ? rc : 0;
    rc = open_template(&all, err);
    if (rc == 0)
        rc = cenv_memory_room_each(store, id, check_memory, &all, err);
    cenv_clone_source_close(&all.source);
    cenv_file_hash_release(&all.hash);
    return rc < 0 ? rc : 0;
}
