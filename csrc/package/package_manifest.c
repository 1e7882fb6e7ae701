/* SPDX-License-Identifier: BSD-3-Clause */
/* The file is checked whole before any of it is used. */
#include "package/package_manifest.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "os/fs.h"
#include "os/fs_beneath.h"
#include "os/fs_data.h"
#include "os/path.h"

/*
 * The file: header, entries, strings (each with a NUL), and the SHA-256 of all that. In the byte
 * order of the machine: another one does not know the magic, and extracts again.
 */
static const uint64_t MAGIC = 0x31676b70766e6563; /* "cenvpkg1" */
enum { FILE_MAX = 1 << 30 };

struct file_header {
    uint64_t magic;
    uint32_t nr;
    uint32_t strings; /* bytes */
};

struct file_entry {
    uint64_t size;
    int64_t mtime_ns;
    uint32_t path, path_len; /* offsets into the strings */
    uint32_t link, link_len;
    uint32_t type, mode;
    unsigned char sha256[CENV_SHA256_LEN];
};

void cenv_package_manifest_init(struct cenv_package_manifest *manifest)
{
    *manifest = (struct cenv_package_manifest){.arena = CENV_ARENA_INIT};
}

void cenv_package_manifest_release(struct cenv_package_manifest *manifest)
{
    cenv_free(manifest->entries);
    cenv_arena_release(&manifest->arena);
    cenv_package_manifest_init(manifest);
}

bool cenv_package_manifest_add(struct cenv_package_manifest *manifest,
                               const struct cenv_package_file *entry)
{
    struct cenv_package_file own = *entry;
    void *block = manifest->entries;
    if (!cenv_grow(&block, &manifest->alloc, manifest->nr, sizeof(own)))
        return false;
    manifest->entries = block;
    own.path = cenv_arena_str(&manifest->arena, entry->path);
    own.link = cenv_arena_str(&manifest->arena, entry->link);
    if (!own.path.data || !own.link.data)
        return false;
    manifest->entries[manifest->nr++] = own;
    return true;
}

static int compare_paths(const void *a, const void *b)
{
    const struct cenv_package_file *left = a, *right = b;
    return cenv_str_cmp(left->path, right->path);
}

static uint32_t add_string(struct cenv_buf *strings, struct cenv_str text)
{
    uint32_t at = (uint32_t)strings->len;
    cenv_buf_add_str(strings, text);
    cenv_buf_putc(strings, '\0');
    return at;
}

static void add_entry(struct cenv_buf *out, struct cenv_buf *strings,
                      const struct cenv_package_file *entry)
{
    struct file_entry raw = {
        .size = entry->size,
        .mtime_ns = entry->mtime_ns,
        .path = add_string(strings, entry->path),
        .path_len = (uint32_t)entry->path.len,
        .link = add_string(strings, entry->link),
        .link_len = (uint32_t)entry->link.len,
        .type = (uint32_t)entry->type,
        .mode = entry->mode,
    };
    memcpy(raw.sha256, entry->sha256, sizeof(raw.sha256));
    cenv_buf_add(out, &raw, sizeof(raw));
}

static bool add_checksum(struct cenv_buf *out)
{
    unsigned char raw[CENV_SHA256_LEN];
    struct cenv_digest *digest = cenv_digest_new(CENV_SHA256);
    bool done = digest && cenv_digest_update(digest, out->data, out->len) &&
                cenv_digest_final(digest, raw);
    cenv_digest_free(digest);
    return done && cenv_buf_add(out, raw, sizeof(raw));
}

static bool serialise_manifest(const struct cenv_package_manifest *manifest,
                               struct cenv_buf *out)
{
    struct cenv_buf strings;
    struct file_header header = {MAGIC, (uint32_t)manifest->nr, 0};
    cenv_buf_init(&strings, FILE_MAX);
    cenv_buf_add(out, &header, sizeof(header));
    for (size_t i = 0; i < manifest->nr; i++)
        add_entry(out, &strings, &manifest->entries[i]);
    cenv_buf_add_str(out, cenv_buf_str(&strings));
    bool done = !out->failed && !strings.failed;
    if (done) {
        header.strings = (uint32_t)strings.len;
        memcpy(out->data, &header, sizeof(header));
        done = add_checksum(out);
    }
    cenv_buf_release(&strings);
    return done;
}

int cenv_package_manifest_write(struct cenv_package_manifest *manifest, int dirfd,
                                const char *name, struct cenv_error *err)
{
    struct cenv_buf out;
    cenv_buf_init(&out, FILE_MAX);
    if (manifest->nr > 1)
        qsort(manifest->entries, manifest->nr, sizeof(*manifest->entries),
              compare_paths);
    int rc = serialise_manifest(manifest, &out) ? 0 : cenv_error_oom(err);
    if (rc == 0)
        rc = cenv_fs_write_new(dirfd, name, cenv_buf_str(&out), 0644, err);
    cenv_buf_release(&out);
    return rc;
}

/* A file of ours that is not as we wrote it. */
static int fail_damaged(const char *name, struct cenv_error *err)
{
    return cenv_error_set(err, CENV_EINTEGRITY, "the manifest '%s' is damaged", name);
}

static bool checksum_fits(struct cenv_str file)
{
    unsigned char raw[CENV_SHA256_LEN];
    size_t len = file.len - sizeof(raw);
    struct cenv_digest *digest = cenv_digest_new(CENV_SHA256);
    bool fits = digest && cenv_digest_update(digest, file.data, len) &&
                cenv_digest_final(digest, raw) &&
                memcmp(raw, file.data + len, sizeof(raw)) == 0;
    cenv_digest_free(digest);
    return fits;
}

