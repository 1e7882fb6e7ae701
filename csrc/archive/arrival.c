/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A template is unpacked into a scratch directory of the store, then cloned (by links: both lie in
 * there), which relocates it from the prefix on the machine that made it to the place where it will
 * be.
 */
#include "archive/arrival.h"

#include <stdio.h>
#include <string.h>

#include "clone/clone_tree.h"
#include "manifest/manifest_foreign.h"
#include "os/fs.h"
#include "os/fs_place.h"
#include "os/fs_remove.h"
#include "os/host.h"
#include "store/template_entry.h"
#include "template/description.h"

enum { PATH_BYTES_MAX = 1 << 20, THREADS_MAX = 4 };

void cenv_arrival_names(unsigned n, char source[CENV_ARRIVAL_NAME],
                        char entry[CENV_ARRIVAL_NAME])
{
    snprintf(source, CENV_ARRIVAL_NAME, "%u.src", n);
    snprintf(entry, CENV_ARRIVAL_NAME, "%u", n);
}

/* The source goes: no inode stays shared. */
static int place_links(const struct cenv_arrival *x, const struct cenv_manifest *m,
                       int src, int dst, const char *target)
{
    struct cenv_prepared_clone prepared;
    struct cenv_stat st;
    unsigned cpus = cenv_host_cpus();
    int failed = cenv_raw_stat_fd(dst, &st);
    if (failed < 0)
        return cenv_fs_fail(x->err, failed, dst, NULL, "cannot look at");
    int rc = cenv_prepared_clone_init(&prepared, m, src, cenv_str(target), x->err);
    if (rc < 0)
        return rc;
    struct cenv_clone_target to = {
        .dst = dst, .mask = 0777 & ~st.mode, .mode = CENV_PLACE_HARDLINK};
    rc = cenv_clone_tree_place(&prepared, &to, cpus < THREADS_MAX ? cpus : THREADS_MAX,
                               NULL, x->task, x->err);
    cenv_prepared_clone_release(&prepared);
    if (rc == 0)
        failed = cenv_raw_chmod_fd(dst, m->dirs[0].mode);
    if (failed < 0)
        rc = cenv_fs_fail(x->err, failed, dst, NULL, "cannot set the mode of");
    return rc;
}

int cenv_arrival_unpack(const struct cenv_arrival *x)
{
    char source[CENV_ARRIVAL_NAME], ignored[CENV_ARRIVAL_NAME];
    cenv_arrival_names(x->n, source, ignored);
    int src = cenv_fs_mkdir_open(x->scratch, source, 0700, x->err);
    if (src < 0)
        return src;
    int rc = x->fill(x->ctx, src, x->err);
    if (rc == 0)
        return src;
    cenv_fd_close(src);
    return rc;
}

static int describe_source(const struct cenv_arrival *x, int src,
                           struct cenv_manifest **out)
{
    const struct cenv_manifest_hints hints = {.shared = true};
    return x->describe ? x->describe(x->ctx, src, out, x->err)
                       : cenv_manifest_of_environment(out, src, x->from, &hints,
                                                      x->task, x->err);
}

/*
 * The prefix in the entry, and its manifest in the place of that of the source, which is gone then:
 * the manifest is of files that do not change any more. What named nothing in the source names
 * nothing here.
 */
static int relocate_source(const struct cenv_arrival *x, const char *source, int src,
                           int entry, const char *target,
                           struct cenv_manifest **manifest)
{
    struct cenv_manifest *of_source = *manifest;
    struct cenv_manifest_hints hints = {
        .old = of_source, .cloned = true, .shared = true};
    int dst = cenv_fs_mkdir_open(entry, CENV_TEMPLATE_PREFIX, 0777, x->err);
    *manifest = NULL;
    int rc = dst < 0 ? dst : place_links(x, of_source, src, dst, target);
    if (rc == 0)
        rc = cenv_fs_remove_tree(x->scratch, source, x->err);
    if (rc == 0)
        rc = cenv_manifest_of_environment(manifest, dst, target, &hints, x->task,
                                          x->err);
    cenv_manifest_free(of_source);
    cenv_fd_close(dst);
    return rc;
}

static int make_prefix(const struct cenv_arrival *x, int entry, const char *target,
                       struct cenv_manifest **manifest)
{
    char source[CENV_ARRIVAL_NAME], ignored[CENV_ARRIVAL_NAME];
    cenv_arrival_names(x->n, source, ignored);
    int src = cenv_arrival_unpack(x);
    if (src < 0)
        return src;
    bool stays = strcmp(x->from, target) == 0; /* as in containers of one image */
    int rc = describe_source(x, src, manifest);
    if (rc == 0)
        rc = stays ? cenv_fs_rename(x->scratch, source, entry, CENV_TEMPLATE_PREFIX,
                                    x->err)
                   : relocate_source(x, source, src, entry, target, manifest);
    cenv_fd_close(src);
    return rc;
}

static int fill_entry(const struct cenv_arrival *x, int entry, const char *target)
{
    struct cenv_manifest *manifest = NULL;
    int rc = make_prefix(x, entry, target, &manifest);
    if (rc == 0)
        rc = cenv_manifest_save(manifest, entry, CENV_TEMPLATE_MANIFEST, x->err);
    if (rc == 0)
        rc = cenv_description_save(entry, x->doc, x->err);
    cenv_manifest_free(manifest);
    return rc;
}

int cenv_arrival_make(const struct cenv_arrival *x)
{
    struct cenv_buf target;
    char source[CENV_ARRIVAL_NAME], name[CENV_ARRIVAL_NAME];
    cenv_arrival_names(x->n, source, name);
    int entry = -1, rc = cenv_fs_mkdir(x->scratch, name, 0755, x->err);
    cenv_buf_init(&target, PATH_BYTES_MAX);
    if (rc == 0 && !cenv_template_entry_add_prefix(x->store, x->id, &target))
        rc = cenv_error_oom(x->err);
    if (rc == 0)
        rc = entry = cenv_fs_open_dir(x->scratch, name, x->err);
    if (rc >= 0)
        rc = fill_entry(x, entry, target.data);
    cenv_fd_close(entry);
    cenv_buf_release(&target);
    return rc;
}
