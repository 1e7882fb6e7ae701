/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Planning: packages in, one consistent picture of the prefix out.
 *
 * The later package wins a path (link order is topological, so what depends on a package may
 * replace its files), as in conda; both records list it. A path below another package's link to a
 * directory goes where the kernel would put it, provided that is inside the prefix: execution then
 * meets no link and can use plain descriptors of directories it made itself.
 */
#include "link/plan.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/pool.h"
#include "codec/json.h"
#include "link/input.h"
#include "link/mtimes.h"
#include "link/plan_check.h"
#include "link/plan_nesting.h"
#include "os/fs.h"
#include "os/path.h"
#include "prefix/site_packages.h"

enum { MAX_LINKS = 40 }; /* as the kernel's limit on links in one path */

struct planner {
    struct cenv_link_plan *plan;
    const struct cenv_link_options *options;
    struct cenv_link_stats *stats;
    struct cenv_task *task;
    struct cenv_error *err;
};

static const char *dist_of(const struct planner *p, const struct cenv_link_entry *entry)
{
    return p->plan->packages[entry->package].dist.data;
}

/* ---- reading the packages ---- */

static int read_package(void *ctx, size_t index, unsigned thread,
                        struct cenv_error *err)
{
    struct planner *p = ctx;
    struct cenv_plan_package *package = &p->plan->packages[index];

    (void)thread;
    package->content = cenv_fs_open_root(package->package->content, err);
    if (package->content < 0)
        return package->content;
    return cenv_paths_json_read(&package->info, package->content, package->dist.data,
                                p->task, err);
}

static int read_record(struct planner *p, struct cenv_plan_package *package)
{
    int rc = cenv_json_parse(&package->record, package->package->record,
                             "record to link", p->err);

    if (rc < 0)
        return rc;
    package->name = cenv_json_get_str(package->record, "name");
    package->version = cenv_json_get_str(package->record, "version");
    package->noarch_python =
        cenv_str_is(cenv_json_get_str(package->record, "noarch"), "python");
    return cenv_link_input_dist(package->record, &p->plan->arena, &package->dist,
                                p->err);
}

static int read_packages(struct planner *p, const struct cenv_link_package *packages,
                         size_t nr)
{
    int rc = 0;

    p->plan->packages = cenv_calloc(nr ? nr : 1, sizeof(*p->plan->packages));
    if (!p->plan->packages)
        return cenv_error_oom(p->err);
    for (size_t i = 0; i < nr; i++)
        p->plan->packages[i].content = -1;
    p->plan->nr_packages = nr;
    for (size_t i = 0; rc == 0 && i < nr; i++) {
        p->plan->packages[i].package = &packages[i];
        rc = read_record(p, &p->plan->packages[i]);
    }
    if (rc == 0)
        rc = cenv_pool_run(p->options->threads, nr, read_package, p, p->task, p->err);
    return rc;
}

/* The python they are linked for: one of the packages, or of the environment they come to. */
static int find_python(struct planner *p)
{
    const struct cenv_json *python = p->options->python;
    struct cenv_buf path;

    for (size_t i = 0; i < p->plan->nr_packages; i++) {
        struct cenv_plan_package *package = &p->plan->packages[i];
        package->noarch_python |= package->info.noarch_python;
        if (cenv_str_is(package->name, "python"))
            python = package->record;
    }
    if (!python)
        return 0;
    struct cenv_str version = cenv_json_get_str(python, "version");
    cenv_buf_init(&path, CENV_PATH_PACKAGE_MAX);
    int rc = cenv_site_packages_path(
        version, cenv_link_input_build(python),
        cenv_json_get_str(python, "python_site_packages_path"), &path, p->err);
    p->plan->python_version = cenv_site_packages_python_version(version);
    if (rc == 0) {
        p->plan->site_packages = cenv_arena_str(&p->plan->arena, cenv_buf_str(&path));
        if (!p->plan->site_packages.data)
            rc = cenv_error_oom(p->err);
    }
    cenv_buf_release(&path);
    return rc;
}

/* ---- entries ---- */

