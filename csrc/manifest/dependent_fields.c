/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A field depends on a file when relocation changes that file: its hash or size, told by a record
 * of conda or pip. Sites of the prefix must be known of all files before.
 */
#include "manifest/dependent_fields.h"

#include "manifest/record_fields.h"
#include "os/fs_beneath.h"
#include "os/path.h"

/* Of links that lead to links, as for the system. */
enum { HOPS_MAX = 40 };

static uint64_t pristine_size(const struct cenv_builder_item *item)
{
    const struct cenv_sites *sites = &item->result.sites;
    uint64_t size = item->st.size;
    if (sites->style != CENV_SHEBANG_NONE)
        size = size - sites->line_have + sites->line_len;
    for (size_t i = 0; i < sites->nr; i++)
        if (sites->list[i].kind == CENV_SITE_TEXT)
            size = size - sites->list[i].have + sites->list[i].slot;
    return size;
}

/* Appends the path, relative to the root, that a link and what comes behind it name; or nothing. */
static void add_target(const struct cenv_manifest_builder *m,
                       const struct cenv_builder_item *link, struct cenv_str behind,
                       struct cenv_buf *out)
{
    struct cenv_str to = link->target, dir = m->dirs[link->dir].path;
    struct cenv_buf joined;
    cenv_buf_init(&joined, 1 << 16);
    if (link->skip)
        cenv_buf_add_str(&joined, cenv_str_slice(to, link->skip + 1u, to.len));
    else if (to.len && to.data[0] != '/')
        cenv_buf_addf(&joined, "%.*s%s%.*s", CENV_STR_ARG(dir), dir.len ? "/" : "",
                      CENV_STR_ARG(to));
    if (joined.len)
        cenv_buf_add_str(&joined, behind);
    if (joined.len && !cenv_path_clean(cenv_buf_str(&joined), out))
        out->len = 0;
    cenv_buf_release(&joined);
}

/* The first directory on the way that is a link; *behind: what of the path follows it. */
static struct cenv_builder_item *find_linked_dir(struct cenv_manifest_builder *m,
                                                 struct cenv_str path,
                                                 struct cenv_str *behind)
{
    for (size_t i = 0; i < path.len; i++) {
        if (path.data[i] != '/')
            continue;
        struct cenv_builder_item *item =
            cenv_manifest_builder_find(m, cenv_str_slice(path, 0, i));
        if (item && item->st.type == CENV_FT_SYMLINK) {
            *behind = cenv_str_slice(path, i, path.len);
            return item;
        }
    }
    return NULL;
}

/* What a link of the environment names, links among the directories on the way followed. */
static struct cenv_builder_item *target_of(struct cenv_manifest_builder *m,
                                           const struct cenv_builder_item *link)
{
    struct cenv_builder_item *item = NULL;
    struct cenv_str behind = CENV_STR("");
    struct cenv_buf at[2];
    int hops = 0;
    cenv_buf_init(&at[0], 1 << 16);
    cenv_buf_init(&at[1], 1 << 16);
    while (link && !item && hops < HOPS_MAX) {
        struct cenv_buf *path = &at[hops++ % 2]; /* `behind` lies in the other one */
        path->len = 0;
        add_target(m, link, behind, path);
        if (!path->len)
            break;
        item = cenv_manifest_builder_find(m, cenv_buf_str(path));
        link = item ? NULL : find_linked_dir(m, cenv_buf_str(path), &behind);
    }
    cenv_buf_release(&at[0]);
    cenv_buf_release(&at[1]);
    return item;
}

static struct cenv_builder_item *follow_links(struct cenv_manifest_builder *m,
                                              struct cenv_builder_item *item)
{
    for (int hops = 0; item && item->st.type == CENV_FT_SYMLINK; hops++)
        item = hops < HOPS_MAX ? target_of(m, item) : NULL;
    return item;
}

/* The hash that a record tells for a file. */
static struct cenv_str recorded_digest(const struct cenv_manifest_builder *m,
                                       struct cenv_str path)
{
    const struct cenv_prefix_records *records = m->inputs->records;
    for (size_t i = 0; i < records->nr; i++)
        for (size_t k = 0; k < records->records[i].nr_paths; k++)
            if (cenv_str_eq(records->records[i].paths[k].real, path))
                return records->records[i].paths[k].sha256_in_prefix;
    return CENV_STR("");
}

static bool describe_file(void *ctx, struct cenv_str path,
                          struct cenv_relocated_file *out)
{
    struct cenv_manifest_builder *m = ctx;
    struct cenv_builder_item *named = cenv_manifest_builder_find(m, path),
                             *item = follow_links(m, named);
    const struct cenv_builder_item *file = item;
    if (item && item->peer != CENV_NONE)
        item = &m->items[item->peer];
    if (!item || item->reloc == CENV_NONE || (item->result.flags & CENV_MF_DEPENDENT))
        return false;
    *out = (struct cenv_relocated_file){.reloc = item->reloc,
                                        .size = item->st.size,
                                        .pristine_size = pristine_size(item)};
    if (file != named) {
        out->link = true;
        out->recorded_digest = recorded_digest(m, file->path);
    }
    item->hashed = true;
    return true;
}

