/* SPDX-License-Identifier: BSD-3-Clause */
/* codec/unpacker: each format, damaged and in pieces, ZIP archives of all sorts, want of memory. */
#include "codec/unpacker.h"

#include "base/alloc.h"
#include "check.h"
#include "tarball.h"

/* "packed text", as gzip, xz and zlib wrote it. */
static const unsigned char gzip[] = {
    0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0x2b,
    0x48, 0x4c, 0xce, 0x4e, 0x4d, 0x51, 0x28, 0x49, 0xad, 0x28, 0x01,
    0x00, 0x0c, 0xf4, 0x0a, 0xd2, 0x0b, 0x00, 0x00, 0x00,
};
static const unsigned char xz[] = {
    0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00, 0x00, 0x04, 0xe6, 0xd6, 0xb4, 0x46, 0x02, 0x00,
    0x21, 0x01, 0x0c, 0x00, 0x00, 0x00, 0x8f, 0x98, 0x41, 0x9c, 0x01, 0x00, 0x0a, 0x70,
    0x61, 0x63, 0x6b, 0x65, 0x64, 0x20, 0x74, 0x65, 0x78, 0x74, 0x00, 0x00, 0xda, 0xc9,
    0x3a, 0x7e, 0xad, 0xae, 0xa1, 0x94, 0x00, 0x01, 0x23, 0x0b, 0xc2, 0x1b, 0xfd, 0x09,
    0x1f, 0xb6, 0xf3, 0x7d, 0x01, 0x00, 0x00, 0x00, 0x00, 0x04, 0x59, 0x5a,
};
static const unsigned char deflated[] = {
    0x2b, 0x48, 0x4c, 0xce, 0x4e, 0x4d, 0x51, 0x28, 0x49, 0xad, 0x28, 0x01, 0x00,
};

enum { GZIP, XZ, BZIP2, ZSTD, NR_FORMATS };
static const char *const names[] = {"gzip", "xz", "bzip2", "zstd"};

static void add_packed(struct cenv_buf *to, int format)
{
    if (format == GZIP)
        cenv_buf_add(to, gzip, sizeof(gzip));
    else if (format == XZ)
        cenv_buf_add(to, xz, sizeof(xz));
    else
        compress_span(to, format == ZSTD ? CENV_CODEC_ZSTD : CENV_CODEC_BZIP2,
                      CENV_STR("packed text"));
}

static struct cenv_buf packed(int format)
{
    struct cenv_buf file;
    cenv_buf_init(&file, 1 << 20);
    add_packed(&file, format);
    return file;
}

/* A file in blocks of six bytes, the least there may be in the first; it fails behind `fails_at`. */
struct pieces {
    struct cenv_str left;
    size_t fails_at;
};

static int read_piece(void *ctx, const void **data, size_t *len, struct cenv_error *err)
{
    struct pieces *pieces = ctx;
    *len = pieces->left.len < 6 ? pieces->left.len : 6;
    if (pieces->fails_at < *len)
        return cenv_error_set(err, CENV_EOS, "the disk is gone");
    pieces->fails_at -= *len;
    *data = pieces->left.data;
    pieces->left = cenv_str_slice(pieces->left, *len, pieces->left.len);
    return 0;
}

/* All that comes out of a file, into `out`; the status. */
static int unpack(struct cenv_str file, struct cenv_buf *out, size_t max, bool *full,
                  struct cenv_error *err)
{
    struct pieces pieces = {file, SIZE_MAX};
    struct cenv_unpacker *u = NULL;
    const void *data;
    size_t len = 1;
    int rc = cenv_unpacker_new(
        &u, (struct cenv_input){.read = read_piece, .ctx = &pieces}, max, err);
    struct cenv_input in = cenv_input_unpacker(u);
    cenv_buf_init(out, 1 << 22);
    while (rc == 0 && len && (rc = in.read(in.ctx, &data, &len, err)) == 0)
        cenv_buf_add(out, data, len);
    *full = rc == 0 && cenv_unpacker_full(u);
    cenv_unpacker_free(u);
    return rc;
}

static void check_unpack(struct cenv_buf *file, size_t max, const char *want,
                         bool want_full)
{
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_buf out;
    bool full;
    CHECK_INT(unpack(cenv_buf_str(file), &out, max, &full, &err), 0);
    CHECK_STR(out.len ? out.data : "", want);
    CHECK_INT(full, want_full);
    cenv_buf_release(&out);
    cenv_error_release(&err);
    cenv_buf_release(file);
}

static void test_unpacker__reads_every_format(void)
{
    for (int format = 0; format < NR_FORMATS; format++) {
        check_case(names[format]);
        struct cenv_buf file = packed(format);
        add_packed(&file, format);
        check_unpack(&file, 22, "packed textpacked text", false);
        file = packed(format);
        check_unpack(&file, 10, "packed tex", true);
    }
}

static void test_unpacker__ends_where_data_is_damaged(void)
{
    for (int format = 0; format < NR_FORMATS; format++) {
        check_case(names[format]);
        struct cenv_buf file = packed(format);
        cenv_buf_puts(&file, "something that is no stream");
        check_unpack(&file, 100, "packed text", false);
        file = packed(format);
        for (size_t len = 0; len < file.len; len++) {
            struct cenv_error err = CENV_ERROR_INIT;
            struct cenv_buf out;
            bool full;
            struct cenv_str cut = cenv_str_n(file.data, len);
            CHECK_INT(unpack(cut, &out, 100, &full, &err), 0);
            CHECK(out.len <= strlen("packed text") && !full);
            cenv_buf_release(&out);
        }
        cenv_buf_release(&file);
    }
}

