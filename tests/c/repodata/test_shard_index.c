/* SPDX-License-Identifier: BSD-3-Clause */
/* Shards and their index: read back what a server sends, and refuse what is not that. */
#include "base/alloc.h"
#include "base/digest.h"
#include "cenv.h"
#include "check.h"
#include "repodata/shard_index.h"

#define HASH  "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define OTHER "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static struct cenv_buf pack(const char *json)
{
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_task task;
    struct cenv_buf out;
    cenv_task_init(&task, NULL, NULL);
    cenv_buf_init(&out, 1 << 20);
    CHECK_INT(cenv_shard_pack(cenv_str(json), 3, &out, &task, &err), 0);
    cenv_task_release(&task);
    cenv_error_release(&err);
    return out;
}

static int read_index(const char *json, const char *subdir,
                      struct cenv_shard_index *index, struct cenv_error *err)
{
    struct cenv_buf bytes = pack(json);
    int rc = cenv_shard_index_read(index, cenv_buf_str(&bytes), "the index",
                                   cenv_str(subdir), err);
    cenv_buf_release(&bytes);
    return rc;
}

static void test_shard_index__finds_names(void)
{
    struct cenv_shard_index index;
    struct cenv_error err = CENV_ERROR_INIT;
    int rc = read_index(
        "{\"version\":1,\"info\":{\"subdir\":\"noarch\",\"base_url\":\"\","
        "\"shards_base_url\":\"./shards/\",\"channel_relations\":{\"base\":"
        "\"../y\"}},\"shards\":{\"Zlib\":\"" HASH "\",\"abc\":\"" OTHER "\"}}",
        "noarch", &index, &err);
    if (!CHECK_INT(rc, 0))
        return;
    size_t at = cenv_shard_index_find(&index, CENV_STR("zlib"));
    CHECK_INT(index.nr, 2);
    CHECK(at < index.nr && cenv_str_is(index.shards[at].sha256, HASH));
    CHECK_INT(cenv_shard_index_find(&index, CENV_STR("missing")), index.nr);
    CHECK(cenv_str_is(index.shards_base_url, "./shards/"));
    CHECK(cenv_str_is(index.relations, "{\"base\":\"../y\"}"));
    cenv_shard_index_release(&index);
}

static void test_shard_index__refuses(void)
{
    static const struct {
        const char *json;
        int rc;
        const char *message;
    } cases[] = {
        {"[]", CENV_EINTEGRITY, "the index is not a map"},
        {"{}", CENV_EINTEGRITY, "the index has no shards"},
        {"{\"shards\":[]}", CENV_EINTEGRITY, "shards is not a map"},
        {"{\"shards\":{\"a\":\"00\"}}", CENV_EINTEGRITY, "hash is not of 32 bytes"},
        {"{\"shards\":{\"a\":\"" HASH "\",\"A\":\"" OTHER "\"}}", CENV_EINTEGRITY,
         "it has 'a' twice"},
        {"{\"version\":2,\"shards\":{}}", CENV_ECHANNEL, "version 2"},
        {"{\"info\":{\"subdir\":\"osx-64\"},\"shards\":{}}", CENV_ECHANNEL,
         "the repodata of osx-64, not of noarch"},
        {"{\"info\":{\"base_url\":\"https://me:pw@host/c\"},\"shards\":{}}",
         CENV_ECHANNEL, "credentials"},
    };
    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        struct cenv_shard_index index;
        struct cenv_error err = CENV_ERROR_INIT;
        check_case(cases[i].json);
        CHECK_INT(read_index(cases[i].json, "noarch", &index, &err), cases[i].rc);
        if (!CHECK(strstr(err.message, cases[i].message)))
            fprintf(stderr, "    %s\n", err.message);
        CHECK(!strstr(err.message, "pw"));
        cenv_error_release(&err);
    }
}

