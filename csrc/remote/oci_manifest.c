/* SPDX-License-Identifier: BSD-3-Clause */
/* Manifests of registries: see oci_manifest.h. */
#include "remote/oci_manifest.h"

#include <string.h>

#include "codec/json.h"
#include "codec/json_writer.h"

#define DOCUMENT_TYPE "application/vnd.cenv.template.v1+json"
#define ALGORITHM     "sha256:"

static const char *media_type(enum cenv_blob_kind kind)
{
    switch (kind) {
    case CENV_BLOB_DESCRIPTION:
        return DOCUMENT_TYPE;
    case CENV_BLOB_CONDA: /* as conda-oci-mirror names them */
        return "application/vnd.conda.package.v2";
    case CENV_BLOB_TAR_BZ2:
        return "application/vnd.conda.package.v1";
    case CENV_BLOB_DELTA:
        break;
    }
    return "application/vnd.cenv.delta.v1+zstd";
}

static void write_descriptor(struct cenv_json_writer *w, const char *key,
                             const struct cenv_remote_blob *blob)
{
    char digest[sizeof(ALGORITHM) + CENV_REMOTE_HEX] = ALGORITHM;

    memcpy(digest + strlen(ALGORITHM), blob->sha256, CENV_REMOTE_HEX);
    cenv_json_write_object(w, key);
    cenv_json_write_cstr(w, "mediaType", media_type(blob->kind));
    cenv_json_write_cstr(w, "digest", digest);
    cenv_json_write_u64(w, "size", blob->size);
    cenv_json_write_end(w);
}

int cenv_oci_manifest_write(const struct cenv_remote_blob *document,
                            struct cenv_remote_blob *const *blobs, size_t nr,
                            struct cenv_buf *out, struct cenv_error *err)
{
    struct cenv_json_writer w;

    cenv_json_writer_init(&w, out, 0);
    cenv_json_write_object(&w, NULL);
    cenv_json_write_u64(&w, "schemaVersion", 2);
    cenv_json_write_cstr(&w, "mediaType", CENV_OCI_MANIFEST_TYPE);
    write_descriptor(&w, "config", document);
    cenv_json_write_array(&w, "layers");
    for (size_t i = 0; i < nr; i++)
        write_descriptor(&w, NULL, blobs[i]);
    cenv_json_write_end(&w);
    cenv_json_write_end(&w);
    return cenv_json_writer_finish(&w, err);
}

static bool read_digest(const struct cenv_json *descriptor, char *out)
{
    struct cenv_str text = cenv_json_get_str(descriptor, "digest");

    if (text.len != strlen(ALGORITHM) + CENV_REMOTE_HEX - 1 ||
        !cenv_str_starts(text, CENV_STR(ALGORITHM)))
        return false;
    memcpy(out, text.data + strlen(ALGORITHM), CENV_REMOTE_HEX);
    return strspn(out, "0123456789abcdef") == CENV_REMOTE_HEX - 1;
}

int cenv_oci_manifest_read(struct cenv_str text, struct cenv_remote_blob *document,
                           struct cenv_error *err)
{
    struct cenv_json *doc = NULL;
    int rc = cenv_json_parse(&doc, text, "the manifest", err);

    if (rc < 0)
        return rc;
    const struct cenv_json *config = cenv_json_get(doc, "config");
    const char *type = cenv_json_get_cstr(config, "mediaType");
    int64_t size = cenv_json_get_int(config, "size", -1);
    if (type && strcmp(type, DOCUMENT_TYPE) == 0 && size >= 0 &&
        read_digest(config, document->sha256)) {
        document->size = (uint64_t)size;
        document->kind = CENV_BLOB_DESCRIPTION;
    } else {
        rc = cenv_error_set(err, CENV_EINTEGRITY,
                            "the manifest is not one of a template");
    }
    cenv_json_free(doc);
    return rc;
}
