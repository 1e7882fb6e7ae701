/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The public C interface of cenv: all that the Python binding and the fuzzers include.
 *
 * Shapes. Paths are NUL-terminated bytes, not necessarily UTF-8. Lists of records, options with
 * many keys and reports are JSON text (UTF-8) in the shapes of the command line's --json:
 * "records JSON" is an array of repodata records (all keys of repodata kept, plus channel, url,
 * fn, subdir) in link order. Replies are appended to a `struct cenv_buf`, the caller's.
 *
 * Errors. A function that can fail returns 0 or a negative enum cenv_status with `err` filled; its
 * outputs are then untouched and nothing half-made is left behind.
 *
 * Threads. Every function may be called from any thread. An index, a store and their kin are
 * immutable handles for any number of threads; a task belongs to one call. The core starts threads
 * only within a call, never prints, and never changes the process's directory, umask or signals.
 */
#ifndef CENV_H
#define CENV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"
#include "base/task.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- trace (api/task_spans, api/task_facts) ---- */

/* Appends the spans that `task` recorded: [{"stage", "what", "start", "end": seconds of the
 * monotonic clock, "thread", "items", "bytes", "hits", "misses", "reason"}]. */
int cenv_task_spans_json(struct cenv_task *task, struct cenv_buf *out,
                         struct cenv_error *err);

/* Appends the facts that `task` collected: lists of objects, by the names of base/fact.c. */
int cenv_task_facts_json(struct cenv_task *task, struct cenv_buf *out,
                         struct cenv_error *err);

/* ---- version and MatchSpec (api/spec_handles) ---- */

/* A version and its place in the order of CEP 33; immutable, any number of threads. */
struct cenv_version;

/* `text` is copied. CENV_ESPEC says what is wrong. The caller frees *version. */
int cenv_version_new(struct cenv_version **version, struct cenv_str text,
                     struct cenv_error *err);
void cenv_version_free(struct cenv_version *version); /* NULL is fine */

/* As given, without blanks at its ends; borrowed from the version. */
struct cenv_str cenv_version_text(const struct cenv_version *version);

/* Bytes that are equal for equal versions ("1.1", "1.1.0") and order as they do: what to hash.
 * Borrowed from the version. */
struct cenv_str cenv_version_key(const struct cenv_version *version);

/* -1, 0 or 1. */
int cenv_version_compare(const struct cenv_version *a, const struct cenv_version *b);

/* Sets *match: whether the version satisfies a constraint such as ">=1.8,<2|1.7.*". */
int cenv_version_matches(const struct cenv_version *version, struct cenv_str constraint,
                         bool *match, struct cenv_error *err);

/* A spec (CEP 29); immutable, any number of threads. */
struct cenv_matchspec;

/* `text` is copied. CENV_ESPEC says what is wrong and where. The caller frees *spec. */
int cenv_matchspec_new(struct cenv_matchspec **spec, struct cenv_str text,
                       struct cenv_error *err);
void cenv_matchspec_free(struct cenv_matchspec *spec); /* NULL is fine */

/* The package's name in lower case, "*" for none; borrowed from the spec. */
struct cenv_str cenv_matchspec_package(const struct cenv_matchspec *spec);

/* Appends the canonical string, which parses to the same spec. */
int cenv_matchspec_str(const struct cenv_matchspec *spec, struct cenv_buf *out,
                       struct cenv_error *err);

/*
 * Sets *match: whether `record`, a JSON object with at least name and version (else CENV_EUSAGE)
 * and any of the other keys of repodata and channel, subdir, fn, url, satisfies the spec. A
 * channel may be a name or a URL.
 */
int cenv_matchspec_matches(const struct cenv_matchspec *spec, struct cenv_str record,
                           bool *match, struct cenv_error *err);

/* ---- text with secrets (api/text) ---- */

/* Appends `text` with "***" for each secret of a URL in it: for the user's eyes and for files. */
int cenv_text_redact(struct cenv_str text, struct cenv_buf *out,
                     struct cenv_error *err);

/* Appends a spec as it may be written down: canonical, without secrets, when a URL is in it. */
int cenv_text_clean_spec(struct cenv_str spec, struct cenv_buf *out,
                         struct cenv_error *err);

/*
 * Appends a JSON array of the parts of the normal form of a URL or absolute path, "" for each that
 * it has not: [scheme, login, host, path before the token, token, path, subdir, file, query]. Of
 * these login, token and query are secrets. CENV_ECHANNEL: it is malformed.
 */