/* Cut short anywhere it is refused, and nothing beyond its end is read. */
static void test_shard_index__refuses_what_is_cut_short(void)
{
    struct cenv_buf bytes = pack("{\"shards\":{\"a\":\"" HASH "\"}}");
    for (size_t len = 0; len < bytes.len; len++) {
        struct cenv_shard_index index;
        struct cenv_error err = CENV_ERROR_INIT;
        char *exact = cenv_memdup(bytes.data, len);
        CHECK_INT(cenv_shard_index_read(&index, cenv_str_n(exact, len), "the index",
                                        CENV_STR(""), &err),
                  CENV_EINTEGRITY);
        cenv_free(exact);
        cenv_error_release(&err);
    }
    cenv_buf_release(&bytes);
}

static void test_shard_index__unpacks_only_what_has_the_hash(void)
{
    struct cenv_buf bytes = pack("{\"packages.conda\":{}}"), out;
    struct cenv_error err = CENV_ERROR_INIT;
    char hex[CENV_DIGEST_HEX_MAX];
    CHECK(cenv_digest_sha256_hex(cenv_buf_str(&bytes), hex));
    cenv_buf_init(&out, 1 << 20);
    CHECK_INT(
        cenv_shard_index_unpack_shard(cenv_buf_str(&bytes), cenv_str(hex), &out, &err),
        0);
    CHECK_STR(out.data, "{\"packages.conda\":{}}");
    cenv_buf_clear(&out);
    CHECK_INT(
        cenv_shard_index_unpack_shard(cenv_buf_str(&bytes), CENV_STR(HASH), &out, &err),
        CENV_EINTEGRITY);
    CHECK_INT(out.len, 0);
    CHECK(strstr(err.message, hex) && strstr(err.message, HASH));
    cenv_error_release(&err);
    cenv_buf_release(&out);
    cenv_buf_release(&bytes);
}

#define ALL_KINDS \
    "{\"version\":1,\"info\":{\"subdir\":\"noarch\",\"base_url\":\"\"," \
    "\"shards_base_url\":\"./shards/\",\"channel_relations\":{\"base\":\"../y\"}}," \
    "\"none\":[null,true,-1.5,123456789012,\"text\"]," \
    "\"shards\":{\"a\":\"" HASH "\",\"B\":\"" OTHER "\"}}"

/* Every allocation of writing an index, and of reading it, fails: nothing, or all of it. */
static void test_shard_index__out_of_memory_is_a_status(void)
{
    struct cenv_buf want = pack(ALL_KINDS);
    bool reached = true;
    for (long n = 1; reached; n++) {
        struct cenv_error err = CENV_ERROR_INIT;
        struct cenv_shard_index index;
        struct cenv_task task;
        struct cenv_buf out;
        long live = cenv_alloc_live();
        cenv_task_init(&task, NULL, NULL);
        cenv_buf_init(&out, 1 << 20);
        cenv_alloc_fail_nth(n);
        int rc = cenv_shard_pack(cenv_str(ALL_KINDS), 3, &out, &task, &err);
        if (rc == 0)
            rc = cenv_shard_index_read(&index, cenv_buf_str(&out), "the index",
                                       CENV_STR("noarch"), &err);
        reached = !cenv_alloc_fail_nth(0);
        CHECK_INT(rc, reached ? CENV_ENOMEM : 0);
        if (rc == 0) {
            CHECK(cenv_str_eq(cenv_buf_str(&out), cenv_buf_str(&want)));
            CHECK_INT(index.nr, 2);
            cenv_shard_index_release(&index);
        }
        cenv_buf_release(&out);
        cenv_task_release(&task);
        cenv_error_release(&err);
        CHECK_INT(cenv_alloc_live(), live);
    }
    cenv_buf_release(&want);
}

int main(void)
{
    RUN(test_shard_index__finds_names);
    RUN(test_shard_index__refuses);
    RUN(test_shard_index__refuses_what_is_cut_short);
    RUN(test_shard_index__unpacks_only_what_has_the_hash);
    RUN(test_shard_index__out_of_memory_is_a_status);
    return check_report();
}
