/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The guard of templates whose inodes clones share. Nothing keeps a test from writing through a hard
 * link; what it did shows in size, time, mode or owner of the inode, which the manifest has from the
 * time when the template was made. An altered template is built anew from its packages: these are
 * never aliased by templates.
 */
#include <errno.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/hex.h"
#include "base/map.h"
#include "base/pool.h"
#include "cenv.h"
#include "codec/json.h"
#include "manifest/manifest.h"
#include "os/host.h"
#include "os/path.h"
#include "prefix/file_hash.h"
#include "prefix/prefix_records.h"
#include "store/layout.h"
#include "store/publish.h"
#include "store/template_entry.h"
#include "template/build.h"

enum { THREADS_MAX = 8, LINKED_BY_OTHERS = 4, US = 1000 };
enum what { FINE, LATER, MISSING, TYPE, REPLACED, SIZE, TIME, MODE, OWNER, CONTENT };

static const char *const words[] = {"",     "",     "missing", "type",  "replaced",
                                    "size", "time", "mode",    "owner", "content"};

struct check {
    const char *path;
    int root;
    struct cenv_manifest *m;
    bool content, only_drop;
    int64_t since_ns;
    unsigned char *files, *dirs; /* what is found of each; of a directory 1: its time */
    struct cenv_prefix records;
    struct cenv_map by_path; /* of the records' paths: index into `owned` */
    const struct cenv_prefix_path **owned;
    size_t nr_owned, alloc_owned;
    struct cenv_filehash hashes[THREADS_MAX];
    struct cenv_task *task;
    struct cenv_buf list; /* of what was found, as JSON */
};

/* ---- by fstatat ---- */

static enum what compare(const struct check *c, const struct cenv_mf_file *file,
                         const struct cenv_stat *st)
{
    enum cenv_file_type type =
        file->type == CENV_MF_FILE ? CENV_FT_FILE : CENV_FT_SYMLINK;
    if (st->type != type)
        return TYPE;
    if (st->size != file->size)
        return SIZE;
    if (st->mtime_ns != file->mtime_ns)
        return TIME;
    if (st->mode != file->mode)
        return MODE;
    if (st->uid != file->uid || st->gid != file->gid)
        return OWNER;
    if (st->ino != file->ino)
        return REPLACED;
    return c->content || (c->since_ns && st->ctime_ns > c->since_ns) ? LATER : FINE;
}

static int check_dir(void *ctx, size_t index, unsigned thread, struct cenv_error *err)
{
    struct check *c = ctx;
    const struct cenv_mf_dir *dir = &c->m->dirs[index];
    struct cenv_stat st;
    int rc = cenv_task_poll(c->task, err);
    int fd = index == 0 ? cenv_raw_dup(c->root)
                        : cenv_raw_open_dir(c->root, cenv_mf_cstr(c->m, dir->path));
    (void)thread;
    if (fd < 0 || cenv_raw_stat_fd(fd, &st) < 0)
        c->dirs[index] = MISSING;
    else if (st.mode != dir->mode)
        c->dirs[index] = MODE;
    else if (st.mtime_ns != dir->mtime_ns)
        c->dirs[index] = TIME;
    for (uint32_t i = dir->first_file; i < dir->first_file + dir->nr_files; i++) {
        const struct cenv_mf_file *file = &c->m->files[i];
        if (fd < 0 || cenv_raw_stat(fd, cenv_mf_cstr(c->m, file->name), &st) < 0)
            c->files[i] = MISSING;
        else if (!(file->flags & CENV_MF_LEFT_OUT))
            c->files[i] = (unsigned char)compare(c, file, &st);
    }
    cenv_fd_close(fd);
    return rc;
}

/* ---- by content ---- */

static int index_records(struct check *c, struct cenv_error *err)
{
    int rc = cenv_prefix_read(&c->records, c->root, c->path, c->task, err);
    for (size_t i = 0; i < c->records.nr && rc == 0; i++) {
        const struct cenv_prefix_record *record = &c->records.records[i];
        for (size_t k = 0; k < record->nr_paths && rc == 0; k++) {
            void *owned = c->owned;
            if (cenv_grow(&owned, &c->alloc_owned, c->nr_owned, sizeof(*c->owned)) < 0)
                return cenv_error_oom(err);
            c->owned = owned;
            c->owned[c->nr_owned] = &record->paths[k];
            /* Of a path that two packages claim, no record is known to be right. */
            bool claimed =
                cenv_map_get(&c->by_path, record->paths[k].path) != CENV_NONE;
            if (cenv_map_put(&c->by_path, record->paths[k].path,
                             claimed ? UINT32_MAX - 1 : (uint32_t)c->nr_owned) < 0)
                rc = cenv_error_oom(err);
            c->nr_owned++;
        }
    }
    return rc;
}

