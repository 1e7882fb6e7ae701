/* SPDX-License-Identifier: BSD-3-Clause */
/* Where one file names its environment: the scan by which manifests are built. Any thread. */
#ifndef CENV_MANIFEST_SCAN_FILE_H
#define CENV_MANIFEST_SCAN_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/error.h"
#include "base/str.h"
#include "base/task.h"
#include "manifest/manifest.h"
#include "os/raw_file.h"
#include "relocate/path_search.h"

/* One file to be scanned. `path` has a NUL behind it, `name` is its last component. */
struct cenv_scan_target {
    struct cenv_str path;
    const char *name;
    int dir; /* of the file */
    const struct cenv_stat *st;
    char *block; /* scratch of this thread, CENV_SCAN_BLOCK bytes */
    struct cenv_task *task;
};
enum { CENV_SCAN_BLOCK = 1 << 20 };

/* What was result. Zero-initialised: nothing to relocate, nobody's. */
struct cenv_scan_result {
    struct cenv_sites sites; /* now the caller's */
    uint8_t flags;           /* CENV_MF_MANAGED, CENV_MF_SENSITIVE */
    bool packed;             /* compressed, or a ZIP archive */
    /* Why it cannot be relocated though it names the environment: a literal, or NULL. */
    const char *reason;
};

/* Scans one file, in any thread; `result` is zero-initialised. 0 or a status. */
typedef int (*cenv_scan_fn)(void *ctx, const struct cenv_scan_target *what,
                            struct cenv_scan_result *result, struct cenv_error *err);

/* The error of a file that is not as it was listed: CENV_EPREFIX. */
int cenv_scan_file_fail_changed(struct cenv_str path, struct cenv_error *err);

/* Opens the file that was listed, and no other; the caller closes it. */
int cenv_scan_file_open(const struct cenv_scan_target *what, struct cenv_error *err);

/*
 * Scans a file that no package vouches for, and within it when it is compressed. CENV_EPREFIX: it
 * changed since it was listed.
 */
int cenv_scan_file(const struct cenv_scan_target *what,
                   const struct cenv_search_names *names,
                   struct cenv_scan_result *result, struct cenv_error *err);

/*
 * 1 when any of the names occurs in it, boundaries or not, 0 when none does, or a status. A script
 * of bin becomes CENV_MF_SENSITIVE in `result`.
 */
int cenv_scan_file_mentions(const struct cenv_scan_target *what,
                            const struct cenv_search_names *names,
                            struct cenv_scan_result *result, struct cenv_error *err);

/*
 * Reads no more than the first two bytes of a file whose content is known: a script of bin becomes
 * CENV_MF_SENSITIVE in `found`.
 */
int cenv_scan_file_peek_script(const struct cenv_scan_target *what,
                               struct cenv_scan_result *result, struct cenv_error *err);

/* The SHA-256 of its first `len` bytes, a multiple of 64. */
int cenv_scan_file_hash_head(const struct cenv_scan_target *what, uint64_t len,
                             struct cenv_sha256_state *out, struct cenv_error *err);

/* The whole file appended to `out`; CENV_EPREFIX when it is not the one `st` tells of. */
int cenv_scan_file_read(const struct cenv_scan_target *what, struct cenv_buf *out,
                        struct cenv_error *err);

#endif
