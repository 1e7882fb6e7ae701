/* SPDX-License-Identifier: BSD-3-Clause */
/* What a plan of a link is made of: every directory and file of the packages. */
#ifndef CENV_LINK_PLAN_BASE_H
#define CENV_LINK_PLAN_BASE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/map.h"
#include "base/str.h"
#include "base/task.h"
#include "os/fs_beneath.h"
#include "os/fs_place.h"
#include "package/entry_points.h"
#include "package/paths_json.h"
#include "relocate/sites.h"

struct cenv_json;
struct cenv_store;

/* One package, in link order. All borrowed until the link is over. */
struct cenv_link_package {
    /* JSON: the repodata record plus channel, url, fn and subdir. */
    struct cenv_str record;
    const char *content; /* the extracted package: a directory with info/ */
};

struct cenv_link_options {
    const struct cenv_store *store; /* to keep bytecode in and take it from, or NULL */
    const char *target_prefix;      /* what is written into the files; absolute */
    /* AUTO: reflink, else hardlink (with own_inodes: copy), else copy; falls back file by file. */
    enum cenv_place_mode mode;
    bool own_inodes;  /* templates: never share an inode with the package */
    bool no_compile;  /* leave noarch python packages without bytecode */
    bool no_scripts;  /* do not run pre-link and post-link scripts */
    bool no_records;  /* leave conda-meta empty: others write it */
    bool keep_sites;  /* keep relocation sites in the plan, for a template's manifest */
    unsigned threads; /* 0: as many as are worth it */
    int64_t time;     /* of history and created_at; seconds */
    const char *cmd;  /* for history, or NULL */
    const struct cenv_str *specs; /* as requested: history and requested_specs */
    size_t nr_specs;
    /*
     * An environment lies there already, and the packages come to it: what they bring replaces what
     * has their paths (a warning each), history goes on.
     */
    bool onto;
    /* The record of the python they are linked for where it is not one of them, or NULL; borrowed
     * as long as the plan. */
    const struct cenv_json *python;
    /*
     * Tells the prefix of the python that compiles, once something has to be; or NULL: it lies
     * where they are linked. What making that prefix brings into the store is taken from there.
     */
    int (*find_python)(void *ctx, const char **prefix, struct cenv_error *err);
    void *find_python_ctx;
};

enum cenv_link_kind {
    CENV_KIND_FILE, /* as in the package: reflink, hard link or copy */
    /* Has a placeholder; placed as FILE when that turns out not to occur. */
    CENV_KIND_RELOCATED,
    CENV_KIND_SYMLINK,
    CENV_KIND_DIRECTORY, /* an empty one that paths.json lists */
    CENV_KIND_ENTRY_POINT,
    CENV_KIND_PYC, /* to be compiled */
};

/*
 * One path of one package. Spans live as long as the plan; absent ones are empty. Paths have a NUL
 * behind them, so that their last component can be given to the system as it is.
 */
struct cenv_link_entry {
    struct cenv_str target; /* relative to the prefix, as the record lists it */
    /* Where it lies: elsewhere than `target` when that is below a link to a directory. */
    struct cenv_str real;
    struct cenv_str source; /* relative to the package; of PYC: the .py in the prefix */
    struct cenv_str placeholder;
    struct cenv_str sha256; /* hex, of the package's file */
    struct cenv_str link;   /* SYMLINK: what it says */
    struct cenv_entry_point point;
    uint64_t size;        /* of the package's file */
    int64_t mtime_ns;     /* of the package's file */
    int64_t new_mtime_ns; /* RELOCATED, ENTRY_POINT: what it gets when written anew */
    uint32_t mode;
    uint32_t package; /* index */
    uint32_t dir;     /* index into dirs */
    uint32_t needle;  /* RELOCATED: its placeholder, in needles */
    uint32_t py;      /* PYC: the entry of its source */
    uint32_t winner; /* entry that lies there instead (a later package), or CENV_NONE */
    uint8_t kind;    /* enum cenv_link_kind */
    uint8_t file_mode;
    bool no_link;
    /* Not there: its winner has a directory instead, or a file instead of its directory. */
    bool covered;

    /* After execution. */
    bool dropped;       /* bytecode that would be wrong: not to be linked nor listed */
    bool done;          /* there: PYC that could not be compiled are not */
    uint8_t how;        /* FILE: enum cenv_place_mode */
    char in_prefix[65]; /* SHA-256 of what lies there, or "" (links, PYC) */
    uint64_t final_size;
    int64_t final_mtime_ns;
    uint32_t final_mode;
    struct cenv_sites *sites; /* of the linked file, with keep_sites; owned, or NULL */
};

/* A directory of the prefix; parents come before children; the first is the prefix itself, "". */
struct cenv_link_dir {
    struct cenv_str path;
    uint32_t parent;
    uint32_t depth;
    uint32_t first, nr; /* its winning entries in `order` */
};

/* What it took to place the files of a package, by all threads: those that name the prefix, and
 * the others. For the trace. */
struct cenv_link_work {
    atomic_ullong link_ns, link_bytes, link_files;
    atomic_ullong relocate_ns, relocate_bytes, relocate_files;
    uint64_t compiled, compile_files; /* sources compiled now; all that have bytecode */
};

struct cenv_plan_package {
    const struct cenv_link_package *package;
    struct cenv_json *record; /* parsed */
    struct cenv_str name, version;
    struct cenv_str dist; /* "name-version-build" */
    struct cenv_paths_json info;
    int content; /* descriptor */
    bool noarch_python;
    bool new_bytecode;  /* compiled in this link, and worth keeping for later ones */
    uint32_t first, nr; /* its entries, in the package's order */
    struct cenv_link_work work;
};

struct cenv_link_plan {
    struct cenv_plan_package *packages;
    size_t nr_packages;
    struct cenv_link_entry *entries;
    size_t nr, alloc;
    struct cenv_link_dir *dirs;
    size_t nr_dirs, alloc_dirs;
    uint32_t *order; /* winning entries but DIRECTORY, by directory, then package */
    size_t nr_order;
    struct cenv_str site_packages;  /* or "" */
    struct cenv_str python_version; /* "3.12", or "" */
    struct cenv_forms forms;        /* of the target prefix */
    struct cenv_forms *needles;     /* of each placeholder */
    size_t nr_needles, alloc_needles;
    bool ran_scripts; /* there may be files that are not in the plan */
    struct cenv_arena arena;
    struct cenv_map targets;    /* target -> latest entry */
    struct cenv_map dir_map;    /* path -> dirs */
    struct cenv_map needle_map; /* placeholder -> needles */
};

/* Frees the plan and closes the packages; NULL is fine. */
void cenv_link_plan_free(struct cenv_link_plan *plan);

/* The directory of `path` within a package or prefix, and its name (NUL behind); borrowed fd. */
int cenv_link_open_parent(struct cenv_dirs *dirs, struct cenv_str path,
                          const char **name, struct cenv_error *err);

#endif
