/* SPDX-License-Identifier: BSD-3-Clause */
/* Remotes in one file: see bundle.h. */
#include "remote/bundle.h"

#include <stdio.h>

#include "base/alloc.h"
#include "base/digest.h"
#include "base/intern.h"
#include "codec/json.h"
#include "codec/json_writer.h"
#include "codec/limits.h"
#include "codec/tar.h"
#include "codec/tar_header.h"
#include "codec/tar_write.h"
#include "os/fs.h"
#include "os/raw_data.h"
#include "remote/blob.h"

enum { BLOCK = 1 << 18, NAME_ROOM = 80, TEXT_MAX = 256 << 20 };

#define INDEX     "index.json"
#define KEYS      "ac/"
#define BLOBS     "cas/"
#define KEY_NAME  "key"
#define HASH_NAME "sha256"
#define LIST_NAME "documents"

struct document {
    char key[CENV_REMOTE_HEX], sha256[CENV_DIGEST_HEX_MAX];
};

struct member {
    struct cenv_bundle_place place;
    uint32_t document; /* 1 + its position among them; 0: the index tells of none */
};

struct cenv_bundle {
    int fd;
    uint64_t written;
    struct cenv_intern names; /* of members */
    struct member *members;   /* by the names' ids */
    struct document *documents;
    size_t nr_documents, alloc_members, alloc_documents;
    char *block;
};

static int refuse_bundle(struct cenv_error *err, const char *why)
{
    return cenv_error_set(err, CENV_EINTEGRITY, "%s", why);
}

int cenv_bundle_create(struct cenv_bundle **out, int fd, struct cenv_error *err)
{
    struct cenv_bundle *b = cenv_calloc(1, sizeof(*b));
    char *block = cenv_calloc(1, BLOCK);
    if (!b || !block) {
        cenv_free(b);
        cenv_free(block);
        return cenv_error_oom(err);
    }
    *b = (struct cenv_bundle){.fd = fd, .block = block};
    *out = b;
    return 0;
}

void cenv_bundle_free(struct cenv_bundle *b)
{
    if (!b)
        return;
    cenv_intern_release(&b->names);
    cenv_free(b->members);
    cenv_free(b->documents);
    cenv_free(b->block);
    cenv_free(b);
}

/* ---- what is in it ---- */

static struct member *find_member(const struct cenv_bundle *b, struct cenv_str name)
{
    uint32_t id = cenv_intern_find(&b->names, name);
    return id == CENV_NONE ? NULL : &b->members[id];
}

static struct member *find_named(const struct cenv_bundle *b, const char *dir,
                                 const char *hex)
{
    char name[NAME_ROOM];
    snprintf(name, sizeof(name), "%s%.64s", dir, hex);
    return find_member(b, cenv_str(name));
}

static int add_member(struct cenv_bundle *b, struct cenv_str name, uint64_t at,
                      uint64_t size, struct cenv_error *err)
{
    void *members = b->members;
    if (!cenv_grow(&members, &b->alloc_members, b->names.nr, sizeof(*b->members)))
        return cenv_error_oom(err);
    b->members = members;
    uint32_t id = cenv_intern_id(&b->names, name);
    if (id == CENV_NONE)
        return cenv_error_oom(err);
    b->members[id] = (struct member){.place = {at, size}};
    return 0;
}

/* Of the member of its name. */
static int add_document(struct cenv_bundle *b, struct member *member, const char *key,
                        const char *sha256, struct cenv_error *err)
{
    void *documents = b->documents;
    if (!cenv_grow(&documents, &b->alloc_documents, b->nr_documents,
                   sizeof(*b->documents)))
        return cenv_error_oom(err);
    b->documents = documents;
    struct document *added = &b->documents[b->nr_documents++];
    snprintf(added->key, sizeof(added->key), "%s", key);
    snprintf(added->sha256, sizeof(added->sha256), "%s", sha256);
    member->document = (uint32_t)b->nr_documents;
    return 0;
}

