/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * For a package's file the truth is the pristine file in the package cache, if it is still there
 * with the recorded hash and gives, at this path, the very bytes that lie here. Otherwise it is
 * what the record says of the placeholder, and else the search for the environment's own names.
 */
#include "manifest/manifest_foreign.h"

#include "base/alloc.h"
#include "base/digest.h"
#include "base/hex.h"
#include "base/map.h"
#include "manifest/former_prefix.h"
#include "manifest/manifest_build.h"
#include "os/fs.h"
#include "os/fs_beneath.h"
#include "os/fs_data.h"
#include "os/path.h"
#include "package/paths_json.h"
#include "relocate/prefix_names.h"
#include "relocate/splice.h"

/* How many times as long as the file here its pristine one may be: by longer placeholders. */
enum { PRISTINE_RATIO = 256 };

/* What is known of one path. */
struct owned {
    const struct cenv_prefix_record *record;
    const struct cenv_prefix_path *path;
    struct cenv_str placeholder; /* of the record, else of its package */
    uint8_t file_mode;
};

struct foreign {
    struct cenv_prefix_records records;
    struct cenv_prefix_names names;
    struct cenv_arena arena;
    struct owned *owned;
    size_t nr_owned, alloc_owned;
    struct cenv_map by_path;
    const struct cenv_manifest_hints *hints;
};

/* ---- what records say ---- */

static int add_owned(struct foreign *f, const struct cenv_prefix_record *record,
                     const struct cenv_prefix_path *path, struct cenv_error *err)
{
    void *owned = f->owned;
    if (!cenv_grow(&owned, &f->alloc_owned, f->nr_owned, sizeof(*f->owned)))
        return cenv_error_oom(err);
    f->owned = owned;
    f->owned[f->nr_owned] = (struct owned){.record = record,
                                           .path = path,
                                           .placeholder = path->placeholder,
                                           .file_mode = (uint8_t)path->file_mode};
    if (!cenv_map_put(&f->by_path, path->real, (uint32_t)f->nr_owned))
        return cenv_error_oom(err);
    f->nr_owned++;
    return 0;
}

/* Where a path of the prefix lies in its package; false when out of memory. */
static bool package_path(const struct foreign *f, const struct owned *o,
                         struct cenv_buf *out)
{
    struct cenv_str path = o->path->path, sp = f->records.site_packages;
    if (cenv_str_is(o->record->noarch, "python") && sp.len &&
        cenv_str_starts(path, sp) && path.len > sp.len && path.data[sp.len] == '/')
        cenv_buf_addf(out, "site-packages%.*s",
                      CENV_STR_ARG(cenv_str_slice(path, sp.len, path.len)));
    else if (cenv_str_is(o->record->noarch, "python") &&
             cenv_str_starts(path, CENV_STR("bin/")))
        cenv_buf_addf(out, "python-scripts/%.*s",
                      CENV_STR_ARG(cenv_str_slice(path, 4, path.len)));
    else
        cenv_buf_add_str(out, path);
    return !out->failed;
}

/* mamba leaves placeholder and mode out of its records: the extracted package has them. */
static int add_package_placeholders(struct foreign *f, size_t first,
                                    const struct cenv_paths_json *info,
                                    struct cenv_error *err)
{
    struct cenv_map inner = {0};
    int rc = 0;
    for (uint32_t i = 0; i < info->nr && rc == 0; i++)
        if (info->paths[i].placeholder.len &&
            !cenv_map_put(&inner, info->paths[i].path, i))
            rc = cenv_error_oom(err);
    for (size_t i = first; i < f->nr_owned && rc == 0; i++) {
        struct owned *o = &f->owned[i];
        struct cenv_buf path;
        cenv_buf_init(&path, 1 << 16);
        bool known = package_path(f, o, &path);
        uint32_t at = cenv_map_get(&inner, cenv_buf_str(&path));
        cenv_buf_release(&path);
        if (!known)
            rc = cenv_error_oom(err);
        if (at == CENV_NONE)
            continue;
        o->placeholder = cenv_arena_str(&f->arena, info->paths[at].placeholder);
        o->file_mode = (uint8_t)info->paths[at].file_mode;
        if (!o->placeholder.data)
            rc = cenv_error_oom(err);
    }
    cenv_map_release(&inner);
    return rc;
}

/* -1 for a failure that says that the file is gone or altered, else its status. */
static int take_for_gone(struct cenv_error *own, struct cenv_error *err)
{
    if (!cenv_fs_blames_file(own))
        return cenv_error_move(err, own);
    cenv_error_release(own);
    return -1;
}

