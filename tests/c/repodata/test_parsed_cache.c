/* SPDX-License-Identifier: BSD-3-Clause */
/* Parsed names kept for the next solve and the next process: the same records as from JSON, always. */
#include "repodata/parsed_cache.h"

#include <pthread.h>

#include "base/alloc.h"
#include "base/checksum.h"
#include "check.h"
#include "os/fs_data.h"
#include "os/raw_file.h"
#include "repodata/index.h"
#include "scratch.h"

enum { NAMES = 40, BUILDS = 60 };

static struct cenv_index_source source = {.channel = "c",
                                          .channel_url = "https://h/c",
                                          .subdir = "linux-64",
                                          .repodata_url =
                                              "https://h/c/linux-64/repodata.json"};

static void add_record(struct cenv_buf *text, int name, int build)
{
    cenv_buf_addf(text,
                  "\"n%d-1.%d-h%d_0.conda\":{\"build\":\"h%d_0\",\"build_number\":%d,"
                  "\"constrains\":[\"m%d <3\"],\"depends\":[\"n%d >=1.%d,<9\","
                  "\"__glibc >=2.17\",\"n%d\"],\"md5\":\"%032d\",\"name\":\"n%d\","
                  "\"timestamp\":%d,\"version\":\"1.%d\"",
                  name, build / 3, build, build, build % 5, name, (name + 1) % NAMES,
                  build / 10, (name + 2) % NAMES, build, name, 1600000000 + build,
                  build / 3);
    if (build % 7 == 0)
        cenv_buf_puts(text, ",\"noarch\":\"python\",\"features\":\"vc9\"");
    if (build % 11 == 0)
        cenv_buf_puts(text, ",\"track_features\":\"a b\"");
    if (name == 1 && build == 3)
        cenv_buf_puts(text, ",\"extra_depends\":{\"x\":[\"n2\"]}");
    if (name == 2 && build == 3)
        cenv_buf_puts(text, ",\"sha256\":\"short\"");
    cenv_buf_addf(text, ",\"summary\":\"%0300d\"}", build);
}

static void write_source(const char *path)
{
    struct cenv_buf text;
    struct cenv_error err = CENV_ERROR_INIT;

    cenv_buf_init(&text, 1 << 24);
    cenv_buf_puts(&text, "{\"packages.conda\":{");
    for (int name = 0; name < NAMES; name++)
        for (int build = 0; build < BUILDS; build++) {
            if (name || build)
                cenv_buf_putc(&text, ',');
            add_record(&text, name, build);
        }
    cenv_buf_puts(&text, "}}");
    CHECK(text.len > 1 << 20); /* less is not cached */
    CHECK_INT(cenv_fs_write_new(CENV_CWD, path, cenv_buf_str(&text), 0644, &err), 0);
    cenv_buf_release(&text);
}

struct fixture {
    struct scratch s;
    char path[512], cache[512], names[128];
};

static struct fixture fixture_open(void)
{
    struct fixture f = {.s = scratch_open()};

    snprintf(f.path, sizeof(f.path), "%s/repodata.json", f.s.path);
    snprintf(f.cache, sizeof(f.cache), "%s/cache", f.s.path);
    snprintf(f.names, sizeof(f.names), "cache/names-%016llx",
             (unsigned long long)cenv_checksum64(cenv_str(f.path)));
    CHECK_INT(mkdirat(f.s.fd, "cache", 0755), 0);
    write_source(f.path);
    return f;
}

static struct cenv_index *open_index(const struct fixture *f, bool cached)
{
    struct cenv_index *index = NULL;
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_task task;

    source.path = f->path;
    cenv_task_init(&task, NULL, NULL);
    CHECK_INT(
        cenv_index_open(&index, &source, 1, cached ? f->cache : NULL, &task, &err), 0);
    cenv_task_release(&task);
    return index;
}

static const struct cenv_cached_name *get(struct cenv_index *index, int name)
{
    const struct cenv_cached_name *s = NULL;
    struct cenv_error err = CENV_ERROR_INIT;
    char text[16];

    snprintf(text, sizeof(text), "n%d", name);
    CHECK_INT(cenv_parsed_cache_get(cenv_index_parsed_cache(index, 0, cenv_str(text)),
                                    cenv_str(text), &s, &err),
              0);
    return s;
}

