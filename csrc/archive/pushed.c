/* SPDX-License-Identifier: BSD-3-Clause */
/* Descriptions on remotes: see pushed.h. */
#include "archive/pushed.h"

#include <stdio.h>
#include <string.h>

#include "archive/push_packages.h"
#include "base/alloc.h"
#include "model/platform.h"
#include "template/template_id.h"

/* Of a table of contents; one that is larger is not looked at. */
enum { TABLE_MAX = 64 << 20 };

/* ---- a description, and what it refers to ---- */

static void release_parcel(struct cenv_pushed *p)
{
    for (size_t i = 0; i < p->nr_refs; i++)
        cenv_error_release(&p->refs[i].err);
    cenv_free(p->refs);
    cenv_free(p->list);
    p->refs = NULL;
    p->list = NULL;
    p->nr_refs = 0;
    cenv_parcel_release(&p->parcel);
}

static void set_ref(struct cenv_pushed *p, size_t i, const char *sha256, uint64_t size,
                    enum cenv_blob_kind kind)
{
    struct cenv_remote_blob *ref = &p->refs[i];
    ref->size = size;
    ref->kind = kind;
    snprintf(ref->sha256, sizeof(ref->sha256), "%s", sha256);
    p->list[i] = ref;
}

static int list_refs(struct cenv_pushed *p)
{
    const struct cenv_parcel *parcel = &p->parcel;
    size_t nr = 1 + parcel->nr_packages;
    p->refs = cenv_calloc(nr, sizeof(*p->refs));
    p->list = cenv_calloc(nr, sizeof(*p->list));
    if (!p->refs || !p->list)
        return cenv_error_oom(p->err);
    p->nr_refs = nr;
    set_ref(p, 0, parcel->delta.sha256, parcel->delta.size, CENV_BLOB_DELTA);
    for (size_t i = 1; i < nr; i++)
        set_ref(p, i, parcel->packages[i - 1].sha256, parcel->packages[i - 1].size,
                cenv_push_packages_kind(parcel->packages[i - 1].fn));
    return 0;
}

/* Unaltered, and of this template. */
static int read_parcel(struct cenv_parcel *parcel, const struct cenv_pushed *p,
                       struct cenv_str text, struct cenv_arena *arena)
{
    struct cenv_error unread = CENV_ERROR_INIT;
    int rc = cenv_parcel_read(parcel, text, NULL, arena, &unread);
    if (rc == 0)
        rc = cenv_parcel_check_sum(parcel->head.json, &unread);
    if (rc == CENV_ENOMEM)
        return cenv_error_move(p->err, &unread);
    cenv_error_release(&unread);
    return rc == 0 && strcmp(parcel->head.id, p->id) == 0;
}

int cenv_pushed_read(struct cenv_pushed *p)
{
    int rc = read_parcel(&p->parcel, p, cenv_buf_str(&p->text), &p->arena);
    if (rc != 1)
        return rc;
    rc = list_refs(p);
    return rc == 0 ? 1 : rc;
}

/* ---- what is there ---- */

/* What a remote says may be nonsense: that is as if it said nothing, and replaced. */
int cenv_pushed_find_document(struct cenv_pushed *p, const char *key,
                              struct cenv_buf *out)
{
    int rc = cenv_remote_find(p->remote, key, out, p->task, p->err);
    if (rc != CENV_EINTEGRITY)
        return rc;
    cenv_error_release(p->err);
    cenv_buf_clear(out);
    return 0;
}

/* The records, all of them but where packages come from: names, too, which are not in the id. */
static int has_same_records(const struct cenv_pushed *p)
{
    const struct cenv_json *docs[] = {p->doc, p->parcel.head.doc};
    struct cenv_buf sums[2];
    int rc = 0;
    for (size_t i = 0; i < 2; i++) {
        cenv_buf_init(&sums[i], CENV_DIGEST_HEX_MAX);
        if (rc == 0)
            rc = cenv_template_id_of_whole_records(cenv_json_get(docs[i], "records"),
                                                   NULL, NULL, &sums[i], p->err);
    }
    bool same = cenv_str_eq(cenv_buf_str(&sums[0]), cenv_buf_str(&sums[1]));
    cenv_buf_release(&sums[0]);
    cenv_buf_release(&sums[1]);
    return rc < 0 ? rc : same;
}

/* Whether it is what would be put here: 1, 0 or a status. */
static int is_same(const struct cenv_pushed *p)
{
    const struct cenv_parcel *parcel = &p->parcel;
    size_t nr = cenv_json_len(cenv_json_get(p->doc, "records"));
    const char *subdir = cenv_json_get_cstr(parcel->head.json, "subdir");
    if (!parcel->linked || !subdir || strcmp(subdir, cenv_platform_subdir()) != 0)
        return 0;
    if (p->packages && parcel->nr_packages < nr)
        return 0;
    return has_same_records(p);
}

/* Whether the table of contents is what the description says. Some remotes serve no parts. */
static int has_table(const struct cenv_pushed *p)
{
    const struct cenv_delta_facts *delta = &p->parcel.delta;
    char sum[CENV_DIGEST_HEX_MAX] = "";
    struct cenv_buf table;
    if (delta->toc > TABLE_MAX)
        return 1;
    cenv_buf_init(&table, (size_t)delta->toc);
    int rc = cenv_remote_read_part(p->remote, &p->refs[0], delta->size - delta->toc,
                                   delta->toc, &table, p->task, p->err);
    if (rc == 1 && !cenv_digest_sha256_hex(cenv_buf_str(&table), sum))
        rc = cenv_error_oom(p->err);
    cenv_buf_release(&table);
    if (rc == CENV_EINTEGRITY) {
        cenv_error_release(p->err);
        return 0;
    }
    if (rc == 1)
        return strcmp(sum, delta->toc_sha256) == 0;
    return rc < 0 ? rc : 1;
}

static int has_blobs(struct cenv_pushed *p)
{
    int rc = cenv_remote_has(p->remote, p->list, p->nr_refs, p->task, p->err);
    bool has = rc == 0;
    for (size_t i = 0; rc == 0 && i < p->nr_refs; i++)
        has = has && p->refs[i].there;
    return rc < 0 ? rc : has;
}

int cenv_pushed_find(struct cenv_pushed *p)
{
    int rc = cenv_pushed_find_document(p, p->id, &p->text);
    if (rc == 1)
        rc = cenv_pushed_read(p);
    if (rc == 1)
        rc = is_same(p);
    if (rc == 1)
        rc = has_blobs(p);
    if (rc == 1)
        rc = has_table(p);
    if (rc != 1) {
        release_parcel(p);
        cenv_buf_clear(&p->text);
    }
    return rc;
}

int cenv_pushed_confirm(struct cenv_pushed *p)
{
    struct cenv_arena arena = CENV_ARENA_INIT;
    struct cenv_parcel parcel = {.linked = false};
    struct cenv_buf text;
    cenv_buf_init(&text, CENV_PARCEL_MAX);
    int rc = cenv_remote_find(p->remote, p->id, &text, p->task, p->err);
    if (rc == 1) {
        rc = read_parcel(&parcel, p, cenv_buf_str(&text), &arena);
    } else if (rc == 0) {
        rc = 1;
    } else if (rc == CENV_EINTEGRITY) {
        cenv_error_release(p->err);
        rc = 0;
    }
    cenv_parcel_release(&parcel);
    cenv_buf_release(&text);
    cenv_arena_release(&arena);
    return rc;
}

void cenv_pushed_release(struct cenv_pushed *p)
{
    release_parcel(p);
    cenv_buf_release(&p->text);
    cenv_arena_release(&p->arena);
}
