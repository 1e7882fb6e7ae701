/* SPDX-License-Identifier: BSD-3-Clause */
/* Every index and text is checked before any of them is used. */
#include "manifest/manifest.h"

#include "base/alloc.h"
#include "base/checksum.h"
#include "base/map.h"
#include "os/fs.h"
#include "os/fs_data.h"

static const char magic[8] = "cenv-mf";
enum { ORDER = 0x01020304 };

/* Of all of it but the sum itself. */
static uint64_t sum_of_block(const char *block, size_t len)
{
    struct cenv_mf_header head;
    memcpy(&head, block, sizeof(head));
    head.sum = 0;
    return cenv_checksum64(cenv_str_n(block + sizeof(head), len - sizeof(head))) ^
           cenv_checksum64(cenv_str_n((const char *)&head, sizeof(head)));
}

void cenv_manifest_seal(char *block)
{
    struct cenv_mf_header *h = (void *)block;
    memcpy(h->magic, magic, sizeof(magic));
    h->version = CENV_MANIFEST_VERSION;
    h->order = ORDER;
    h->sum = sum_of_block(block, h->total);
}

bool cenv_mf_is_same(const struct cenv_mf_file *file, const struct cenv_stat *st)
{
    enum cenv_file_type type =
        file->type == CENV_MF_FILE ? CENV_FT_FILE : CENV_FT_SYMLINK;
    return st->type == type && st->ino == file->ino && st->size == file->size &&
           st->mtime_ns == file->mtime_ns && st->mode == file->mode &&
           (!file->ctime_ns || file->nlink > 1 || st->ctime_ns == file->ctime_ns);
}

bool cenv_mf_is_current(const struct cenv_mf_file *file, const struct cenv_stat *st)
{
    return cenv_mf_is_same(file, st) &&
           (!file->ctime_ns || st->ctime_ns == file->ctime_ns);
}

/* ---- checking ---- */

static bool section_fits(const struct cenv_mf_section *s, size_t size, uint64_t total)
{
    return s->at % 8 == 0 && s->at >= sizeof(struct cenv_mf_header) && s->at <= total &&
           s->nr <= (total - s->at) / size && s->nr < CENV_NONE;
}

static bool header_fits(const struct cenv_mf_header *h, size_t len)
{
    return len >= sizeof(*h) && memcmp(h->magic, magic, sizeof(magic)) == 0 &&
           h->version == CENV_MANIFEST_VERSION && h->order == ORDER &&
           h->total == len && section_fits(&h->dirs, sizeof(struct cenv_mf_dir), len) &&
           section_fits(&h->files, sizeof(struct cenv_mf_file), len) &&
           section_fits(&h->relocs, sizeof(struct cenv_mf_reloc), len) &&
           section_fits(&h->sites, sizeof(struct cenv_site), len) &&
           section_fits(&h->notes, sizeof(struct cenv_mf_note), len) &&
           section_fits(&h->texts, 1, len) && h->dirs.nr > 0;
}

static bool text_fits(const struct cenv_manifest *m, struct cenv_mf_text text)
{
    uint64_t nr = m->header->texts.nr;
    return text.at < nr && text.len < nr - text.at &&
           m->texts[text.at + text.len] == '\0';
}

/* One component: nothing in a manifest can lead out of the clone. */
static bool is_name(struct cenv_str name)
{
    return name.len > 0 && !memchr(name.data, '/', name.len) &&
           !memchr(name.data, 0, name.len) && !cenv_str_is(name, ".") &&
           !cenv_str_is(name, "..");
}

