/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Placing one file: shared, copied, or written with its sites replaced and hashed on the way. A
 * relocated file is gathered as pieces (ranges of a window on the source, the prefix, zeros) and
 * written with one writev; nothing is copied in memory.
 */
#include "clone/clone_file.h"

#include <errno.h>
#include <stdio.h>

#include "base/hex.h"
#include "manifest/replaced.h"
#include "os/fs_beneath.h"
#include "os/fs_place.h"
#include "os/raw_copy.h"
#include "os/raw_extent.h"
#include "os/xattr.h"
#include "relocate/splice.h"

/*
 * What the raw call `raw` says of a file in `tree`: the source, or the clone, which messages name
 * by the path that it is to have, and not by that at which it is being made.
 */
static int fail_at(struct cenv_cloner *c, int tree, uint32_t file, int raw,
                   const char *what, struct cenv_error *err)
{
    const struct cenv_mf_file *f = &c->m->files[file];
    const char *name = cenv_mf_cstr(c->m, f->name);
    const char *dir = cenv_mf_cstr(c->m, c->m->dirs[f->dir].path);
    struct cenv_str top =
        tree == c->dst ? c->forms->of[CENV_ENC_UTF8] : cenv_str_n("", 0);
    char path[CENV_ERRPATH_MAX];
    if (raw == -ECANCELED)
        return cenv_task_poll(c->task, err);
    if (raw == -ENOENT || raw == -ENOTDIR || raw == -ELOOP)
        return cenv_cloner_set_changed(c, f->dir, name, err);
    snprintf(path, sizeof(path), "%.*s%s%s%s%s", (int)top.len, top.data,
             top.len ? "/" : "", dir, *dir ? "/" : "", name);
    return cenv_fs_fail(err, raw, tree, path, what);
}

/* ---- writing with sites replaced ---- */

/* One file on its way. */
struct writing {
    struct cenv_cloner *c;
    struct cenv_cloner_thread *t;
    int in, out;
    uint64_t written;
    bool hashed;
    const struct cenv_sites *sites;
    size_t checked; /* for cenv_replaced_next */
    uint64_t replaced;
};

/* Whether somebody asked to stop; a large file is written by many calls. */
static bool is_cancelled(struct cenv_task *task)
{
    struct cenv_error ignored = CENV_ERROR_INIT;
    bool cancelled = cenv_task_poll(task, &ignored) < 0;
    cenv_error_release(&ignored);
    return cancelled;
}

static int flush_pieces(struct writing *w)
{
    struct cenv_cloner_thread *t = w->t;
    if (is_cancelled(w->c->task))
        return -ECANCELED;
    for (unsigned i = 0; w->hashed && i < t->nr_pieces; i++)
        if (!cenv_digest_update(t->digest, t->pieces[i].data, t->pieces[i].len))
            return -EIO;
    int rc = t->nr_pieces ? cenv_raw_writev(w->out, t->pieces, t->nr_pieces) : 0;
    t->nr_pieces = t->nr_values = 0;
    return rc;
}

static int add_piece(struct writing *w, const char *data, uint64_t len)
{
    struct cenv_cloner_thread *t = w->t;
    int rc = t->nr_pieces == CENV_CLONER_PIECES ? flush_pieces(w) : 0;
    t->pieces[t->nr_pieces++] = cenv_str_n(data, len);
    w->written += len;
    return rc;
}

/* To where `from` is: pieces in it must be out before it moves on. */
static int move_window(struct writing *w, uint64_t from)
{
    struct cenv_cloner_thread *t = w->t;
    int rc = flush_pieces(w);
    if (rc < 0)
        return rc;
    int64_t n = cenv_raw_pread(w->in, t->window, CENV_CLONER_WINDOW, from);
    if (n <= 0)
        return n < 0 ? (int)n : -ENOENT; /* shorter than it was */
    t->from = from;
    t->to = from + (uint64_t)n;
    return 0;
}

/* A range of the source, through the window. */
static int add_range(struct writing *w, uint64_t from, uint64_t len)
{
    struct cenv_cloner_thread *t = w->t;
    int rc = 0;
    while (len && rc == 0) {
        if (from < t->from || from >= t->to) {
            rc = move_window(w, from);
            if (rc < 0)
                return rc;
        }
        uint64_t part = len < t->to - from ? len : t->to - from;
        rc = add_piece(w, t->window + (from - t->from), part);
        from += part;
        len -= part;
    }
    return rc;
}