static struct cenv_str hash_of(const struct check *c, const struct cenv_mf_file *file)
{
    struct cenv_str dir = cenv_mf_str(c->m, c->m->dirs[file->dir].path);
    struct cenv_buf path;
    cenv_buf_init(&path, 1 << 20);
    cenv_buf_addf(&path, "%s%s%s", dir.data, dir.len ? "/" : "",
                  cenv_mf_cstr(c->m, file->name));
    uint32_t at = cenv_map_get(&c->by_path, cenv_buf_str(&path));
    cenv_buf_release(&path);
    return at < c->nr_owned ? cenv_prefix_path_hash(c->owned[at]) : CENV_STR("");
}

static int read_dir(void *ctx, size_t index, unsigned thread, struct cenv_error *err)
{
    struct check *c = ctx;
    const struct cenv_mf_dir *dir = &c->m->dirs[index];
    struct cenv_filehash *hash = &c->hashes[thread];
    char hex[CENV_DIGEST_HEX_MAX];
    int rc = cenv_task_poll(c->task, err);
    if (rc == 0 && !hash->digest && cenv_filehash_init(hash, CENV_SHA256) < 0)
        rc = cenv_error_oom(err);
    for (uint32_t i = dir->first_file; i < dir->first_file + dir->nr_files && rc == 0;
         i++) {
        const struct cenv_mf_file *file = &c->m->files[i];
        struct cenv_str wanted = c->files[i] == LATER && file->type == CENV_MF_FILE
                                     ? hash_of(c, file)
                                     : CENV_STR("");
        if (!wanted.len)
            continue;
        int fd = cenv_fs_open_beneath(c->root, cenv_mf_cstr(c->m, dir->path), 0, err);
        int in = fd < 0
                     ? fd
                     : cenv_fs_open_file(fd, cenv_mf_cstr(c->m, file->name), NULL, err);
        rc = in < 0 ? in
                    : cenv_filehash_fd(hash, in, cenv_mf_cstr(c->m, file->name), hex,
                                       NULL, c->task, err);
        if (rc == 0 && !cenv_str_is(wanted, hex))
            c->files[i] = CONTENT;
        cenv_fd_close(in);
        cenv_fd_close(fd);
    }
    return rc;
}

/*
 * Who makes or removes a clone changes the ctime of every file it shares, who writes to a file that
 * of this one. Where most files changed the evidence is drowned, and only the caller who asks for
 * "content" pays for reading them all.
 */
static bool must_read(const struct check *c)
{
    uint32_t later = 0;
    for (uint32_t i = 0; i < c->m->nr_files; i++)
        later += c->files[i] == LATER;
    return later && (c->content || later <= c->m->nr_files / LINKED_BY_OTHERS);
}

/* ---- the findings ---- */

static int add_finding(struct check *c, struct cenv_str dir, const char *name,
                       const char *what, struct cenv_error *err)
{
    struct cenv_buf path;
    cenv_buf_init(&path, 1 << 20);
    cenv_buf_addf(&path, "%.*s%s%s", CENV_STR_ARG(dir), dir.len && *name ? "/" : "",
                  name);
    cenv_buf_puts(&c->list, c->list.len ? ",{\"path\":" : "{\"path\":");
    cenv_json_quote(&c->list, cenv_buf_str(&path));
    cenv_buf_addf(&c->list, ",\"what\":\"%s\"}", what);
    cenv_buf_release(&path);
    return c->list.failed ? cenv_error_oom(err) : 0;
}

static bool is_known(const struct check *c, const struct cenv_map *paths,
                     struct cenv_str dir, const struct cenv_dirent *entry)
{
    struct cenv_buf path;
    cenv_buf_init(&path, 1 << 20);
    cenv_buf_addf(&path, "%.*s%s%s", CENV_STR_ARG(dir), dir.len ? "/" : "",
                  entry->name);
    bool known = path.failed || cenv_map_get(paths, cenv_buf_str(&path)) != CENV_NONE;
    for (uint32_t i = 0; i < c->m->nr_notes && !known; i++)
        known =
            c->m->notes[i].kind == CENV_NOTE_SKIPPED &&
            cenv_str_eq(cenv_mf_str(c->m, c->m->notes[i].path), cenv_buf_str(&path));
    cenv_buf_release(&path);
    return known;
}

