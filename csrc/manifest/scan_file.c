/* SPDX-License-Identifier: BSD-3-Clause */
/* Blocks of a file are searched first; only one that names the environment is read whole. */
#include "manifest/scan_file.h"

#include "base/alloc.h"
#include "codec/unpacker.h"
#include "os/fs.h"
#include "os/path.h"
#include "os/raw_copy.h"
#include "os/raw_data.h"
#include "relocate/format.h"

/* What may come out of a compressed file for us to go on looking. */
enum { UNPACKED_MAX = 64 << 20 };

/* Bytes read between two polls. */
enum { READ_PART = 4 << 20, PACKED_PART = 128 << 10 };

int cenv_scan_file_fail_changed(struct cenv_str path, struct cenv_error *err)
{
    return cenv_error_set(err, CENV_EPREFIX, "'%.*s' changed while it was being read",
                          CENV_STR_ARG(path));
}

int cenv_scan_file_open(const struct cenv_scan_target *what, struct cenv_error *err)
{
    struct cenv_stat st;
    int fd = cenv_fs_open_file(what->dir, what->name, &st, err);
    if (fd < 0)
        return fd;
    if (cenv_stat_same_file(&st, what->st) && st.size == what->st->size &&
        st.mtime_ns == what->st->mtime_ns)
        return fd;
    cenv_fd_close(fd);
    return cenv_scan_file_fail_changed(what->path, err);
}

static int read_open_file(const struct cenv_scan_target *what, int fd,
                          struct cenv_buf *out, struct cenv_error *err)
{
    char *to = cenv_buf_reserve(out, what->st->size);
    if (!to)
        return cenv_error_oom(err);
    uint64_t at = 0;
    for (uint64_t part; at < what->st->size; at += part) {
        part = what->st->size - at < READ_PART ? what->st->size - at : READ_PART;
        int64_t n = cenv_raw_pread(fd, to + at, part, at);
        if (n < 0)
            return cenv_fs_fail(err, (int)n, what->dir, what->name, "cannot read");
        if ((uint64_t)n != part)
            return cenv_scan_file_fail_changed(what->path, err);
        int rc = cenv_task_poll(what->task, err);
        if (rc < 0)
            return rc;
    }
    out->len += (size_t)at;
    return 0;
}

int cenv_scan_file_read(const struct cenv_scan_target *what, struct cenv_buf *out,
                        struct cenv_error *err)
{
    int fd = cenv_scan_file_open(what, err);
    if (fd < 0)
        return fd;
    int rc = read_open_file(what, fd, out, err);
    cenv_fd_close(fd);
    return rc;
}

int cenv_scan_file_hash_head(const struct cenv_scan_target *what, uint64_t len,
                             struct cenv_sha256_state *out, struct cenv_error *err)
{
    int fd = cenv_scan_file_open(what, err), rc = 0;
    if (fd < 0)
        return fd;
    struct cenv_digest *digest = cenv_digest_new(CENV_SHA256);
    if (!digest)
        rc = cenv_error_oom(err);
    for (uint64_t at = 0;
         at < len && rc == 0 && (rc = cenv_task_poll(what->task, err)) == 0;) {
        uint64_t part = len - at < CENV_SCAN_BLOCK ? len - at : CENV_SCAN_BLOCK;
        int64_t n = cenv_raw_pread(fd, what->block, part, at);
        if (n < 0)
            rc = cenv_fs_fail(err, (int)n, what->dir, what->name, "cannot read");
        else if ((uint64_t)n != part)
            rc = cenv_scan_file_fail_changed(what->path, err);
        else if (!cenv_digest_update(digest, what->block, part))
            rc = cenv_error_set(err, CENV_EFAIL, "the SHA-256 of libcrypto fails");
        at += part;
    }
    if (rc == 0)
        cenv_digest_save(digest, out);
    cenv_fd_close(fd);
    cenv_digest_free(digest);
    return rc;
}

/* Scripts of bin are among what is never shared (docs/design/clone.md 3). */
static void mark_script(const struct cenv_scan_target *what, struct cenv_str head,
                        struct cenv_scan_result *result)
{
    if (cenv_str_starts(what->path, CENV_STR("bin/")) &&
        cenv_str_starts(head, CENV_STR("#!")))
        result->flags |= CENV_MF_SENSITIVE;
}

