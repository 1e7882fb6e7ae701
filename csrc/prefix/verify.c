/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Every file of a prefix against its records. A path that several packages claim is right when it
 * is as any of them says: which one won is not written down. Records are those of conda, mamba and
 * rattler, which differ in what they say of rewritten files and links (docs/design/clone.md 8): the
 * hash in the prefix counts, and where there is none, rattler and plain files have that of the
 * package.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/pool.h"
#include "cenv.h"
#include "codec/json_writer.h"
#include "os/fs.h"
#include "os/fs_dir.h"
#include "os/fs_where.h"
#include "os/host.h"
#include "os/path.h"
#include "prefix/file_hash.h"
#include "prefix/history.h"
#include "prefix/prefix_records.h"

enum { BATCH = 32, THREADS_MAX = 16 };
enum verdict { FINE, MISSING, ALTERED };

struct claim {
    const struct cenv_prefix_path *path;
    uint8_t verdict;
};

struct verification {
    int root;
    struct cenv_prefix_records prefix;
    struct claim *claims; /* sorted by path; those of one path side by side */
    size_t nr;
    size_t *starts; /* of the claims of each path, and the end */
    size_t nr_paths;
    struct cenv_file_hash hashes[THREADS_MAX];
    struct cenv_task *task;
};

/* ---- one file ---- */

static bool type_fits(const struct cenv_prefix_path *path, const struct cenv_stat *st)
{
    switch (path->type) {
    case CENV_PATH_SOFTLINK:
        return st->type == CENV_FT_SYMLINK;
    case CENV_PATH_DIRECTORY:
        return st->type == CENV_FT_DIR;
    default: /* early records call links hard links */
        return st->type == CENV_FT_FILE || st->type == CENV_FT_SYMLINK;
    }
}

/* A link of the user's own packages is followed, as the writer of the hash followed it. */
static int hash_content(struct verification *v, struct cenv_file_hash *hash,
                        const char *path, bool follow, char *hex,
                        struct cenv_error *err)
{
    struct cenv_buf full;
    int fd = -1;
    cenv_buf_init(&full, 1 << 20);
    if (!follow)
        fd = cenv_fs_open_file(v->root, path, NULL, err);
    else if (!cenv_fs_path_of(v->root, path, &full))
        fd = cenv_error_oom(err);
    else
        fd = cenv_fs_open_named(full.data, NULL, err);
    cenv_buf_release(&full);
    if (fd < 0)
        return fd;
    int rc = cenv_file_hash_fd(hash, fd, path, hex, NULL, v->task, err);
    cenv_fd_close(fd);
    return rc;
}

/* The SHA-256 of what the link says. */
static int hash_target(struct verification *v, struct cenv_file_hash *hash,
                       const char *path, char *hex, struct cenv_error *err)
{
    struct cenv_buf target;
    cenv_buf_init(&target, 1 << 16);
    int rc = cenv_fs_readlink(v->root, path, &target, err);
    if (rc == 0 && !cenv_file_hash_bytes(hash, cenv_buf_str(&target), hex))
        rc = cenv_error_oom(err);
    cenv_buf_release(&target);
    return rc;
}

/* rattler hashes what a link says, mamba what it leads to, or nothing when that is not there. */
static int check_link(struct verification *v, struct cenv_file_hash *hash,
                      const char *path, struct cenv_str wanted, struct cenv_error *err)
{
    char hex[CENV_DIGEST_HEX_MAX];
    struct cenv_error bad = CENV_ERROR_INIT;
    int rc = hash_target(v, hash, path, hex, err);
    if (rc < 0)
        return rc;
    if (cenv_str_is(wanted, hex))
        return FINE;
    rc = hash_content(v, hash, path, true, hex, &bad);
    if (rc == CENV_EOS && cenv_file_hash_bytes(hash, CENV_STR(""), hex))
        rc = 0;
    if (rc < 0)
        return cenv_error_move(err, &bad);
    cenv_error_release(&bad);
    return cenv_str_is(wanted, hex) ? FINE : ALTERED;
}

static int check_file(struct verification *v, struct cenv_file_hash *hash,
                      const struct cenv_prefix_path *path, struct cenv_error *err)
{
    struct cenv_stat st;
    char hex[CENV_DIGEST_HEX_MAX];
    const char *name = path->real.data;
    struct cenv_str wanted = cenv_prefix_records_path_hash(path);
    int raw = cenv_raw_stat(v->root, name, &st);
    if (raw == -ENOENT || raw == -ENOTDIR || raw == -ELOOP)
        return cenv_prefix_records_is_bytecode(path) ? FINE : MISSING;
    if (raw < 0)
        return cenv_fs_fail(err, raw, v->root, name, "cannot look at");
    if (!type_fits(path, &st))
        return ALTERED;
    if (!wanted.len || st.type == CENV_FT_DIR)
        return FINE;
    if (st.type == CENV_FT_SYMLINK)
        return check_link(v, hash, name, wanted, err);
    int rc = hash_content(v, hash, name, false, hex, err);
    if (rc < 0)
        return rc;
    return cenv_str_is(wanted, hex) ? FINE : ALTERED;
}

