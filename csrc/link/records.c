/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Writes conda-meta of a prefix just linked, in conda's shape. The repodata part is the record as
 * repodata has it; files and paths are written as text, since a tree of 10^5 nodes would cost more
 * than the files themselves. Records name real paths, as mamba and rattler do: all readers, and
 * conda's own doctor, can find the files then. Of a path that several packages have, every record
 * tells the digest of what lies there.
 */
#include "link/records.h"

#include <stdio.h>

#include "base/pool.h"
#include "codec/json.h"
#include "codec/url.h"
#include "os/fs.h"
#include "os/fs_data.h"
#include "os/fs_place.h"
#include "os/path.h"
#include "prefix/history.h"
#include "prefix/prefix_records.h"

enum { RECORD_MAX = 512 << 20 };

/* The entry that lies where `entry` says, itself unless another package has the path. */
static const struct cenv_link_entry *winning_entry(const struct cenv_link_plan *plan,
                                                   const struct cenv_link_entry *entry)
{
    while (entry->winner != CENV_NONE)
        entry = &plan->entries[entry->winner];
    return entry;
}

static bool is_listed(const struct cenv_link_plan *plan,
                      const struct cenv_link_entry *entry)
{
    if (entry->kind == CENV_KIND_DIRECTORY)
        return false;
    while (entry->winner != CENV_NONE && !entry->covered)
        entry = &plan->entries[entry->winner];
    return !entry->covered && entry->done;
}

/* ---- paths ---- */

static const char *type_name(const struct cenv_link_entry *entry)
{
    return entry->kind == CENV_KIND_SYMLINK       ? "softlink"
           : entry->kind == CENV_KIND_PYC         ? "pyc_file"
           : entry->kind == CENV_KIND_ENTRY_POINT ? "unix_python_entry_point"
                                                  : "hardlink";
}

/* size_in_bytes: in the package, or of what was generated (conda). */
static void write_path(struct cenv_json_writer *w, const struct cenv_link_plan *plan,
                       const struct cenv_link_entry *entry)
{
    const struct cenv_link_entry *there = winning_entry(plan, entry);
    bool packaged = entry->kind == CENV_KIND_FILE || entry->kind == CENV_KIND_RELOCATED;

    cenv_json_write_object(w, NULL);
    cenv_json_write_str(w, "_path", entry->target);
    cenv_json_write_cstr(w, "path_type", type_name(entry));
    if (entry->placeholder.len) {
        cenv_json_write_str(w, "prefix_placeholder", entry->placeholder);
        cenv_json_write_cstr(w, "file_mode",
                             entry->file_mode == CENV_MODE_BINARY ? "binary" : "text");
    }
    if (entry->no_link)
        cenv_json_write_bool(w, "no_link", true);
    if (entry->sha256.len)
        cenv_json_write_str(w, "sha256", entry->sha256);
    if (there->in_prefix[0])
        cenv_json_write_cstr(w, "sha256_in_prefix", there->in_prefix);
    cenv_json_write_u64(w, "size_in_bytes", packaged ? entry->size : there->final_size);
    cenv_json_write_end(w);
}

static void write_files(struct cenv_json_writer *w, const struct cenv_link_plan *plan,
                        const struct cenv_plan_package *package)
{
    cenv_json_write_array(w, "files");
    for (uint32_t i = package->first; i < package->first + package->nr; i++)
        if (is_listed(plan, &plan->entries[i]))
            cenv_json_write_str(w, NULL, plan->entries[i].target);
    cenv_json_write_end(w);
}

static void write_paths(struct cenv_json_writer *w, const struct cenv_link_plan *plan,
                        const struct cenv_plan_package *package)
{
    cenv_json_write_object(w, "paths_data");
    cenv_json_write_u64(w, "paths_version", 1);
    cenv_json_write_array(w, "paths");
    for (uint32_t i = package->first; i < package->first + package->nr; i++)
        if (is_listed(plan, &plan->entries[i]))
            write_path(w, plan, &plan->entries[i]);
    cenv_json_write_end(w);
    cenv_json_write_end(w);
}

/* ---- the repodata part ---- */

/* What sets members returns false when out of memory. */

/* The channel as conda has it: the URL of the subdir that lists the package, where that is told
 * (cenv.h), else of the directory it is in. */
