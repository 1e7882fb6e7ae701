/* SPDX-License-Identifier: BSD-3-Clause */
/* codec/tar: what real archives hold is read, what readers disagree about is refused. */
#include "codec/tar.h"

#include "base/alloc.h"
#include "check.h"
#include "codec/tar_write.h"
#include "tarball.h"

/* Blocks of a few bytes: every boundary is crossed somewhere. */
struct drip {
    struct cenv_str rest;
    size_t step;
};

static int drip_read(void *ctx, const void **data, size_t *len, struct cenv_error *err)
{
    struct drip *drip = ctx;

    (void)err;
    *len = drip->rest.len < drip->step ? drip->rest.len : drip->step;
    *data = drip->rest.data;
    drip->rest = cenv_str_slice(drip->rest, *len, drip->rest.len);
    return 0;
}

/* One line a member: "type path [-> link] mode size mtime [data]". */
static int list(struct cenv_str tar, size_t step, struct cenv_buf *out,
                struct cenv_error *err)
{
    struct drip drip = {tar, step};
    struct cenv_tar *reader = NULL;
    struct cenv_member member;
    const void *data;
    size_t len;
    int rc = cenv_tar_open(&reader,
                           (struct cenv_input){.read = drip_read, .ctx = &drip}, err);

    while (rc == 0 && (rc = cenv_tar_next(reader, &member, err)) == 1) {
        cenv_buf_addf(out, "%c %s", "fdlh"[member.type], member.path.data);
        if (member.link.len)
            cenv_buf_addf(out, " -> %s", member.link.data);
        cenv_buf_addf(out, " %o %d %lld", member.mode, (int)member.size,
                      (long long)member.mtime_ns);
        while ((rc = cenv_tar_data(reader, &data, &len, err)) == 1) {
            cenv_buf_putc(out, ' ');
            cenv_buf_add(out, data, len);
        }
        cenv_buf_putc(out, '\n');
    }
    cenv_tar_free(reader);
    return rc;
}

static void check_list(struct cenv_buf *tar, const char *want)
{
    static const size_t steps[] = {1 << 20, 512, 7};

    for (size_t i = 0; i < CHECK_NR(steps); i++) {
        struct cenv_error err = CENV_ERROR_INIT;
        struct cenv_buf out;
        cenv_buf_init(&out, 1 << 20);
        CHECK_INT(list(cenv_buf_str(tar), steps[i], &out, &err), 0);
        CHECK_STR(err.message, "");
        if (steps[i] >= 512)
            CHECK_STR(out.data, want);
        cenv_buf_release(&out);
        cenv_error_release(&err);
    }
    cenv_buf_release(tar);
}

static void check_refused(struct cenv_buf *tar, const char *why)
{
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_buf out;

    cenv_buf_init(&out, 1 << 22);
    CHECK_INT(list(cenv_buf_str(tar), 1 << 20, &out, &err), CENV_EINTEGRITY);
    if (!CHECK(strstr(err.message, why)))
        fprintf(stderr, "    %s\n", err.message);
    cenv_buf_release(&out);
    cenv_buf_release(tar);
    cenv_error_release(&err);
}

static struct cenv_buf new_tar(void)
{
    struct cenv_buf tar;

    cenv_buf_init(&tar, 1 << 24);
    return tar;
}

static void test_tar__reads_members(void)
{
    struct cenv_buf tar = new_tar();

    tar_member(&tar, '5', "./", "", "");
    tar_member(&tar, '5', "./lib/", "", "");
    tar_file(&tar, "./lib/x", "data");
    tar_member(&tar, '\0', "empty", "", "");
    tar_member(&tar, '2', "lib/y", "../../etc/passwd", "");
    tar_member(&tar, '1', "lib/z", "./lib/x", "");
    tar_end(&tar);
    check_list(&tar, "d lib 755 0 1500000000000000000\n"
                     "f lib/x 644 4 1500000000000000000 data\n"
                     "f empty 644 0 1500000000000000000\n"
                     "l lib/y -> ../../etc/passwd 644 0 1500000000000000000\n"
                     "h lib/z -> lib/x 644 0 1500000000000000000\n");
}

