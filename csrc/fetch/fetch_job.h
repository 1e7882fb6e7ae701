/* SPDX-License-Identifier: BSD-3-Clause */
/* One package on its way into the store: what its record says, where it comes from, how far it
 * is. */
#ifndef CENV_FETCH_FETCH_JOB_H
#define CENV_FETCH_FETCH_JOB_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "codec/json.h"
#include "codec/secret_url.h"
#include "fetch/pkgs_dirs.h"
#include "net/http.h"
#include "os/lock.h"
#include "package/reader.h"

struct cenv_store;

enum cenv_fetch_state {
    CENV_FETCH_MISSING,
    CENV_FETCH_THERE,  /* in the store */
    CENV_FETCH_MADE,   /* extracted in the scratch directory, not yet published */
    CENV_FETCH_FAILED, /* `err` says why */
};

struct cenv_fetch_job {
    struct cenv_json *record; /* own copy, completed as things become known */
    struct cenv_secret_url *url;
    char *local;    /* path of the archive when it lies on this machine, or NULL */
    const char *fn; /* in `url` */
    char sha256[65], md5[65]; /* "": not known */
    uint64_t size, stated_size;
    char key[80];              /* of its lock */
    char dir[24], archive[32]; /* names in the scratch directory */
    char why[64];              /* the store does not have it */
    const char *cache;         /* the package cache it came from, borrowed; or NULL */
    uint64_t verify_ns, extract_ns, extract_bytes, extract_files;
    bool replace; /* the store has it altered */
    bool whole;   /* the record needs nothing from the package */
    bool learnt;  /* sha256 is known from the download only */
    enum cenv_fetch_state state;
    struct cenv_lock *lock;
    struct cenv_http_transfer transfer;
    struct cenv_error err;
};

/*
 * Fills a zeroed job from a repodata record and the secrets of channels, as cenv_fetch_options has
 * them. Its own record is a copy whose `url` and `channel` are in normal form, without secrets.
 * `index` gives its names in the scratch directory. CENV_EUSAGE: the record has no URL. Release it
 * after a failure too.
 */
int cenv_fetch_job_init(struct cenv_fetch_job *job, size_t index,
                        const struct cenv_json *record, const struct cenv_json *secrets,
                        struct cenv_error *err);
void cenv_fetch_job_release(struct cenv_fetch_job *job);

/* Whether a job before `index` is for the same package. */
bool cenv_fetch_job_is_repeated(const struct cenv_fetch_job *jobs, size_t index);

/* Its download into the scratch directory; borrowed from the job. */
struct cenv_http_transfer *cenv_fetch_job_transfer(struct cenv_fetch_job *job,
                                                   int scratch);

/* What to look for in package caches; borrowed from the job. */
struct cenv_pkgs_dirs_want cenv_fetch_job_want(const struct cenv_fetch_job *job);

/*
 * The archive was extracted to `content`: takes its digests (NULL: as stated) and compares name,
 * version and build with info/index.json (CENV_EINTEGRITY).
 */
int cenv_fetch_job_check_content(struct cenv_fetch_job *job,
                                 const struct cenv_package_digests *digests,
                                 int content, struct cenv_error *err);

/* Writes record.json into the entry. */
int cenv_fetch_job_write_record(const struct cenv_fetch_job *job, int entry,
                                struct cenv_error *err);

/* Once the store has it: fills keys that the record lacks from info/index.json. */
int cenv_fetch_job_complete_record(struct cenv_fetch_job *job,
                                   const struct cenv_store *store,
                                   struct cenv_error *err);

/* Whether a record is that of its package, which the store has: of those that are not a channel's.
 * CENV_EINTEGRITY: it tells another name, version or build. */
int cenv_fetch_job_check_stored(const struct cenv_store *store,
                                const struct cenv_json *record, struct cenv_error *err);

/* Adds where the package came from and what that took to the facts of the task. */
void cenv_fetch_job_tell(const struct cenv_fetch_job *job, struct cenv_task *task);

/* The error that names what is missing while offline. */
int cenv_fetch_job_fail_offline(const struct cenv_fetch_job *jobs, size_t nr,
                                struct cenv_error *err);

#endif
