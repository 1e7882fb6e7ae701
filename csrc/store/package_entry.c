/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Extracted packages as entries of the store: found by the hash of their archive, checked,
 * published.
 */
#include "store/package_entry.h"

#include <errno.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/digest.h"
#include "base/hex.h"
#include "codec/json.h"
#include "os/fs.h"
#include "os/fs_beneath.h"
#include "os/fs_data.h"
#include "package/package_manifest.h"
#include "store/publish.h"
#include "store/record_shape.h"

enum {
    ENTRY_NAME = 3 + CENV_DIGEST_HEX_MAX,
    REASON_MAX = 64 << 10,
    RECORD_MAX = 1 << 20, /* of an entry that nobody downloaded */
};

/* "<aa>/<sha256>"; false unless it is 64 lower-case hex digits: it becomes a path. */
static bool set_entry_name(struct cenv_str sha256, char *name)
{
    unsigned char raw[CENV_SHA256_LEN];
    char hex[CENV_DIGEST_HEX_MAX];
    if (!cenv_unhex(sha256, raw, sizeof(raw)))
        return false;
    cenv_hex(raw, sizeof(raw), hex);
    snprintf(name, ENTRY_NAME, "%.2s/%s", hex, hex);
    return true;
}

static int refuse_hash(struct cenv_str sha256, struct cenv_error *err)
{
    return cenv_error_set(err, CENV_EINTEGRITY, "'%.*s' is no SHA-256",
                          CENV_STR_ARG(cenv_str_slice(sha256, 0, 80)));
}

static int open_entry(const struct cenv_store *store, const char *name)
{
    return cenv_raw_open_beneath(store->dirs[CENV_STORE_PKGS], cenv_str(name), 0);
}

static int check_content(const struct cenv_package_manifest *manifest, int entry,
                         struct cenv_buf *which, struct cenv_task *task,
                         struct cenv_error *err)
{
    int content = cenv_raw_open_dir(entry, CENV_PKG_CONTENT);
    if (content < 0) {
        cenv_buf_puts(which, CENV_PKG_CONTENT);
        return 1;
    }
    int rc = cenv_package_manifest_check(manifest, content, which, task, err);
    cenv_fd_close(content);
    return rc;
}

/* 0 as published, 1 not (the reason in `why`), or a status. */
static int check_entry(int entry, struct cenv_buf *why, struct cenv_task *task,
                       struct cenv_error *err)
{
    struct cenv_package_manifest manifest;
    struct cenv_error bad = CENV_ERROR_INIT;
    int rc = cenv_package_manifest_read(&manifest, entry, CENV_PKG_MANIFEST, &bad);
    if (rc == CENV_ENOMEM)
        return cenv_error_move(err, &bad);
    if (rc < 0) {
        cenv_buf_puts(why, "its manifest is missing or damaged");
        cenv_error_release(&bad);
        return 1;
    }
    cenv_buf_puts(why, "altered: ");
    rc = check_content(&manifest, entry, why, task, err);
    cenv_package_manifest_release(&manifest);
    return rc;
}

int cenv_package_entry_add_path(const struct cenv_store *store, struct cenv_str sha256,
                                struct cenv_buf *path, struct cenv_error *err)
{
    char name[ENTRY_NAME];
    if (!set_entry_name(sha256, name))
        return refuse_hash(sha256, err);
    if (!cenv_layout_add_path(store, CENV_STORE_PKGS, name, CENV_PKG_CONTENT, path))
        return cenv_error_oom(err);
    return 0;
}

/* As cenv_package_entry_find, of an entry that is there. */
static int check_and_touch(int entry, struct cenv_buf *why, struct cenv_task *task,
                           struct cenv_error *err)
{
    struct cenv_buf reason;
    cenv_buf_init(&reason, REASON_MAX);
    int rc = check_entry(entry, &reason, task, err);
    if (rc == 1 && why)
        cenv_buf_add_str(why, cenv_buf_str(&reason));
    if (rc == 0)
        cenv_layout_touch(entry, CENV_PKG_RECORD);
    cenv_buf_release(&reason);
    return rc;
}

int cenv_package_entry_find(const struct cenv_store *store, struct cenv_str sha256,
                            struct cenv_buf *path, struct cenv_buf *why,
                            struct cenv_task *task, struct cenv_error *err)
{
    char name[ENTRY_NAME];
    if (!set_entry_name(sha256, name))
        return refuse_hash(sha256, err);
    int entry = open_entry(store, name);
    if (entry == -ENOENT && why)
        cenv_buf_puts(why, "not there");
    if (entry == -ENOENT)
        return 1;
    if (entry < 0)
        return cenv_fs_fail(err, entry, store->dirs[CENV_STORE_PKGS], name,
                            "cannot open");
    int rc = check_and_touch(entry, why, task, err);
    if (rc == 0 && path)
        rc = cenv_package_entry_add_path(store, sha256, path, err);
    cenv_fd_close(entry);
    return rc;
}

/* By names: environments of a hundred layers ask for each of them. */
bool cenv_package_entry_use(const struct cenv_store *store, struct cenv_str sha256)
{
    char name[ENTRY_NAME], path[ENTRY_NAME + 16];
    int pkgs = store->dirs[CENV_STORE_PKGS];
    if (!set_entry_name(sha256, name))
        return false;
    snprintf(path, sizeof(path), "%s/" CENV_PKG_CONTENT, name);
    if (cenv_raw_is_dir(pkgs, path) != 1)
        return false;
    snprintf(path, sizeof(path), "%s/" CENV_PKG_RECORD, name);
    cenv_layout_touch(pkgs, path);
    return true;
}

