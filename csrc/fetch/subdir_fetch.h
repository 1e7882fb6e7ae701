/* SPDX-License-Identifier: BSD-3-Clause */
/* The repodata of one subdir on its way: what the steps of fetch_repodata share. */
#ifndef CENV_FETCH_SUBDIR_FETCH_H
#define CENV_FETCH_SUBDIR_FETCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/error.h"
#include "base/task.h"
#include "codec/json.h"
#include "codec/secret_url.h"
#include "net/http.h"
#include "store/layout.h"
#include "store/scratch.h"

enum { CENV_SUBDIR_URL_MAX = 64 << 10 };

/* The forms of repodata, the better ones last. */
enum cenv_subdir_form {
    CENV_SUBDIR_JSON,
    CENV_SUBDIR_ZST,
    CENV_SUBDIR_SHARDS,
    CENV_NR_SUBDIR_FORMS,
};

struct cenv_subdir_form_names {
    const char *fn, *ext; /* on the server; in the store */
    /* The key of the state that tells since when the form is known not to be there, or NULL. */
    const char *lacking;
};

const struct cenv_subdir_form_names *cenv_subdir_fetch_form(enum cenv_subdir_form form);

struct cenv_subdir_fetch {
    struct cenv_secret_url *url;    /* of the directory */
    struct cenv_secret_url *target; /* the file asked for now */
    struct cenv_buf path;           /* of the file that serves; "" with `missing` */
    char key[CENV_STORE_KEY], file[64], identity[CENV_DIGEST_HEX_MAX];
    struct cenv_json *state;    /* of the store's copy, owned; NULL: there is none */
    bool required;              /* an error when it is not there */
    bool local;                 /* lies on this machine, and is read in place */
    bool missing;               /* is known not to exist */
    bool done;                  /* nothing is left to ask */
    bool hit;                   /* nothing had to be downloaded */
    enum cenv_subdir_form form; /* asked for, or there */
    bool asked[CENV_NR_SUBDIR_FORMS]; /* and this time not there, but for the last */
    char notes[CENV_NR_SUBDIR_FORMS]
              [CENV_MESSAGE_MAX]; /* why one was passed over, or "" */
    struct cenv_error passed;     /* the first reason, whole; status 0: none was */
    const char *why; /* the copy in the store could not serve: a literal; or NULL */
    uint64_t bytes;  /* of the file that serves */
    uint64_t received, took_ns; /* by all that was asked */
    struct cenv_http_transfer transfer;
};

/* All subdirs of one request. */
struct cenv_repodata_fetch {
    struct cenv_store *store;
    struct cenv_subdir_fetch *subdirs;
    size_t nr;
    bool offline, shards, zst;       /* zst: .json.zst is asked for */
    const struct cenv_json *network; /* its settings */
    int64_t ttl;                     /* seconds; -1: as the server says */
    int64_t now;                     /* seconds */
    struct cenv_scratch scratch;
    struct cenv_task *task;
    struct cenv_error *err;
};

void cenv_subdir_fetch_init(struct cenv_subdir_fetch *subdir);
void cenv_subdir_fetch_release(struct cenv_subdir_fetch *subdir);

/* CENV_ECHANNEL "channel 'URL' WHY". */
int cenv_subdir_fetch_fail(const struct cenv_subdir_fetch *subdir, const char *why,
                           const char *hint, struct cenv_error *err);

/* There is no such subdir: the same error when it is required, else 0. */
int cenv_subdir_fetch_miss(struct cenv_subdir_fetch *subdir, const char *why,
                           const char *hint, struct cenv_error *err);

#endif
