/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sharded repodata. A solve wants names in rounds, each being what the records of the last one
 * depend on; a round is read from the cache on all threads, the rest of it downloaded at once
 * over connections that last for the solve. Every shard becomes a small repodata of its own, so
 * that its records are the very ones that repodata.json would give.
 */
#include "repodata/shards.h"

#include <stdatomic.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/digest.h"
#include "base/pool.h"
#include "codec/url.h"
#include "model/channel.h"
#include "os/fs.h"
#include "os/fs_data.h"
#include "os/host.h"
#include "repodata/repodata_scan.h"
#include "repodata/shard_index.h"

enum { PARALLEL = 64, URL_MAX = 64 << 10, FILE_MAX = 96 };

static const size_t JSON_MAX = (size_t)1 << 30;

/* A shard in memory: a repodata file of one name, and its parsed records. */
struct loaded {
    struct cenv_index_file file;
    struct cenv_parsed_cache cache;
};

struct cenv_shards {
    struct cenv_arena arena;
    struct cenv_shard_index index;
    struct cenv_str subdir, channel, channel_url, directory; /* of packages, no '/' */
    uint32_t channel_rank;
    bool only_tar_bz2;
    struct cenv_spec_table *table;
    struct cenv_repodata *empty; /* whose origin all shards share */
    struct cenv_json *settings;  /* of cenv.h */
    const struct cenv_json *network;
    struct cenv_secret_url *url; /* of the shards */
    struct cenv_buf path;        /* the same on this machine, with `local` */
    bool local, offline;
    int cache;                        /* shards/, or -1 */
    _Atomic(struct loaded *) *loaded; /* by place in the index */
};

static void free_loaded(struct loaded *loaded)
{
    if (!loaded)
        return;
    cenv_parsed_cache_release(&loaded->cache);
    cenv_index_file_release(&loaded->file);
    cenv_free(loaded);
}

/* ---- opening ---- */

/* A URL without what follows its last '/'. */
static struct cenv_str directory_of(const char *url)
{
    struct cenv_str text = cenv_str(url ? url : "");

    return cenv_str_slice(text, 0, text.len ? cenv_str_rfind(text, '/') : 0);
}

/* Where the shards lie: seen from the index; a login goes along to the same server only. */
static int resolve_url(struct cenv_shards *s, struct cenv_str base,
                       struct cenv_error *err)
{
    struct cenv_str ref = s->index.shards_base_url;
    struct cenv_secret_url *index = NULL;
    int rc = base.len ? cenv_secret_url_new(&index, base, err)
                      : cenv_secret_url_new(&s->url, ref, err);

    if (rc == 0 && index)
        rc = cenv_secret_url_join(&s->url, index, ref, err);
    bool remote =
        index && !cenv_str_starts(cenv_secret_url_text(index), CENV_STR("file:"));
    cenv_secret_url_free(index);
    if (rc < 0)
        return rc;
    rc = cenv_network_local_path(s->url, &s->path, err);
    s->local = rc == 1;
    if (s->local && remote)
        rc = cenv_error_set(err, CENV_ECHANNEL,
                            "its shards_base_url leads to files of this machine");
    return rc < 0 ? rc : 0;
}

/* Where packages lie, seen from the index. */
static int resolve_directory(struct cenv_shards *s, struct cenv_str index_url,
                             struct cenv_error *err)
{
    struct cenv_buf url;

    cenv_buf_init(&url, URL_MAX);
    int rc = cenv_channel_add_base(&url, index_url, s->index.base_url, err);
    while (url.len && url.data[url.len - 1] == '/')
        url.len--;
    if (rc == 0) {
        s->directory = cenv_arena_str(&s->arena, cenv_buf_str(&url));
        rc = s->directory.data ? 0 : cenv_error_oom(err);
    }
    cenv_buf_release(&url);
    return rc;
}

static struct cenv_repodata_source source_of(const struct cenv_shards *s,
                                             struct cenv_str file)
{
    return (struct cenv_repodata_source){
        .file = file,
        .subdir = s->subdir,
        .channel = s->channel,
        .channel_url = s->channel_url,
        .url = s->directory,
        .channel_rank = s->channel_rank,
        .only_tar_bz2 = s->only_tar_bz2,
    };
}