/* The extracted package, or -1: a cache may have been emptied since; or a status. */
static int open_package(const struct cenv_prefix_record *record, struct cenv_error *err)
{
    struct cenv_error own = CENV_ERROR_INIT;
    if (!record->source.len || record->source.data[0] != '/')
        return -1;
    char *path = cenv_memdup(record->source.data, record->source.len);
    int fd = path ? cenv_fs_open_root(path, &own) : cenv_error_oom(&own);
    cenv_free(path);
    return fd < 0 ? take_for_gone(&own, err) : fd;
}

/* The package's documents fill in what a record leaves out. */
static int complete_record(struct foreign *f, const struct cenv_prefix_record *record,
                           size_t first, struct cenv_error *err)
{
    struct cenv_error own = CENV_ERROR_INIT;
    struct cenv_paths_json info = {0};
    int fd = open_package(record, err);
    if (fd < 0)
        return fd == -1 ? 0 : fd;
    int rc = cenv_paths_json_parse(&info, fd, record->file.data, &own);
    if (rc == 0)
        rc = add_package_placeholders(f, first, &info, err);
    else if (take_for_gone(&own, err) == -1)
        rc = 0;
    cenv_paths_json_release(&info);
    cenv_fd_close(fd);
    return rc;
}

static int add_record(struct foreign *f, const struct cenv_prefix_record *record,
                      struct cenv_error *err)
{
    size_t first = f->nr_owned;
    bool recorded = false;
    int rc = 0;
    for (size_t i = 0; i < record->nr_paths && rc == 0; i++) {
        recorded |= record->paths[i].placeholder.len > 0;
        rc = add_owned(f, record, &record->paths[i], err);
    }
    return rc == 0 && !recorded ? complete_record(f, record, first, err) : rc;
}

static int add_records(struct foreign *f, struct cenv_task *task,
                       struct cenv_error *err)
{
    int rc = 0;
    for (size_t i = 0; i < f->records.nr && rc == 0; i++) {
        rc = cenv_task_poll(task, err);
        if (rc == 0)
            rc = add_record(f, &f->records.records[i], err);
    }
    return rc;
}

/* ---- looking ---- */

/* 1 when `data` has the SHA-256 `hex`, 0, or a status. */
static int has_hash(struct cenv_str data, struct cenv_str hex, struct cenv_task *task,
                    struct cenv_error *err)
{
    unsigned char got[CENV_SHA256_LEN], want[CENV_SHA256_LEN];
    if (!cenv_unhex(hex, want, sizeof(want)))
        return 0;
    int rc = cenv_digest_sha256(data, got, task, err);
    if (rc < 0)
        return rc;
    return memcmp(got, want, sizeof(want)) == 0;
}

/* A file of the package, appended. */
static int read_inner(int package, struct cenv_str path, struct cenv_buf *out,
                      struct cenv_error *err)
{
    int dir = cenv_raw_open_beneath(package, cenv_path_parent(path), 0);
    if (dir < 0)
        return cenv_fs_fail(err, dir, package, path.data, "cannot open");
    int rc = cenv_fs_read_file(dir, cenv_path_base(path).data, out, err);
    cenv_fd_close(dir);
    return rc;
}

/* The pristine file of the package cache, appended: 1; 0 when it is gone or altered; a status. */
static int read_pristine(const struct foreign *f, const struct owned *o,
                         struct cenv_buf *out, struct cenv_task *task,
                         struct cenv_error *err)
{
    struct cenv_error own = CENV_ERROR_INIT;
    struct cenv_buf path;
    int package = o->path->sha256.len ? open_package(o->record, err) : -1;
    if (package < 0)
        return package == -1 ? 0 : package;
    cenv_buf_init(&path, 1 << 16);
    int rc = package_path(f, o, &path)
                 ? read_inner(package, cenv_buf_str(&path), out, &own)
                 : cenv_error_oom(&own);
    if (rc == 0)
        rc = has_hash(cenv_buf_str(out), o->path->sha256, task, err);
    else if ((rc = take_for_gone(&own, err)) == -1)
        rc = 0;
    cenv_fd_close(package);
    cenv_buf_release(&path);
    return rc;
}

/*
 * Sites of the pristine file, if it gives the file here at one of its names. Otherwise *matched is
 * false and `out` untouched.
 */
