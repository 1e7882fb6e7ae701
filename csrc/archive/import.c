/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Taking in an archive of templates: all of it, or nothing. Each is made in a scratch directory of
 * the store; when all are, each is published by one rename. A failure takes back those that were.
 */
#include "archive/import_bundle.h"
#include "archive/import_members.h"
#include "base/clock.h"
#include "cenv.h"
#include "codec/options.h"
#include "codec/zstd.h"
#include "os/fs.h"
#include "os/raw_data.h"
#include "store/store_lock.h"

/* One process imports at a time: of several that read one archive the first does the work. */
#define LOCK_KEY "import"

/* Archives of formats 1 and 2 are compressed. */
static int read_open_archive(struct cenv_intake *x, const char *path, int fd,
                             uint64_t size)
{
    char start[sizeof(CENV_ZSTD_MAGIC) - 1];
    int64_t got = cenv_raw_pread(fd, start, sizeof(start), 0);
    if (got < 0)
        return cenv_fs_fail(x->err, (int)got, fd, NULL, "cannot read");
    bool old = cenv_str_is(cenv_str_n(start, (size_t)got), CENV_ZSTD_MAGIC);
    return old ? cenv_import_members(x, path) : cenv_import_bundle(x, fd, size);
}

static int read_archive(struct cenv_intake *x, const char *path)
{
    struct cenv_stat st;
    int fd = cenv_fs_open_named(path, &st, x->err);
    if (fd < 0)
        return fd;
    int rc = read_open_archive(x, path, fd, st.size);
    if (rc == CENV_EINTEGRITY || rc == CENV_EPREFIX)
        cenv_error_prefix(x->err, "archive '%s'", path);
    cenv_fd_close(fd);
    return rc;
}

static int import_archive(struct cenv_intake *x, const char *path, struct cenv_buf *out)
{
    uint64_t start_ns = cenv_clock_ns();
    size_t before = out->len;
    int rc = cenv_scratch_open(x->store, &x->scratch, x->err);
    if (rc < 0)
        return rc;
    rc = read_archive(x, path);
    if (rc == 0)
        rc = cenv_intake_publish(x);
    if (rc == 0)
        rc = cenv_intake_reply(x, start_ns, out);
    if (rc < 0) {
        out->len = before;
        cenv_intake_take_back(x);
    }
    x->scratch.hurried = rc == CENV_ECANCELLED;
    cenv_scratch_close(x->store, &x->scratch);
    return rc;
}

static int import_in_turn(struct cenv_intake *x, const char *path, struct cenv_buf *out)
{
    struct cenv_span span = cenv_span_begin(CENV_STAGE_IMPORT, "");
    struct cenv_lock *lock;
    int rc = cenv_store_lock_take(x->store, LOCK_KEY, &lock, x->task, x->err);
    if (rc == 0) {
        rc = import_archive(x, path, out);
        cenv_store_lock_release(x->store, LOCK_KEY, lock);
    }
    cenv_span_end(x->task, &span);
    return rc;
}

struct wanted {
    const struct cenv_json *virtual_packages;
    struct cenv_fetch_options fetch;
};

static int parse_options(struct cenv_intake *x, struct cenv_json **doc,
                         const char *text)
{
    static const struct cenv_option table[] = {
        {"virtual_packages", CENV_OPTION_LIST,
         offsetof(struct wanted, virtual_packages), NULL},
        CENV_FETCH_OPTION_ROWS(struct wanted, fetch),
    };
    static const struct cenv_options options = CENV_OPTIONS("template import", table);
    struct wanted wanted = {0};
    int rc = cenv_options_parse(&options, doc, text, &wanted, x->err);
    x->fetch = wanted.fetch;
    if (rc == 0)
        rc = cenv_request_parse_virtuals(&x->machine, wanted.virtual_packages,
                                         &x->arena, x->err);
    return rc;
}

int cenv_template_import(struct cenv_store *store, const char *path,
                         const char *options_json, struct cenv_task *task,
                         struct cenv_buf *out, struct cenv_error *err)
{
    struct cenv_intake x = {.store = store, .end = &x.items, .task = task, .err = err};
    struct cenv_json *doc = NULL;
    struct cenv_lease *lease = NULL;
    cenv_arena_init(&x.arena);
    int rc = parse_options(&x, &doc, options_json);
    if (rc == 0)
        rc = cenv_lease_take(store, &lease, err);
    if (rc == 0)
        rc = import_in_turn(&x, path, out);
    cenv_lease_free(lease);
    cenv_json_free(doc);
    cenv_arena_release(&x.arena);
    return rc;
}
