/* SPDX-License-Identifier: BSD-3-Clause */
/* Packages from channels and package caches into the store. */
#ifndef CENV_FETCH_FETCH_PACKAGES_H
#define CENV_FETCH_FETCH_PACKAGES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/task.h"
#include "codec/json.h"
#include "codec/options.h"

struct cenv_fetch_job;
struct cenv_store;

/* Where packages may come from. The trees are borrowed; NULL: none. */
struct cenv_fetch_options {
    bool offline; /* nothing is downloaded: what is missing is CENV_ECHANNEL */
    const struct cenv_json *secrets;   /* channel URL without secrets -> with them */
    const struct cenv_json *pkgs_dirs; /* paths of package caches, only read */
    const struct cenv_json *network;   /* settings, as cenv_network_open takes them */
    /*
     * Asked for archives that neither the store nor a package cache has, before anything is
     * downloaded, or NULL: sets `local` (the job frees it) of the jobs whose archive it brought to
     * this machine.
     */
    int (*bring)(void *ctx, struct cenv_fetch_job *const *jobs, size_t nr,
                 struct cenv_error *err);
    void *bring_ctx;
};

/* Rows for the option table of a call that fetches; `member` of struct `type` takes the values. */
#define CENV_FETCH_OPTION_ROWS(type, member) \
    {"offline", CENV_OPTION_BOOL, offsetof(type, member.offline), NULL}, \
        {"secrets", CENV_OPTION_OBJECT, offsetof(type, member.secrets), NULL}, \
        {"pkgs_dirs", CENV_OPTION_LIST, offsetof(type, member.pkgs_dirs), NULL}, \
    { \
        "network", CENV_OPTION_OBJECT, offsetof(type, member.network), NULL \
    }

/*
 * Downloads, verifies and extracts the packages of `records`, an array, that the store lacks. *out
 * is a new array of the records in the order given, completed from info/index.json where they lack
 * keys. The caller holds a lease, so that no package goes before it is used, and frees *out. What
 * was fetched before a failure stays in the store. CENV_ECHANNEL: not to be had; CENV_EINTEGRITY:
 * it is not what its record says; CENV_EUSAGE: a record without URL.
 */
int cenv_fetch_packages_obtain(struct cenv_store *store,
                               const struct cenv_json *records,
                               const struct cenv_fetch_options *options,
                               struct cenv_task *task, struct cenv_json **out,
                               struct cenv_error *err);

#endif