static void test_tar__reads_pax(void)
{
    struct cenv_buf tar = new_tar();

    tar_pax(&tar, 'g', "comment=0123", NULL);
    tar_pax(&tar, 'x', "path=na\xc3\xafve", "mtime=1600000000.25");
    tar_file(&tar, "other", "");
    tar_pax(&tar, 'x', "size=3", "mtime=-5.5");
    tar_header(&tar, '0', "sized", "", 0, 04755);
    tar_data(&tar, "abc", 3);
    tar_pax(&tar, 'x', "linkpath=t", "mtime=99999999999");
    tar_member(&tar, '2', "l", "u", "");
    tar_end(&tar);
    check_list(&tar, "f na\xc3\xafve 644 0 1600000000250000000\n"
                     "f sized 4755 3 0 abc\n"
                     "l l -> t 644 0 4294967295000000000\n");
}

/* Two names that Unicode calls the same stay two. */
static void test_tar__keeps_bytes_of_names(void)
{
    struct cenv_buf tar = new_tar();

    tar_pax(&tar, 'x', "path=e\xcc\x81", NULL);
    tar_file(&tar, "x", "");
    tar_pax(&tar, 'x', "path=\xc3\xa9", NULL);
    tar_file(&tar, "x", "");
    tar_end(&tar);
    check_list(&tar, "f e\xcc\x81 644 0 1500000000000000000\n"
                     "f \xc3\xa9 644 0 1500000000000000000\n");
}

static void test_tar__reads_gnu_long_names(void)
{
    char deep[300];
    struct cenv_buf tar = new_tar(), want;

    cenv_buf_init(&want, 4096);
    memset(deep, 'd', sizeof(deep));
    deep[150] = '/';
    deep[299] = '\0';
    tar_header(&tar, 'L', "././@LongLink", "", sizeof(deep), 0);
    tar_data(&tar, deep, sizeof(deep));
    tar_header(&tar, 'K', "././@LongLink", "", sizeof(deep), 0);
    tar_data(&tar, deep, sizeof(deep));
    tar_member(&tar, '2', "x", "y", "");
    tar_end(&tar);
    cenv_buf_addf(&want, "l %s -> %s 644 0 1500000000000000000\n", deep, deep);
    check_list(&tar, want.data);
    cenv_buf_release(&want);
}

static void test_tar__refuses_names(void)
{
    static const struct {
        const char *name, *why;
    } cases[] = {
        {"../x", "leads out by '..'"},   {"a/../../x", "leads out"},
        {"/abs", "is absolute"},         {"C:\\x", "has a backslash"},
        {"a\\..\\x", "has a backslash"}, {"", "has an empty name"},
        {".", "named like a directory"}, {"a\nb", "control character"},
        {"\xff", "not UTF-8"},           {"x/", "named like a directory"},
        {"a\x7f", "control character"},
    };

    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        struct cenv_buf tar = new_tar();
        check_case(cases[i].name);
        tar_file(&tar, cases[i].name, "");
        tar_end(&tar);
        check_refused(&tar, cases[i].why);
    }
}

static void test_tar__refuses_long_names(void)
{
    static const size_t lens[] = {256, 4096};
    char name[4200];

    for (size_t i = 0; i < CHECK_NR(lens); i++) {
        struct cenv_buf tar = new_tar();
        memset(name, 'x', lens[i]);
        for (size_t at = 100; i == 1 && at < lens[i]; at += 100)
            name[at] = '/';
        name[lens[i]] = '\0';
        tar_header(&tar, 'L', "l", "", lens[i] + 1, 0);
        tar_data(&tar, name, lens[i] + 1);
        tar_file(&tar, "x", "");
        tar_end(&tar);
        check_refused(&tar, i == 0 ? "over 255 bytes" : "too long");
    }
}