/* One range that is replaced; it was found in a file whose window held it. */
static int check_range(struct writing *w, const struct cenv_replaced *range)
{
    struct cenv_cloner_thread *t = w->t;
    int rc = 0;
    if (range->len > CENV_CLONER_WINDOW)
        return -ENOENT;
    if (range->from < t->from || range->from + range->len > t->to)
        rc = move_window(w, range->from);
    if (rc < 0 || range->from + range->len > t->to)
        return rc < 0 ? rc : -ENOENT;
    struct cenv_str bytes = cenv_str_n(t->window + (range->from - t->from), range->len);
    w->replaced = cenv_replaced_add(w->replaced, bytes);
    return 0;
}

/* What is replaced before `to`, in the file's order: the window goes forward alone. */
static int check_replaced(struct writing *w, uint64_t to)
{
    struct cenv_replaced range;
    size_t at = w->checked;
    int rc = 0;
    while (rc == 0 && cenv_replaced_next(w->sites, &at, &range) && range.from < to) {
        rc = check_range(w, &range);
        w->checked = at;
    }
    return rc;
}

static void add_base64(const unsigned char *raw, size_t len, char *out)
{
    static const char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    for (size_t i = 0; i < len; i += 3) {
        uint32_t bits = (uint32_t)raw[i] << 16 |
                        (i + 1 < len ? (uint32_t)raw[i + 1] << 8 : 0) |
                        (i + 2 < len ? raw[i + 2] : 0);
        size_t nr = len - i < 3 ? len - i + 1 : 4;
        for (size_t k = 0; k < nr; k++)
            *out++ = digits[bits >> (18 - 6 * k) & 63];
    }
    *out = '\0';
}

/* What a record wants to know; the text must live until the pieces are flushed. */
static struct cenv_str value_of(void *ctx, const struct cenv_site *site)
{
    struct writing *w = ctx;
    const struct cenv_cloned *cloned = &w->c->cloned[site->end];
    char *text = w->t->values[w->t->nr_values++ % CENV_CLONER_PIECES];
    if (site->encoding == CENV_FIELD_SHA256)
        cenv_hex(cloned->sha256, CENV_SHA256_LEN, text);
    else if (site->encoding == CENV_FIELD_BASE64)
        add_base64(cloned->sha256, CENV_SHA256_LEN, text);
    else
        snprintf(text, CENV_CLONER_VALUE, "%llu", (unsigned long long)cloned->size);
    return cenv_str(text);
}

/* Same bytes as in the source and hashed already: the kernel moves them. */
static int copy_head(struct writing *w, const struct cenv_sha256_state *head)
{
    int rc = cenv_raw_copy_head(w->in, w->out, head->len);
    w->written = head->len;
    cenv_digest_resume(w->t->digest, head);
    return rc;
}

static int put_piece(struct writing *w, const struct cenv_piece *piece)
{
    if (piece->data)
        return add_piece(w, piece->data, piece->len);
    int rc = check_replaced(w, piece->from);
    if (rc == 0)
        rc = add_range(w, piece->from, piece->len);
    return rc;
}

static int write_pieces(struct writing *w, uint64_t size)
{
    struct cenv_splice splice;
    struct cenv_piece piece;
    int raw = 0, more = 1;
    cenv_splice_init(&splice, w->sites, w->c->forms, size);
    splice.pos = w->written; /* a head that is there already */
    splice.field = value_of;
    splice.field_ctx = w;
    while (raw == 0 && (more = cenv_splice_next(&splice, &piece)) > 0)
        raw = put_piece(w, &piece);
    if (raw == 0 && more < 0)
        raw = -ENOMEM; /* all that can go wrong with a splice */
    if (raw == 0)
        raw = check_replaced(w, UINT64_MAX);
    if (raw == 0)
        raw = flush_pieces(w); /* before the splice and the line it owns go */
    cenv_splice_release(&splice);
    w->t->nr_pieces = w->t->nr_values = 0;
    return raw;
}

/* Bits that creating could not give, time, attributes: what is left to do on an open file. */
static int finish_file(struct cenv_cloner *c, const struct cenv_mf_file *file, int in,
                       int out)
{
    int rc = file->flags & CENV_MF_XATTR ? cenv_raw_copy_xattrs(in, out) : 0;
    if (rc == 0 &&
        ((file->mode & c->mask) || (file->mode & 07000) || !(file->mode & 0200)))
        rc = cenv_raw_chmod_fd(out, file->mode);
    if (rc == 0)
        rc = cenv_cloner_forgive_time(
            c, cenv_raw_set_mtime_fd(out, cenv_mf_new_mtime(file)));
    return rc;
}