/* What is known of a conflict with the entry that had the path until now. */
static int replace_entry(struct planner *p, uint32_t old, uint32_t now)
{
    struct cenv_link_entry *loser = &p->plan->entries[old],
                           *winner = &p->plan->entries[now];

    bool was_dir = loser->kind == CENV_KIND_DIRECTORY,
         is_dir = winner->kind == CENV_KIND_DIRECTORY;
    if (is_dir && loser->kind == CENV_KIND_SYMLINK) {
        cenv_link_plan_cover(p->plan, now, old);
        return 0;
    }
    if (was_dir != is_dir)
        cenv_link_plan_cover(p->plan, old, now);
    loser->winner = now;
    if (was_dir || loser->package == winner->package)
        return 0;
    if (!cenv_link_stats_warn(
            p->stats, "'%.*s' is in %s and in %s; the latter's is used",
            CENV_STR_ARG(winner->target), dist_of(p, loser), dist_of(p, winner)))
        return cenv_error_oom(p->err);
    return 0;
}

/* Adds the entry under its target; *out stays valid only until the next one. */
static int add_entry(struct planner *p, const struct cenv_link_entry *entry)
{
    struct cenv_link_plan *plan = p->plan;
    uint32_t now = (uint32_t)plan->nr,
             old = cenv_map_get(&plan->targets, entry->target);
    void *list = plan->entries;

    if (plan->nr >= CENV_NONE - 1 ||
        !cenv_grow(&list, &plan->alloc, plan->nr, sizeof(*entry)))
        return cenv_error_oom(p->err);
    plan->entries = list;
    plan->entries[plan->nr++] = *entry;
    int rc = old == CENV_NONE ? 0 : replace_entry(p, old, now);
    if (rc == 0 && plan->entries[now].winner == CENV_NONE &&
        !cenv_map_put(&plan->targets, plan->entries[now].target, now))
        rc = cenv_error_oom(p->err);
    return rc;
}

/* Recreated as it is all the same: what it says may be there on the user's machine. */
static int check_link(struct planner *p, const struct cenv_plan_package *package,
                      const struct cenv_link_entry *entry)
{
    if (cenv_path_link_stays(entry->target, entry->link))
        return 0;
    if (!cenv_link_stats_warn(
            p->stats, "%s: link '%.*s' points out of the prefix, to '%.*s'",
            package->dist.data, CENV_STR_ARG(entry->target), CENV_STR_ARG(entry->link)))
        return cenv_error_oom(p->err);
    return 0;
}

static enum cenv_link_kind kind_of(const struct cenv_package_path *path)
{
    return path->type == CENV_PATH_SOFTLINK    ? CENV_KIND_SYMLINK
           : path->type == CENV_PATH_DIRECTORY ? CENV_KIND_DIRECTORY
           : path->placeholder.len             ? CENV_KIND_RELOCATED
                                               : CENV_KIND_FILE;
}

/* What tells about the environment is written by installers only. */
static bool is_record(struct cenv_str path)
{
    return cenv_str_is(path, "conda-meta") || cenv_str_is(path, "conda-meta/history") ||
           cenv_str_is(path, "conda-meta/created_at") ||
           (cenv_str_starts(path, CENV_STR("conda-meta/")) &&
            cenv_str_ends(path, CENV_STR(".json")));
}

static int find_needle(struct planner *p, struct cenv_str placeholder, uint32_t *out)
{
    struct cenv_link_plan *plan = p->plan;
    void *list = plan->needles;

    *out = cenv_map_get(&plan->needle_map, placeholder);
    if (*out != CENV_NONE)
        return 0;
    if (!cenv_grow(&list, &plan->alloc_needles, plan->nr_needles,
                   sizeof(*plan->needles)))
        return cenv_error_oom(p->err);
    plan->needles = list;
    *out = (uint32_t)plan->nr_needles;
    int rc = cenv_forms_init(&plan->needles[plan->nr_needles], placeholder, p->err);
    if (rc < 0)
        return rc;
    placeholder = plan->needles[plan->nr_needles++].of[CENV_ENC_UTF8];
    return cenv_map_put(&plan->needle_map, placeholder, *out) ? 0
                                                              : cenv_error_oom(p->err);
}