static int check_path(struct verification *v, struct cenv_file_hash *hash, size_t index,
                      struct cenv_error *err)
{
    struct claim *first = &v->claims[v->starts[index]];
    int best = MISSING;
    for (struct claim *claim = first; claim < &v->claims[v->starts[index + 1]];
         claim++) {
        int verdict = check_file(v, hash, claim->path, err);
        if (verdict < 0)
            return verdict;
        best = claim == first || verdict == FINE ? verdict : best;
        if (best == FINE)
            break;
    }
    first->verdict = (uint8_t)best;
    return 0;
}

static int check_batch(void *ctx, size_t index, unsigned thread, struct cenv_error *err)
{
    struct verification *v = ctx;
    struct cenv_file_hash *hash = &v->hashes[thread];
    size_t end = (index + 1) * BATCH < v->nr_paths ? (index + 1) * BATCH : v->nr_paths;
    int rc = cenv_task_poll(v->task, err);
    if (rc == 0 && !hash->digest && !cenv_file_hash_init(hash, CENV_SHA256))
        rc = cenv_error_oom(err);
    for (size_t i = index * BATCH; i < end && rc == 0; i++)
        rc = check_path(v, hash, i, err);
    cenv_task_advance(v->task, end - index * BATCH);
    return rc;
}

/* ---- all files ---- */

static int compare_claims(const void *a, const void *b)
{
    const struct claim *left = a, *right = b;
    return cenv_str_cmp(left->path->real, right->path->real);
}

static int collect_claims(struct verification *v, struct cenv_error *err)
{
    size_t nr = 0;
    for (size_t i = 0; i < v->prefix.nr; i++)
        nr += v->prefix.records[i].nr_paths;
    v->claims = cenv_calloc(nr, sizeof(*v->claims));
    v->starts = cenv_calloc(nr + 1, sizeof(*v->starts));
    if (!v->claims || !v->starts)
        return cenv_error_oom(err);
    for (size_t i = 0; i < v->prefix.nr; i++)
        for (size_t j = 0; j < v->prefix.records[i].nr_paths; j++)
            v->claims[v->nr++].path = &v->prefix.records[i].paths[j];
    if (v->nr > 1)
        qsort(v->claims, v->nr, sizeof(*v->claims), compare_claims);
    for (size_t i = 0; i < v->nr; i++)
        if (i == 0 || compare_claims(&v->claims[i - 1], &v->claims[i]) != 0)
            v->starts[v->nr_paths++] = i;
    v->starts[v->nr_paths] = v->nr;
    return 0;
}

static int check_all(struct verification *v, struct cenv_error *err)
{
    unsigned threads = cenv_host_cpus();
    struct cenv_span span = cenv_span_begin(CENV_STAGE_VERIFY, "");
    threads = threads < THREADS_MAX ? threads : THREADS_MAX;
    cenv_task_progress(v->task, CENV_STAGE_VERIFY, v->nr_paths);
    int rc = cenv_pool_run(threads, (v->nr_paths + BATCH - 1) / BATCH, check_batch, v,
                           v->task, err);
    span.items = v->nr_paths;
    cenv_span_end(v->task, &span);
    return rc;
}

/* ---- what nobody claims ---- */

struct unmanaged {
    struct verification *v;
    struct cenv_buf *paths; /* a NUL behind each */
};

static const struct claim *find_claim(const struct verification *v,
                                      struct cenv_str path)
{
    struct cenv_prefix_path wanted = {.real = path};
    struct claim key = {.path = &wanted};
    return v->nr ? bsearch(&key, v->claims, v->nr, sizeof(key), compare_claims) : NULL;
}

