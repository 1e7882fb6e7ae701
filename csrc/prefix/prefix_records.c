/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reads conda-meta as conda, mamba and rattler write it.
 *
 * Two passes: a noarch python record of conda names its files by the package's own paths
 * ("site-packages/..."), and only the python record tells where those lie. `files` is the complete
 * list of a record (paths_data lacks plain links when conda ran without safety checks), so a
 * path of paths_data is looked up there first.
 */
#include "prefix/prefix_records.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/map.h"
#include "codec/json.h"
#include "os/fs.h"
#include "os/fs_data.h"
#include "os/fs_dir.h"
#include "os/path.h"
#include "prefix/real_paths.h"
#include "prefix/site_packages.h"

static bool add_warning(struct cenv_prefix_records *prefix, struct cenv_str file,
                        const char *what, struct cenv_str path)
{
    struct cenv_buf text;
    void *list = prefix->warnings;

    cenv_buf_init(&text, CENV_MESSAGE_MAX * 4);
    cenv_buf_addf(&text, "conda-meta/%.*s: %s%.*s", CENV_STR_ARG(file), what,
                  CENV_STR_ARG(path));
    struct cenv_str kept = cenv_arena_str(&prefix->arena, cenv_buf_str(&text));
    cenv_buf_release(&text);
    if (!kept.data || !cenv_grow(&list, &prefix->alloc_warnings, prefix->nr_warnings,
                                 sizeof(*prefix->warnings)))
        return false;
    prefix->warnings = list;
    prefix->warnings[prefix->nr_warnings++] = kept;
    return true;
}

/* ---- the paths of one record ---- */

static enum cenv_path_type parse_path_type(struct cenv_str text)
{
    static const char *const names[] = {"hardlink", "softlink", "directory", "pyc_file",
                                        "unix_python_entry_point"};

    if (!text.len)
        return CENV_PATH_HARDLINK;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (cenv_str_is(text, names[i]))
            return (enum cenv_path_type)i;
    return CENV_PATH_OTHER;
}

/* Digests are told in lower case here, however a writer put them. False: out of memory. */
static bool read_path(struct cenv_arena *arena, const struct cenv_json *entry,
                      struct cenv_prefix_path *out)
{
    struct cenv_str sha256 = cenv_json_get_str(entry, "sha256");
    struct cenv_str in_prefix = cenv_json_get_str(entry, "sha256_in_prefix");
    out->recorded = cenv_json_get_str(entry, "_path");
    out->sha256 = cenv_arena_lower(arena, sha256);
    out->sha256_in_prefix = cenv_arena_lower(arena, in_prefix);
    out->placeholder = cenv_json_get_str(entry, "prefix_placeholder");
    out->size = cenv_json_get_int(entry, "size_in_bytes", -1);
    out->type = parse_path_type(cenv_json_get_str(entry, "path_type"));
    out->file_mode = cenv_str_is(cenv_json_get_str(entry, "file_mode"), "binary")
                         ? CENV_MODE_BINARY
                         : CENV_MODE_TEXT;
    out->no_link = cenv_json_get_true(entry, "no_link");
    return out->sha256.len == sha256.len && out->sha256_in_prefix.len == in_prefix.len;
}

/* Where `recorded` lies: as `files` has it, by itself or mapped as a noarch python path. */
static bool locate_path(struct cenv_prefix_records *prefix,
                        const struct cenv_prefix_record *record,
                        const struct cenv_map *files, struct cenv_str recorded,
                        struct cenv_str *out)
{
    struct cenv_str mapped;

    *out = recorded;
    if (!cenv_str_is(record->noarch, "python") ||
        cenv_map_get(files, recorded) != CENV_NONE)
        return true;
    if (!cenv_site_packages_map_path(recorded, prefix->site_packages, &prefix->arena,
                                     &mapped))
        return false;
    *out = mapped;
    return true;
}

/* Adds `path`, or fills the entry that `files` made for it. Bad names are left out. */
static bool add_path(struct cenv_prefix_records *prefix,
                     struct cenv_prefix_record *record, struct cenv_map *seen,
                     const struct cenv_prefix_path *path)
{
    uint32_t at = cenv_map_get(seen, path->path);

    if (cenv_path_refused(path->path))
        return add_warning(prefix, record->file, "refused path: ", path->path);
    if (at == CENV_NONE) {
        at = (uint32_t)record->nr_paths++;
        if (!cenv_map_put(seen, path->path, at))
            return false;
    } else if (!path->recorded.len) {
        return true; /* `files` of conda lists menu files twice */
    }
    record->paths[at] = *path;
    if (!cenv_path_entry_refuse_placeholder(path->placeholder))
        return true;
    record->paths[at].placeholder = CENV_STR("");
    return add_warning(prefix, record->file, "refused placeholder of: ", path->path);
}

