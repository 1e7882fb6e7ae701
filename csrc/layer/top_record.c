/* SPDX-License-Identifier: BSD-3-Clause */
/* A record is copied as text from where it lies; only one that lost files is read as a tree. */
#include "layer/top_record.h"

#include "base/hex.h"
#include "base/map.h"
#include "clone/provenance.h"
#include "os/fs.h"
#include "os/fs_data.h"
#include "store/package_entry.h"

enum { TEXT_MAX = 512 << 20 };

static int map_record(const struct cenv_layers *layers, uint32_t index,
                      const char *path, struct cenv_mapping *out)
{
    int content = cenv_package_entry_open(
        layers->store, cenv_str(layers->list[index].key), layers->err);
    if (content < 0)
        return content;
    int rc = cenv_fs_map_file(content, path, out, layers->err);
    cenv_fd_close(content);
    return rc;
}

/* ---- lost files ---- */

/* Of what is compiled or generated the record tells the size of what lies there. */
static bool tells_size(const struct cenv_json *path)
{
    return !cenv_str_is(cenv_json_get_str(path, "path_type"), "hardlink");
}

/* Bytecode has no digest. */
static bool set_shown(struct cenv_json *path, const struct cenv_package_file *shown)
{
    static const unsigned char none[CENV_SHA256_LEN];
    char hex[CENV_DIGEST_HEX_MAX];
    bool done = true;
    if (memcmp(shown->sha256, none, sizeof(none)) == 0) {
        cenv_json_remove(path, "sha256_in_prefix");
    } else {
        cenv_hex(shown->sha256, sizeof(shown->sha256), hex);
        done = cenv_json_set_cstr(path, "sha256_in_prefix", hex);
    }
    if (tells_size(path))
        done = done && cenv_json_set_int(path, "size_in_bytes", (int64_t)shown->size);
    return done;
}

/* path -> the layer whose file is shown: of several clashes the last. */
static bool map_lost(const struct cenv_clashes *clashes, uint32_t index,
                     struct cenv_map *lost)
{
    for (size_t i = 0; i < clashes->nr; i++) {
        const struct cenv_clash *clash = &clashes->list[i];
        bool mine =
            clash->loser == index || cenv_map_get(lost, clash->path) == clash->loser;
        if (mine && !cenv_map_put(lost, clash->path, clash->winner))
            return false;
    }
    return true;
}

static bool edit_paths(const struct cenv_layers *layers, const struct cenv_map *lost,
                       struct cenv_json *record)
{
    struct cenv_json *path,
        *paths = cenv_json_get(cenv_json_get(record, "paths_data"), "paths");
    bool done = true;
    cenv_json_each(path, paths)
    {
        struct cenv_str name = cenv_json_get_str(path, "_path");
        uint32_t winner = cenv_map_get(lost, name);
        const struct cenv_package_file *shown =
            winner == CENV_NONE
                ? NULL
                : cenv_package_manifest_find(&layers->list[winner].manifest, name);
        done = done && (!shown || set_shown(path, shown));
    }
    return done;
}

static int tell_lost(const struct cenv_layers *layers, const struct cenv_map *lost,
                     struct cenv_str text, struct cenv_buf *out)
{
    struct cenv_json *record = NULL;
    int rc = cenv_json_parse(&record, text, "a layer's record", layers->err);
    if (rc < 0)
        return rc;
    bool done = edit_paths(layers, lost, record) &&
                cenv_json_print(record, CENV_JSON_INDENT, out) &&
                cenv_buf_putc(out, '\n');
    cenv_json_free(record);
    return done ? 0 : cenv_error_oom(layers->err);
}

/* *text: the record, or, in `edited`, what is told instead. */
static int tell_if_lost(const struct cenv_layers *layers,
                        const struct cenv_clashes *clashes, uint32_t index,
                        struct cenv_buf *edited, struct cenv_str *text)
{
    struct cenv_map lost = {0};
    int rc = map_lost(clashes, index, &lost) ? 0 : cenv_error_oom(layers->err);
    if (rc == 0 && lost.nr) {
        rc = tell_lost(layers, &lost, *text, edited);
        *text = cenv_buf_str(edited);
    }
    cenv_map_release(&lost);
    return rc;
}

/* What is requested stands before the files, which are most of the text. */
static int write_requested(const struct cenv_layers *layers, uint32_t index,
                           const struct cenv_json *specs, struct cenv_str text,
                           int content, const char *path)
{
    static const char files[] = "\n  \"files\": [";
    const char *at = cenv_find_bytes(text.data, text.len, files, sizeof(files) - 1);
    size_t split = at ? (size_t)(at - text.data) + 1 : text.len;
    struct cenv_buf head;
    cenv_buf_init(&head, TEXT_MAX);
    cenv_buf_add_str(&head, cenv_str_slice(text, 0, split));
    bool done = cenv_provenance_set_requested(specs, layers->list[index].name, &head);
    struct cenv_str pieces[] = {cenv_buf_str(&head),
                                cenv_str_slice(text, split, text.len)};
    int rc = done ? cenv_fs_write_pieces(content, path, pieces, 2, 0666, layers->err)
                  : cenv_error_oom(layers->err);
    cenv_buf_release(&head);
    return rc;
}

int cenv_top_record_write(const struct cenv_layers *layers,
                          const struct cenv_clashes *clashes, uint32_t index,
                          const struct cenv_json *specs, int content)
{
    struct cenv_buf path, edited;
    struct cenv_mapping record = {0};
    cenv_buf_init(&path, TEXT_MAX);
    cenv_buf_init(&edited, TEXT_MAX);
    int rc = cenv_layer_add_record_path(&layers->list[index], &path)
                 ? map_record(layers, index, path.data, &record)
                 : cenv_error_oom(layers->err);
    struct cenv_str text = cenv_str_n(record.data, record.len);
    if (rc == 0)
        rc = tell_if_lost(layers, clashes, index, &edited, &text);
    if (rc == 0)
        rc = write_requested(layers, index, specs, text, content, path.data);
    cenv_mapping_release(&record);
    cenv_buf_release(&path);
    cenv_buf_release(&edited);
    return rc;
}
