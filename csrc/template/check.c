/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The check of environments whose inodes clones share. Nothing keeps a test from writing through
 * a hard link; what it did shows in size, time, mode or owner of the inode, which the manifest
 * has from the time when the environment was made.
 */
#include "template/check.h"

#include <errno.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/map.h"
#include "base/pool.h"
#include "cenv.h"
#include "codec/options.h"
#include "manifest/manifest.h"
#include "os/fs.h"
#include "os/fs_beneath.h"
#include "os/fs_dir.h"
#include "os/fs_where.h"
#include "os/host.h"
#include "os/path.h"
#include "prefix/file_hash.h"
#include "prefix/prefix_records.h"
#include "store/layout.h"
#include "store/template_entry.h"
#include "template/check_memory.h"

enum {
    THREADS_MAX = 8,
    PATH_BYTES_MAX = 1 << 20,
    LINKED_BY_OTHERS = 4, /* see must_read */
    CLAIMED_TWICE = INT32_MAX,
    US = 1000,
};

enum finding {
    FINE,
    LATER, /* changed later: to be read */
    MISSING,
    TYPE,
    REPLACED,
    SIZE,
    TIME, /* of a directory: something came or went */
    MODE,
    OWNER,
    CONTENT,
};

static const char *const finding_names[] = {
    "", "", "missing", "type", "replaced", "size", "time", "mode", "owner", "content"};

struct check {
    struct cenv_check *asked;
    int root;
    struct cenv_manifest *m;
    unsigned char *files, *dirs; /* the finding of each */
    struct cenv_prefix_records records;
    struct cenv_map by_path; /* of the records' paths: index into `owned` */
    const struct cenv_prefix_path **owned;
    size_t nr_owned, alloc_owned;
    struct cenv_file_hash hashes[THREADS_MAX];
    struct cenv_task *task;
};

/* ---- by fstatat ---- */

static enum finding compare_file(const struct check *c, const struct cenv_mf_file *file,
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
    if (c->asked->content)
        return LATER;
    return c->asked->since_ns && st->ctime_ns > c->asked->since_ns ? LATER : FINE;
}

/* One file of the directory `fd`, which may be missing as a whole. */
static int compare_entry(struct check *c, int fd, uint32_t index,
                         struct cenv_error *err)
{
    const struct cenv_mf_file *file = &c->m->files[index];
    const char *name = cenv_mf_cstr(c->m, file->name);
    struct cenv_stat st;
    int raw = fd < 0 ? fd : cenv_raw_stat(fd, name, &st);
    if (raw < 0 && !cenv_raw_is_absent(raw))
        return cenv_fs_fail(err, raw, fd, name, "cannot look at");
    if (raw < 0)
        c->files[index] = MISSING;
    else if (!(file->flags & CENV_MF_LEFT_OUT))
        c->files[index] = (unsigned char)compare_file(c, file, &st);
    return 0;
}

static int compare_dir(void *ctx, size_t index, unsigned thread, struct cenv_error *err)
{
    struct check *c = ctx;
    const struct cenv_mf_dir *dir = &c->m->dirs[index];
    struct cenv_stat st;
    int rc = cenv_task_poll(c->task, err);
    int fd = index == 0 ? cenv_raw_dup(c->root)
                        : cenv_raw_open_dir(c->root, cenv_mf_cstr(c->m, dir->path));
    (void)thread;
    /* Other failures (too many open files) tell nothing of the template. */
    if (fd < 0 && !cenv_raw_is_absent(fd))
        return cenv_fs_fail(err, fd, c->root, cenv_mf_cstr(c->m, dir->path),
                            "cannot open directory");
    int raw = fd < 0 ? fd : cenv_raw_stat_fd(fd, &st);
    if (fd < 0)
        c->dirs[index] = MISSING;
    else if (raw < 0)
        rc = cenv_fs_fail(err, raw, fd, NULL, "cannot look at");
    else if (st.mode != dir->mode)
        c->dirs[index] = MODE;
    else if (st.mtime_ns != dir->mtime_ns)
        c->dirs[index] = TIME;
    for (uint32_t i = 0; i < dir->nr_files && rc == 0; i++)
        rc = compare_entry(c, fd, dir->first_file + i, err);
    cenv_fd_close(fd);
    return rc;
}

