/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Opening one repodata file, and its binary index in the cache.
 *
 * Beside index-KEY, which the tables are mapped from, lies text-KEY where the source is
 * compressed, and names-KEY once there was a solve (parsed_cache.c). An index counts only for the
 * very source (device, inode, size, times) and the very text it was made from. It is published
 * after its text and neither is synced, so after a power cut the text may be holes: an index from
 * an earlier boot is believed only when the text's sum is right.
 */
#include "repodata/index_file.h"

#include <stdio.h>

#include "base/alloc.h"
#include "base/checksum.h"
#include "codec/limits.h"
#include "codec/stream.h"
#include "codec/zstd.h"
#include "os/fs.h"
#include "os/owner.h"
#include "os/raw_data.h"
#include "repodata/index_text.h"
#include "repodata/repodata_scan.h"

static const size_t PACKED_MAX = (size_t)2 << 30; /* of a binary index */

/* Words of the stamp. */
enum { SOURCE = 0, TEXT = 5, BOOT = 10, SUM = 11 };

/* What the cache has, or will have, of one source. */
struct slot {
    int dir; /* -1: no cache */
    char index[CENV_INDEX_KEY_MAX], text[CENV_INDEX_KEY_MAX], names[CENV_INDEX_KEY_MAX];
    struct cenv_repodata_stamp stamp; /* what is known of the source */
    bool compressed;
};

static bool is_zstd(struct cenv_str text)
{
    return cenv_str_starts(text, CENV_STR(CENV_ZSTD_MAGIC));
}

/* Smaller files are scanned as fast as an index is opened. */
static size_t least_len(struct cenv_str text)
{
    return is_zstd(text) ? 128 << 10 : 1 << 20;
}

static void stamp_file(struct cenv_repodata_stamp *stamp, size_t at,
                       const struct cenv_stat *st)
{
    stamp->words[at] = st->dev;
    stamp->words[at + 1] = st->ino;
    stamp->words[at + 2] = st->size;
    stamp->words[at + 3] = (uint64_t)st->mtime_ns;
    /* a rename, which publishes the text, changes its ctime */
    stamp->words[at + 4] = at == SOURCE ? (uint64_t)st->ctime_ns : 0;
}

static uint64_t this_boot(void)
{
    struct cenv_owner self;

    cenv_owner_self(&self);
    return cenv_checksum64(cenv_str(self.boot_id));
}

static void slot_open(struct slot *slot, const char *cache_dir, const char *path,
                      const struct cenv_stat *st, bool compressed)
{
    struct cenv_error ignored = CENV_ERROR_INIT;
    unsigned long long key =
        cenv_checksum64(cenv_str(path)); /* equal ones only take turns */

    *slot = (struct slot){.dir = -1, .compressed = compressed};
    stamp_file(&slot->stamp, SOURCE, st);
    if (!cache_dir)
        return;
    snprintf(slot->index, sizeof(slot->index), "index-%016llx", key);
    snprintf(slot->text, sizeof(slot->text), "text-%016llx", key);
    snprintf(slot->names, sizeof(slot->names), "names-%016llx", key);
    slot->dir = cenv_fs_open_root(cache_dir, &ignored);
    cenv_error_release(&ignored);
}

static void slot_close(struct slot *slot)
{
    if (slot->dir >= 0)
        cenv_fd_close(slot->dir);
}

/* ---- reading the cache ---- */

/* Opens the text: of a compressed source the cached one, which is stamped. -1: it is not
 * there. */
static int open_text(struct slot *slot, const char *path, struct cenv_stat *st)
{
    struct cenv_error ignored = CENV_ERROR_INIT;
    int fd;

    if (slot->compressed) {
        fd = cenv_raw_open_file(slot->dir, slot->text, st);
        if (fd >= 0)
            stamp_file(&slot->stamp, TEXT, st);
    } else {
        fd = cenv_fs_open_named(path, st, &ignored);
        cenv_error_release(&ignored);
    }
    return fd < 0 ? -1 : fd;
}