/* An index of our own user may lie where a cache cannot be made: then there is none. */
static void open_cache(struct cenv_shards *s, const char *cache_dir)
{
    int root = -1, rc;
    struct cenv_error ignored = CENV_ERROR_INIT;

    if (!cache_dir || s->local)
        return;
    root = cenv_fs_open_root(cache_dir, &ignored);
    if (root >= 0) {
        cenv_raw_mkdir(root, "shards", 0755);
        rc = cenv_raw_open_dir(root, "shards");
        s->cache = rc < 0 ? -1 : rc;
        cenv_fd_close(root);
    }
    cenv_error_release(&ignored);
}

static int read_index(struct cenv_shards *s, const char *path, struct cenv_error *err)
{
    struct cenv_mapping map = {"", 0};
    int fd = cenv_fs_open_named(path, NULL, err);

    if (fd < 0)
        return fd;
    int failed = cenv_raw_map_fd(fd, &map);
    cenv_fd_close(fd);
    if (failed < 0)
        return cenv_error_os(err, -failed, path, "cannot map");
    int rc = cenv_shard_index_read(&s->index, cenv_str_n(map.data, map.len), path,
                                   s->subdir, err);
    cenv_mapping_release(&map);
    return rc;
}

static int set_up_source(struct cenv_shards *s, const struct cenv_index_source *given,
                         struct cenv_error *err)
{
    struct cenv_str base;
    int rc = cenv_json_parse(&s->settings, cenv_str(given->shards), "the request", err);

    if (rc == 0)
        rc = read_index(s, given->path, err);
    if (rc < 0)
        return rc;
    s->network = cenv_json_get(s->settings, "network");
    s->offline = cenv_json_get_true(s->settings, "offline");
    base = cenv_json_get_str(s->settings, "url");
    rc = resolve_url(s, base.data ? base : CENV_STR(""), err);
    if (rc < 0)
        return cenv_error_prefix(err, "channel '%s'", given->channel);
    rc = resolve_directory(s, directory_of(given->repodata_url), err);
    if (rc < 0)
        return cenv_error_prefix(err, "%s", given->path);
    s->loaded = cenv_calloc(s->index.nr + 1, sizeof(*s->loaded));
    if (!s->loaded)
        return cenv_error_oom(err);
    struct cenv_repodata_source source = source_of(s, cenv_str(given->path));
    return cenv_repodata_scan(&s->empty, CENV_STR("{}"), &source, err);
}

int cenv_shards_open(struct cenv_shards **out, const struct cenv_index_source *given,
                     uint32_t channel_rank, const char *cache_dir,
                     struct cenv_spec_table *table, struct cenv_error *err)
{
    struct cenv_shards *s = cenv_calloc(1, sizeof(*s));
    int rc;

    if (!s)
        return cenv_error_oom(err);
    s->cache = -1;
    s->channel_rank = channel_rank;
    s->only_tar_bz2 = given->only_tar_bz2;
    s->table = table;
    cenv_buf_init(&s->path, URL_MAX);
    s->subdir = cenv_arena_str(&s->arena, cenv_str(given->subdir));
    s->channel = cenv_arena_str(&s->arena, cenv_str(given->channel));
    s->channel_url = cenv_arena_str(&s->arena, cenv_str(given->channel_url));
    rc = s->subdir.data && s->channel.data && s->channel_url.data
             ? set_up_source(s, given, err)
             : cenv_error_oom(err);
    if (rc < 0) {
        cenv_shards_free(s);
        return rc;
    }
    open_cache(s, cache_dir);
    *out = s;
    return 0;
}

void cenv_shards_free(struct cenv_shards *s)
{
    if (!s)
        return;
    for (size_t i = 0; s->loaded && i < s->index.nr; i++)
        free_loaded(atomic_load(&s->loaded[i]));
    cenv_free(s->loaded);
    cenv_repodata_free(s->empty);
    cenv_json_free(s->settings);
    cenv_secret_url_free(s->url);
    cenv_buf_release(&s->path);
    cenv_fd_close(s->cache);
    cenv_shard_index_release(&s->index);
    cenv_arena_release(&s->arena);
    cenv_free(s);
}

/* ---- reading ---- */