int cenv_text_split_url(struct cenv_str url, struct cenv_buf *out,
                        struct cenv_error *err);

/* ---- index and solve (repodata/index, repodata/inspect, repodata/relations, api/solve) ---- */

/* Records of several channels and subdirs; immutable, any number of solves may run on it at
 * once. */
struct cenv_index;

/*
 * The repodata of one subdir of one channel, .json, .json.zst or sharded. All strings are copied.
 * Sources of one channel (equal channel_url) share a rank: its first place in the list, 0 the most
 * preferred.
 */
struct cenv_index_source {
    const char *channel;      /* canonical name: "conda-forge" */
    const char *channel_url;  /* without subdir and secrets: identity of the channel */
    const char *multichannel; /* the one it was named by ("defaults"), or NULL */
    const char *subdir;
    /* Of the file, without secrets, beside which packages lie; or NULL. */
    const char *repodata_url;
    const char *path; /* the file */
    /* Not NULL: the file is an index of shards (CEP 16), and this is a JSON object {"url": of the
     * subdir, with its secrets, "offline": false, "network": {}}. */
    const char *shards;
    /* Not NULL: `len` bytes of text instead of the file, borrowed until cenv_index_free; `path`
     * then only names it in messages. */
    const char *data;
    size_t len;
    /* Its .conda packages do not count; nothing parsed of it is kept. */
    bool only_tar_bz2;
};

/*
 * Opens the repodata of `sources` as one index, in parallel (stage `process indices`). `cache_dir`
 * (or NULL) is where binary indices are kept. CENV_ECHANNEL and CENV_EINTEGRITY name the file. The
 * caller frees *index.
 */
int cenv_index_open(struct cenv_index **index, const struct cenv_index_source *sources,
                    size_t nr, const char *cache_dir, struct cenv_task *task,
                    struct cenv_error *err);
void cenv_index_free(struct cenv_index *index); /* NULL is fine */

/*
 * Tells what names of channels in specs mean, before the first solve: {"alias": the URL of
 * channel_alias, "places": {NAME: URL} of custom channels, "groups": {NAME: [names of members]} of
 * multichannels}. CENV_EUSAGE and CENV_EINTEGRITY: it is of another shape. Else they mean what
 * they mean in conda without any configuration.
 */
int cenv_index_name_channels(struct cenv_index *index, const char *names_json,
                             struct cenv_error *err);

/* Entries of all sources, twins and removed ones included; of shards, those that were read. */
size_t cenv_index_nr_records(const struct cenv_index *index);

/*
 * Keeps in the `cache_dir` of the index, for the next process, what solves have parsed since it was
 * last kept. A solve writes nothing by itself; the caller does when it has its answer. What
 * cannot be kept (no space, read-only) is no failure. Any thread may call it at any time.
 */
void cenv_index_save(const struct cenv_index *index);

/*
 * Reads every record of every source, which no solve does. Appends [{"channel", "subdir",
 * "base_url", "entries", "names", "records": those that can be used, twins and removed ones not
 * counted, "depends", "bytes": sums over these, "skipped": [{"fn", "reason"}]}], a source each.
 */
int cenv_index_inspect(const struct cenv_index *index, struct cenv_task *task,
                       struct cenv_buf *out, struct cenv_error *err);

/*
 * Appends those of `names_json`, an array, that have a record with `features` in some source:
 * conda's solver classic may take another record of these than a solve does.
 */
int cenv_index_featured(const struct cenv_index *index, const char *names_json,
                        struct cenv_task *task, struct cenv_buf *out,
                        struct cenv_error *err);

/*
 * Appends [{"base", "overrides"} or null, ...], a source each: the references to other channels
 * that its repodata has in info.channel_relations (CEP 42), as they stand there. CENV_ECHANNEL,
 * with channel and subdir: they are no object, no texts, or too long.
 */
int cenv_index_relations(const struct cenv_index *index, struct cenv_task *task,
                         struct cenv_buf *out, struct cenv_error *err);

