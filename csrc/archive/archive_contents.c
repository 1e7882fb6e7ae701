/* SPDX-License-Identifier: BSD-3-Clause */
/* Contents that an archive of templates holds: see archive_contents.h. */
#include "archive/archive_contents.h"

#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/digest.h"
#include "base/hex.h"
#include "store/template_entry.h"

enum { HEX_LEN = 2 * CENV_SHA256_LEN, NUMBER_MAX = 1 << 20 };

#define CONTENT "content"

void cenv_archive_contents_release(struct cenv_archive_contents *contents)
{
    cenv_intern_release(&contents->hashes);
    cenv_free(contents->places);
    cenv_arena_release(&contents->arena);
    cenv_file_hash_release(&contents->hash);
}

/* "<n>/content/<hex>/<path>" of "<n>/prefix/<path>"; a span without data is out of memory. */
static struct cenv_str make_link(struct cenv_archive_contents *contents,
                                 const char *hex, struct cenv_str path)
{
    struct cenv_str number = cenv_str_cut(&path, '/'), text = {NULL, 0};
    struct cenv_buf link;
    cenv_str_cut(&path, '/'); /* "prefix" */
    cenv_buf_init(&link, number.len + path.len + HEX_LEN + sizeof(CONTENT) + 8);
    if (cenv_buf_addf(&link, "%.*s/" CONTENT "/%s/", CENV_STR_ARG(number), hex) &&
        cenv_buf_add_str(&link, path))
        text = cenv_arena_str(&contents->arena, cenv_buf_str(&link));
    cenv_buf_release(&link);
    return text;
}

/* Notes `path` for a content that the archive has not. */
static bool add_place(struct cenv_archive_contents *contents, const char *hex,
                      struct cenv_str path)
{
    void *places = contents->places;
    if (!cenv_grow(&places, &contents->alloc, contents->hashes.nr,
                   sizeof(*contents->places)))
        return false;
    contents->places = places;
    struct cenv_str place = make_link(contents, hex, path);
    uint32_t id =
        place.data ? cenv_intern_id(&contents->hashes, cenv_str(hex)) : CENV_NONE;
    if (id == CENV_NONE)
        return false;
    contents->places[id] = place;
    return true;
}

int cenv_archive_contents_find(struct cenv_archive_contents *contents, int fd,
                               struct cenv_str path, struct cenv_str *link,
                               struct cenv_task *task, struct cenv_error *err)
{
    struct cenv_file_hash *hash = &contents->hash;
    char hex[CENV_DIGEST_HEX_MAX];
    if (!hash->digest && !cenv_file_hash_init(hash, CENV_SHA256))
        return cenv_error_oom(err);
    int rc = cenv_file_hash_fd(hash, fd, path.data, hex, NULL, task, err);
    if (rc < 0)
        return rc;
    uint32_t id = cenv_intern_find(&contents->hashes, cenv_str(hex));
    *link = id == CENV_NONE ? CENV_STR("") : contents->places[id];
    return id != CENV_NONE || add_place(contents, hex, path) ? 0 : cenv_error_oom(err);
}

/* A decimal number as we write it. */
static bool parse_number(struct cenv_str text, unsigned *out)
{
    *out = 0;
    if (!text.len || (text.len > 1 && text.data[0] == '0'))
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9' || *out > NUMBER_MAX)
            return false;
        *out = *out * 10 + (unsigned)(text.data[i] - '0');
    }
    return true;
}

bool cenv_archive_content_parse(struct cenv_str link, struct cenv_archive_content *out)
{
    unsigned char raw[CENV_SHA256_LEN];
    struct cenv_str number = cenv_str_cut(&link, '/');
    struct cenv_str word = cenv_str_cut(&link, '/');
    out->hex = cenv_str_cut(&link, '/');
    out->path = link;
    return parse_number(number, &out->n) && cenv_str_is(word, CONTENT) && link.len &&
           cenv_unhex(out->hex, raw, sizeof(raw));
}
