/* SPDX-License-Identifier: BSD-3-Clause */
/* Scanning repodata: what is refused, and what is no longer needed once it was passed. */
#include <stdlib.h>

#include "base/alloc.h"
#include "repodata/binary_index.h"
#include "repodata_bench.h"

static void test_repodata_scan__refuses(void)
{
    static const struct {
        const char *label, *json;
        int rc;
        const char *says;
    } cases[] = {
        {"truncated record", "{\"packages\":{\"a-1-0.conda\":{\"name\":\"a\"",
         CENV_EINTEGRITY, "some/repodata.json: byte 27 of 38: the text ends before"},
        {"truncated key", "{\"packages\":{\"a-1", CENV_EINTEGRITY,
         "byte 17 of 17: the text ends within a string"},
        {"truncated between records", "{\"packages\":{\"a-1-0.conda\":{},",
         CENV_EINTEGRITY, "byte 30 of 30"},
        {"truncated at the end", "{\"packages\":{}", CENV_EINTEGRITY, "byte 14 of 14"},
        {"an error page", "<html>", CENV_EINTEGRITY,
         "byte 0 of 6: repodata is a JSON object"},
        {"a list", "[]", CENV_EINTEGRITY, "repodata is a JSON object"},
        {"two objects", "{}{}", CENV_EINTEGRITY, "byte 2 of 4: something follows"},
        {"comma missing", "{\"packages\":{\"a-1-0.conda\":{}\"b-1-0.conda\":{}}}",
         CENV_EINTEGRITY, "byte 29 of 47: expected ',' or '}'"},
        {"packages a list", "{\"packages\":[]}", CENV_EINTEGRITY, "expected an object"},
        {"version 3", "{\"repodata_version\":3}", CENV_ECHANNEL, "repodata_version 3"},
        {"version 3 in info", "{\"info\":{\"repodata_version\":3}}", CENV_ECHANNEL,
         "repodata_version 3"},
        {"another subdir", "{\"info\":{\"subdir\":\"osx-64\"}}", CENV_ECHANNEL,
         "this is the repodata of osx-64, not of linux-64"},
        {"credentials", "{\"info\":{\"base_url\":\"https://u:p@host/x\"}}",
         CENV_ECHANNEL, "base_url has credentials"},
        {"token", "{\"info\":{\"base_url\":\"https://host/t/tk-1/x\"}}", CENV_ECHANNEL,
         "base_url has credentials"},
    };

    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        struct bench b;
        check_case(cases[i].label);
        CHECK_INT(load(&b, cases[i].json), cases[i].rc);
        if (!CHECK(strstr(b.err.message, cases[i].says) != NULL))
            fprintf(stderr, "    %s\n", b.err.message);
        CHECK(!strstr(b.err.message, "u:p") && !strstr(b.err.message, "tk-1"));
        CHECK(b.rd == NULL);
        unload(&b);
    }
}

/* Brackets and quotes at every offset of the 64-byte blocks, and in runs of backslashes. */
static void test_repodata_scan__block_edges(void)
{
    char json[1024];

    for (int pad = 0; pad < 140; pad++)
        for (int slashes = 0; slashes < 6; slashes += 2) {
            struct bench b;
            snprintf(
                json, sizeof(json),
                "{\"packages\":{\"a-1-0.conda\":{\"x\":\"%*s%.*s\\\"}{\",\"y\":[{}]},"
                "\"b-1-0.conda\":{\"z\":\"%.*s\"}}}",
                pad, "", slashes, "\\\\\\\\\\\\", slashes, "\\\\\\\\\\\\");
            if (!CHECK_INT(load(&b, json), 0) || !CHECK_INT(b.nr, 2))
                fprintf(stderr, "    pad %d: %s\n", pad, b.err.message);
            unload(&b);
        }
}

/* Every prefix of a file is refused, or it is the whole; none is read beyond its end. */
static void test_repodata_scan__truncated(void)
{
    static const char json[] =
        "{\"info\":{\"subdir\":\"linux-64\"},\"packages\":{\"a-1-0.conda\":" REC(
            "a", "1", "0",
            ",\"depends\":[\"b\\u00e9\"],\"size\":1") "},\"removed\":[\"x\"],\"repodata_version\":1}";

    for (size_t len = 1; len < sizeof(json) - 1; len++) {
        struct bench b;
        char *exact = cenv_memdup(json, len); /* sanitizers see its end */
        CHECK_INT(load_n(&b, exact, len, &source), CENV_EINTEGRITY);
        unload(&b);
        cenv_free(exact);
    }
}

/* ---- what has been passed is not needed again ---- */

static size_t passed_bytes;

static int spoil(void *ctx, const char *at, size_t len, struct cenv_error *err)
{
    (void)ctx, (void)err;
    passed_bytes += len;
    memset((char *)(uintptr_t)at, '#', len);
    return 0;
}

/* The binary index of `text`, whose bytes are spoilt once the scan says it is done with them. */
static struct cenv_buf pack_of(struct cenv_str text,
                               int (*passed)(void *ctx, const char *at, size_t len,
                                             struct cenv_error *err))
{
    const struct cenv_repodata_source source = {
        .file = CENV_STR("f"), .subdir = CENV_STR("linux-64"), .passed = passed};
    const struct cenv_repodata_stamp stamp = {{0}};
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_repodata *rd = NULL;
    struct cenv_buf out;

    cenv_buf_init(&out, 1 << 24);
    if (CHECK_INT(cenv_repodata_scan(&rd, text, &source, &err), 0))
        CHECK_INT(cenv_binary_index_pack(rd, &stamp, &out, &err), 0);
    cenv_repodata_free(rd);
    return out;
}

static void test_repodata_scan__lets_go_of_what_it_passed(void)
{
    struct cenv_buf text, whole, spoilt;

    cenv_buf_init(&text, 1 << 25);
    cenv_buf_puts(&text, "{\"packages.conda\":{");
    for (int i = 0; i < 20000; i++)
        cenv_buf_addf(&text, "%s\"%s%d-1-0.conda\":{\"x\":\"%0600d\"}", i ? "," : "",
                      i % 3 ? "p" : "Up", i / 5, i);
    cenv_buf_puts(&text, "},\"removed\":[\"p1-1-0.conda\"]}");
    whole = pack_of(cenv_buf_str(&text), NULL);
    spoilt = pack_of(cenv_buf_str(&text), spoil);
    CHECK(passed_bytes > 8 << 20 && passed_bytes < text.len);
    CHECK(whole.len > 0 && cenv_str_eq(cenv_buf_str(&whole), cenv_buf_str(&spoilt)));
    cenv_buf_release(&text);
    cenv_buf_release(&whole);
    cenv_buf_release(&spoilt);
}

int main(void)
{
    RUN(test_repodata_scan__refuses);
    RUN(test_repodata_scan__block_edges);
    RUN(test_repodata_scan__truncated);
    RUN(test_repodata_scan__lets_go_of_what_it_passed);
    return check_report();
}
