/* SPDX-License-Identifier: BSD-3-Clause */
/* Bytecode of noarch python packages in the store: compiled once per package and python. */
#include "link/bytecode.h"

#include <errno.h>
#include <stdio.h>

#include "base/digest.h"
#include "base/hex.h"
#include "base/pool.h"
#include "codec/json.h"
#include "os/fs.h"
#include "os/fs_beneath.h"
#include "os/fs_data.h"
#include "os/fs_place.h"
#include "os/path.h"
#include "package/package_manifest.h"
#include "store/package_entry.h"
#include "store/publish.h"
#include "store/scratch.h"

#define FORMAT "cenv bytecode 1"

enum { PATH_BUF_MAX = 1 << 20 };

struct keeper {
    struct cenv_linker *linker;
    struct cenv_str python; /* SHA-256 of the python package */
};

/* ---- what is the same in every prefix ---- */

/* Bytecode of a source that lies there just as the package has it. */
static bool is_common(const struct cenv_link_plan *plan,
                      const struct cenv_link_entry *pyc)
{
    if (pyc->kind != CENV_KIND_PYC || pyc->winner != CENV_NONE)
        return false;
    const struct cenv_link_entry *py = &plan->entries[pyc->py];
    return py->kind == CENV_KIND_FILE && py->winner == CENV_NONE;
}

static bool has_bytecode(const struct cenv_link_plan *plan,
                         const struct cenv_plan_package *package)
{
    for (uint32_t i = package->first; i < package->first + package->nr; i++)
        if (is_common(plan, &plan->entries[i]))
            return true;
    return false;
}

static struct cenv_str digest_of(const struct cenv_json *record)
{
    struct cenv_str digest = cenv_json_get_str(record, "sha256");

    return digest.len == CENV_DIGEST_HEX_MAX - 1 ? digest : (struct cenv_str){"", 0};
}

static struct cenv_str find_python_digest(const struct cenv_linker *linker)
{
    const struct cenv_link_plan *plan = linker->plan;
    const struct cenv_json *python = linker->options->python;

    for (size_t i = 0; i < plan->nr_packages; i++)
        if (cenv_str_is(plan->packages[i].name, "python"))
            python = plan->packages[i].record;
    return python ? digest_of(python) : (struct cenv_str){"", 0};
}

/* False when the package or the python has no digest: then there is nothing to go by. */
static bool make_key(const struct keeper *k, const struct cenv_plan_package *package,
                     char key[CENV_DIGEST_HEX_MAX])
{
    struct cenv_str own = digest_of(package->record);
    struct cenv_buf text;

    if (!own.len || !k->python.len)
        return false;
    cenv_buf_init(&text, CENV_PATH_PACKAGE_MAX * 2);
    cenv_buf_addf(&text, "%s\n%.*s\n%.*s\n%.*s\n", FORMAT, CENV_STR_ARG(own),
                  CENV_STR_ARG(k->python),
                  CENV_STR_ARG(k->linker->plan->site_packages));
    bool made = !text.failed && cenv_digest_sha256_hex(cenv_buf_str(&text), key);
    cenv_buf_release(&text);
    return made;
}

/* ---- taking ---- */

struct dir_pair {
    struct cenv_dirs from, to;
};

/* 0 or -errno; entries that have no bytecode in the store are dropped. */
static int take_entry(const struct cenv_linker *linker, struct dir_pair *at,
                      struct cenv_link_entry *pyc)
{
    struct cenv_str from_name, to_name;
    enum cenv_place_mode got;
    int from = cenv_dirs_parent(&at->from, pyc->target, 0, &from_name);
    int to = cenv_dirs_parent(&at->to, pyc->real, 0, &to_name);

    if (from == -ENOENT) {
        pyc->dropped = true;
        return 0;
    }
    if (from < 0 || to < 0)
        return from < 0 ? from : to;
    int rc = cenv_raw_place(from, from_name.data, NULL, to, to_name.data, linker->mode,
                            true, &got, NULL);
    pyc->dropped = rc == -ENOENT; /* it did not compile then, and will not now */
    pyc->done = rc >= 0;
    return pyc->dropped || pyc->done ? 0 : rc;
}