size_t cenv_shards_nr_names(const struct cenv_shards *s)
{
    return s->index.nr;
}

struct cenv_str cenv_shards_name(const struct cenv_shards *s, size_t i)
{
    return s->index.shards[i].name;
}

const struct cenv_record_origin *cenv_shards_origin(const struct cenv_shards *s)
{
    return cenv_repodata_origin(s->empty);
}

struct cenv_str cenv_shards_relations(const struct cenv_shards *s)
{
    return s->index.relations;
}

size_t cenv_shards_nr_entries(const struct cenv_shards *s)
{
    size_t nr = 0;

    for (size_t i = 0; i < s->index.nr; i++) {
        const struct loaded *loaded = atomic_load(&s->loaded[i]);
        nr += loaded ? cenv_repodata_nr_entries(loaded->file.repodata) : 0;
    }
    return nr;
}

static struct loaded *find_loaded(const struct cenv_shards *s, struct cenv_str name,
                                  bool *is_there)
{
    size_t at = cenv_shard_index_find(&s->index, name);

    *is_there = at < s->index.nr;
    return *is_there ? atomic_load(&s->loaded[at]) : NULL;
}

bool cenv_shards_find(const struct cenv_shards *s, struct cenv_str name,
                      const struct cenv_repodata **found)
{
    bool is_there;
    const struct loaded *loaded = find_loaded(s, name, &is_there);

    *found = loaded ? loaded->file.repodata : NULL;
    return loaded || !is_there;
}

struct cenv_parsed_cache *cenv_shards_parsed_cache(const struct cenv_shards *s,
                                                   struct cenv_str name)
{
    bool is_there;
    struct loaded *loaded = find_loaded(s, name, &is_there);

    return loaded ? &loaded->cache : NULL;
}

/* ---- bringing shards ---- */

/* One shard on its way. */
struct job {
    struct cenv_shards *shards;
    size_t at;
    struct cenv_secret_url *url;
    struct cenv_buf path; /* of a local one */
    struct cenv_buf body;
    struct cenv_http_transfer transfer;
    bool cached;
};

struct round {
    struct job *jobs;
    size_t nr, alloc;
    struct cenv_task *task;
};

static const struct cenv_shard *shard_of(const struct job *job)
{
    return &job->shards->index.shards[job->at];
}

/* "channel 'c': shard of numpy (URL)" before the message. */
static int name_job(const struct job *job, struct cenv_error *err)
{
    cenv_error_prefix(err, "channel '%.*s': repodata shard of %.*s (%s)",
                      CENV_STR_ARG(job->shards->channel),
                      CENV_STR_ARG(shard_of(job)->name),
                      cenv_secret_url_text(job->url).data);
    return cenv_error_hint(err,
                           "try again; if it stays so, tell the channel's owner, or "
                           "set repodata_use_shards: false in .condarc");
}

/* Makes the shard of its bytes, unless another thread did. CENV_EINTEGRITY: they are not its
 * bytes. */
static int load_shard(struct job *job, struct cenv_str bytes, struct cenv_error *err)
{
    struct cenv_shards *s = job->shards;
    struct loaded *loaded = cenv_calloc(1, sizeof(*loaded)), *none = NULL;
    struct cenv_repodata_source source =
        source_of(s, cenv_str(shard_of(job)->name.data));
    int rc;

    if (!loaded)
        return cenv_error_oom(err);
    loaded->file = (struct cenv_index_file)CENV_INDEX_FILE_INIT;
    cenv_buf_init(&loaded->file.unpacked, JSON_MAX);
    rc = cenv_shard_index_unpack_shard(bytes, shard_of(job)->sha256,
                                       &loaded->file.unpacked, err);
    if (rc == 0)
        rc = cenv_repodata_scan(&loaded->file.repodata,
                                cenv_buf_str(&loaded->file.unpacked), &source, err);
    if (rc == 0)
        rc = cenv_parsed_cache_init(&loaded->cache, &loaded->file, s->table, err);
    if (rc == 0 && atomic_compare_exchange_strong(&s->loaded[job->at], &none, loaded))
        return 0;
    free_loaded(loaded);
    return rc;
}

static void cache_name(const struct job *job, char *name)
{
    snprintf(name, FILE_MAX, "%.*s" CENV_SHARD_EXT,
             CENV_STR_ARG(shard_of(job)->sha256));
}

