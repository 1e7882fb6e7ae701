/* SPDX-License-Identifier: BSD-3-Clause */
/* Finds a real path, which other paths may contain, in files no pristine copy vouches for. Pure. */
#ifndef CENV_RELOCATE_PATH_SEARCH_H
#define CENV_RELOCATE_PATH_SEARCH_H

#include "base/task.h"
#include "relocate/sites.h"

/*
 * The names of one directory: as given, resolved, as its files have it; longest first, each in all
 * encodings. Borrowed: prefix_names.h owns those of an environment.
 */
struct cenv_search_names {
    const struct cenv_forms *list;
    size_t nr;
};

/* The most bytes of a file that is read as a whole to find sites; a larger one is reported. */
enum { CENV_SEARCH_MAX = 1 << 30 };

/* A file to be searched. All borrowed. */
struct cenv_search_file {
    struct cenv_str data;
    struct cenv_str path; /* tells its language; may be empty */
};

/*
 * Whether any of the names may occur, in any encoding and spelling, boundaries or not, in the next
 * block of a file: 1, 0, or CENV_ECANCELLED. A quick test before a search.
 */
int cenv_path_search_any(struct cenv_str data, const struct cenv_search_names *names,
                         struct cenv_task *task, struct cenv_error *err);

/* The same, but 1 only where cenv_path_search would find sites or a reason. */
int cenv_path_search_names(struct cenv_str data, const struct cenv_search_names *names,
                           struct cenv_task *task, struct cenv_error *err);

/* The bytes before the end of one block that the next must repeat for nothing to be missed. */
size_t cenv_path_search_overlap(const struct cenv_search_names *names);

/*
 * Where a file that nobody vouches for names the directory: `/tmp/env` counts in "/tmp/env/bin" and
 * "-L/tmp/env", not in "/tmp/env2" or "/srv/tmp/env". In a text also in the spellings of its
 * language (language.h) and in URLs, and first lines in each of their forms; a spelling that would
 * have to be guessed sets *reason, a literal. Elsewhere all occurrences in a file decide together:
 * they are BINARY sites where each is in a path that the loader reads (elf.h), else FIXED ones,
 * which only a path of equal length replaces; where no byte may change (format.h), or an
 * occurrence is in doubt, there are no sites, and *reason says why. Otherwise *reason is NULL.
 */
int cenv_path_search(struct cenv_sites *sites, const struct cenv_search_file *file,
                     const struct cenv_search_names *names, struct cenv_task *task,
                     const char **reason, struct cenv_error *err);

/* What an installer is known to have done to a file. */
struct cenv_search_package {
    enum cenv_file_mode mode;
    uint32_t placeholder; /* the length of the package's placeholder, 0: not known */
};

/*
 * The same in a file whose placeholder an installer has replaced wherever it stood, in conda's five
 * encodings: what stands before a path ("./tmp/env", as in every _sysconfigdata) makes it no other.
 * In a binary a site is what the NULs behind its string prove to have been a placeholder; another
 * occurrence is the package's own text, which stays as it is in each of its installations, and sets
 * *reason.
 */
int cenv_path_search_package(struct cenv_sites *sites, struct cenv_str data,
                             const struct cenv_search_package *package,
                             const struct cenv_search_names *names,
                             struct cenv_task *task, const char **reason,
                             struct cenv_error *err);

/* A link's target: how many bytes of it are one of the names (up to a "/" or the end), or 0. */
size_t cenv_path_search_link(struct cenv_str target,
                             const struct cenv_search_names *names);

#endif
