/* SPDX-License-Identifier: BSD-3-Clause */
/* Fuzzes what a registry says: a challenge's parts lie in it, a manifest names a digest or none. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "remote/oci_challenge.h"
#include "remote/oci_manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void check_inside(struct cenv_str part, struct cenv_str text)
{
    require(!part.len ||
            (part.data >= text.data && part.data + part.len <= text.data + text.len));
}

static void check_challenge(struct cenv_str text)
{
    struct cenv_oci_challenge challenge;
    struct cenv_secret_url *registry = NULL, *service = NULL;
    struct cenv_error err = CENV_ERROR_INIT;

    if (!cenv_oci_challenge_read(text, &challenge))
        return;
    check_inside(challenge.realm, text);
    check_inside(challenge.service, text);
    check_inside(challenge.scope, text);
    require(cenv_secret_url_new(&registry, CENV_STR("https://u:secret@r.h.org/v2"),
                                &err) == 0);
    int rc = cenv_oci_challenge_service(registry, challenge.realm, &err);
    bool says =
        memmem(text.data, text.len, "secret@", 7); /* itself, what must not be told */
    if (rc == CENV_OCI_OTHER && !says &&
        cenv_oci_challenge_url(&service, registry, challenge.realm, CENV_OCI_OTHER,
                               &err) == 0)
        require(!strstr(cenv_secret_url_text(service).data, "secret@"));
    cenv_secret_url_free(service);
    cenv_secret_url_free(registry);
    cenv_error_release(&err);
}

static void check_manifest(struct cenv_str text)
{
    struct cenv_remote_blob blob = {.size = 0};
    struct cenv_error err = CENV_ERROR_INIT;

    if (cenv_oci_manifest_read(text, &blob, &err) == 0)
        require(strspn(blob.sha256, "0123456789abcdef") == CENV_REMOTE_HEX - 1);
    else
        require(err.message[0]);
    cenv_error_release(&err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cenv_str text = cenv_str_n((const char *)data, size);

    check_challenge(text);
    check_manifest(text);
    return 0;
}