static int add_path(struct planner *p, const struct cenv_plan_package *package,
                    const struct cenv_package_path *path)
{
    struct cenv_link_entry entry = {
        .target = path->path,
        .source = path->path,
        .placeholder = path->placeholder,
        .link = path->link,
        .sha256 = path->sha256,
        .size = path->size,
        .mtime_ns = path->mtime_ns,
        .mode = path->mode,
        .package = (uint32_t)(package - p->plan->packages),
        .winner = CENV_NONE,
        .kind = (uint8_t)kind_of(path),
        .file_mode = (uint8_t)path->file_mode,
        .no_link = path->no_link,
    };

    if (is_record(path->path))
        return cenv_error_set(p->err, CENV_ELINK,
                              "package %s ships '%.*s', which is not its to write",
                              package->dist.data, CENV_STR_ARG(path->path));
    if (package->noarch_python &&
        !cenv_site_packages_map_path(path->path, p->plan->site_packages,
                                     &p->plan->arena, &entry.target))
        return cenv_error_oom(p->err);
    int rc = 0;
    if (entry.kind == CENV_KIND_SYMLINK)
        rc = check_link(p, package, &entry);
    else if (entry.kind == CENV_KIND_RELOCATED)
        rc = find_needle(p, path->placeholder, &entry.needle);
    if (rc == 0)
        rc = add_entry(p, &entry);
    return rc;
}

/* "bin/<command>"; the script's own time is that of the package's link.json: fixed, not now. */
static int add_entry_point(struct planner *p, const struct cenv_plan_package *package,
                           struct cenv_str definition, int64_t mtime_ns)
{
    struct cenv_link_entry entry = {
        .package = (uint32_t)(package - p->plan->packages),
        .winner = CENV_NONE,
        .kind = CENV_KIND_ENTRY_POINT,
        .mode = 0755,
        .new_mtime_ns = mtime_ns,
    };
    int rc = cenv_entry_point_parse(&entry.point, definition, p->err);

    if (rc < 0)
        return cenv_error_prefix(p->err, "package %s", package->dist.data);
    size_t len = entry.point.command.len + 4;
    char *path = cenv_arena_alloc(&p->plan->arena, len + 1);
    if (!path)
        return cenv_error_oom(p->err);
    snprintf(path, len + 1, "bin/%.*s", CENV_STR_ARG(entry.point.command));
    entry.target = cenv_str_n(path, len);
    return add_entry(p, &entry);
}

static int add_entry_points(struct planner *p, const struct cenv_plan_package *package)
{
    const struct cenv_json *item;
    struct cenv_stat st = {0};
    /* The package may have the older package_metadata.json. */
    int rc = cenv_raw_stat(package->content, "info/link.json", &st);

    if (rc < 0)
        rc = rc == -ENOENT ? 0
                           : cenv_fs_fail(p->err, rc, package->content,
                                          "info/link.json", "cannot look at");
    cenv_json_each(item, package->info.entries)
    {
        if (rc == 0)
            rc = add_entry_point(p, package, cenv_json_str(item), st.mtime_ns);
    }
    return rc;
}

/* "a/__pycache__/b.cpython-312.pyc" of "a/b.py" (no "t" in the tag of free-threaded builds). */
static int format_pyc_path(struct planner *p, struct cenv_str source,
                           struct cenv_str *out)
{
    struct cenv_str dir = cenv_path_parent(source), base = cenv_path_base(source);
    struct cenv_str rest = p->plan->python_version, major = cenv_str_cut(&rest, '.');
    size_t most = source.len + rest.len + major.len + 32;
    char *text = cenv_arena_alloc(&p->plan->arena, most);

    if (!text)
        return cenv_error_oom(p->err);
    int len = snprintf(text, most, "%.*s%s__pycache__/%.*s.cpython-%.*s%.*s.pyc",
                       CENV_STR_ARG(dir), dir.len ? "/" : "", (int)base.len - 3,
                       base.data, CENV_STR_ARG(major), CENV_STR_ARG(rest));
    *out = cenv_str_n(text, (size_t)len);
    return 0;
}

