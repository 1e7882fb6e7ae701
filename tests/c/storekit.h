/* SPDX-License-Identifier: BSD-3-Clause */
/* A store in a scratch directory, and packages published into it by hand. */
#ifndef STOREKIT_H
#define STOREKIT_H

#include "base/alloc.h"
#include "base/digest.h"
#include "base/hex.h"
#include "check.h"
#include "os/fs.h"
#include "os/fs_beneath.h"
#include "os/fs_data.h"
#include "os/fs_dir.h"
#include "os/owner.h"
#include "package/package_manifest.h"
#include "scratch.h"
#include "store/clone_registry.h"
#include "store/package_entry.h"
#include "store/publish.h"
#include "store/scratch.h"

/* What is told of every package. */
#define STOREKIT_RECORD "{\"name\":\"x\",\"version\":\"1\",\"build\":\"0\"}"

struct storekit {
    struct scratch s;
    struct cenv_store *store;
    struct cenv_error err;
    struct cenv_task task;
    struct cenv_buf out;
};

__attribute__((unused)) static struct storekit storekit_open(void)
{
    struct storekit k = {.s = scratch_open()};
    cenv_task_init(&k.task, NULL, NULL);
    cenv_buf_init(&k.out, 16 << 20);
    if (cenv_store_open(&k.store, scratch_path(&k.s, "store"), &k.err) != 0) {
        fprintf(stderr, "%s\n", k.err.message);
        exit(2);
    }
    return k;
}

__attribute__((unused)) static void storekit_close(struct storekit *k)
{
    cenv_store_free(k->store);
    cenv_buf_release(&k->out);
    cenv_error_release(&k->err);
    cenv_task_release(&k->task);
    scratch_close(&k->s);
}

/* Walks the content to make its manifest, hashing every file. */
static int storekit_note(void *ctx, const struct cenv_walk_entry *at,
                         struct cenv_error *err)
{
    struct cenv_package_manifest *manifest = ctx;
    struct cenv_stat st;
    struct cenv_buf text;
    char hex[CENV_DIGEST_HEX_MAX];
    int rc = cenv_fs_stat(at->parent, at->entry.name, &st, err);
    struct cenv_package_file entry = {.path = at->path,
                                      .type = st.type,
                                      .mode = st.mode,
                                      .size = st.size,
                                      .mtime_ns = st.mtime_ns};
    if (rc || st.type == CENV_FT_DIR)
        return rc;
    cenv_buf_init(&text, 16 << 20);
    if (st.type == CENV_FT_SYMLINK) {
        rc = cenv_fs_readlink(at->parent, at->entry.name, &text, err);
        entry.link = cenv_buf_str(&text);
    } else {
        rc = cenv_fs_read_file(at->parent, at->entry.name, &text, err);
        cenv_digest_sha256_hex(cenv_buf_str(&text), hex);
        cenv_unhex(cenv_str(hex), entry.sha256, sizeof(entry.sha256));
    }
    if (rc == 0 && !cenv_package_manifest_add(manifest, &entry))
        rc = cenv_error_oom(err);
    cenv_buf_release(&text);
    return rc;
}

/* manifest and record.json of the entry `name` in `dir`, whose content/ is there. */
__attribute__((unused)) static int storekit_describe(int dir, const char *name,
                                                     const char *record,
                                                     struct cenv_task *task,
                                                     struct cenv_error *err)
{
    struct cenv_package_manifest manifest;
    int entry = cenv_fs_open_dir(dir, name, err);
    int content = entry < 0 ? entry : cenv_fs_open_dir(entry, CENV_PKG_CONTENT, err);
    cenv_package_manifest_init(&manifest);
    int rc = content < 0
                 ? content
                 : cenv_fs_walk(content, false, storekit_note, &manifest, task, err);
    rc =
        rc ? rc : cenv_package_manifest_write(&manifest, entry, CENV_PKG_MANIFEST, err);
    rc = rc ? rc
            : cenv_fs_write_new(entry, CENV_PKG_RECORD, cenv_str(record), 0644, err);
    cenv_package_manifest_release(&manifest);
    cenv_fd_close(content);
    cenv_fd_close(entry);
    return rc;
}

