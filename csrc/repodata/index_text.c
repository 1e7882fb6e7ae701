/* SPDX-License-Identifier: BSD-3-Clause */
/* Unpacking repodata: see index_text.h. */
#include "repodata/index_text.h"

#include "base/alloc.h"
#include "base/checksum.h"
#include "codec/readahead.h"
#include "os/fs.h"
#include "os/raw_data.h"

enum { SLICE = 1 << 20 }; /* of the text: what is written and summed at a time */

static uint64_t add_slice(uint64_t sum, struct cenv_str slice)
{
    return (sum ^ cenv_checksum64(slice)) * 0x9e3779b97f4a7c15u;
}

uint64_t cenv_index_text_sum(struct cenv_str bytes)
{
    uint64_t sum = 0;
    for (size_t at = 0; at < bytes.len; at += SLICE) {
        struct cenv_str slice = cenv_str_slice(bytes, at, at + SLICE);
        sum = add_slice(sum, slice);
        cenv_raw_forget(slice.data, slice.len);
    }
    return sum;
}

/* 0, or 1 when it cannot be written. */
static int write_slice(struct cenv_index_text *text, struct cenv_buf *slice)
{
    int rc = cenv_raw_write(text->fd, slice->data, slice->len);
    text->sum = add_slice(text->sum, cenv_buf_str(slice));
    slice->len = 0;
    return rc < 0 ? 1 : 0;
}

/* Cuts what comes in into slices. */
static int add_data(struct cenv_index_text *text, struct cenv_str data,
                    struct cenv_buf *slice, struct cenv_error *err)
{
    int rc = 0;
    while (rc == 0 && data.len > 0) {
        struct cenv_str part = cenv_str_slice(data, 0, SLICE - slice->len);
        if (!cenv_buf_add_str(slice, part))
            return cenv_error_oom(err);
        data = cenv_str_slice(data, part.len, data.len);
        if (slice->len == SLICE)
            rc = write_slice(text, slice);
    }
    return rc;
}

static int copy_input(struct cenv_index_text *text, struct cenv_input from,
                      struct cenv_task *task, struct cenv_error *err)
{
    struct cenv_buf slice;
    size_t len = 1;
    int rc = 0;
    cenv_buf_init(&slice, SLICE);
    while (rc == 0 && len > 0) {
        const void *data = NULL;
        rc = from.read(from.ctx, &data, &len, err);
        if (rc == 0)
            rc = cenv_task_poll(task, err);
        if (rc == 0)
            rc = add_data(text, cenv_str_n(data, len), &slice, err);
    }
    if (rc == 0 && slice.len)
        rc = write_slice(text, &slice);
    cenv_buf_release(&slice);
    return rc;
}

/* What is left of the mapped input, and the slice given last, of which none needs to stay. */
struct input {
    struct cenv_str rest, given;
};

static int read_slice(void *ctx, const void **data, size_t *len, struct cenv_error *err)
{
    struct input *s = ctx;
    (void)err;
    if (s->given.len)
        cenv_raw_forget(s->given.data, s->given.len);
    s->given = cenv_str_slice(s->rest, 0, SLICE);
    s->rest = cenv_str_slice(s->rest, SLICE, s->rest.len);
    *data = s->given.data;
    *len = s->given.len;
    return 0;
}

static int unpack_to_file(struct cenv_index_text *text, struct cenv_str packed,
                          size_t max, struct cenv_task *task, struct cenv_error *err)
{
    struct cenv_decoder *decoder = NULL;
    struct cenv_readahead *ahead = NULL;
    struct input input = {.rest = packed};
    struct cenv_input from = {.read = read_slice, .ctx = &input};
    int rc = cenv_decoder_new(&decoder, CENV_CODEC_ZSTD, from, max, err);
    if (rc == 0)
        rc = cenv_readahead_new(&ahead, cenv_input_decoder(decoder), err);
    if (rc == 0)
        rc = copy_input(text, cenv_readahead_input(ahead), task, err);
    cenv_readahead_free(ahead);
    cenv_decoder_free(decoder);
    return rc;
}

int cenv_index_text_unpack(struct cenv_index_text *text, int dir, const char *name,
                           struct cenv_str packed, size_t max, struct cenv_mapping *out,
                           struct cenv_task *task, struct cenv_error *err)
{
    *text = (struct cenv_index_text){.dir = dir, .fd = -1};
    text->scratch = cenv_fs_unique_name(name);
    if (text->scratch)
        text->fd = cenv_raw_create(dir, text->scratch, 0644);
    int rc = text->fd < 0 ? 1 : unpack_to_file(text, packed, max, task, err);
    return rc == 0 && cenv_raw_map_fd(text->fd, out) < 0 ? 1 : rc;
}

bool cenv_index_text_publish(struct cenv_index_text *text, const char *name,
                             struct cenv_stat *st)
{
    if (text->fd < 0 || cenv_raw_stat_fd(text->fd, st) < 0 ||
        cenv_raw_rename(text->dir, text->scratch, text->dir, name) < 0)
        return false;
    cenv_fd_close(text->fd);
    text->fd = -1;
    return true;
}

void cenv_index_text_release(struct cenv_index_text *text)
{
    if (text->fd >= 0) {
        cenv_fd_close(text->fd);
        cenv_raw_unlink(text->dir, text->scratch);
    }
    cenv_free(text->scratch);
    *text = (struct cenv_index_text)CENV_INDEX_TEXT_INIT;
}
