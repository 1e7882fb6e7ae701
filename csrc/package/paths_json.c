/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Package metadata for linking. paths.json (version 1) when there is one; packages older than it
 * have `files`, `has_prefix`, `no_link` and `no_softlink`, of which the last is taken as no_link by
 * every installer. Facts are those of the extracted files, so that a damaged one is never linked.
 */
#include "package/paths_json.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/hex.h"
#include "base/map.h"
#include "codec/json.h"
#include "os/fs.h"
#include "os/fs_beneath.h"
#include "os/fs_data.h"
#include "os/fs_dir.h"
#include "os/path.h"
#include "package/info_file.h"

enum { MAX_LIST = 64 << 20 };      /* bytes of one legacy list */
enum { ENTRY_POINTS_MAX = 10000 }; /* each becomes a script */

struct parsing {
    struct cenv_paths_json *info;
    int content, meta; /* meta: info/ */
    const char *name;
    struct cenv_error *err;
};

static int fail_broken(struct parsing *r, const char *file, const char *what,
                       struct cenv_str value)
{
    cenv_error_set(r->err, CENV_EINTEGRITY, "package %s: info/%s: %s '%.*s'", r->name,
                   file, what, CENV_STR_ARG(cenv_str_slice(value, 0, 300)));
    return cenv_error_hint(r->err,
                           "the package is damaged or made wrong; ask its channel");
}

/* 1 when it is there, 0 when not; CENV_EINTEGRITY for what is no file. */
static int find_file(struct parsing *r, const char *file)
{
    int rc = cenv_info_file_find(r->meta, file, r->err);

    return rc < 0 ? cenv_error_prefix(r->err, "package %s", r->name) : rc;
}

/* 1 with the text in the arena, 0 when there is no such file. */
static int read_text(struct parsing *r, const char *file, struct cenv_str *out)
{
    struct cenv_buf text;
    int rc = find_file(r, file);

    if (rc != 1)
        return rc;
    cenv_buf_init(&text, MAX_LIST);
    rc = cenv_fs_read_file(r->meta, file, &text, r->err);
    if (rc == 0) {
        *out = cenv_arena_str(&r->info->arena, cenv_buf_str(&text));
        rc = out->data ? 1 : cenv_error_oom(r->err);
    }
    cenv_buf_release(&text);
    return rc;
}

static int read_json(struct parsing *r, const char *file, struct cenv_json **out)
{
    struct cenv_buf text;
    char what[512];
    int rc = find_file(r, file);

    if (rc != 1)
        return rc;
    snprintf(what, sizeof(what), "info/%s of package %s", file, r->name);
    cenv_buf_init(&text, CENV_JSON_MAX_SIZE);
    rc = cenv_fs_read_file(r->meta, file, &text, r->err);
    if (rc == 0)
        rc = cenv_json_parse(out, cenv_buf_str(&text), what, r->err);
    cenv_buf_release(&text);
    return rc;
}

/* Room for `most` paths; each is added once, a repeated one is left out. */
static int reserve_paths(struct parsing *r, size_t most)
{
    if (!most)
        return 0;
    r->info->paths = cenv_arena_calloc(&r->info->arena, most, sizeof(*r->info->paths));
    return r->info->paths ? 0 : cenv_error_oom(r->err);
}

static int add_path(struct parsing *r, struct cenv_map *seen, const char *file,
                    const struct cenv_package_path *path)
{
    const char *bad = cenv_path_refused(path->path);

    if (bad) {
        char what[64];
        snprintf(what, sizeof(what), "a path that %s:", bad);
        return fail_broken(r, file, what, path->path);
    }
    if (cenv_map_get(seen, path->path) != CENV_NONE)
        return 0;
    if (!cenv_map_put(seen, path->path, (uint32_t)r->info->nr))
        return cenv_error_oom(r->err);
    r->info->paths[r->info->nr++] = *path;
    return 0;
}

/* ---- paths.json ---- */