/* Running a program of the template may have left bytecode: as good as its source. */
static bool is_cache(const struct cenv_dirent *entry)
{
    struct cenv_str name = cenv_str_n(entry->name, entry->len);
    return cenv_str_is(name, "__pycache__") || cenv_str_ends(name, CENV_STR(".pyc"));
}

static bool has_file(const struct check *c, const struct cenv_mf_dir *dir,
                     struct cenv_str name)
{
    for (uint32_t i = dir->first_file; i < dir->first_file + dir->nr_files; i++)
        if (cenv_str_eq(cenv_mf_str(c->m, c->m->files[i].name), name))
            return true;
    return false;
}

static int find_added(struct check *c, uint32_t index, const struct cenv_map *dirs,
                      struct cenv_error *err)
{
    const struct cenv_mf_dir *dir = &c->m->dirs[index];
    struct cenv_str path = cenv_mf_str(c->m, dir->path);
    struct cenv_listing list = {0};
    int fd = cenv_fs_open_beneath(c->root, path.data, 0, err);
    int rc = fd < 0 ? fd : cenv_listing_read(&list, fd, true);
    if (rc < 0 && fd >= 0)
        rc = cenv_fs_fail(err, rc, fd, NULL, "cannot list");
    for (size_t i = 0; i < list.nr && rc == 0; i++) {
        const struct cenv_dirent *entry = &list.entries[i];
        if (!is_cache(entry) &&
            !has_file(c, dir, cenv_str_n(entry->name, entry->len)) &&
            !is_known(c, dirs, path, entry))
            rc = add_finding(c, path, entry->name, "added", err);
    }
    cenv_listing_release(&list);
    cenv_fd_close(fd);
    return rc;
}

static int add_dir(struct check *c, uint32_t index, const struct cenv_map *dirs,
                   struct cenv_error *err)
{
    struct cenv_str path = cenv_mf_str(c->m, c->m->dirs[index].path);
    const struct cenv_mf_dir *dir = &c->m->dirs[index];
    int rc = 0;
    if (c->dirs[index] == MISSING || c->dirs[index] == MODE)
        rc = add_finding(c, path, "", words[c->dirs[index]], err);
    if (c->dirs[index] == MISSING)
        return rc; /* and all in it */
    if (rc == 0 && c->dirs[index] != FINE)
        rc = find_added(c, index, dirs, err);
    for (uint32_t i = dir->first_file; i < dir->first_file + dir->nr_files && rc == 0;
         i++)
        if (c->files[i] > LATER)
            rc = add_finding(c, path, cenv_mf_cstr(c->m, c->m->files[i].name),
                             words[c->files[i]], err);
    return rc;
}

static int list_findings(struct check *c, struct cenv_error *err)
{
    struct cenv_map dirs = {0};
    int rc = 0;
    for (uint32_t i = 0; i < c->m->nr_dirs && rc == 0; i++)
        if (cenv_map_put(&dirs, cenv_mf_str(c->m, c->m->dirs[i].path), i) < 0)
            rc = cenv_error_oom(err);
    for (uint32_t i = 0; i < c->m->nr_dirs && rc == 0; i++)
        rc = add_dir(c, i, &dirs, err);
    cenv_map_release(&dirs);
    return rc;
}

/* ---- the check ---- */

static int parse_options(struct check *c, const char *text, struct cenv_error *err)
{
    struct cenv_json *doc = NULL;
    if (!text || !*text)
        return 0;
    int rc = cenv_json_parse(&doc, cenv_str(text), "the options", err);
    c->content = cenv_json_get_true(doc, "content");
    c->only_drop = cenv_json_get_true(doc, "drop");
    c->since_ns = cenv_json_get_int(doc, "since_us", 0) * US;
    cenv_json_free(doc);
    return rc;
}

