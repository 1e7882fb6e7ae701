/* SPDX-License-Identifier: BSD-3-Clause */
/* What conda-meta says about a prefix: records of conda, mamba and rattler, and history. */
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
 */
struct cenv_prefix_path {
    struct cenv_str path, recorded;
    struct cenv_str sha256,
        sha256_in_prefix; /* hex; rattler gives the second only when it differs */
    struct cenv_str placeholder; /* mamba leaves it out */
    int64_t
        size; /* in the package (conda, mamba) or in the prefix (rattler): do not compare */
    enum cenv_path_type type;
    enum cenv_file_mode file_mode; /* when there is a placeholder */
    bool no_link;
};

/* One conda-meta/<name>-<version>-<build>.json. */
struct cenv_prefix_record {
    struct cenv_str file; /* its name in conda-meta */
    struct cenv_str name, version, build, noarch, python_site_packages_path;
    struct cenv_str
        source; /* extracted package: link.source, else extracted_package_dir; or "" */
    struct cenv_json *doc;          /* the whole document, unknown keys included */
    struct cenv_str text;           /* the file's bytes */
    struct cenv_prefix_path *paths; /* `files` united with paths_data, each path once */
    size_t nr_paths;
};

/* All records of a prefix, sorted by file name. Everything lives until release. */
struct cenv_prefix {
    struct cenv_prefix_record *records;
    size_t nr;
    struct cenv_str
        site_packages; /* of the python in it ("lib/python3.12/site-packages"), or "" */
    struct cenv_str
        *warnings; /* what was left out: ill-named records (as conda), bad paths */
    size_t nr_warnings, alloc_warnings;
    struct cenv_arena arena;
};

/* Has conda-meta/history (CEP 32), which may be empty. */
bool cenv_prefix_is_environment(int prefix_fd);

/*
 * Reads every record; `path` is for messages. A record that is not JSON or not UTF-8 is
 * CENV_EPREFIX; one whose content does not fit its file name is left out with a warning; no
 * conda-meta at all is no records.
 */
int cenv_prefix_read(struct cenv_prefix *out, int prefix_fd, const char *path,
                     struct cenv_task *task, struct cenv_error *err);
void cenv_prefix_release(struct cenv_prefix *prefix);

/* The record of package `name`, or NULL. Borrowed. */
const struct cenv_prefix_record *cenv_prefix_find(const struct cenv_prefix *prefix,
                                                  struct cenv_str name);

/* Bytecode is a cache, shipped or compiled at link time: Python makes it anew as it sees fit (after
 * its source was relocated, say). conda doctor leaves it out as well. */
bool cenv_prefix_is_bytecode(const struct cenv_prefix_path *path);

/* The hash the record wants to see, or empty when it tells none that could be compared. */
struct cenv_str cenv_prefix_path_hash(const struct cenv_prefix_path *path);

/*
 * Where a noarch python package's files go: python_site_packages_path when the python record has
 * one (CEP 17), else lib/pythonX.Y[t]/site-packages. Appended to `out`. CENV_ELINK when the version has
 * no minor number or the path leaves the prefix.
 */
int cenv_prefix_site_packages(struct cenv_str version, struct cenv_str build,
                              struct cenv_str site_packages_path, struct cenv_buf *out,
                              struct cenv_error *err);

/* "3.13" of "3.13.1"; empty when there is no minor number. */
struct cenv_str cenv_prefix_python_version(struct cenv_str version);

/*
 * Where a path of a noarch python package goes: site-packages/ and python-scripts/ mapped, others
 * as they are. *out borrows from `path` or the arena. 0, or -1 when out of memory.
 */
int cenv_prefix_noarch_path(struct cenv_str path, struct cenv_str site_packages,
                            struct cenv_arena *arena, struct cenv_str *out);

/* ---- writing ---- */

/* One block of conda-meta/history, as conda writes it. */
struct cenv_history_block {
    int64_t time;                 /* seconds since the epoch; printed in UTC */
    const char *cmd;              /* the command line, or NULL */
    const struct cenv_str *dists; /* "channel/subdir::name-version-build", any order */
    size_t nr_dists;
    const struct cenv_str *specs; /* requested, in the user's order */
    size_t nr_specs;
};

/* Appends the block's text. Nothing is written to disk. 0, or CENV_ENOMEM. */
int cenv_history_format(const struct cenv_history_block *block, struct cenv_buf *out,
                        struct cenv_error *err);

/* Its line of the specs, as conda reads it back; nothing when there are none. */
void cenv_history_add_specs(const struct cenv_str *specs, size_t nr,
                            struct cenv_buf *out);

/* Whether `spec`, as a user wrote it, is one for the package `name`. */
bool cenv_spec_asks_for(struct cenv_str spec, struct cenv_str name);

#endif
