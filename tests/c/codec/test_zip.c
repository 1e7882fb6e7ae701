/* SPDX-License-Identifier: BSD-3-Clause */
/* codec/zip: stored members front to back; whatever two readers could see differently is refused. */
#include "codec/zip.h"

#include "check.h"
#include "tarball.h"

/* "name=data " for each member; the reader's verdict. */
static int list(struct cenv_str zip, struct cenv_buf *out, struct cenv_error *err)
{
    const struct cenv_zip_member *member;
    struct cenv_zip *reader = NULL;
    struct cenv_input from;
    const void *data;
    size_t len;
    int rc = cenv_zip_open(&reader, cenv_input_span(&zip), err);

    while (rc == 0 && (rc = cenv_zip_next(reader, &member, err)) == 1) {
        cenv_buf_addf(out, "%s=", member->name);
        from = cenv_zip_input(reader);
        do {
            rc = from.read(from.ctx, &data, &len, err);
            if (rc == 0)
                cenv_buf_add(out, data, len);
        } while (rc == 0 && len > 0);
        cenv_buf_putc(out, ' ');
    }
    cenv_zip_free(reader);
    return rc;
}

static void check_zip(struct cenv_str zip, const char *want)
{
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_buf out;

    cenv_buf_init(&out, 1 << 20);
    CHECK_INT(list(zip, &out, &err), want ? 0 : CENV_EINTEGRITY);
    if (want)
        CHECK_STR(out.data, want);
    CHECK(!want == (err.message[0] != '\0'));
    cenv_buf_release(&out);
    cenv_error_release(&err);
}

static struct cenv_buf two_members(struct cenv_zip_member *members)
{
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_buf zip;
    size_t nr = 0;

    cenv_buf_init(&zip, 1 << 20);
    zip_member(&zip, members, &nr, "a", CENV_STR("123456789"));
    zip_member(&zip, members, &nr, "b", CENV_STR(""));
    cenv_zip_put_directory(members, nr, cenv_output_buf(&zip), &err);
    return zip;
}

static void test_zip__reads_stored_members(void)
{
    struct cenv_zip_member members[2];
    struct cenv_buf zip = two_members(members);

    CHECK_INT(members[0].crc, 0xcbf43926); /* the check value of CRC-32 */
    check_zip(cenv_buf_str(&zip), "a=123456789 b= ");
    cenv_buf_release(&zip);
}

/* Every byte that means something: flipping one of the fields readers rely on is seen. */
static void test_zip__refuses_any_damage(void)
{
    /* version needed, dates, made-by and attributes say nothing that we use */
    static const unsigned char ignored[] = {
        4,   5,   10,  11,  12,  13,  44,  45,  50,  51,  52,  53,  75,  76,
        77,  78,  83,  84,  85,  86,  107, 108, 109, 110, 111, 112, 122, 123,
        124, 125, 130, 131, 132, 133, 154, 155, 156, 157, 158, 159};
    struct cenv_zip_member members[2];
    struct cenv_buf zip = two_members(members);

    for (size_t at = 0; at < zip.len; at++) {
        struct cenv_error err = CENV_ERROR_INIT;
        struct cenv_buf out;
        if (memchr(ignored, (int)at, sizeof(ignored)) && at < 256)
            continue;
        cenv_buf_init(&out, 1 << 20);
        zip.data[at] ^= 0x11;
        if (!CHECK(list(cenv_buf_str(&zip), &out, &err) == CENV_EINTEGRITY))
            fprintf(stderr, "    byte %zu of %zu\n", at, zip.len);
        zip.data[at] ^= 0x11;
        cenv_buf_release(&out);
        cenv_error_release(&err);
    }
    cenv_buf_release(&zip);
}

static void test_zip__refuses_truncation_and_tails(void)
{
    struct cenv_zip_member members[2];
    struct cenv_buf zip = two_members(members), more;

    for (size_t len = 0; len < zip.len; len++)
        check_zip(cenv_str_n(zip.data, len), NULL);
    cenv_buf_putc(&zip, '\0');
    check_zip(cenv_buf_str(&zip), NULL);
    zip.len--;
    cenv_buf_init(&more, 1 << 20); /* something in front: a self-extractor */
    cenv_buf_puts(&more, "MZ");
    cenv_buf_add_str(&more, cenv_buf_str(&zip));
    check_zip(cenv_buf_str(&more), NULL);
    cenv_buf_clear(&more); /* a ZIP in a ZIP's comment, two end records */
    cenv_buf_add_str(&more, cenv_buf_str(&zip));
    more.data[zip.len - 2] = 22;
    cenv_buf_add(&more, zip.data + zip.len - 22, 22);
    check_zip(cenv_buf_str(&more), NULL);
    cenv_buf_release(&more);
    cenv_buf_release(&zip);
}

