/* SPDX-License-Identifier: BSD-3-Clause */
/* codec/stream: streams of one or several frames, damaged ones, windows and ceilings. */
#include "codec/stream.h"

#include "base/alloc.h"
#include "check.h"
#include "tarball.h"

static struct cenv_buf packed(enum cenv_codec codec, const char *text)
{
    struct cenv_buf out;

    cenv_buf_init(&out, 1 << 26);
    compress_span(&out, codec, cenv_str(text));
    return out;
}

/* Decodes; the text, or the error. Consumes `in`. */
static void check_decode(enum cenv_codec codec, struct cenv_buf *in, size_t max,
                         const char *want, const char *why)
{
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_buf out;

    cenv_buf_init(&out, max);
    CHECK_INT(cenv_decode(codec, cenv_buf_str(in), &out, &err),
              why ? CENV_EINTEGRITY : 0);
    if (why && !CHECK(strstr(err.message, why)))
        fprintf(stderr, "    %s\n", err.message);
    if (want)
        CHECK_STR(out.data, want);
    cenv_buf_release(&out);
    cenv_buf_release(in);
    cenv_error_release(&err);
}

static const enum cenv_codec codecs[] = {CENV_CODEC_ZSTD, CENV_CODEC_BZIP2};

static void test_stream__round_trip(void)
{
    for (size_t i = 0; i < CHECK_NR(codecs); i++) {
        struct cenv_buf in = packed(codecs[i], "hello"),
                        more = packed(codecs[i], " world");
        cenv_buf_add_str(&in, cenv_buf_str(&more));
        cenv_buf_release(&more);
        check_decode(codecs[i], &in, 100, "hello world", NULL); /* two streams */
    }
}

static void test_stream__large(void)
{
    char *text = calloc(1, 3000001);
    struct cenv_buf in, out;
    struct cenv_error err = CENV_ERROR_INIT;

    for (size_t i = 0; i < 3000000; i++)
        text[i] = (char)('a' + (i * i >> 7) % 26);
    for (size_t i = 0; i < CHECK_NR(codecs); i++) {
        in = packed(codecs[i], text);
        cenv_buf_init(&out, 3000000);
        CHECK_INT(cenv_decode(codecs[i], cenv_buf_str(&in), &out, &err), 0);
        CHECK(out.len == 3000000 && memcmp(out.data, text, out.len) == 0);
        cenv_buf_release(&out);
        check_decode(codecs[i], &in, 2999999, NULL, "more than is allowed");
    }
    free(text);
}

static void test_stream__refuses_damage(void)
{
    for (size_t i = 0; i < CHECK_NR(codecs); i++) {
        struct cenv_buf whole = packed(codecs[i], "some text, some more text"), in;
        for (size_t len = 0; len < whole.len; len++) {
            cenv_buf_init(&in, 1000);
            cenv_buf_add(&in, whole.data, len);
            check_decode(codecs[i], &in, 100, NULL, "bad");
        }
        cenv_buf_init(&in, 1000);
        cenv_buf_add_str(&in, cenv_buf_str(&whole));
        cenv_buf_puts(&in, "garbage");
        check_decode(codecs[i], &in, 100, NULL, "bad");
        cenv_buf_init(&in, 1000);
        cenv_buf_puts(&in, "neither of them");
        check_decode(codecs[i], &in, 100, NULL, "bad");
        cenv_buf_release(&whole);
    }
}

static void test_stream__bzip2_checks_its_sum(void)
{
    struct cenv_buf in = packed(CENV_CODEC_BZIP2, "some text, some more text");

    in.data[in.len / 2] ^= 4;
    check_decode(CENV_CODEC_BZIP2, &in, 100, NULL, "bad bzip2 data");
}

static void test_stream__zstd_skips_frames(void)
{
    struct cenv_buf in, text = packed(CENV_CODEC_ZSTD, "text");

    cenv_buf_init(&in, 1000);
    cenv_buf_add(&in, "\x50\x2a\x4d\x18\3\0\0\0abc", 11);
    cenv_buf_add_str(&in, cenv_buf_str(&text));
    cenv_buf_release(&text);
    check_decode(CENV_CODEC_ZSTD, &in, 100, "text", NULL);
}

/* Frames of one raw block "x": window descriptor, no content size, as old tools wrote them. */
static void test_stream__zstd_bounds_the_window(void)
{
    static const struct {
        char window;
        const char *why;
    } cases[] = {
        {(char)((27 - 10) << 3), NULL},
        {(char)((28 - 10) << 3), "window too large (over 2^27)"},
        {(char)((41 - 10) << 3), "window too large"},
    };

    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        struct cenv_buf in;
        cenv_buf_init(&in, 1000);
        cenv_buf_add(&in, "\x28\xb5\x2f\xfd\0", 5);
        cenv_buf_putc(&in, cases[i].window);
        cenv_buf_add(&in, "\x9\0\0x", 4);
        check_decode(CENV_CODEC_ZSTD, &in, 100, cases[i].why ? NULL : "x",
                     cases[i].why);
    }
}

static int failing_read(void *ctx, const void **data, size_t *len,
                        struct cenv_error *err)
{
    int *left = ctx;

    if ((*left)-- == 0)
        return cenv_error_set(err, CENV_EOS, "the disk is gone");
    *data = "BZh91AY&SY";
    *len = 10;
    return 0;
}

