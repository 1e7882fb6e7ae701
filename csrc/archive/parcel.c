/* SPDX-License-Identifier: BSD-3-Clause */
/* Descriptions of templates: see parcel.h. */
#include "archive/parcel.h"

#include "archive/requests.h"
#include "base/alloc.h"
#include "base/hex.h"
#include "model/platform.h"
#include "os/path.h"

/* ---- writing ---- */

static int write_request(void *ctx, const char *file, const struct cenv_json *doc,
                         struct cenv_error *err)
{
    (void)err;
    cenv_json_write_tree(ctx, file, doc);
    return 0;
}

static void write_delta(struct cenv_json_writer *w,
                        const struct cenv_delta_facts *delta)
{
    cenv_json_write_object(w, "delta");
    cenv_json_write_cstr(w, "sha256", delta->sha256);
    cenv_json_write_u64(w, "size", delta->size);
    cenv_json_write_object(w, "toc");
    cenv_json_write_u64(w, "size", delta->toc);
    cenv_json_write_cstr(w, "sha256", delta->toc_sha256);
    cenv_json_write_end(w);
    cenv_json_write_end(w);
}

static void write_packages(struct cenv_json_writer *w,
                           const struct cenv_parcel_facts *facts)
{
    cenv_json_write_array(w, "packages");
    for (size_t i = 0; i < facts->nr_packages; i++) {
        const struct cenv_parcel_package *package = &facts->packages[i];
        cenv_json_write_object(w, NULL);
        cenv_json_write_cstr(w, "sha256", package->sha256);
        cenv_json_write_u64(w, "size", package->size);
        cenv_json_write_str(w, "fn", package->fn);
        cenv_json_write_end(w);
    }
    cenv_json_write_end(w);
}

/* Of all that a description says but its sum, however it is written. False: out of memory. */
static bool sum_parcel(const struct cenv_json *doc, char hex[CENV_DIGEST_HEX_MAX])
{
    struct cenv_json *copy = cenv_json_dup(doc);
    struct cenv_buf text;
    cenv_buf_init(&text, CENV_PARCEL_MAX);
    if (copy)
        cenv_json_remove(copy, "sum");
    bool done = copy && cenv_json_print(copy, CENV_JSON_SORT, &text) &&
                cenv_digest_sha256_hex(cenv_buf_str(&text), hex);
    cenv_json_free(copy);
    cenv_buf_release(&text);
    return done;
}

static int seal_parcel(struct cenv_str text, struct cenv_buf *out,
                       struct cenv_error *err)
{
    char sum[CENV_DIGEST_HEX_MAX];
    struct cenv_json *doc = NULL;
    int rc = cenv_json_parse(&doc, text, "the description", err);
    if (rc == 0 && !(sum_parcel(doc, sum) && cenv_json_set_cstr(doc, "sum", sum) &&
                     cenv_json_print(doc, 0, out)))
        rc = cenv_error_oom(err);
    cenv_json_free(doc);
    return rc;
}

static int write_parcel(const struct cenv_parcel_facts *facts, struct cenv_buf *out,
                        struct cenv_error *err)
{
    struct cenv_json_writer w;
    cenv_json_writer_init(&w, out, 0);
    cenv_json_write_object(&w, NULL);
    cenv_json_write_u64(&w, "format", CENV_PARCEL_FORMAT);
    cenv_json_write_cstr(&w, "subdir", cenv_platform_subdir());
    cenv_json_write_cstr(&w, "prefix", facts->prefix);
    cenv_json_write_tree(&w, "template", facts->doc);
    cenv_json_write_object(&w, "requests");
    int rc = cenv_requests_each(facts->store, facts->id, write_request, &w, facts->task,
                                err);
    cenv_json_write_end(&w);
    cenv_json_write_bool(&w, "linked", facts->linked);
    write_delta(&w, &facts->delta);
    write_packages(&w, facts);
    cenv_json_write_end(&w);
    if (rc == 0)
        rc = cenv_json_writer_finish(&w, err);
    return rc;
}

