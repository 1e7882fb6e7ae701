/* SPDX-License-Identifier: BSD-3-Clause */
#include "codec/zstd.h"

#include <zstd.h>
#include <zstd_errors.h>

enum { WINDOW_LOG_MAX = 27 };

static void *new_decoder(void)
{
    ZSTD_DCtx *zstd = ZSTD_createDCtx();
    if (zstd)
        ZSTD_DCtx_setParameter(zstd, ZSTD_d_windowLogMax, WINDOW_LOG_MAX);
    return zstd;
}

static void free_decoder(void *state)
{
    ZSTD_freeDCtx(state);
}

static int fail_decoding(struct cenv_packing_step *step, size_t code)
{
    ZSTD_ErrorCode error = ZSTD_getErrorCode(code);
    if (error == ZSTD_error_memory_allocation)
        return CENV_ENOMEM;
    step->why = error == ZSTD_error_frameParameter_windowTooLarge
                    ? "window too large (over 2^27)"
                    : ZSTD_getErrorString(error);
    return CENV_EINTEGRITY;
}

static int decode(void *state, struct cenv_packing_step *step)
{
    ZSTD_inBuffer in = {step->in.data, step->in.len, 0};
    ZSTD_outBuffer out = {step->out, step->room, 0};
    size_t left = ZSTD_decompressStream(state, &out, &in);
    if (ZSTD_isError(left))
        return fail_decoding(step, left);
    step->in = cenv_str_slice(step->in, in.pos, in.size);
    step->made = out.pos;
    return left == 0;
}

static void *new_encoder(int level)
{
    ZSTD_CCtx *zstd = ZSTD_createCCtx();
    if (!zstd)
        return NULL;
    ZSTD_CCtx_setParameter(zstd, ZSTD_c_compressionLevel, level);
    ZSTD_CCtx_setParameter(zstd, ZSTD_c_checksumFlag, 1);
    return zstd;
}

static void free_encoder(void *state)
{
    ZSTD_freeCCtx(state);
}

static int encode(void *state, struct cenv_packing_step *step)
{
    ZSTD_inBuffer in = {step->in.data, step->in.len, 0};
    ZSTD_outBuffer out = {step->out, step->room, 0};
    ZSTD_EndDirective more = step->flush ? ZSTD_e_flush : ZSTD_e_continue;
    size_t left =
        ZSTD_compressStream2(state, &out, &in, step->last ? ZSTD_e_end : more);
    if (ZSTD_getErrorCode(left) == ZSTD_error_memory_allocation)
        return CENV_ENOMEM;
    if (ZSTD_isError(left)) {
        step->why = ZSTD_getErrorName(left);
        return CENV_EFAIL;
    }
    step->in = cenv_str_slice(step->in, in.pos, in.size);
    step->made = out.pos;
    return step->last && left == 0;
}

const struct cenv_packing cenv_zstd = {
    "zstd", new_decoder, decode, free_decoder, new_encoder, encode, free_encoder,
};

/* Into what `step` has room for, which is enough for all that comes. */
static int compress_part(void *zstd, struct cenv_packing_step *step,
                         struct cenv_error *err)
{
    int rc = encode(zstd, step);
    if (rc == CENV_ENOMEM)
        return cenv_error_oom(err);
    if (rc < 0)
        return cenv_error_set(err, rc, "cannot compress: %s", step->why);
    step->out += step->made;
    step->room -= step->made;
    return 0;
}

static int compress_parts(void *zstd, struct cenv_str in,
                          struct cenv_packing_step *step, struct cenv_task *task,
                          struct cenv_error *err)
{
    int rc = 0;
    step->flush = true;
    for (size_t from = 0; rc == 0 && !step->last; from += CENV_PACKING_PART) {
        step->in = cenv_str_slice(in, from, from + CENV_PACKING_PART);
        step->last = from + step->in.len == in.len;
        rc = cenv_task_poll(task, err);
        if (rc == 0)
            rc = compress_part(zstd, step, err);
    }
    return rc;
}

int cenv_zstd_compress(struct cenv_str in, int level, struct cenv_buf *out,
                       struct cenv_task *task, struct cenv_error *err)
{
    struct cenv_packing_step step = {.room = ZSTD_compressBound(in.len)};
    void *zstd = new_encoder(level);
    step.out = cenv_buf_reserve(out, step.room);
    int rc = zstd && step.out ? 0 : cenv_error_oom(err);
    if (rc == 0) {
        ZSTD_CCtx_setPledgedSrcSize(zstd, in.len);
        rc = compress_parts(zstd, in, &step, task, err);
    }
    if (rc == 0) {
        out->len = (size_t)(step.out - out->data);
        out->data[out->len] = '\0';
    }
    free_encoder(zstd);
    return rc;
}