/* The manifest of a template is its own; that of another environment the store's last. */
static struct cenv_manifest *open_manifest(const struct cenv_store *store,
                                           const char *path)
{
    struct cenv_error ignored = CENV_ERROR_INIT;
    struct cenv_manifest *m = NULL;
    struct cenv_buf name;
    char key[CENV_DIGEST_HEX_MAX];
    cenv_buf_init(&name, 1 << 20);
    int rc = -1;
    if (cenv_template_entry_of_prefix(store, path, &name))
        rc = cenv_manifest_open(&m, CENV_CWD, name.data, &ignored);
    else if (cenv_digest_sha256_hex(cenv_str(path), key) == 0)
        rc = cenv_manifest_open(&m, store->dirs[CENV_STORE_MANIFESTS], key, &ignored);
    cenv_buf_release(&name);
    cenv_error_release(&ignored);
    return rc < 0 ? NULL : m;
}

static int look(struct check *c, struct cenv_error *err)
{
    unsigned threads = cenv_host_cpus() < THREADS_MAX ? cenv_host_cpus() : THREADS_MAX;
    c->files = cenv_calloc((size_t)c->m->nr_files + 1, 1);
    c->dirs = cenv_calloc((size_t)c->m->nr_dirs + 1, 1);
    if (!c->files || !c->dirs)
        return cenv_error_oom(err);
    int rc = cenv_pool_run(threads, c->m->nr_dirs, check_dir, c, c->task, err);
    if (rc == 0 && must_read(c)) {
        rc = index_records(c, err);
        if (rc == 0)
            rc = cenv_pool_run(threads, c->m->nr_dirs, read_dir, c, c->task, err);
    }
    if (rc == 0)
        rc = list_findings(c, err);
    return rc;
}

static void check_release(struct check *c)
{
    cenv_fd_close(c->root);
    cenv_manifest_free(c->m);
    cenv_free(c->files);
    cenv_free(c->dirs);
    cenv_prefix_release(&c->records);
    cenv_map_release(&c->by_path);
    cenv_free(c->owned);
    for (size_t i = 0; i < THREADS_MAX; i++)
        cenv_filehash_release(&c->hashes[i]);
    cenv_buf_release(&c->list);
}

/* A template that is gone was altered too; `path` has its links resolved. */
static int run_check(struct check *c, const struct cenv_store *store,
                     struct cenv_error *err)
{
    struct cenv_span span = cenv_span_begin(CENV_STAGE_GUARD, "");
    struct cenv_stat st;
    c->root = cenv_raw_open_dir(CENV_CWD, c->path);
    if (c->root == -ENOENT)
        return add_finding(c, CENV_STR(""), "", words[MISSING], err);
    if (c->root < 0 || cenv_raw_stat_fd(c->root, &st) < 0)
        return cenv_fs_fail(err, c->root, CENV_CWD, c->path, "cannot look at");
    c->m = open_manifest(store, c->path);
    /* One of another directory says nothing of this one. */
    if (c->m && (c->m->header->dev != st.dev || c->m->header->ino != st.ino)) {
        cenv_manifest_free(c->m);
        c->m = NULL;
    }
    int rc = c->m ? look(c, err) : 0;
    span.items = c->m ? c->m->nr_files : 0;
    cenv_span_end(c->task, &span);
    return rc;
}

static struct check check_begin(const char *path, struct cenv_task *task)
{
    struct check c = {.path = path, .root = -1, .task = task};
    cenv_buf_init(&c.list, SIZE_MAX / 4);
    return c;
}

/* The path with links resolved, as manifests are kept; a missing one as it is. Caller frees. */
static char *real_or_same(const char *path)
{
    struct cenv_error ignored = CENV_ERROR_INIT;
    char *real = cenv_fs_realpath(path, &ignored);
    cenv_error_release(&ignored);
    if (real == 0)
        real = cenv_strdup(path);
    return real;
}

int cenv_template_check(struct cenv_store *store, const char *path,
                        const char *options_json, struct cenv_task *task,
                        struct cenv_buf *out, struct cenv_error *err)
{
    uint64_t start_ns = cenv_clock_ns();
    char *real = real_or_same(path);
    struct check c = check_begin(real, task);
    int rc = real ? parse_options(&c, options_json, err) : cenv_error_oom(err);
    if (rc == 0)
        rc = run_check(&c, store, err);
    if (rc == 0 &&
        cenv_buf_addf(out,
                      "{\"known\":%s,\"checked\":%u,\"altered\":[%s],\"seconds\":%.6f}",
                      c.m || c.list.len ? "true" : "false", c.m ? c.m->nr_files : 0,
                      c.list.len ? c.list.data : "",
                      (double)(cenv_clock_ns() - start_ns) / 1e9) < 0)
        rc = cenv_error_oom(err);
    check_release(&c);
    cenv_free(real);
    return rc;
}

