/* SPDX-License-Identifier: BSD-3-Clause */
/* Reading an archive of templates: see archive_reader.h. */
#include "archive/archive_reader.h"

#include "archive/archive.h"
#include "base/alloc.h"
#include "codec/readahead.h"
#include "os/fs.h"
#include "os/raw_data.h"

enum { BLOCK = 1 << 17, SHOWN_PATH_MAX = 300, SHOWN_MAX = 4096 };

int cenv_archive_reader_refuse(struct cenv_archive_reader *reader, const char *why)
{
    return cenv_error_set(reader->err, CENV_EINTEGRITY, "%s", why);
}

int cenv_archive_reader_refuse_member(struct cenv_archive_reader *reader,
                                      const char *why)
{
    struct cenv_buf shown;
    cenv_buf_init(&shown, SHOWN_MAX);
    cenv_json_quote(&shown, cenv_str_slice(reader->member.path, 0, SHOWN_PATH_MAX));
    cenv_error_set(reader->err, CENV_EINTEGRITY, "its member %s %s",
                   shown.data ? shown.data : "?", why);
    cenv_buf_release(&shown);
    return CENV_EINTEGRITY;
}

static int read_block(void *ctx, const void **data, size_t *len, struct cenv_error *err)
{
    struct cenv_archive_reader *reader = ctx;
    int64_t got = cenv_raw_pread(reader->file, reader->block, BLOCK, reader->offset);
    if (got < 0)
        return cenv_fs_fail(err, (int)got, reader->file, NULL, "cannot read");
    reader->offset += (uint64_t)got;
    cenv_task_advance(reader->task, (uint64_t)got);
    *data = reader->block;
    *len = (size_t)got;
    return 0;
}

int cenv_archive_reader_open(struct cenv_archive_reader *reader, const char *path,
                             struct cenv_task *task, struct cenv_error *err)
{
    struct cenv_stat st;
    struct cenv_input from = {.read = read_block, .ctx = reader};
    *reader = (struct cenv_archive_reader){.task = task, .err = err};
    reader->file = cenv_fs_open_named(path, &st, err);
    if (reader->file < 0)
        return reader->file;
    cenv_task_progress(task, CENV_STAGE_IMPORT, st.size);
    cenv_limits_init(&reader->limits, st.size);
    reader->block = cenv_malloc(BLOCK);
    if (!reader->block)
        return cenv_error_oom(err);
    int rc = cenv_decoder_new(&reader->decoder, CENV_CODEC_ZSTD, from,
                              reader->limits.bytes, err);
    if (rc == 0)
        rc = cenv_readahead_new(&reader->ahead, cenv_input_decoder(reader->decoder),
                                err);
    if (rc == 0)
        rc = cenv_tar_open(&reader->tar, cenv_readahead_input(reader->ahead), err);
    return rc;
}

void cenv_archive_reader_close(struct cenv_archive_reader *reader)
{
    cenv_tar_free(reader->tar);
    cenv_readahead_free(reader->ahead);
    cenv_decoder_free(reader->decoder);
    cenv_fd_close(reader->file);
    cenv_free(reader->block);
}

int cenv_archive_reader_next(struct cenv_archive_reader *reader)
{
    int rc = cenv_task_poll(reader->task, reader->err);
    if (rc < 0)
        return rc;
    rc = cenv_tar_next(reader->tar, &reader->member, reader->err);
    if (rc != 1)
        return rc;
    rc = cenv_archive_reader_count(reader, 1);
    if (rc == 0 && !cenv_limits_take(&reader->limits.names,
                                     reader->member.path.len + reader->member.link.len))
        rc = cenv_archive_reader_refuse(
            reader, "it has longer names than an archive of its size may have");
    return rc < 0 ? rc : 1;
}

int cenv_archive_reader_count(struct cenv_archive_reader *reader, uint64_t entries)
{
    if (cenv_limits_take(&reader->limits.entries, entries))
        return 0;
    return cenv_archive_reader_refuse(
        reader,
        "it has more members and directories than an archive of its size may have");
}

static int read_text(struct cenv_archive_reader *reader, struct cenv_buf *text)
{
    const void *data;
    size_t len;
    int rc;
    while ((rc = cenv_tar_data(reader->tar, &data, &len, reader->err)) == 1)
        if (!cenv_buf_add(text, data, len))
            return text->failed == CENV_BUF_FULL
                       ? cenv_archive_reader_refuse_member(reader, "is too large")
                       : cenv_error_oom(reader->err);
    return rc;
}

int cenv_archive_reader_text(struct cenv_archive_reader *reader, const char *what,
                             struct cenv_json **out, char hex[CENV_DIGEST_HEX_MAX])
{
    struct cenv_buf text;
    cenv_buf_init(&text, (size_t)reader->limits.text);
    int rc = read_text(reader, &text);
    if (rc == 0 && !cenv_digest_sha256_hex(cenv_buf_str(&text), hex))
        rc = cenv_error_oom(reader->err);
    if (rc == 0)
        rc = cenv_json_parse(out, cenv_buf_str(&text), what, reader->err);
    cenv_buf_release(&text);
    return rc;
}
