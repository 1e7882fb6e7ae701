/* SPDX-License-Identifier: BSD-3-Clause */
/* conda's own answers for the versions and dependencies of real channels: no deviation. */
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/intern.h"
#include "check.h"
#include "codec/stream.h"
#include "model/matchspec.h"
#include "model/matchspec_match.h"
#include "model/record.h"

static struct cenv_arena arena;

/* ---- the oracles: $CENV_SHARED or ../shared, repodata/oracles/NAME.zst ---- */

static FILE *open_oracle(const char *name)
{
    const char *shared = getenv("CENV_SHARED");
    char path[4096];

    snprintf(path, sizeof(path), "%s/repodata/oracles/%s.zst",
             shared ? shared : "../shared", name);
    return fopen(path, "rb");
}

static struct cenv_str read_oracle(const char *name)
{
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_buf packed, plain;
    FILE *file = open_oracle(name);
    size_t got = 1;

    cenv_buf_init(&packed, 1 << 26);
    cenv_buf_init(&plain, 1 << 26);
    while (CHECK(file != NULL) && got) {
        char *room = cenv_buf_reserve(&packed, 1 << 16);
        got = room ? fread(room, 1, 1 << 16, file) : 0;
        packed.len += got;
    }
    CHECK_INT(cenv_decode(CENV_CODEC_ZSTD, cenv_buf_str(&packed), &plain, &err), 0);
    struct cenv_str text = cenv_arena_str(&arena, cenv_buf_str(&plain));
    if (file)
        fclose(file);
    cenv_buf_release(&packed);
    cenv_buf_release(&plain);
    cenv_error_release(&err);
    return text;
}

/* ---- order ---- */

static struct cenv_version parse_version(struct cenv_str text)
{
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_version v = {.text = text};

    if (!CHECK_INT(cenv_version_parse(&v, text, &arena, &err), 0))
        fprintf(stderr, "    %s\n", err.message);
    cenv_error_release(&err);
    return v;
}

static void test_oracles__order_of_versions(void)
{
    struct cenv_str rest = read_oracle("versions_sorted_conda.txt");
    struct cenv_version before = {.text = {NULL, 0}};
    size_t nr = 0;

    /* "< 1.8" or "= 1.8.0", against the line before */
    for (; rest.len; nr++) {
        struct cenv_str line = cenv_str_cut(&rest, '\n');
        struct cenv_version v = parse_version(cenv_str_slice(line, 2, line.len));
        int order = nr ? cenv_version_cmp(&before, &v) : -1;
        if (!CHECK(line.data[0] == '=' ? order == 0 : order < 0))
            fprintf(stderr, "    %.*s\n", CENV_STR_ARG(line));
        before = v;
    }
    CHECK_INT(nr, 32410);
}

static void test_oracles__rejected_versions(void)
{
    struct cenv_str rest = read_oracle("versions_rejected_conda.txt");

    while (rest.len) {
        struct cenv_error err = CENV_ERROR_INIT;
        struct cenv_str line = cenv_str_cut(&rest, '\n');
        struct cenv_version v;
        CHECK_INT(cenv_version_parse(&v, line, &arena, &err), CENV_ESPEC);
        cenv_error_release(&err);
    }
}

/* ---- matches ---- */

enum { UNIVERSE = 134011, SPECS = 44859 };

static struct cenv_record records[UNIVERSE];
static struct cenv_version versions[UNIVERSE];
static struct cenv_intern names;
static struct {
    size_t from, to;
} ranges[UNIVERSE]; /* by name: its records lie in records[from..to) */

static uint64_t to_number(struct cenv_str text)
{
    return strtoull(text.data, NULL, 10);
}