/* Reads a shard from this machine. That of a local channel must be right; a cached one that is
 * not is fetched again. */
static int load_local(void *ctx, size_t i, unsigned thread, struct cenv_error *err)
{
    struct round *round = ctx;
    struct job *job = &round->jobs[i];
    struct cenv_error own = CENV_ERROR_INIT;
    char name[FILE_MAX];
    int rc;

    (void)thread;
    if (!job->shards->local && job->shards->cache < 0)
        return 0;
    cache_name(job, name);
    cenv_buf_init(&job->body, CENV_SHARD_MAX);
    rc = job->shards->local
             ? cenv_fs_read_file(CENV_CWD, job->path.data, &job->body, &own)
             : cenv_fs_read_file(job->shards->cache, name, &job->body, &own);
    if (rc == 0)
        rc = load_shard(job, cenv_buf_str(&job->body), &own);
    job->cached = rc == 0;
    cenv_buf_clear(&job->body);
    if (rc < 0 && (job->shards->local || rc == CENV_ENOMEM)) {
        name_job(job, &own);
        return cenv_error_move(err, &own);
    }
    cenv_error_release(&own);
    return 0;
}

/* Reads a shard whose bytes came from the network, and keeps them for the next time if that can
 * be. */
static int load_fetched(void *ctx, size_t i, unsigned thread, struct cenv_error *err)
{
    struct round *round = ctx;
    struct job *job = &round->jobs[i];
    struct cenv_error ignored = CENV_ERROR_INIT;
    char name[FILE_MAX];
    int rc;

    (void)thread;
    if (job->cached)
        return 0;
    rc = load_shard(job, cenv_buf_str(&job->body), err);
    if (rc < 0)
        return name_job(job, err);
    cache_name(job, name);
    if (job->shards->cache >= 0)
        cenv_fs_write_atomic(job->shards->cache, name, cenv_buf_str(&job->body), 0644,
                             &ignored);
    cenv_error_release(&ignored);
    return 0;
}

/* Refuses to fetch offline, naming the first five shards that are not here. */
static int refuse_offline(const struct round *round, struct cenv_error *err)
{
    struct cenv_buf names;
    size_t missing = 0, shown = 5;

    cenv_buf_init(&names, 4096);
    for (size_t i = 0; i < round->nr; i++) {
        const struct job *job = &round->jobs[i];
        if (job->cached || !job->shards->offline)
            continue;
        if (missing++ < shown)
            cenv_buf_addf(&names, "%s%.*s of '%.*s'", missing > 1 ? ", " : "",
                          CENV_STR_ARG(shard_of(job)->name),
                          CENV_STR_ARG(job->shards->channel));
    }
    if (missing > shown)
        cenv_buf_addf(&names, " and %zu more", missing - shown);
    if (missing == 0)
        return 0;
    cenv_error_set(err, CENV_ECHANNEL,
                   "repodata that was never fetched, and --offline forbids to fetch it "
                   "now: %s",
                   names.data ? names.data : "some shards");
    cenv_buf_release(&names);
    return cenv_error_hint(err, "run once without --offline");
}

static int check_fetched(struct round *round, struct cenv_error *err)
{
    for (size_t i = 0; i < round->nr; i++) {
        struct job *job = &round->jobs[i];
        struct cenv_http_transfer *transfer = &job->transfer;
        if (job->cached || (transfer->rc == 0 && transfer->reply.status == 200))
            continue;
        cenv_network_set_error(transfer, err);
        return cenv_error_prefix(err, "channel '%.*s': repodata shard of %.*s",
                                 CENV_STR_ARG(job->shards->channel),
                                 CENV_STR_ARG(shard_of(job)->name));
    }
    return 0;
}

/* What the shards of each source cost the network. */
static void tell_transfers(struct round *round)
{
    for (size_t i = 0; i < round->nr; i++) {
        const struct job *job = &round->jobs[i];
        struct cenv_fact fact = {
            .kind = CENV_FACT_SHARD,
            .texts = {job->shards->channel, job->shards->subdir},
            .numbers = {job->transfer.reply.received, job->transfer.took_ns},
        };
        if (!job->cached)
            cenv_task_fact(round->task, &fact);
    }
}