/* ---- by content ---- */

/* Of a path that two packages claim, no record is known to be right. */
static int index_path(struct check *c, const struct cenv_prefix_path *path,
                      struct cenv_error *err)
{
    void *owned = c->owned;
    bool claimed = cenv_map_get(&c->by_path, path->real) != CENV_NONE;
    uint32_t at = claimed ? CLAIMED_TWICE : (uint32_t)c->nr_owned;
    if (!cenv_grow(&owned, &c->alloc_owned, c->nr_owned, sizeof(*c->owned)))
        return cenv_error_oom(err);
    c->owned = owned;
    c->owned[c->nr_owned++] = path;
    return cenv_map_put(&c->by_path, path->real, at) ? 0 : cenv_error_oom(err);
}

static int index_records(struct check *c, struct cenv_error *err)
{
    int rc =
        cenv_prefix_records_read(&c->records, c->root, c->asked->path, c->task, err);
    for (size_t i = 0; i < c->records.nr && rc == 0; i++) {
        const struct cenv_prefix_record *record = &c->records.records[i];
        for (size_t k = 0; k < record->nr_paths && rc == 0; k++)
            rc = index_path(c, &record->paths[k], err);
    }
    return rc;
}

/* What the file's package says, or "". */
static struct cenv_str find_hash(const struct check *c, const struct cenv_mf_file *file)
{
    struct cenv_str dir = cenv_mf_str(c->m, c->m->dirs[file->dir].path);
    struct cenv_buf path;
    cenv_buf_init(&path, PATH_BYTES_MAX);
    cenv_buf_addf(&path, "%s%s%s", dir.data, dir.len ? "/" : "",
                  cenv_mf_cstr(c->m, file->name));
    uint32_t at = cenv_map_get(&c->by_path, cenv_buf_str(&path));
    cenv_buf_release(&path);
    return at < c->nr_owned ? cenv_prefix_records_path_hash(c->owned[at])
                            : CENV_STR("");
}

static int hash_file(const struct check *c, const struct cenv_mf_file *file,
                     struct cenv_file_hash *hash, char *hex, struct cenv_error *err)
{
    const char *name = cenv_mf_cstr(c->m, file->name);
    const char *path = cenv_mf_cstr(c->m, c->m->dirs[file->dir].path);
    int dir = cenv_fs_open_beneath(c->root, path, 0, err);
    if (dir < 0)
        return dir;
    int in = cenv_fs_open_file(dir, name, NULL, err);
    int rc = in < 0 ? in : cenv_file_hash_fd(hash, in, name, hex, NULL, c->task, err);
    cenv_fd_close(in);
    cenv_fd_close(dir);
    return rc;
}

static int read_file(struct check *c, uint32_t index, struct cenv_file_hash *hash,
                     struct cenv_error *err)
{
    const struct cenv_mf_file *file = &c->m->files[index];
    char hex[CENV_DIGEST_HEX_MAX];
    if (c->files[index] != LATER || file->type != CENV_MF_FILE)
        return 0;
    struct cenv_str wanted = find_hash(c, file);
    if (!wanted.len)
        return 0;
    int rc = hash_file(c, file, hash, hex, err);
    if (rc == 0 && !cenv_str_is(wanted, hex))
        c->files[index] = CONTENT;
    return rc;
}

static int read_dir(void *ctx, size_t index, unsigned thread, struct cenv_error *err)
{
    struct check *c = ctx;
    const struct cenv_mf_dir *dir = &c->m->dirs[index];
    struct cenv_file_hash *hash = &c->hashes[thread];
    int rc = cenv_task_poll(c->task, err);
    if (rc == 0 && !hash->digest && !cenv_file_hash_init(hash, CENV_SHA256))
        rc = cenv_error_oom(err);
    for (uint32_t i = 0; i < dir->nr_files && rc == 0; i++)
        rc = read_file(c, dir->first_file + i, hash, err);
    return rc;
}

