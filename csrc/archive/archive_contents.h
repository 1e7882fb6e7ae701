/* SPDX-License-Identifier: BSD-3-Clause */
/* Which contents an archive of templates holds: each is in it once, whatever files have it. */
#ifndef CENV_ARCHIVE_ARCHIVE_CONTENTS_H
#define CENV_ARCHIVE_ARCHIVE_CONTENTS_H

#include "base/intern.h"
#include "base/str.h"
#include "prefix/file_hash.h"

/* For a writer. Zero-initialised: none. */
struct cenv_archive_contents {
    struct cenv_intern hashes;
    struct cenv_str *places; /* by the hashes' ids */
    size_t alloc;
    struct cenv_arena arena;
    struct cenv_file_hash hash;
};

void cenv_archive_contents_release(struct cenv_archive_contents *contents);

/*
 * The content of the open file `fd` is wanted at `path` ("<n>/prefix/..."). Where the archive has
 * it, *link is what a hard link to it is called, "<n>/content/<SHA-256>/...", which lives as long
 * as `contents`; else *link is empty, and the content is looked for at `path` from now on.
 */
int cenv_archive_contents_find(struct cenv_archive_contents *contents, int fd,
                               struct cenv_str path, struct cenv_str *link,
                               struct cenv_task *task, struct cenv_error *err);

/* Such a link taken apart, borrowed from it. */
struct cenv_archive_content {
    unsigned n; /* of the template */
    struct cenv_str hex, path;
};
/* False: it is none. */
bool cenv_archive_content_parse(struct cenv_str link, struct cenv_archive_content *out);

#endif
