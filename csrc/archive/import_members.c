/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Archives of formats 1 and 2. What is in the store already is stepped over. A later template may
 * have contents of it: they are sought in the one that is here, which need not have them (its
 * bytecode may be another); then the archive is read again, and all of it is unpacked.
 */
#include "archive/import_members.h"

#include "archive/archive.h"
#include "archive/archive_reader.h"
#include "archive/arrival.h"
#include "archive/unpack.h"
#include "os/fs.h"
#include "os/fs_beneath.h"
#include "os/fs_remove.h"
#include "store/template_entry.h"

enum { PATH_BYTES_MAX = 1 << 20 };

struct importer {
    struct cenv_intake *intake;
    struct cenv_archive_reader reader;
    bool keep_all; /* to unpack what is in the store already, too */
    bool is_short; /* that would help */
};

/* ---- into the scratch directory ---- */

static const struct cenv_intake_item *find_item(const struct importer *x, unsigned m)
{
    const struct cenv_intake_item *a = x->intake->items;
    while (a && a->n != m)
        a = a->next;
    return a;
}

/* Whether the m-th is not of this archive, but was in the store. */
static bool was_there(const struct importer *x, unsigned m)
{
    const struct cenv_intake_item *a = find_item(x, m);
    return a && !a->made && !a->kept;
}

/* The prefix of a template that came earlier: where it was unpacked, or where it was already. */
static int open_earlier(void *ctx, unsigned m, struct cenv_error *err)
{
    const struct importer *x = ctx;
    const struct cenv_intake_item *a = find_item(x, m);
    char source[CENV_ARRIVAL_NAME], entry[CENV_ARRIVAL_NAME];
    struct cenv_buf path;
    if (!a)
        return cenv_error_set(err, CENV_EFAIL, "template %u of the archive is lost", m);
    cenv_arrival_names(m, source, entry);
    if (a->kept)
        return cenv_fs_open_dir(x->intake->scratch.fd, source, err);
    cenv_buf_init(&path, PATH_BYTES_MAX);
    cenv_buf_addf(&path, "%s/" CENV_TEMPLATE_PREFIX, a->made ? entry : a->id);
    int top =
        a->made ? x->intake->scratch.fd : x->intake->store->dirs[CENV_STORE_TEMPLATES];
    int fd = path.failed ? cenv_error_oom(err)
                         : cenv_fs_open_beneath(top, path.data, 0, err);
    cenv_buf_release(&path);
    return fd;
}

/* One template whose head was read. */
struct unpacking {
    struct importer *x;
    unsigned n;
    const struct cenv_archive_head *head;
};

static int unpack_source(void *ctx, int dir, struct cenv_error *err)
{
    const struct unpacking *u = ctx;
    struct importer *x = u->x;
    struct cenv_unpack unpack = {.reader = &x->reader,
                                 .n = u->n,
                                 .head = u->head->sha256,
                                 .from = u->head->from,
                                 .store_path = x->intake->store->path,
                                 .open_earlier = open_earlier,
                                 .ctx = x};
    (void)err;
    int rc = cenv_unpack_members(&unpack, dir);
    if (rc < 0)
        x->is_short = unpack.short_of && was_there(x, unpack.short_of - 1);
    return rc;
}

static struct cenv_arrival arrival_of(struct unpacking *u)
{
    return (struct cenv_arrival){.store = u->x->intake->store,
                                 .scratch = u->x->intake->scratch.fd,
                                 .n = u->n,
                                 .id = u->head->id,
                                 .from = u->head->from,
                                 .doc = u->head->doc,
                                 .fill = unpack_source,
                                 .ctx = u,
                                 .task = u->x->intake->task,
                                 .err = u->x->intake->err};
}

/* ---- reading the archive ---- */

/* Only for the contents that later ones have of it. */
static int keep_source(struct cenv_arrival *arrival, struct cenv_intake_item *a)
{
    int src = cenv_arrival_unpack(arrival);
    if (src < 0)
        return src;
    cenv_fd_close(src);
    a->kept = true;
    return 0;
}

/* One that is there is stepped over. */
static int receive_members(struct importer *x, struct cenv_intake_item *a,
                           const struct cenv_archive_head *head)
{
    struct cenv_unpack unpack = {.reader = &x->reader, .n = a->n, .head = head->sha256};
    struct unpacking unpacking = {x, a->n, head};
    struct cenv_arrival arrival = arrival_of(&unpacking);
    int rc = cenv_template_entry_find(x->intake->store, a->id, x->intake->err);
    if (rc == 0)
        return !x->keep_all ? cenv_unpack_nothing(&unpack) : keep_source(&arrival, a);
    if (rc == 1)
        rc = cenv_arrival_make(&arrival);
    a->made = rc == 0;
    return rc;
}

static int receive_template(struct importer *x)
{
    struct cenv_intake *intake = x->intake;
    struct cenv_archive_head head;
    struct cenv_intake_item *item = NULL;
    int rc = cenv_archive_head_read(&head, &x->reader, intake->nr, &intake->machine,
                                    &intake->arena);
    if (rc == 0)
        rc = cenv_intake_add(intake, &head, &item);
    if (rc == 0)
        rc = receive_members(x, item, &head);
    cenv_archive_head_release(&head);
    return rc;
}

static int read_archive(struct importer *x, const char *path)
{
    struct cenv_intake *intake = x->intake;
    int rc = cenv_archive_reader_open(&x->reader, path, intake->task, intake->err);
    while (rc == 0 && (rc = cenv_archive_reader_next(&x->reader)) == 1)
        rc = receive_template(x);
    if (rc == 0 && !intake->nr)
        rc = cenv_archive_reader_refuse(&x->reader, "it is no archive of templates");
    cenv_archive_reader_close(&x->reader);
    return rc;
}

int cenv_import_members(struct cenv_intake *intake, const char *path)
{
    struct importer x = {.intake = intake};
    int rc = read_archive(&x, path);
    if (!x.is_short)
        return rc;
    cenv_intake_clear(intake);
    x.keep_all = true;
    cenv_error_release(intake->err);
    rc = cenv_fs_remove_content(intake->scratch.fd, intake->err);
    if (rc == 0)
        rc = read_archive(&x, path);
    return rc;
}
