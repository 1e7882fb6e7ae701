/* SPDX-License-Identifier: BSD-3-Clause */
/* A repodata made of a text, and what a visit of all its names gives. */
#ifndef REPODATA_BENCH_H
#define REPODATA_BENCH_H

#include "check.h"
#include "repodata/repodata_scan.h"

struct bench {
    struct cenv_repodata *rd;
    struct cenv_arena arena;
    struct cenv_skips skips;
    struct cenv_error err;
    char seen[4096]; /* "fn fn ...", in the order of the visit */
    struct cenv_record last;
    size_t nr;
    int rc;
};

__attribute__((unused)) static int note(void *ctx, struct cenv_record *record,
                                        struct cenv_error *err)
{
    struct bench *b = ctx;
    size_t len = strlen(b->seen);

    (void)err;
    snprintf(b->seen + len, sizeof(b->seen) - len, "%s%.*s", len ? " " : "",
             CENV_STR_ARG(record->fn));
    b->last = *record;
    b->nr++;
    return 0;
}

__attribute__((unused)) static const struct cenv_repodata_source source = {
    .file = {"some/repodata.json", 18},
    .subdir = {"linux-64", 8},
    .channel = {"chan", 4},
    .channel_url = {"https://host/chan", 17},
    .channel_rank = 3,
};

/* Scans `json` and visits every name. */
__attribute__((unused)) static int load_n(struct bench *b, const char *json, size_t len,
                                          const struct cenv_repodata_source *from)
{
    memset(b, 0, sizeof(*b));
    b->rc = cenv_repodata_scan(&b->rd, cenv_str_n(json, len), from, &b->err);
    for (size_t i = 0; b->rc == 0 && i < cenv_repodata_nr_names(b->rd); i++)
        b->rc = cenv_repodata_records(b->rd, cenv_repodata_name(b->rd, i), &b->arena,
                                      &b->skips, note, b, &b->err);
    return b->rc;
}

__attribute__((unused)) static int load(struct bench *b, const char *json)
{
    return load_n(b, json, strlen(json), &source);
}

__attribute__((unused)) static void unload(struct bench *b)
{
    cenv_repodata_free(b->rd);
    cenv_arena_release(&b->arena);
    cenv_error_release(&b->err);
}

__attribute__((unused)) static bool is(struct cenv_str got, const char *want)
{
    if (cenv_str_is(got, want))
        return true;
    fprintf(stderr, "    got \"%.*s\", want \"%s\"\n", CENV_STR_ARG(got), want);
    return false;
}

#define REC(name, version, build, more) \
    "{\"name\":\"" name "\",\"version\":\"" version "\",\"build\":\"" build \
    "\",\"build_number\":0" more "}"

#endif
