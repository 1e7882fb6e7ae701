/* SPDX-License-Identifier: BSD-3-Clause */
/* Environments of layers, as entries of the store: v1/pkgs/<aa>/<key>/{content/,record.json}. */
#include "store/layered_entry.h"

#include <errno.h>
#include <stdio.h>

#include "base/digest.h"
#include "base/hex.h"
#include "codec/json.h"
#include "codec/shape.h"
#include "os/fs.h"
#include "os/path.h"
#include "os/pid.h"
#include "store/package_entry.h"

/* Where layers are shown, below the store. Short: first lines of scripts have 127 bytes. */
#define SHOWN_AT "env"

/* Programs are found by PATH, which cannot hold a ":". */
static int check_path(const struct cenv_store *store, struct cenv_error *err)
{
    if (!strchr(store->path, ':'))
        return cenv_layout_check_path(store, err);
    cenv_error_set(err, CENV_ELINK,
                   "cannot show layers in '%s': ':' in a path would break PATH",
                   store->path);
    return cenv_error_hint(err, "set CENV_STORE to a directory with another name");
}

int cenv_layered_entry_add_prefix(const struct cenv_store *store, struct cenv_buf *out,
                                  struct cenv_error *err)
{
    int rc = check_path(store, err);
    if (rc < 0)
        return rc;
    cenv_buf_addf(out, "%s/%s", store->path, SHOWN_AT);
    if (out->failed)
        return cenv_error_oom(err);
    int made = cenv_raw_mkdir(store->root, SHOWN_AT, 0755);
    if (made < 0 && made != -EEXIST)
        return cenv_fs_fail(err, made, store->root, SHOWN_AT, "cannot make");
    return 0;
}

/* ---- record.json ---- */

static bool is_hash(struct cenv_str text)
{
    unsigned char raw[CENV_SHA256_LEN];
    return cenv_unhex(text, raw, sizeof(raw));
}

static bool are_layers(const struct cenv_json *layers)
{
    const struct cenv_json *layer;
    if (cenv_json_type(layers) != CENV_JSON_ARRAY ||
        cenv_json_len(layers) > CENV_LAYERED_MAX)
        return false;
    cenv_json_each(layer, layers)
    {
        if (!is_hash(cenv_json_str(layer)))
            return false;
    }
    return true;
}

/* 0, 1 when it is none of ours as a whole, or a status. */
static int load_record(int entry, struct cenv_json **out, struct cenv_error *err)
{
    struct cenv_json *doc = NULL;
    int rc =
        cenv_layout_load_json(entry, CENV_PKG_RECORD, &cenv_shape_object, &doc, err);
    if (rc == 0 && are_layers(cenv_json_get(doc, CENV_LAYERED_LAYERS))) {
        *out = doc;
        return 0;
    }
    cenv_json_free(doc);
    return rc < 0 ? rc : 1;
}

/* ---- finding ---- */

static bool is_of_this_boot(const struct cenv_json *doc)
{
    char boot_id[CENV_PID_BOOT];
    cenv_pid_boot(boot_id, sizeof(boot_id));
    return cenv_str_is(cenv_json_get_str(doc, CENV_LAYERED_BOOT), boot_id);
}

static bool use_layers(const struct cenv_store *store, const struct cenv_json *doc)
{
    const struct cenv_json *layer;
    cenv_json_each(layer, cenv_json_get(doc, CENV_LAYERED_LAYERS))
    {
        if (!cenv_package_entry_use(store, cenv_json_str(layer)))
            return false;
    }
    return true;
}

int cenv_layered_entry_add_path(const struct cenv_store *store, struct cenv_str key,
                                struct cenv_buf *path, struct cenv_error *err)
{
    int rc = cenv_package_entry_add_path(store, key, path, err);
    if (rc < 0)
        return rc;
    path->len = cenv_path_parent(cenv_buf_str(path)).len;
    path->data[path->len] = '\0';
    return 0;
}

static int check_entry(const struct cenv_store *store, const char *path,
                       struct cenv_error *err)
{
    struct cenv_json *doc = NULL;
    int fd = cenv_fs_open_root(path, err);
    int rc = fd < 0 ? fd : load_record(fd, &doc, err);
    if (rc == 0 && (!is_of_this_boot(doc) || !use_layers(store, doc)))
        rc = 1;
    cenv_json_free(doc);
    cenv_fd_close(fd);
    return rc;
}

int cenv_layered_entry_find(const struct cenv_store *store, struct cenv_str key,
                            struct cenv_buf *path, struct cenv_task *task,
                            struct cenv_error *err)
{
    struct cenv_buf found;
    cenv_buf_init(&found, path->max);
    int rc = cenv_package_entry_find(store, key, NULL, NULL, task, err);
    if (rc == 0)
        rc = cenv_layered_entry_add_path(store, key, &found, err);
    if (rc == 0)
        rc = check_entry(store, found.data, err);
    if (rc == 0 && !cenv_buf_add_str(path, cenv_buf_str(&found)))
        rc = cenv_error_oom(err);
    cenv_buf_release(&found);
    return rc;
}