/* Of conda, mamba, rattler and pixi themselves, and what conda does not count to an environment. */
static bool is_tools_own(struct cenv_str path)
{
    static const char *const names[] = {"conda-meta", "CACHEDIR.TAG",  ".guard",
                                        ".trash",     ".condatmp",     "__clobbers__",
                                        "pkgs",       "envs",          "conda-bld",
                                        ".nonadmin",  ".messages.txt", ".cph_tmp"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (cenv_str_is(path, names[i]))
            return true;
    return false;
}

/* "d/__pycache__/m.cpython-312.pyc" of a d/m.py that is there: as good as its source. */
static int is_cached_bytecode(const struct verification *v, struct cenv_str path,
                              struct cenv_error *err)
{
    struct cenv_str dir = cenv_path_parent(path), base = cenv_path_base(path);
    struct cenv_buf source;
    if (!cenv_str_ends(base, CENV_STR(".pyc")) ||
        !cenv_str_is(cenv_path_base(dir), "__pycache__"))
        return 0;
    dir = cenv_path_parent(dir);
    struct cenv_str module = cenv_str_cut(&base, '.');
    cenv_buf_init(&source, 1 << 16);
    cenv_buf_addf(&source, "%.*s%s%.*s.py", CENV_STR_ARG(dir), dir.len ? "/" : "",
                  CENV_STR_ARG(module));
    int there =
        source.failed ? cenv_error_oom(err) : cenv_fs_exists(v->root, source.data, err);
    cenv_buf_release(&source);
    return there;
}

static int note_unmanaged(void *ctx, const struct cenv_walk_entry *at,
                          struct cenv_error *err)
{
    struct unmanaged *unmanaged = ctx;
    if (is_tools_own(at->path) && !find_claim(unmanaged->v, at->path))
        return CENV_WALK_SKIP;
    if (at->entry.type == CENV_FT_DIR || find_claim(unmanaged->v, at->path))
        return 0;
    int cached = is_cached_bytecode(unmanaged->v, at->path, err);
    if (cached != 0)
        return cached < 0 ? cached : 0;
    cenv_buf_add_str(unmanaged->paths, at->path);
    cenv_buf_putc(unmanaged->paths, '\0');
    return unmanaged->paths->failed ? cenv_error_oom(err) : 0;
}

/* ---- the report ---- */

static size_t count_verdicts(const struct verification *v, enum verdict verdict)
{
    size_t nr = 0;
    for (size_t i = 0; i < v->nr_paths; i++)
        nr += v->claims[v->starts[i]].verdict == verdict;
    return nr;
}

static void write_verdicts(struct cenv_json_writer *w, const char *key,
                           const struct verification *v, enum verdict verdict)
{
    cenv_json_write_array(w, key);
    for (size_t i = 0; i < v->nr_paths; i++)
        if (v->claims[v->starts[i]].verdict == verdict)
            cenv_json_write_str(w, NULL, v->claims[v->starts[i]].path->path);
    cenv_json_write_end(w);
}

static int write_report(const struct verification *v, struct cenv_str unmanaged,
                        struct cenv_buf *out, struct cenv_error *err)
{
    bool ok = count_verdicts(v, MISSING) + count_verdicts(v, ALTERED) == 0;
    struct cenv_json_writer w;
    cenv_json_writer_init(&w, out, 0);
    cenv_json_write_object(&w, NULL);
    cenv_json_write_bool(&w, "ok", ok);
    write_verdicts(&w, "missing", v, MISSING);
    write_verdicts(&w, "altered", v, ALTERED);
    cenv_json_write_array(&w, "unmanaged");
    while (unmanaged.len)
        cenv_json_write_str(&w, NULL, cenv_str_cut(&unmanaged, '\0'));
    cenv_json_write_end(&w);
    cenv_json_write_array(&w, "warnings");
    for (size_t i = 0; i < v->prefix.nr_warnings; i++)
        cenv_json_write_str(&w, NULL, v->prefix.warnings[i]);
    cenv_json_write_end(&w);
    cenv_json_write_u64(&w, "checked", v->nr_paths);
    cenv_json_write_end(&w);
    return cenv_json_writer_finish(&w, err);
}

static int verify_environment(struct verification *v, const char *path,
                              struct cenv_buf *out, struct cenv_error *err)
{
    struct cenv_buf unmanaged;
    struct unmanaged ctx = {v, &unmanaged};
    int rc = cenv_history_exists(v->root, err);
    if (rc == 0) {
        cenv_error_set(err, CENV_EPREFIX, "'%s' is not a conda environment", path);
        return cenv_error_hint(err, "an environment has the file conda-meta/history");
    }
    if (rc == 1)
        rc = cenv_prefix_records_read(&v->prefix, v->root, path, v->task, err);
    if (rc < 0)
        return rc;
    cenv_buf_init(&unmanaged, out->max);
    rc = collect_claims(v, err);
    if (rc == 0)
        rc = check_all(v, err);
    if (rc == 0)
        rc = cenv_fs_walk(v->root, true, note_unmanaged, &ctx, v->task, err);
    if (rc == 0)
        rc = write_report(v, cenv_buf_str(&unmanaged), out, err);
    cenv_buf_release(&unmanaged);
    cenv_prefix_records_release(&v->prefix);
    return rc;
}

int cenv_verify(const char *prefix, struct cenv_task *task, struct cenv_buf *out,
                struct cenv_error *err)
{
    struct verification v = {.task = task};
    v.root = cenv_fs_open_root(prefix, err);
    if (v.root < 0)
        return v.root;
    int rc = verify_environment(&v, prefix, out, err);
    for (size_t i = 0; i < THREADS_MAX; i++)
        cenv_file_hash_release(&v.hashes[i]);
    cenv_free(v.claims);
    cenv_free(v.starts);
    cenv_fd_close(v.root);
    return rc;
}