static bool fill_paths(struct cenv_prefix_records *prefix,
                       struct cenv_prefix_record *record, const struct cenv_json *files,
                       const struct cenv_json *entries, struct cenv_map *seen)
{
    const struct cenv_json *item;
    struct cenv_prefix_path path;

    cenv_json_each(item, files)
    {
        path = (struct cenv_prefix_path){.path = cenv_json_str(item), .size = -1};
        if (cenv_str_ends(path.path, CENV_STR(".pyc")))
            path.type = CENV_PATH_PYC;
        if (!add_path(prefix, record, seen, &path))
            return false;
    }
    cenv_json_each(item, entries)
    {
        if (!read_path(&prefix->arena, item, &path) ||
            !locate_path(prefix, record, seen, path.recorded, &path.path) ||
            !add_path(prefix, record, seen, &path))
            return false;
    }
    return true;
}

static bool read_paths(struct cenv_prefix_records *prefix,
                       struct cenv_prefix_record *record)
{
    const struct cenv_json *files = cenv_json_get(record->doc, "files");
    const struct cenv_json *entries =
        cenv_json_get(cenv_json_get(record->doc, "paths_data"), "paths");
    size_t most = cenv_json_len(files) + cenv_json_len(entries);
    struct cenv_map seen = {0};

    if (!most)
        return true;
    record->paths = cenv_arena_calloc(&prefix->arena, most, sizeof(*record->paths));
    bool done = record->paths && fill_paths(prefix, record, files, entries, &seen);
    cenv_map_release(&seen);
    return done;
}

static bool locate_real_paths(struct cenv_prefix_records *prefix, int prefix_fd)
{
    struct cenv_real_paths real;
    bool done = cenv_real_paths_init(&real, prefix_fd, &prefix->arena);

    for (size_t i = 0; i < prefix->nr && done; i++)
        for (size_t k = 0; k < prefix->records[i].nr_paths && done; k++)
            done = cenv_real_paths_find(&real, prefix->records[i].paths[k].path,
                                        &prefix->records[i].paths[k].real);
    cenv_real_paths_release(&real);
    return done;
}

/* ---- the records ---- */

static void read_fields(struct cenv_prefix_record *record)
{
    const struct cenv_json *doc = record->doc;

    record->name = cenv_json_get_str(doc, "name");
    record->version = cenv_json_get_str(doc, "version");
    record->build = cenv_json_get_str(doc, "build");
    record->noarch = cenv_json_get_str(doc, "noarch");
    record->python_site_packages_path =
        cenv_json_get_str(doc, "python_site_packages_path");
    record->source = cenv_json_get_str(cenv_json_get(doc, "link"), "source");
    if (!record->source.len)
        record->source = cenv_json_get_str(doc, "extracted_package_dir");
}

/* "<name>-<version>-<build>.json" says the same as the content? */
static bool name_fits(const struct cenv_prefix_record *record)
{
    struct cenv_str stem = cenv_str_slice(record->file, 0, record->file.len - 5);
    size_t build = cenv_str_rfind(stem, '-');
    size_t version = cenv_str_rfind(cenv_str_slice(stem, 0, build), '-');

    return build < stem.len && version < build &&
           cenv_str_eq(cenv_str_slice(stem, build + 1, stem.len), record->build) &&
           cenv_str_eq(cenv_str_slice(stem, version + 1, build), record->version) &&
           cenv_str_eq(cenv_str_slice(stem, 0, version), record->name);
}

static int read_record(struct cenv_prefix_records *prefix, int meta,
                       struct cenv_str file, const char *path, struct cenv_error *err)
{
    struct cenv_prefix_record *record = &prefix->records[prefix->nr];
    struct cenv_buf text;
    char what[CENV_PATH_NAME_MAX + 64];

    snprintf(what, sizeof(what), "conda-meta/%s", file.data);
    cenv_buf_init(&text, CENV_JSON_MAX_SIZE);
    int rc = cenv_fs_read_file(meta, file.data, &text, err);
    if (rc < 0)
        goto out;
    *record = (struct cenv_prefix_record){.file = file};
    rc = cenv_json_parse(&record->doc, cenv_buf_str(&text), what, err);
    if (rc == CENV_EINTEGRITY) {
        err->status = rc = CENV_EPREFIX;
        cenv_error_prefix(err, "'%s'", path);
        cenv_error_hint(err, "the environment is corrupt: make it anew");
    }
    if (rc < 0)
        goto out;
    record->text = cenv_str_n(text.data, text.len);
    text = (struct cenv_buf){0}; /* the record's now */
    read_fields(record);
    prefix->nr++;
out:
    cenv_buf_release(&text);
    return rc;
}

static void release_record(struct cenv_prefix_record *record)
{
    char *text;

    cenv_json_free(record->doc);
    memcpy(&text, &record->text.data, sizeof(text)); /* owned, though a span */
    cenv_free(text);
}

/* As for conda, macOS' "._x.json" is none. */
static bool is_record_file(const struct cenv_dirent *entry)
{
    struct cenv_str name = cenv_str_n(entry->name, entry->len);
    return entry->type != CENV_FT_DIR && cenv_str_ends(name, CENV_STR(".json")) &&
           !cenv_str_starts(name, CENV_STR("._"));
}