static void test_tar__refuses_types(void)
{
    for (const char *type = "3467AMDNSVX"; *type; type++) {
        struct cenv_buf tar = new_tar();
        tar_member(&tar, *type, "x", "", "");
        tar_end(&tar);
        check_refused(&tar, "is neither file, directory nor link");
    }
    for (const char *type = "125"; *type; type++) {
        struct cenv_buf tar = new_tar();
        tar_member(&tar, *type, "x", "y", "data");
        tar_end(&tar);
        check_refused(&tar, "has data, but is no file");
    }
}

static void test_tar__refuses_hard_links_out(void)
{
    static const char *const targets[] = {"../../x", "/etc/passwd", "", "a\\b", "./"};

    for (size_t i = 0; i < CHECK_NR(targets); i++) {
        struct cenv_buf tar = new_tar();
        tar_member(&tar, '1', "x", targets[i], "");
        tar_end(&tar);
        check_refused(&tar, "is a hard link to a name that is refused");
    }
}

/* The family of CVE-2025-62518: what one reader skips, another obeys. */
static void test_tar__refuses_what_readers_differ_about(void)
{
    static const struct {
        char type;
        const char *a, *b, *why;
    } cases[] = {
        {'g', "path=evil", NULL, "a global pax header that describes members"},
        {'g', "size=1", NULL, "a global pax header that describes members"},
        {'x', "path=a", "path=b", "a key twice"},
        {'x', "size=0", "size=1", "a key twice"},
        {'x', "GNU.sparse.major=1", NULL, "sparse"},
        {'x', "hdrcharset=BINARY", NULL, "recoded"},
        {'x', "size=-1", NULL, "a malformed value"},
        {'x', "path=", NULL, "a malformed value"},
        {'x', "mtime=1.x", NULL, "a malformed value"},
        {'x', "nokey", NULL, "a malformed pax header"},
    };

    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        struct cenv_buf tar = new_tar();
        check_case(cases[i].a);
        tar_pax(&tar, cases[i].type, cases[i].a, cases[i].b);
        tar_file(&tar, "x", "");
        tar_end(&tar);
        check_refused(&tar, cases[i].why);
    }
}

static void test_tar__refuses_stacked_headers(void)
{
    static const char *const stacks[] = {"xL", "Lx", "LL", "KK", "xx", "xg", "Lg"};

    for (size_t i = 0; i < CHECK_NR(stacks); i++) {
        struct cenv_buf tar = new_tar();
        check_case(stacks[i]);
        for (const char *type = stacks[i]; *type; type++) {
            if (*type == 'x' || *type == 'g')
                tar_pax(&tar, *type, "comment=c", NULL);
            else
                tar_header(&tar, *type, "l", "", 2, 0), tar_data(&tar, "n", 2);
        }
        tar_file(&tar, "x", "");
        tar_end(&tar);
        check_refused(&tar, "bad tar archive");
    }
}

static void test_tar__refuses_huge_extensions(void)
{
    struct cenv_buf tar = new_tar();

    tar_header(&tar, 'x', "pax", "", 2 << 20, 0);
    tar_end(&tar);
    check_refused(&tar, "over 1 MiB");
}

static struct cenv_buf small_tar(void)
{
    struct cenv_buf tar = new_tar();

    tar_file(&tar, "a", "hello");
    tar_pax(&tar, 'x', "mtime=1.5", NULL);
    tar_file(&tar, "b", "world");
    tar_end(&tar);
    return tar;
}

/* Every cut is noticed; every byte of a header matters. */
static void test_tar__refuses_truncation(void)
{
    for (size_t len = 0; len < 6 * 512 + 1024; len += 128) {
        struct cenv_buf tar = small_tar();
        if (!CHECK(tar.len == 6 * 512 + 1024))
            break;
        tar.len = len;
        check_refused(&tar, "it ends");
    }
}