static void take_entries(const struct cenv_linker *linker,
                         const struct cenv_plan_package *package, int content)
{
    struct dir_pair at;

    cenv_dirs_init(&at.from, content);
    cenv_dirs_init(&at.to, linker->root);
    for (uint32_t i = package->first; i < package->first + package->nr; i++) {
        struct cenv_link_entry *pyc = &linker->plan->entries[i];
        if (is_common(linker->plan, pyc) && !pyc->done && !pyc->dropped &&
            take_entry(linker, &at, pyc) < 0)
            break; /* what is missing is compiled */
    }
    cenv_dirs_release(&at.from);
    cenv_dirs_release(&at.to);
}

static int take_package(void *ctx, size_t index, unsigned thread,
                        struct cenv_error *err)
{
    const struct keeper *k = ctx;
    struct cenv_plan_package *package = &k->linker->plan->packages[index];
    char key[CENV_DIGEST_HEX_MAX];
    struct cenv_buf path;
    int content = -1;

    (void)thread;
    if (!has_bytecode(k->linker->plan, package) || !make_key(k, package, key))
        return 0;
    cenv_buf_init(&path, PATH_BUF_MAX);
    int rc = cenv_package_entry_find(k->linker->options->store, cenv_str(key), &path,
                                     NULL, k->linker->task, err);
    if (rc == 0)
        content = cenv_raw_open_dir(CENV_CWD, path.data);
    if (content >= 0)
        take_entries(k->linker, package, content);
    package->new_bytecode = rc == 1;
    cenv_fd_close(content);
    cenv_buf_release(&path);
    return rc < 0 ? rc : 0;
}

int cenv_link_bytecode_take(struct cenv_linker *linker, struct cenv_error *err)
{
    struct keeper k = {linker, find_python_digest(linker)};

    if (!linker->options->store || !k.python.len)
        return 0;
    return cenv_pool_run(linker->threads, linker->plan->nr_packages, take_package, &k,
                         linker->task, err);
}

/* ---- keeping ---- */

/* One copy, hashed on the way; its time and mode are the file's. */
static int keep_entry(struct dir_pair *at, const struct cenv_link_entry *pyc,
                      struct cenv_package_manifest *manifest, struct cenv_error *err)
{
    struct cenv_package_file kept = {.path = pyc->target, .type = CENV_FT_FILE};
    struct cenv_mapping data = {0};
    struct cenv_str from_name, to_name;
    char hex[CENV_DIGEST_HEX_MAX];
    enum cenv_place_mode got;
    struct cenv_stat st;
    int from = cenv_dirs_parent(&at->from, pyc->real, 0, &from_name);
    int to = from < 0 ? from : cenv_dirs_parent(&at->to, pyc->target, 0755, &to_name);
    int raw = to < 0 ? to : 0;

    if (raw == 0)
        raw = cenv_raw_place(from, from_name.data, NULL, to, to_name.data,
                             CENV_PLACE_AUTO, true, &got, NULL);
    if (raw >= 0)
        raw = cenv_raw_stat(to, to_name.data, &st);
    if (raw < 0)
        return cenv_fs_fail(err, raw, at->to.root, pyc->target.data, "cannot keep");
    int rc = cenv_fs_map_file(to, to_name.data, &data, err);
    if (rc < 0)
        return rc;
    bool hashed = cenv_digest_sha256_hex(cenv_str_n(data.data, data.len), hex);
    cenv_mapping_release(&data);
    kept.mode = st.mode;
    kept.size = st.size;
    kept.mtime_ns = st.mtime_ns;
    if (!hashed || !cenv_unhex(cenv_str(hex), kept.sha256, sizeof(kept.sha256)) ||
        !cenv_package_manifest_add(manifest, &kept))
        return cenv_error_oom(err);
    return 0;
}

