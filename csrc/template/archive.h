/* SPDX-License-Identifier: BSD-3-Clause */
/* Archives of templates: what writing and reading them share. */
#ifndef CENV_TEMPLATE_ARCHIVE_H
#define CENV_TEMPLATE_ARCHIVE_H

#include "base/buf.h"
#include "base/digest.h"
#include "codec/tar.h"

/*
 * One zstd-compressed tar archive. For each template, n counting from 0:
 *
 *     n/template.json   {"format", "subdir", "prefix", "template", "requests"}
 *     n/prefix/...      directories, files and links as they lie in the store
 *     n/end.json        {"members", "sha256"} of all members between
 *
 * Text and binaries name the prefix of the machine that wrote it; the reader relocates them.
 */
enum { CENV_ARCHIVE_FORMAT = 1, CENV_ARCHIVE_TEXT_MAX = 256 << 20 };
#define CENV_ARCHIVE_HEAD "template.json"
#define CENV_ARCHIVE_END  "end.json"

/* The sum over the members of one template, in their order. */
struct cenv_archive_sum {
    struct cenv_digest *sha256; /* owned */
    uint64_t members, bytes;    /* bytes: of files' content */
};

/* Takes a member in; the content of a file follows by cenv_digest_update(). 0 or -1. */
int cenv_archive_sum_add(struct cenv_archive_sum *sum,
                         const struct cenv_member *member);

/* Both read "<n>/<name>" of the n-th template; false: another path. */
bool cenv_archive_is(struct cenv_str path, unsigned n, const char *name);
/* The path below "<n>/prefix/" ("" for the prefix itself), or a NULL span. */
struct cenv_str cenv_archive_below_prefix(struct cenv_str path, unsigned n);

#endif