/* Reads one record and keeps it, unless its content belongs to another file name. */
static int add_record(struct cenv_prefix_records *prefix, int meta,
                      const struct cenv_dirent *entry, const char *path,
                      struct cenv_error *err)
{
    struct cenv_str file =
        cenv_arena_str(&prefix->arena, cenv_str_n(entry->name, entry->len));
    if (!file.data)
        return cenv_error_oom(err);
    int rc = read_record(prefix, meta, file, path, err);
    if (rc < 0 || name_fits(&prefix->records[prefix->nr - 1]))
        return rc;
    release_record(&prefix->records[--prefix->nr]);
    if (!add_warning(prefix, file, "content does not fit the file's name; ignored",
                     CENV_STR("")))
        return cenv_error_oom(err);
    return 0;
}

static int read_records(struct cenv_prefix_records *prefix, int meta, const char *path,
                        struct cenv_task *task, struct cenv_error *err)
{
    struct cenv_listing list = {0};
    int raw = cenv_listing_read(&list, meta, true), rc = 0;
    if (raw < 0)
        return cenv_fs_fail(err, raw, meta, NULL, "cannot list");
    if (list.nr && !(prefix->records = cenv_calloc(list.nr, sizeof(*prefix->records))))
        rc = cenv_error_oom(err);
    for (size_t i = 0; rc == 0 && i < list.nr; i++) {
        rc = cenv_task_poll(task, err);
        if (rc == 0 && is_record_file(&list.entries[i]))
            rc = add_record(prefix, meta, &list.entries[i], path, err);
    }
    cenv_listing_release(&list);
    return rc;
}

static int find_site_packages(struct cenv_prefix_records *prefix,
                              struct cenv_error *err)
{
    const struct cenv_prefix_record *python =
        cenv_prefix_records_find(prefix, CENV_STR("python"));
    struct cenv_buf path;

    if (!python)
        return 0;
    cenv_buf_init(&path, CENV_PATH_PACKAGE_MAX);
    int rc = cenv_site_packages_path(python->version, python->build,
                                     python->python_site_packages_path, &path, err);
    if (rc == 0) {
        prefix->site_packages = cenv_arena_str(&prefix->arena, cenv_buf_str(&path));
        if (!prefix->site_packages.data)
            rc = cenv_error_oom(err);
    }
    cenv_buf_release(&path);
    return rc;
}

int cenv_prefix_records_read(struct cenv_prefix_records *out, int prefix_fd,
                             const char *path, struct cenv_task *task,
                             struct cenv_error *err)
{
    struct cenv_prefix_records prefix = {0};
    int rc = 0, meta = cenv_raw_open_dir(prefix_fd, "conda-meta");

    if (meta >= 0)
        rc = read_records(&prefix, meta, path, task, err);
    else if (meta == -ENOTDIR || meta == -ELOOP)
        rc = cenv_error_set(err, CENV_EPREFIX, "'%s/conda-meta' is no directory", path);
    else if (meta != -ENOENT)
        rc = cenv_fs_fail(err, meta, prefix_fd, "conda-meta", "cannot open");
    if (rc == 0)
        rc = find_site_packages(&prefix, err);
    for (size_t i = 0; rc == 0 && i < prefix.nr; i++)
        if (!read_paths(&prefix, &prefix.records[i]))
            rc = cenv_error_oom(err);
    if (rc == 0 && !locate_real_paths(&prefix, prefix_fd))
        rc = cenv_error_oom(err);
    cenv_fd_close(meta);
    if (rc == 0)
        *out = prefix;
    else
        cenv_prefix_records_release(&prefix);
    return rc;
}

void cenv_prefix_records_release(struct cenv_prefix_records *prefix)
{
    for (size_t i = 0; i < prefix->nr; i++)
        release_record(&prefix->records[i]);
    cenv_free(prefix->records);
    cenv_free(prefix->warnings);
    cenv_arena_release(&prefix->arena);
    *prefix = (struct cenv_prefix_records){0};
}

const struct cenv_prefix_record *
cenv_prefix_records_find(const struct cenv_prefix_records *prefix, struct cenv_str name)
{
    for (size_t i = 0; i < prefix->nr; i++)
        if (cenv_str_eq(prefix->records[i].name, name))
            return &prefix->records[i];
    return NULL;
}

bool cenv_prefix_records_is_bytecode(const struct cenv_prefix_path *path)
{
    return path->type == CENV_PATH_PYC || cenv_str_ends(path->path, CENV_STR(".pyc"));
}

struct cenv_str cenv_prefix_records_path_hash(const struct cenv_prefix_path *path)
{
    if (cenv_prefix_records_is_bytecode(path))
        return CENV_STR("");
    if (path->sha256_in_prefix.len || path->type == CENV_PATH_SOFTLINK)
        return path->sha256_in_prefix;
    return path->sha256;
}