/* "name \t version \t build \t build_number" */
static void read_universe(void)
{
    struct cenv_str rest = read_oracle("universe.tsv");
    size_t nr = 0;

    for (; rest.len && nr < UNIVERSE; nr++) {
        struct cenv_str line = cenv_str_cut(&rest, '\n');
        struct cenv_record *record = &records[nr];
        record->name = cenv_str_cut(&line, '\t');
        record->version = cenv_str_cut(&line, '\t');
        record->build = cenv_str_cut(&line, '\t');
        record->build_number = to_number(line);
        versions[nr] = parse_version(record->version);
        record->parsed = &versions[nr];
        uint32_t id = cenv_intern_id(&names, record->name);
        if (!ranges[id].to)
            ranges[id].from = nr;
        ranges[id].to = nr + 1;
    }
    CHECK_INT(nr, UNIVERSE);
    CHECK_INT(rest.len, 0);
}

static int compare_lines(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The first 12 hex digits of the SHA-1 of the sorted lines "version build". */
static void hash_lines(char **lines, size_t nr, char *hex)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();

    qsort(lines, nr, sizeof(*lines), compare_lines);
    EVP_DigestInit_ex(ctx, EVP_sha1(), NULL);
    for (size_t i = 0; i < nr; i++) {
        if (i)
            EVP_DigestUpdate(ctx, "\n", 1);
        EVP_DigestUpdate(ctx, lines[i], strlen(lines[i]));
    }
    EVP_DigestFinal_ex(ctx, digest, NULL);
    EVP_MD_CTX_free(ctx);
    for (size_t i = 0; i < 6; i++)
        snprintf(hex + 2 * i, 3, "%02x", digest[i]);
}

static char *line_of(const struct cenv_record *record)
{
    size_t size = record->version.len + record->build.len + 2;
    char *line = cenv_arena_alloc(&arena, size);

    snprintf(line, size, "%.*s %.*s", CENV_STR_ARG(record->version),
             CENV_STR_ARG(record->build));
    return line;
}

/* "spec \t candidates \t matches \t hash" */
static void check_spec(struct cenv_str line)
{
    static char *lines[UNIVERSE];
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_str text = cenv_str_cut(&line, '\t');
    uint64_t want_candidates = to_number(cenv_str_cut(&line, '\t'));
    uint64_t want_matches = to_number(cenv_str_cut(&line, '\t'));
    size_t candidates = 0, matches = 0;
    struct cenv_matchspec spec;
    char label[300], hex[13] = "";

    snprintf(label, sizeof(label), "%.*s", CENV_STR_ARG(text));
    check_case(label);
    if (CHECK_INT(cenv_matchspec_parse(&spec, text, &arena, &err), 0)) {
        uint32_t id = cenv_intern_find(&names, spec.name);
        for (size_t i = id == CENV_NONE ? 0 : ranges[id].from;
             id != CENV_NONE && i < ranges[id].to; i++) {
            candidates += cenv_str_eq(records[i].name, spec.name);
            if (cenv_matchspec_match(&spec, &records[i]))
                lines[matches++] = line_of(&records[i]);
        }
        CHECK_INT(candidates, want_candidates);
        CHECK_INT(matches, want_matches);
        hash_lines(lines, matches, hex);
        CHECK(cenv_str_is(line, hex));
    }
    cenv_error_release(&err);
    check_case("");
}

static void test_oracles__matches_of_specs(void)
{
    struct cenv_str rest = read_oracle("matchspec_matches_conda.tsv");
    size_t nr = 0;

    read_universe();
    for (; rest.len; nr++)
        check_spec(cenv_str_cut(&rest, '\n'));
    CHECK_INT(nr, SPECS);
    cenv_intern_release(&names);
}

int main(void)
{
    FILE *file = open_oracle("universe.tsv");

    if (!file) {
        printf("skipped: no oracles (CENV_SHARED)\n");
        return 0;
    }
    fclose(file);
    RUN(test_oracles__order_of_versions);
    RUN(test_oracles__rejected_versions);
    RUN(test_oracles__matches_of_specs);
    cenv_arena_release(&arena);
    return check_report();
}
