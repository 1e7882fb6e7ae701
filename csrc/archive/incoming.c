/* SPDX-License-Identifier: BSD-3-Clause */
/* Templates are made of descriptions: see incoming.h. */
#include "archive/incoming.h"

#include <stdio.h>

#include "archive/bare.h"
#include "archive/pull_packages.h"
#include "archive/record_paths.h"
#include "archive/remade.h"
#include "fetch/fetch_job.h"
#include "link/link.h"
#include "link/plan_manifest.h"
#include "manifest/manifest_foreign.h"

int cenv_incoming_open_delta(struct cenv_delta_source *out,
                             const struct cenv_delta_facts *facts, int fd, uint64_t at,
                             uint64_t whole, struct cenv_task *task,
                             struct cenv_error *err)
{
    struct cenv_delta_place *place = &out->place;
    *place = (struct cenv_delta_place){
        .fd = fd, .at = at, .size = facts->size, .whole = whole, .toc = facts->toc};
    snprintf(place->toc_sha256, sizeof(place->toc_sha256), "%s", facts->toc_sha256);
    return cenv_delta_open(&out->delta, place, task, err);
}

/* ---- packages ---- */

/* The records, from where this machine would have them; NULL: see the error. */
static struct cenv_json *records_of_here(const struct cenv_incoming *in)
{
    struct cenv_json *records =
        cenv_json_dup(cenv_json_get(in->parcel->head.doc, "records"));
    struct cenv_json *record;
    bool done = records != NULL;
    cenv_json_each(record, records)
    {
        const char *sha256 = cenv_json_get_cstr(record, "sha256");
        struct cenv_str url = cenv_json_get_str(in->urls, sha256 ? sha256 : "");
        if (url.len)
            done &= cenv_json_set_str(record, "url", url);
    }
    if (done)
        return records;
    cenv_json_free(records);
    cenv_error_oom(in->err);
    return NULL;
}

/* The id covers digests, not names: what the packages are called they say themselves. */
static int check_packages(const struct cenv_incoming *in,
                          const struct cenv_json *completed)
{
    const struct cenv_json *record;
    int rc = 0;
    cenv_json_each(record, completed)
    {
        if (rc == 0)
            rc = cenv_fetch_job_check_stored(in->store, record, in->err);
    }
    return rc;
}

static int get_packages(struct cenv_incoming *in)
{
    struct cenv_json *records = records_of_here(in), *completed = NULL;
    struct cenv_fetch_options fetch = *in->fetch;
    struct cenv_pull_packages packages = {.remote = in->remote,
                                          .parcel = in->parcel,
                                          .scratch = in->scratch,
                                          .task = in->task};
    if (in->parcel->nr_packages) {
        fetch.bring = cenv_pull_packages_bring;
        fetch.bring_ctx = &packages;
    }
    if (!records)
        return in->err->status;
    int rc = cenv_fetch_packages_obtain(in->store, records, &fetch, in->task,
                                        &completed, in->err);
    if (rc == 0)
        rc = check_packages(in, completed);
    cenv_json_free(records);
    cenv_json_free(completed);
    in->received += packages.received;
    in->nr_packages += packages.nr;
    return rc;
}

/* ---- files ---- */

static struct cenv_bare bare_of(const struct cenv_incoming *in, struct cenv_error *err)
{
    return (struct cenv_bare){.store = in->store,
                              .records = cenv_json_get(in->parcel->head.doc, "records"),
                              .target = in->parcel->head.from,
                              .task = in->task,
                              .err = err};
}

/* As its maker had it. */
static int fill_source(void *ctx, int dir, struct cenv_error *err)
{
    struct cenv_incoming *in = ctx;
    struct cenv_delta_laying laying = {
        .source = in->delta, .root = dir, .find = in->find, .ctx = in->ctx};
    struct cenv_record_paths paths = {in->parcel->head.from, in->store->path};
    struct cenv_bare bare = bare_of(in, err);
    int rc = in->parcel->linked ? cenv_bare_link(&bare, dir, &in->plan) : 0;
    if (rc == 0)
        rc = cenv_delta_lay(&laying, in->task, err);
    if (rc == 0 && in->verify)
        rc = cenv_remade_compare(&bare, in->parcel->head.doc, &in->delta->delta, dir,
                                 in->scratch);
    if (rc == 0)
        rc = cenv_record_paths_move(&paths, dir, in->task, err);
    return rc;
}

/* What the delta brought is looked into, whatever it says of size and time. */
static int forget_laid(const struct cenv_delta *delta,
                       struct cenv_link_plan_known *known, struct cenv_error *err)
{
    for (uint32_t i = 0; i < delta->nr_entries; i++)
        if (!cenv_link_plan_known_forget(known, delta->entries[i].path))
            return cenv_error_oom(err);
    return 0;
}

/* Of what the packages brought the link knows what it names, so that it is not opened again. */
static int describe_source(void *ctx, int dir, struct cenv_manifest **out,
                           struct cenv_error *err)
{
    const struct cenv_incoming *in = ctx;
    struct cenv_link_plan_known known;
    struct cenv_manifest_hints hints = {
        .known = cenv_link_plan_known_scan, .ctx = &known, .shared = true};
    int rc = cenv_link_plan_known_init(&known, in->plan, err);
    if (rc == 0)
        rc = forget_laid(&in->delta->delta, &known, err);
    if (rc == 0)
        rc = cenv_manifest_of_environment(out, dir, in->parcel->head.from, &hints,
                                          in->task, err);
    cenv_link_plan_known_release(&known);
    return rc;
}

int cenv_incoming_make(struct cenv_incoming *in)
{
    struct cenv_arrival arrival = {.store = in->store,
                                   .scratch = in->scratch,
                                   .n = in->n,
                                   .id = in->parcel->head.id,
                                   .from = in->parcel->head.from,
                                   .doc = in->parcel->head.doc,
                                   .fill = fill_source,
                                   .describe =
                                       in->parcel->linked ? describe_source : NULL,
                                   .ctx = in,
                                   .task = in->task,
                                   .err = in->err};
    int rc = in->parcel->linked ? get_packages(in) : 0;
    if (rc == 0)
        rc = cenv_arrival_make(&arrival);
    cenv_link_plan_free(in->plan);
    in->plan = NULL;
    return rc;
}