/* conda's rule: only site-packages/...py of noarch python; what the package ships is left alone. */
static int add_bytecode(struct planner *p, uint32_t first)
{
    uint32_t last = (uint32_t)p->plan->nr;
    int rc = 0;

    for (uint32_t i = first; rc == 0 && i < last; i++) {
        const struct cenv_link_entry *py = &p->plan->entries[i];
        bool wanted = (py->kind == CENV_KIND_FILE || py->kind == CENV_KIND_RELOCATED) &&
                      cenv_str_starts(py->source, CENV_STR("site-packages/")) &&
                      cenv_str_ends(py->source, CENV_STR(".py"));
        if (!wanted)
            continue;
        struct cenv_link_entry pyc = {.source = py->target,
                                      .package = py->package,
                                      .py = i,
                                      .winner = CENV_NONE,
                                      .kind = CENV_KIND_PYC};
        rc = format_pyc_path(p, py->target, &pyc.target);
        if (rc == 0 && cenv_map_get(&p->plan->targets, pyc.target) == CENV_NONE)
            rc = add_entry(p, &pyc);
    }
    return rc;
}

static int add_package(struct planner *p, struct cenv_plan_package *package)
{
    int rc = 0;

    package->first = (uint32_t)p->plan->nr;
    if (package->noarch_python && !p->plan->site_packages.len) {
        cenv_error_set(
            p->err, CENV_ELINK,
            "package %s is noarch: python, and there is no python to link it for",
            package->dist.data);
        return cenv_error_hint(p->err, "ask for python too");
    }
    for (size_t i = 0; rc == 0 && i < package->info.nr; i++) {
        rc = cenv_task_poll(p->task, p->err);
        if (rc == 0)
            rc = add_path(p, package, &package->info.paths[i]);
    }
    if (rc == 0 && package->noarch_python && !p->options->no_compile)
        rc = add_bytecode(p, package->first);
    if (rc == 0 && package->noarch_python)
        rc = add_entry_points(p, package);
    package->nr = (uint32_t)p->plan->nr - package->first;
    return rc;
}

/* ---- directories ---- */

static uint32_t add_dir(struct planner *p, struct cenv_str path)
{
    uint32_t at = cenv_map_get(&p->plan->dir_map, path), parent = CENV_NONE, depth = 0;
    void *list = p->plan->dirs;

    if (at != CENV_NONE)
        return at;
    if (path.len) {
        parent = add_dir(p, cenv_path_parent(path));
        if (parent == CENV_NONE)
            return CENV_NONE;
        depth = p->plan->dirs[parent].depth + 1;
        list = p->plan->dirs;
    }
    struct cenv_str kept = cenv_arena_str(&p->plan->arena, path);
    if (!kept.data || !cenv_grow(&list, &p->plan->alloc_dirs, p->plan->nr_dirs,
                                 sizeof(*p->plan->dirs)))
        return CENV_NONE;
    p->plan->dirs = list;
    at = (uint32_t)p->plan->nr_dirs++;
    p->plan->dirs[at] =
        (struct cenv_link_dir){.path = kept, .parent = parent, .depth = depth};
    return cenv_map_put(&p->plan->dir_map, kept, at) ? at : CENV_NONE;
}

/* The shortest beginning of `dir` that some package has as a link; CENV_NONE: all are real. */
static int find_link(struct planner *p, const struct cenv_link_entry *entry,
                     struct cenv_str dir, uint32_t *link, size_t *at)
{
    *link = CENV_NONE;
    for (size_t i = 1; i <= dir.len && *link == CENV_NONE; i++) {
        if (i < dir.len && dir.data[i] != '/')
            continue;
        uint32_t hit = cenv_map_get(&p->plan->targets, cenv_str_slice(dir, 0, i));
        if (hit == CENV_NONE || p->plan->entries[hit].covered ||
            p->plan->entries[hit].kind == CENV_KIND_DIRECTORY)
            continue;
        *link = hit;
        *at = i;
    }
    if (*link == CENV_NONE || p->plan->entries[*link].kind == CENV_KIND_SYMLINK)
        return 0;
    return cenv_error_set(p->err, CENV_ELINK,
                          "'%.*s' is a file in %s and a directory in %s",
                          CENV_STR_ARG(p->plan->entries[*link].target),
                          dist_of(p, &p->plan->entries[*link]), dist_of(p, entry));
}