static bool dir_fits(const struct cenv_manifest *m, uint32_t i)
{
    const struct cenv_mf_dir *dir = &m->dirs[i];
    if (!text_fits(m, dir->path) || dir->first_file > m->nr_files ||
        dir->nr_files > m->nr_files - dir->first_file)
        return false;
    for (uint32_t f = 0; f < dir->nr_files; f++)
        if (m->files[dir->first_file + f].dir != i)
            return false;
    struct cenv_str path = cenv_mf_str(m, dir->path);
    if (i == 0)
        return path.len == 0;
    if (dir->parent >= i)
        return false;
    struct cenv_str parent = cenv_mf_str(m, m->dirs[dir->parent].path);
    if (parent.len == 0)
        return is_name(path);
    return path.len > parent.len && cenv_str_starts(path, parent) &&
           path.data[parent.len] == '/' &&
           is_name(cenv_str_slice(path, parent.len + 1, path.len));
}

static bool file_fits(const struct cenv_manifest *m, uint32_t i)
{
    const struct cenv_mf_file *file = &m->files[i];
    if (file->type > CENV_MF_SYMLINK || file->dir >= m->nr_dirs ||
        !text_fits(m, file->name) || !is_name(cenv_mf_str(m, file->name)) ||
        !text_fits(m, file->target) || file->skip > file->target.len ||
        file->size > INT64_MAX) /* as no file is, so that sums of sizes fit */
        return false;
    if (file->peer != CENV_NONE &&
        (file->peer >= i || m->files[file->peer].peer != CENV_NONE ||
         m->files[file->peer].type != CENV_MF_FILE))
        return false;
    return file->reloc == CENV_NONE ||
           (file->reloc < m->nr_relocs && m->relocs[file->reloc].file == i);
}

static bool reloc_fits(const struct cenv_manifest *m, const struct cenv_mf_reloc *reloc)
{
    uint64_t nr = m->header->sites.nr;
    if (reloc->file >= m->nr_files || reloc->first_site > nr ||
        reloc->nr_sites > nr - reloc->first_site || !text_fits(m, reloc->line) ||
        reloc->style > CENV_SHEBANG_PIP)
        return false;
    struct cenv_sites sites = cenv_mf_sites(m, reloc);
    uint64_t first = m->files[reloc->file].size;
    for (size_t i = 0; i < sites.nr && sites.list[i].offset < first; i++)
        first = sites.list[i].offset;
    if (reloc->head.len % 64 ||
        (reloc->head.len && reloc->style != CENV_SHEBANG_NONE) ||
        reloc->head.len > first)
        return false;
    for (size_t i = 0; i < sites.nr; i++)
        if (sites.list[i].kind == CENV_SITE_FIELD && sites.list[i].end >= m->nr_relocs)
            return false;
    return cenv_sites_within(&sites, m->files[reloc->file].size);
}

static bool everything_fits(const struct cenv_manifest *m)
{
    bool fits = text_fits(m, m->header->prefix);
    for (uint32_t i = 0; fits && i < m->nr_dirs; i++)
        fits = dir_fits(m, i);
    for (uint32_t i = 0; fits && i < m->nr_files; i++)
        fits = file_fits(m, i);
    for (uint32_t i = 0; fits && i < m->nr_relocs; i++)
        fits = reloc_fits(m, &m->relocs[i]);
    for (uint32_t i = 0; fits && i < m->nr_notes; i++)
        fits = text_fits(m, m->notes[i].path) && text_fits(m, m->notes[i].reason);
    return fits;
}

/* ---- opening ---- */

static void set_sections(struct cenv_manifest *m, const char *data)
{
    const struct cenv_mf_header *h = (const void *)data;
    m->header = h;
    m->dirs = (const void *)(data + h->dirs.at);
    m->files = (const void *)(data + h->files.at);
    m->relocs = (const void *)(data + h->relocs.at);
    m->sites = (const void *)(data + h->sites.at);
    m->notes = (const void *)(data + h->notes.at);
    m->texts = data + h->texts.at;
    m->nr_dirs = (uint32_t)h->dirs.nr;
    m->nr_files = (uint32_t)h->files.nr;
    m->nr_relocs = (uint32_t)h->relocs.nr;
    m->nr_notes = (uint32_t)h->notes.nr;
}

