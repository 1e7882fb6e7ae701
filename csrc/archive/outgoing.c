/* SPDX-License-Identifier: BSD-3-Clause */
/* Templates on their way out: see outgoing.h. */
#include "archive/outgoing.h"

#include "archive/bare.h"
#include "archive/delta_diff.h"
#include "os/fs.h"
#include "os/fs_remove.h"
#include "store/template_entry.h"

#define BARE_NAME "bare" /* in the scratch directory */

static int check_lasting(const struct cenv_outgoing *out)
{
    int rc = cenv_fs_exists(out->dir, CENV_TEMPLATE_OWNER, out->err);
    if (rc != 1)
        return rc;
    return cenv_error_set(out->err, CENV_EUSAGE,
                          "template %.12s serves one run only: its set-up has no "
                          "key that tells it from others",
                          out->id);
}

static int open_entry(struct cenv_outgoing *out)
{
    out->dir =
        cenv_fs_open_dir(out->store->dirs[CENV_STORE_TEMPLATES], out->id, out->err);
    if (out->dir < 0)
        return out->dir;
    int rc = check_lasting(out);
    if (rc < 0)
        return rc;
    out->prefix = cenv_fs_open_dir(out->dir, CENV_TEMPLATE_PREFIX, out->err);
    if (out->prefix < 0)
        return out->prefix;
    return cenv_manifest_open(&out->manifest, out->dir, CENV_TEMPLATE_MANIFEST, NULL,
                              out->err);
}

int cenv_outgoing_open(struct cenv_outgoing *out, struct cenv_store *store,
                       const char *id, struct cenv_task *task, struct cenv_error *err)
{
    struct cenv_stat st;
    *out = (struct cenv_outgoing){
        .store = store, .id = id, .dir = -1, .prefix = -1, .task = task, .err = err};
    int rc = cenv_template_entry_load(store, id, &out->doc, &st, err);
    if (rc == 1)
        rc =
            cenv_error_set(err, CENV_EUSAGE, "no template '%s' in %s", id, store->path);
    if (rc == 0)
        rc = open_entry(out);
    return rc;
}

void cenv_outgoing_close(struct cenv_outgoing *out)
{
    cenv_json_free(out->doc);
    cenv_manifest_free(out->manifest);
    cenv_fd_close(out->prefix);
    cenv_fd_close(out->dir);
}

const char *cenv_outgoing_prefix(const struct cenv_outgoing *out)
{
    return cenv_mf_cstr(out->manifest, out->manifest->header->prefix);
}

/* ---- the delta ---- */

/* Its packages, linked as on the machine that will read it: a descriptor, or a status. */
static int link_bare(const struct cenv_outgoing *out,
                     const struct cenv_scratch *scratch)
{
    struct cenv_bare bare = {.store = out->store,
                             .records = cenv_json_get(out->doc, "records"),
                             .target = cenv_outgoing_prefix(out),
                             .task = out->task,
                             .err = out->err};
    int fd = cenv_fs_mkdir_open(scratch->fd, BARE_NAME, 0755, out->err);
    if (fd < 0)
        return fd;
    int rc = cenv_bare_link(&bare, fd, NULL);
    if (rc == 0)
        return fd;
    cenv_fd_close(fd);
    return rc;
}

static int write_difference(const struct cenv_outgoing *out,
                            struct cenv_outgoing_delta *delta, int bare, int fd)
{
    struct cenv_delta_writer writer;
    struct cenv_delta_diff diff = {.manifest = out->manifest,
                                   .id = out->id,
                                   .prefix = out->prefix,
                                   .bare = bare,
                                   .writer = &writer,
                                   .skipped = delta->skipped,
                                   .task = out->task,
                                   .err = out->err};
    int rc = cenv_delta_writer_open(&writer, fd, delta->level, delta->contents,
                                    out->task, out->err);
    if (rc == 0)
        rc = cenv_delta_diff_write(&diff);
    if (rc == 0)
        rc = cenv_delta_writer_finish(&writer, &delta->facts);
    delta->entries = diff.entries;
    delta->bytes = diff.bytes;
    delta->shared = writer.shared;
    cenv_delta_writer_release(&writer);
    return rc;
}

int cenv_outgoing_write_delta(const struct cenv_outgoing *out,
                              struct cenv_outgoing_delta *delta)
{
    int bare = -1, fd = cenv_fs_create(delta->scratch->fd, delta->file, 0600, out->err);
    if (fd < 0)
        return fd;
    int rc = 0;
    if (delta->linked)
        rc = bare = link_bare(out, delta->scratch);
    if (rc >= 0)
        rc = write_difference(out, delta, bare, fd);
    cenv_fd_close(bare);
    int failed = cenv_raw_close(fd);
    if (rc == 0 && failed < 0)
        rc = cenv_fs_fail(out->err, failed, delta->scratch->fd, delta->file,
                          "cannot write");
    if (rc == 0 && delta->linked)
        rc = cenv_fs_remove_tree(delta->scratch->fd, BARE_NAME, out->err);
    return rc;
}
