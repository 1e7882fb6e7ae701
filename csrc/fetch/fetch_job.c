/* SPDX-License-Identifier: BSD-3-Clause */
/* One package on its way into the store: see fetchitem.h. */
#include "fetch/fetch_job.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/digest.h"
#include "model/channel.h"
#include "net/network.h"
#include "os/fs.h"
#include "os/path.h"
#include "store/package_entry.h"

enum { URL_MAX = 64 << 10, DOCUMENT_MAX = 16 << 20 };

/* ---- from the record ---- */

/* Hex of the right length in lower case, or "": a null or odd value is no hash. */
static void take_hash(const struct cenv_json *record, const char *key, size_t len,
                      char *out)
{
    unsigned char raw[CENV_SHA256_LEN];

    out[0] = '\0';
    if (cenv_unhex(cenv_json_get_str(record, key), raw, len))
        cenv_hex(raw, len, out);
}

/* The URL with the secrets of the channel it lies in; NULL with rc 0 when there are none. */
static int add_secrets(struct cenv_fetch_item *item, const struct cenv_json *secrets,
                       struct cenv_error *err)
{
    struct cenv_str url = cenv_str(item->url);
    const struct cenv_json *pair;
    struct cenv_buf out;

    cenv_json_each(pair, secrets)
    {
        struct cenv_str base = cenv_str(cenv_json_key(pair)),
                        with = cenv_json_str(pair);
        while (cenv_str_ends(base, CENV_STR("/")))
            base.len--;
        while (cenv_str_ends(with, CENV_STR("/")))
            with.len--;
        if (!base.len || !with.len || !cenv_str_starts(url, base) ||
            url.data[base.len] != '/')
            continue;
        cenv_buf_init(&out, URL_MAX);
        cenv_buf_add_str(&out, with);
        cenv_buf_add_str(&out, cenv_str_slice(url, base.len, url.len));
        item->secret_url = cenv_buf_detach(&out);
        return item->secret_url ? 0 : cenv_error_oom(err);
    }
    return 0;
}

static int take_url(struct cenv_fetch_item *item, const struct cenv_json *secrets,
                    struct cenv_error *err)
{
    struct cenv_str url = cenv_json_get_str(item->record, "url"), end;
    struct cenv_buf path;
    int rc;

    if (!url.len || url.len > URL_MAX)
        return cenv_error_set(err, CENV_EUSAGE, "the record of '%.200s' has no URL",
                              cenv_json_get_cstr(item->record, "name")
                                  ? cenv_json_get_cstr(item->record, "name")
                                  : "a package");
    end = cenv_str_slice(url, cenv_str_rfind(url, '#'),
                         url.len); /* '#md5' of explicit lists */
    if (end.len && end.len < 80)
        url.len -= end.len;
    item->url = cenv_memdup(url.data, url.len);
    if (!item->url)
        return cenv_error_oom(err);
    item->fn = strrchr(item->url, '/') ? strrchr(item->url, '/') + 1 : item->url;
    cenv_buf_init(&path, URL_MAX);
    rc = cenv_remote_local(cenv_str(item->url), &path, err);
    if (rc == 1)
        item->local = cenv_buf_detach(&path);
    if (rc == 1 && !item->local)
        rc = cenv_error_oom(err);
    cenv_buf_release(&path);
    return rc == 0 ? add_secrets(item, secrets, err) : rc < 0 ? rc : 0;
}

static int set_key(struct cenv_fetch_item *item, struct cenv_error *err)
{
    char hex[CENV_DIGEST_HEX_MAX];

    if (item->sha256[0])
        snprintf(hex, sizeof(hex), "%s", item->sha256);
    else if (cenv_sha256_hex(cenv_str(item->url), hex) < 0)
        return cenv_error_set(err, CENV_EFAIL, "cannot compute a digest");
    snprintf(item->key, sizeof(item->key), "%s-%s", item->sha256[0] ? "pkg" : "url",
             hex);
    return 0;
}

/* Repodata tells as much; what a lock or an explicit list says is less. */
static bool is_whole(const struct cenv_json *record)
{
    static const char *const keys[] = {"name",         "version", "build",
                                       "build_number", "depends", "subdir",
                                       "sha256",       "size",    "fn"};

    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        enum cenv_json_type type = cenv_json_type(cenv_json_get(record, keys[i]));
        if (type == CENV_JSON_ABSENT || type == CENV_JSON_NULL)
            return false;
    }
    return true;
}