static bool map_file(int dir, const char *name, struct cenv_mapping *out)
{
    struct cenv_stat st;
    int fd = cenv_raw_open_file(dir, name, &st);
    bool done = fd >= 0 && cenv_raw_map_fd(fd, out) == 0;

    cenv_fd_close(fd);
    return done;
}

static bool has_sum(int fd, uint64_t sum)
{
    struct cenv_mapping text;
    bool same;

    if (cenv_raw_map_fd(fd, &text) < 0)
        return false;
    same = cenv_index_text_sum(cenv_str_n(text.data, text.len)) == sum;
    cenv_mapping_release(&text);
    return same;
}

/* Takes over what only the stored stamp knows: which boot made the index, and the sum of the
 * text, which is compared when that was another boot. */
static bool is_text_whole(struct slot *slot, const struct cenv_mapping *packed, int fd)
{
    struct cenv_repodata_stamp stored;

    if (!cenv_binary_index_stamp(cenv_str_n(packed->data, packed->len), &stored))
        return false;
    slot->stamp.words[BOOT] = stored.words[BOOT];
    slot->stamp.words[SUM] = stored.words[SUM];
    return !slot->compressed || stored.words[BOOT] == this_boot() ||
           has_sum(fd, stored.words[SUM]);
}

static bool read_text(void *ctx, uint64_t at, char *out, size_t len)
{
    const struct cenv_index_file *file = ctx;

    return cenv_raw_pread(file->fd, out, len, at) == (int64_t)len;
}

/* 0: file->repodata is made; 1: not, and file->why says why; negative: an error. */
static int load_cached(struct cenv_index_file *file, struct slot *slot,
                       const struct cenv_repodata_source *source,
                       struct cenv_error *err)
{
    struct cenv_stat st;
    int rc = 1;

    file->why = "no binary index yet";
    file->fd = open_text(slot, source->file.data, &st);
    if (file->fd < 0 || !map_file(slot->dir, slot->index, &file->packed))
        return 1;
    file->why = "the repodata or its index has changed";
    if (is_text_whole(slot, &file->packed, file->fd)) {
        struct cenv_repodata_bytes bytes = {read_text, file, st.size};
        rc = cenv_binary_index_unpack(&file->repodata, &bytes,
                                      cenv_str_n(file->packed.data, file->packed.len),
                                      &slot->stamp, source, err);
    }
    if (rc == 0) {
        file->hit = true;
        file->why = NULL;
        cenv_mapping_release(&file->text);
    }
    return rc;
}

/* Closes what was opened in vain. */
static void drop_cached(struct cenv_index_file *file)
{
    cenv_mapping_release(&file->packed);
    cenv_fd_close(file->fd);
    file->fd = -1;
}

/* ---- writing the cache: whatever fails, the scan's result stands ---- */

/* Makes a new file under a scratch name, looks at it for the stamp, and renames it to `name`. */
static bool publish_file(int dir, const char *name, struct cenv_str data,
                         struct cenv_stat *st)
{
    char *scratch = cenv_fs_unique_name(name);
    int fd = scratch ? cenv_raw_create(dir, scratch, 0644) : -1, rc = fd;

    if (fd >= 0) {
        rc = cenv_raw_write(fd, data.data, data.len);
        if (rc >= 0)
            rc = cenv_raw_stat_fd(fd, st);
        cenv_fd_close(fd);
        if (rc >= 0)
            rc = cenv_raw_rename(dir, scratch, dir, name);
        if (rc < 0)
            cenv_raw_unlink(dir, scratch);
    }
    cenv_free(scratch);
    return rc >= 0;
}

/* Puts the binary index into the cache, and the text of a compressed source before it. False:
 * that cannot be. */
