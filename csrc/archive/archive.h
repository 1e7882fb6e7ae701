/* SPDX-License-Identifier: BSD-3-Clause */
/* Archives of templates of formats 1 and 2, which older versions wrote. */
#ifndef CENV_ARCHIVE_ARCHIVE_H
#define CENV_ARCHIVE_ARCHIVE_H

#include "base/buf.h"
#include "base/digest.h"
#include "codec/tar.h"

/*
 * One zstd-compressed tar archive. For each template, n counting from 0:
 *
 *     n/template.json   {"format", "subdir", "prefix", "template", "requests"}
 *     n/prefix/...      directories, files and links as they lie in the store
 *     n/end.json        {"members", "sha256", "head"}
 *
 * "sha256" is of all members between, "head" of the text of template.json; archives of the first
 * cenv have no "head".
 *
 * Text and binaries name the prefix on the machine that wrote it; the reader relocates them. A
 * content that the archive has already is a hard link to "m/content/<its SHA-256>/...", m being the
 * template (n or one before it) below whose prefix it lies: a file of its own for the reader. Those
 * of format 1 have none.
 */
enum {
    CENV_ARCHIVE_FORMAT_FIRST = 1,
    CENV_ARCHIVE_FORMAT_LAST = 2,
    CENV_ARCHIVE_TEXT_MAX = 256 << 20,
};
#define CENV_ARCHIVE_HEAD "template.json"
#define CENV_ARCHIVE_END  "end.json"

/* The sum over the members of one template, in their order. Zero-initialised is fine to release. */
struct cenv_archive_sum {
    struct cenv_digest *sha256;
    uint64_t members;
};

int cenv_archive_sum_init(struct cenv_archive_sum *sum, struct cenv_error *err);
void cenv_archive_sum_release(struct cenv_archive_sum *sum);

/* Takes a member in; the content of a file follows, in as many pieces as it comes. */
int cenv_archive_sum_member(struct cenv_archive_sum *sum,
                            const struct cenv_member *member, struct cenv_error *err);
int cenv_archive_sum_content(struct cenv_archive_sum *sum, const void *data, size_t len,
                             struct cenv_error *err);

/* The sum of all, in hex; it takes nothing more then. */
int cenv_archive_sum_finish(struct cenv_archive_sum *sum, char hex[CENV_DIGEST_HEX_MAX],
                            struct cenv_error *err);

/* Whether the path is "<n>/<name>" of the n-th template. */
bool cenv_archive_is(struct cenv_str path, unsigned n, const char *name);

/* The path below "<n>/prefix/" ("" for the prefix itself), or a NULL span. */
struct cenv_str cenv_archive_below_prefix(struct cenv_str path, unsigned n);

#endif
