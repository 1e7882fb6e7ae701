/* SPDX-License-Identifier: BSD-3-Clause */
/* Writing packages: members in memory become a .conda or .tar.bz2, whole or not at all. */
#include <stdio.h>
#include <string.h>

#include "cenv.h"
#include "codec/stream.h"
#include "codec/tar_write.h"
#include "codec/zip.h"
#include "codec/zstd.h"
#include "os/fs_data.h"
#include "os/path.h"
#include "os/raw_file.h"

/* The levels that cost little time: packages made here are used here. */
enum { ZSTD_LEVEL = 3, BZIP2_LEVEL = 9 };

/* What a ZIP archive holds without ZIP64. */
static const size_t max_package = (size_t)0xffffffffU;

struct pack {
    const struct cenv_pack_member *members;
    size_t nr;
    struct cenv_task *task;
    struct cenv_error *err;
};

enum part { ALL, INFO, PKG };

static bool is_in(const struct cenv_pack_member *member, enum part part)
{
    bool info = cenv_str_starts(cenv_str(member->path), CENV_STR("info/"));

    return part == ALL || info == (part == INFO);
}

static int encoder_write(void *ctx, const void *data, size_t len,
                         struct cenv_error *err)
{
    return cenv_encoder_write(ctx, data, len, err);
}

static int put_member(const struct pack *pack, const struct cenv_pack_member *from,
                      struct cenv_encoder *encoder)
{
    struct cenv_output tar = {encoder_write, encoder};
    struct cenv_member member = {
        .type = from->link ? CENV_MEMBER_SYMLINK : CENV_MEMBER_FILE,
        .path = cenv_str(from->path),
        .link = cenv_str(from->link ? from->link : ""),
        .mode = from->mode,
        .size = from->link ? 0 : from->len,
        .mtime_ns = from->mtime_ns,
    };
    const char *why = cenv_path_refused(member.path);
    int rc = cenv_task_poll(pack->task, pack->err);

    if (rc == 0 && why)
        rc = cenv_error_set(pack->err, CENV_EUSAGE, "cannot pack '%s': the path %s",
                            from->path, why);
    if (rc == 0)
        rc = cenv_tar_write_header(&member, tar, pack->err);
    if (rc == 0 && member.size > 0)
        rc = cenv_encoder_write_polled(encoder, cenv_str_n(from->data, from->len),
                                       pack->task, pack->err);
    if (rc == 0)
        rc = cenv_tar_write_padding(member.size, tar, pack->err);
    return rc;
}

/* The members of one part as a compressed tar archive, appended to `out`. */
static int put_tar(const struct pack *pack, enum part part, enum cenv_codec codec,
                   struct cenv_buf *out)
{
    int level = codec == CENV_CODEC_ZSTD ? ZSTD_LEVEL : BZIP2_LEVEL;
    struct cenv_encoder *encoder = NULL;
    int rc = cenv_encoder_new(&encoder, codec, level, cenv_output_buf(out), pack->err);

    for (size_t i = 0; rc == 0 && i < pack->nr; i++) {
        if (is_in(&pack->members[i], part))
            rc = put_member(pack, &pack->members[i], encoder);
    }
    if (rc == 0)
        rc =
            cenv_tar_write_end((struct cenv_output){encoder_write, encoder}, pack->err);
    if (rc == 0)
        rc = cenv_encoder_finish(encoder, pack->err);
    cenv_encoder_free(encoder);
    return rc;
}

static int put_stored(const char *name, struct cenv_str data,
                      struct cenv_zip_member *member, struct cenv_buf *out,
                      struct cenv_error *err)
{
    struct cenv_crc32 tables;
    int rc;

    cenv_crc32_init(&tables);
    snprintf(member->name, sizeof(member->name), "%s", name);
    member->size = data.len;
    member->offset = out->len;
    member->crc = cenv_crc32_add(&tables, 0, data.data, data.len);
    rc = cenv_zip_put_local(member, cenv_output_buf(out), err);
    if (rc == 0 && !cenv_buf_add_str(out, data))
        rc = cenv_error_oom(err);
    return rc;
}

/* CEP 35; metadata.json first, so that a reader knows the format before anything else. */
static int put_conda(const struct pack *pack, struct cenv_str stem,
                     struct cenv_buf *out)
{
    static const enum part parts[] = {PKG, INFO};
    struct cenv_zip_member members[3];
    char name[256];
    int rc = put_stored("metadata.json", CENV_STR("{\"conda_pkg_format_version\": 2}"),
                        &members[0], out, pack->err);

    for (size_t i = 0; rc == 0 && i < 2; i++) {
        struct cenv_buf tar;
        cenv_buf_init(&tar, max_package);
        snprintf(name, sizeof(name), "%s-%.*s.tar.zst",
                 parts[i] == PKG ? "pkg" : "info", CENV_STR_ARG(stem));
        rc = put_tar(pack, parts[i], CENV_CODEC_ZSTD, &tar);
        if (rc == 0)
            rc = put_stored(name, cenv_buf_str(&tar), &members[1 + i], out, pack->err);
        cenv_buf_release(&tar);
    }
    if (rc == 0)
        rc = cenv_zip_put_directory(members, 3, cenv_output_buf(out), pack->err);
    return rc;
}

int cenv_pack(const char *path, const struct cenv_pack_member *members, size_t nr,
              struct cenv_task *task, struct cenv_error *err)
{
    struct pack pack = {members, nr, task, err};
    struct cenv_str name = cenv_path_base(cenv_str(path));
    struct cenv_buf out;
    int rc;

    cenv_buf_init(&out, max_package);
    if (cenv_str_ends(name, CENV_STR(".conda")) && name.len <= 211)
        rc = put_conda(&pack, cenv_str_slice(name, 0, name.len - strlen(".conda")),
                       &out);
    else if (cenv_str_ends(name, CENV_STR(".tar.bz2")))
        rc = put_tar(&pack, ALL, CENV_CODEC_BZIP2, &out);
    else
        rc = cenv_error_set(err, CENV_EUSAGE,
                            "cannot pack '%s': packages end in .conda or "
                            ".tar.bz2",
                            path);
    if (rc == 0)
        rc = cenv_fs_write_atomic(CENV_CWD, path, cenv_buf_str(&out), 0666, err);
    cenv_buf_release(&out);
    return rc;
}

int cenv_zstd_write(const char *path, const void *data, size_t len, int level,
                    struct cenv_task *task, struct cenv_error *err)
{
    struct cenv_buf out;
    cenv_buf_init(&out, SIZE_MAX / 2);
    int rc = cenv_zstd_compress(cenv_str_n(data, len), level, &out, task, err);
    if (rc == 0)
        rc = cenv_fs_write_atomic(CENV_CWD, path, cenv_buf_str(&out), 0666, err);
    cenv_buf_release(&out);
    return rc;
}
