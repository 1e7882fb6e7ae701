/* SPDX-License-Identifier: BSD-3-Clause */
/* ZIP archives are read from front to back by the signatures of their members alone: no size and no
 * directory has to be believed, and members that were written to a pipe have no size in front. */
#include "codec/unpacker.h"

#include <stddef.h>
#include <string.h>

#include "base/alloc.h"
#include "codec/bzip2.h"
#include "codec/cursor.h"
#include "codec/deflate.h"
#include "codec/packing.h"
#include "codec/xz.h"
#include "codec/zstd.h"

enum { BLOCK = 128 << 10 };

static const struct {
    struct cenv_str magic;
    const struct cenv_packing *packing;
} formats[] = {
    {{"\x1f\x8b", 2}, &cenv_deflate_gzip},
    {{"BZh", 3}, &cenv_bzip2},
    {{"\xfd\x37zXZ", 6}, &cenv_xz},
    {{CENV_ZSTD_MAGIC, 4}, &cenv_zstd},
};

/* A member of a ZIP archive: its signature, and behind it the rest of its header. */
static const struct cenv_str member_magic = {"PK\3\4", 4};

enum { HEADER = 26, METHOD_AT = 4, NAME_LEN_AT = 22, EXTRA_LEN_AT = 24 };

static const struct {
    unsigned method;
    const struct cenv_packing *packing;
} methods[] = {
    {8, &cenv_deflate_bare},
    {12, &cenv_bzip2},
    {93, &cenv_zstd},
    {95, &cenv_xz},
};

struct cenv_unpacker {
    struct cenv_cursor at;
    uint64_t left;
    bool zip, full, done;
    const struct cenv_packing *packing; /* of the data that we are in; NULL: of none */
    void *state;
    char block[BLOCK];
};

static int begin_data(struct cenv_unpacker *u, const struct cenv_packing *packing,
                      struct cenv_error *err)
{
    u->state = packing->new_decoder();
    if (!u->state)
        return cenv_error_oom(err);
    u->packing = packing;
    return 0;
}

static void end_data(struct cenv_unpacker *u)
{
    if (u->packing)
        u->packing->free_decoder(u->state);
    u->packing = NULL;
}

/* Looks at the first block; what has no format that we know holds nothing. */
static int find_format(struct cenv_unpacker *u, struct cenv_error *err)
{
    int rc = cenv_cursor_fill(&u->at, err);
    if (rc < 0)
        return rc;
    struct cenv_str head = cenv_str_n(u->at.data, u->at.len);
    u->zip = cenv_str_starts(head, CENV_STR("PK"));
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
        if (cenv_str_starts(head, formats[i].magic))
            return begin_data(u, formats[i].packing, err);
    u->done = !u->zip;
    return 0;
}

/* Steps behind the next member's signature: 1, or 0 at the end of the file. No byte of it but the
 * first comes twice in it, so that what fails to match is at most the beginning of another. */
static int find_signature(struct cenv_unpacker *u, struct cenv_error *err)
{
    size_t matched = 0;
    while (matched < member_magic.len) {
        int rc = cenv_cursor_fill(&u->at, err);
        if (rc < 0 || u->at.len == 0)
            return rc;
        const char *next = matched ? u->at.data : memchr(u->at.data, 'P', u->at.len);
        if (!next) {
            cenv_cursor_advance(&u->at, u->at.len);
            continue;
        }
        matched = *next == member_magic.data[matched] ? matched + 1 : *next == 'P';
        cenv_cursor_advance(&u->at, (size_t)(next - u->at.data) + 1);
    }
    return 1;
}

static unsigned get16(const unsigned char *at)
{
    return at[0] | (unsigned)at[1] << 8;
}

/* Goes to the data of the next compressed member, or to the end of the file. */
static int find_member(struct cenv_unpacker *u, struct cenv_error *err)
{
    unsigned char header[HEADER];
    int rc = find_signature(u, err);
    if (rc > 0)
        rc = cenv_cursor_take(&u->at, header, sizeof(header), err);
    u->done = rc == 0;
    if (rc <= 0)
        return rc;
    unsigned method = get16(header + METHOD_AT);
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        if (methods[i].method != method)
            continue;
        unsigned skipped = get16(header + NAME_LEN_AT) + get16(header + EXTRA_LEN_AT);
        rc = cenv_cursor_take(&u->at, NULL, skipped, err);
        if (rc < 0)
            return rc;
        return begin_data(u, methods[i].packing, err);
    }
    return 0;
}

/* One step within data. Where it ends, or is damaged, a ZIP archive goes on with its next member,
 * any other file with its next stream, or not at all. */
static int unpack_step(struct cenv_unpacker *u, size_t *made, struct cenv_error *err)
{
    int rc = cenv_cursor_fill(&u->at, err);
    if (rc < 0)
        return rc;
    bool ended = u->at.len == 0;
    struct cenv_packing_step step = {
        .in = cenv_str_n(u->at.data, u->at.len),
        .out = u->block,
        .room = BLOCK,
    };
    rc = u->packing->decode(u->state, &step);
    if (rc == CENV_ENOMEM)
        return cenv_error_oom(err);
    if (rc < 0 && step.in.len == u->at.len)
        step.in.len = 0; /* how far it got is not told, and nothing is read twice */
    cenv_cursor_advance(&u->at, u->at.len - step.in.len);
    *made = rc < 0 ? 0 : step.made;
    bool over = rc < 0 || (ended && *made == 0);
    if (over || (rc == 1 && u->zip))
        end_data(u);
    u->done = over && !u->zip;
    return 0;
}

static int unpacker_read(void *ctx, const void **data, size_t *len,
                         struct cenv_error *err)
{
    struct cenv_unpacker *u = ctx;
    int rc = 0;

    *data = u->block;
    for (*len = 0; rc == 0 && *len == 0 && !u->done;)
        rc = u->packing ? unpack_step(u, len, err) : find_member(u, err);
    if (*len > u->left) {
        *len = (size_t)u->left;
        u->full = u->done = true;
    }
    u->left -= *len;
    return rc;
}

int cenv_unpacker_new(struct cenv_unpacker **out, struct cenv_input from,
                      uint64_t max_out, struct cenv_error *err)
{
    struct cenv_unpacker *u = cenv_malloc(sizeof(*u));
    if (!u)
        return cenv_error_oom(err);
    memset(u, 0, offsetof(struct cenv_unpacker, block));
    u->at.from = from;
    u->left = max_out;
    int rc = find_format(u, err);
    if (rc < 0)
        cenv_unpacker_free(u);
    else
        *out = u;
    return rc;
}

void cenv_unpacker_free(struct cenv_unpacker *u)
{
    if (u)
        end_data(u);
    cenv_free(u);
}

struct cenv_input cenv_input_unpacker(struct cenv_unpacker *u)
{
    return (struct cenv_input){.read = unpacker_read, .ctx = u};
}

bool cenv_unpacker_full(const struct cenv_unpacker *u)
{
    return u->full;
}