static bool set_channel(struct cenv_json *doc, struct cenv_str url)
{
    struct cenv_str listed = cenv_json_get_str(doc, "channel_url");
    struct cenv_buf text;

    if (!listed.len)
        return cenv_json_set_str(doc, "channel", cenv_path_parent(url));
    cenv_buf_init(&text, CENV_JSON_MAX_SIZE);
    cenv_url_clean(&text, listed);
    cenv_buf_putc(&text, '/');
    cenv_buf_add_str(&text, cenv_json_get_str(doc, "subdir"));
    bool set = !text.failed && cenv_json_set_str(doc, "channel", cenv_buf_str(&text));
    cenv_buf_release(&text);
    cenv_json_remove(doc, "channel_url");
    return set;
}

/* Without secrets. */
static bool set_urls(struct cenv_json *doc)
{
    struct cenv_str url = cenv_json_get_str(doc, "url");
    struct cenv_str channel = cenv_json_get_str(doc, "channel");
    struct cenv_buf text;
    bool done = true;

    cenv_buf_init(&text, CENV_JSON_MAX_SIZE);
    if (url.len) {
        done &= cenv_url_clean(&text, url);
        done &= cenv_json_set_str(doc, "url", cenv_buf_str(&text));
        if (!cenv_json_get_str(doc, "fn").len)
            done &= cenv_json_set_str(doc, "fn", cenv_path_base(cenv_buf_str(&text)));
        done &= set_channel(doc, cenv_buf_str(&text));
    } else if (channel.len) {
        done &= cenv_url_clean(&text, channel);
        done &= cenv_json_set_str(doc, "channel", cenv_buf_str(&text));
    }
    done &= !text.failed;
    cenv_buf_release(&text);
    return done;
}

/* Keys that installed records have whether repodata tells them or not. */
static bool set_defaults(struct cenv_json *doc, const struct cenv_plan_package *package)
{
    bool done = true;

    if (cenv_json_type(cenv_json_get(doc, "depends")) != CENV_JSON_ARRAY)
        done &= cenv_json_set(doc, "depends", cenv_json_array());
    if (cenv_json_type(cenv_json_get(doc, "constrains")) != CENV_JSON_ARRAY)
        done &= cenv_json_set(doc, "constrains", cenv_json_array());
    if (package->noarch_python) {
        done &= cenv_json_set_cstr(doc, "noarch", "python");
        done &= cenv_json_set_cstr(doc, "package_type", "noarch_python");
    } else if (cenv_str_is(cenv_json_get_str(doc, "noarch"), "generic")) {
        done &= cenv_json_set_cstr(doc, "package_type", "noarch_generic");
    }
    return done;
}

static bool set_requested(struct cenv_json *doc, const struct cenv_linker *linker,
                          struct cenv_str name)
{
    struct cenv_json *list = cenv_json_array();
    struct cenv_str last = {"", 0};
    bool done = true;

    for (size_t i = 0; i < linker->options->nr_specs; i++) {
        if (!cenv_history_spec_asks_for(linker->options->specs[i], name))
            continue;
        last = linker->options->specs[i];
        done &= cenv_json_append_str(list, last);
    }
    if (last.len)
        done &= cenv_json_set_str(doc, "requested_spec", last);
    done &= cenv_json_set(doc, "requested_specs", list);
    return done;
}

/* 1 hard link, 3 copy (reflinks are copies to every other tool). */
static int link_type(const struct cenv_link_plan *plan,
                     const struct cenv_plan_package *package)
{
    for (uint32_t i = package->first; i < package->first + package->nr; i++)
        if (plan->entries[i].done && plan->entries[i].kind == CENV_KIND_FILE &&
            plan->entries[i].how == CENV_PLACE_HARDLINK)
            return 1;
    return 3;
}

static bool set_link(struct cenv_json *doc, const struct cenv_linker *linker,
                     const struct cenv_plan_package *package)
{
    struct cenv_json *link = cenv_json_object();
    struct cenv_str content = cenv_str(package->package->content);
    bool done = cenv_json_set_str(doc, "extracted_package_dir", content);

    done &= cenv_json_set_str(link, "source", content);
    done &= cenv_json_set_int(link, "type", link_type(linker->plan, package));
    done &= cenv_json_set(doc, "link", link);
    return done;
}

/* Everything but files and paths; NULL: out of memory. */
static struct cenv_json *make_head(const struct cenv_linker *linker,
                                   const struct cenv_plan_package *package)
{
    struct cenv_json *doc = cenv_json_dup(package->record);

    if (doc && set_urls(doc) && set_defaults(doc, package) &&
        set_requested(doc, linker, package->name) && set_link(doc, linker, package))
        return doc;
    cenv_json_free(doc);
    return NULL;
}

/* ---- one record ---- */