/* A local header with name "a" and the 3 bytes "abc", fields as given, and its directory. */
struct shape {
    unsigned flags, method;
    uint32_t csize, usize;
    const char *extra; /* of the local header, with its length */
    size_t extra_len;
    const char *name;
};

static void put(struct cenv_buf *out, uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        cenv_buf_putc(out, (char)(value >> 8 * i & 0xff));
}

static void put_head(struct cenv_buf *out, const struct shape *shape, uint32_t sizes[2],
                     size_t extra_len)
{
    put(out, shape->flags, 2);
    put(out, shape->method, 2);
    put(out, 0, 4);
    put(out, 0x352441c2, 4); /* CRC of "abc" */
    put(out, sizes[0], 4);
    put(out, sizes[1], 4);
    put(out, strlen(shape->name), 2);
    put(out, extra_len, 2);
}

static struct cenv_buf shaped(const struct shape *shape)
{
    uint32_t local[] = {shape->csize, shape->usize}, central[] = {3, 3};
    struct cenv_buf zip;
    size_t start;

    cenv_buf_init(&zip, 1 << 20);
    put(&zip, 0x04034b50, 4);
    put(&zip, 45, 2);
    put_head(&zip, shape, local, shape->extra_len);
    cenv_buf_puts(&zip, shape->name);
    cenv_buf_add(&zip, shape->extra, shape->extra_len);
    cenv_buf_puts(&zip, "abc");
    start = zip.len;
    put(&zip, 0x02014b50, 4);
    put(&zip, 45 << 16 | 45, 4);
    put_head(&zip, shape, central, 0);
    put(&zip, 0, 8);
    put(&zip, 0, 6);
    cenv_buf_puts(&zip, shape->name);
    put(&zip, 0x06054b50, 4);
    put(&zip, 0, 4);
    put(&zip, 1 << 16 | 1, 4);
    put(&zip, zip.len - 12 - start, 4);
    put(&zip, start, 4);
    put(&zip, 0, 2);
    return zip;
}

#define ZIP64(usize, csize) \
    "\1\0\20\0" usize "\0\0\0\0\0\0\0" csize "\0\0\0\0\0\0\0", 20
#define MAX32 0xffffffffU

static void test_zip__knows_shapes(void)
{
    static const struct {
        const char *label;
        struct shape shape;
        bool good;
    } cases[] = {
        {"plain", {0, 0, 3, 3, "", 0, "a"}, true},
        {"utf8 flag", {0x800, 0, 3, 3, "", 0, "a"}, true},
        {"zip64 as conda-build has it",
         {0, 0, MAX32, MAX32, ZIP64("\3", "\3"), "a"},
         true},
        {"other extra", {0, 0, 3, 3, "UT\1\0x", 5, "a"}, true},
        {"zip64 missing", {0, 0, MAX32, MAX32, "", 0, "a"}, false},
        {"zip64 of no use", {0, 0, 3, 3, ZIP64("\3", "\3"), "a"}, false},
        {"zip64 sizes differ", {0, 0, MAX32, MAX32, ZIP64("\3", "\2"), "a"}, false},
        {"zip64 against directory",
         {0, 0, MAX32, MAX32, ZIP64("\2", "\2"), "a"},
         false},
        {"zip64 too short",
         {0, 0, MAX32, MAX32, "\1\0\10\0\3\0\0\0\0\0\0\0", 12, "a"},
         false},
        {"zip64 too long",
         {0, 0, MAX32, MAX32,
          "\1\0\30\0\3\0\0\0\0\0\0\0\3\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 28, "a"},
         false},
        {"zip64 twice", {0, 0, 3, 3, "\1\0\0\0\1\0\0\0", 8, "a"}, false},
        {"extra of 3 bytes", {0, 0, 3, 3, "abc", 3, "a"}, false},
        {"extra too long", {0, 0, 3, 3, "UT\5\0x", 5, "a"}, false},
        {"unicode path", {0, 0, 3, 3, "up\1\0x", 5, "a"}, false},
        {"deflated, to be read past", {0, 8, 3, 3, "", 0, "a"}, true},
        {"deflated archive", {0, 8, 3, 3, "", 0, "a.zst"}, false},
        {"another method", {0, 9, 3, 3, "", 0, "a"}, false},
        {"encrypted", {1, 0, 3, 3, "", 0, "a"}, false},
        {"data descriptor", {8, 0, 0, 0, "", 0, "a"}, false},
        {"two sizes", {0, 0, 3, 4, "", 0, "a"}, false},
        {"directory in the name", {0, 0, 3, 3, "", 0, "d/a"}, false},
        {"name that leads up", {0, 0, 3, 3, "", 0, ".."}, false},
        {"control character", {0, 0, 3, 3, "", 0, "a\n"}, false},
        {"no name", {0, 0, 3, 3, "", 0, ""}, false},
    };

    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        char want[32];
        struct cenv_buf zip = shaped(&cases[i].shape);
        check_case(cases[i].label);
        snprintf(want, sizeof(want), "%s=abc ", cases[i].shape.name);
        check_zip(cenv_buf_str(&zip), cases[i].good ? want : NULL);
        cenv_buf_release(&zip);
    }
}