static void test_tar__refuses_damage(void)
{
    for (size_t at = 0; at < 512; at++) {
        struct cenv_buf tar = small_tar();
        if (at == 155) /* behind the NUL of the checksum */
            tar.data[0] ^= 0x40;
        tar.data[at] ^= 0x40;
        check_refused(&tar, "bad tar archive");
    }
}

static void test_tar__refuses_a_tail(void)
{
    static const size_t tails[] = {1, 511, 512, 5000};
    struct cenv_buf tar;

    for (size_t i = 0; i < CHECK_NR(tails); i++) {
        tar = small_tar();
        for (size_t n = 0; n < tails[i]; n++)
            cenv_buf_putc(&tar, n + 1 == tails[i] ? 'x' : '\0');
        check_refused(&tar, "more data behind the end");
    }
    tar = small_tar();
    tar_member(&tar, '0', "late", "", "");
    check_refused(&tar, "more data behind the end");
    tar = new_tar();
    tar_pax(&tar, 'x', "path=p", NULL);
    tar_end(&tar);
    check_refused(&tar, "an extended header without a member");
}

static void test_tar__accepts_zeros_behind(void)
{
    struct cenv_buf tar = new_tar();
    char zeros[9000] = {0};

    tar_end(&tar);
    cenv_buf_add(&tar, zeros, sizeof(zeros));
    check_list(&tar, NULL);
}

static void put_member(struct cenv_buf *tar, enum cenv_member_type type,
                       const char *path, const char *link, int64_t mtime_ns)
{
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_member member = {type, cenv_str(path), cenv_str(link), 0755,
                                 0,    mtime_ns};

    CHECK_INT(cenv_tar_write_header(&member, cenv_output_buf(tar), &err), 0);
}

static void test_tar__reads_what_it_writes(void)
{
    char name[200] = {0};
    struct cenv_buf tar = new_tar(), want;
    struct cenv_error err = CENV_ERROR_INIT;

    cenv_buf_init(&want, 4096);
    memset(name, 'n', 150);
    put_member(&tar, CENV_MEMBER_FILE, "short", "", 1500000000000000000);
    put_member(&tar, CENV_MEMBER_FILE, name, "", 1500000000123456789);
    put_member(&tar, CENV_MEMBER_SYMLINK, "\xc3\xa9", name, 0);
    put_member(&tar, CENV_MEMBER_DIR, "d", "", 1000000000);
    put_member(&tar, CENV_MEMBER_HARDLINK, "h", "short", 1000000000);
    CHECK_INT(cenv_tar_write_end(cenv_output_buf(&tar), &err), 0);
    cenv_buf_addf(&want,
                  "f short 755 0 1500000000000000000\nf %s 755 0 1500000000123456789\n"
                  "l \xc3\xa9 -> %s 755 0 0\nd d 755 0 1000000000\n"
                  "h h -> short 755 0 1000000000\n",
                  name, name);
    check_list(&tar, want.data);
    cenv_buf_release(&want);
}

int main(void)
{
    RUN(test_tar__reads_members);
    RUN(test_tar__reads_pax);
    RUN(test_tar__keeps_bytes_of_names);
    RUN(test_tar__reads_gnu_long_names);
    RUN(test_tar__refuses_names);
    RUN(test_tar__refuses_long_names);
    RUN(test_tar__refuses_types);
    RUN(test_tar__refuses_hard_links_out);
    RUN(test_tar__refuses_what_readers_differ_about);
    RUN(test_tar__refuses_stacked_headers);
    RUN(test_tar__refuses_huge_extensions);
    RUN(test_tar__refuses_truncation);
    RUN(test_tar__refuses_damage);
    RUN(test_tar__refuses_a_tail);
    RUN(test_tar__accepts_zeros_behind);
    RUN(test_tar__reads_what_it_writes);
    return check_report();
}