int cenv_package_entry_open(const struct cenv_store *store, struct cenv_str sha256,
                            struct cenv_error *err)
{
    char name[ENTRY_NAME];
    if (!set_entry_name(sha256, name))
        return refuse_hash(sha256, err);
    int entry = open_entry(store, name);
    int content = entry < 0 ? entry : cenv_raw_open_dir(entry, CENV_PKG_CONTENT);
    if (content < 0)
        cenv_fs_fail(err, content, store->dirs[CENV_STORE_PKGS], name, "cannot open");
    cenv_fd_close(entry);
    return content < 0 ? err->status : content;
}

int cenv_package_entry_read_manifest(const struct cenv_store *store,
                                     struct cenv_str sha256,
                                     struct cenv_package_manifest *out,
                                     struct cenv_error *err)
{
    char name[ENTRY_NAME];
    if (!set_entry_name(sha256, name))
        return refuse_hash(sha256, err);
    int entry = open_entry(store, name);
    if (entry < 0)
        return cenv_fs_fail(err, entry, store->dirs[CENV_STORE_PKGS], name,
                            "cannot open");
    int rc = cenv_package_manifest_read(out, entry, CENV_PKG_MANIFEST, err);
    cenv_fd_close(entry);
    return rc;
}

int cenv_package_entry_read(const struct cenv_store *store, struct cenv_str sha256,
                            const char *name, struct cenv_buf *out,
                            struct cenv_error *err)
{
    char entry[ENTRY_NAME], path[ENTRY_NAME + 16];
    int pkgs = store->dirs[CENV_STORE_PKGS];
    if (!set_entry_name(sha256, entry))
        return refuse_hash(sha256, err);
    snprintf(path, sizeof(path), "%s/%s", entry, name);
    int fd = cenv_raw_open_file(pkgs, path, NULL);
    if (cenv_raw_is_absent(fd))
        return 1;
    if (fd < 0)
        return cenv_fs_fail(err, fd, pkgs, path, "cannot open");
    int rc = cenv_fs_read_fd(fd, path, out, err);
    cenv_fd_close(fd);
    return rc;
}

int cenv_package_entry_record(const struct cenv_store *store, struct cenv_str sha256,
                              struct cenv_buf *out, struct cenv_error *err)
{
    char name[ENTRY_NAME];
    struct cenv_json *record = NULL;
    if (!set_entry_name(sha256, name))
        return refuse_hash(sha256, err);
    int entry = open_entry(store, name);
    if (entry < 0)
        return 1;
    int rc =
        cenv_layout_load_json(entry, CENV_PKG_RECORD, &cenv_record_shape, &record, err);
    if (rc == 0 && !cenv_json_print(record, 0, out))
        rc = cenv_error_oom(err);
    cenv_json_free(record);
    cenv_fd_close(entry);
    return rc;
}

uint64_t cenv_package_entry_bytes(int entry)
{
    struct cenv_package_manifest manifest;
    struct cenv_error ignored = CENV_ERROR_INIT;
    uint64_t bytes = 0;
    if (cenv_package_manifest_read(&manifest, entry, CENV_PKG_MANIFEST, &ignored) ==
        0) {
        bytes = cenv_package_manifest_bytes(&manifest);
        cenv_package_manifest_release(&manifest);
    }
    cenv_error_release(&ignored);
    return bytes;
}

int cenv_package_entry_make(const struct cenv_scratch *scratch, const char *name,
                            int *entry, int *content, struct cenv_error *err)
{
    *content = -1;
    *entry = cenv_fs_mkdir_open(scratch->fd, name, 0755, err);
    if (*entry < 0)
        return *entry;
    *content = cenv_fs_mkdir_open(*entry, CENV_PKG_CONTENT, 0755, err);
    return *content < 0 ? *content : 0;
}

int cenv_package_entry_write_kind(int entry, const char *kind, struct cenv_str dist,
                                  struct cenv_error *err)
{
    struct cenv_json_writer w;
    struct cenv_buf text;
    cenv_buf_init(&text, RECORD_MAX);
    cenv_json_writer_init(&w, &text, 0);
    cenv_json_write_object(&w, NULL);
    cenv_json_write_str(&w, kind, dist);
    cenv_json_write_end(&w);
    int rc = cenv_json_writer_finish(&w, err);
    if (rc == 0)
        rc = cenv_fs_write_new(entry, CENV_PKG_RECORD, cenv_buf_str(&text), 0644, err);
    cenv_buf_release(&text);
    return rc;
}

int cenv_package_entry_publish(const struct cenv_store *store, struct cenv_str sha256,
                               const struct cenv_scratch *scratch, const char *name,
                               bool replace, struct cenv_error *err)
{
    char entry[ENTRY_NAME];
    int pkgs = store->dirs[CENV_STORE_PKGS];
    if (!set_entry_name(sha256, entry))
        return refuse_hash(sha256, err);
    cenv_raw_chmod(scratch->fd, name, 0755);
    int dir = cenv_raw_open_beneath(pkgs, cenv_str_n(entry, 2), 0755);
    if (dir < 0)
        return cenv_fs_fail(err, dir, pkgs, entry, "cannot publish");
    /* Where somebody was faster, theirs is as good; ours goes with the scratch directory. */
    int rc = cenv_publish_entry(scratch->fd, name, dir, entry + 3, replace, err);
    cenv_fd_close(dir);
    return rc;
}