/* ZIP64's end records, needed or not, agree with what was read, or are refused. */
static void test_zip__checks_zip64_end(void)
{
    static const struct shape plain = {0, 0, 3, 3, "", 0, "a"};

    for (int wrong = -1; wrong < 8; wrong++) {
        struct cenv_buf zip = shaped(&plain);
        uint64_t fields[] = {44, 1, 1, 47, 34, 0, 81, 1};
        size_t end = zip.len - 22;
        char tail[22];
        if (wrong >= 0)
            fields[wrong]++;
        memcpy(tail, zip.data + end, 22);
        zip.len = end;
        put(&zip, 0x06064b50, 4);
        put(&zip, fields[0], 8);
        put(&zip, 45 << 16 | 45, 4);
        put(&zip, 0, 8);
        for (int i = 1; i < 5; i++)
            put(&zip, fields[i], 8);
        put(&zip, 0x07064b50, 4);
        put(&zip, fields[5], 4);
        put(&zip, fields[6], 8);
        put(&zip, fields[7], 4);
        cenv_buf_add(&zip, tail, 22);
        check_zip(cenv_buf_str(&zip), wrong < 0 ? "a=abc " : NULL);
        cenv_buf_release(&zip);
    }
}

static void test_zip__refuses_members_of_one_name(void)
{
    struct cenv_zip_member members[2];
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_buf zip;
    size_t nr = 0;

    cenv_buf_init(&zip, 1 << 20);
    zip_member(&zip, members, &nr, "a", CENV_STR("1"));
    zip_member(&zip, members, &nr, "a", CENV_STR("2"));
    cenv_zip_put_directory(members, nr, cenv_output_buf(&zip), &err);
    check_zip(cenv_buf_str(&zip), NULL);
    cenv_buf_release(&zip);
}

/* An entry in the directory only, or in front of it only. */
static void test_zip__refuses_extra_and_missing_entries(void)
{
    for (int less = 0; less < 2; less++) {
        struct cenv_zip_member members[3];
        struct cenv_error err = CENV_ERROR_INIT;
        struct cenv_buf zip;
        size_t nr = 0;
        cenv_buf_init(&zip, 1 << 20);
        zip_member(&zip, members, &nr, "a", CENV_STR("1"));
        zip_member(&zip, members, &nr, "b", CENV_STR("2"));
        members[2] = members[1];
        cenv_zip_put_directory(members, less ? 1 : 3, cenv_output_buf(&zip), &err);
        check_zip(cenv_buf_str(&zip), NULL);
        cenv_buf_release(&zip);
    }
}

int main(void)
{
    RUN(test_zip__reads_stored_members);
    RUN(test_zip__refuses_any_damage);
    RUN(test_zip__refuses_truncation_and_tails);
    RUN(test_zip__knows_shapes);
    RUN(test_zip__checks_zip64_end);
    RUN(test_zip__refuses_members_of_one_name);
    RUN(test_zip__refuses_extra_and_missing_entries);
    return check_report();
}
