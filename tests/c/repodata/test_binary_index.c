/* SPDX-License-Identifier: BSD-3-Clause */
/* The binary index gives what the scan gave, and is refused when it is damaged. */
#include "base/alloc.h"
#include "repodata/binary_index.h"
#include "repodata_bench.h"

static const char packable[] =
    "{\"info\":{\"subdir\":\"linux-64\",\"base_url\":\"../x\",\"channel_relations\":{\"base\":\"../y\"}},\"packages\":{"
    "\"a-1-0.tar.bz2\":" REC("a", "1", "0", "") ",\"B-1-0.conda\":" REC(
        "B", "1", "0",
        "") ",\"\\u0061-2-0.conda\":" REC("a", "2", "0",
                                          "") "},\"v3\":{\"conda\":{\"a-3-0\":" REC("a",
                                                                                    "3",
                                                                                    "0",
                                                                                    "") "}},\"removed\":[\"a-\\u0031-0.tar.bz2\"]}";

static const struct cenv_repodata_stamp stamp = {{1, 2, 3}};

static bool read_packable(void *ctx, uint64_t at, char *out, size_t len)
{
    (void)ctx;
    if (at + len > sizeof(packable) - 1)
        return false;
    memcpy(out, packable + at, len);
    return true;
}

static bool read_nothing(void *ctx, uint64_t at, char *out, size_t len)
{
    (void)ctx, (void)at, (void)out, (void)len;
    return false;
}

static const struct cenv_repodata_bytes reader = {.read = read_packable,
                                                  .len = sizeof(packable) - 1};

/* Opens the packed index of `packable` and visits every name. */
static int load_packed(struct bench *b, struct cenv_str packed,
                       const struct cenv_repodata_stamp *when)
{
    memset(b, 0, sizeof(*b));
    b->rc = cenv_binary_index_unpack(&b->rd, &reader, packed, when, &source, &b->err);
    for (size_t i = 0; b->rc == 0 && i < cenv_repodata_nr_names(b->rd); i++)
        b->rc = cenv_repodata_records(b->rd, cenv_repodata_name(b->rd, i), &b->arena,
                                      &b->skips, note, b, &b->err);
    return b->rc;
}

static void test_binary_index__is_the_same(void)
{
    static const char seen[] = "a-2-0.conda a-3-0.conda B-1-0.conda";
    struct cenv_buf packed;
    struct bench b, again;

    cenv_buf_init(&packed, 1 << 20);
    CHECK_INT(load(&b, packable), 0);
    CHECK_STR(b.seen, seen);
    CHECK_INT(cenv_binary_index_pack(b.rd, &stamp, &packed, &b.err), 0);
    CHECK_INT(load_packed(&again, cenv_buf_str(&packed), &stamp), 0);
    CHECK_STR(again.seen, seen);
    CHECK(is(again.last.url, "https://host/chan/x/B-1-0.conda"));
    CHECK(is(cenv_repodata_relations(again.rd), "{\"base\":\"../y\"}"));
    CHECK_INT(cenv_repodata_nr_entries(again.rd), 4);
    unload(&again);
    unload(&b);
    cenv_buf_release(&packed);
}

static void test_binary_index__file_is_gone(void)
{
    static const struct cenv_repodata_bytes gone = {.read = read_nothing,
                                                    .len = sizeof(packable) - 1};
    struct cenv_buf packed;
    struct cenv_repodata *rd = NULL;
    struct bench b;

    cenv_buf_init(&packed, 1 << 20);
    CHECK_INT(load(&b, packable), 0);
    CHECK_INT(cenv_binary_index_pack(b.rd, &stamp, &packed, &b.err), 0);
    CHECK_INT(cenv_binary_index_unpack(&rd, &gone, cenv_buf_str(&packed), &stamp,
                                       &source, &b.err),
              0);
    CHECK_INT(
        cenv_repodata_records(rd, CENV_STR("a"), &b.arena, NULL, note, &b, &b.err),
        CENV_EINTEGRITY);
    CHECK(strstr(b.err.message, "some/repodata.json: it cannot be read any more") !=
          NULL);
    cenv_repodata_free(rd);
    unload(&b);
    cenv_buf_release(&packed);
}

/* Every flipped bit, every length but the right one, another stamp: scan again. */
static void test_binary_index__is_checked(void)
{
    static const struct cenv_repodata_stamp other = {{1, 2, 4}};
    struct cenv_buf packed;
    struct bench b;

    cenv_buf_init(&packed, 1 << 20);
    CHECK_INT(load(&b, packable), 0);
    CHECK_INT(cenv_binary_index_pack(b.rd, &stamp, &packed, &b.err), 0);
    unload(&b);
    CHECK_INT(load_packed(&b, cenv_buf_str(&packed), &other), 1);
    unload(&b);
    for (size_t len = 0; len < packed.len; len++) {
        char *exact = cenv_memdup(packed.data, len);
        CHECK_INT(load_packed(&b, cenv_str_n(exact, len), &stamp), 1);
        unload(&b);
        cenv_free(exact);
    }
    for (size_t bit = 0; bit < 8 * packed.len; bit++) {
        packed.data[bit / 8] = (char)(packed.data[bit / 8] ^ 1 << bit % 8);
        if (!CHECK_INT(load_packed(&b, cenv_buf_str(&packed), &stamp), 1))
            fprintf(stderr, "    bit %zu\n", bit);
        unload(&b);
        packed.data[bit / 8] = (char)(packed.data[bit / 8] ^ 1 << bit % 8);
    }
    cenv_buf_release(&packed);
}

int main(void)
{
    RUN(test_binary_index__is_the_same);
    RUN(test_binary_index__file_is_gone);
    RUN(test_binary_index__is_checked);
    return check_report();
}