/* Of what was checked before only the header is. */
static int check_block(struct cenv_manifest *m, const char *data, size_t len,
                       bool known, struct cenv_error *err)
{
    const struct cenv_mf_header *h = (const void *)data;
    if (!header_fits(h, len) || (!known && h->sum != sum_of_block(data, len)))
        return cenv_error_set(err, CENV_EINTEGRITY,
                              "this is not a manifest, or a damaged one");
    set_sections(m, data);
    if (!known && !everything_fits(m))
        return cenv_error_set(err, CENV_EINTEGRITY, "the manifest contradicts itself");
    return 0;
}

static int check_mapped(struct cenv_manifest *m, const struct cenv_stat *st,
                        struct cenv_checked *checked, struct cenv_error *err)
{
    const struct cenv_mf_header *h = (const void *)m->mapping.data;
    struct cenv_checked_file file = {.dev = st->dev,
                                     .ino = st->ino,
                                     .size = st->size,
                                     .mtime_ns = st->mtime_ns,
                                     .ctime_ns = st->ctime_ns};
    if (m->mapping.len >= sizeof(*h))
        file.sum = h->sum;
    bool known = cenv_checked_has(checked, &file);
    int rc = check_block(m, m->mapping.data, m->mapping.len, known, err);
    if (rc == 0 && !known)
        cenv_checked_note(checked, &file);
    return rc;
}

int cenv_manifest_from_block(struct cenv_manifest **out, char *block, size_t len,
                             struct cenv_error *err)
{
    struct cenv_manifest *m = cenv_calloc(1, sizeof(*m));
    if (!m) {
        cenv_free(block);
        return cenv_error_oom(err);
    }
    m->heap = block;
    int rc = check_block(m, block, len, false, err);
    if (rc == 0)
        *out = m;
    else
        cenv_manifest_free(m);
    return rc;
}

static int map_file(struct cenv_manifest *m, int dirfd, const char *name,
                    struct cenv_stat *st, struct cenv_error *err)
{
    int fd = cenv_fs_open_file(dirfd, name, st, err);
    if (fd < 0)
        return fd;
    int raw = cenv_raw_map_fd(fd, &m->mapping);
    cenv_fd_close(fd);
    return raw < 0 ? cenv_fs_fail(err, raw, dirfd, name, "cannot map") : 0;
}

int cenv_manifest_open(struct cenv_manifest **out, int dirfd, const char *name,
                       struct cenv_checked *checked, struct cenv_error *err)
{
    struct cenv_manifest *m = cenv_calloc(1, sizeof(*m));
    struct cenv_stat st;
    if (!m)
        return cenv_error_oom(err);
    int rc = map_file(m, dirfd, name, &st, err);
    if (rc == 0)
        rc = check_mapped(m, &st, checked, err);
    if (rc == 0)
        *out = m;
    else
        cenv_manifest_free(m);
    return rc;
}

int cenv_manifest_save(const struct cenv_manifest *m, int dirfd, const char *name,
                       struct cenv_error *err)
{
    struct cenv_str bytes = cenv_str_n((const char *)m->header, m->header->total);
    return cenv_fs_write_atomic(dirfd, name, bytes, 0600, err);
}

void cenv_manifest_free(struct cenv_manifest *m)
{
    if (!m)
        return;
    cenv_mapping_release(&m->mapping);
    cenv_free(m->heap);
    cenv_free(m);
}

struct cenv_sites cenv_mf_sites(const struct cenv_manifest *m,
                                const struct cenv_mf_reloc *reloc)
{
    /* cenv_sites owns what it points to when a scan made it; these are never released. */
    union {
        const void *from;
        void *to;
    } list = {&m->sites[reloc->first_site]}, line = {cenv_mf_cstr(m, reloc->line)};
    return (struct cenv_sites){.list = list.to,
                               .nr = reloc->nr_sites,
                               .style = reloc->style,
                               .quoted = reloc->quoted,
                               .line_have = reloc->line_have,
                               .exe_from = reloc->exe_from,
                               .exe_to = reloc->exe_to,
                               .line = line.to,
                               .line_len = reloc->line.len};
}