static int read_type(struct parsing *r, const struct cenv_json *entry,
                     enum cenv_path_type *out)
{
    struct cenv_str type = cenv_json_get_str(entry, "path_type");

    if (!type.len || cenv_str_is(type, "hardlink"))
        *out = CENV_PATH_HARDLINK;
    else if (cenv_str_is(type, "softlink"))
        *out = CENV_PATH_SOFTLINK;
    else if (cenv_str_is(type, "directory"))
        *out = CENV_PATH_DIRECTORY;
    else
        return fail_broken(r, "paths.json", "unknown path_type", type);
    return 0;
}

static int read_mode(struct parsing *r, const char *file, struct cenv_str mode,
                     enum cenv_file_mode *out)
{
    if (cenv_str_is(mode, "binary"))
        *out = CENV_MODE_BINARY;
    else if (cenv_str_is(mode, "text"))
        *out = CENV_MODE_TEXT;
    else
        return fail_broken(r, file, "unknown file_mode", mode);
    return 0;
}

static int check_placeholder(struct parsing *r, const char *file, struct cenv_str path,
                             struct cenv_str placeholder)
{
    const char *refused = cenv_path_entry_refuse_placeholder(placeholder);
    char what[64];

    if (!refused)
        return 0;
    snprintf(what, sizeof(what), "a placeholder with %s for", refused);
    return fail_broken(r, file, what, path);
}

static int read_entry(struct parsing *r, const struct cenv_json *entry,
                      struct cenv_package_path *out)
{
    struct cenv_str mode = cenv_json_get_str(entry, "file_mode");
    int64_t size = cenv_json_get_int(entry, "size_in_bytes", -1);
    unsigned char digest[32];

    *out = (struct cenv_package_path){
        .path = cenv_json_get_str(entry, "_path"),
        .placeholder = cenv_json_get_str(entry, "prefix_placeholder"),
        .sha256 = cenv_json_get_str(entry, "sha256"),
        .size = size < 0 ? UINT64_MAX : (uint64_t)size,
        .no_link = cenv_json_get_true(entry, "no_link"),
    };
    int rc = read_type(r, entry, &out->type);
    if (rc == 0 && (mode.len || out->placeholder.len))
        rc = read_mode(r, "paths.json", mode.len ? mode : CENV_STR("text"),
                       &out->file_mode);
    if (rc == 0)
        rc = check_placeholder(r, "paths.json", out->path, out->placeholder);
    if (rc == 0 && out->sha256.len && !cenv_unhex(out->sha256, digest, sizeof(digest)))
        rc = fail_broken(r, "paths.json", "not a SHA-256:", out->sha256);
    struct cenv_str lower = cenv_arena_lower(&r->info->arena, out->sha256);
    if (rc == 0 && lower.len != out->sha256.len)
        rc = cenv_error_oom(r->err);
    out->sha256 = lower;
    if (out->type != CENV_PATH_HARDLINK)
        out->placeholder = (struct cenv_str){"", 0};
    return rc;
}

static int read_paths_json(struct parsing *r, struct cenv_map *seen)
{
    const struct cenv_json *item, *paths = cenv_json_get(r->info->paths_doc, "paths");
    int64_t version = cenv_json_get_int(r->info->paths_doc, "paths_version", -1);
    struct cenv_package_path path;

    if (version != 1) {
        cenv_error_set(r->err, CENV_EINTEGRITY,
                       "package %s: info/paths.json has paths_version %" PRId64
                       ", this cenv knows version 1",
                       r->name, version);
        return cenv_error_hint(r->err, "the package is too new: use a newer cenv");
    }
    int rc = reserve_paths(r, cenv_json_len(paths));
    cenv_json_each(item, paths)
    {
        if (rc == 0)
            rc = read_entry(r, item, &path);
        if (rc == 0)
            rc = add_path(r, seen, "paths.json", &path);
    }
    return rc;
}

/* ---- before paths.json ---- */