static int download_missing(struct round *round, struct cenv_network *network,
                            struct cenv_span *span, struct cenv_error *err)
{
    struct cenv_http_transfer **list = cenv_calloc(round->nr, sizeof(*list));
    size_t nr = 0;
    int rc = list ? refuse_offline(round, err) : cenv_error_oom(err);

    for (size_t i = 0; rc == 0 && i < round->nr; i++) {
        struct job *job = &round->jobs[i];
        if (job->cached)
            continue;
        if (nr == 0)
            rc = cenv_network_open(network, job->shards->network, err);
        job->transfer =
            (struct cenv_http_transfer){.url = job->url,
                                        .body = &job->body,
                                        .max_size = CENV_SHARD_MAX,
                                        .stage = CENV_STAGE_DOWNLOAD_INDICES,
                                        .what = shard_of(job)->name.data};
        list[nr++] = &job->transfer;
    }
    if (rc == 0)
        rc = cenv_http_run(network->http, list, nr, PARALLEL, NULL, NULL, round->task,
                           err);
    if (rc == 0)
        rc = check_fetched(round, err);
    tell_transfers(round);
    span->misses = nr;
    cenv_free(list);
    return rc;
}

static int read_round(struct round *round, struct cenv_network *network,
                      struct cenv_error *err)
{
    struct cenv_span span = cenv_span_begin(CENV_STAGE_DOWNLOAD_INDICES, "shards");
    unsigned threads = cenv_host_cpus();
    bool missing = false;
    int rc = cenv_pool_run(threads, round->nr, load_local, round, round->task, err);

    for (size_t i = 0; i < round->nr; i++)
        missing |= !round->jobs[i].cached;
    if (rc == 0 && missing)
        rc = download_missing(round, network, &span, err);
    if (rc == 0 && missing)
        rc = cenv_pool_run(threads, round->nr, load_fetched, round, round->task, err);
    span.items = round->nr;
    span.hits = round->nr - span.misses;
    if (span.misses)
        snprintf(span.miss_reason, sizeof(span.miss_reason), "never fetched before");
    cenv_span_end(round->task, &span);
    return rc;
}

static int add_job(struct round *round, struct cenv_shards *s, size_t at,
                   struct cenv_error *err)
{
    struct cenv_str sum = s->index.shards[at].sha256;
    void *jobs = round->jobs;
    struct job *job;
    char file[FILE_MAX];

    if (!cenv_grow(&jobs, &round->alloc, round->nr, sizeof(*job)))
        return cenv_error_oom(err);
    round->jobs = jobs;
    job = &round->jobs[round->nr++];
    *job = (struct job){.shards = s, .at = at};
    cenv_buf_init(&job->body, CENV_SHARD_MAX);
    cenv_buf_init(&job->path, URL_MAX);
    snprintf(file, sizeof(file), "%.*s" CENV_SHARD_EXT, CENV_STR_ARG(sum));
    if (s->local && !cenv_buf_addf(&job->path, "%s/%s", s->path.data, file))
        return cenv_error_oom(err);
    return cenv_secret_url_child(&job->url, s->url, cenv_str(file), err);
}

int cenv_shards_want(struct cenv_shards *const *sources, size_t nr_sources,
                     const struct cenv_str *names, size_t nr,
                     struct cenv_network *network, struct cenv_task *task,
                     struct cenv_error *err)
{
    struct round round = {.task = task};
    int rc = 0;

    for (size_t i = 0; i < nr_sources; i++) {
        struct cenv_shards *s = sources[i];
        for (size_t k = 0; s && k < nr && rc == 0; k++) {
            size_t at = cenv_shard_index_find(&s->index, names[k]);
            if (at < s->index.nr && !atomic_load(&s->loaded[at]))
                rc = add_job(&round, s, at, err);
        }
    }
    if (rc == 0 && round.nr)
        rc = read_round(&round, network, err);
    for (size_t i = 0; i < round.nr; i++) {
        cenv_secret_url_free(round.jobs[i].url);
        cenv_buf_release(&round.jobs[i].path);
        cenv_buf_release(&round.jobs[i].body);
        cenv_error_release(&round.jobs[i].transfer.err);
    }
    cenv_free(round.jobs);
    return rc;
}
