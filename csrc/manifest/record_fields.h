/* SPDX-License-Identifier: BSD-3-Clause */
/* Fields of conda-meta records and of pip's RECORD that tell hashes and sizes of other files. */
#ifndef CENV_MANIFEST_RECORD_FIELDS_H
#define CENV_MANIFEST_RECORD_FIELDS_H

#include <stdbool.h>
#include <stdint.h>

#include "prefix/prefix_records.h"
#include "relocate/sites.h"

/* What a scan must know of a path of the environment. */
struct cenv_relocated_file {
    uint32_t reloc;         /* what FIELD sites get as `end` */
    uint64_t size;          /* of the file as it lies there */
    uint64_t pristine_size; /* as its package had it */
    bool link;              /* the path is a link to that file */
    /* Of a link: the SHA-256 that a record tells of the file, or empty. */
    struct cenv_str recorded_digest;
};

/* False when no relocation changes the file. `path` is relative to the prefix. */
typedef bool (*cenv_relocated_fn)(void *ctx, struct cenv_str path,
                                  struct cenv_relocated_file *out);

/*
 * Appends FIELD sites of a record's text, in order of offset, for the files that `ask` knows:
 * sha256_in_prefix always (of a link where it is its target's, as mamba has it; rattler hashes the
 * link's text, conda tells none); size_in_bytes where the writer means the size in the prefix
 * (rattler; conda for entry points); sha256 of an entry point where it is that of the file in the
 * prefix. 0, or CENV_ENOMEM.
 */
int cenv_record_fields_scan(struct cenv_sites *sites,
                            const struct cenv_prefix_record *record,
                            cenv_relocated_fn ask, void *ctx, struct cenv_error *err);

/* The same of a RECORD file at `path`: "name,sha256=<base64>,<size>" lines. */
int cenv_record_fields_scan_wheel(struct cenv_sites *sites, struct cenv_str text,
                                  struct cenv_str path, cenv_relocated_fn ask,
                                  void *ctx, struct cenv_error *err);

#endif
