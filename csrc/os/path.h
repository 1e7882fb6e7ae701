/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Paths as bytes, without touching a file: joining, splitting, and what a package may name. What is
 * absolute, and which names a system has no files for, is in path_system.h.
 */
#ifndef CENV_OS_PATH_H
#define CENV_OS_PATH_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"

/* "a/b"; `b` alone when it is absolute or `a` is "". NULL when out of memory. Caller frees. */
char *cenv_path_join(const char *a, const char *b) __attribute__((malloc));

/* As dirname and basename without "/" at the end: "a/b": "a", "b"; "b": "", "b"; "/b": "/". */
struct cenv_str cenv_path_parent(struct cenv_str path);
struct cenv_str cenv_path_base(struct cenv_str path);

/* Purely textual: "/a/./b//c/.." -> "/a/b". Keeps a leading "..": "../a". "" -> ".". False when
 * the buffer failed. */
bool cenv_path_clean(struct cenv_str path, struct cenv_buf *out);

/* Textual, both clean: `path` is `root` or below it. */
bool cenv_path_is_inside(struct cenv_str path, struct cenv_str root);

/*
 * From directory `from` to `to`, both clean, absolute: ("/a/b", "/a/c") -> "../c"; `to` itself when
 * it has another root (drive). False when the buffer failed.
 */
bool cenv_path_relative(struct cenv_str from, struct cenv_str to, struct cenv_buf *out);

/* How many components a relative path has; empty ones count. */
size_t cenv_path_depth(struct cenv_str path);

/*
 * What a package, a record or a manifest may name: relative, components not "", "." or "..", no
 * NUL or control character, no component over 255 bytes, whole at most CENV_PATH_PACKAGE_MAX bytes
 * and CENV_PATH_DEPTH_MAX components, so that what walks a tree can follow
 * (CEP 34; docs/design/extract.md 1.3). The reason it is refused, or NULL when it is fine.
 */
enum {
    CENV_PATH_PACKAGE_MAX = 4095,
    CENV_PATH_NAME_MAX = 255,
    CENV_PATH_DEPTH_MAX = 256
};
const char *cenv_path_refused(struct cenv_str path);

/*
 * A member name of an archive made so: "./" and "//" dropped, a "/" at the end dropped. "" for the
 * root itself ("./"). Returns NULL, or the reason it is refused (".." , absolute, NUL, control).
 */
const char *cenv_path_normalise(struct cenv_str path, struct cenv_buf *out);

/* Whether a link at `path` (normalised) with this target stays below the root, textually. */
bool cenv_path_link_stays(struct cenv_str path, struct cenv_str target);

/* One component that is not "", "." or ".." and holds no "/" or NUL. */
bool cenv_path_is_name(struct cenv_str name);

#endif