/* The next line that is not blank; false at the end. */
static bool next_line(struct cenv_str *rest, struct cenv_str *line)
{
    while (rest->len) {
        *line = cenv_str_trim(cenv_str_cut(rest, '\n'));
        if (line->len)
            return true;
    }
    return false;
}

/* A field of has_prefix: up to a blank, or in double or single quotes. */
static struct cenv_str next_field(struct cenv_str *rest)
{
    struct cenv_str field;

    *rest = cenv_str_trim(*rest);
    if (rest->len && (rest->data[0] == '"' || rest->data[0] == '\'')) {
        char quote = rest->data[0];
        *rest = cenv_str_slice(*rest, 1, rest->len);
        return cenv_str_cut(rest, quote);
    }
    size_t end = 0;
    while (end < rest->len && rest->data[end] != ' ' && rest->data[end] != '\t')
        end++;
    field = cenv_str_slice(*rest, 0, end);
    *rest = cenv_str_slice(*rest, end, rest->len);
    return field;
}

/*
 * The placeholder of has_prefix lines that name none. Put together here: were it whole in our own
 * binary, installing a package of cenv would rewrite it.
 */
static struct cenv_str default_placeholder(struct cenv_arena *arena)
{
    char text[40] = "/opt";

    for (int i = 1; i <= 3; i++) {
        size_t len = strlen(text);
        snprintf(text + len, sizeof(text) - len, "%sanaconda%d", i == 1 ? "/" : "", i);
    }
    return cenv_arena_str(arena, cenv_str(text));
}

static int set_prefix(struct parsing *r, struct cenv_map *seen, struct cenv_str line)
{
    struct cenv_str field[3] = {{"", 0}}, rest = line;
    size_t nr = 0;

    while (cenv_str_trim(rest).len && nr < 3)
        field[nr++] = next_field(&rest);
    if (nr == 2 || cenv_str_trim(rest).len)
        return fail_broken(r, "has_prefix",
                           "line is neither 'path' nor 'placeholder mode path':", line);
    uint32_t at = cenv_map_get(seen, nr == 1 ? field[0] : field[2]);
    if (at == CENV_NONE)
        return 0; /* names a file the package does not have: harmless, as in conda */
    struct cenv_package_path *path = &r->info->paths[at];
    path->placeholder = nr == 1 ? default_placeholder(&r->info->arena) : field[0];
    path->file_mode = CENV_MODE_TEXT;
    if (!path->placeholder.data)
        return cenv_error_oom(r->err);
    int rc = check_placeholder(r, "has_prefix", path->path, path->placeholder);
    if (rc < 0)
        return rc;
    return nr == 3 ? read_mode(r, "has_prefix", field[1], &path->file_mode) : 0;
}

static int read_no_link(struct parsing *r, const struct cenv_map *seen,
                        const char *file)
{
    struct cenv_str rest, line;
    int rc = read_text(r, file, &rest);

    if (rc <= 0)
        return rc;
    while (next_line(&rest, &line)) {
        uint32_t at = cenv_map_get(seen, line);
        if (at != CENV_NONE)
            r->info->paths[at].no_link = true;
    }
    return 0;
}

static int read_has_prefix(struct parsing *r, struct cenv_map *seen)
{
    struct cenv_str rest, line;
    int rc = read_text(r, "has_prefix", &rest);

    if (rc <= 0)
        return rc;
    for (rc = 0; rc == 0 && next_line(&rest, &line);)
        if (line.data[0] != '#')
            rc = set_prefix(r, seen, line);
    return rc;
}

/* Room for all lines of `text`, then a path for each. */
static int add_files(struct parsing *r, struct cenv_map *seen, struct cenv_str text)
{
    struct cenv_str rest = text, line;
    size_t lines = 0;

    while (next_line(&rest, &line))
        lines++;
    int rc = reserve_paths(r, lines);
    for (rest = text; rc == 0 && next_line(&rest, &line);) {
        struct cenv_package_path path = {.path = cenv_arena_str(&r->info->arena, line),
                                         .size = UINT64_MAX,
                                         .type = CENV_PATH_OTHER};
        rc =
            path.path.data ? add_path(r, seen, "files", &path) : cenv_error_oom(r->err);
    }
    return rc;
}