static bool save_cached(struct cenv_index_file *file, struct slot *slot,
                        struct cenv_index_text *text)
{
    struct cenv_error ignored = CENV_ERROR_INIT;
    struct cenv_stat st;
    struct cenv_buf packed;
    bool done = true;

    cenv_buf_init(&packed, PACKED_MAX);
    slot->stamp.words[BOOT] = this_boot();
    if (slot->compressed) {
        slot->stamp.words[SUM] = text->sum;
        done = cenv_index_text_publish(text, slot->text, &st);
        if (done)
            stamp_file(&slot->stamp, TEXT, &st);
    }
    done =
        done &&
        cenv_binary_index_pack(file->repodata, &slot->stamp, &packed, &ignored) == 0 &&
        publish_file(slot->dir, slot->index, cenv_buf_str(&packed), &st);
    cenv_buf_release(&packed);
    cenv_error_release(&ignored);
    return done;
}

/* The slot has a binary index: the file takes over its directory. */
static void keep_slot(struct cenv_index_file *file, struct slot *slot)
{
    file->dir = slot->dir;
    file->stamp = slot->stamp;
    memcpy(file->names, slot->names, sizeof(file->names));
    slot->dir = -1;
}

bool cenv_index_file_map_names(const struct cenv_index_file *file,
                               struct cenv_mapping *out)
{
    return map_file(file->dir, file->names, out);
}

bool cenv_index_file_save_names(const struct cenv_index_file *file,
                                struct cenv_str data)
{
    struct cenv_stat st;

    return publish_file(file->dir, file->names, data, &st);
}

/* ---- opening ---- */

static int poll_task(void *task, const char *at, size_t len, struct cenv_error *err)
{
    (void)at, (void)len;
    return cenv_task_poll(task, err);
}

static int forget_bytes(void *task, const char *at, size_t len, struct cenv_error *err)
{
    cenv_raw_forget(at, len);
    return poll_task(task, at, len, err);
}

/* Unpacks into memory, when there is no cache. */
static int unpack_to_memory(struct cenv_index_file *file, struct cenv_str *text,
                            struct cenv_error *err)
{
    cenv_buf_init(&file->unpacked, (size_t)cenv_limits_repodata(text->len));
    int rc = cenv_decode(CENV_CODEC_ZSTD, *text, &file->unpacked, err);
    if (rc == 0) {
        *text = cenv_buf_str(&file->unpacked);
        cenv_mapping_release(&file->text);
    }
    return rc;
}

/* Unpacks into the cache, and takes the text from there. 1: that cannot be. */
static int unpack_to_cache(struct cenv_index_file *file, const struct slot *slot,
                           struct cenv_index_text *kept, struct cenv_str *text,
                           struct cenv_task *task, struct cenv_error *err)
{
    struct cenv_mapping map;
    size_t most = (size_t)cenv_limits_repodata(text->len);
    int rc = cenv_index_text_unpack(kept, slot->dir, slot->text, *text, most, &map,
                                    task, err);
    if (rc == 0) {
        cenv_mapping_release(&file->text);
        file->text = map;
        *text = cenv_str_n(map.data, map.len);
    }
    return rc;
}

static int unpack_text(struct cenv_index_file *file, const struct slot *slot,
                       struct cenv_index_text *kept, struct cenv_str *text,
                       const struct cenv_repodata_source *source,
                       struct cenv_task *task, struct cenv_error *err)
{
    int rc = slot->dir < 0 ? 1 : unpack_to_cache(file, slot, kept, text, task, err);
    if (rc == 1)
        rc = unpack_to_memory(file, text, err);
    if (rc != CENV_EINTEGRITY)
        return rc;
    cenv_error_prefix(err, "%.*s", CENV_STR_ARG(source->file));
    return cenv_error_hint(err, "the file is damaged or incomplete: fetch it again");
}