/* Publishes a package of one file, bin/x with `text`, under the given hash. */
__attribute__((unused)) static int
storekit_publish(const struct cenv_store *store, const char *sha256, const char *text,
                 bool replace, struct cenv_task *task, struct cenv_error *err)
{
    struct cenv_scratch scratch;
    int rc = cenv_scratch_open(store, &scratch, err);
    if (rc < 0)
        return rc;
    int bin = cenv_fs_open_beneath(scratch.fd, "e/content/bin", 0755, err);
    rc = bin < 0 ? bin : cenv_fs_write_new(bin, "x", cenv_str(text), 0644, err);
    cenv_fd_close(bin);
    rc = rc ? rc : storekit_describe(scratch.fd, "e", STOREKIT_RECORD, task, err);
    rc = rc ? rc : cenv_publish_sync(store, task, err);
    rc = rc ? rc
            : cenv_package_entry_publish(store, cenv_str(sha256), &scratch, "e",
                                         replace, err);
    cenv_scratch_close(store, &scratch);
    return rc;
}

/* 64 hex digits out of one. */
__attribute__((unused)) static const char *storekit_hash(char digit)
{
    static char ring[4][65];
    static unsigned turn;
    char *hex = ring[turn++ % 4];
    memset(hex, digit, 64);
    hex[64] = '\0';
    return hex;
}

/* As cenv_package_entry_find, of the kit's store; the path in k->out. */
__attribute__((unused)) static int storekit_find(struct storekit *k, const char *sha256,
                                                 struct cenv_buf *why)
{
    cenv_buf_clear(&k->out);
    return cenv_package_entry_find(k->store, cenv_str(sha256), &k->out, why, &k->task,
                                   &k->err);
}

/* Entries of a directory of the store. */
__attribute__((unused)) static size_t storekit_count(struct storekit *k,
                                                     enum cenv_store_dir dir)
{
    struct cenv_listing list;
    size_t nr = 0;
    if (CHECK_INT(cenv_listing_read(&list, k->store->dirs[dir], false), 0))
        nr = list.nr;
    cenv_listing_release(&list);
    return nr;
}

/* A finished template, which was last used at `used` (seconds). */
__attribute__((unused)) static void
storekit_put_template(struct storekit *k, const char *id, int64_t used, int size)
{
    char path[256], text[256];
    snprintf(path, sizeof(path), "store/v1/templates/%s", id);
    mkdirat(k->s.fd, path, 0755);
    snprintf(path, sizeof(path), "store/v1/templates/%s/prefix", id);
    mkdirat(k->s.fd, path, 0755);
    snprintf(path, sizeof(path), "store/v1/templates/%s/template.json", id);
    snprintf(
        text, sizeof(text),
        "{\"id\":\"%s\",\"size\":%d,\"specs\":[\"x\"],\"records\":[" STOREKIT_RECORD
        "," STOREKIT_RECORD "]}",
        id, size);
    scratch_file(&k->s, path, text, 0644);
    cenv_raw_set_mtime(k->s.fd, path, used * 1000000000);
}

/* A clone that is entered: of this process, or of one that is gone, or nobody's. */
__attribute__((unused)) static void
storekit_put_clone(struct storekit *k, const char *name, bool owned, bool dead)
{
    struct cenv_stat st;
    char path[512];
    mkdirat(k->s.fd, name, 0755);
    snprintf(path, sizeof(path), "%s/f", name);
    scratch_file(&k->s, path, "x", 0444);
    snprintf(path, sizeof(path), "%s", scratch_path(&k->s, name));
    cenv_raw_stat(k->s.fd, name, &st);
    struct cenv_clone_entry entry = {.path = path,
                                     .source = "/template/prefix",
                                     .dev = st.dev,
                                     .ino = st.ino,
                                     .mode = "hardlink"};
    if (owned)
        cenv_owner_self(&entry.owner);
    if (dead)
        entry.owner.start++; /* its number is another process's now */
    CHECK_INT(cenv_clone_registry_enter(k->store, &entry, &k->err), 0);
}

#endif