static int match_pristine(const struct foreign *f, const struct owned *o,
                          struct cenv_str pristine, struct cenv_str data,
                          struct cenv_task *task, struct cenv_sites *out, bool *matched,
                          struct cenv_error *err)
{
    enum cenv_file_mode mode = (enum cenv_file_mode)o->file_mode;
    struct cenv_sites sites = {0};
    int rc = cenv_sites_scan(&sites, pristine, o->placeholder, mode, task, err);
    *matched = false;
    for (size_t i = 0; i < f->names.nr && rc == 0 && !*matched; i++) {
        const struct cenv_forms *forms = &f->names.forms[i];
        struct cenv_error unfit = CENV_ERROR_INIT;
        struct cenv_buf made;
        cenv_buf_init(&made, data.len + 1); /* more cannot be equal */
        *matched =
            cenv_splice_apply(&sites, pristine, forms, task, &made, &unfit) == 0 &&
            cenv_str_eq(cenv_buf_str(&made), data);
        bool longer = made.failed == CENV_BUF_FULL;
        if (!*matched && !longer && !cenv_fs_blames_file(&unfit))
            rc = cenv_error_move(err, &unfit);
        cenv_error_release(&unfit);
        cenv_buf_release(&made);
        if (*matched)
            rc = cenv_splice_rebase(&sites, forms, err);
    }
    if (rc == 0 && *matched)
        *out = sites;
    else
        cenv_sites_release(&sites);
    return rc;
}

/* Only the file here and the record's word: a binary has the room of its placeholder. */
static int scan_recorded(const struct foreign *f, const struct owned *o,
                         struct cenv_str data, struct cenv_task *task,
                         struct cenv_scan_result *result, struct cenv_error *err)
{
    struct cenv_search_names names = cenv_prefix_names_view(&f->names);
    struct cenv_search_package package = {.mode = (enum cenv_file_mode)o->file_mode,
                                          .placeholder = (uint32_t)o->placeholder.len};
    return cenv_path_search_package(&result->sites, data, &package, &names, task,
                                    &result->reason, err);
}

/* A file that is no package's, or not any more. */
static int scan_own(const struct foreign *f, const struct owned *o,
                    struct cenv_str data, struct cenv_task *task,
                    struct cenv_scan_result *result, struct cenv_error *err)
{
    struct cenv_search_names names = cenv_prefix_names_view(&f->names);
    struct cenv_search_file file = {.data = data, .path = o->path->path};
    result->flags &= (uint8_t)~CENV_MF_MANAGED;
    return cenv_path_search(&result->sites, &file, &names, task, &result->reason, err);
}

/* pip may have put a file of its own there: then no record speaks for it. */
static int scan_unmatched(const struct foreign *f, const struct owned *o,
                          struct cenv_str data, struct cenv_task *task,
                          struct cenv_scan_result *result, struct cenv_error *err)
{
    struct cenv_str recorded = o->path->sha256_in_prefix;
    int known = recorded.len ? has_hash(data, recorded, task, err) : 1;
    if (known < 0)
        return known;
    return known ? scan_recorded(f, o, data, task, result, err)
                 : scan_own(f, o, data, task, result, err);
}

static int scan_placeholder_file(const struct foreign *f, const struct owned *o,
                                 const struct cenv_scan_target *what,
                                 struct cenv_scan_result *result,
                                 struct cenv_error *err)
{
    struct cenv_buf data, pristine;
    cenv_buf_init(&data, what->st->size + 1);
    cenv_buf_init(&pristine, PRISTINE_RATIO * (what->st->size + 4096));
    bool matched = false;
    int rc = cenv_scan_file_read(what, &data, err);
    if (rc == 0)
        rc = read_pristine(f, o, &pristine, what->task, err);
    if (rc > 0)
        rc = match_pristine(f, o, cenv_buf_str(&pristine), cenv_buf_str(&data),
                            what->task, &result->sites, &matched, err);
    if (rc == 0 && !matched)
        rc = scan_unmatched(f, o, cenv_buf_str(&data), what->task, result, err);
    cenv_buf_release(&data);
    cenv_buf_release(&pristine);
    return rc;
}

/* "#!<exe>" and nothing else: as conda and pip write it, with their own limit. */
static void mark_entry_point(const struct owned *o, struct cenv_sites *sites)
{
    if (o->path->type == CENV_PATH_ENTRY_POINT && sites->style == CENV_SHEBANG_LINE &&
        sites->exe_from == 2 && sites->exe_to == sites->line_len)
        sites->style = CENV_SHEBANG_ENTRY;
}

/*
 * A package's file without a placeholder that names the environment. An unaltered one says what it
 * says. mamba's records leave placeholders out, so one that is as its installer left it has the
 * package's text; one that somebody replaced is anybody's.
 */