/* Follows the link at dir[0:at]: *dir becomes the path behind it, in the arena. */
static int follow_link(struct planner *p, const struct cenv_link_entry *entry,
                       uint32_t link, size_t at, struct cenv_str *dir)
{
    const struct cenv_link_entry *via = &p->plan->entries[link];
    struct cenv_str parent = cenv_path_parent(cenv_str_slice(*dir, 0, at));
    struct cenv_buf text, clean;
    int rc = 0;

    cenv_buf_init(&text, parent.len + via->link.len + dir->len + 2);
    cenv_buf_init(&clean, parent.len + via->link.len + dir->len + 2);
    cenv_buf_addf(&text, "%.*s%s%.*s%.*s", CENV_STR_ARG(parent), parent.len ? "/" : "",
                  CENV_STR_ARG(via->link),
                  CENV_STR_ARG(cenv_str_slice(*dir, at, dir->len)));
    cenv_path_clean(cenv_buf_str(&text), &clean);
    struct cenv_str to = cenv_buf_str(&clean);
    if (cenv_str_is(to, "."))
        to.len = 0;
    if (text.failed || clean.failed) {
        rc = cenv_error_oom(p->err);
    } else if (cenv_str_starts(via->link, CENV_STR("/")) ||
               (to.len && cenv_path_refused(to))) {
        rc = cenv_error_set(
            p->err, CENV_ELINK,
            "'%.*s' of %s lies below link '%.*s' of %s, which leaves the prefix",
            CENV_STR_ARG(entry->target), dist_of(p, entry), CENV_STR_ARG(via->target),
            dist_of(p, via));
    } else {
        *dir = cenv_arena_str(&p->plan->arena, to);
        if (!dir->data)
            rc = cenv_error_oom(p->err);
    }
    cenv_buf_release(&text);
    cenv_buf_release(&clean);
    return rc;
}

static int resolve_dir(struct planner *p, const struct cenv_link_entry *entry,
                       struct cenv_str *dir)
{
    uint32_t link;
    size_t at = 0;

    for (int links = 0; links <= MAX_LINKS; links++) {
        int rc = find_link(p, entry, *dir, &link, &at);
        if (rc == 0 && link != CENV_NONE)
            rc = follow_link(p, entry, link, at, dir);
        if (rc < 0 || link == CENV_NONE)
            return rc;
    }
    return cenv_error_set(p->err, CENV_ELINK,
                          "'%.*s' of %s lies below links that form a loop",
                          CENV_STR_ARG(entry->target), dist_of(p, entry));
}

/* An entry found to lie elsewhere than its name says: it meets what has that place by name. */
static int relocate_entry(struct planner *p, uint32_t index, struct cenv_str dir)
{
    struct cenv_link_entry *entry = &p->plan->entries[index];
    struct cenv_str base = cenv_path_base(entry->target);
    char *text = cenv_arena_alloc(&p->plan->arena, dir.len + base.len + 2);

    if (!text)
        return cenv_error_oom(p->err);
    snprintf(text, dir.len + base.len + 2, "%.*s%s%.*s", CENV_STR_ARG(dir),
             dir.len ? "/" : "", CENV_STR_ARG(base));
    entry->real = cenv_str(text);
    uint32_t other = cenv_map_get(&p->plan->targets, entry->real);
    if (other == CENV_NONE || p->plan->entries[other].covered)
        return cenv_map_put(&p->plan->targets, entry->real, index)
                   ? 0
                   : cenv_error_oom(p->err);
    bool later = other < index;
    return replace_entry(p, later ? other : index, later ? index : other);
}