static bool header_fits(struct cenv_str file, struct file_header *header)
{
    if (file.len < sizeof(*header) + CENV_SHA256_LEN)
        return false;
    memcpy(header, file.data, sizeof(*header));
    uint64_t want = sizeof(*header) + (uint64_t)header->nr * sizeof(struct file_entry) +
                    header->strings + CENV_SHA256_LEN;
    return header->magic == MAGIC && want == file.len && checksum_fits(file);
}

/* strings[at, at + len) with a NUL behind; empty data when that is not there. */
static struct cenv_str string_at(struct cenv_str strings, uint32_t at, uint32_t len)
{
    if (at >= strings.len || len >= strings.len - at || strings.data[at + len] != '\0')
        return (struct cenv_str){NULL, 0};
    return cenv_str_n(strings.data + at, len);
}

static bool read_entry(const char *at, struct cenv_str strings,
                       struct cenv_package_file *out)
{
    struct file_entry raw;
    memcpy(&raw, at, sizeof(raw));
    *out = (struct cenv_package_file){
        .path = string_at(strings, raw.path, raw.path_len),
        .link = string_at(strings, raw.link, raw.link_len),
        .type = raw.type,
        .mode = raw.mode,
        .size = raw.size,
        .mtime_ns = raw.mtime_ns,
    };
    memcpy(out->sha256, raw.sha256, sizeof(raw.sha256));
    return out->link.data && out->path.data && raw.type <= CENV_FT_SYMLINK &&
           !cenv_path_refused(out->path);
}

/* `file` lives in the manifest's arena. */
static bool read_entries(struct cenv_package_manifest *manifest, struct cenv_str file)
{
    struct file_header header;
    if (!header_fits(file, &header))
        return false;
    const char *at = file.data + sizeof(header);
    struct cenv_str strings =
        cenv_str_n(at + header.nr * sizeof(struct file_entry), header.strings);
    for (; manifest->nr < header.nr; manifest->nr++, at += sizeof(struct file_entry))
        if (!read_entry(at, strings, &manifest->entries[manifest->nr]))
            return false;
    return true;
}

/* Entries are fewer than file size / entry size: the file itself bounds what is allocated. */
static int load_file(struct cenv_package_manifest *manifest, int fd, uint64_t size,
                     const char *name, struct cenv_error *err)
{
    if (size > FILE_MAX)
        return fail_damaged(name, err);
    char *data = cenv_arena_alloc(&manifest->arena, (size_t)size);
    manifest->alloc = (size_t)size / sizeof(struct file_entry) + 1;
    manifest->entries = cenv_calloc(manifest->alloc, sizeof(*manifest->entries));
    if (!data || !manifest->entries)
        return cenv_error_oom(err);
    int64_t n = cenv_raw_pread(fd, data, (size_t)size, 0);
    if (n < 0)
        return cenv_fs_fail(err, (int)n, CENV_CWD, name, "cannot read");
    if (!read_entries(manifest, cenv_str_n(data, (size_t)n)))
        return fail_damaged(name, err);
    return 0;
}

int cenv_package_manifest_read(struct cenv_package_manifest *out, int dirfd,
                               const char *name, struct cenv_error *err)
{
    struct cenv_stat st;
    struct cenv_package_manifest got;
    int fd = cenv_fs_open_file(dirfd, name, &st, err);
    if (fd < 0)
        return fd;
    cenv_package_manifest_init(&got);
    int rc = load_file(&got, fd, st.size, name, err);
    cenv_fd_close(fd);
    if (rc < 0)
        cenv_package_manifest_release(&got);
    else
        *out = got;
    return rc;
}

const struct cenv_package_file *
cenv_package_manifest_find(const struct cenv_package_manifest *manifest,
                           struct cenv_str path)
{
    struct cenv_package_file key = {.path = path};
    return manifest->nr ? bsearch(&key, manifest->entries, manifest->nr, sizeof(key),
                                  compare_paths)
                        : NULL;
}

/* The mtime of links is nobody's business: not every file system can set it. */
static bool is_same_file(const struct cenv_package_file *entry,
                         const struct cenv_stat *st)
{
    if (st->type != entry->type)
        return false;
    if (entry->type == CENV_FT_FILE)
        return st->size == entry->size && st->mtime_ns == entry->mtime_ns &&
               st->mode == entry->mode;
    return entry->type != CENV_FT_SYMLINK || st->size == entry->link.len;
}

int cenv_package_manifest_check(const struct cenv_package_manifest *manifest,
                                int content_fd, struct cenv_buf *which,
                                struct cenv_task *task, struct cenv_error *err)
{
    struct cenv_dirs dirs;
    int rc = 0;
    cenv_dirs_init(&dirs, content_fd);
    for (size_t i = 0; i < manifest->nr && rc == 0; i++) {
        const struct cenv_package_file *entry = &manifest->entries[i];
        struct cenv_stat st;
        struct cenv_str name;
        int fd = cenv_dirs_parent(&dirs, entry->path, 0, &name);
        int raw = fd < 0 ? fd : cenv_raw_stat(fd, name.data, &st);
        if (raw < 0 && !cenv_raw_is_absent(raw)) {
            rc = cenv_fs_fail(err, raw, content_fd, entry->path.data, "cannot look at");
        } else if (raw < 0 || !is_same_file(entry, &st)) {
            cenv_buf_add_str(which, entry->path);
            rc = 1;
        } else if (i % 256 == 0) {
            rc = cenv_task_poll(task, err);
        }
    }
    cenv_dirs_release(&dirs);
    return rc;
}

uint64_t cenv_package_manifest_bytes(const struct cenv_package_manifest *manifest)
{
    uint64_t total = 0;
    for (size_t i = 0; i < manifest->nr; i++)
        total += manifest->entries[i].size;
    return total;
}