/* ---- repair ---- */

/* The records it was made of and what else building takes; 1 when its files are lost or damaged. */
static int load_request(const struct cenv_store *store, const char *id,
                        struct cenv_buf *records, struct cenv_buf *meta,
                        struct cenv_error *err)
{
    struct cenv_json *doc = NULL;
    struct cenv_stat st;
    int rc = cenv_template_entry_load(store, id, &doc, &st, err);
    if (rc != 0)
        return rc;
    cenv_json_print(cenv_json_get(doc, "records"), 0, records);
    cenv_json_remove(doc, "records");
    cenv_json_print(doc, 0, meta); /* specs, channels and base, as they were given */
    cenv_json_free(doc);
    return records->failed || meta->failed ? cenv_error_oom(err) : 0;
}

static int drop(const struct cenv_store *store, const char *id, struct cenv_error *err)
{
    return cenv_publish_withdraw(store, store->dirs[CENV_STORE_TEMPLATES], id, err);
}

/*
 * Out of the way first: link scripts see the final path, and clones that are on their way notice and
 * wait for the builder's lock. A set-up is part of the id, a base's state nowhere else: neither is
 * among the records.
 */
static int build_anew(struct cenv_build *build, const char *id, bool only_drop,
                      const char **action)
{
    bool plain = cenv_str_is(cenv_buf_str(&build->id), id) && !only_drop &&
                 !cenv_json_get_cstr(build->meta, "key") &&
                 !cenv_json_get_cstr(build->meta, "base");
    int rc = drop(build->store, id, build->err);
    *action = "dropped";
    if (rc == 0 && plain) {
        rc = cenv_build_make(build);
        *action = "built";
    }
    return rc;
}

static int check_and_build(struct check *c, struct cenv_build *build, const char *id,
                           const char **action)
{
    struct cenv_lock *lock = NULL;
    int rc = cenv_template_entry_lock(build->store, id, &lock, build->task, build->err);
    if (rc < 0)
        return rc;
    rc = run_check(c, build->store, build->err); /* others may have repaired it */
    if (rc == 0 && c->list.len)
        rc = build_anew(build, id, c->only_drop, action);
    cenv_template_entry_unlock(build->store, id, lock);
    return rc;
}

static int repair(struct check *c, struct cenv_store *store, const char *id,
                  const char **action, struct cenv_error *err)
{
    struct cenv_buf records, meta;
    struct cenv_build build;
    cenv_buf_init(&records, SIZE_MAX / 4);
    cenv_buf_init(&meta, SIZE_MAX / 4);
    int rc = load_request(store, id, &records, &meta, err);
    if (rc == 1) {
        *action = "dropped";
        rc = drop(store, id, err);
    } else if (rc == 0) {
        rc = cenv_build_begin(&build, store, records.data, meta.data, c->task, err);
        if (rc == 0)
            rc = check_and_build(c, &build, id, action);
        cenv_build_end(&build);
    }
    cenv_buf_release(&records);
    cenv_buf_release(&meta);
    return rc;
}

int cenv_template_repair(struct cenv_store *store, const char *id,
                         const char *options_json, struct cenv_task *task,
                         struct cenv_buf *out, struct cenv_error *err)
{
    const char *action = "none";
    struct cenv_buf path;
    unsigned char raw[CENV_SHA256_LEN];
    if (!cenv_unhex(cenv_str(id), raw, sizeof(raw)))
        return cenv_error_set(err, CENV_EUSAGE, "'%s' is no id of a template", id);
    cenv_buf_init(&path, 1 << 20);
    int rc = cenv_template_entry_add_prefix(store, id, &path) ? 0 : cenv_error_oom(err);
    struct check c = check_begin(path.data, task);
    if (rc == 0)
        rc = parse_options(&c, options_json, err);
    if (rc == 0)
        rc = repair(&c, store, id, &action, err);
    if (rc == 0 && cenv_buf_addf(out, "{\"altered\":[%s],\"action\":\"%s\"}",
                                 c.list.len ? c.list.data : "", action) < 0)
        rc = cenv_error_oom(err);
    check_release(&c);
    cenv_buf_release(&path);
    return rc;
}
