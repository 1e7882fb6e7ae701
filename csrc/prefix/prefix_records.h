/* SPDX-License-Identifier: BSD-3-Clause */
/* What conda-meta says about a prefix: records of conda, mamba and rattler. */
#ifndef CENV_PREFIX_PREFIX_RECORDS_H
#define CENV_PREFIX_PREFIX_RECORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"
#include "base/task.h"
#include "model/path_entry.h"

struct cenv_json; /* codec/json.h */

/*
 * One path of an installed package. Absent texts are empty, an absent size is -1. `path` is where
 * the file lies, relative to the prefix; `recorded` is what the writer put into `_path`, which for
 * conda's noarch python packages is "site-packages/..." (empty when only `files` lists it).
 * `real` is `path` unless directories on the way are links: join records and files by it.
 */
struct cenv_prefix_path {
    struct cenv_str path, recorded, real;
    /* In hex; rattler gives the second only when it differs. */
    struct cenv_str sha256, sha256_in_prefix;
    struct cenv_str placeholder; /* mamba leaves it out */
    /* In the package (conda, mamba) or in the prefix (rattler): not to be compared. */
    int64_t size;
    enum cenv_path_type type;
    enum cenv_file_mode file_mode; /* when there is a placeholder */
    bool no_link;
};

/* One conda-meta/<name>-<version>-<build>.json. */
struct cenv_prefix_record {
    struct cenv_str file; /* its name in conda-meta */
    struct cenv_str name, version, build, noarch, python_site_packages_path;
    /* The extracted package: link.source, else extracted_package_dir; or "". */
    struct cenv_str source;
    struct cenv_json *doc;          /* the whole document, unknown keys included */
    struct cenv_str text;           /* the file's bytes, owned */
    struct cenv_prefix_path *paths; /* `files` united with paths_data, each path once */
    size_t nr_paths;
};

/* All records of a prefix, sorted by file name. Everything lives until release. */
struct cenv_prefix_records {
    struct cenv_prefix_record *records;
    size_t nr;
    /* Of the python in it ("lib/python3.12/site-packages"), or "". */
    struct cenv_str site_packages;
    /* What was left out: ill-named records (as conda does), bad paths. */
    struct cenv_str *warnings;
    size_t nr_warnings, alloc_warnings;
    struct cenv_arena arena;
};

/*
 * Reads every record; `path` is for messages. A record that is not JSON or not UTF-8 is
 * CENV_EPREFIX; one with a content that does not fit its file name is left out with a warning; no
 * conda-meta at all is no records. On failure `out` is untouched.
 */
int cenv_prefix_records_read(struct cenv_prefix_records *out, int prefix_fd,
                             const char *path, struct cenv_task *task,
                             struct cenv_error *err);
void cenv_prefix_records_release(struct cenv_prefix_records *prefix);

/* The record of package `name`, or NULL. Borrowed. */
const struct cenv_prefix_record *
cenv_prefix_records_find(const struct cenv_prefix_records *prefix,
                         struct cenv_str name);

/*
 * Bytecode is a cache, shipped or compiled at link time: Python makes it anew as it sees fit (after
 * its source was relocated, say). conda doctor leaves it out as well.
 */
bool cenv_prefix_records_is_bytecode(const struct cenv_prefix_path *path);

/* The hash the record wants to see, or empty when it tells none that could be compared. */
struct cenv_str cenv_prefix_records_path_hash(const struct cenv_prefix_path *path);

#endif
