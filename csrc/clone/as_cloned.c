/* SPDX-License-Identifier: BSD-3-Clause */
/* A file of a clone beside what the manifest of its source tells of it. */
#include "clone/as_cloned.h"

#include "base/hex.h"
#include "os/fs_data.h"
#include "relocate/splice.h"

static bool has_size(const struct cenv_cloner *c, const struct cenv_mf_file *file,
                     uint64_t size)
{
    if (!cenv_cloner_writes(c, file))
        return size == file->size;
    if (file->flags & CENV_MF_DEPENDENT)
        return true; /* other files decide; time and ctime have to do */
    struct cenv_sites sites = cenv_mf_sites(c->m, &c->m->relocs[file->reloc]);
    return size == cenv_splice_size(&sites, c->forms, file->size);
}

static bool has_target(const struct cenv_cloner *c, const struct cenv_mf_file *file,
                       int dir)
{
    struct cenv_str target = cenv_mf_str(c->m, file->target);
    struct cenv_str prefix = file->skip ? c->forms->of[CENV_ENC_UTF8] : CENV_STR("");
    struct cenv_error ignored = CENV_ERROR_INIT;
    struct cenv_buf got;
    cenv_buf_init(&got, 1 << 20);
    cenv_fs_readlink(dir, cenv_mf_cstr(c->m, file->name), &got, &ignored);
    struct cenv_str text = cenv_buf_str(&got);
    bool same = cenv_str_starts(text, prefix) &&
                cenv_str_eq(cenv_str_slice(text, prefix.len, text.len),
                            cenv_str_slice(target, file->skip, target.len));
    cenv_buf_release(&got);
    cenv_error_release(&ignored);
    return same;
}

int cenv_as_cloned_hash(int dir, const char *name, struct cenv_cloned *out,
                        struct cenv_error *err)
{
    char hex[CENV_DIGEST_HEX_MAX];
    struct cenv_buf data;
    cenv_buf_init(&data, SIZE_MAX / 4);
    int rc = cenv_fs_read_file(dir, name, &data, err);
    if (rc == 0 && !cenv_digest_sha256_hex(cenv_buf_str(&data), hex))
        rc = cenv_error_oom(err);
    if (rc == 0) {
        cenv_unhex(cenv_str(hex), out->sha256, CENV_SHA256_LEN);
        out->size = data.len;
    }
    cenv_buf_release(&data);
    return rc;
}

/* One whose ctime others change too, by their links. */
static bool is_as_remembered(const struct cenv_cloner *c,
                             const struct cenv_mf_file *file, int dir,
                             const struct cenv_stat *st)
{
    struct cenv_error ignored = CENV_ERROR_INIT;
    struct cenv_cloned there = {.size = 0};
    if (!c->remembered || !cenv_remembered_is_same(c->remembered, file->reloc, st))
        return false;
    const struct cenv_memory_file *had =
        cenv_remembered_get(c->remembered, file->reloc);
    bool same = had &&
                cenv_as_cloned_hash(dir, cenv_mf_cstr(c->m, file->name), &there,
                                    &ignored) == 0 &&
                memcmp(there.sha256, had->sha256, CENV_SHA256_LEN) == 0;
    if (!same)
        atomic_store(&c->remembered->altered, true);
    cenv_error_release(&ignored);
    return same;
}

bool cenv_as_cloned_is_file(const struct cenv_cloner *c, int64_t since_ns,
                            const struct cenv_mf_file *file, int dir,
                            const struct cenv_stat *st)
{
    bool shared = cenv_cloner_shares(c, file) && st->ino == file->ino;
    if (file->type == CENV_MF_SYMLINK) /* the target of an inode never changes */
        return st->type == CENV_FT_SYMLINK && st->mtime_ns == file->mtime_ns &&
               (shared || has_target(c, file, dir));
    int64_t mtime =
        cenv_cloner_writes(c, file) ? cenv_mf_new_mtime(file) : file->mtime_ns;
    return st->type == CENV_FT_FILE && st->mtime_ns == mtime &&
           st->mode == file->mode && has_size(c, file, st->size) &&
           (shared || st->ctime_ns <= since_ns || is_as_remembered(c, file, dir, st));
}

bool cenv_as_cloned_is_damage(const struct cenv_cloner *c,
                              const struct cenv_mf_file *file,
                              const struct cenv_stat *st)
{
    return cenv_cloner_shares(c, file) && st->ino == file->ino &&
           st->dev == c->m->header->dev && !cenv_mf_is_same(file, st);
}