/*
 * Solves `request_json`, an object, all keys but specs optional:
 *   specs             ["python=3.12", ...]: wanted, in order of importance; one without a name
 *                     ("*[track_features=x]") by any package that matches
 *   virtual_packages  [["__glibc", "2.36", "0"], ...]: what the machine has
 *   locked            records or specs: in the solution exactly as they are
 *   pinned            specs: whatever of that name is installed must match
 *   favored           records or specs: tried before all others of their name
 *   channel_priority  "strict" | "flexible" (default) | "disabled"
 *   exclude_newer     ms since 1970, or "YYYY-MM-DD[Thh:mm[:ss][Z]]" (UTC), a date as the end
 *                     of that day: newer records do not count
 *   exclude_newer_package, exclude_newer_channel
 *                     {name or channel_url: ms since 1970, or null for none}: the cutoff of a
 *                     package, else of its channel, takes the place of exclude_newer
 *   add_pip           true: python 2 and 3 depend on pip, as conda has it
 *   explain           a package name or spec: adds "explanation", why it is (or what matches the
 *                     spec is not) in the solution; to a failure, what stands in its way
 * A record is a repodata object with at least name, version and build (and fn, url, sha256 where
 * known); one that no source has is taken as it stands.
 *
 * Appends {"records": [...], "stats": {"names", "records", "requirements", "variables", "clauses",
 * "solves", "conflicts"}, "skipped": [{"fn", "reason"}], "explanation"} to `out`: records with all
 * keys of repodata plus channel, url, fn and subdir, and channel_url where the package does not lie
 * below its channel (base_url, CEP 15), every record after what it depends on, python
 * before its noarch packages. The answer is the best one under docs/design/solve.md 3. It
 * depends on the order of sources by the ranks of their channels only, and on the order of
 * records not at all.
 *
 * CENV_EUSAGE: the request is not such an object, or has a key that is none of these. CENV_ESPEC: a
 * spec is malformed. CENV_EUNSAT: err->message explains, as far as it holds all of it;
 * err->detail is {"message": the whole, "conflict": [specs ...], "relax": [{"items": [specs
 * ...], "works": "name version", "machine": "__name=version"}, ...], "not_found": [{"name",
 * "near": [names ...]}, ...]}.
 */
int cenv_solve(const struct cenv_index *index, const char *request_json,
               struct cenv_task *task, struct cenv_buf *out, struct cenv_error *err);

/* ---- packages and shards (package/extract_api, package/writer, repodata/shard_index) ---- */

/*
 * Extracts one .conda or .tar.bz2 into `dest`, which must not exist or be an empty directory. With
 * `sha256` (hex, or NULL) the archive must have it. Appends {"path", "files", "bytes", "sha256",
 * "size"}. All or nothing: it is made under another name beside `dest`, then renamed. What a
 * cancelled one cannot remove at once stays for cenv_extract_sweep, which appends {"path"}.
 */
int cenv_extract(const char *package, const char *dest, const char *sha256,
                 struct cenv_task *task, struct cenv_buf *out, struct cenv_error *err);
int cenv_extract_sweep(const char *dest, struct cenv_task *task, struct cenv_buf *out,
                       struct cenv_error *err);

/*
 * What a channel index needs of a package without extracting it: appends {"index": info/index.json,
 * "sha256", "md5", "size"}.
 */
int cenv_package_info(const char *package, struct cenv_task *task, struct cenv_buf *out,
                      struct cenv_error *err);

/* One member to be packed; a link when `link` is not NULL. */
struct cenv_pack_member {
    const char *path; /* in the package */
    const void *data; /* `len` bytes */
    size_t len;
    const char *link;
    unsigned mode;
    int64_t mtime_ns;
};

/* Writes a package, .conda or .tar.bz2 by the name of `path`; atomic. */
int cenv_pack(const char *path, const struct cenv_pack_member *members, size_t nr,
              struct cenv_task *task, struct cenv_error *err);

/* Compresses `data` with zstd at `level` into the file `path`; atomic. */
int cenv_zstd_write(const char *path, const void *data, size_t len, int level,
                    struct cenv_task *task, struct cenv_error *err);

/* Appends what a server of sharded repodata (CEP 16) sends for `json`: the text of a shard or of an
 * index, with hashes in hex. CENV_EINTEGRITY: it is not JSON. */
int cenv_shard_pack(struct cenv_str json, int level, struct cenv_buf *out,
                    struct cenv_task *task, struct cenv_error *err);

/* ---- store, fetch and templates (store, fetch, template: a file each; clone/sweep) ---- */

/* The store of docs/design/store.md in a directory, made when it is not there. Free with
 * cenv_store_free. */