/* Entries of one directory come together: the last answer is kept. */
static int place_entries(struct planner *p)
{
    struct cenv_str last = {NULL, 0}, real = {"", 0};
    uint32_t dir = 0;
    int rc = 0;

    for (uint32_t i = 0; rc == 0 && i < p->plan->nr; i++) {
        struct cenv_link_entry *entry = &p->plan->entries[i];
        bool is_dir = entry->kind == CENV_KIND_DIRECTORY;
        struct cenv_str parent =
            is_dir ? entry->target : cenv_path_parent(entry->target);
        entry->real = entry->target;
        if (entry->covered)
            continue;
        if (!last.data || !cenv_str_eq(parent, last)) {
            last = real = parent;
            if (!is_dir || entry->winner == CENV_NONE)
                rc = resolve_dir(p, entry, &real);
            dir = rc == 0 ? add_dir(p, real) : CENV_NONE;
            if (rc == 0 && dir == CENV_NONE)
                rc = cenv_error_oom(p->err);
        }
        entry->dir = dir;
        if (rc == 0 && !is_dir && !cenv_str_eq(real, last) &&
            entry->winner == CENV_NONE)
            rc = relocate_entry(p, i, real);
    }
    return rc;
}

/* ---- order of execution ---- */

struct sort_item {
    uint32_t dir, entry;
};

static int by_dir(const void *a, const void *b)
{
    const struct sort_item *x = a, *y = b;

    if (x->dir != y->dir)
        return x->dir < y->dir ? -1 : 1;
    return (x->entry > y->entry) - (x->entry < y->entry);
}

static int make_order(struct planner *p)
{
    struct cenv_link_plan *plan = p->plan;
    struct sort_item *items = cenv_reallocarray(NULL, plan->nr + 1, sizeof(*items));
    size_t nr = 0;

    plan->order = cenv_reallocarray(NULL, plan->nr + 1, sizeof(*plan->order));
    if (!items || !plan->order) {
        cenv_free(items);
        return cenv_error_oom(p->err);
    }
    for (uint32_t i = 0; i < plan->nr; i++)
        if (plan->entries[i].winner == CENV_NONE &&
            plan->entries[i].kind != CENV_KIND_DIRECTORY)
            items[nr++] = (struct sort_item){plan->entries[i].dir, i};
    qsort(items, nr, sizeof(*items), by_dir);
    for (size_t i = 0; i < nr; i++) {
        struct cenv_link_dir *dir = &plan->dirs[items[i].dir];
        if (!dir->nr++)
            dir->first = (uint32_t)i;
        plan->order[i] = items[i].entry;
    }
    plan->nr_order = nr;
    cenv_free(items);
    return 0;
}

/* ---- all of it ---- */

int cenv_link_plan_make(struct cenv_link_plan **out,
                        const struct cenv_link_package *packages, size_t nr,
                        const struct cenv_link_options *options,
                        struct cenv_link_stats *stats, struct cenv_task *task,
                        struct cenv_error *err)
{
    struct planner p = {cenv_calloc(1, sizeof(struct cenv_link_plan)), options, stats,
                        task, err};

    if (!p.plan)
        return cenv_error_oom(err);
    int rc = cenv_forms_init(&p.plan->forms, cenv_str(options->target_prefix), err);
    if (rc == 0)
        rc = read_packages(&p, packages, nr);
    if (rc == 0)
        rc = find_python(&p);
    for (size_t i = 0; rc == 0 && i < nr; i++)
        rc = add_package(&p, &p.plan->packages[i]);
    if (rc == 0)
        rc = cenv_link_plan_settle_nesting(p.plan, stats, task, err);
    if (rc == 0 && add_dir(&p, CENV_STR("")) == CENV_NONE)
        rc = cenv_error_oom(err);
    if (rc == 0)
        rc = place_entries(&p);
    if (rc == 0 && add_dir(&p, CENV_STR("conda-meta")) == CENV_NONE)
        rc = cenv_error_oom(err);
    if (rc == 0)
        rc = make_order(&p);
    if (rc == 0)
        rc = cenv_link_mtimes_decide(p.plan, stats, err);
    if (rc == 0)
        rc = cenv_link_plan_check_lengths(p.plan, task, err);
    if (rc == 0)
        *out = p.plan;
    else
        cenv_link_plan_free(p.plan);
    return rc;
}
