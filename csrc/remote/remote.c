/* SPDX-License-Identifier: BSD-3-Clause */
/* Remotes by the scheme of their URL: see remote.h. */
#include "remote/remote.h"

#include "base/alloc.h"
#include "codec/url.h"
#include "remote/bundle_kind.h"
#include "remote/file_kind.h"
#include "remote/http_kind.h"
#include "remote/kind.h"
#include "remote/oci_kind.h"
#include "remote/s3_kind.h"

static const struct cenv_remote_kind *const kinds[] = {
    &cenv_https_kind, &cenv_http_kind,     &cenv_s3_kind,
    &cenv_oci_kind,   &cenv_oci_http_kind, &cenv_file_kind};

struct cenv_remote {
    const struct cenv_remote_kind *kind;
    const struct cenv_secret_url *url; /* NULL: it has none */
    struct cenv_remote_state *state;
};

static const struct cenv_remote_kind *find_kind(struct cenv_str scheme)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (cenv_str_is(scheme, kinds[i]->scheme))
            return kinds[i];
    return NULL;
}

static int refuse_scheme(struct cenv_str text, struct cenv_error *err)
{
    struct cenv_buf known;

    cenv_buf_init(&known, CENV_HINT_MAX);
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        cenv_buf_addf(&known, "%s%s://", i ? ", " : "", kinds[i]->scheme);
    cenv_error_set(err, CENV_EUSAGE, "'%.1000s' is no remote that is known", text.data);
    cenv_error_hint(err, "known are %s", known.data ? known.data : "");
    cenv_buf_release(&known);
    return err->status;
}

int cenv_remote_open(struct cenv_remote **out, const struct cenv_secret_url *url,
                     const struct cenv_remote_options *options, struct cenv_error *err)
{
    struct cenv_str text = cenv_secret_url_text(url);
    struct cenv_str scheme = cenv_str_slice(text, 0, cenv_url_scheme_len(text));
    const struct cenv_remote_kind *kind = find_kind(scheme);

    if (!kind)
        return refuse_scheme(text, err);
    struct cenv_remote *remote = cenv_calloc(1, sizeof(*remote));
    if (!remote)
        return cenv_error_oom(err);
    remote->kind = kind;
    remote->url = url;
    int rc = kind->open(&remote->state, url, options, err);
    if (rc < 0) {
        cenv_free(remote);
        return rc;
    }
    *out = remote;
    return 0;
}

int cenv_remote_open_bundle(struct cenv_remote **out, struct cenv_bundle *bundle,
                            struct cenv_error *err)
{
    struct cenv_remote *remote = cenv_calloc(1, sizeof(*remote));
    if (remote)
        remote->state = cenv_bundle_kind_new(bundle);
    if (!remote || !remote->state) {
        cenv_free(remote);
        return cenv_error_oom(err);
    }
    remote->kind = &cenv_bundle_kind;
    *out = remote;
    return 0;
}

void cenv_remote_free(struct cenv_remote *remote)
{
    if (!remote)
        return;
    remote->kind->free(remote->state);
    cenv_free(remote);
}

/* ---- what is asked for ---- */

static bool is_hex(const char *text)
{
    size_t len = strspn(text, "0123456789abcdef");

    return len == CENV_REMOTE_HEX - 1 && !text[len];
}

static int check_blobs(struct cenv_remote_blob *const *blobs, size_t nr,
                       struct cenv_error *err)
{
    for (size_t i = 0; i < nr; i++) {
        struct cenv_remote_blob *blob = blobs[i];
        if (!is_hex(blob->sha256))
            return cenv_error_set(err, CENV_EINTEGRITY, "'%.80s' is no SHA-256",
                                  blob->sha256);
        blob->there = false;
        blob->rc = 0;
        cenv_error_release(&blob->err);
    }
    return 0;
}

static int check_key(const char *key, struct cenv_error *err)
{
    return is_hex(key) ? 0 : cenv_error_set(err, CENV_EUSAGE, "'%.80s' is no key", key);
}

/* Names the remote in a failure of it. */
static int name_remote(const struct cenv_remote *remote, int rc, struct cenv_error *err)
{
    if (remote->url && (rc == CENV_EREMOTE || rc == CENV_EINTEGRITY))
        cenv_error_prefix(err, "remote %.1000s",
                          cenv_secret_url_text(remote->url).data);
    return rc;
}

static void name_remote_in_blobs(const struct cenv_remote *remote,
                                 struct cenv_remote_blob *const *blobs, size_t nr)
{
    for (size_t i = 0; i < nr; i++)
        name_remote(remote, blobs[i]->rc, &blobs[i]->err);
}

int cenv_remote_find(struct cenv_remote *remote, const char *key,
                     struct cenv_buf *document, struct cenv_task *task,
                     struct cenv_error *err)
{
    int rc = check_key(key, err);

    if (rc == 0)
        rc = remote->kind->find(remote->state, key, document, task, err);
    return name_remote(remote, rc, err);
}

int cenv_remote_put(struct cenv_remote *remote, const char *key,
                    struct cenv_str document, struct cenv_remote_blob *const *blobs,
                    size_t nr, struct cenv_task *task, struct cenv_error *err)
{
    int rc = check_key(key, err);

    if (rc == 0)
        rc = remote->kind->put(remote->state, key, document, blobs, nr, task, err);
    return name_remote(remote, rc, err);
}

int cenv_remote_has(struct cenv_remote *remote, struct cenv_remote_blob *const *blobs,
                    size_t nr, struct cenv_task *task, struct cenv_error *err)
{
    int rc = check_blobs(blobs, nr, err);

    if (rc == 0 && nr)
        rc = remote->kind->has(remote->state, blobs, nr, task, err);
    return name_remote(remote, rc, err);
}

int cenv_remote_get(struct cenv_remote *remote, struct cenv_remote_blob *const *blobs,
                    size_t nr, struct cenv_task *task, struct cenv_error *err)
{
    int rc = check_blobs(blobs, nr, err);

    if (rc == 0 && nr)
        rc = remote->kind->get(remote->state, blobs, nr, task, err);
    name_remote_in_blobs(remote, blobs, nr);
    return name_remote(remote, rc, err);
}

int cenv_remote_put_blobs(struct cenv_remote *remote,
                          struct cenv_remote_blob *const *blobs, size_t nr,
                          struct cenv_task *task, struct cenv_error *err)
{
    int rc = check_blobs(blobs, nr, err);

    if (rc == 0 && nr)
        rc = remote->kind->put_blobs(remote->state, blobs, nr, task, err);
    name_remote_in_blobs(remote, blobs, nr);
    return name_remote(remote, rc, err);
}

int cenv_remote_read_part(struct cenv_remote *remote,
                          const struct cenv_remote_blob *blob, uint64_t at,
                          uint64_t len, struct cenv_buf *out, struct cenv_task *task,
                          struct cenv_error *err)
{
    int rc = is_hex(blob->sha256) ? 0 : CENV_EINTEGRITY;

    if (rc < 0)
        return cenv_error_set(err, rc, "'%.80s' is no SHA-256", blob->sha256);
    if (at > blob->size || len > blob->size - at)
        return cenv_error_set(err, CENV_EINTEGRITY, "a part lies outside of its blob");
    rc = remote->kind->read_part(remote->state, blob, at, len, out, task, err);
    return name_remote(remote, rc, err);
}