const char *cenv_bundle_key(const struct cenv_bundle *b, size_t n)
{
    return n < b->nr_documents ? b->documents[n].key : NULL;
}

int cenv_bundle_file(const struct cenv_bundle *b)
{
    return b->fd;
}

bool cenv_bundle_find_blob(const struct cenv_bundle *b, const char *sha256,
                           struct cenv_bundle_place *out)
{
    const struct member *member = find_named(b, BLOBS, sha256);
    if (member)
        *out = member->place;
    return member != NULL;
}

/* ---- writing ---- */

static int write_bytes(void *ctx, const void *data, size_t len, struct cenv_error *err)
{
    struct cenv_bundle *b = ctx;
    int failed = cenv_raw_write(b->fd, data, len);
    if (failed < 0)
        return cenv_fs_fail(err, failed, b->fd, NULL, "cannot write");
    b->written += len;
    return 0;
}

static int put_header(struct cenv_bundle *b, const char *name, uint64_t size,
                      struct cenv_error *err)
{
    struct cenv_output to = {write_bytes, b};
    struct cenv_member member = {.type = CENV_MEMBER_FILE,
                                 .path = cenv_str(name),
                                 .link = CENV_STR(""),
                                 .mode = 0644,
                                 .size = size};
    int rc = cenv_tar_write_header(&member, to, err);
    if (rc == 0)
        rc = add_member(b, member.path, b->written, size, err);
    return rc;
}

static int put_text(struct cenv_bundle *b, const char *name, struct cenv_str text,
                    struct cenv_error *err)
{
    struct cenv_output to = {write_bytes, b};
    int rc = put_header(b, name, text.len, err);
    if (rc == 0)
        rc = write_bytes(b, text.data, text.len, err);
    if (rc == 0)
        rc = cenv_tar_write_padding(text.len, to, err);
    return rc;
}

int cenv_bundle_put_document(struct cenv_bundle *b, const char *key,
                             struct cenv_str text, struct cenv_error *err)
{
    char name[NAME_ROOM], hex[CENV_DIGEST_HEX_MAX];
    if (find_named(b, KEYS, key))
        return 0;
    snprintf(name, sizeof(name), KEYS "%.64s", key);
    if (!cenv_digest_sha256_hex(text, hex))
        return cenv_error_oom(err);
    int rc = put_text(b, name, text, err);
    if (rc == 0)
        rc = add_document(b, find_named(b, KEYS, key), key, hex, err);
    return rc;
}

static int copy_file(struct cenv_bundle *b, int fd, uint64_t size,
                     struct cenv_task *task, struct cenv_error *err)
{
    int rc = 0;
    for (uint64_t at = 0; at < size && rc == 0;) {
        size_t want = size - at < BLOCK ? (size_t)(size - at) : BLOCK;
        int64_t got = cenv_raw_pread(fd, b->block, want, at);
        if (got < 0)
            return cenv_fs_fail(err, (int)got, fd, NULL, "cannot read");
        if ((size_t)got != want)
            return refuse_bundle(err, "a file changed while it was read");
        at += want;
        rc = write_bytes(b, b->block, want, err);
        cenv_task_advance(task, want);
        if (rc == 0)
            rc = cenv_task_poll(task, err);
    }
    return rc;
}

int cenv_bundle_put_blob(struct cenv_bundle *b, const char *sha256, int fd,
                         uint64_t size, struct cenv_task *task, struct cenv_error *err)
{
    struct cenv_output to = {write_bytes, b};
    char name[NAME_ROOM];
    if (find_named(b, BLOBS, sha256))
        return 0;
    snprintf(name, sizeof(name), BLOBS "%.64s", sha256);
    int rc = put_header(b, name, size, err);
    if (rc == 0)
        rc = copy_file(b, fd, size, task, err);
    if (rc == 0)
        rc = cenv_tar_write_padding(size, to, err);
    return rc;
}