static bool same_record(const struct cenv_record *a, const struct cenv_record *b)
{
    return cenv_str_eq(a->name, b->name) && cenv_str_eq(a->version, b->version) &&
           cenv_str_eq(a->parsed->key, b->parsed->key) &&
           cenv_str_eq(a->build, b->build) && a->build_number == b->build_number &&
           cenv_str_eq(a->fn, b->fn) && cenv_str_eq(a->url, b->url) &&
           cenv_str_eq(a->subdir, b->subdir) && cenv_str_eq(a->channel, b->channel) &&
           cenv_str_eq(a->noarch, b->noarch) && cenv_str_eq(a->features, b->features) &&
           a->timestamp_ms == b->timestamp_ms && a->nr_depends == b->nr_depends &&
           a->nr_constrains == b->nr_constrains && a->raw_at == b->raw_at &&
           a->nr_track_features == b->nr_track_features;
}

/* The same records and dependencies, whichever way they came. */
static bool same_names(const struct cenv_cached_name *a,
                       const struct cenv_cached_name *b)
{
    bool same = a->names.nr == b->names.nr;

    for (uint32_t i = 0; same && i < a->names.nr; i++) {
        const uint32_t *left = a->names.links + a->names.first[i];
        const uint32_t *right = b->names.links + b->names.first[i];
        same = same_record(&a->names.records[i], &b->names.records[i]);
        for (uint32_t k = 0; same && k < a->names.first[i + 1] - a->names.first[i]; k++)
            same = cenv_str_eq(a->specs[left[k]]->text, b->specs[right[k]]->text);
    }
    return same;
}

/* All names, compared with what JSON says; how many came from the file. */
static int compare_all(const struct fixture *f)
{
    struct cenv_index *plain = open_index(f, false), *index = open_index(f, true);
    int kept = 0;

    for (int name = 0; name < NAMES; name++) {
        const struct cenv_cached_name *s = get(index, name);
        CHECK(same_names(s, get(plain, name)));
        CHECK(s == get(index, name));
        kept += s->names.partial;
    }
    cenv_index_save(index);
    cenv_index_free(index);
    cenv_index_free(plain);
    return kept;
}

static void test_parsed_cache__next_process(void)
{
    struct fixture f = fixture_open();

    CHECK_INT(compare_all(&f), 0);
    CHECK_INT(compare_all(&f), NAMES - 2); /* not extras, not a malformed record */
    scratch_close(&f.s);
}

static void test_parsed_cache__completes_records(void)
{
    struct fixture f = fixture_open();
    struct cenv_arena arena = CENV_ARENA_INIT;
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_record full;

    compare_all(&f);
    struct cenv_index *index = open_index(&f, true);
    const struct cenv_cached_name *s = get(index, 5);
    CHECK(s->names.partial && !s->names.records[7].raw.data);
    CHECK_INT(cenv_repodata_complete(cenv_index_repodata(index, 0, CENV_STR("n5")),
                                     &s->names.records[7], &arena, &full, &err),
              0);
    CHECK_INT(full.md5.len, 32);
    CHECK_INT(full.raw.data[0], '{');
    CHECK(same_record(&full, &s->names.records[7]));
    struct cenv_record wrong = s->names.records[7];
    wrong.raw_at = s->names.records[8].raw_at;
    wrong.raw.len = s->names.records[8].raw.len;
    CHECK_INT(cenv_repodata_complete(cenv_index_repodata(index, 0, CENV_STR("n5")),
                                     &wrong, &arena, &full, &err),
              CENV_EINTEGRITY);
    cenv_error_release(&err);
    wrong.raw_at = UINT32_MAX;
    CHECK_INT(cenv_repodata_complete(cenv_index_repodata(index, 0, CENV_STR("n5")),
                                     &wrong, &arena, &full, &err),
              CENV_EINTEGRITY);
    cenv_error_release(&err);
    cenv_arena_release(&arena);
    cenv_index_free(index);
    scratch_close(&f.s);
}