int cenv_parcel_write(const struct cenv_parcel_facts *facts, struct cenv_buf *out,
                      struct cenv_error *err)
{
    struct cenv_buf text;
    cenv_buf_init(&text, CENV_PARCEL_MAX);
    int rc = write_parcel(facts, &text, err);
    if (rc == 0)
        rc = seal_parcel(cenv_buf_str(&text), out, err);
    cenv_buf_release(&text);
    return rc;
}

/* ---- reading ---- */

static int refuse_parcel(struct cenv_error *err)
{
    return cenv_error_set(err, CENV_EINTEGRITY, "its description is not whole");
}

/* False: it is no digest as we write it. */
static bool read_hex(const struct cenv_json *doc, char out[CENV_DIGEST_HEX_MAX])
{
    unsigned char raw[CENV_SHA256_LEN];
    if (!cenv_unhex(cenv_json_get_str(doc, "sha256"), raw, sizeof(raw)))
        return false;
    cenv_hex(raw, sizeof(raw), out);
    return true;
}

static bool read_size(const struct cenv_json *doc, uint64_t *out)
{
    int64_t size = cenv_json_get_int(doc, "size", -1);
    *out = (uint64_t)size;
    return size > 0 && *out <= CENV_PARCEL_BLOB_MAX;
}

static bool read_delta(const struct cenv_json *doc, struct cenv_delta_facts *out)
{
    const struct cenv_json *toc = cenv_json_get(doc, "toc");
    return read_hex(doc, out->sha256) && read_size(doc, &out->size) &&
           read_hex(toc, out->toc_sha256) && read_size(toc, &out->toc) &&
           out->toc <= out->size;
}

/* A name that may be one of a package cache's. */
static bool read_package(const struct cenv_json *doc, struct cenv_parcel_package *out)
{
    out->fn = cenv_json_get_str(doc, "fn");
    return read_hex(doc, out->sha256) && read_size(doc, &out->size) &&
           out->fn.len <= CENV_PARCEL_FN_MAX && cenv_path_is_name(out->fn);
}

static int read_packages(struct cenv_parcel *parcel, struct cenv_error *err)
{
    const struct cenv_json *list = cenv_json_get(parcel->head.json, "packages"), *item;
    parcel->packages = cenv_calloc(cenv_json_len(list) + 1, sizeof(*parcel->packages));
    if (!parcel->packages)
        return cenv_error_oom(err);
    cenv_json_each(item, list)
    {
        if (!read_package(item, &parcel->packages[parcel->nr_packages]))
            return refuse_parcel(err);
        parcel->nr_packages++;
    }
    return 0;
}

int cenv_parcel_read(struct cenv_parcel *parcel, struct cenv_str text,
                     const struct cenv_request *machine, struct cenv_arena *arena,
                     struct cenv_error *err)
{
    *parcel = (struct cenv_parcel){.linked = false};
    int rc = cenv_archive_head_parse(&parcel->head, text, "the description",
                                     CENV_PARCEL_FORMAT, CENV_PARCEL_FORMAT, machine,
                                     arena, err);
    if (rc < 0)
        return rc;
    parcel->linked = cenv_json_get_true(parcel->head.json, "linked");
    if (!read_delta(cenv_json_get(parcel->head.json, "delta"), &parcel->delta))
        return refuse_parcel(err);
    return read_packages(parcel, err);
}

int cenv_parcel_check_sum(const struct cenv_json *doc, struct cenv_error *err)
{
    char sum[CENV_DIGEST_HEX_MAX];
    if (!sum_parcel(doc, sum))
        return cenv_error_oom(err);
    if (cenv_str_is(cenv_json_get_str(doc, "sum"), sum))
        return 0;
    return cenv_error_set(err, CENV_EINTEGRITY, "its description was altered");
}

void cenv_parcel_release(struct cenv_parcel *parcel)
{
    cenv_archive_head_release(&parcel->head);
    cenv_free(parcel->packages);
    parcel->packages = NULL;
}