int cenv_fetch_item_init(struct cenv_fetch_item *item, size_t index,
                         const struct cenv_json *record,
                         const struct cenv_json *secrets, struct cenv_error *err)
{
    int64_t size = cenv_json_get_int(record, "size", 0);
    int rc;

    item->record = cenv_json_dup(record);
    if (!item->record)
        return cenv_error_oom(err);
    item->whole = is_whole(record);
    take_hash(record, "sha256", CENV_SHA256_LEN, item->sha256);
    take_hash(record, "md5", CENV_MD5_LEN, item->md5);
    item->size = item->stated_size = size > 0 ? (uint64_t)size : 0;
    snprintf(item->dir, sizeof(item->dir), "%zu", index);
    rc = take_url(item, secrets, err);
    snprintf(item->archive, sizeof(item->archive), "%zu.archive", index);
    return rc == 0 ? set_key(item, err) : rc;
}

void cenv_fetch_item_release(struct cenv_fetch_item *item)
{
    cenv_json_free(item->record);
    cenv_free(item->url);
    cenv_free(item->secret_url);
    cenv_free(item->local);
    cenv_error_release(&item->transfer.err);
    cenv_error_release(&item->err);
}

bool cenv_fetch_item_repeats(const struct cenv_fetch_item *items, size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (strcmp(items[i].key, items[index].key) == 0)
            return true;
    }
    return false;
}

struct cenv_http_transfer *cenv_fetch_item_transfer(struct cenv_fetch_item *item,
                                                    int scratch)
{
    item->transfer = (struct cenv_http_transfer){
        .url = item->secret_url ? item->secret_url : item->url,
        .dir = scratch,
        .file = item->archive,
        .max_size = item->size,
    };
    return &item->transfer;
}

struct cenv_layer_want cenv_fetch_item_want(const struct cenv_fetch_item *item)
{
    return (struct cenv_layer_want){
        .fn = cenv_str(item->fn),
        .url = cenv_str(item->url),
        .name = cenv_json_get_str(item->record, "name"),
        .version = cenv_json_get_str(item->record, "version"),
        .build = cenv_json_get_str(item->record, "build"),
        .sha256 = cenv_str(item->sha256),
        .md5 = cenv_str(item->md5),
        .size = item->size,
    };
}

/* ---- what the package says of itself ---- */

/* Keys of `from` that `record` has not, or has as null. */
static int add_missing(struct cenv_json *record, const struct cenv_json *from)
{
    const struct cenv_json *item;
    int rc = 0;

    cenv_json_each(item, from)
    {
        enum cenv_json_type has =
            cenv_json_type(cenv_json_get(record, cenv_json_key(item)));
        if (has == CENV_JSON_ABSENT || has == CENV_JSON_NULL)
            rc |= cenv_json_set(record, cenv_json_key(item), cenv_json_dup(item));
    }
    return rc;
}

static int check_same(const struct cenv_fetch_item *item, const struct cenv_json *index,
                      struct cenv_error *err)
{
    static const char *const keys[] = {"name", "version", "build"};

    for (size_t i = 0; i < 3; i++) {
        const char *want = cenv_json_get_cstr(item->record, keys[i]);
        const char *got = cenv_json_get_cstr(index, keys[i]);
        if (!want || (got && strcmp(want, got) == 0))
            continue;
        cenv_error_set(err, CENV_EINTEGRITY,
                       "package %s: its record says %s '%.200s', the archive '%.200s'",
                       item->fn, keys[i], want, got ? got : "");
        return cenv_error_hint(err, "the channel's index is wrong or out of date");
    }
    return 0;
}

static int read_index(int content, struct cenv_json **out, struct cenv_error *err)
{
    struct cenv_buf text;
    int info = cenv_fs_open_dir(content, "info", err), rc = info;

    cenv_buf_init(&text, DOCUMENT_MAX);
    if (info >= 0)
        rc = cenv_fs_read_file(info, "index.json", &text, err);
    if (rc == 0)
        rc = cenv_json_parse(out, cenv_buf_str(&text), "info/index.json", err);
    cenv_buf_release(&text);
    cenv_fd_close(info);
    return rc;
}

