/* SPDX-License-Identifier: BSD-3-Clause */
/* Arrays go first, the texts they point into behind them. */
#include "manifest/manifest_pack.h"

#include "base/alloc.h"

/* Sections have their places before any text is added. */
struct packing {
    const struct cenv_manifest_builder *m;
    struct cenv_mf_header *header; /* at the start of the block */
    char *block;
    struct cenv_buf texts;
    uint64_t nr_sites;
};

static struct cenv_mf_text add_text(struct packing *p, struct cenv_str text)
{
    struct cenv_mf_text made = {(uint32_t)p->texts.len, (uint32_t)text.len};
    if (text.len == 0)
        return (struct cenv_mf_text){0, 0}; /* the NUL at the start of the texts */
    cenv_buf_add_str(&p->texts, text);
    cenv_buf_putc(&p->texts, '\0');
    return made;
}

static uint64_t count_sites(const struct cenv_manifest_builder *m)
{
    uint64_t nr = 0;
    for (uint32_t i = 0; i < m->nr_items; i++)
        if (m->items[i].reloc != CENV_NONE)
            nr += m->items[i].result.sites.nr;
    return nr;
}

/* The next section: every one begins where any of the structs may. */
static struct cenv_mf_section add_section(uint64_t *at, uint64_t nr, size_t size)
{
    struct cenv_mf_section made = {*at, nr};
    *at = (*at + nr * size + 7) / 8 * 8;
    return made;
}

/* Lays out the sections; returns the size of all but the texts. */
static uint64_t lay_out(struct packing *p, struct cenv_mf_header *h)
{
    const struct cenv_manifest_builder *m = p->m;
    uint64_t at = (sizeof(*h) + 7) / 8 * 8;
    h->dirs = add_section(&at, m->nr_dirs, sizeof(struct cenv_mf_dir));
    h->files = add_section(&at, m->nr_items, sizeof(struct cenv_mf_file));
    h->relocs = add_section(&at, m->nr_relocs, sizeof(struct cenv_mf_reloc));
    h->sites = add_section(&at, count_sites(m), sizeof(struct cenv_site));
    h->notes = add_section(&at, m->nr_notes, sizeof(struct cenv_mf_note));
    h->texts.at = at;
    return at;
}

static void pack_dirs(struct packing *p)
{
    struct cenv_mf_dir *dirs = (void *)(p->block + p->header->dirs.at);
    for (uint32_t i = 0; i < p->m->nr_dirs; i++) {
        const struct cenv_builder_dir *from = &p->m->dirs[i];
        dirs[i] = (struct cenv_mf_dir){.ino = from->st.ino,
                                       .mtime_ns = from->st.mtime_ns,
                                       .path = add_text(p, from->path),
                                       .parent = from->parent,
                                       .first_file = from->nr ? from->first : 0,
                                       .nr_files = from->nr,
                                       .mode = (uint16_t)from->st.mode,
                                       .flags = from->xattrs ? CENV_MF_XATTR : 0};
    }
}

static void pack_reloc(struct packing *p, uint32_t index,
                       const struct cenv_builder_item *item)
{
    struct cenv_mf_reloc *relocs = (void *)(p->block + p->header->relocs.at);
    struct cenv_site *sites = (void *)(p->block + p->header->sites.at);
    const struct cenv_sites *from = &item->result.sites;
    relocs[item->reloc] = (struct cenv_mf_reloc){
        .file = index,
        .first_site = (uint32_t)p->nr_sites,
        .nr_sites = (uint32_t)from->nr,
        .line = add_text(p, cenv_str_n(from->line, from->line_len)),
        .line_have = from->line_have,
        .exe_from = from->exe_from,
        .exe_to = from->exe_to,
        .style = from->style,
        .quoted = from->quoted,
        .hashed = item->hashed,
        .replaced = item->replaced,
        .head = item->head};
    if (from->nr)
        memcpy(sites + p->nr_sites, from->list, from->nr * sizeof(*sites));
    p->nr_sites += from->nr;
}

/* A clone that shares inodes changes it, and would have all that it shares looked into again. */
static int64_t telling_ctime(const struct cenv_manifest_builder *m,
                             const struct cenv_builder_item *item)
{
    bool lent = m->inputs->shared && item->reloc == CENV_NONE &&
                !(item->result.flags & CENV_MF_SENSITIVE);
    return lent ? 0 : item->st.ctime_ns;
}

static void pack_files(struct packing *p)
{
    struct cenv_mf_file *files = (void *)(p->block + p->header->files.at);
    for (uint32_t i = 0; i < p->m->nr_items; i++) {
        const struct cenv_builder_item *from = &p->m->items[i];
        files[i] = (struct cenv_mf_file){
            .size = from->st.size,
            .ino = from->st.ino,
            .mtime_ns = from->st.mtime_ns,
            .ctime_ns = telling_ctime(p->m, from),
            .name = add_text(p, from->name),
            .target = add_text(p, from->target),
            .skip = from->skip,
            .reloc = from->reloc,
            .peer = from->peer,
            .dir = from->dir,
            .mode = (uint16_t)from->st.mode,
            .type = from->st.type == CENV_FT_SYMLINK ? CENV_MF_SYMLINK : CENV_MF_FILE,
            .flags = from->result.flags,
            .uid = from->st.uid,
            .gid = from->st.gid,
            .nlink = (uint32_t)from->st.nlink,
        };
        if (from->reloc != CENV_NONE)
            pack_reloc(p, i, from);
    }
}

static void pack_notes(struct packing *p)
{
    struct cenv_mf_note *notes = (void *)(p->block + p->header->notes.at);
    for (size_t i = 0; i < p->m->nr_notes; i++) {
        const struct cenv_builder_note *from = &p->m->notes[i];
        notes[i] = (struct cenv_mf_note){.path = add_text(p, from->path),
                                         .reason = add_text(p, cenv_str(from->reason)),
                                         .kind = from->kind};
    }
}

/* Texts behind the arrays, the header's last facts, the sum. */
static int seal_block(struct packing *p, uint64_t head, struct cenv_manifest **out,
                      struct cenv_error *err)
{
    uint64_t total = head + p->texts.len;
    char *block = p->texts.failed ? NULL : cenv_realloc(p->block, total);
    if (!block)
        return cenv_error_oom(err);
    p->block = block;
    memcpy(block + head, p->texts.data, p->texts.len);
    struct cenv_mf_header *h = (void *)block;
    h->texts.nr = p->texts.len;
    h->total = total;
    cenv_manifest_seal(block);
    p->block = NULL; /* from_block takes it over */
    return cenv_manifest_from_block(out, block, total, err);
}

int cenv_manifest_pack(struct cenv_manifest **out,
                       const struct cenv_manifest_builder *m, struct cenv_error *err)
{
    struct packing p = {.m = m};
    struct cenv_mf_header head = {.dev = m->dirs[0].st.dev, .ino = m->dirs[0].st.ino};
    uint64_t size = lay_out(&p, &head);
    p.block = cenv_calloc(1, size);
    if (!p.block)
        return cenv_error_oom(err);
    p.header = (void *)p.block;
    *p.header = head;
    cenv_buf_init(&p.texts, UINT32_MAX / 2);
    cenv_buf_putc(&p.texts, '\0');
    p.header->prefix = add_text(&p, m->inputs->prefix);
    pack_dirs(&p);
    pack_files(&p);
    pack_notes(&p);
    int rc = seal_block(&p, size, out, err);
    cenv_buf_release(&p.texts);
    cenv_free(p.block);
    return rc;
}