static int keep_content(const struct cenv_linker *linker,
                        const struct cenv_plan_package *package, int content,
                        struct cenv_package_manifest *manifest, struct cenv_error *err)
{
    struct dir_pair at;
    int rc = 0;

    cenv_dirs_init(&at.from, linker->root);
    cenv_dirs_init(&at.to, content);
    for (uint32_t i = package->first; rc == 0 && i < package->first + package->nr;
         i++) {
        const struct cenv_link_entry *pyc = &linker->plan->entries[i];
        if (is_common(linker->plan, pyc) && pyc->done)
            rc = keep_entry(&at, pyc, manifest, err);
    }
    cenv_dirs_release(&at.from);
    cenv_dirs_release(&at.to);
    return rc;
}

/* An entry of the store in the making: content/, manifest and record.json, below `scratch`. */
static int keep_package(const struct cenv_linker *linker,
                        const struct cenv_plan_package *package,
                        const struct cenv_scratch *scratch, const char *key,
                        struct cenv_error *err)
{
    struct cenv_package_manifest manifest;
    int entry, content;

    cenv_package_manifest_init(&manifest);
    int rc = cenv_package_entry_make(scratch, key, &entry, &content, err);
    if (rc == 0)
        rc = keep_content(linker, package, content, &manifest, err);
    if (rc == 0)
        rc = cenv_package_manifest_write(&manifest, entry, CENV_PKG_MANIFEST, err);
    if (rc == 0)
        rc = cenv_package_entry_write_kind(entry, "bytecode", package->dist, err);
    cenv_fd_close(content);
    cenv_fd_close(entry);
    cenv_package_manifest_release(&manifest);
    return rc;
}

struct keeping {
    struct keeper keeper;
    struct cenv_scratch scratch;
};

static int keep_one(void *ctx, size_t index, unsigned thread, struct cenv_error *err)
{
    const struct keeping *keeping = ctx;
    const struct cenv_linker *linker = keeping->keeper.linker;
    const struct cenv_plan_package *package = &linker->plan->packages[index];
    char key[CENV_DIGEST_HEX_MAX];

    (void)thread;
    if (!package->new_bytecode || !make_key(&keeping->keeper, package, key))
        return 0;
    return keep_package(linker, package, &keeping->scratch, key, err);
}

static void publish_packages(const struct keeping *keeping, struct cenv_error *err)
{
    const struct cenv_linker *linker = keeping->keeper.linker;
    char key[CENV_DIGEST_HEX_MAX];
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < linker->plan->nr_packages; i++) {
        const struct cenv_plan_package *package = &linker->plan->packages[i];
        if (package->new_bytecode && make_key(&keeping->keeper, package, key))
            rc = cenv_package_entry_publish(linker->options->store, cenv_str(key),
                                            &keeping->scratch, key, true, err);
    }
}

void cenv_link_bytecode_keep(struct cenv_linker *linker)
{
    const struct cenv_store *store = linker->options->store;
    size_t nr = linker->plan->nr_packages;
    struct keeping keeping = {.keeper = {linker, find_python_digest(linker)}};
    struct cenv_error ignored = CENV_ERROR_INIT;
    bool any = false;

    for (size_t i = 0; i < nr; i++)
        any |= linker->plan->packages[i].new_bytecode;
    if (!any || cenv_scratch_open(store, &keeping.scratch, &ignored) < 0) {
        cenv_error_release(&ignored);
        return;
    }
    /* All are written, then synced once, then published. */
    int rc =
        cenv_pool_run(linker->threads, nr, keep_one, &keeping, linker->task, &ignored);
    if (rc == 0)
        rc = cenv_publish_sync(store, linker->task, &ignored);
    if (rc == 0)
        publish_packages(&keeping, &ignored);
    cenv_scratch_close(store, &keeping.scratch);
    cenv_error_release(&ignored);
}
