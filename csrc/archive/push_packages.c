/* SPDX-License-Identifier: BSD-3-Clause */
/* A package is a blob of its own, so that all templates share it: see push_packages.h. */
#include "archive/push_packages.h"

#include <stdio.h>

#include "base/alloc.h"
#include "fetch/fetch_archives.h"
#include "os/fs.h"

enum cenv_blob_kind cenv_push_packages_kind(struct cenv_str fn)
{
    return cenv_str_ends(fn, CENV_STR(".conda")) ? CENV_BLOB_CONDA : CENV_BLOB_TAR_BZ2;
}

static int list_packages(struct cenv_push_packages *out,
                         const struct cenv_push_sending *s)
{
    const struct cenv_json *record;
    size_t nr = cenv_json_len(s->records);
    out->packages = cenv_calloc(nr + 1, sizeof(*out->packages));
    out->blobs = cenv_calloc(nr + 1, sizeof(*out->blobs));
    out->list = cenv_calloc(nr + 1, sizeof(*out->list));
    if (!out->packages || !out->blobs || !out->list)
        return cenv_error_oom(s->err);
    cenv_json_each(record, s->records)
    {
        struct cenv_parcel_package *package = &out->packages[out->nr];
        struct cenv_remote_blob *blob = &out->blobs[out->nr];
        const char *sha256 = cenv_json_get_cstr(record, "sha256");
        int64_t size = cenv_json_get_int(record, "size", 0);
        package->fn = cenv_json_get_str(record, "fn");
        if (!sha256 || size <= 0 || !package->fn.len)
            return cenv_error_set(s->err, CENV_EUSAGE,
                                  "a record tells no hash, size or file name");
        snprintf(package->sha256, sizeof(package->sha256), "%s", sha256);
        snprintf(blob->sha256, sizeof(blob->sha256), "%s", sha256);
        blob->size = package->size = (uint64_t)size;
        blob->kind = cenv_push_packages_kind(package->fn);
        out->list[out->nr++] = blob;
    }
    return 0;
}

/* The records of those that the remote lacks, whose blobs are listed then; NULL: see the error. */
static struct cenv_json *choose_missing(struct cenv_push_packages *out,
                                        const struct cenv_push_sending *s, size_t *nr)
{
    struct cenv_json *missing = cenv_json_array();
    const struct cenv_json *record;
    bool done = missing != NULL;
    size_t i = 0;
    *nr = 0;
    cenv_json_each(record, s->records)
    {
        struct cenv_remote_blob *blob = &out->blobs[i++];
        if (blob->there || !done)
            continue;
        out->list[(*nr)++] = blob;
        done = cenv_json_append(missing, cenv_json_dup(record));
    }
    if (done)
        return missing;
    cenv_json_free(missing);
    cenv_error_oom(s->err);
    return NULL;
}

static int send_archives(struct cenv_push_packages *out,
                         const struct cenv_push_sending *s,
                         const struct cenv_fetch_archives *archives)
{
    int rc;
    for (size_t i = 0; i < archives->nr; i++) {
        struct cenv_remote_blob *blob = out->list[i];
        const struct cenv_fetch_job *job = &archives->jobs[i];
        blob->dir = job->local ? CENV_CWD : s->scratch;
        blob->file = job->local ? job->local : job->archive;
        out->packages[blob - out->blobs].size = blob->size = job->size;
        out->sent += blob->size;
    }
    rc = cenv_remote_put_blobs(s->remote, out->list, archives->nr, s->task, s->err);
    for (size_t i = 0; i < archives->nr; i++)
        if (rc == 0 && out->list[i]->rc < 0)
            rc = cenv_error_move(s->err, &out->list[i]->err);
    return rc;
}

int cenv_push_packages_send(struct cenv_push_packages *out,
                            const struct cenv_push_sending *s)
{
    struct cenv_fetch_archives archives = {0};
    struct cenv_json *missing = NULL;
    size_t nr = 0;
    int rc = list_packages(out, s);
    if (rc == 0)
        rc = cenv_remote_has(s->remote, out->list, out->nr, s->task, s->err);
    if (rc == 0 && !(missing = choose_missing(out, s, &nr)))
        rc = s->err->status;
    if (rc == 0 && nr)
        rc = cenv_fetch_archives_obtain(&archives, missing, s->fetch, s->scratch,
                                        s->task, s->err);
    if (rc == 0 && nr)
        rc = send_archives(out, s, &archives);
    cenv_fetch_archives_release(&archives);
    cenv_json_free(missing);
    return rc;
}

void cenv_push_packages_release(struct cenv_push_packages *packages)
{
    for (size_t i = 0; packages->blobs && i < packages->nr; i++)
        cenv_error_release(&packages->blobs[i].err);
    cenv_free(packages->packages);
    cenv_free(packages->blobs);
    cenv_free(packages->list);
    *packages = (struct cenv_push_packages){0};
}