/* Sites that name the prefix stay, those of values join them. */
static void settle_fields(struct cenv_manifest_builder *m,
                          struct cenv_builder_item *item, size_t before)
{
    struct cenv_sites *sites = &item->result.sites;
    if (sites->nr == before)
        return;
    size_t first = 0;
    while (first < sites->nr && sites->list[first].kind == CENV_SITE_SHEBANG)
        first++;
    cenv_sites_settle(sites, first);
    item->result.flags |= CENV_MF_DEPENDENT | CENV_MF_SENSITIVE;
    if (item->reloc == CENV_NONE)
        item->reloc = m->nr_relocs++;
}

static bool is_left_out(const struct cenv_manifest_builder *m, const char *path)
{
    for (size_t i = 0; i < m->nr_notes; i++)
        if (m->notes[i].kind == CENV_NOTE_SKIPPED &&
            cenv_str_is(m->notes[i].path, path))
            return true;
    return false;
}

/*
 * The package cache of a base environment stays where it is: its records, which tell where they
 * came from, go on naming it.
 */
static void keep_cache_paths(struct cenv_sites *sites, struct cenv_str text)
{
    size_t kept = 0;
    for (size_t i = 0; i < sites->nr; i++) {
        const struct cenv_site *site = &sites->list[i];
        uint64_t end = site->offset + site->have;
        struct cenv_str behind =
            cenv_str_slice(text, end < text.len ? end : text.len, text.len);
        bool cache = cenv_str_starts(behind, CENV_STR("/pkgs/")) ||
                     cenv_str_starts(behind, CENV_STR("\\/pkgs\\/"));
        if (site->kind != CENV_SITE_TEXT || !cache)
            sites->list[kept++] = *site;
    }
    sites->nr = kept;
}

static int add_record_fields(struct cenv_manifest_builder *m, struct cenv_error *err)
{
    const struct cenv_prefix_records *records = m->inputs->records;
    bool cacheless = is_left_out(m, "pkgs");
    int rc = 0;
    for (size_t i = 0; i < records->nr && rc == 0; i++) {
        struct cenv_buf path;
        cenv_buf_init(&path, 1 << 16);
        cenv_buf_addf(&path, "conda-meta/%.*s", CENV_STR_ARG(records->records[i].file));
        struct cenv_builder_item *item =
            path.failed ? NULL : cenv_manifest_builder_find(m, cenv_buf_str(&path));
        rc = path.failed ? cenv_error_oom(err) : 0;
        cenv_buf_release(&path);
        if (!item || item->st.size != records->records[i].text.len)
            continue;
        if (cacheless)
            keep_cache_paths(&item->result.sites, records->records[i].text);
        size_t before = item->result.sites.nr;
        rc = cenv_record_fields_scan(&item->result.sites, &records->records[i],
                                     describe_file, m, err);
        settle_fields(m, item, before);
    }
    return rc;
}

/* RECORD files that no package owns: pip keeps hashes there. Conda's own stay, as with conda. */
static int add_wheel_fields(struct cenv_manifest_builder *m,
                            struct cenv_builder_item *item, struct cenv_error *err)
{
    struct cenv_buf text;
    struct cenv_str dir = m->dirs[item->dir].path;
    if (item->st.type != CENV_FT_FILE || (item->result.flags & CENV_MF_MANAGED) ||
        !cenv_str_is(item->name, "RECORD") ||
        !cenv_str_ends(dir, CENV_STR(".dist-info")))
        return 0;
    int fd = cenv_fs_open_beneath(m->inputs->root, dir.data, 0, err);
    if (fd < 0)
        return fd;
    cenv_buf_init(&text, 64 << 20);
    struct cenv_scan_target what = {.path = item->path,
                                    .name = item->name.data,
                                    .dir = fd,
                                    .st = &item->st,
                                    .task = m->task};
    int rc = cenv_scan_file_read(&what, &text, err);
    size_t before = item->result.sites.nr;
    if (rc == 0)
        rc = cenv_record_fields_scan_wheel(&item->result.sites, cenv_buf_str(&text),
                                           item->path, describe_file, m, err);
    settle_fields(m, item, before);
    cenv_fd_close(fd);
    cenv_buf_release(&text);
    return rc;
}

/* What a clone need not hash again: big files name their prefix late. */
static int hash_head(struct cenv_manifest_builder *m, struct cenv_builder_item *item,
                     struct cenv_error *err)
{
    enum { WORTH_IT = 1 << 16 };
    const struct cenv_sites *sites = &item->result.sites;
    uint64_t len = item->hashed && sites->nr && sites->style == CENV_SHEBANG_NONE
                       ? sites->list[0].offset / 64 * 64
                       : 0;
    if (len < WORTH_IT)
        return 0;
    int fd =
        cenv_fs_open_beneath(m->inputs->root, m->dirs[item->dir].path.data, 0, err);
    if (fd < 0)
        return fd;
    struct cenv_scan_target what = {.path = item->path,
                                    .name = item->name.data,
                                    .dir = fd,
                                    .st = &item->st,
                                    .block = m->blocks[0],
                                    .task = m->task};
    int rc = cenv_scan_file_hash_head(&what, len, &item->head, err);
    cenv_fd_close(fd);
    return rc;
}

int cenv_dependent_fields_find(struct cenv_manifest_builder *m, struct cenv_error *err)
{
    int rc = add_record_fields(m, err);
    for (uint32_t i = 0; i < m->nr_items && rc == 0; i++)
        rc = add_wheel_fields(m, &m->items[i], err);
    for (uint32_t i = 0; i < m->nr_items && rc == 0; i++)
        rc = hash_head(m, &m->items[i], err);
    return rc;
}