/* ---- reading ---- */

/* "<...>/pkgs/<aa>/<64 hex digits>"; *pkgs: the first part. */
static bool is_entry_path(struct cenv_str path, struct cenv_str *pkgs)
{
    struct cenv_str two = cenv_path_parent(path);
    *pkgs = cenv_path_parent(two);
    return is_hash(cenv_path_base(path)) &&
           cenv_str_starts(cenv_path_base(path), cenv_path_base(two)) &&
           cenv_str_is(cenv_path_base(*pkgs), cenv_layout_name(CENV_STORE_PKGS));
}

/* "<pkgs>/<aa>/<hash>/content"; NULL: no memory. */
static const char *dir_of(struct cenv_arena *arena, struct cenv_str pkgs,
                          struct cenv_str hash)
{
    size_t size = pkgs.len + hash.len + 32;
    char *text = cenv_arena_alloc(arena, size);
    if (text)
        snprintf(text, size, "%.*s/%.2s/%.*s/" CENV_PKG_CONTENT, CENV_STR_ARG(pkgs),
                 hash.data, CENV_STR_ARG(hash));
    return text;
}

/* "<store>/env" of "<store>/pkgs"; NULL: no memory. */
static const char *prefix_of(struct cenv_arena *arena, struct cenv_str pkgs)
{
    struct cenv_str store = cenv_path_parent(pkgs);
    size_t size = store.len + sizeof("/" SHOWN_AT);
    char *text = cenv_arena_alloc(arena, size);
    if (text)
        snprintf(text, size, "%.*s/" SHOWN_AT, CENV_STR_ARG(store));
    return text;
}

/* "<prefix>/<path>"; NULL: no memory. */
static const char *dir_in(struct cenv_arena *arena, const char *prefix,
                          struct cenv_str path)
{
    size_t size = strlen(prefix) + path.len + sizeof("/");
    char *text = cenv_arena_alloc(arena, size);
    if (text)
        snprintf(text, size, "%s/%.*s", prefix, CENV_STR_ARG(path));
    return text;
}

enum { LISTED = 2 }; /* its library, and what is installed in that */

static bool list_listed(const struct cenv_json *doc, struct cenv_arena *arena,
                        struct cenv_layered *out)
{
    struct cenv_str site = cenv_json_get_str(doc, CENV_LAYERED_SITE);
    out->nr_listed = 0;
    out->listed = cenv_arena_calloc(arena, LISTED, sizeof(*out->listed));
    if (!out->listed || cenv_path_refused(site))
        return out->listed != NULL;
    out->listed[0] = dir_in(arena, out->prefix, cenv_path_parent(site));
    out->listed[1] = dir_in(arena, out->prefix, site);
    out->nr_listed = LISTED;
    return out->listed[0] && out->listed[1];
}

static int list_dirs(const struct cenv_json *doc, struct cenv_str path,
                     struct cenv_str pkgs, struct cenv_arena *arena,
                     struct cenv_layered *out, struct cenv_error *err)
{
    const struct cenv_json *layer, *layers = cenv_json_get(doc, CENV_LAYERED_LAYERS);
    bool done = true;
    out->nr = 0;
    out->prefix = prefix_of(arena, pkgs);
    out->dirs = cenv_arena_calloc(arena, cenv_json_len(layers) + 1, sizeof(*out->dirs));
    if (!out->prefix || !out->dirs)
        return cenv_error_oom(err);
    out->dirs[out->nr] = dir_of(arena, pkgs, cenv_path_base(path));
    done &= out->dirs[out->nr++] != NULL;
    cenv_json_each(layer, layers)
    {
        out->dirs[out->nr] = dir_of(arena, pkgs, cenv_json_str(layer));
        done &= out->dirs[out->nr++] != NULL;
    }
    done = done && list_listed(doc, arena, out);
    return done ? 0 : cenv_error_oom(err);
}

int cenv_layered_entry_read(const char *path, struct cenv_arena *arena,
                            struct cenv_layered *out, struct cenv_error *err)
{
    struct cenv_str whole = cenv_str(path), pkgs;
    struct cenv_json *doc = NULL;
    if (!is_entry_path(whole, &pkgs))
        return 1;
    int entry = cenv_fs_open_root(path, err);
    if (entry < 0)
        return entry;
    int rc = load_record(entry, &doc, err);
    cenv_fd_close(entry);
    if (rc == 1)
        return cenv_error_set(err, CENV_EINTEGRITY, "'%s' is no environment of layers",
                              path);
    if (rc == 0)
        rc = list_dirs(doc, whole, pkgs, arena, out, err);
    cenv_json_free(doc);
    return rc;
}
