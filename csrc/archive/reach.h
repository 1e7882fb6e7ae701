/* SPDX-License-Identifier: BSD-3-Clause */
/* The remote that a call was told of, and the keys under which templates lie there. */
#ifndef CENV_ARCHIVE_REACH_H
#define CENV_ARCHIVE_REACH_H

#include "base/digest.h"
#include "codec/json.h"
#include "remote/remote.h"

struct cenv_reach {
    struct cenv_secret_url *url;
    struct cenv_remote *remote;
};

/*
 * Opens the remote of `settings`, an object: {"url" (with secrets), "network": as
 * cenv_network_open() has it, "timeout_ms", "push": what may not be read counts as absent};
 * borrowed until close. CENV_EUSAGE: it says none. Close it after a failure too.
 */
int cenv_reach_open(struct cenv_reach *reach, const struct cenv_json *settings,
                    struct cenv_error *err);
void cenv_reach_close(struct cenv_reach *reach);

/*
 * The key of what a request led to, of its text or of the name of its file in a store
 * ("<32 hex digits>.json"). A template's own key is its id.
 */
int cenv_reach_request_key(struct cenv_str request, char key[CENV_DIGEST_HEX_MAX],
                           struct cenv_error *err);
int cenv_reach_file_key(struct cenv_str file, char key[CENV_DIGEST_HEX_MAX],
                        struct cenv_error *err);

#endif