struct cenv_store;
int cenv_store_open(struct cenv_store **store, const char *path,
                    struct cenv_error *err);
void cenv_store_free(struct cenv_store *store);

/*
 * Brings repodata up to date: `requests_json` is {"offline": false, "ttl": null, "shards": false,
 * "zst": true, "network": {}, "repodata": [{"url": of the subdir (with secrets), "required":
 * true}]}. A directory or file:// is read in place. Appends an array in the same order: {"path",
 * "url", "identity", "version": as the server names it, "hit", "cache": "local", "hit", "checked"
 * or "miss", "reason": of a miss, "received": bytes, "seconds", "bytes", "shards", "notes": [why a
 * better form was passed over]}, or null where a subdir that is not required does not exist. "ttl":
 * seconds that a copy serves unasked; without it, or below 0, as the server says. Without "zst"
 * .json.zst is not asked for. With "shards" an index of sharded repodata (CEP 16) is preferred
 * where there is one; then that of the reply is true. "network" has keys of .condarc: ssl_verify,
 * client_ssl_cert, client_ssl_cert_key, proxy_servers, remote_connect_timeout_secs,
 * remote_read_timeout_secs, remote_max_retries; and certifi, a file of certificates for machines
 * that have none.
 */
int cenv_fetch_repodata(struct cenv_store *store, const char *requests_json,
                        struct cenv_task *task, struct cenv_buf *out,
                        struct cenv_error *err);

/*
 * Downloads, verifies and extracts the packages of `records_json` that the store lacks.
 * `options_json`: {"offline": false, "secrets": {channel url without secrets: with secrets},
 * "pkgs_dirs": [read-only package caches], "network": {}}. Appends the records, completed from
 * info/index.json where they lack keys, in the order given.
 */
int cenv_fetch_packages(struct cenv_store *store, const char *records_json,
                        const char *options_json, struct cenv_task *task,
                        struct cenv_buf *out, struct cenv_error *err);

/*
 * Builds the template of `records_json` (link order) unless it is there: at most once per machine,
 * however many ask; the others wait. `options_json`: {"specs": [], "channels": [], "key": "set-up
 * keys", "base": id or null, "rebuild": false, "solved": seconds that solving took, ...fetch
 * options}. Appends {"id", "prefix", "built": bool, "records", "seconds", "cost": seconds that
 * solving and the build took when it was made}.
 */
int cenv_template_build(struct cenv_store *store, const char *records_json,
                        const char *options_json, struct cenv_task *task,
                        struct cenv_buf *out, struct cenv_error *err);

/*
 * A template that the caller changes before it is published (`setup=`): linked at its final
 * path, so that programs in it run. Appends {"id", "prefix", "built": bool}. When it is there
 * already, *draft is NULL; else the caller changes what lies at "prefix", then commits or
 * discards. `options_json` as in build, its "key" must tell what will be done; "transient": true
 * lets it end with this process, or with the process "owner" (a sweep removes it then). With
 * "base", a template's id, it is derived: a copy of that template as it is, set-up included,
 * with the packages linked into it that the base lacks. The next call
 * removes a draft whose process died.
 */
struct cenv_draft;
int cenv_draft_open(struct cenv_draft **draft, struct cenv_store *store,
                    const char *records_json, const char *options_json,
                    struct cenv_task *task, struct cenv_buf *out,
                    struct cenv_error *err);
/* Describes and publishes it; appends what cenv_template_build does. Frees the draft, always. */
int cenv_draft_commit(struct cenv_draft *draft, struct cenv_task *task,
                      struct cenv_buf *out, struct cenv_error *err);
void cenv_draft_discard(struct cenv_draft *draft); /* removes it; NULL is fine */

/*
 * A template for clones on another file system: where `directory` (existing) is on the store's own,
 * the template itself; else a copy of it in the store `<directory>/cenv-<uid>` (0700, owner
 * checked), made once. A new copy ends with the process `owner`; 0: it stays until gc. Appends
 * {"prefix", "store", "mirrored": bool}.
 */
int cenv_template_mirror(struct cenv_store *store, const char *id,
                         const char *directory, int64_t owner, struct cenv_task *task,
                         struct cenv_buf *out, struct cenv_error *err);
/* Appends an array of the paths of the stores that hold such copies. */
int cenv_template_mirrors(struct cenv_store *store, struct cenv_task *task,
                          struct cenv_buf *out, struct cenv_error *err);
