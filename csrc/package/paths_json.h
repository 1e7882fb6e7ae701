/* SPDX-License-Identifier: BSD-3-Clause */
/* What info/ of an extracted package says about linking: paths.json or older lists, link.json. */
#ifndef CENV_PACKAGE_PATHS_JSON_H
#define CENV_PACKAGE_PATHS_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "base/task.h"
#include "model/path_entry.h"

struct cenv_json;

/* One path of a package, its facts taken from the extracted file itself. */
struct cenv_package_path {
    /* Relative to the content, checked (cenv_path_refused); a NUL follows. */
    struct cenv_str path;
    /* Empty: nothing to relocate; so always for links, where conda ignores it. */
    struct cenv_str placeholder;
    struct cenv_str link;   /* target of a SOFTLINK; a NUL follows */
    struct cenv_str sha256; /* as the package says it, 64 hex digits, or empty */
    uint64_t size;
    int64_t mtime_ns;
    uint32_t mode;
    enum cenv_path_type type; /* HARDLINK, SOFTLINK or DIRECTORY */
    enum cenv_file_mode file_mode;
    bool no_link;
};

/* Owned: release. Zero-initialised is fine to release. */
struct cenv_paths_json {
    struct cenv_package_path *paths; /* in the package's order, each once */
    size_t nr;
    bool noarch_python;              /* by link.json */
    const struct cenv_json *entries; /* of noarch.entry_points, or NULL */
    struct cenv_json *paths_doc, *link_doc;
    struct cenv_arena arena;
};

/*
 * Reads it from the content directory; `name` is for messages. CENV_EINTEGRITY when a document is
 * broken, of an unknown version, or names what a package may not name; when a file is missing, or
 * has another type or size than it says. On failure `out` is untouched.
 */
int cenv_paths_json_read(struct cenv_paths_json *out, int content_fd, const char *name,
                         struct cenv_task *task, struct cenv_error *err);

/*
 * The same from the documents alone, for a caller that knows the files already (extraction): size
 * as stated or UINT64_MAX, mode and mtime 0, type CENV_PATH_OTHER where the lists before paths.json
 * tell none.
 */
int cenv_paths_json_parse(struct cenv_paths_json *out, int content_fd, const char *name,
                          struct cenv_error *err);

void cenv_paths_json_release(struct cenv_paths_json *info);

#endif