static void test_unpacker__knows_no_other_format(void)
{
    static const char *const files[] = {"", "P", "plain text", "\x28\xb5", "BZ"};
    for (size_t i = 0; i < CHECK_NR(files); i++) {
        struct cenv_buf file;
        check_case(files[i]);
        cenv_buf_init(&file, 100);
        cenv_buf_puts(&file, files[i]);
        check_unpack(&file, 100, "", false);
    }
}

static void put(struct cenv_buf *to, unsigned value, int bytes)
{
    for (; bytes; bytes--, value >>= 8)
        cenv_buf_putc(to, (char)value);
}

/* A member's header without sizes, as one that is written to a pipe has it. */
static void add_member(struct cenv_buf *to, unsigned method, const void *data,
                       size_t len)
{
    cenv_buf_add(to, "PK\3\4", 4);
    put(to, 20, 2);
    put(to, 8, 2); /* a data descriptor follows */
    put(to, method, 2);
    for (int i = 0; i < 4; i++)
        put(to, 0, 4);
    put(to, 4, 2);
    put(to, 3, 2);
    cenv_buf_puts(to, "nameext");
    cenv_buf_add(to, data, len);
    cenv_buf_add(to, "PK\7\10", 4);
    for (int i = 0; i < 3; i++)
        put(to, 0, 4);
}

static void add_end(struct cenv_buf *to)
{
    cenv_buf_add(to, "PK\5\6", 4);
    for (int i = 0; i < 9; i++)
        put(to, 0, 2);
}

static void test_unpacker__reads_members_of_zip(void)
{
    static const struct {
        unsigned method;
        int format;
    } members[] = {{12, BZIP2}, {93, ZSTD}, {95, XZ}};
    struct cenv_buf file;
    cenv_buf_init(&file, 1 << 20);
    add_member(&file, 0, "stored PKPK\3", 11);
    add_member(&file, 8, deflated, sizeof(deflated));
    add_member(&file, 8, "\xff damaged", 9);
    add_member(&file, 99, "unknown", 7);
    for (size_t i = 0; i < CHECK_NR(members); i++) {
        struct cenv_buf data = packed(members[i].format);
        add_member(&file, members[i].method, data.data, data.len);
        cenv_buf_release(&data);
    }
    add_member(&file, 8, deflated, sizeof(deflated));
    add_end(&file);
    struct cenv_buf again;
    cenv_buf_init(&again, 1 << 20);
    cenv_buf_add_str(&again, cenv_buf_str(&file));
    check_unpack(&file, 1000, "packed textpacked textpacked textpacked textpacked text",
                 false);
    check_unpack(&again, 23, "packed textpacked textp", true);
}

static void test_unpacker__takes_a_zip_archive_of_nothing(void)
{
    struct cenv_buf file;
    cenv_buf_init(&file, 100);
    add_end(&file);
    check_unpack(&file, 10, "", false);
}

static void test_unpacker__hands_on_errors(void)
{
    for (int format = 0; format < NR_FORMATS; format++) {
        struct cenv_buf file = packed(format);
        for (size_t at = 0; at < file.len; at += 6) {
            struct cenv_error err = CENV_ERROR_INIT;
            struct pieces pieces = {cenv_buf_str(&file), at};
            struct cenv_unpacker *u = NULL;
            size_t len = 1;
            const void *data;
            int rc = cenv_unpacker_new(
                &u, (struct cenv_input){.read = read_piece, .ctx = &pieces}, 100, &err);
            struct cenv_input in = cenv_input_unpacker(u);
            while (rc == 0 && len)
                rc = in.read(in.ctx, &data, &len, &err);
            CHECK_INT(rc, CENV_EOS);
            CHECK_STR(err.message, "the disk is gone");
            cenv_unpacker_free(u);
            cenv_error_release(&err);
        }
        cenv_buf_release(&file);
    }
}

static void check_failing_memory(struct cenv_str file)
{
    int rc = CENV_ENOMEM;
    long live = cenv_alloc_live();
    for (long nth = 1; rc == CENV_ENOMEM && nth < 100; nth++) {
        struct cenv_error err = CENV_ERROR_INIT;
        struct cenv_buf out;
        bool full;
        cenv_alloc_fail_nth(nth);
        rc = unpack(file, &out, 100, &full, &err);
        cenv_alloc_fail_nth(0);
        if (rc == 0 && out.len)
            CHECK_STR(out.data, "packed text");
        else
            CHECK(rc == CENV_ENOMEM || nth > 1); /* or the test's own buffer failed */
        cenv_buf_release(&out);
        cenv_error_release(&err);
        CHECK_INT(cenv_alloc_live(), live);
    }
    CHECK_INT(rc, 0);
}

static void test_unpacker__failing_allocations(void)
{
    struct cenv_buf file;
    for (int format = 0; format < NR_FORMATS; format++) {
        check_case(names[format]);
        file = packed(format);
        check_failing_memory(cenv_buf_str(&file));
        cenv_buf_release(&file);
    }
    check_case("zip");
    cenv_buf_init(&file, 1 << 20);
    add_member(&file, 8, deflated, sizeof(deflated));
    check_failing_memory(cenv_buf_str(&file));
    cenv_buf_release(&file);
}

int main(void)
{
    RUN(test_unpacker__reads_every_format);
    RUN(test_unpacker__ends_where_data_is_damaged);
    RUN(test_unpacker__knows_no_other_format);
    RUN(test_unpacker__reads_members_of_zip);
    RUN(test_unpacker__takes_a_zip_archive_of_nothing);
    RUN(test_unpacker__hands_on_errors);
    RUN(test_unpacker__failing_allocations);
    return check_report();
}