/*
 * A process that makes or removes a clone changes the ctime of every file it shares, one that
 * writes to a file that of this one. Where most files changed the evidence is drowned, and only a
 * caller that asks for "content" pays for reading them all.
 */
static bool must_read(const struct check *c)
{
    uint32_t later = 0;
    for (uint32_t i = 0; i < c->m->nr_files; i++)
        later += c->files[i] == LATER;
    return later && (c->asked->content || later <= c->m->nr_files / LINKED_BY_OTHERS);
}

/* ---- the findings ---- */

static int add_finding(struct check *c, struct cenv_str dir, const char *name,
                       const char *what, struct cenv_error *err)
{
    struct cenv_json_writer *w = c->asked->altered;
    struct cenv_buf path;
    cenv_buf_init(&path, PATH_BYTES_MAX);
    cenv_buf_addf(&path, "%.*s%s%s", CENV_STR_ARG(dir), dir.len && *name ? "/" : "",
                  name);
    cenv_json_write_object(w, NULL);
    cenv_json_write_str(w, "path", cenv_buf_str(&path));
    cenv_json_write_cstr(w, "what", what);
    cenv_json_write_end(w);
    c->asked->nr_altered++;
    bool failed = path.failed || w->out->failed;
    cenv_buf_release(&path);
    return failed ? cenv_error_oom(err) : 0;
}