/* What the download taught; `digests` NULL: nothing new. */
static int take_digests(struct cenv_fetch_item *item,
                        const struct cenv_package_digests *digests)
{
    int rc = cenv_json_set_cstr(item->record, "fn", item->fn);

    if (digests) {
        item->learnt = !item->sha256[0];
        memcpy(item->sha256, digests->sha256, sizeof(item->sha256));
        item->size = digests->size;
    }
    rc |= cenv_json_set_cstr(item->record, "sha256", item->sha256);
    if (item->size)
        rc |= cenv_json_set_int(item->record, "size", (int64_t)item->size);
    if (digests && digests->md5[0])
        rc |= cenv_json_set_cstr(item->record, "md5", digests->md5);
    return rc;
}

int cenv_fetch_item_found(struct cenv_fetch_item *item,
                          const struct cenv_package_digests *digests, int content,
                          struct cenv_error *err)
{
    struct cenv_json *index = NULL;
    int rc = read_index(content, &index, err);

    if (rc == 0)
        rc = check_same(item, index, err);
    if (rc == 0 && take_digests(item, digests) < 0)
        rc = cenv_error_oom(err);
    cenv_json_free(index);
    return rc;
}

/* ---- record.json ---- */

int cenv_fetch_item_write(const struct cenv_fetch_item *item, int entry,
                          struct cenv_error *err)
{
    struct cenv_buf text;
    int rc;

    cenv_buf_init(&text, DOCUMENT_MAX);
    rc =
        cenv_json_print(item->record, CENV_JSON_INDENT | CENV_JSON_SORT, &text) < 0
            ? cenv_error_oom(err)
            : cenv_fs_write_new(entry, CENV_PKG_RECORD, cenv_buf_str(&text), 0644, err);
    cenv_buf_release(&text);
    return rc;
}

static int take_stored_size(struct cenv_fetch_item *item,
                            const struct cenv_store *store, struct cenv_error *err)
{
    struct cenv_json *stored = NULL;
    struct cenv_buf text;
    int64_t size = 0;
    int rc;

    cenv_buf_init(&text, DOCUMENT_MAX);
    rc = cenv_package_entry_record(store, cenv_str(item->sha256), &text, err);
    if (rc == 0)
        rc = cenv_json_parse(&stored, cenv_buf_str(&text), "the store's record", err);
    if (rc == 0)
        size = cenv_json_get_int(stored, "size", 0);
    if (size > 0)
        item->size = (uint64_t)size;
    cenv_json_free(stored);
    cenv_buf_release(&text);
    return rc < 0 ? rc : 0;
}

/* From the package alone, never from how it came here: the same request gives the same record,
 * whether the package had to be fetched or was there (template ids depend on it). */
int cenv_fetch_item_complete(struct cenv_fetch_item *item,
                             const struct cenv_store *store, struct cenv_error *err)
{
    struct cenv_json *index = NULL;
    struct cenv_buf path;
    int rc, content;

    if (item->whole)
        return 0;
    cenv_buf_init(&path, URL_MAX);
    rc = cenv_package_entry_add_path(store, cenv_str(item->sha256), &path, err);
    content = rc < 0 ? rc : cenv_fs_open_root(path.data, err);
    cenv_buf_release(&path);
    rc = content < 0 ? content : read_index(content, &index, err);
    cenv_fd_close(content);
    if (rc == 0)
        rc = take_stored_size(item, store, err);
    if (rc == 0 &&
        (take_digests(item, NULL) < 0 || add_missing(item->record, index) < 0))
        rc = cenv_error_oom(err);
    cenv_json_free(index);
    return rc;
}

/* ---- offline ---- */

int cenv_fetch_items_offline(const struct cenv_fetch_item *items, size_t nr,
                             struct cenv_error *err)
{
    struct cenv_buf names;
    size_t missing = 0, shown = 5;

    cenv_buf_init(&names, 4096);
    for (size_t i = 0; i < nr; i++) {
        if (items[i].state != CENV_FETCH_MISSING || items[i].local)
            continue;
        if (missing++ < shown)
            cenv_buf_addf(&names, "%s%.200s", missing > 1 ? ", " : "", items[i].fn);
    }
    if (missing > shown)
        cenv_buf_addf(&names, " and %zu more", missing - shown);
    cenv_error_set(err, CENV_ECHANNEL,
                   "not in the store, and --offline forbids to fetch: %s",
                   names.data ? names.data : "packages");
    cenv_buf_release(&names);
    return cenv_error_hint(err, "run once without --offline");
}