static int write_index(const struct cenv_bundle *b, struct cenv_buf *out,
                       struct cenv_error *err)
{
    struct cenv_json_writer w;
    cenv_json_writer_init(&w, out, 0);
    cenv_json_write_object(&w, NULL);
    cenv_json_write_u64(&w, "format", CENV_BUNDLE_FORMAT);
    cenv_json_write_array(&w, LIST_NAME);
    for (size_t i = 0; i < b->nr_documents; i++) {
        cenv_json_write_object(&w, NULL);
        cenv_json_write_cstr(&w, KEY_NAME, b->documents[i].key);
        cenv_json_write_cstr(&w, HASH_NAME, b->documents[i].sha256);
        cenv_json_write_end(&w);
    }
    cenv_json_write_end(&w);
    cenv_json_write_end(&w);
    return cenv_json_writer_finish(&w, err);
}

int cenv_bundle_finish(struct cenv_bundle *b, struct cenv_error *err)
{
    struct cenv_output to = {write_bytes, b};
    struct cenv_buf text;
    cenv_buf_init(&text, TEXT_MAX);
    int rc = write_index(b, &text, err);
    if (rc == 0)
        rc = put_text(b, INDEX, cenv_buf_str(&text), err);
    if (rc == 0)
        rc = cenv_tar_write_end(to, err);
    cenv_buf_release(&text);
    return rc;
}

/* ---- reading ---- */

int cenv_bundle_read(const struct cenv_bundle *b, const struct cenv_bundle_place *place,
                     struct cenv_buf *out, struct cenv_error *err)
{
    char *to =
        place->size < SIZE_MAX / 2 ? cenv_buf_reserve(out, (size_t)place->size) : NULL;
    if (!to)
        return out->failed == CENV_BUF_FULL || place->size >= SIZE_MAX / 2
                   ? refuse_bundle(err, "a document in it is too large")
                   : cenv_error_oom(err);
    int64_t got = cenv_raw_pread(b->fd, to, (size_t)place->size, place->at);
    if (got < 0)
        return cenv_fs_fail(err, (int)got, b->fd, NULL, "cannot read");
    if ((uint64_t)got != place->size)
        return refuse_bundle(err, "it is cut off");
    out->len += (size_t)got;
    to[got] = '\0';
    return 0;
}

int cenv_bundle_read_document(const struct cenv_bundle *b, const char *key,
                              struct cenv_buf *out, struct cenv_error *err)
{
    const struct member *member = find_named(b, KEYS, key);
    char hex[CENV_DIGEST_HEX_MAX];
    size_t before = out->len;
    if (!member || !member->document)
        return 0;
    int rc = cenv_bundle_read(b, &member->place, out, err);
    if (rc < 0)
        return rc;
    if (!cenv_digest_sha256_hex(cenv_str_slice(cenv_buf_str(out), before, out->len),
                                hex))
        return cenv_error_oom(err);
    return strcmp(hex, b->documents[member->document - 1].sha256) == 0
               ? 1
               : refuse_bundle(err, "a description is not what was exported");
}

/* The tar reader is given headers as they are, and zeros for content, which is not read. */
struct scan {
    struct cenv_bundle *bundle;
    uint64_t at, content;
    bool begun; /* it has a member */
    struct cenv_limits limits;
    char record[CENV_TAR_RECORD];
};

static int read_record(void *ctx, const void **data, size_t *len,
                       struct cenv_error *err)
{
    struct scan *s = ctx;
    size_t want = CENV_TAR_RECORD - s->at % CENV_TAR_RECORD;
    int64_t got;
    if (s->content) {
        *data = s->bundle->block;
        *len = s->content < BLOCK ? (size_t)s->content : BLOCK;
        s->content -= *len;
    } else {
        got = cenv_raw_pread(s->bundle->fd, s->record, want, s->at);
        if (got < 0)
            return cenv_fs_fail(err, (int)got, s->bundle->fd, NULL, "cannot read");
        *data = s->record;
        *len = (size_t)got;
    }
    s->at += *len;
    return 0;
}