/* Removes the copies that end with the process `owner`, or with one that is gone, from mirrors that
 * nobody holds a lease of; and mirrors that are empty then. */
int cenv_template_mirrors_end(struct cenv_store *store, int64_t owner,
                              struct cenv_task *task, struct cenv_error *err);

/* Appends an array of templates: {"id", "prefix", "specs", "records", "size", "used", "made",
 * "memory", "twin"}, the last two in bytes. */
int cenv_template_list(struct cenv_store *store, struct cenv_buf *out,
                       struct cenv_error *err);
/* Appends {"id", "prefix", "records", ...} of one template, by id or unique prefix of an id. */
int cenv_template_find(struct cenv_store *store, const char *id, struct cenv_buf *out,
                       struct cenv_error *err);
/*
 * The template of a list of packages, an array of records: each is known by its sha256, else its
 * md5, else its URL, and what it needs counts where the list tells that. `options_json`: {"key",
 * "base"} as of cenv_template_build. Needs no package. Appends what cenv_template_find does, or
 * null.
 */
int cenv_template_find_packages(struct cenv_store *store, const char *records_json,
                                const char *options_json, struct cenv_task *task,
                                struct cenv_buf *out, struct cenv_error *err);
int cenv_template_remove(struct cenv_store *store, const char *id,
                         struct cenv_task *task, struct cenv_error *err);

/*
 * Writes templates into one relocatable archive (remote/bundle.h); all or nothing. `options_json`:
 * {"ids": [whole ids], "replace": false, "linked": what packages have is left out, "packages": so
 * it is, and they come beside it, ...fetch options}. CENV_EUSAGE: `path` is there, or a template
 * serves one run only; CENV_EINTEGRITY: one was altered. Appends {"path", "size", "seconds",
 * "templates": [{"id", "members", "bytes", "shared": those of `bytes` that the archive had already,
 * "linked", "packages": how many, "skipped": [{"path", "reason"}]}]}.
 */
int cenv_template_export(struct cenv_store *store, const char *path,
                         const char *options_json, struct cenv_task *task,
                         struct cenv_buf *out, struct cenv_error *err);

/*
 * Takes in the templates of such an archive, or an older one, relocated to this store; those that
 * are there are passed over. `options_json`: {"virtual_packages": [[name, version, build]] of this
 * machine, which must satisfy theirs, ...fetch options}. CENV_EINTEGRITY: damaged, or its records
 * are not those of its ids; CENV_EPREFIX: for another kind of machine. What it holds is trusted as
 * far as its maker. Appends {"templates": [{..., "imported": bool}], "seconds"}.
 */
int cenv_template_import(struct cenv_store *store, const char *path,
                         const char *options_json, struct cenv_task *task,
                         struct cenv_buf *out, struct cenv_error *err);

/*
 * Compares the environment `path` with the manifest made when it was built (a template of the
 * store) or last cloned (any other), by fstatat: size, mtime, mode, owner and inode of every
 * file, and what came into its directories but bytecode. Clones in mode hardlink share inodes
 * with it: this finds what was written through one of them. link(2) changes ctime, so a ctime is
 * no proof; with "since_us" (us since 1970: when the last link to it was made) files changed
 * later are read and compared with their package's hash, unless they are so many that somebody
 * else must have linked them; with "content" all are. Appends {"known": whether there is a
 * manifest, "checked", "altered": [{"path", "what": "missing" | "type" | "replaced" | "size" |
 * "time" | "mode" | "owner" | "content" | "added"}], "forgotten": altered memories, "seconds"}.
 */
int cenv_template_check(struct cenv_store *store, const char *path,
                        const char *options_json, struct cenv_task *task,
                        struct cenv_buf *out, struct cenv_error *err);

/*
 * Checks the template `id` ("content": true in `options_json` reads all) while nobody else
 * builds it and, when it is altered, builds it anew from its packages; one with a set-up or a
 * base, which only its caller can repeat, is dropped instead ("drop": true drops any: a mirror
 * is copied again). Existing clones keep what they share with the old one. Appends {"altered":
 * as in check, "action": "none" | "built" | "dropped"}.
 */
int cenv_template_repair(struct cenv_store *store, const char *id,
                         const char *options_json, struct cenv_task *task,
                         struct cenv_buf *out, struct cenv_error *err);