static void test_stream__hands_on_errors(void)
{
    for (size_t i = 0; i < CHECK_NR(codecs); i++) {
        struct cenv_error err = CENV_ERROR_INIT;
        struct cenv_decoder *decoder = NULL;
        struct cenv_input from;
        const void *data;
        size_t len;
        int left = i == 1;
        cenv_decoder_new(&decoder, codecs[i],
                         (struct cenv_input){.read = failing_read, .ctx = &left}, 100,
                         &err);
        from = cenv_input_decoder(decoder);
        CHECK_INT(from.read(from.ctx, &data, &len, &err), CENV_EOS);
        CHECK_STR(err.message, "the disk is gone");
        cenv_decoder_free(decoder);
    }
}

/* Packs a text and unpacks it again, each into a buffer that needs no memory any more. */
static int pack_and_unpack(enum cenv_codec codec, struct cenv_buf *packed_text,
                           struct cenv_buf *text, struct cenv_error *err)
{
    struct cenv_encoder *encoder = NULL;
    int rc = cenv_encoder_new(&encoder, codec, 1, cenv_output_buf(packed_text), err);
    if (rc == 0)
        rc = cenv_encoder_write(encoder, "some text", 9, err);
    if (rc == 0)
        rc = cenv_encoder_finish(encoder, err);
    cenv_encoder_free(encoder);
    return rc ? rc : cenv_decode(codec, cenv_buf_str(packed_text), text, err);
}

static void test_stream__failing_allocations(void)
{
    struct cenv_buf middle, text;
    cenv_buf_init(&middle, 1000);
    cenv_buf_init(&text, 1000);
    cenv_buf_reserve(&middle, 900);
    cenv_buf_reserve(&text, 900);
    for (size_t i = 0; i < CHECK_NR(codecs); i++) {
        long live = cenv_alloc_live(), nth = 0;
        int rc;
        do {
            struct cenv_error err = CENV_ERROR_INIT;
            middle.len = text.len = 0;
            cenv_alloc_fail_nth(++nth);
            rc = pack_and_unpack(codecs[i], &middle, &text, &err);
            cenv_alloc_fail_nth(0);
            CHECK(rc == 0 || rc == CENV_ENOMEM);
            CHECK_INT(cenv_alloc_live(), live);
            cenv_error_release(&err);
        } while (rc != 0 && nth < 100);
        CHECK_INT(rc, 0);
        CHECK(codecs[i] == CENV_CODEC_ZSTD || nth > 8); /* the library's fail too */
        CHECK_STR(text.data, "some text");
    }
    cenv_buf_release(&middle);
    cenv_buf_release(&text);
}

enum { NOISE = 5 * CENV_PACKING_PART + 7 };

static void add_noise(struct cenv_buf *out)
{
    unsigned state = 1;
    while (out->len < NOISE)
        cenv_buf_addf(out, "%08x", state = state * 1664525 + 1013904223);
}

static int cancel_task(void *task, const void *data, size_t len, struct cenv_error *err)
{
    (void)data;
    (void)len;
    (void)err;
    cenv_task_cancel(task);
    return 0;
}

static void test_stream__is_interrupted_within_an_input(void)
{
    for (size_t i = 0; i < CHECK_NR(codecs); i++) {
        struct cenv_encoder *encoder = NULL;
        struct cenv_error err = CENV_ERROR_INIT;
        struct cenv_task task;
        struct cenv_buf noise;
        cenv_task_init(&task, NULL, NULL);
        cenv_buf_init(&noise, 2 * NOISE);
        add_noise(&noise);
        struct cenv_output to = {cancel_task, &task};
        CHECK_INT(cenv_encoder_new(&encoder, codecs[i], 1, to, &err), 0);
        CHECK_INT(cenv_encoder_write_polled(encoder, cenv_buf_str(&noise), &task, &err),
                  CENV_ECANCELLED);
        cenv_encoder_free(encoder);
        cenv_buf_release(&noise);
        cenv_task_release(&task);
        cenv_error_release(&err);
    }
}

static void test_stream__zstd_spans_go_part_by_part(void)
{
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_task task;
    struct cenv_buf noise, packed, text;
    cenv_task_init(&task, NULL, NULL);
    cenv_buf_init(&noise, 2 * NOISE);
    cenv_buf_init(&packed, 2 * NOISE);
    cenv_buf_init(&text, 2 * NOISE);
    add_noise(&noise);
    CHECK_INT(cenv_zstd_compress(cenv_buf_str(&noise), 3, &packed, &task, &err), 0);
    CHECK_INT(cenv_decode(CENV_CODEC_ZSTD, cenv_buf_str(&packed), &text, &err), 0);
    CHECK(cenv_str_eq(cenv_buf_str(&text), cenv_buf_str(&noise)));
    cenv_task_cancel(&task);
    size_t before = packed.len;
    CHECK_INT(cenv_zstd_compress(cenv_buf_str(&noise), 3, &packed, &task, &err),
              CENV_ECANCELLED);
    CHECK_INT(packed.len, before);
    cenv_buf_release(&noise);
    cenv_buf_release(&packed);
    cenv_buf_release(&text);
    cenv_task_release(&task);
    cenv_error_release(&err);
}

int main(void)
{
    RUN(test_stream__round_trip);
    RUN(test_stream__large);
    RUN(test_stream__refuses_damage);
    RUN(test_stream__bzip2_checks_its_sum);
    RUN(test_stream__zstd_skips_frames);
    RUN(test_stream__zstd_bounds_the_window);
    RUN(test_stream__hands_on_errors);
    RUN(test_stream__failing_allocations);
    RUN(test_stream__is_interrupted_within_an_input);
    RUN(test_stream__zstd_spans_go_part_by_part);
    return check_report();
}