static int format_record(const struct cenv_linker *linker,
                         const struct cenv_plan_package *package, struct cenv_buf *out,
                         struct cenv_error *err)
{
    struct cenv_json *item, *head = make_head(linker, package);
    struct cenv_json_writer w;

    if (!head)
        return cenv_error_oom(err);
    cenv_json_writer_init(&w, out, CENV_JSON_INDENT);
    cenv_json_write_object(&w, NULL);
    cenv_json_each(item, head)
    {
        cenv_json_write_tree(&w, cenv_json_key(item), item);
    }
    write_files(&w, linker->plan, package);
    write_paths(&w, linker->plan, package);
    cenv_json_write_end(&w);
    cenv_buf_putc(out, '\n');
    cenv_json_free(head);
    return cenv_json_writer_finish(&w, err);
}

struct records {
    struct cenv_linker *linker;
    int meta;
};

static int write_record(void *ctx, size_t index, unsigned thread,
                        struct cenv_error *err)
{
    const struct records *records = ctx;
    const struct cenv_plan_package *package = &records->linker->plan->packages[index];
    char name[CENV_PATH_NAME_MAX + 8];
    struct cenv_buf text;

    (void)thread;
    if (snprintf(name, sizeof(name), "%s.json", package->dist.data) >=
        (int)sizeof(name))
        return cenv_error_set(err, CENV_EINTEGRITY, "name of package %s is too long",
                              package->dist.data);
    cenv_buf_init(&text, RECORD_MAX);
    int rc = format_record(records->linker, package, &text, err);
    if (rc == 0)
        rc = cenv_fs_write_new(records->meta, name, cenv_buf_str(&text), 0666, err);
    cenv_buf_release(&text);
    return rc;
}

/* ---- history ---- */

bool cenv_link_records_dist(const struct cenv_json *record, struct cenv_str dist,
                            struct cenv_arena *arena, struct cenv_str *out)
{
    struct cenv_str channel = cenv_json_get_str(record, "channel");
    struct cenv_str subdir = cenv_json_get_str(record, "subdir");
    struct cenv_buf text;

    cenv_buf_init(&text, CENV_JSON_MAX_SIZE);
    if (channel.len)
        cenv_url_clean(&text, channel);
    if (subdir.len && !cenv_str_eq(cenv_path_base(cenv_buf_str(&text)), subdir))
        cenv_buf_addf(&text, "%s%.*s", text.len ? "/" : "", CENV_STR_ARG(subdir));
    cenv_buf_addf(&text, "%s%.*s", text.len ? "::" : "", CENV_STR_ARG(dist));
    *out = cenv_arena_str(arena, cenv_buf_str(&text));
    bool formatted = !text.failed && out->data;
    cenv_buf_release(&text);
    return formatted;
}

/* The block of this link, in the plan's arena. */
static int describe_link(const struct cenv_linker *linker,
                         struct cenv_history_block *block, struct cenv_error *err)
{
    const struct cenv_link_options *options = linker->options;
    struct cenv_link_plan *plan = linker->plan;
    struct cenv_str *dists =
        cenv_arena_calloc(&plan->arena, plan->nr_packages + 1, sizeof(*dists));

    if (!dists)
        return cenv_error_oom(err);
    for (size_t i = 0; i < plan->nr_packages; i++)
        if (!cenv_link_records_dist(plan->packages[i].record, plan->packages[i].dist,
                                    &plan->arena, &dists[i]))
            return cenv_error_oom(err);
    *block = (struct cenv_history_block){.time = options->time,
                                         .cmd = options->cmd,
                                         .dists = dists,
                                         .nr_dists = plan->nr_packages,
                                         .specs = options->specs,
                                         .nr_specs = options->nr_specs};
    return 0;
}

/* Last of all. */
static int write_history(const struct cenv_linker *linker, int meta,
                         struct cenv_error *err)
{
    struct cenv_history_block block;
    int rc = describe_link(linker, &block, err);

    if (rc < 0)
        return rc;
    return linker->options->onto ? cenv_history_continue(meta, &block, err)
                                 : cenv_history_begin(meta, &block, err);
}

int cenv_link_records_write(struct cenv_linker *linker, struct cenv_error *err)
{
    struct records records = {linker,
                              cenv_fs_open_dir(linker->root, "conda-meta", err)};

    if (records.meta < 0)
        return records.meta;
    int rc = cenv_pool_run(linker->threads, linker->plan->nr_packages, write_record,
                           &records, linker->task, err);
    if (rc == 0)
        rc = write_history(linker, records.meta, err);
    cenv_fd_close(records.meta);
    return rc;
}