/* The source, which must be the file that the manifest tells of. */
static int open_in_source(struct cenv_cloner *c, int from, uint32_t file,
                          struct cenv_error *err)
{
    const struct cenv_mf_file *f = &c->m->files[file];
    struct cenv_stat st;
    int fd = cenv_raw_open_file(from, cenv_mf_cstr(c->m, f->name), &st);
    if (fd < 0)
        return fail_at(c, c->src, file, fd, "cannot open", err);
    if (cenv_mf_is_same(f, &st))
        return fd;
    cenv_fd_close(fd);
    return cenv_cloner_set_changed(c, f->dir, cenv_mf_cstr(c->m, f->name), err);
}

static int write_file(struct cenv_cloner *c, struct cenv_cloner_thread *t, int in,
                      int out, const struct cenv_mf_file *file)
{
    const struct cenv_mf_reloc *reloc = &c->m->relocs[file->reloc];
    struct cenv_sites sites = cenv_mf_sites(c->m, reloc);
    struct writing w = {.c = c,
                        .t = t,
                        .in = in,
                        .out = out,
                        .hashed = reloc->hashed || c->tells,
                        .sites = &sites};
    struct cenv_cloned *cloned = &c->cloned[file->reloc];
    int rc = !w.hashed || cenv_digest_reset(t->digest) ? 0 : -EIO;
    t->from = t->to = 0;
    if (rc == 0 && reloc->head.len)
        rc = copy_head(&w, &reloc->head);
    if (rc == 0)
        rc = write_pieces(&w, file->size);
    if (rc == 0 && w.replaced != reloc->replaced)
        rc = -ENOENT; /* another file, of the same size and times */
    if (rc == 0 && w.hashed && !cenv_digest_final(t->digest, cloned->sha256))
        rc = -EIO;
    cloned->size = w.written;
    t->counts.relocated += !(file->flags & CENV_MF_DEPENDENT);
    t->counts.bytes_copied += w.written;
    return rc;
}

/* ---- sharing and copying ---- */

static bool count_fallback(struct cenv_cloner_thread *t, int rc)
{
    enum cenv_fallback why;
    switch (-rc) {
    case EXDEV:
        why = CENV_FALLBACK_XDEV;
        break;
    case EMLINK:
        why = CENV_FALLBACK_MLINK;
        break;
    case EPERM:
    case EACCES:
        why = CENV_FALLBACK_PERM;
        break;
    case EOPNOTSUPP:
    case EINVAL:
    case ENOSYS:
    case ENOTTY:
    case ETXTBSY:
        why = CENV_FALLBACK_OTHER;
        break;
    default:
        return false;
    }
    t->counts.fallbacks[why]++;
    return true;
}

/*
 * The `size` bytes of `in`. Small files whole through the window: cheaper than asking the kernel to
 * copy a range.
 */
static int copy_bytes(struct cenv_cloner *c, struct cenv_cloner_thread *t, int in,
                      int out, const struct cenv_mf_file *file, uint64_t size)
{
    t->counts.bytes_copied += size;
    if (c->mode == CENV_PLACE_REFLINK && !(file->flags & CENV_MF_DEPENDENT)) {
        int rc = size ? cenv_raw_reflink(in, out) : 0;
        if (rc == 0) {
            t->counts.bytes_copied -= size;
            t->counts.bytes_shared += size;
            return 0;
        }
        if (!count_fallback(t, rc))
            return rc;
    }
    if (size > CENV_CLONER_WINDOW)
        return cenv_raw_copy_data(in, out, size, c->task);
    int64_t n = cenv_raw_pread(in, t->window, size, 0);
    if (n != (int64_t)size)
        return n < 0 ? (int)n : -ENOENT;
    return n ? cenv_raw_write(out, t->window, (size_t)n) : 0;
}

/* Where a file is had from: the source, relocated where it has to be, or the memory, as it lies. */
enum origin { OF_SOURCE, OF_MEMORY };

/* A process that wrote to it while it was read left half of that in the clone. */
static bool is_untouched(const struct cenv_cloner *c, int in,
                         const struct cenv_mf_file *file, enum origin origin)
{
    struct cenv_stat st;
    if (cenv_raw_stat_fd(in, &st) < 0)
        return false;
    return origin == OF_MEMORY
               ? cenv_remembered_is_same(c->remembered, file->reloc, &st)
               : cenv_mf_is_same(file, &st);
}