/* Whatever byte of the file is wrong, the answer is not. */
static void test_parsed_cache__damaged_file(void)
{
    struct fixture f = fixture_open();
    struct cenv_mapping map;
    struct cenv_error err = CENV_ERROR_INIT;

    compare_all(&f);
    CHECK_INT(cenv_fs_map_file(f.s.fd, f.names, &map, &err), 0);
    for (size_t at = 3; at < map.len; at += map.len / 23) {
        char *copy = cenv_memdup(map.data, map.len);
        copy[at] ^= 0x10;
        struct cenv_str bytes = cenv_str_n(copy, at % 5 ? map.len : at);
        CHECK_INT(cenv_fs_write_atomic(f.s.fd, f.names, bytes, 0644, &err), 0);
        CHECK(compare_all(&f) <= NAMES - 2);
        cenv_free(copy);
    }
    CHECK_INT(compare_all(&f), NAMES - 2); /* mended meanwhile */
    cenv_mapping_release(&map);
    scratch_close(&f.s);
}

/* A block with a right sum and wrong numbers misleads at most. */
static void test_parsed_cache__hostile_block(void)
{
    struct fixture f = fixture_open();
    struct cenv_index *index = open_index(&f, false);
    const struct cenv_repodata *rd = cenv_index_repodata(index, 0, CENV_STR("n5"));
    const struct cenv_parsed_name *p = &get(index, 5)->names;
    struct cenv_buf block;
    unsigned state = 7, sound = 0;

    cenv_buf_init(&block, 1 << 20);
    CHECK_INT(cenv_parsed_name_pack(p, &block), 0);
    CHECK_INT(block.len % 8, 0);
    for (int round = 0; round < 4000; round++) {
        struct cenv_parsed_name out;
        uint32_t *words = (uint32_t *)(void *)cenv_memdup(block.data, block.len);
        for (int i = 0; i < 1 + round % 3; i++) {
            state = state * 1664525 + 1013904223;
            size_t limit = round % 2 ? 64 : block.len / 4;
            words[(state >> 8) % limit] = round % 5 ? state >> 20 : state;
        }
        size_t len = round % 9 ? block.len : state % block.len;
        int rc =
            cenv_parsed_name_unpack(&out, rd, 0, cenv_str_n((const char *)words, len));
        CHECK(rc == 0 || rc == 1);
        sound += rc == 0;
        if (rc == 0)
            cenv_parsed_name_release(&out);
        cenv_free(words);
    }
    CHECK(sound > 0 && sound < 4000);
    cenv_buf_release(&block);
    cenv_index_free(index);
    scratch_close(&f.s);
}

/* What went wrong, which only the main thread may check. */
static void *get_all(void *ctx)
{
    struct cenv_error err = CENV_ERROR_INIT;

    for (int name = 0; name < NAMES; name++) {
        const struct cenv_cached_name *first = NULL, *again = NULL;
        char text[16];

        snprintf(text, sizeof(text), "n%d", name);
        struct cenv_parsed_cache *cache =
            cenv_index_parsed_cache(ctx, 0, cenv_str(text));
        if (cenv_parsed_cache_get(cache, cenv_str(text), &first, &err) < 0 ||
            cenv_parsed_cache_get(cache, cenv_str(text), &again, &err) < 0 || !first ||
            first != again)
            return (void *)(uintptr_t)1;
    }
    return NULL;
}

static void test_parsed_cache__threads(void)
{
    struct fixture f = fixture_open();
    struct cenv_index *index = open_index(&f, true);
    pthread_t threads[4];

    for (int i = 0; i < 4; i++)
        CHECK_INT(pthread_create(&threads[i], NULL, get_all, index), 0);
    for (int i = 0; i < 4; i++) {
        void *wrong;
        pthread_join(threads[i], &wrong);
        CHECK(!wrong);
    }
    cenv_index_save(index);
    cenv_index_free(index);
    CHECK_INT(compare_all(&f), NAMES - 2);
    scratch_close(&f.s);
}

int main(void)
{
    RUN(test_parsed_cache__next_process);
    RUN(test_parsed_cache__completes_records);
    RUN(test_parsed_cache__damaged_file);
    RUN(test_parsed_cache__hostile_block);
    RUN(test_parsed_cache__threads);
    return check_report();
}
