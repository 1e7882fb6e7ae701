/* SPDX-License-Identifier: BSD-3-Clause */
/* Finding the records of a repodata.json: structure only, at memory speed. */
#ifndef CENV_REPODATA_REPODATA_SCAN_H
#define CENV_REPODATA_REPODATA_SCAN_H

#include "repodata/repodata.h"
#include "repodata/repodata_source.h"

/*
 * `bytes` is borrowed and must outlive *out and every record parsed from it. An empty file is
 * `{}`. Refused with CENV_ECHANNEL: repodata_version above 2, info.subdir other than the one
 * asked for, base_url with credentials. Refused with CENV_EINTEGRITY: what is not JSON or ends
 * early, naming file and byte offset. The caller frees *out.
 */
int cenv_repodata_scan(struct cenv_repodata **out, struct cenv_str bytes,
                       const struct cenv_repodata_source *source,
                       struct cenv_error *err);

#endif
