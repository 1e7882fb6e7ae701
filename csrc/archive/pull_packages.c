/* SPDX-License-Identifier: BSD-3-Clause */
/* Archives of packages from a remote: see pull_packages.h. */
#include "archive/pull_packages.h"

#include <stdio.h>
#include <string.h>

#include "archive/push_packages.h"
#include "base/alloc.h"
#include "fetch/fetch_job.h"
#include "os/fs_where.h"

enum { NAME_ROOM = 32, PATH_BYTES_MAX = 1 << 20 };

/* One that is wanted and lies there. */
struct wanted {
    struct cenv_remote_blob blob;
    char name[NAME_ROOM];
    struct cenv_fetch_job *job;
};

struct choice {
    struct cenv_pull_packages *asked;
    struct wanted *wanted;
    struct cenv_remote_blob **list;
    size_t nr;
    struct cenv_error *err;
};

static const struct cenv_parcel_package *find_package(const struct cenv_parcel *parcel,
                                                      const char *sha256)
{
    for (size_t i = 0; i < parcel->nr_packages; i++)
        if (strcmp(parcel->packages[i].sha256, sha256) == 0)
            return &parcel->packages[i];
    return NULL;
}

static void choose_packages(struct choice *c, struct cenv_fetch_job *const *jobs,
                            size_t nr)
{
    for (size_t i = 0; i < nr; i++) {
        const struct cenv_parcel_package *package =
            find_package(c->asked->parcel, jobs[i]->sha256);
        struct wanted *wanted = &c->wanted[c->nr];
        if (!package)
            continue;
        wanted->job = jobs[i];
        wanted->blob =
            (struct cenv_remote_blob){.size = package->size,
                                      .kind = cenv_push_packages_kind(package->fn),
                                      .dir = c->asked->scratch,
                                      .file = wanted->name};
        snprintf(wanted->name, sizeof(wanted->name), "package-%zu", i);
        snprintf(wanted->blob.sha256, sizeof(wanted->blob.sha256), "%s",
                 package->sha256);
        c->list[c->nr++] = &wanted->blob;
    }
}

static int take_package(struct choice *c, struct wanted *wanted)
{
    struct cenv_buf path;
    if (wanted->blob.rc < 0 || !wanted->blob.there)
        return 0;
    cenv_buf_init(&path, PATH_BYTES_MAX);
    cenv_free(wanted->job->local);
    wanted->job->local = cenv_fs_path_of(c->asked->scratch, wanted->name, &path)
                             ? cenv_buf_detach(&path)
                             : NULL;
    cenv_buf_release(&path);
    if (!wanted->job->local)
        return cenv_error_oom(c->err);
    c->asked->received += wanted->blob.size;
    c->asked->nr++;
    return 0;
}

static int fetch_chosen(struct choice *c)
{
    int rc = cenv_remote_get(c->asked->remote, c->list, c->nr, c->asked->task, c->err);
    for (size_t i = 0; i < c->nr; i++) {
        if (rc == 0)
            rc = take_package(c, &c->wanted[i]);
        cenv_error_release(&c->wanted[i].blob.err);
    }
    return rc;
}

int cenv_pull_packages_bring(void *ctx, struct cenv_fetch_job *const *jobs, size_t nr,
                             struct cenv_error *err)
{
    struct choice c = {.asked = ctx, .err = err};
    c.wanted = cenv_calloc(nr + 1, sizeof(*c.wanted));
    c.list = cenv_calloc(nr + 1, sizeof(*c.list));
    int rc = c.wanted && c.list ? 0 : cenv_error_oom(err);
    if (rc == 0)
        choose_packages(&c, jobs, nr);
    if (rc == 0 && c.nr)
        rc = fetch_chosen(&c);
    cenv_free(c.wanted);
    cenv_free(c.list);
    return rc;
}
