/* SPDX-License-Identifier: BSD-3-Clause */
/* Repodata on this machine: the form that is read, what is missing, keys that are none. */
#include "cenv.h"

#include "check.h"
#include "storekit.h"

static int fetch(struct storekit *k, const char *rest)
{
    struct cenv_buf request;

    cenv_error_release(&k->err);
    cenv_buf_release(&k->out);
    cenv_buf_init(&request, 1 << 16);
    cenv_buf_addf(&request, "{\"repodata\": [{\"url\": \"%s/noarch/\"%s}", k->s.path,
                  rest);
    int rc = cenv_fetch_repodata(k->store, request.data, &k->task, &k->out, &k->err);
    cenv_buf_release(&request);
    return rc;
}

static void test_fetch_repodata__reads_the_plain_form_in_place(void)
{
    struct storekit k = storekit_open();
    char want[512];

    CHECK_INT(mkdirat(k.s.fd, "noarch", 0755), 0);
    scratch_file(&k.s, "noarch/repodata.json", "{}", 0644);
    scratch_file(&k.s, "noarch/repodata.json.zst", "packed", 0644);
    CHECK_INT(fetch(&k, "}]"), 0);
    snprintf(want, sizeof(want),
             "[{\"path\":\"%s/noarch/repodata.json\","
             "\"url\":\"file://%s/noarch/repodata.json\",",
             k.s.path, k.s.path);
    CHECK(strncmp(k.out.data, want, strlen(want)) == 0);
    CHECK(strstr(k.out.data,
                 "\"hit\":true,\"cache\":\"local\",\"reason\":\"\",\"received\":0,"));
    CHECK(strstr(k.out.data, "\"bytes\":2,\"shards\":false}]"));
    storekit_close(&k);
}

static void test_fetch_repodata__prefers_shards_that_are_not_older(void)
{
    struct storekit k = storekit_open();
    struct timespec old[2] = {{1000, 0}, {1000, 0}};

    CHECK_INT(mkdirat(k.s.fd, "noarch", 0755), 0);
    scratch_file(&k.s, "noarch/repodata.json", "{}", 0644);
    scratch_file(&k.s, "noarch/repodata_shards.msgpack.zst", "shards", 0644);
    CHECK_INT(fetch(&k, "}], \"shards\": true"), 0);
    CHECK(strstr(k.out.data, "\"bytes\":6,\"shards\":true}]"));
    CHECK_INT(utimensat(k.s.fd, "noarch/repodata_shards.msgpack.zst", old, 0), 0);
    CHECK_INT(fetch(&k, "}], \"shards\": true"), 0);
    CHECK(strstr(k.out.data, "\"bytes\":2,\"shards\":false}]"));
    storekit_close(&k);
}

static void test_fetch_repodata__that_is_missing(void)
{
    struct storekit k = storekit_open();

    CHECK_INT(fetch(&k, "}]"), 0);
    CHECK_STR(k.out.data, "[null]");
    CHECK_INT(fetch(&k, ", \"required\": true}]"), CENV_ECHANNEL);
    CHECK(strstr(k.err.message, "has no repodata.json there"));
    CHECK(strstr(k.err.hint, "cenv index"));
    storekit_close(&k);
}

static void test_fetch_repodata__refuses_keys_it_has_not(void)
{
    static const struct {
        const char *rest, *says, *hint;
    } cases[] = {
        {", \"requires\": true}]", "fetch_repodata has no option 'requires'",
         "did you mean 'required'?"},
        {"}], \"shard\": true", "fetch_repodata has no option 'shard'",
         "did you mean 'shards'?"},
        {"}], \"ttl\": \"1\"",
         "the option 'ttl' of fetch_repodata must be a whole number", ""},
    };
    struct storekit k = storekit_open();

    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        check_case(cases[i].rest);
        CHECK_INT(fetch(&k, cases[i].rest), CENV_EUSAGE);
        CHECK_STR(k.err.message, cases[i].says);
        CHECK_STR(k.err.hint, cases[i].hint);
    }
    storekit_close(&k);
}

static void test_fetch_repodata__survives_any_failed_allocation(void)
{
    struct storekit k = storekit_open();
    char rest[256], want[256];
    int rc = CENV_ENOMEM;

    CHECK_INT(mkdirat(k.s.fd, "noarch", 0755), 0);
    scratch_file(&k.s, "noarch/repodata.json", "{}", 0644);
    snprintf(rest, sizeof(rest), "}, {\"url\": \"%s/noarch\"}]", k.s.path);
    snprintf(want, sizeof(want), "\"url\":\"file://%s/noarch/repodata.json\"",
             k.s.path);
    for (long nth = 2; rc != 0 && nth < 200; nth++) { /* the first is the test's own */
        cenv_alloc_fail_nth(nth);
        rc = fetch(&k, rest);
        cenv_alloc_fail_nth(0);
        if (rc == 0) {
            const char *first = strstr(k.out.data, want);
            CHECK(first && strstr(first + 1, want)); /* no text is cut short */
        }
        CHECK(rc == 0 || (rc == CENV_ENOMEM && k.err.message[0]));
    }
    CHECK_INT(rc, 0);
    storekit_close(&k);
}

int main(void)
{
    RUN(test_fetch_repodata__reads_the_plain_form_in_place);
    RUN(test_fetch_repodata__prefers_shards_that_are_not_older);
    RUN(test_fetch_repodata__that_is_missing);
    RUN(test_fetch_repodata__refuses_keys_it_has_not);
    RUN(test_fetch_repodata__survives_any_failed_allocation);
    return check_report();
}