static int scan_text(struct cenv_index_file *file, struct cenv_str text,
                     const struct cenv_repodata_source *source, struct cenv_task *task,
                     struct cenv_error *err)
{
    struct cenv_repodata_source of = *source;
    of.passed =
        file->text.len ? forget_bytes : poll_task; /* never forget other memory */
    of.ctx = task;
    return cenv_repodata_scan(&file->repodata, text, &of, err);
}

/* Scans the source itself, and keeps in the slot what is worth it. */
static int open_uncached(struct cenv_index_file *file, struct slot *slot,
                         struct cenv_str text,
                         const struct cenv_repodata_source *source,
                         struct cenv_task *task, struct cenv_error *err)
{
    struct cenv_index_text kept = CENV_INDEX_TEXT_INIT;
    bool compressed = is_zstd(text);
    int rc = compressed ? unpack_text(file, slot, &kept, &text, source, task, err) : 0;

    if (rc == 0)
        rc = scan_text(file, text, source, task, err);
    if (rc == 0 && slot->dir >= 0 && save_cached(file, slot, &kept))
        keep_slot(file, slot);
    cenv_index_text_release(&kept);
    return rc;
}

static int open_path(struct cenv_index_file *file, const char *path,
                     const char *cache_dir, const struct cenv_repodata_source *source,
                     struct cenv_task *task, struct cenv_error *err)
{
    struct cenv_stat st;
    struct slot slot;
    struct cenv_str text;
    int fd = cenv_fs_open_named(path, &st, err);

    if (fd < 0)
        return fd;
    int failed = cenv_raw_map_fd(fd, &file->text);
    cenv_fd_close(fd);
    if (failed < 0)
        return cenv_error_os(err, -failed, path, "cannot map");
    text = cenv_str_n(file->text.data, file->text.len);
    slot_open(&slot, text.len >= least_len(text) ? cache_dir : NULL, path, &st,
              is_zstd(text));
    int rc = slot.dir >= 0 ? load_cached(file, &slot, source, err) : 1;
    if (rc == 0) {
        keep_slot(file, &slot);
    } else if (rc == 1) {
        drop_cached(file);
        rc = open_uncached(file, &slot, text, source, task, err);
    }
    slot_close(&slot);
    return rc;
}

/* The directory of a URL's file. */
static struct cenv_str dirname_of(const char *url)
{
    struct cenv_str text = cenv_str(url);

    return text.len ? cenv_str_slice(text, 0, cenv_str_rfind(text, '/')) : CENV_STR("");
}

int cenv_index_file_open(struct cenv_index_file *file,
                         const struct cenv_index_source *given, uint32_t channel_rank,
                         const char *cache_dir, struct cenv_task *task,
                         struct cenv_error *err)
{
    struct cenv_repodata_source source = {
        .file = cenv_str(given->path ? given->path : "repodata"),
        .subdir = cenv_str(given->subdir),
        .channel = cenv_str(given->channel),
        .channel_url = cenv_str(given->channel_url),
        .url = dirname_of(given->repodata_url),
        .channel_rank = channel_rank,
        .only_tar_bz2 = given->only_tar_bz2,
    };
    struct cenv_str text = cenv_str_n(given->data, given->len);
    struct slot none = {.dir = -1};
    const char *cache = given->only_tar_bz2 ? NULL : cache_dir; /* it has the others */
    int rc = given->data ? open_uncached(file, &none, text, &source, task, err)
                         : open_path(file, given->path, cache, &source, task, err);

    if (rc < 0)
        cenv_index_file_release(file);
    return rc;
}

void cenv_index_file_release(struct cenv_index_file *file)
{
    cenv_repodata_free(file->repodata);
    cenv_mapping_release(&file->text);
    cenv_mapping_release(&file->packed);
    cenv_buf_release(&file->unpacked);
    cenv_fd_close(file->fd);
    cenv_fd_close(file->dir);
    *file = (struct cenv_index_file)CENV_INDEX_FILE_INIT;
}
