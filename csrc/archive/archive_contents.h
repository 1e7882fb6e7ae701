/* SPDX-License-Identifier: BSD-3-Clause */
/* Links to contents that an archive of format 2 has once, whatever files have them. */
#ifndef CENV_ARCHIVE_ARCHIVE_CONTENTS_H
#define CENV_ARCHIVE_ARCHIVE_CONTENTS_H

#include <stdbool.h>

#include "base/str.h"

/* "<n>/content/<SHA-256>/<path>" taken apart, borrowed from it. */
struct cenv_archive_content {
    unsigned n; /* of the template */
    struct cenv_str hex, path;
};
/* False: it is none. */
bool cenv_archive_content_parse(struct cenv_str link, struct cenv_archive_content *out);

#endif