static int scan_replaced(const struct foreign *f, const struct owned *o,
                         struct cenv_str data, struct cenv_task *task,
                         struct cenv_scan_result *result, struct cenv_error *err)
{
    struct cenv_search_names names = cenv_prefix_names_view(&f->names);
    bool binary = cenv_str_find(data, '\0') < data.len;
    struct cenv_search_package package = {.mode = binary ? CENV_MODE_BINARY
                                                         : CENV_MODE_TEXT};
    int known = has_hash(data, o->path->sha256, task, err);
    if (known != 0)
        return known < 0 ? known : 0;
    known = has_hash(data, o->path->sha256_in_prefix, task, err);
    if (known < 0)
        return known;
    if (!known)
        return scan_own(f, o, data, task, result, err);
    result->flags &= (uint8_t)~CENV_MF_MANAGED;
    return cenv_path_search_package(&result->sites, data, &package, &names, task,
                                    &result->reason, err);
}

static int scan_plain_file(const struct foreign *f, const struct owned *o,
                           const struct cenv_scan_target *what,
                           struct cenv_scan_result *result, struct cenv_error *err)
{
    struct cenv_search_names names = cenv_prefix_names_view(&f->names);
    struct cenv_buf data;
    if (o->path->type != CENV_PATH_HARDLINK) {
        int rc = cenv_scan_file(what, &names, result, err);
        mark_entry_point(o, &result->sites);
        return rc;
    }
    int rc = cenv_scan_file_mentions(what, &names, result, err);
    if (rc <= 0)
        return rc;
    cenv_buf_init(&data, what->st->size + 1);
    rc = cenv_scan_file_read(what, &data, err);
    if (rc == 0)
        rc = scan_replaced(f, o, cenv_buf_str(&data), what->task, result, err);
    cenv_buf_release(&data);
    return rc;
}

static int scan_foreign(void *ctx, const struct cenv_scan_target *what,
                        struct cenv_scan_result *result, struct cenv_error *err)
{
    const struct foreign *f = ctx;
    struct cenv_search_names names = cenv_prefix_names_view(&f->names);
    int known = f->hints->known ? f->hints->known(f->hints->ctx, what, result, err) : 0;
    if (known != 0)
        return known < 0 ? known : 0;
    uint32_t i = cenv_map_get(&f->by_path, what->path);
    const struct owned *o = i == CENV_NONE ? NULL : &f->owned[i];
    if (!o)
        return cenv_scan_file(what, &names, result, err);
    result->flags = CENV_MF_MANAGED | (o->path->no_link ? CENV_MF_SENSITIVE : 0);
    if (o->placeholder.len)
        return scan_placeholder_file(f, o, what, result, err);
    return scan_plain_file(f, o, what, result, err);
}

/* ---- the whole ---- */

/* A former name is one more, and no better known than any that a user wrote. */
static int add_former_name(struct foreign *f, int root, struct cenv_task *task,
                           struct cenv_buf *former, struct cenv_error *err)
{
    int rc = cenv_former_prefix_find(&f->records, root, &f->names, task, former, err);
    if (rc == 0 && former->len)
        rc = cenv_prefix_names_add(&f->names, cenv_buf_str(former), err);
    return rc;
}

int cenv_manifest_of_environment(struct cenv_manifest **out, int root, const char *path,
                                 const struct cenv_manifest_hints *hints,
                                 struct cenv_task *task, struct cenv_error *err)
{
    struct foreign f = {.hints = hints};
    const struct cenv_manifest *old = hints->old;
    struct cenv_buf former;
    cenv_buf_init(&former, CENV_PATH_PACKAGE_MAX * 4);
    cenv_arena_init(&f.arena);
    int rc = cenv_prefix_names_find(&f.names, root, path, err);
    if (rc == 0)
        rc = cenv_prefix_records_read(&f.records, root, path, task, err);
    if (rc == 0)
        rc = add_former_name(&f, root, task, &former, err);
    if (rc == 0)
        rc = add_records(&f, task, err);
    struct cenv_manifest_inputs inputs = {.root = root,
                                          .prefix = cenv_str(path),
                                          .names = cenv_prefix_names_view(&f.names),
                                          .former = cenv_buf_str(&former),
                                          .records = &f.records,
                                          .old = old,
                                          .cloned = hints->cloned,
                                          .shared = hints->shared,
                                          .scan = scan_foreign,
                                          .ctx = &f};
    /* Sites of another name of it are no good here. */
    if (old && !hints->cloned &&
        !cenv_str_eq(cenv_mf_str(old, old->header->prefix), inputs.prefix))
        inputs.old = NULL;
    if (rc == 0)
        rc = cenv_manifest_build(out, &inputs, task, err);
    cenv_buf_release(&former);
    cenv_free(f.owned);
    cenv_map_release(&f.by_path);
    cenv_prefix_records_release(&f.records);
    cenv_prefix_names_release(&f.names);
    cenv_arena_release(&f.arena);
    return rc;
}
