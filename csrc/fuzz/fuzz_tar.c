/* SPDX-License-Identifier: BSD-3-Clause */
/* Any bytes as tar, plain or compressed: refused, or members that may be written below a root. */
#include <stdlib.h>

#include "codec/tar.h"
#include "os/path.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { EXPANDED_MAX = 1 << 24 };

static void check(const struct cenv_member *member)
{
    if (cenv_path_refused(member->path) || member->path.data[member->path.len])
        abort();
    if (member->type == CENV_MEMBER_HARDLINK && cenv_path_refused(member->link))
        abort();
    if (member->mode > 07777 || member->mtime_ns < 0)
        abort();
}

static void read_all(struct cenv_input in)
{
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_member member;
    struct cenv_tar *tar = NULL;
    const void *data;
    size_t len;
    int rc = cenv_tar_open(&tar, in, &err);

    while (rc == 0 && (rc = cenv_tar_next(tar, &member, &err)) == 1) {
        check(&member);
        while ((rc = cenv_tar_data(tar, &data, &len, &err)) == 1)
            member.size -= len;
        if (rc == 0 && member.size != 0)
            abort();
    }
    if (rc < 0 && (rc != CENV_EINTEGRITY || !err.message[0]))
        abort();
    cenv_tar_free(tar);
    cenv_error_release(&err);
}

/* The first byte picks the codec. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cenv_str bytes = {size ? (const char *)data + 1 : "", size ? size - 1 : 0};
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_decoder *decoder = NULL;
    struct cenv_input in = cenv_input_span(&bytes);

    if (size && data[0] % 3 == 0) {
        read_all(in);
        return 0;
    }
    enum cenv_codec codec =
        size && data[0] % 3 == 1 ? CENV_CODEC_ZSTD : CENV_CODEC_BZIP2;
    if (cenv_decoder_new(&decoder, codec, in, EXPANDED_MAX, &err) != 0)
        abort();
    read_all(cenv_input_decoder(decoder));
    cenv_decoder_free(decoder);
    return 0;
}