/* Remembers, and finds again, what a request (any text: specs, channels, repodata identity) led to.
 * find appends nothing and returns 1 when the request is not known. */
int cenv_request_put(struct cenv_store *store, const char *request,
                     const char *reply_json, struct cenv_error *err);
int cenv_request_find(struct cenv_store *store, const char *request,
                      struct cenv_buf *out, struct cenv_error *err);

/* Removes what no lease holds and nobody used, oldest first, down to `max_bytes`. Appends
 * {"removed", "bytes", "left"}. */
int cenv_store_gc(struct cenv_store *store, uint64_t max_bytes, struct cenv_task *task,
                  struct cenv_buf *out, struct cenv_error *err);

/* What cenv_store_gc would remove now, as it tells; nothing is, and no lease is in its way. */
int cenv_store_gc_look(struct cenv_store *store, uint64_t max_bytes,
                       struct cenv_task *task, struct cenv_buf *out,
                       struct cenv_error *err);

/* Whether processes died while they worked in the store: then a sweep is due. A quick look. */
bool cenv_store_has_leftovers(struct cenv_store *store);

/* Removes clones whose owner died, and scratch left by killed runs. Appends {"removed":
 * [paths]}. */
int cenv_store_sweep(struct cenv_store *store, struct cenv_task *task,
                     struct cenv_buf *out, struct cenv_error *err);

/* What a sweep would remove, left where it is. Appends [{"what": "clone" (its owner died),
 * "unfinished" (a clone that a killed process was making), "work" or "template" (the same in the
 * store), "path"}]. */
int cenv_store_orphans(struct cenv_store *store, struct cenv_task *task,
                       struct cenv_buf *out, struct cenv_error *err);

/*
 * One holder at a time for `key` (any text), over all processes of the machine; a turn ends with
 * its holder, however that ends. Waits, polling `task`, whose progress names the holder. Take no
 * two.
 */
struct cenv_turn;
int cenv_turn_take(struct cenv_store *store, const char *key, struct cenv_turn **turn,
                   struct cenv_task *task, struct cenv_error *err);
void cenv_turn_free(struct cenv_turn *turn); /* NULL is fine; before the store */

/*
 * Whose a clone is from now: of the process `pid`, or nobody's (0), which no sweep removes. A path
 * that is no clone of this store is CENV_EUSAGE.
 */
int cenv_clone_set_owner(struct cenv_store *store, const char *path, int64_t pid,
                         struct cenv_error *err);

/*
 * Tells that the process `pid` makes clones in the directory `path`: when it is gone, a sweep
 * removes what was not finished there, and the directory when it is empty. pid 0: no longer.
 */
int cenv_clones_home(struct cenv_store *store, const char *path, int64_t pid,
                     struct cenv_error *err);

/* While a lease is held gc removes nothing. */
struct cenv_lease;
int cenv_lease_take(struct cenv_store *store, struct cenv_lease **lease,
                    struct cenv_error *err);
void cenv_lease_free(struct cenv_lease *lease);

/* ---- create (link/create) ---- */

/*
 * Fetches what the store lacks and links `records_json` (in link order) into a new prefix, which
 * must not exist or be an empty directory. `options_json`: {"link_mode": "auto|reflink|hardlink|
 * copy", "specs": ["..."], "cmd": "...", "compile": true, "scripts": true, "offline": false,
 * "threads": 0}, all optional. Appends {"records", "prefix", "seconds", "stages", "files",
 * "linked": {...}, "fallbacks", "warnings", "messages"} to `out`. All or nothing: after any
 * failure the prefix is as it was.
 */
int cenv_create(struct cenv_store *store, const char *prefix, const char *records_json,
                const char *options_json, struct cenv_task *task, struct cenv_buf *out,
                struct cenv_error *err);

/* The names that "link_mode" takes, in the order in which to offer them; NULL behind the last. */
const char *cenv_create_link_mode(unsigned index);

/* ---- clones (room clone: a file each) ---- */

