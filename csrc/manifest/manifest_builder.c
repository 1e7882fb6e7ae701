/* SPDX-License-Identifier: BSD-3-Clause */
/* Growing arrays, and maps from paths into them. */
#include "manifest/manifest_builder.h"

#include "base/alloc.h"

void cenv_manifest_builder_init(struct cenv_manifest_builder *m,
                                const struct cenv_manifest_inputs *inputs,
                                struct cenv_task *task)
{
    *m = (struct cenv_manifest_builder){.inputs = inputs, .task = task};
    cenv_arena_init(&m->arena);
}

void cenv_manifest_builder_release(struct cenv_manifest_builder *m)
{
    for (uint32_t i = 0; i < m->nr_items; i++)
        cenv_sites_release(&m->items[i].result.sites);
    for (unsigned i = 0; i < CENV_BUILDER_THREADS; i++)
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

struct cenv_builder_item *cenv_manifest_builder_find(struct cenv_manifest_builder *m,
                                                     struct cenv_str path)
{
    uint32_t i = cenv_map_get(&m->item_map, path);
    return i == CENV_NONE ? NULL : &m->items[i];
}

int cenv_manifest_builder_add_note(struct cenv_manifest_builder *m,
                                   struct cenv_str path, const char *reason,
                                   enum cenv_note_kind kind, struct cenv_error *err)
{
    void *notes = m->notes;
    if (!cenv_grow(&notes, &m->alloc_notes, m->nr_notes, sizeof(*m->notes)))
        return cenv_error_oom(err);
    m->notes = notes;
    m->notes[m->nr_notes++] =
        (struct cenv_builder_note){.path = path, .reason = reason, .kind = kind};
    return 0;
}

int cenv_manifest_builder_add_dir(struct cenv_manifest_builder *m, struct cenv_str path,
                                  uint32_t parent, const struct cenv_stat *st,
                                  struct cenv_error *err)
{
    void *dirs = m->dirs;
    if (m->nr_dirs >= CENV_NONE - 1 ||
        !cenv_grow(&dirs, &m->alloc_dirs, m->nr_dirs, sizeof(*m->dirs)))
        return cenv_error_oom(err);
    m->dirs = dirs;
    m->dirs[m->nr_dirs] =
        (struct cenv_builder_dir){.path = path, .parent = parent, .st = *st};
    if (!cenv_map_put(&m->dir_map, path, (uint32_t)m->nr_dirs))
        return cenv_error_oom(err);
    m->nr_dirs++;
    return 0;
}

int cenv_manifest_builder_add_item(struct cenv_manifest_builder *m,
                                   struct cenv_builder_item *item,
                                   struct cenv_error *err)
{
    void *items = m->items;
    if (m->nr_items >= CENV_NONE - 1 ||
        !cenv_grow(&items, &m->alloc_items, m->nr_items, sizeof(*m->items)))
        return cenv_error_oom(err);
    m->items = items;
    item->reloc = item->peer = CENV_NONE;
    m->items[m->nr_items++] = *item;
    return 0;
}