/* Where to read next: a hole names nothing. UINT64_MAX: nothing is left. */
static uint64_t skip_hole(const struct cenv_scan_target *what, int fd, uint64_t at)
{
    return at && what->st->blocks < what->st->size ? cenv_raw_find_data(fd, at) : at;
}

/* Block by block, so that a big file without the path costs no memory: 1 when it is in there. */
static int search_file(const struct cenv_scan_target *what, int fd,
                       const struct cenv_search_names *names,
                       struct cenv_scan_result *result, struct cenv_error *err)
{
    size_t overlap = cenv_path_search_overlap(names);
    for (uint64_t at = 0; at != UINT64_MAX; at = skip_hole(what, fd, at)) {
        int64_t n = cenv_raw_pread(fd, what->block, CENV_SCAN_BLOCK, at);
        if (n < 0)
            return cenv_fs_fail(err, (int)n, what->dir, what->name, "cannot read");
        struct cenv_str block = cenv_str_n(what->block, (size_t)n);
        if (at == 0) {
            mark_script(what, block, result);
            result->packed = cenv_format_is_packed(block);
        }
        int rc = cenv_path_search_any(block, names, what->task, err);
        if (rc != 0 || n < CENV_SCAN_BLOCK)
            return rc;
        at += (uint64_t)n - overlap;
    }
    return 0;
}

static int scan_whole(const struct cenv_scan_target *what, int fd,
                      const struct cenv_search_names *names,
                      struct cenv_scan_result *result, struct cenv_error *err)
{
    struct cenv_search_file file = {.path = what->path};
    struct cenv_buf text;
    int rc = 0;
    if (what->st->size > CENV_SEARCH_MAX) {
        result->reason = "named in a file too large to be relocated";
        return 0;
    }
    cenv_buf_init(&text, (size_t)what->st->size + 1);
    if (what->st->size > CENV_SCAN_BLOCK)
        rc = read_open_file(what, fd, &text, err);
    file.data =
        what->st->size > CENV_SCAN_BLOCK
            ? cenv_buf_str(&text)
            : cenv_str_n(what->block, what->st->size); /* there from the search */
    if (rc == 0)
        rc = cenv_path_search(&result->sites, &file, names, what->task, &result->reason,
                              err);
    cenv_buf_release(&text);
    return rc;
}

/* The next `data` of what a compressed file holds, behind what must be seen again of the last. */
static int search_unpacked(const struct cenv_scan_target *what,
                           const struct cenv_search_names *names, struct cenv_str data,
                           size_t *kept, struct cenv_error *err)
{
    size_t overlap = cenv_path_search_overlap(names);
    int rc = 0;
    for (size_t part; data.len && rc == 0;
         data = cenv_str_slice(data, part, data.len)) {
        part = CENV_SCAN_BLOCK - *kept < data.len ? CENV_SCAN_BLOCK - *kept : data.len;
        memcpy(what->block + *kept, data.data, part);
        size_t all = *kept + part;
        rc = cenv_path_search_names(cenv_str_n(what->block, all), names, what->task,
                                    err);
        *kept = all < overlap ? all : overlap;
        memmove(what->block, what->block + all - *kept, *kept);
    }
    return rc;
}

/* A file that is read to be unpacked. */
struct packed_file {
    const struct cenv_scan_target *what;
    int fd;
    uint64_t at;
    char block[PACKED_PART];
};

static int read_packed(void *ctx, const void **data, size_t *len,
                       struct cenv_error *err)
{
    struct packed_file *file = ctx;
    const struct cenv_scan_target *what = file->what;
    int rc = cenv_task_poll(what->task, err);
    if (rc < 0)
        return rc;
    int64_t n = cenv_raw_pread(file->fd, file->block, sizeof(file->block), file->at);
    if (n < 0)
        return cenv_fs_fail(err, (int)n, what->dir, what->name, "cannot read");
    file->at += (uint64_t)n;
    *data = file->block;
    *len = (size_t)n;
    return 0;
}

