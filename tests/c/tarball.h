/* SPDX-License-Identifier: BSD-3-Clause */
/* Archives made member by member, right or wrong, for tests of what reads them. */
#ifndef TARBALL_H
#define TARBALL_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "codec/stream.h"
#include "codec/tar_header.h"
#include "codec/zip.h"
#include "codec/zstd.h"

__attribute__((unused)) static void tar_header(struct cenv_buf *out, char type,
                                               const char *name, const char *link,
                                               size_t size, unsigned mode)
{
    struct cenv_tar_header header = {.type = type, .magic = "ustar", .version = "00"};

    memcpy(header.name, name, strnlen(name, sizeof(header.name)));
    memcpy(header.link, link, strnlen(link, sizeof(header.link)));
    snprintf(header.mode, sizeof(header.mode), "%07o", mode);
    snprintf(header.size, sizeof(header.size), "%011zo", size);
    snprintf(header.mtime, sizeof(header.mtime), "%011o", 1500000000);
    snprintf(header.checksum, sizeof(header.checksum), "%06o",
             (unsigned)cenv_tar_checksum(&header));
    header.checksum[7] = ' ';
    cenv_buf_add(out, &header, sizeof(header));
}

/* Data, and zeros up to the next record. */
__attribute__((unused)) static void tar_data(struct cenv_buf *out, const char *data,
                                             size_t len)
{
    static const char zeros[CENV_TAR_RECORD];

    cenv_buf_add(out, data, len);
    cenv_buf_add(out, zeros,
                 (CENV_TAR_RECORD - len % CENV_TAR_RECORD) % CENV_TAR_RECORD);
}

__attribute__((unused)) static void tar_member(struct cenv_buf *out, char type,
                                               const char *name, const char *link,
                                               const char *data)
{
    tar_header(out, type, name, link, strlen(data), type == '5' ? 0755 : 0644);
    tar_data(out, data, strlen(data));
}

__attribute__((unused)) static void tar_file(struct cenv_buf *out, const char *name,
                                             const char *data)
{
    tar_member(out, '0', name, "", data);
}

/* A pax header ('x' or 'g') of one or two records; `b` may be NULL. */
__attribute__((unused)) static void tar_pax(struct cenv_buf *out, char type,
                                            const char *a, const char *b)
{
    const char *records[] = {a, b};
    struct cenv_buf text;

    cenv_buf_init(&text, 1 << 22);
    for (size_t i = 0; i < 2 && records[i]; i++) {
        size_t len = strlen(records[i]) + 2, digits = 1;
        while ((size_t)snprintf(NULL, 0, "%zu", len + digits) > digits)
            digits++;
        cenv_buf_addf(&text, "%zu %s\n", len + digits, records[i]);
    }
    tar_header(out, type, "pax", "", text.len, 0644);
    tar_data(out, text.data, text.len);
    cenv_buf_release(&text);
}

__attribute__((unused)) static void tar_end(struct cenv_buf *out)
{
    static const char zeros[2 * CENV_TAR_RECORD];

    cenv_buf_add(out, zeros, sizeof(zeros));
}

/* bzip2 or zstd of a span. */
__attribute__((unused)) static void
compress_span(struct cenv_buf *out, enum cenv_codec codec, struct cenv_str data)
{
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_encoder *encoder = NULL;

    if (cenv_encoder_new(&encoder, codec, 3, cenv_output_buf(out), &err) == 0 &&
        cenv_encoder_write(encoder, data.data, data.len, &err) == 0)
        cenv_encoder_finish(encoder, &err);
    cenv_encoder_free(encoder);
    cenv_error_release(&err);
}

/* One stored member and its entry in `members[*nr]`. */
__attribute__((unused)) static void zip_member(struct cenv_buf *out,
                                               struct cenv_zip_member *members,
                                               size_t *nr, const char *name,
                                               struct cenv_str data)
{
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_zip_member *member = &members[(*nr)++];
    struct cenv_crc32 tables;

    cenv_crc32_init(&tables);
    snprintf(member->name, sizeof(member->name), "%s", name);
    member->size = data.len;
    member->offset = out->len;
    member->crc = cenv_crc32_add(&tables, 0, data.data, data.len);
    cenv_zip_put_local(member, cenv_output_buf(out), &err);
    cenv_buf_add_str(out, data);
}

/* A .conda of these two tar archives, as conda-build would have made it. */
__attribute__((unused)) static void conda_pack(struct cenv_buf *out, const char *stem,
                                               struct cenv_str info,
                                               struct cenv_str pkg)
{
    struct cenv_zip_member members[3];
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_str tars[] = {pkg, info};
    const char *kinds[] = {"pkg", "info"};
    size_t nr = 0;

    zip_member(out, members, &nr, "metadata.json",
               CENV_STR("{\"conda_pkg_format_version\": 2}"));
    for (size_t i = 0; i < 2; i++) {
        char name[256];
        struct cenv_buf packed;
        cenv_buf_init(&packed, 1 << 28);
        snprintf(name, sizeof(name), "%s-%s.tar.zst", kinds[i], stem);
        compress_span(&packed, CENV_CODEC_ZSTD, tars[i]);
        zip_member(out, members, &nr, name, cenv_buf_str(&packed));
        cenv_buf_release(&packed);
    }
    cenv_zip_put_directory(members, nr, cenv_output_buf(out), &err);
    cenv_error_release(&err);
}

#endif
