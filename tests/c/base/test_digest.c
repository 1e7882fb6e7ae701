/* SPDX-License-Identifier: BSD-3-Clause */
/* base/digest: known sums, sums taken in parts, sums gone on with elsewhere. */
#include "base/digest.h"

#include "base/alloc.h"
#include "base/hex.h"
#include "check.h"

static const char abc_sha256[] =
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"; /* FIPS 180-4 */

static void test_digest__of_known_texts(void)
{
    char hex[CENV_DIGEST_HEX_MAX];
    struct cenv_digest *md5 = cenv_digest_new(CENV_MD5);
    CHECK(cenv_digest_sha256_hex(CENV_STR("abc"), hex));
    CHECK_STR(hex, abc_sha256);
    if (!CHECK(md5))
        return;
    CHECK(cenv_digest_update(md5, "a", 1));
    CHECK(cenv_digest_update(md5, "bc", 2));
    CHECK(cenv_digest_hex(md5, hex));
    CHECK_STR(hex, "900150983cd24fb0d6963f7d28e17f72"); /* RFC 1321 */
    cenv_digest_free(md5);
}

static void test_digest__starts_over(void)
{
    char hex[CENV_DIGEST_HEX_MAX];
    struct cenv_digest *digest = cenv_digest_new(CENV_SHA256);
    if (!CHECK(digest))
        return;
    cenv_digest_update(digest, "something else", 14);
    CHECK(cenv_digest_reset(digest));
    cenv_digest_update(digest, "abc", 3);
    CHECK(cenv_digest_hex(digest, hex));
    CHECK_STR(hex, abc_sha256);
    cenv_digest_free(digest);
}

static void test_digest__goes_on_from_a_saved_state(void)
{
    char block[64], whole[CENV_DIGEST_HEX_MAX], hex[CENV_DIGEST_HEX_MAX];
    struct cenv_digest *first = cenv_digest_new(CENV_SHA256);
    struct cenv_digest *second = cenv_digest_new(CENV_SHA256);
    struct cenv_sha256_state state;
    memset(block, 'x', sizeof(block));
    if (CHECK(first && second)) {
        cenv_digest_update(first, block, sizeof(block));
        CHECK(cenv_digest_save(first, &state));
        CHECK_INT(state.len, sizeof(block));
        cenv_digest_resume(second, &state);
        cenv_digest_update(second, "abc", 3);
        cenv_digest_hex(second, hex);
        cenv_digest_update(first, "abc", 3);
        CHECK(!cenv_digest_save(first, &state)); /* within a block */
        cenv_digest_hex(first, whole);
        CHECK_STR(hex, whole);
    }
    cenv_digest_free(first);
    cenv_digest_free(second);
}

static void test_digest__saves_no_md5(void)
{
    struct cenv_digest *md5 = cenv_digest_new(CENV_MD5);
    struct cenv_sha256_state state;
    if (CHECK(md5))
        CHECK(!cenv_digest_save(md5, &state));
    cenv_digest_free(md5);
}

static int cancel(void *ctx)
{
    (void)ctx;
    return 1;
}

/* The same in one call and in parts; a large one can be given up. */
static void test_digest__of_any_size(void)
{
    enum { LEN = (9 << 20) + 7 };
    char *data = cenv_calloc(1, LEN), want[CENV_DIGEST_HEX_MAX],
         got[CENV_DIGEST_HEX_MAX];
    static const size_t sizes[] = {0, 3, 4 << 20, LEN};
    unsigned char raw[CENV_SHA256_LEN];
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_task task;
    if (!CHECK(data))
        return;
    cenv_task_init(&task, NULL, NULL);
    for (size_t i = 0; i < CHECK_NR(sizes); i++) {
        struct cenv_str text = cenv_str_n(data, sizes[i]);
        CHECK(cenv_digest_sha256_hex(text, want));
        CHECK_INT(cenv_digest_sha256(text, raw, &task, &err), 0);
        cenv_hex(raw, sizeof(raw), got);
        CHECK_STR(got, want);
    }
    task.poll = cancel;
    CHECK_INT(cenv_digest_sha256(cenv_str_n(data, LEN), raw, &task, &err),
              CENV_ECANCELLED);
    cenv_error_release(&err);
    cenv_task_release(&task);
    cenv_free(data);
}

int main(void)
{
    RUN(test_digest__of_known_texts);
    RUN(test_digest__starts_over);
    RUN(test_digest__goes_on_from_a_saved_state);
    RUN(test_digest__saves_no_md5);
    RUN(test_digest__of_any_size);
    return check_report();
}
