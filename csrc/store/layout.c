/* SPDX-License-Identifier: BSD-3-Clause */
/* The directories of a store, the paths in them, and its small JSON files. */
#include "store/layout.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "base/digest.h"
#include "base/utf8.h"
#include "codec/json.h"
#include "codec/shape.h"
#include "os/fs.h"
#include "os/fs_data.h"
#include "os/fs_dir.h"

static const char *const dir_names[CENV_STORE_NR_DIRS] = {
    [CENV_STORE_PKGS] = "pkgs",         [CENV_STORE_TEMPLATES] = "templates",
    [CENV_STORE_REQUESTS] = "requests", [CENV_STORE_MANIFESTS] = "manifests",
    [CENV_STORE_CLONES] = "clones",     [CENV_STORE_REPODATA] = "repodata",
    [CENV_STORE_LOCKS] = "locks",       [CENV_STORE_TMP] = "tmp",
};

enum { JSON_MAX = 64 << 20 };

const char *cenv_layout_name(enum cenv_store_dir dir)
{
    return dir_names[dir];
}

bool cenv_layout_add_path(const struct cenv_store *store, enum cenv_store_dir dir,
                          const char *a, const char *b, struct cenv_buf *out)
{
    cenv_buf_addf(out, "%s/%s/%s", store->path, dir_names[dir], a);
    if (b)
        cenv_buf_addf(out, "/%s", b);
    return !out->failed;
}

int cenv_layout_key(struct cenv_str text, char key[CENV_STORE_KEY],
                    struct cenv_error *err)
{
    char hex[CENV_DIGEST_HEX_MAX];
    if (!cenv_digest_sha256_hex(text, hex))
        return cenv_error_oom(err);
    memcpy(key, hex, CENV_STORE_KEY - 1);
    key[CENV_STORE_KEY - 1] = '\0';
    return 0;
}

int cenv_layout_file(struct cenv_str text, char name[CENV_STORE_FILE],
                     struct cenv_error *err)
{
    char key[CENV_STORE_KEY];
    int rc = cenv_layout_key(text, key, err);
    if (rc == 0)
        snprintf(name, CENV_STORE_FILE, "%s.json", key);
    return rc;
}

static bool is_read_only(int rc, const struct cenv_error *err)
{
    return rc == CENV_EOS && (err->os_errno == EROFS || err->os_errno == EACCES);
}

int cenv_layout_forgive_read_only(int rc, struct cenv_error *err)
{
    if (!is_read_only(rc, err))
        return rc;
    cenv_error_release(err);
    return 0;
}

int cenv_layout_check_path(const struct cenv_store *store, struct cenv_error *err)
{
    if (cenv_utf8_is(cenv_str(store->path)))
        return 0;
    cenv_error_set(err, CENV_EPREFIX, "cannot use the store: '%s' is not UTF-8",
                   store->path);
    return cenv_error_hint(err, "set CENV_STORE to a directory with another name");
}

int cenv_layout_hint_place(int rc, struct cenv_error *err)
{
    if (is_read_only(rc, err))
        cenv_error_hint(err, "set CENV_STORE to a directory that can be written to");
    return rc;
}

void cenv_layout_touch(int dirfd, const char *name)
{
    struct cenv_stat st;
    int64_t now = (int64_t)time(NULL);
    if (cenv_raw_stat(dirfd, name, &st) == 0 && st.mtime_ns / 1000000000 + 3600 < now)
        cenv_raw_set_mtime(dirfd, name, now * 1000000000);
}

/* A file that is not there, is none, or holds nonsense; not one that could not be read. */
static bool is_damage(const struct cenv_error *bad)
{
    if (bad->status == CENV_EOS)
        return cenv_raw_is_no_file(-bad->os_errno);
    return bad->status != CENV_ENOMEM;
}

int cenv_layout_load_json(int dirfd, const char *name, const struct cenv_shape *shape,
                          struct cenv_json **out, struct cenv_error *err)
{
    struct cenv_buf text;
    struct cenv_json *doc = NULL;
    struct cenv_error bad = CENV_ERROR_INIT;
    cenv_buf_init(&text, JSON_MAX);
    int rc = cenv_fs_read_file(dirfd, name, &text, &bad);
    if (rc == 0)
        rc = cenv_json_parse(&doc, cenv_buf_str(&text), name, &bad);
    cenv_buf_release(&text);
    if (rc < 0 && !is_damage(&bad))
        return cenv_error_move(err, &bad);
    cenv_error_release(&bad);
    if (rc == 0 && cenv_shape_fits(shape, doc)) {
        *out = doc;
        return 0;
    }
    cenv_json_free(doc);
    return 1;
}

int cenv_layout_each(const struct cenv_store *store, enum cenv_store_dir dir,
                     struct cenv_task *task, cenv_layout_visit_fn visit, void *ctx,
                     struct cenv_error *err)
{
    struct cenv_listing list;
    int rc = 0, failed = cenv_listing_read(&list, store->dirs[dir], true);
    if (failed < 0)
        return cenv_fs_fail(err, failed, store->dirs[dir], NULL, "cannot list");
    for (size_t i = 0; i < list.nr && rc == 0; i++) {
        if (task)
            rc = cenv_task_poll(task, err);
        if (rc == 0)
            rc = visit(ctx, &list.entries[i], err);
    }
    cenv_listing_release(&list);
    return rc;
}

static int sum_file(void *ctx, const struct cenv_walk_entry *at, struct cenv_error *err)
{
    uint64_t *bytes = ctx;
    struct cenv_stat st;
    (void)err;
    if (at->entry.type == CENV_FT_FILE &&
        cenv_raw_stat(at->parent, at->entry.name, &st) == 0)
        *bytes += st.size;
    return 0;
}

int cenv_layout_tree_bytes(int fd, uint64_t *bytes, struct cenv_task *task,
                           struct cenv_error *err)
{
    *bytes = 0;
    return cenv_fs_walk(fd, false, sum_file, bytes, task, err);
}