static int note_member(struct scan *s, const struct cenv_member *member, uint64_t size,
                       struct cenv_error *err)
{
    struct cenv_bundle *b = s->bundle;
    s->begun = true;
    if (member->type != CENV_MEMBER_FILE)
        return member->type == CENV_MEMBER_DIR
                   ? 0
                   : refuse_bundle(err, "it is no archive of templates");
    if (find_member(b, CENV_STR(INDEX)))
        return refuse_bundle(err, "something lies behind its index");
    if (find_member(b, member->path))
        return refuse_bundle(err, "it has a member twice");
    if (!cenv_limits_take(&s->limits.entries, 1) ||
        !cenv_limits_take(&s->limits.names, member->path.len))
        return refuse_bundle(err, "it has more members than one of its size may");
    if (member->size > size - s->at)
        return refuse_bundle(err, "it is cut off");
    s->content = member->size;
    return add_member(b, member->path, s->at, member->size, err);
}

static int scan_members(struct scan *s, uint64_t size, struct cenv_task *task,
                        struct cenv_error *err)
{
    struct cenv_input from = {.read = read_record, .ctx = s};
    struct cenv_member member;
    struct cenv_tar *tar = NULL;
    int rc = cenv_tar_open(&tar, from, err);
    while (rc == 0 && (rc = cenv_tar_next(tar, &member, err)) == 1) {
        rc = note_member(s, &member, size, err);
        if (rc == 0)
            rc = cenv_task_poll(task, err);
    }
    cenv_tar_free(tar);
    return rc;
}

static int take_document(struct cenv_bundle *b, const char *key, const char *sha256,
                         struct cenv_error *err)
{
    struct member *member = key ? find_named(b, KEYS, key) : NULL;
    if (!member || !sha256)
        return refuse_bundle(err, "a document of its index is missing");
    if (member->document)
        return refuse_bundle(err, "its index has a document twice");
    return add_document(b, member, key, sha256, err);
}

static int take_documents(struct cenv_bundle *b, const struct cenv_json *index,
                          struct cenv_error *err)
{
    const struct cenv_json *item;
    int rc = 0;
    if (cenv_json_get_int(index, "format", 0) != CENV_BUNDLE_FORMAT)
        return refuse_bundle(err, "it is of another format than this cenv reads");
    cenv_json_each(item, cenv_json_get(index, LIST_NAME))
    {
        if (rc == 0)
            rc = take_document(b, cenv_json_get_cstr(item, KEY_NAME),
                               cenv_json_get_cstr(item, HASH_NAME), err);
    }
    return rc;
}

static int read_index(struct cenv_bundle *b, uint64_t text_max, struct cenv_error *err)
{
    const struct member *member = find_member(b, CENV_STR(INDEX));
    struct cenv_json *index = NULL;
    struct cenv_buf text;
    if (!member)
        return refuse_bundle(err, "it is no archive of templates");
    cenv_buf_init(&text, (size_t)text_max);
    int rc = cenv_bundle_read(b, &member->place, &text, err);
    if (rc == 0)
        rc = cenv_json_parse(&index, cenv_buf_str(&text), "its index", err);
    if (rc == 0)
        rc = take_documents(b, index, err);
    cenv_json_free(index);
    cenv_buf_release(&text);
    return rc;
}

int cenv_bundle_open(struct cenv_bundle **out, int fd, uint64_t size,
                     struct cenv_task *task, struct cenv_error *err)
{
    struct cenv_bundle *b = NULL;
    struct scan s = {0};
    int rc = cenv_bundle_create(&b, fd, err);
    if (rc < 0)
        return rc;
    s.bundle = b;
    cenv_limits_init(&s.limits, size);
    rc = scan_members(&s, size, task, err);
    if (rc == CENV_EINTEGRITY && !s.begun) {
        cenv_error_release(err);
        rc = refuse_bundle(err, "it is no archive of templates");
    }
    if (rc == 0)
        rc = read_index(b, s.limits.text, err);
    if (rc == 0)
        *out = b;
    else
        cenv_bundle_free(b);
    return rc;
}