/* A package that has no list of files has none, or its files would be left out in silence. */
static int check_empty(struct parsing *r)
{
    struct cenv_listing list;
    int raw = cenv_listing_read(&list, r->content, true);
    bool empty = true;

    if (raw < 0)
        return cenv_fs_fail(r->err, raw, r->content, NULL, "cannot list");
    for (size_t i = 0; i < list.nr; i++)
        empty &= strcmp(list.entries[i].name, "info") == 0;
    cenv_listing_release(&list);
    if (empty)
        return 0;
    return fail_broken(r, "paths.json", "missing, and so is", CENV_STR("info/files"));
}

static int read_legacy(struct parsing *r, struct cenv_map *seen)
{
    struct cenv_str text;
    int rc = read_text(r, "files", &text);

    if (rc < 0)
        return rc;
    if (rc == 0)
        return check_empty(r);
    rc = add_files(r, seen, text);
    if (rc == 0)
        rc = read_has_prefix(r, seen);
    if (rc == 0)
        rc = read_no_link(r, seen, "no_link");
    if (rc == 0)
        rc = read_no_link(r, seen, "no_softlink");
    return rc;
}

/* ---- the files themselves ---- */

static int fail_damaged(struct parsing *r, struct cenv_str path, const char *what)
{
    cenv_error_set(r->err, CENV_EINTEGRITY, "package %s: '%.*s' %s", r->name,
                   CENV_STR_ARG(path), what);
    return cenv_error_hint(
        r->err, "the extracted package was altered; remove it and try again");
}

static enum cenv_path_type type_of(enum cenv_file_type type)
{
    return type == CENV_FT_FILE      ? CENV_PATH_HARDLINK
           : type == CENV_FT_SYMLINK ? CENV_PATH_SOFTLINK
           : type == CENV_FT_DIR     ? CENV_PATH_DIRECTORY
                                     : CENV_PATH_OTHER;
}

static int read_link_target(struct parsing *r, int dir, const char *name,
                            struct cenv_package_path *path)
{
    struct cenv_buf text;

    path->placeholder = (struct cenv_str){"", 0};
    if (path->type != CENV_PATH_SOFTLINK)
        return 0;
    cenv_buf_init(&text, CENV_PATH_PACKAGE_MAX + 1);
    int rc = cenv_fs_readlink(dir, name, &text, r->err);
    if (rc == 0) {
        path->link = cenv_arena_str(&r->info->arena, cenv_buf_str(&text));
        if (!path->link.data)
            rc = cenv_error_oom(r->err);
    }
    cenv_buf_release(&text);
    return rc;
}

static int read_facts_of(struct parsing *r, struct cenv_dirs *dirs,
                         struct cenv_package_path *path)
{
    struct cenv_str base;
    struct cenv_stat st;
    int dir = cenv_dirs_parent(dirs, path->path, 0, &base);
    int raw = dir < 0 ? dir : cenv_raw_stat(dir, base.data, &st);

    if (raw == -ENOENT && path->type == CENV_PATH_DIRECTORY)
        return 0;
    if (raw == -ENOENT)
        return fail_damaged(r, path->path, "is missing");
    if (raw == -ENOTDIR || raw == -ELOOP)
        return fail_damaged(r, path->path, "lies below what is no directory");
    if (raw < 0)
        return cenv_fs_fail(r->err, raw, r->content, path->path.data, "cannot look at");
    /* a link that paths.json calls a file is linked as what it is, as conda does */
    if (path->type == CENV_PATH_OTHER ||
        (path->type == CENV_PATH_HARDLINK && st.type == CENV_FT_SYMLINK))
        path->type = type_of(st.type);
    if (path->type != type_of(st.type) || path->type == CENV_PATH_OTHER)
        return fail_damaged(r, path->path, "is of another type than the package says");
    if (path->type == CENV_PATH_HARDLINK && path->size != UINT64_MAX &&
        path->size != st.size)
        return fail_damaged(r, path->path, "has another size than the package says");
    path->size = st.size;
    path->mtime_ns = st.mtime_ns;
    path->mode = st.mode;
    return path->type == CENV_PATH_HARDLINK ? 0
                                            : read_link_target(r, dir, base.data, path);
}