/* 1 when what comes out of a compressed file is named in it. */
static int search_packed(const struct cenv_scan_target *what, struct cenv_input in,
                         const struct cenv_search_names *names, struct cenv_error *err)
{
    size_t kept = 0, len = 1;
    int rc = 0;
    while (rc == 0 && len) {
        const void *data;
        rc = in.read(in.ctx, &data, &len, err);
        if (rc == 0)
            rc = search_unpacked(what, names, cenv_str_n(data, len), &kept, err);
    }
    return rc;
}

/* What a compressed file names; a damaged one names what comes before the damage. */
static int scan_packed(const struct cenv_scan_target *what, int fd,
                       const struct cenv_search_names *names,
                       struct cenv_scan_result *result, struct cenv_error *err)
{
    struct packed_file *file = cenv_malloc(sizeof(*file));
    struct cenv_unpacker *unpacker = NULL;
    if (!file)
        return cenv_error_oom(err);
    file->what = what;
    file->fd = fd;
    file->at = 0;
    struct cenv_input in = {.read = read_packed, .ctx = file};
    int rc = cenv_unpacker_new(&unpacker, in, UNPACKED_MAX, err);
    if (rc == 0)
        rc = search_packed(what, cenv_input_unpacker(unpacker), names, err);
    if (rc > 0)
        result->reason = "named within a compressed file";
    else if (rc == 0 && cenv_unpacker_full(unpacker))
        result->reason = "a compressed file too large to look into";
    cenv_unpacker_free(unpacker);
    cenv_free(file);
    return rc < 0 ? rc : 0;
}

/* x.pyc without x.py beside it: imported as it is, and taken for so where that cannot be seen. What
 * lies in __pycache__ has its source. */
static bool is_sourceless(const struct cenv_scan_target *what)
{
    struct cenv_str dir = cenv_path_base(cenv_path_parent(what->path));
    char *source = cenv_strdup(what->name);
    struct cenv_stat st;
    bool has = true;
    if (source) {
        source[strlen(source) - 1] = '\0';
        has = cenv_str_is(dir, "__pycache__") ||
              cenv_raw_stat(what->dir, source, &st) == 0;
    }
    cenv_free(source);
    return !has;
}

/* Nothing to look for: an empty file, or bytecode, which Python makes anew of a changed source. */
static bool says_nothing(const struct cenv_scan_target *what)
{
    return what->st->size == 0 ||
           (cenv_str_ends(what->path, CENV_STR(".pyc")) && !is_sourceless(what));
}

int cenv_scan_file_mentions(const struct cenv_scan_target *what,
                            const struct cenv_search_names *names,
                            struct cenv_scan_result *result, struct cenv_error *err)
{
    if (says_nothing(what))
        return 0;
    int fd = cenv_scan_file_open(what, err);
    if (fd < 0)
        return fd;
    int rc = search_file(what, fd, names, result, err);
    cenv_fd_close(fd);
    return rc;
}

int cenv_scan_file(const struct cenv_scan_target *what,
                   const struct cenv_search_names *names,
                   struct cenv_scan_result *result, struct cenv_error *err)
{
    if (says_nothing(what))
        return 0;
    int fd = cenv_scan_file_open(what, err);
    if (fd < 0)
        return fd;
    int rc = search_file(what, fd, names, result, err);
    if (rc > 0 && cenv_str_ends(what->path, CENV_STR(".pyc"))) {
        result->reason = "bytecode without its source";
        rc = 0;
    } else if (rc > 0) {
        rc = scan_whole(what, fd, names, result, err);
    } else if (rc == 0 && result->packed) {
        rc = scan_packed(what, fd, names, result, err);
    }
    cenv_fd_close(fd);
    return rc;
}

int cenv_scan_file_peek_script(const struct cenv_scan_target *what,
                               struct cenv_scan_result *result, struct cenv_error *err)
{
    char head[2];
    if (!cenv_str_starts(what->path, CENV_STR("bin/")) || what->st->size < sizeof(head))
        return 0;
    int fd = cenv_scan_file_open(what, err);
    if (fd < 0)
        return fd;
    if (cenv_raw_pread(fd, head, sizeof(head), 0) == sizeof(head))
        mark_script(what, cenv_str_n(head, sizeof(head)), result);
    cenv_fd_close(fd);
    return 0;
}