/*
 * Clones the environment `src` (a template of the store, a conda environment of any tool, or a
 * venv) to `dst`, which must not exist or be an empty directory. `store` (or NULL) keeps manifests.
 * Of a clone that `store` knows and nobody changed its template is cloned, held by a lease, for the
 * clone's request, unless "provenance" tells of another. `options_json`, all optional:
 *
 *     "mode"        auto, snapshot, reflink, hardlink, copy or overlay
 *     "namespace"   for overlay what cenv_namespace_enter gave
 *     "threads"     0: as many as are of use
 *     "owner"       pid or 0: the clone is swept when that process is gone
 *     "provenance"  what records and history tell of the request, see clone/provenance.h
 *     "note"        a text that cenv_reset of the clone tells
 *     "memory"      bytes that memories of paths may take; with "remember" `dst` gets one now
 *
 * Appends {"prefix", "source", "mode", "files", "relocated", "remembered", "bytes_copied",
 * "bytes_shared", "seconds", "fallbacks": {reason: files}, "passed_over": {mode that auto did not
 * take: reason}, "skipped", "unrelocatable", "notices": [{"path", "reason"}]}. Atomic.
 */
int cenv_clone(struct cenv_store *store, const char *src, const char *dst,
               const char *options_json, struct cenv_task *task, struct cenv_buf *out,
               struct cenv_error *err);

/* The names that "mode" takes, in the same way. */
const char *cenv_clone_mode_name(unsigned index);

/*
 * Mode overlay: the process, with one thread and at its start, enters a mount namespace of its own,
 * in which its clones are mounted for it and its children. Appends the namespace's name, which
 * tells a child (by cenv_namespace_name) that it is in there. In a user namespace programs that
 * the process starts may mount only after `share`, and call `settle` early. CENV_ELINK with the
 * reason and what to do where the machine refuses.
 */
int cenv_namespace_enter(struct cenv_buf *out, struct cenv_error *err);
int cenv_namespace_name(struct cenv_buf *out, struct cenv_error *err);
int cenv_namespace_share(struct cenv_error *err);
int cenv_namespace_settle(struct cenv_error *err);

/* Unmounts an overlay clone and removes its directory; not mounted, or absent, is fine. With
 * `store` (or NULL) its entry there goes too. */
int cenv_overlay_remove(struct cenv_store *store, const char *path,
                        struct cenv_error *err);

/*
 * Makes a clone that `store` knows permanent: no sweep takes it. An overlay clone becomes a real
 * directory at its path, visible outside the namespace, exactly as it was seen, and its mounts go.
 * Appends what cenv_clone does.
 */
int cenv_materialize(struct cenv_store *store, const char *clone,
                     struct cenv_task *task, struct cenv_buf *out,
                     struct cenv_error *err);

/*
 * Renames the clone `path` (absolute) to a hidden sibling, so that it can be removed in the
 * background, and appends the sibling's path, as bytes. What a killed process leaves of it, a sweep
 * finds.
 */
int cenv_clone_set_aside(struct cenv_store *store, const char *path,
                         struct cenv_buf *out, struct cenv_error *err);

/*
 * Removes a tree: no link followed, read-only directories handled. Absent is fine. `store` (or
 * NULL) forgets it if it is a clone it knows: the one of `clone`, where that was set aside, else
 * of `path` (both absolute and clean); that never fails the removal.
 */
int cenv_remove(struct cenv_store *store, const char *path, const char *clone,
                struct cenv_task *task, struct cenv_error *err);

/* ---- prefix relocation (relocate/relocate) ---- */

/*
 * Appends `data`, a pristine file of a package, as it reads once installed at `prefix`: every
 * `placeholder` replaced in conda's five encodings; `binary` (file_mode of paths.json) keeps the
 * length by padding C strings with NULs and fails with CENV_EPREFIX when the prefix is longer than
 * the placeholder; text gets a first line that runs (127 bytes, no space in the interpreter).
 */
int cenv_relocate(struct cenv_str data, struct cenv_str placeholder,
                  struct cenv_str prefix, bool binary, struct cenv_buf *out,
                  struct cenv_error *err);

/* ---- views (clone/view): Linux, as root or where user namespaces are allowed ---- */
/*
 * Shows the calling process, which must have one thread, a private writable copy of `prefix` at its
 * own path, or the environment of layers (cenv_layer.h) with that entry. Writes go to `upper` and
 * `work`, directories, or with NULL to memory that vanishes with the process and its children.
 * CENV_ELINK with the reason where the machine refuses.
 */
int cenv_view_enter(const char *prefix, const char *upper, const char *work,
                    struct cenv_error *err);