static int read_facts(struct parsing *r, struct cenv_task *task)
{
    struct cenv_dirs dirs;
    int rc = 0;

    cenv_dirs_init(&dirs, r->content);
    for (size_t i = 0; rc == 0 && i < r->info->nr; i++) {
        rc = cenv_task_poll(task, r->err);
        if (rc == 0)
            rc = read_facts_of(r, &dirs, &r->info->paths[i]);
    }
    cenv_dirs_release(&dirs);
    return rc;
}

/* ---- link.json ---- */

static int read_link(struct parsing *r)
{
    struct cenv_json **doc = &r->info->link_doc;
    int rc = read_json(r, "link.json", doc);

    if (rc == 0 && !*doc)
        rc = read_json(r, "package_metadata.json", doc); /* its name before conda 4.3 */
    if (rc < 0 || !*doc)
        return rc;
    if (cenv_json_get_int(*doc, "package_metadata_version", -1) != 1) {
        cenv_error_set(
            r->err, CENV_EINTEGRITY,
            "package %s: info/link.json has a package_metadata_version other than 1",
            r->name);
        return cenv_error_hint(r->err, "the package is too new: use a newer cenv");
    }
    const struct cenv_json *noarch = cenv_json_get(*doc, "noarch");
    r->info->noarch_python = cenv_str_is(cenv_json_get_str(noarch, "type"), "python");
    if (r->info->noarch_python)
        r->info->entries = cenv_json_get(noarch, "entry_points");
    if (cenv_json_len(r->info->entries) > ENTRY_POINTS_MAX)
        return cenv_error_set(
            r->err, CENV_EINTEGRITY,
            "package %s: info/link.json has more than %d entry points", r->name,
            ENTRY_POINTS_MAX);
    return 0;
}

/* The documents, and the facts of the files too when `task` is given. */
static int read_info(struct cenv_paths_json *out, int content_fd, const char *name,
                     struct cenv_task *task, struct cenv_error *err)
{
    struct cenv_paths_json info = {0};
    struct cenv_map seen = {0};
    struct parsing r = {&info, content_fd, -1, name, err};

    r.meta = cenv_raw_open_dir(content_fd, "info");
    if (cenv_raw_is_absent(r.meta))
        return fail_damaged(&r, CENV_STR("info"), "is missing");
    if (r.meta < 0)
        return cenv_fs_fail(err, r.meta, content_fd, "info", "cannot open directory");
    int rc = read_link(&r);
    if (rc == 0)
        rc = read_json(&r, "paths.json", &info.paths_doc);
    if (rc == 0)
        rc = info.paths_doc ? read_paths_json(&r, &seen) : read_legacy(&r, &seen);
    if (rc == 0 && task)
        rc = read_facts(&r, task);
    cenv_map_release(&seen);
    cenv_fd_close(r.meta);
    if (rc == 0)
        *out = info;
    else
        cenv_paths_json_release(&info);
    return rc;
}

int cenv_paths_json_read(struct cenv_paths_json *out, int content_fd, const char *name,
                         struct cenv_task *task, struct cenv_error *err)
{
    return read_info(out, content_fd, name, task, err);
}

int cenv_paths_json_parse(struct cenv_paths_json *out, int content_fd, const char *name,
                          struct cenv_error *err)
{
    return read_info(out, content_fd, name, NULL, err);
}

void cenv_paths_json_release(struct cenv_paths_json *info)
{
    cenv_json_free(info->paths_doc);
    cenv_json_free(info->link_doc);
    cenv_arena_release(&info->arena);
    *info = (struct cenv_paths_json){0};
}