static int fill_content(struct cenv_cloner *c, struct cenv_cloner_thread *t, int in,
                        int out, const struct cenv_mf_file *file, enum origin origin)
{
    if (origin == OF_MEMORY)
        return copy_bytes(c, t, in, out, file, c->cloned[file->reloc].size);
    return cenv_cloner_writes(c, file) ? write_file(c, t, in, out, file)
                                       : copy_bytes(c, t, in, out, file, file->size);
}

/* The content and all else of an open file; or -errno. */
static int fill_file(struct cenv_cloner *c, struct cenv_cloner_thread *t, int in,
                     int out, const struct cenv_mf_file *file, enum origin origin)
{
    int rc = fill_content(c, t, in, out, file, origin);
    if ((rc == 0 || rc == -EIO) && !is_untouched(c, in, file, origin))
        rc =
            -ENOENT; /* not the file any more that was to be copied, or cut off meanwhile */
    if (rc == 0)
        rc = finish_file(c, file, in, out);
    return rc;
}

/* A new file; or -errno, and it is not there. */
static int create_file(struct cenv_cloner *c, struct cenv_cloner_thread *t, int in,
                       int to, const struct cenv_mf_file *file, enum origin origin)
{
    const char *name = cenv_mf_cstr(c->m, file->name);
    int out = cenv_raw_create(to, name, (file->mode & 0777) | 0200);
    if (out < 0)
        return out;
    int rc = fill_file(c, t, in, out, file, origin);
    int closed = cenv_raw_close(out);
    rc = rc < 0 ? rc : closed;
    if (rc < 0)
        cenv_raw_unlink(to, name);
    return rc;
}

static int write_new(struct cenv_cloner *c, struct cenv_cloner_thread *t, int from,
                     int to, uint32_t file, struct cenv_error *err)
{
    int in = open_in_source(c, from, file, err);
    if (in < 0)
        return in;
    int raw = create_file(c, t, in, to, &c->m->files[file], OF_SOURCE);
    cenv_fd_close(in);
    return raw < 0 ? fail_at(c, c->dst, file, raw, "cannot write", err) : 0;
}

static int place_link(struct cenv_cloner *c, int to, uint32_t file,
                      struct cenv_error *err)
{
    const struct cenv_mf_file *f = &c->m->files[file];
    const char *name = cenv_mf_cstr(c->m, f->name),
               *target = cenv_mf_cstr(c->m, f->target);
    struct cenv_buf moved;
    cenv_buf_init(&moved, 1 << 20);
    if (f->skip) {
        cenv_buf_add_str(&moved, c->forms->of[CENV_ENC_UTF8]);
        cenv_buf_puts(&moved, target + f->skip);
        target = moved.data;
    }
    int raw = moved.failed ? -ENOMEM : cenv_raw_symlink(target, to, name);
    if (raw == 0)
        raw = cenv_cloner_forgive_time(c, cenv_raw_set_mtime(to, name, f->mtime_ns));
    cenv_buf_release(&moved);
    return raw < 0 ? fail_at(c, c->dst, file, raw, "cannot make the link", err) : 0;
}

/* ---- from a memory ---- */

/* What is linked is looked at after: it is the very inode, whoever writes to it meanwhile. Or
 * -errno, and nothing is there. */
static int link_remembered(struct cenv_cloner *c, struct cenv_cloner_thread *t, int dir,
                           int to, const struct cenv_mf_file *file)
{
    const char *name = cenv_mf_cstr(c->m, file->name);
    struct cenv_stat st;
    int raw = cenv_raw_link(dir, name, to, name);
    if (raw < 0)
        return raw;
    raw = cenv_raw_stat(to, name, &st);
    if (raw == 0 && cenv_remembered_is_same(c->remembered, file->reloc, &st)) {
        t->counts.bytes_shared += st.size;
        return 0;
    }
    cenv_raw_unlink(to, name);
    return raw < 0 ? raw : -ENOENT;
}

/* Or -errno, and nothing is there. */
static int copy_remembered(struct cenv_cloner *c, struct cenv_cloner_thread *t, int dir,
                           int to, const struct cenv_mf_file *file)
{
    struct cenv_stat st;
    int in = cenv_raw_open_file(dir, cenv_mf_cstr(c->m, file->name), &st);
    if (in < 0)
        return in;
    int rc = cenv_remembered_is_same(c->remembered, file->reloc, &st)
                 ? create_file(c, t, in, to, file, OF_MEMORY)
                 : -ENOENT;
    cenv_fd_close(in);
    return rc;
}