/* A program to run in a throw-away view. Lists end with NULL; paths are absolute. */
struct cenv_view {
    const char *prefix, *program, *cwd;
    const char *const *argv;
    const char *const *envp;
    int stdio[3]; /* descriptors, or -1 to inherit */
    bool new_session;
};

/* Starts it, from any thread of any process; the caller waits for *pid. */
int cenv_view_spawn(const struct cenv_view *view, int *pid, struct cenv_error *err);

/* ---- programs (clone/program) ---- */

/*
 * A program to run, in a session of its own. Lists end with NULL. `stdio`: descriptors, or as in
 * Python's subprocess -1 a pipe of ours, -2 (stderr) where stdout goes, -3 nothing; -4 is ours.
 */
struct cenv_program {
    const char *view; /* the prefix to show it a throw-away view of, or NULL */
    const char *const *argv;
    const char *const *envp;
    const char *cwd; /* or NULL: this process's; absolute for a view */
    int stdio[3];
    /* Its pipes are read until it ends, also when a child of it keeps them. */
    bool until_exit;
};

/* How it ended: its exit status, or minus the signal; what it said to pipes, which the caller
 * initialises and releases. */
struct cenv_program_end {
    int status;
    bool timed_out;
    struct cenv_buf said[2];
};

/*
 * Runs it to its end, giving it `input`. After `timeout_ms` (< 0: none), when the task is cancelled
 * or it says more than a buffer holds, it is killed with all that it started in its session. A
 * program that fails is no error.
 */
int cenv_program_run(const struct cenv_program *program, struct cenv_str input,
                     int64_t timeout_ms, struct cenv_program_end *end,
                     struct cenv_task *task, struct cenv_error *err);

/* Starts it; *pid is waited for by cenv_program_wait, and our ends of its pipes (or -1) are the
 * caller's. */
int cenv_program_start(const struct cenv_program *program, int *pid, int pipes[3],
                       struct cenv_error *err);
int cenv_program_wait(int pid, struct cenv_program_end *end, struct cenv_task *task,
                      struct cenv_error *err);

/* Appends the path of the program `name` on `path`, a list as PATH is; 1: there is none. */
int cenv_program_find(const char *name, const char *path, struct cenv_buf *out);

/* ---- activation (prefix/activation) ---- */

/*
 * Appends the files that make activating `prefix` what it is, in conda's order: those of
 * etc/conda/env_vars.d, conda-meta/state, the scripts of etc/conda/activate.d. For each: its path
 * below the prefix, NUL, its size in decimal, NUL, its bytes (1 MiB at most).
 */
int cenv_activation_read(const char *prefix, struct cenv_buf *out,
                         struct cenv_error *err);

/* ---- verify (prefix/verify) ---- */

/* Checks every file of `prefix` against its record. Appends {"ok", "missing", "altered",
 * "unmanaged", "warnings": [what records could not be used, and so not be checked], "checked"}. */
int cenv_verify(const char *prefix, struct cenv_task *task, struct cenv_buf *out,
                struct cenv_error *err);

/* ---- machine (api/doctor) ---- */

/* What this machine can do in `directory`: appends {"kernel", "glibc", "microarch", "cuda", "cpus",
 * "subdir", "filesystem", "filesystem_id" (one for all subvolumes), "free", "network", "reflink",
 * "hardlink", "snapshot": {"works", "removed_at_once", "reason"}, "overlay": {"works",
 * "reason"}}. */
int cenv_doctor(const char *directory, struct cenv_buf *out, struct cenv_error *err);

/* Only "filesystem", "filesystem_id", "free" and "network": nothing is tried. */
int cenv_file_system(const char *dir, struct cenv_buf *out, struct cenv_error *err);

/* Whether libcurl is in this library, as in wheels (net/certificates): no distribution then told it
 * where the certificates of authorities are. */
bool cenv_carries_libcurl(void);

/* The subdir of the machine this was compiled for ("linux-64"); a literal. */
const char *cenv_current_subdir(void);

/* The virtual packages of `subdir` (NULL: this machine's): appends [[name, version, build]].
 * `overrides`: pairs NAME, VALUE of CONDA_OVERRIDE_NAME, ended by NULL. */
int cenv_virtual_packages(const char *subdir, const char *const *overrides,
                          struct cenv_buf *out, struct cenv_error *err);

#include "cenv_layer.h"
#include "cenv_remote.h"
#include "cenv_reset.h"

#ifdef __cplusplus
}
#endif
#endif