static bool is_known(const struct check *c, const struct cenv_map *paths,
                     struct cenv_str dir, const struct cenv_dirent *entry)
{
    struct cenv_buf path;
    cenv_buf_init(&path, PATH_BYTES_MAX);
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
static bool is_bytecode(const struct cenv_dirent *entry)
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

static int list_added(struct check *c, const struct cenv_mf_dir *dir,
                      const struct cenv_map *dirs, struct cenv_error *err)
{
    struct cenv_str path = cenv_mf_str(c->m, dir->path);
    struct cenv_listing list;
    int rc = 0, fd = cenv_fs_open_beneath(c->root, path.data, 0, err);
    if (fd < 0)
        return fd;
    int failed = cenv_listing_read(&list, fd, true);
    if (failed < 0) {
        rc = cenv_fs_fail(err, failed, fd, NULL, "cannot list");
        cenv_fd_close(fd);
        return rc;
    }
    for (size_t i = 0; i < list.nr && rc == 0; i++) {
        const struct cenv_dirent *entry = &list.entries[i];
        if (!is_bytecode(entry) &&
            !has_file(c, dir, cenv_str_n(entry->name, entry->len)) &&
            !is_known(c, dirs, path, entry))
            rc = add_finding(c, path, entry->name, "added", err);
    }
    cenv_listing_release(&list);
    cenv_fd_close(fd);
    return rc;
}

static int list_files(struct check *c, const struct cenv_mf_dir *dir,
                      struct cenv_error *err)
{
    int rc = 0;
    for (uint32_t i = dir->first_file; i < dir->first_file + dir->nr_files && rc == 0;
         i++)
        if (c->files[i] > LATER)
            rc = add_finding(c, cenv_mf_str(c->m, dir->path),
                             cenv_mf_cstr(c->m, c->m->files[i].name),
                             finding_names[c->files[i]], err);
    return rc;
}

/* Of a directory that is missing, nothing in it is listed. */
static int list_dir(struct check *c, uint32_t index, const struct cenv_map *dirs,
                    struct cenv_error *err)
{
    const struct cenv_mf_dir *dir = &c->m->dirs[index];
    unsigned char found = c->dirs[index];
    int rc = 0;
    if (found == MISSING || found == MODE)
        rc =
            add_finding(c, cenv_mf_str(c->m, dir->path), "", finding_names[found], err);
    if (rc < 0 || found == MISSING)
        return rc;
    if (found != FINE)
        rc = list_added(c, dir, dirs, err);
    if (rc == 0)
        rc = list_files(c, dir, err);
    return rc;
}

static int list_findings(struct check *c, struct cenv_error *err)
{
    struct cenv_map dirs = {0};
    int rc = 0;
    for (uint32_t i = 0; i < c->m->nr_dirs && rc == 0; i++)
        if (!cenv_map_put(&dirs, cenv_mf_str(c->m, c->m->dirs[i].path), i))
            rc = cenv_error_oom(err);
    for (uint32_t i = 0; i < c->m->nr_dirs && rc == 0; i++)
        rc = list_dir(c, i, &dirs, err);
    cenv_map_release(&dirs);
    return rc;
}

/* ---- the check ---- */

/*
 * The manifest of a template is its own; that of another environment the store's last. *out stays
 * NULL where there is none, or it is damaged.
 */
static int open_manifest(const struct cenv_store *store, const char *path,
                         struct cenv_manifest **out, struct cenv_error *err)
{
    struct cenv_error bad = CENV_ERROR_INIT;
    struct cenv_buf name;
    char key[CENV_DIGEST_HEX_MAX];
    int manifests = store->dirs[CENV_STORE_MANIFESTS];
    cenv_buf_init(&name, PATH_BYTES_MAX);
    int rc = cenv_template_entry_of_prefix(store, path, &name, &bad);
    if (rc == 1)
        rc = cenv_manifest_open(out, CENV_CWD, name.data, NULL, &bad);
    else if (rc == 0 && cenv_digest_sha256_hex(cenv_str(path), key))
        rc = cenv_manifest_open(out, manifests, key, NULL, &bad);
    cenv_buf_release(&name);
    if (rc == CENV_ENOMEM || (rc == CENV_EOS && !cenv_raw_is_absent(-bad.os_errno)))
        return cenv_error_move(err, &bad);
    cenv_error_release(&bad);
    return 0;
}

/* One of another directory says nothing of this one. */
static int find_manifest(const struct cenv_store *store, const char *path,
                         const struct cenv_stat *st, struct cenv_manifest **out,
                         struct cenv_error *err)
{
    int rc = open_manifest(store, path, out, err);
    if (*out && ((*out)->header->dev != st->dev || (*out)->header->ino != st->ino)) {
        cenv_manifest_free(*out);
        *out = NULL;
    }
    return rc;
}

static int compare_all(struct check *c, struct cenv_error *err)
{
    unsigned threads = cenv_host_cpus() < THREADS_MAX ? cenv_host_cpus() : THREADS_MAX;
    c->files = cenv_calloc((size_t)c->m->nr_files + 1, 1);
    c->dirs = cenv_calloc((size_t)c->m->nr_dirs + 1, 1);
    if (!c->files || !c->dirs)
        return cenv_error_oom(err);
    int rc = cenv_pool_run(threads, c->m->nr_dirs, compare_dir, c, c->task, err);
    if (rc == 0 && must_read(c)) {
        rc = index_records(c, err);
        if (rc == 0)
            rc = cenv_pool_run(threads, c->m->nr_dirs, read_dir, c, c->task, err);
    }
    if (rc == 0)
        rc = list_findings(c, err);
    return rc;
}

static void release_check(struct check *c)
{
    cenv_fd_close(c->root);
    cenv_manifest_free(c->m);
    cenv_free(c->files);
    cenv_free(c->dirs);
    cenv_prefix_records_release(&c->records);
    cenv_map_release(&c->by_path);
    cenv_free(c->owned);
    for (size_t i = 0; i < THREADS_MAX; i++)
        cenv_file_hash_release(&c->hashes[i]);
}

/* An environment that is gone was altered too. */
static int check_root(struct check *c, const struct cenv_store *store,
                      struct cenv_error *err)
{
    struct cenv_check *asked = c->asked;
    struct cenv_stat st;
    c->root = cenv_raw_open_dir(CENV_CWD, asked->path);
    asked->known = c->root == -ENOENT;
    if (asked->known)
        return add_finding(c, CENV_STR(""), "", finding_names[MISSING], err);
    int failed = c->root < 0 ? c->root : cenv_raw_stat_fd(c->root, &st);
    if (failed < 0)
        return cenv_fs_fail(err, failed, CENV_CWD, asked->path, "cannot look at");
    int rc = find_manifest(store, asked->path, &st, &c->m, err);
    if (!c->m)
        return rc;
    asked->known = true;
    asked->checked = c->m->nr_files;
    return compare_all(c, err);
}

int cenv_check_environment(struct cenv_check *check, const struct cenv_store *store,
                           struct cenv_task *task, struct cenv_error *err)
{
    struct check c = {.asked = check, .root = -1, .task = task};
    struct cenv_span span = cenv_span_begin(CENV_STAGE_GUARD, "");
    int rc = check_root(&c, store, err);
    span.items = check->checked;
    cenv_span_end(task, &span);
    release_check(&c);
    return rc;
}

/* The path with links resolved, as manifests are kept; a missing one as it is. Caller frees. */
static char *real_or_same(const char *path)
{
    struct cenv_error ignored = CENV_ERROR_INIT;
    char *real = cenv_fs_realpath(path, &ignored);
    cenv_error_release(&ignored);
    return real ? real : cenv_strdup(path);
}

struct options {
    bool content;
    int64_t since_us;
};

static int parse_options(struct options *out, const char *text, struct cenv_error *err)
{
    static const struct cenv_option table[] = {
        {"content", CENV_OPTION_BOOL, offsetof(struct options, content), NULL},
        {"since_us", CENV_OPTION_INT, offsetof(struct options, since_us), NULL},
    };
    static const struct cenv_options options = CENV_OPTIONS("template check", table);
    struct cenv_json *doc = NULL;
    *out = (struct options){0};
    int rc = cenv_options_parse(&options, &doc, text, out, err);
    cenv_json_free(doc);
    return rc;
}

static int reply_check(struct cenv_check *check, struct cenv_store *store,
                       struct cenv_task *task, struct cenv_buf *out,
                       struct cenv_error *err)
{
    uint64_t start_ns = cenv_clock_ns();
    struct cenv_memory_check memory = {check->path, check->content, check->since_ns};
    uint32_t forgotten = 0;
    struct cenv_json_writer w;
    size_t before = out->len;
    cenv_json_writer_init(&w, out, 0);
    cenv_json_write_object(&w, NULL);
    cenv_json_write_array(&w, "altered");
    check->altered = &w;
    int rc = cenv_check_environment(check, store, task, err);
    if (rc == 0 && !check->nr_altered)
        rc = cenv_check_memory(&memory, store, &forgotten, task, err);
    cenv_json_write_end(&w);
    cenv_json_write_bool(&w, "known", check->known);
    cenv_json_write_u64(&w, "checked", check->checked);
    cenv_json_write_u64(&w, "forgotten", forgotten);
    cenv_json_write_seconds(&w, "seconds", cenv_clock_ns() - start_ns);
    cenv_json_write_end(&w);
    if (rc == 0)
        rc = cenv_json_writer_finish(&w, err);
    if (rc < 0)
        out->len = before;
    return rc;
}

int cenv_template_check(struct cenv_store *store, const char *path,
                        const char *options_json, struct cenv_task *task,
                        struct cenv_buf *out, struct cenv_error *err)
{
    struct options options;
    int rc = parse_options(&options, options_json, err);
    if (rc < 0)
        return rc;
    char *real = real_or_same(path);
    if (!real)
        return cenv_error_oom(err);
    struct cenv_check check = {
        .path = real, .content = options.content, .since_ns = options.since_us * US};
    rc = reply_check(&check, store, task, out, err);
    cenv_free(real);
    return rc;
}