static bool is_remembered(const struct cenv_cloner *c, const struct cenv_mf_file *file)
{
    return c->remembered && cenv_cloner_remembers(c, file) &&
           cenv_remembered_get(c->remembered, file->reloc);
}

/* False: it is written as any other; all that is remembered goes if the file is not what it was. */
static bool place_remembered(struct cenv_cloner *c, struct cenv_cloner_thread *t,
                             int to, const struct cenv_mf_file *file)
{
    struct cenv_clone_counts before = t->counts;
    struct cenv_str path = cenv_mf_str(c->m, c->m->dirs[file->dir].path);
    int dir = cenv_dirs_get(&t->layer, path, 0), raw = dir;
    bool links = c->mode == CENV_PLACE_HARDLINK;
    if (dir >= 0)
        raw = links ? link_remembered(c, t, dir, to, file)
                    : copy_remembered(c, t, dir, to, file);
    if (raw == 0) {
        t->counts.relocated += !(file->flags & CENV_MF_DEPENDENT);
        t->counts.remembered++;
        return true;
    }
    t->counts = before;
    if (cenv_raw_is_absent(raw))
        atomic_store(&c->remembered->altered, true);
    else if (links)
        count_fallback(t, raw);
    return false;
}

/* ---- any file ---- */

int cenv_clone_file_place(struct cenv_cloner *c, struct cenv_cloner_thread *t, int from,
                          int to, uint32_t file, struct cenv_error *err)
{
    const struct cenv_mf_file *f = &c->m->files[file];
    const char *name = cenv_mf_cstr(c->m, f->name);
    t->counts.files++;
    if (is_remembered(c, f) && place_remembered(c, t, to, f))
        return 0;
    if (cenv_cloner_shares(c, f)) {
        int raw = cenv_raw_link(from, name, to, name);
        if (raw == 0) {
            t->counts.bytes_shared += f->type == CENV_MF_FILE ? f->size : 0;
            return 0;
        }
        if (f->type == CENV_MF_FILE && !count_fallback(t, raw))
            return fail_at(c, c->dst, file, raw, "cannot link", err);
    }
    return f->type == CENV_MF_SYMLINK ? place_link(c, to, file, err)
                                      : write_new(c, t, from, to, file, err);
}

/* A directory of the source or the clone, by path: deferred files are few. */
static int open_dir_of(const struct cenv_cloner *c, int root,
                       const struct cenv_mf_file *file, struct cenv_error *err)
{
    const char *path = cenv_mf_cstr(c->m, c->m->dirs[file->dir].path);
    return cenv_fs_open_beneath(root, path, 0, err);
}

static int link_to_peer(struct cenv_cloner *c, struct cenv_cloner_thread *t, int to,
                        uint32_t file, struct cenv_error *err)
{
    const struct cenv_mf_file *f = &c->m->files[file];
    const struct cenv_mf_file *peer = &c->m->files[f->peer];
    int from = open_dir_of(c, c->dst, peer, err);
    if (from < 0)
        return from;
    int raw = cenv_raw_link(from, cenv_mf_cstr(c->m, peer->name), to,
                            cenv_mf_cstr(c->m, f->name));
    cenv_fd_close(from);
    t->counts.files++;
    return raw < 0 ? fail_at(c, c->dst, file, raw, "cannot link", err) : 0;
}

static int place_from_source(struct cenv_cloner *c, struct cenv_cloner_thread *t,
                             int to, uint32_t file, struct cenv_error *err)
{
    int from = open_dir_of(c, c->src, &c->m->files[file], err);
    if (from < 0)
        return from;
    int rc = cenv_clone_file_place(c, t, from, to, file, err);
    cenv_fd_close(from);
    return rc;
}

int cenv_clone_file_place_deferred(struct cenv_cloner *c, struct cenv_cloner_thread *t,
                                   uint32_t file, struct cenv_error *err)
{
    const struct cenv_mf_file *f = &c->m->files[file];
    int to = open_dir_of(c, c->dst, f, err);
    if (to < 0)
        return to;
    int rc = f->peer == CENV_NONE ? place_from_source(c, t, to, file, err)
                                  : link_to_peer(c, t, to, file, err);
    cenv_fd_close(to);
    return rc;
}
